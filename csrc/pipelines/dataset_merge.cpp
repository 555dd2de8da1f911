#include "pipelines/dataset_merge.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "core/check.h"
#include "io/record_io.h"
#include "io/sha256.h"
#include "pipelines/dataset_shard.h"

namespace guise::pipelines {

using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr int64_t kMaxPartBytes = int64_t{1} << 40;

std::string folder_name(uint64_t identity) {
  return fs::path(picture_name({identity, 0, 0}, "jpg")).parent_path().string() + "/";
}

bool is_picture(const fs::path& path, const DatasetPlan& plan) {
  return path.extension() == "." + plan.options.encoding &&
         !io::is_temporary_name(path.filename().string());
}

// Pictures of one identity in the order of their samples.
std::vector<fs::path> pictures_of(const std::string& root, const DatasetPlan& plan,
                                  uint64_t identity) {
  std::vector<fs::path> pictures;
  for (int64_t sample = 0; sample < plan.options.images_per_identity; ++sample) {
    fs::path path = fs::path(root) / picture_name({identity, static_cast<uint64_t>(sample), 0},
                                                  plan.options.encoding);
    std::error_code error;
    if (is_picture(path, plan) && fs::is_regular_file(path, error)) {
      pictures.push_back(std::move(path));
    }
  }
  return pictures;
}

void write_text(io::AtomicFile& file, const std::string& text) {
  file.write(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

MergedFile committed(io::AtomicFile& file, const std::string& root, const std::string& name) {
  const int64_t bytes = file.size();
  file.commit();
  return {name, bytes, io::sha256_file(root + "/" + name)};
}

MergedFile merge_lines(const std::string& root, const DatasetPlan& plan) {
  const std::string name = "metadata.jsonl";
  io::AtomicFile merged(root + "/" + name);
  for (int64_t i = 0; i < plan.shards(); ++i) {
    const std::vector<uint8_t> lines =
        io::read_file(root + "/" + part_lines_name(i), kMaxPartBytes);
    merged.write(lines.data(), lines.size());
  }
  return committed(merged, root, name);
}

// train.rec, its index and its list while they grow.
class RecordFiles {
 public:
  RecordFiles(const std::string& root, const DatasetPlan& plan)
      : root_(root),
        plan_(plan),
        records_(root + "/train.rec"),
        index_(root + "/train.idx"),
        list_(root + "/train.lst") {}

  // Pictures of all shards, between the header and one record an identity.
  std::vector<MergedFile> write(int64_t pictures) {
    const auto first_identity_key = static_cast<float>(pictures + 1);
    const auto end_key = static_cast<float>(pictures + 1 + plan_.options.identities);
    add(0, io::label_payload({first_identity_key, end_key}, 0));
    key_ = 1;
    starts_.assign(static_cast<size_t>(plan_.options.identities) + 1, 0);
    for (int64_t i = 0; i < plan_.shards(); ++i) {
      add_shard(i);
    }
    std::fill(starts_.begin() + class_ + 1, starts_.end(), key_);
    for (int64_t person = 0; person < plan_.options.identities; ++person) {
      const auto place = static_cast<size_t>(person);
      const uint64_t key = static_cast<uint64_t>(pictures + 1 + person);
      add(key,
          io::label_payload(
              {static_cast<float>(starts_[place]), static_cast<float>(starts_[place + 1])}, key));
    }
    const std::string size = std::to_string(plan_.options.size_px);
    io::AtomicFile property(root_ + "/property");
    write_text(property, std::to_string(plan_.options.identities) + "," + size + "," + size + "\n");
    return {committed(records_, root_, "train.rec"), committed(index_, root_, "train.idx"),
            committed(list_, root_, "train.lst"), committed(property, root_, "property")};
  }

 private:
  void add(uint64_t key, const std::vector<uint8_t>& payload) {
    write_text(index_, std::to_string(key) + "\t" + std::to_string(records_.size()) + "\n");
    std::vector<uint8_t> record;
    io::append_record(record, payload.data(), payload.size());
    records_.write(record.data(), record.size());
  }

  void add_shard(int64_t shard) {
    const std::vector<uint8_t> records =
        io::read_file(root_ + "/" + part_records_name(shard), kMaxPartBytes);
    const std::vector<uint8_t> lines =
        io::read_file(root_ + "/" + part_lines_name(shard), kMaxPartBytes);
    std::istringstream names(std::string(lines.begin(), lines.end()));
    std::string line;
    for (size_t offset = 0; offset < records.size() && std::getline(names, line);) {
      const io::Record record = io::read_record(records.data(), records.size(), offset);
      offset = record.next_offset;
      for (const auto person = static_cast<int64_t>(record.label); class_ < person;) {
        starts_[static_cast<size_t>(++class_)] = key_;
      }
      add(static_cast<uint64_t>(key_),
          io::image_payload(record.label, static_cast<uint64_t>(key_), record.picture));
      write_text(list_, std::to_string(key_) + "\t" +
                            std::to_string(static_cast<int64_t>(record.label)) + "\t" +
                            json::parse(line).at("file").get<std::string>() + "\n");
      ++key_;
    }
  }

  const std::string& root_;
  const DatasetPlan& plan_;
  io::AtomicFile records_, index_, list_;
  int64_t key_ = 0;              // of the next picture
  int64_t class_ = -1;           // of the last one
  std::vector<int64_t> starts_;  // first key of each class, and the end
};

// 000012.json, 000012.jsonl, 000012.rec or run-0-4.jsonl: a file of ours in parts/.
bool is_part_name(const fs::path& path) {
  const std::string stem = path.stem().string();
  const std::string extension = path.extension().string();
  const bool is_number =
      !stem.empty() &&
      std::all_of(stem.begin(), stem.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  return (is_number && (extension == ".json" || extension == ".jsonl" || extension == ".rec")) ||
         (stem.starts_with("run-") && extension == ".jsonl");
}

int64_t count_pictures(const std::string& root, const DatasetPlan& plan) {
  int64_t count = 0;
  for (int64_t i = 0; i < plan.shards(); ++i) {
    const std::vector<uint8_t> lines =
        io::read_file(root + "/" + part_lines_name(i), kMaxPartBytes);
    count += std::count(lines.begin(), lines.end(), '\n');
  }
  return count;
}

}  // namespace

std::string part_note_name(int64_t shard) {
  const std::string lines = part_lines_name(shard);
  return lines.substr(0, lines.size() - std::string("jsonl").size()) + "json";
}

std::string identity_folders(const DatasetPlan& plan, int64_t shard) {
  const ShardRange range = plan.shard(shard);
  const auto last = range.first_identity + static_cast<uint64_t>(range.identities) - 1;
  return folder_name(range.first_identity) + " .. " + folder_name(last);
}

bool holds_pictures(const std::string& root, const DatasetPlan& plan, int64_t shard,
                    const json& file, bool verify) {
  const ShardRange range = plan.shard(shard);
  std::vector<uint8_t> all;
  uintmax_t total = 0;
  for (int64_t i = 0; i < range.identities; ++i) {
    for (const fs::path& path :
         pictures_of(root, plan, range.first_identity + static_cast<uint64_t>(i))) {
      std::error_code error;
      total += fs::file_size(path, error);
      if (verify) {
        const std::vector<uint8_t> bytes = io::read_file(path.string(), kMaxPartBytes);
        all.insert(all.end(), bytes.begin(), bytes.end());
      }
    }
  }
  return total == file.at("bytes").get<uintmax_t>() &&
         (!verify ||
          io::sha256_hex(all.data(), all.size()) == file.at("sha256").get<std::string>());
}

std::vector<MergedFile> merge_shards(const std::string& root, const DatasetPlan& plan) {
  std::vector<MergedFile> files;
  if (plan.options.format == "recordio") {
    files = RecordFiles(root, plan).write(count_pictures(root, plan));
  }
  if (plan.options.format == "recordio" || plan.options.format == "folder") {
    files.push_back(merge_lines(root, plan));
  }
  return files;
}

std::string plain_card(const DatasetPlan& plan, const std::string& totals_json) {
  return "# Faces of nobody\n\nGenerated by guise " + std::string(GUISE_VERSION) +
         "; IPTC digital source type: trainedAlgorithmicMedia.\n\n    plan: " + plan.json +
         "\n    made: " + totals_json + "\n";
}

void remove_parts(const std::string& root, io::AppendFile& log) {
  std::error_code error;
  std::set<fs::path> found;
  for (fs::directory_iterator it(root + "/parts", error), end; !error && it != end;
       it.increment(error)) {
    found.insert(it->path());
  }
  for (const fs::path& path : found) {
    const std::string name = path.filename().string();
    if (name.starts_with("run-") && is_part_name(path)) {
      const std::vector<uint8_t> bytes = io::read_file(path.string(), kMaxPartBytes);
      std::istringstream lines(std::string(bytes.begin(), bytes.end()));
      for (std::string line; std::getline(lines, line);) {
        log.append_line(line, /*durable=*/false);
      }
    }
    if (is_part_name(path) || io::is_temporary_name(name)) {
      fs::remove(path, error);
    }
  }
  fs::remove(root + "/parts", error);  // only when empty
}

}  // namespace guise::pipelines
