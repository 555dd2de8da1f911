#include "pipelines/dataset_plan.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/check.h"

namespace guise::pipelines {

using nlohmann::json;

namespace {

constexpr int64_t kPicturesPerShard = 2000;
constexpr int64_t kMostPictures = 1'000'000'000'000;
constexpr uint64_t kMostIdentity = uint64_t{1} << 62;
// ArcFace's square is about 2 dm of a face. Room around it keeps turned and tilted heads from
// leaving black corners: generators frame 3.6 dm.
constexpr double kCropMagnification = 1.8;
// Keys and classes of RecordIO are float32: whole numbers beyond 2^24 cannot be told apart.
constexpr int64_t kMostRecords = int64_t{1} << 24;

bool is_one_of(const std::string& value, const std::vector<std::string>& allowed) {
  return std::find(allowed.begin(), allowed.end(), value) != allowed.end();
}

void check_counts(const DatasetOptions& o) {
  GUISE_CHECK_ARG(o.identities >= 1, "identities must be at least 1; got ", o.identities);
  GUISE_CHECK_ARG(o.images_per_identity >= 1, "images_per_identity must be at least 1; got ",
                  o.images_per_identity);
  GUISE_CHECK_ARG(o.identities <= kMostPictures / o.images_per_identity,
                  "identities x images_per_identity must be at most 10^12; got ", o.identities,
                  " x ", o.images_per_identity);
  GUISE_CHECK_ARG(o.first_identity < kMostIdentity, "first_identity must be below 2^62; got ",
                  o.first_identity);
  GUISE_CHECK_ARG(
      o.identities_per_shard >= 0 && o.identities_per_shard <= kMostPictures,
      "identities_per_shard must lie from 1 to 10^12, or be 0 for about 2,000 pictures; "
      "got ",
      o.identities_per_shard);
  GUISE_CHECK_ARG(o.size_px >= 32 && o.size_px <= 1024, "size_px must lie from 32 to 1024; got ",
                  o.size_px);
}

void check_words(const DatasetOptions& o) {
  GUISE_CHECK_ARG(is_one_of(o.crop, {"arcface", "none"}), "crop must be 'arcface' or 'none'; got '",
                  o.crop, "'");
  GUISE_CHECK_ARG(is_one_of(o.format, {"folder", "webdataset", "recordio", "parquet"}),
                  "format must be 'folder', 'webdataset', 'recordio' or 'parquet'; got '", o.format,
                  "'");
  GUISE_CHECK_ARG(is_one_of(o.encoding, {"jpg", "png"}), "encoding must be 'jpg' or 'png'; got '",
                  o.encoding, "'");
  GUISE_CHECK_ARG(o.jpeg_quality >= 1 && o.jpeg_quality <= 100,
                  "jpeg_quality must lie from 1 to 100; got ", o.jpeg_quality);
  GUISE_CHECK_ARG(is_one_of(o.provenance, {"picture", "card", "none"}),
                  "provenance must be 'picture', 'card' or 'none'; got '", o.provenance, "'");
  GUISE_CHECK_ARG(
      o.crop == "none" || generated_size_px(o) <= 1024,
      "size_px must be at most 568 with crop 'arcface', which is cut from a larger picture; got ",
      o.size_px);
  GUISE_CHECK_ARG(
      o.format != "recordio" || o.identities * (o.images_per_identity + 1) < kMostRecords,
      "recordio counts in float32 and holds at most 16,777,215 pictures and identities "
      "together; got ",
      o.identities * (o.images_per_identity + 1),
      ": choose webdataset or parquet, or make several datasets with first_identity");
}

void check_gate(const DatasetGate& gate) {
  GUISE_CHECK_ARG(gate.attempts >= 1 && gate.attempts <= 1000,
                  "attempts must lie from 1 to 1000; got ", gate.attempts);
  GUISE_CHECK_ARG(gate.max_given_up_share >= 0 && gate.max_given_up_share <= 1,
                  "max_given_up_share must lie from 0 to 1; got ", gate.max_given_up_share);
  GUISE_CHECK_ARG(gate.landmark_tolerance > 0 && gate.landmark_tolerance <= 10,
                  "landmark_tolerance must lie above 0 and be at most 10; got ",
                  gate.landmark_tolerance);
}

void list_differences(const json& there, const json& wanted, const std::string& prefix,
                      std::vector<std::string>& differences) {
  json names = there;
  names.update(wanted);
  for (const auto& [name, ignored] : names.items()) {
    const json old_value = there.contains(name) ? there[name] : json();
    const json new_value = wanted.contains(name) ? wanted[name] : json();
    if (old_value.is_object() && new_value.is_object()) {
      list_differences(old_value, new_value, prefix + name + ".", differences);
    } else if (old_value != new_value) {
      differences.push_back(prefix + name + ": " + old_value.dump() + " there, " +
                            new_value.dump() + " asked for");
    }
  }
}

}  // namespace

void DatasetOptions::validate() const {
  check_counts(*this);
  check_words(*this);
  check_gate(gate);
}

int64_t DatasetPlan::shards() const {
  return (options.identities + options.identities_per_shard - 1) / options.identities_per_shard;
}

ShardRange DatasetPlan::shard(int64_t index) const {
  const int64_t start = index * options.identities_per_shard;
  return {options.first_identity + static_cast<uint64_t>(start),
          std::min(options.identities_per_shard, options.identities - start)};
}

int64_t generated_size_px(const DatasetOptions& options) {
  return options.crop == "none" ? options.size_px
                                : static_cast<int64_t>(std::ceil(
                                      kCropMagnification * static_cast<double>(options.size_px)));
}

DatasetPlan make_plan(const DatasetOptions& options, const std::string& generator_json,
                      const std::string& detector_name, const std::string& detector_sha256,
                      const std::string& writer) {
  options.validate();
  DatasetPlan plan{options, ""};
  DatasetOptions& o = plan.options;
  if (o.identities_per_shard == 0) {
    o.identities_per_shard = std::max<int64_t>(1, kPicturesPerShard / o.images_per_identity);
  }
  json encoding = {{"format", o.encoding}};
  if (o.encoding == "jpg") {
    encoding["quality"] = o.jpeg_quality;
  }
  json gate;
  if (o.gate.enabled) {
    gate = {{"detector", detector_name},
            {"sha256", detector_sha256},
            {"landmark_tolerance", o.gate.landmark_tolerance},
            {"attempts", o.gate.attempts},
            {"max_given_up_share", o.gate.max_given_up_share}};
  }
  json values = {{"guise", GUISE_VERSION},
                 {"generator", json::parse(generator_json)},
                 {"seed", o.seed},
                 {"first_identity", o.first_identity},
                 {"identities", o.identities},
                 {"images_per_identity", o.images_per_identity},
                 {"size_px", o.size_px},
                 {"crop", o.crop},
                 {"format", o.format},
                 {"encoding", encoding},
                 {"identities_per_shard", o.identities_per_shard},
                 {"gate", gate},
                 {"provenance", o.provenance}};
  if (!writer.empty()) {
    values["writer"] = writer;
  }
  plan.json = values.dump();
  return plan;
}

std::vector<std::string> plan_differences(const std::string& there, const std::string& wanted) {
  const json old_plan = json::parse(there, nullptr, /*allow_exceptions=*/false);
  if (!old_plan.is_object() || !old_plan.contains("generator")) {
    throw CorruptFile("plan.json is not a plan of a dataset; choose another folder");
  }
  std::vector<std::string> differences;
  list_differences(old_plan, json::parse(wanted), "", differences);
  return differences;
}

}  // namespace guise::pipelines
