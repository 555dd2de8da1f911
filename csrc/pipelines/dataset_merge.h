// The end of a dataset: parts of all shards to the files that trainers open.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "io/atomic_file.h"
#include "pipelines/dataset_plan.h"

namespace guise::pipelines {

struct MergedFile {
  std::string name;
  int64_t bytes = 0;
  std::string sha256;
};

// parts/000012.json: what a shard's note is called.
std::string part_note_name(int64_t shard);

// "000000/ .. 000019/": the folders of a shard's identities.
std::string identity_folders(const DatasetPlan& plan, int64_t shard);

// Whether the pictures of a shard are in their folders: as many bytes as `file` says or, to verify,
// the same sha256 over all of them in order.
bool holds_pictures(const std::string& root, const DatasetPlan& plan, int64_t shard,
                    const nlohmann::json& file, bool verify);

// folder: metadata.jsonl. recordio: train.rec, train.idx, train.lst, property, metadata.jsonl.
// Others: nothing. Each file appears whole or not at all; memory is bounded by one shard.
std::vector<MergedFile> merge_shards(const std::string& root, const DatasetPlan& plan);

// The card where the caller has none of his own.
std::string plain_card(const DatasetPlan& plan, const std::string& totals_json);

// Moves the run lines of jobs with a range to `log`; removes parts/ and temporaries of killed runs.
// Other files stay.
void remove_parts(const std::string& root, io::AppendFile& log);

}  // namespace guise::pipelines
