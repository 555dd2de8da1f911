#include "pipelines/dataset_folder.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "core/check.h"
#include "io/sha256.h"
#include "pipelines/dataset_merge.h"

namespace guise::pipelines {

using nlohmann::json;
using nlohmann::ordered_json;
namespace fs = std::filesystem;

namespace {

constexpr const char* kPlan = "plan.json";
constexpr const char* kManifest = "manifest.jsonl";
constexpr const char* kCard = "README.md";
constexpr const char* kLog = "run.jsonl";
constexpr const char* kParts = "parts";
constexpr int64_t kMaxPlanBytes = 16 << 20;
constexpr int64_t kMaxFileBytes = int64_t{1} << 40;

std::string text_of(const std::string& path, int64_t max_bytes) {
  const std::vector<uint8_t> bytes = io::read_file(path, max_bytes);
  return {bytes.begin(), bytes.end()};
}

void write_text(const std::string& path, const std::string& text) {
  io::write_file_atomically(path, reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

void make_folders(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) {
    throw Unavailable(core::message(path, " could not be made: ", error.message()));
  }
}

// Reasons of gates that a dataset does not have are left out.
ordered_json rejected(const ShardCounts& counts) {
  ordered_json reasons = {{"no face", counts.no_face}, {"landmarks", counts.landmarks}};
  if (counts.other_face > 0) reasons["other face"] = counts.other_face;
  if (counts.nearer_to_another > 0) reasons["nearer to another"] = counts.nearer_to_another;
  if (counts.low_quality > 0) reasons["low quality"] = counts.low_quality;
  return reasons;
}

ordered_json counts_json(const ShardCounts& counts) {
  return {{"pictures", counts.pictures},
          {"attempts", counts.attempts},
          {"rejected", rejected(counts)},
          {"given_up", counts.given_up}};
}

ShardCounts counts_of(const json& note) {
  ShardCounts counts;
  counts.pictures = note.at("pictures");
  counts.attempts = note.at("attempts");
  counts.no_face = note.at("rejected").at("no face");
  counts.landmarks = note.at("rejected").at("landmarks");
  counts.other_face = note.at("rejected").value("other face", int64_t{0});
  counts.nearer_to_another = note.at("rejected").value("nearer to another", int64_t{0});
  counts.low_quality = note.at("rejected").value("low quality", int64_t{0});
  counts.given_up = note.at("given_up");
  return counts;
}

// Whether the file has its length and, when asked, its sha256.
bool holds(const std::string& path, const json& file, bool verify) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  return !error && size == file.at("bytes").get<uintmax_t>() &&
         (!verify || io::sha256_file(path) == file.at("sha256").get<std::string>());
}

// Nothing but the logs of jobs that have drawn no shard yet.
bool holds_logs_only(const fs::path& parts) {
  const fs::directory_iterator entries(parts);
  return std::all_of(begin(entries), end(entries), [](const fs::directory_entry& entry) {
    return entry.path().filename().string().starts_with("run-");
  });
}

// A file in a folder where no shard has been written; empty where there is none. Where there is a
// plan, a job in parts/ relies on it.
std::string foreign_file(const std::string& path) {
  const bool has_plan = fs::exists(path + "/" + kPlan);
  std::error_code error;
  fs::directory_iterator entries(path, error);
  if (error) {
    throw Unavailable(core::message(path, " could not be listed: ", error.message()));
  }
  for (const fs::directory_entry& entry : entries) {
    const std::string name = entry.path().filename().string();
    const bool ours = io::is_temporary_name(name) || name == kLog || name == kPlan ||
                      (name == kParts && entry.is_directory() &&
                       (has_plan ? fs::is_empty(entry.path()) : holds_logs_only(entry.path())));
    if (!ours) {
      return name;
    }
  }
  return "";
}

void check_same_plan(const std::string& path, const std::string& there, const std::string& wanted) {
  const std::vector<std::string> differences = plan_differences(there, wanted);
  if (differences.empty()) {
    return;
  }
  std::ostringstream list;
  for (const std::string& difference : differences) {
    list << difference << "; ";
  }
  throw std::invalid_argument(core::message(path, " holds a dataset of another plan: ", list.str(),
                                            "choose another folder, or ask for the same"));
}

}  // namespace

DatasetFolder::DatasetFolder(const std::string& path, const DatasetPlan& plan,
                             const std::string& job)
    : path_(path),
      plan_(plan),
      plan_sha256_(
          io::sha256_hex(reinterpret_cast<const uint8_t*>(plan.json.data()), plan.json.size())),
      job_(job) {
  std::error_code error;
  GUISE_CHECK_ARG(!fs::exists(path, error) || fs::is_directory(path, error),
                  "the output must be a folder; ", path, " is a file");
  make_folders(path);
  begin();
}

void DatasetFolder::begin() {
  // A plan of which nothing was drawn may be replaced by another.
  const std::string foreign = foreign_file(path_);
  const bool is_new = foreign.empty() && (job_.empty() || !fs::exists(at(kPlan)));
  was_begun_ = !fs::is_empty(path_);
  if (!is_new) {
    GUISE_CHECK_ARG(fs::exists(at(kPlan)),
                    "the folder of a dataset must be new, empty or hold the same dataset; ", path_,
                    " holds '", foreign, "': choose another folder");
    check_same_plan(path_, text_of(at(kPlan), kMaxPlanBytes), plan_.json);
    read_manifest();
    if (!job_.empty() && is_complete(/*verify=*/false)) {
      return;
    }
  }
  // Jobs with a range may start together on a new folder: the plan comes before all else, and is
  // looked at again in case another job's came last.
  if (is_new && !job_.empty()) {
    write_text(at(kPlan), plan_.json);
    check_same_plan(path_, text_of(at(kPlan), kMaxPlanBytes), plan_.json);
  }
  if (!job_.empty()) {
    make_folders(at(kParts));
  }
  log_ = std::make_unique<io::AppendFile>(
      job_.empty() ? at(kLog) : at(std::string(kParts) + "/run-" + job_ + ".jsonl"));
  if (is_new && job_.empty()) {
    write_text(at(kPlan), plan_.json);
  }
}

// Lines that are whole are taken; a manifest cut short is no manifest, but its shards are.
void DatasetFolder::read_manifest() {
  if (!fs::exists(at(kManifest))) {
    return;
  }
  std::istringstream lines(text_of(at(kManifest), kMaxFileBytes));
  std::string line;
  int64_t expected = -1;  // the header
  while (std::getline(lines, line) && !manifest_ends_) {
    const json values = json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!values.is_object()) {
      break;
    }
    if (expected < 0) {
      if (values.value("plan", json()) != plan_sha256_) {
        break;
      }
    } else if (values.contains("end")) {
      manifest_ends_ = expected == plan_.shards();
      totals_ = line;
    } else if (values.value("shard", json()) == expected) {
      notes_[expected] = line;
    } else {
      break;
    }
    ++expected;
  }
}

