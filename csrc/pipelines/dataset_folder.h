// A dataset on disk while it grows: its plan, which shards are there, and the merge at the end.
//
// A shard's files are written first and its note in parts/ after them, so a note promises its
// files; a shard without a note is drawn again and gives the same bytes. The manifest comes last
// and makes the dataset complete. Jobs that draw different shards may work side by side, on many
// machines: only one without a range merges.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "io/atomic_file.h"
#include "pipelines/dataset_plan.h"
#include "pipelines/dataset_shard.h"

namespace guise::pipelines {

// The text of the card from the totals of the manifest's last line (JSON).
using CardWriter = std::function<std::string(const std::string& totals_json)>;

class DatasetFolder {
 public:
  // Opens a new or empty folder, or one that the same plan has begun. job: name of the job among
  // those that share the folder, empty for the one that merges; the same job twice is refused.
  // Throws std::invalid_argument, naming what differs, for another plan and for a folder with other
  // files; Unavailable where it cannot be written or the same job is at work.
  DatasetFolder(const std::string& path, const DatasetPlan& plan, const std::string& job);

  // Whether the manifest and every file that it names are there. verify: compares the sha256 too.
  bool is_complete(bool verify) const;

  // Counts of the whole dataset, from a manifest that ends.
  ShardCounts totals() const;

  // Counts of a shard that is there, or nothing. verify: reads its files again.
  bool has_shard(int64_t index, bool verify, ShardCounts& counts) const;

  // Writes a shard's files and its note.
  void add(const Shard& shard, const ParquetEncoder& parquet);

  // Writes the merged files, the card and the manifest, and removes parts/. Throws Unavailable,
  // naming them, when shards are missing.
  void finish(const CardWriter& card);

  // Removes parts/ of a complete dataset, where a run was killed between its manifest and that.
  void clear_up();

  // One line about this run: JSON, kept outside of the reproducible files.
  void log_run(const std::string& json_line);

  const std::string& path() const { return path_; }

 private:
  std::string at(const std::string& name) const { return path_ + "/" + name; }
  void begin();
  void read_manifest();
  bool holds_files(int64_t index, const nlohmann::json& note, bool verify) const;
  std::string read_note(int64_t index) const;

  std::string path_;
  const DatasetPlan& plan_;
  std::string plan_sha256_;
  std::string job_;
  bool was_begun_ = false;  // by an earlier run, which may have left temporaries
  bool manifest_ends_ = false;
  std::string totals_;                    // the manifest's last line
  std::map<int64_t, std::string> notes_;  // lines of a manifest that was there
  std::unique_ptr<io::AppendFile> log_;
};

}  // namespace guise::pipelines
