// A finished shard in memory, and the bytes of its files in each format.
//
// Pure: the same pictures give the same bytes. Layouts are described for users in
// docs/dataset-format.md.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/geometry.h"
#include "pipelines/dataset_plan.h"
#include "stages/hand_overs.h"

namespace guise::pipelines {

// One picture that was kept.
struct DatasetPicture {
  stages::SampleKey key;
  std::vector<uint8_t> bytes;  // the encoded picture
  std::string line;            // its line of metadata, JSON
};

struct ShardCounts {
  int64_t pictures = 0;
  int64_t attempts = 0;  // pictures drawn, kept or not
  // Drawn and turned down, by reason: SampleVerdict, then IdentityVerdict.
  int64_t no_face = 0, landmarks = 0;
  int64_t other_face = 0, nearer_to_another = 0, low_quality = 0;
  int64_t given_up = 0;  // left out after the last attempt

  void add(const ShardCounts& other);
};

struct Shard {
  int64_t index = 0;
  std::vector<DatasetPicture> pictures;  // by identity, then sample
  ShardCounts counts;
};

// A file of a shard; `name` is its path below the dataset's folder.
struct ShardFile {
  std::string name;
  std::vector<uint8_t> bytes;
};

// Parquet bytes of one shard. The engine has no writer of its own: pyarrow's comes from Python.
using ParquetEncoder = std::function<std::vector<uint8_t>(const Shard& shard)>;

// "000012/003.jpg", and the same with '_' for '/' and no extension: the key of WebDataset.
std::string picture_name(const stages::SampleKey& key, const std::string& encoding);
std::string picture_key(const stages::SampleKey& key);

// The line of metadata, without the newline: file, label, identity, sample, attempt, landmarks, box
// and attributes.
std::string metadata_line(const DatasetOptions& options, const stages::SampleKey& key,
                          const core::Landmarks5& landmarks, const core::Box& box,
                          const std::string& attributes_json);

// What is written for a shard as soon as it is complete. folder: its pictures and its lines under
// parts/. webdataset, parquet: its file. recordio: its records, still without keys, and its lines
// under parts/. Throws Unavailable for Parquet without an encoder.
std::vector<ShardFile> encode_shard(const DatasetPlan& plan, const Shard& shard,
                                    const ParquetEncoder& parquet);

// Path of a shard's lines, where the format keeps them beside the pictures, and of its records.
std::string part_lines_name(int64_t shard);
std::string part_records_name(int64_t shard);

}  // namespace guise::pipelines
