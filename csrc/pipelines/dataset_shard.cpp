#include "pipelines/dataset_shard.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/check.h"
#include "io/record_io.h"
#include "io/tar_archive.h"

namespace guise::pipelines {

using nlohmann::ordered_json;

namespace {

std::string padded(uint64_t number, int width) {
  std::string digits = std::to_string(number);
  const size_t wanted = static_cast<size_t>(width);
  return digits.size() >= wanted ? digits : std::string(wanted - digits.size(), '0') + digits;
}

double rounded(double value) {
  return std::round(value * 100.0) / 100.0;
}

std::vector<uint8_t> bytes_of(const std::string& text) {
  return {text.begin(), text.end()};
}

std::vector<uint8_t> lines_of(const Shard& shard) {
  std::vector<uint8_t> bytes;
  for (const DatasetPicture& picture : shard.pictures) {
    bytes.insert(bytes.end(), picture.line.begin(), picture.line.end());
    bytes.push_back('\n');
  }
  return bytes;
}

std::vector<uint8_t> tar_of(const DatasetPlan& plan, const Shard& shard) {
  io::TarArchive archive;
  for (const DatasetPicture& picture : shard.pictures) {
    const std::string key = picture_key(picture.key);
    const std::vector<uint8_t> label =
        bytes_of(std::to_string(picture.key.identity - plan.options.first_identity));
    const std::vector<uint8_t> line = bytes_of(picture.line);
    archive.add(key + "." + plan.options.encoding, picture.bytes.data(), picture.bytes.size());
    archive.add(key + ".cls", label.data(), label.size());
    archive.add(key + ".json", line.data(), line.size());
  }
  return archive.finish();
}

std::vector<uint8_t> records_of(const DatasetPlan& plan, const Shard& shard) {
  std::vector<uint8_t> bytes;
  for (const DatasetPicture& picture : shard.pictures) {
    const auto label = static_cast<float>(picture.key.identity - plan.options.first_identity);
    const std::vector<uint8_t> payload = io::image_payload(label, 0, picture.bytes);
    io::append_record(bytes, payload.data(), payload.size());
  }
  return bytes;
}

std::string tar_name(const DatasetPlan& plan, int64_t shard) {
  const int width = std::max<int>(6, static_cast<int>(std::to_string(plan.shards() - 1).size()));
  return "shard-" + padded(static_cast<uint64_t>(shard), width) + ".tar";
}

std::string parquet_name(const DatasetPlan& plan, int64_t shard) {
  const auto count = static_cast<uint64_t>(plan.shards());
  const int width = std::max<int>(5, static_cast<int>(std::to_string(count).size()));
  return "data/train-" + padded(static_cast<uint64_t>(shard), width) + "-of-" +
         padded(count, width) + ".parquet";
}

}  // namespace

void ShardCounts::add(const ShardCounts& other) {
  pictures += other.pictures;
  attempts += other.attempts;
  no_face += other.no_face;
  landmarks += other.landmarks;
  other_face += other.other_face;
  nearer_to_another += other.nearer_to_another;
  low_quality += other.low_quality;
  given_up += other.given_up;
}

std::string picture_name(const stages::SampleKey& key, const std::string& encoding) {
  return padded(key.identity, 6) + "/" + padded(key.sample, 3) + "." + encoding;
}

std::string picture_key(const stages::SampleKey& key) {
  return padded(key.identity, 6) + "_" + padded(key.sample, 3);
}

std::string metadata_line(const DatasetOptions& options, const stages::SampleKey& key,
                          const core::Landmarks5& landmarks, const core::Box& box,
                          const std::string& attributes_json) {
  ordered_json points = ordered_json::array();
  for (const core::Point& point : landmarks) {
    points.push_back({rounded(point.x), rounded(point.y)});
  }
  const ordered_json values = {
      {"file", picture_name(key, options.encoding)},
      {"label", key.identity - options.first_identity},
      {"identity", key.identity},
      {"sample", key.sample},
      {"attempt", key.attempt},
      {"landmarks", points},
      {"box", {rounded(box.x0), rounded(box.y0), rounded(box.x1), rounded(box.y1)}},
      {"attributes", ordered_json::parse(attributes_json)}};
  return values.dump();
}

std::string part_lines_name(int64_t shard) {
  return "parts/" + padded(static_cast<uint64_t>(shard), 6) + ".jsonl";
}

std::string part_records_name(int64_t shard) {
  return "parts/" + padded(static_cast<uint64_t>(shard), 6) + ".rec";
}

std::vector<ShardFile> encode_shard(const DatasetPlan& plan, const Shard& shard,
                                    const ParquetEncoder& parquet) {
  const std::string& format = plan.options.format;
  if (format == "webdataset") {
    return {{tar_name(plan, shard.index), tar_of(plan, shard)}};
  }
  if (format == "parquet") {
    if (!parquet) {
      throw Unavailable(
          "Parquet is written by pyarrow: use guise from Python with guise[parquet] installed, or "
          "choose webdataset, recordio or folder");
    }
    return {{parquet_name(plan, shard.index), parquet(shard)}};
  }
  std::vector<ShardFile> files;
  if (format == "recordio") {
    files.push_back({part_records_name(shard.index), records_of(plan, shard)});
  } else {
    for (const DatasetPicture& picture : shard.pictures) {
      files.push_back({picture_name(picture.key, plan.options.encoding), picture.bytes});
    }
  }
  files.push_back({part_lines_name(shard.index), lines_of(shard)});
  return files;
}

}  // namespace guise::pipelines
