// A source of pictures and a gate without networks or rendering, and a fixture that runs datasets
// of them in microseconds a picture.
//
// Pictures are coloured blocks hashed from (seed, identity, sample, attempt). The first pixel tells
// the gate what is wrong with a picture, so that a test decides what is turned down.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/check.h"
#include "nets/face_detector.h"
#include "pipelines/dataset_readers.h"
#include "pipelines/synthesize_dataset.h"
#include "stages/check_sample.h"
#include "stages/hand_overs.h"
#include "support/scratch_folder.h"

namespace guise::test {

enum class Flaw : uint8_t { kNone, kNoFace, kFaceElsewhere, kLandmarksOff };

// Faces are always framed alike, but for a shift of a few pixels.
inline core::Landmarks5 fake_landmarks(double size, double shift) {
  return {{{0.35 * size + shift, 0.4 * size},
           {0.65 * size + shift, 0.4 * size},
           {0.5 * size + shift, 0.55 * size},
           {0.4 * size + shift, 0.7 * size},
           {0.6 * size + shift, 0.7 * size}}};
}

inline core::Box fake_box(double size, double shift) {
  return {0.2 * size + shift, 0.2 * size, 0.8 * size + shift, 0.85 * size};
}

// The finalizer of splitmix64.
inline uint64_t mixed(uint64_t value) {
  value += 0x9E3779B97F4A7C15;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
  return value ^ (value >> 31);
}

class FakeGenerator : public stages::SampleGenerator {
 public:
  std::function<Flaw(const stages::SampleKey&)> flaw;       // none: no picture has one
  std::function<void(const stages::SampleKey&)> on_sample;  // before each, on the worker's thread
  std::string name = "fake";
  int64_t size_px = 32;

  std::string facts_json() const override {
    return nlohmann::json{
        {"name", name}, {"size_px", size_px}, {"models", {{"m", std::string(64, 'a')}}}}
        .dump();
  }

  std::vector<stages::GeneratedSample> generate(uint64_t seed,
                                                const std::vector<stages::SampleKey>& keys,
                                                const std::atomic<bool>* cancel) const override {
    std::vector<stages::GeneratedSample> samples;
    for (const stages::SampleKey& key : keys) {
      if (cancel != nullptr && *cancel) throw Cancelled("the fake generator was cancelled");
      if (on_sample) on_sample(key);
      samples.push_back(sample(seed, key));
    }
    return samples;
  }

 private:
  stages::GeneratedSample sample(uint64_t seed, const stages::SampleKey& key) const {
    const uint64_t base =
        mixed(mixed(mixed(mixed(seed) ^ key.identity) ^ key.sample) ^ key.attempt);
    const auto shift = static_cast<uint8_t>(base % 3);
    stages::GeneratedSample sample;
    sample.image = at::empty({size_px, size_px, 3}, at::kByte);
    auto pixels = sample.image.accessor<uint8_t, 3>();
    for (int64_t y = 0; y < size_px; ++y) {
      for (int64_t x = 0; x < size_px; ++x) {
        const uint64_t colour = mixed(base + static_cast<uint64_t>(y / 8 * 1000 + x / 8));
        for (int c = 0; c < 3; ++c) pixels[y][x][c] = static_cast<uint8_t>(colour >> (8 * c));
      }
    }
    pixels[0][0][0] = static_cast<uint8_t>(flaw ? flaw(key) : Flaw::kNone);
    pixels[0][0][1] = shift;
    sample.landmarks = fake_landmarks(static_cast<double>(size_px), shift);
    sample.box = fake_box(static_cast<double>(size_px), shift);
    sample.attributes_json =
        nlohmann::json{{"shift", shift}, {"odd", base % 2 == 1}, {"word", "a"}}.dump();
    return sample;
  }
};

// Sees what FakeGenerator's first pixel says.
class FakeGate : public nets::FaceDetector {
 public:
  const nets::DetectorTraits& traits() const override { return traits_; }
  std::unique_ptr<nets::FaceDetector> clone() const override {
    return std::make_unique<FakeGate>();
  }
  std::vector<nets::FaceCandidate> propose(const at::Tensor& image, float) override {
    const auto flaw = static_cast<Flaw>(image[0][0][0].item<uint8_t>());
    const double shift = image[0][0][1].item<uint8_t>();
    const auto size = static_cast<double>(image.size(1));
    nets::FaceCandidate face{fake_box(size, shift), fake_landmarks(size, shift), 0.9F};
    if (flaw == Flaw::kNoFace) return {};
    if (flaw == Flaw::kFaceElsewhere) return {nets::placed(face, size, 0, 1)};
    if (flaw == Flaw::kLandmarksOff) face.landmarks = fake_landmarks(size, shift + size / 2);
    return {face};
  }

 private:
  nets::DetectorTraits traits_{"fake", 0.1F, 0.9F, 0.5F, 0.3F, 256, 1, 40.0};
};

// Lengths and bytes one after another, in place of Parquet.
inline std::vector<uint8_t> fake_parquet(const pipelines::Shard& shard) {
  nlohmann::json rows = nlohmann::json::array();
  for (const pipelines::DatasetPicture& picture : shard.pictures) {
    rows.push_back({picture.line, picture.bytes});
  }
  const std::string text = rows.dump();
  return {text.begin(), text.end()};
}

// Seven identities of three pictures in shards of two: the last shard is smaller.
class DatasetTest : public ::testing::Test {
 protected:
  DatasetTest() {
    options_.identities = 7;
    options_.images_per_identity = 3;
    options_.identities_per_shard = 2;
    options_.first_identity = 40;
    options_.size_px = 32;
    options_.crop = "none";
    options_.gate.attempts = 4;
    options_.gate.max_given_up_share = 1;
    hooks_.parquet = fake_parquet;
    how_.workers = 2;
  }

  std::string out(const std::string& name = "out") const { return folder_ / name; }

  pipelines::DatasetPlan plan() const {
    const bool gate = options_.gate.enabled;
    return pipelines::make_plan(options_, generator_.facts_json(), gate ? "fake" : "",
                                gate ? "00ff" : "", options_.format == "parquet" ? "fake 1" : "");
  }

  pipelines::DatasetSummary run(const std::string& output,
                                const std::atomic<bool>* cancel = nullptr) const {
    pipelines::DatasetChecks checks;
    if (options_.gate.enabled) {
      checks.face.emplace(std::make_unique<FakeGate>(),
                          stages::CheckSampleOptions{options_.gate.landmark_tolerance});
    }
    return pipelines::synthesize_dataset(output, plan(), generator_, checks, how_, hooks_, cancel);
  }

  // What a run without trouble leaves.
  std::map<std::string, std::string> wanted() const {
    const ScratchFolder folder;
    run(folder / "out");
    return tree(folder / "out");
  }

  ScratchFolder folder_;
  pipelines::DatasetOptions options_;
  pipelines::SynthesizeOptions how_;
  pipelines::DatasetHooks hooks_;
  FakeGenerator generator_;
};

inline const std::vector<std::string>& formats() {
  static const std::vector<std::string> all = {"folder", "webdataset", "recordio", "parquet"};
  return all;
}

}  // namespace guise::test
