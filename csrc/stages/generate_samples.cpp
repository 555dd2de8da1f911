#include "stages/generate_samples.h"

#include <ATen/ATen.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/check.h"
#include "core/geometry.h"
#include "io/sha256.h"

namespace guise::stages {

namespace {

constexpr double kSizePx = 112;
// How much of an aligned crop a face takes up, about: what gates measure distances by.
constexpr core::Box kFace = {16, 8, 96, 112};

double rounded(double value) {
  return std::round(value * 1000.0) / 1000.0;
}

std::string attributes(const search::DrawnFaces& faces, size_t i) {
  nlohmann::ordered_json values = {{"noise_strength", rounded(faces.strengths[i])}};
  if (faces.yaw_targets_deg[i]) values["yaw_target_deg"] = rounded(*faces.yaw_targets_deg[i]);
  if (faces.refined[i]) {
    values["steered"] = faces.refined[i]->fits;
    values["yaw_deg"] = rounded(faces.refined[i]->yaw_deg);
    values["quality"] = rounded(faces.refined[i]->quality);
  }
  return values.dump();
}

}  // namespace

GenerateSamples::GenerateSamples(std::shared_ptr<const nets::FaceGenerator> generator,
                                 std::shared_ptr<const nets::MeasureFaces> measure,
                                 const at::Tensor& vectors, uint64_t first_identity,
                                 GenerateSamplesOptions options)
    : draw_(std::move(generator), std::move(measure), options.draw),
      first_identity_(first_identity),
      options_(std::move(options)) {
  GUISE_CHECK_ARG(vectors.dim() == 2 && vectors.size(1) == draw_.generator().vector_size(),
                  "identity vectors must be [I, ", draw_.generator().vector_size(), "]; got ",
                  vectors.sizes());
  search::unit_rows(vectors, "identity vectors");
  vectors_ = vectors.to(at::kFloat).contiguous().clone();
}

std::string GenerateSamples::facts_json() const {
  const nets::GeneratorFile& file = draw_.generator().file();
  const auto bytes = static_cast<size_t>(vectors_.numel()) * sizeof(float);
  return nlohmann::json{
      {"name", file.name},
      {"size_px", kSizePx},
      {"dtype", file.dtype},
      {"draw", nlohmann::json::parse(draw_.options().json())},
      {"identities", nlohmann::json::parse(options_.identities_json)},
      {"vectors_sha256",
       io::sha256_hex(static_cast<const uint8_t*>(vectors_.const_data_ptr()), bytes)},
      {"models", options_.models}}
      .dump();
}

std::vector<GeneratedSample> GenerateSamples::generate(uint64_t seed,
                                                       const std::vector<SampleKey>& keys,
                                                       const std::atomic<bool>* cancel) const {
  std::vector<GeneratedSample> samples;
  for (const SampleKey& key : keys) {
    GUISE_CHECK_ARG(key.identity >= first_identity_ &&
                        key.identity - first_identity_ < static_cast<uint64_t>(vectors_.size(0)),
                    "identities must lie from ", first_identity_, " to ",
                    first_identity_ + static_cast<uint64_t>(vectors_.size(0)) - 1, "; got ",
                    key.identity);
    const at::Tensor vector =
        vectors_.narrow(0, static_cast<int64_t>(key.identity - first_identity_), 1);
    const search::DrawnFaces faces =
        draw_(vector, seed, {{key.identity, key.sample, key.attempt}}, cancel);
    GeneratedSample sample;
    sample.image = faces.images.select(0, 0);
    sample.landmarks = core::turned_landmarks(faces.yaw_targets_deg[0].value_or(0));
    sample.box = kFace;
    sample.attributes_json = attributes(faces, 0);
    samples.push_back(std::move(sample));
  }
  return samples;
}

}  // namespace guise::stages