bool DatasetFolder::is_complete(bool verify) const {
  if (!manifest_ends_) {
    return false;
  }
  try {
    for (int64_t i = 0; i < plan_.shards(); ++i) {
      if (!holds_files(i, json::parse(notes_.at(i)), verify)) {
        return false;
      }
    }
    const json totals = json::parse(totals_);
    static_cast<void>(counts_of(totals));
    return std::all_of(totals.at("files").begin(), totals.at("files").end(),
                       [&](const json& file) { return holds(at(file.at("name")), file, verify); });
  } catch (const json::exception&) {
    return false;  // a damaged manifest is none
  }
}

bool DatasetFolder::holds_files(int64_t index, const json& note, bool verify) const {
  const bool in_folders = plan_.options.format == "folder";
  const json& files = note.at("files");
  return std::all_of(files.begin(), files.end(), [&](const json& file) {
    return in_folders ? holds_pictures(path_, plan_, index, file, verify)
                      : holds(at(file.at("name")), file, verify);
  });
}

ShardCounts DatasetFolder::totals() const {
  return counts_of(json::parse(totals_));
}

std::string DatasetFolder::read_note(int64_t index) const {
  const std::string path = at(part_note_name(index));
  if (fs::exists(path)) {
    return text_of(path, kMaxPlanBytes);
  }
  // What is merged cannot be taken apart again; shards that stand for themselves can be kept.
  const bool stands_alone =
      plan_.options.format == "webdataset" || plan_.options.format == "parquet";
  const auto found = notes_.find(index);
  return stands_alone && found != notes_.end() ? found->second : "";
}

