// A plan to a dataset: identities -> generate -> check -> (align) -> encode -> shards -> merge.
//
// Parallel over identities, one thread inside each; a shard is written when its last identity is
// there. Memory is bounded by one shard a worker, however large the dataset. The same plan gives
// the same bytes, with any workers, in any order of shards, after any crash.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "pipelines/dataset_folder.h"
#include "pipelines/draw_identity_pictures.h"
#include "stages/hand_overs.h"

namespace guise::pipelines {

// What decides about speed and place, but about no byte.
struct SynthesizeOptions {
  int64_t workers = 0;  // identities at a time; 0: one a processor
  // Only shards [first_shard, end_shard) are drawn and nothing is merged; -1: to the last. With
  // both as they are, all shards are drawn that are not there yet, and merged.
  int64_t first_shard = 0;
  int64_t end_shard = -1;
  bool verify = false;  // read again what earlier runs wrote, and compare sha256
};

struct DatasetSummary {
  ShardCounts counts;          // of the shards that were asked for, with those of earlier runs
  int64_t total_pictures = 0;  // planned in these shards
  int64_t new_pictures = 0;    // drawn by this run
  int64_t shards = 0, new_shards = 0;
  double seconds = 0;
  bool complete = false;  // the manifest is there
  bool cancelled = false;
};

// Functions from outside of the engine; each may be empty.
struct DatasetHooks {
  ParquetEncoder parquet;
  CardWriter card;
  // Called on the calling thread at least every 100 ms. An exception thrown by it cancels the job
  // and is thrown on.
  std::function<void(const DatasetSummary& so_far)> on_progress;
};

// checks: without a face check where the plan has no gate. Throws std::invalid_argument (another
// plan or other files in the folder, shards that the plan does not have), Unavailable (no space,
// read-only, a gate that turns too many pictures down: with the counts). Whatever was finished
// stays, and the same call goes on from there.
DatasetSummary synthesize_dataset(const std::string& output, const DatasetPlan& plan,
                                  const stages::SampleGenerator& generator,
                                  const DatasetChecks& checks, const SynthesizeOptions& options,
                                  const DatasetHooks& hooks = {},
                                  const std::atomic<bool>* cancel = nullptr);

}  // namespace guise::pipelines
