#include "search/draw_faces.h"

#include <ATen/ATen.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/check.h"
#include "core/geometry.h"
#include "core/random.h"

namespace guise::search {

namespace {

// Numbers of samples stay below it, so that attempts never meet another sample.
constexpr uint64_t kAttemptStep = uint64_t{1} << 40;
constexpr uint32_t kSeedStream = 0x76326673;  // "v2fs"; of core/random: no other use of this number

// A seed of its own for each identity, so that samples of two identities share no numbers.
uint64_t seed_of(uint64_t seed, uint64_t identity) {
  core::RandomStream random(seed, identity, kSeedStream);
  const uint64_t high = random.next_uint32();
  return (high << 32) | random.next_uint32();
}

void check_vectors(const at::Tensor& vectors, size_t keys, const nets::FaceGenerator& generator) {
  GUISE_CHECK_ARG(vectors.dim() == 2 && vectors.size(1) == generator.vector_size() &&
                      vectors.size(0) == static_cast<int64_t>(keys) && vectors.is_floating_point(),
                  "identity vectors for ", generator.file().name, " must be float [", keys, ", ",
                  generator.vector_size(), "], raw embeddings of ", generator.file().recogniser,
                  "; got ", vectors.sizes(), " ", c10::toString(vectors.scalar_type()));
  unit_rows(vectors, "identity vectors");
}

}  // namespace

void DrawFacesOptions::validate() const {
  noise.validate();
  mask.validate();
  refine.validate();
  for (const double yaw : yaw_targets_deg) {
    GUISE_CHECK_ARG(std::abs(yaw) <= 90, "targets of yaw must lie from -90 to 90 degrees; got ",
                    yaw);
  }
}

std::string DrawFacesOptions::json() const {
  nlohmann::json values = {
      {"noise", {{"strengths", noise.strengths}, {"shares", noise.shares}}},
      {"mask", {{"low", mask.low}, {"high", mask.high}, {"mean", mask.mean}, {"sd", mask.sd}}}};
  if (!yaw_targets_deg.empty()) values["yaw_targets_deg"] = yaw_targets_deg;
  if (refine.min_quality || !yaw_targets_deg.empty()) {
    values["refine"] = {
        {"max_identity_distance", refine.max_identity_distance},
        {"yaw_tolerance_deg", refine.yaw_tolerance_deg},
        {"max_steps", refine.max_steps},
        {"rate", refine.rate},
        {"weights", {refine.identity_weight, refine.quality_weight, refine.yaw_weight}}};
    if (refine.min_quality) values["refine"]["min_quality"] = *refine.min_quality;
  }
  return values.dump();
}

DrawFaces::DrawFaces(std::shared_ptr<const nets::FaceGenerator> generator,
                     std::shared_ptr<const nets::MeasureFaces> measure,
                     const DrawFacesOptions& options)
    : generator_(std::move(generator)), measure_(std::move(measure)), options_(options) {
  options_.validate();
  GUISE_CHECK_ARG(!needs_refining() || measure_ != nullptr,
                  "targets of quality and yaw need the recogniser of ", generator_->file().name,
                  "; none was given");
  const at::Tensor basis = generator_->extra("variation.basis");
  if (basis.defined()) {
    variation_ = NormalVectors{at::zeros({basis.size(1)}), basis};
  }
}

bool DrawFaces::needs_refining() const {
  const bool steers_yaw =
      !options_.yaw_targets_deg.empty() && !generator_->file().has_pose_condition;
  return options_.refine.min_quality.has_value() || steers_yaw;
}

DrawnFaces DrawFaces::operator()(const at::Tensor& vectors, uint64_t seed,
                                 const std::vector<FaceKey>& keys,
                                 const std::atomic<bool>* cancel) const {
  check_vectors(vectors, keys.size(), *generator_);
  const auto count = static_cast<int64_t>(keys.size());
  DrawnFaces faces;
  faces.refined.resize(keys.size());
  faces.yaw_targets_deg.resize(keys.size());
  at::Tensor varied = at::empty({count, generator_->vector_size()});
  nets::Vec2FaceMask mask{at::empty({count, nets::Vec2FaceImpl::kGridTokens}, at::kBool),
                          at::empty({count, nets::Vec2FaceImpl::kGridTokens}, at::kBool)};
  for (int64_t i = 0; i < count; ++i) {
    const FaceKey& key = keys[static_cast<size_t>(i)];
    GUISE_CHECK_ARG(key.sample < kAttemptStep, "samples must be numbered below 2^40; got ",
                    key.sample);
    const uint64_t own_seed = seed_of(seed, key.identity);
    const std::vector<uint64_t> number = {key.sample + key.attempt * kAttemptStep};
    const PerturbedVectors perturbed =
        perturb_vectors(vectors.narrow(0, i, 1), own_seed, number, options_.noise, variation_);
    varied[i] = perturbed.vectors[0];
    faces.strengths.push_back(perturbed.strengths[0]);
    const nets::Vec2FaceMask own = nets::draw_masks(own_seed, number, options_.mask);
    mask.masked[i] = own.masked[0];
    mask.dropped[i] = own.dropped[0];
    if (!options_.yaw_targets_deg.empty()) {
      faces.yaw_targets_deg[static_cast<size_t>(i)] =
          options_.yaw_targets_deg[key.sample % options_.yaw_targets_deg.size()];
    }
  }
  if (needs_refining()) steer(varied, mask, faces, cancel);
  std::optional<at::Tensor> drawings;
  if (generator_->file().has_pose_condition && !options_.yaw_targets_deg.empty()) {
    std::vector<at::Tensor> each;
    for (const std::optional<double>& yaw : faces.yaw_targets_deg) {
      each.push_back(nets::draw_landmarks(core::turned_landmarks(*yaw)));
    }
    drawings = at::stack(each);
  }
  if (cancel != nullptr && *cancel) throw Cancelled("drawing faces was stopped");
  faces.images = nets::bytes_of_images(generator_->draw(varied, mask, drawings));
  return faces;
}

void DrawFaces::steer(at::Tensor& vectors, const nets::Vec2FaceMask& mask, DrawnFaces& faces,
                      const std::atomic<bool>* cancel) const {
  for (int64_t i = 0; i < vectors.size(0); ++i) {
    RefineOptions refine = options_.refine;
    if (!generator_->file().has_pose_condition) {
      refine.yaw_deg = faces.yaw_targets_deg[static_cast<size_t>(i)];
    }
    const nets::Vec2FaceMask own = {mask.masked.narrow(0, i, 1), mask.dropped.narrow(0, i, 1)};
    const auto draw = [&](const at::Tensor& vector) {
      return generator_->draw_with_gradients(vector, own);
    };
    RefinedVector found = refine_vector(vectors[i], draw, *measure_, refine, cancel);
    vectors[i] = found.vector;
    faces.refined[static_cast<size_t>(i)] = std::move(found);
  }
}

}  // namespace guise::search