bool DatasetFolder::has_shard(int64_t index, bool verify, ShardCounts& counts) const {
  const json note = json::parse(read_note(index), nullptr, /*allow_exceptions=*/false);
  if (!note.is_object() || note.value("shard", json()) != index) {
    return false;
  }
  try {
    const json parts = note.value("parts", json::array());
    const bool all = holds_files(index, note, verify) &&
                     std::all_of(parts.begin(), parts.end(), [&](const json& part) {
                       return holds(at(part.at("name")), part, /*verify=*/true);
                     });
    if (all) {
      counts = counts_of(note);
    }
    return all;
  } catch (const json::exception&) {
    return false;  // a damaged note is none
  }
}

void DatasetFolder::add(const Shard& shard, const ParquetEncoder& parquet) {
  make_folders(at(kParts));
  ordered_json files = ordered_json::array();
  ordered_json parts = ordered_json::array();
  std::vector<uint8_t> all_pictures;
  for (const ShardFile& file : encode_shard(plan_, shard, parquet)) {
    make_folders(fs::path(at(file.name)).parent_path().string());
    const bool is_part = file.name.starts_with("parts/");
    if (plan_.options.format == "folder" && !is_part) {
      io::write_file_unsynced(at(file.name), file.bytes.data(), file.bytes.size());
      all_pictures.insert(all_pictures.end(), file.bytes.begin(), file.bytes.end());
      continue;
    }
    io::write_file_atomically(at(file.name), file.bytes.data(), file.bytes.size());
    (is_part ? parts : files)
        .push_back({{"name", file.name},
                    {"bytes", file.bytes.size()},
                    {"sha256", io::sha256_hex(file.bytes.data(), file.bytes.size())}});
  }
  if (plan_.options.format == "folder") {
    io::sync_file_system(path_);
    files.push_back({{"name", identity_folders(plan_, shard.index)},
                     {"bytes", all_pictures.size()},
                     {"sha256", io::sha256_hex(all_pictures.data(), all_pictures.size())}});
  }
  const ShardRange range = plan_.shard(shard.index);
  ordered_json note = {{"shard", shard.index},
                       {"first_identity", range.first_identity},
                       {"identities", range.identities}};
  note.update(counts_json(shard.counts));
  note["files"] = files;
  if (!parts.empty()) {
    note["parts"] = parts;
  }
  write_text(at(part_note_name(shard.index)), note.dump());
}

void DatasetFolder::finish(const CardWriter& card) {
  ShardCounts totals;
  std::string manifest =
      ordered_json{{"guise", GUISE_VERSION}, {"plan", plan_sha256_}, {"shards", plan_.shards()}}
          .dump() +
      "\n";
  std::vector<int64_t> missing;
  for (int64_t i = 0; i < plan_.shards(); ++i) {
    ordered_json note = ordered_json::parse(read_note(i), nullptr, /*allow_exceptions=*/false);
    if (!note.is_object()) {
      missing.push_back(i);
      continue;
    }
    note.erase("parts");
    totals.add(counts_of(note));
    manifest += note.dump() + "\n";
  }
  if (!missing.empty()) {
    throw Unavailable(core::message(path_, ": ", missing.size(), " of ", plan_.shards(),
                                    " shards are not there, the first is shard ", missing.front(),
                                    ": run the same command without a range to draw them"));
  }
  ordered_json end = {{"end", true}};
  end.update(counts_json(totals));
  end["files"] = ordered_json::array();
  for (const MergedFile& file : merge_shards(path_, plan_)) {
    end["files"].push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  }
  write_text(at(kCard), card ? card(end.dump()) : plain_card(plan_, end.dump()));
  write_text(at(kManifest), manifest + end.dump() + "\n");
  if (was_begun_) {
    io::remove_temporaries(path_);
  }
  remove_parts(path_, *log_);
}

void DatasetFolder::clear_up() {
  if (job_.empty() && fs::exists(at(kParts))) {
    io::remove_temporaries(path_);
    remove_parts(path_, *log_);
  }
}

void DatasetFolder::log_run(const std::string& json_line) {
  if (log_) {
    log_->append_line(json_line, /*durable=*/true);
  }
}

}  // namespace guise::pipelines
