// What a dataset shall hold: written first, hashed, and never changed after.
//
// The bytes of shard k depend on the plan and k alone. Whatever decides about a byte is in the
// plan; workers, machines and the range of shards that one of them draws are not.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace guise::pipelines {

struct DatasetGate {
  bool enabled = true;
  double landmark_tolerance = 0.15;  // as CheckSampleOptions
  int64_t attempts = 10;             // times that a picture is drawn at most
  // Share of a shard's pictures that may fail all attempts and be left out; more end the run.
  double max_given_up_share = 0.05;
};

struct DatasetOptions {
  uint64_t seed = 0;
  uint64_t first_identity = 0;
  int64_t identities = 200;
  int64_t images_per_identity = 10;
  int64_t size_px = 112;
  // "arcface": cut out and turned upright by the five landmarks, as recognisers are trained on;
  // "none": as the generator frames it.
  std::string crop = "arcface";
  std::string format = "folder";     // "folder", "webdataset", "recordio" or "parquet"
  std::string encoding = "jpg";      // "jpg" or "png"
  int jpeg_quality = 95;             // 1..100, full colour detail
  int64_t identities_per_shard = 0;  // 0: as many as make about 2,000 pictures
  // Where it is said that the faces are generated: "picture" (each picture's XMP, and the card),
  // "card" or "none" (and the card says so).
  std::string provenance = "picture";
  DatasetGate gate;

  // Throws std::invalid_argument that says what must hold.
  void validate() const;
};

// One shard's part of the identities.
struct ShardRange {
  uint64_t first_identity = 0;
  int64_t identities = 0;
};

struct DatasetPlan {
  DatasetOptions options;  // with identities_per_shard filled in
  std::string json;        // canonical, one line: what plan.json holds

  int64_t shards() const;
  int64_t pictures() const { return options.identities * options.images_per_identity; }
  ShardRange shard(int64_t index) const;
};

// Height and width that a generator must make for `options`: with a crop, larger than `size_px` so
// that the crop is not a magnified one.
int64_t generated_size_px(const DatasetOptions& options);

// generator_json: SampleGenerator::facts_json. detector_name, detector_sha256: of the gate, empty
// without one. writer: library that writes the format and its version, empty for the engine's own.
// Throws std::invalid_argument that says what must hold.
DatasetPlan make_plan(const DatasetOptions& options, const std::string& generator_json,
                      const std::string& detector_name, const std::string& detector_sha256,
                      const std::string& writer);

// "seed: 0 there, 1 asked for" for each field that differs; empty where none does. Throws
// CorruptFile where `there` is no plan.
std::vector<std::string> plan_differences(const std::string& there, const std::string& wanted);

}  // namespace guise::pipelines
