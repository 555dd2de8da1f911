// Rendered faces as samples of a dataset.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "render/renderer.h"
#include "stages/hand_overs.h"

namespace guise::stages {

// Height of the frame in dm from which pipelines::generated_size_px lets faces be cut out.
inline constexpr double kCropFrameDm = 3.6;

// The recipe with that frame, unless it has one of its own.
render::RecipeOptions framed_for_crop(render::RecipeOptions recipe);

struct RenderSamplesOptions {
  render::RenderOptions render;  // threads and maps are not used: one picture at a time, no maps
  std::map<std::string, std::string> models;  // house model -> sha256 of its file
};

class RenderSamples : public SampleGenerator {
 public:
  // Throws std::invalid_argument for options that the renderer refuses.
  RenderSamples(std::shared_ptr<const render::Renderer> renderer, RenderSamplesOptions options);

  std::string facts_json() const override;

  // Attributes: yaw_deg, pitch_deg, roll_deg, age_years, female, monk_tone (1..10), lamp_share (of
  // the light, 0..1), exposure_ev, glasses, sunglasses, hat, occluder, beard, grey, jpeg_quality,
  // defocus_px and noise. Attempt a of sample s is the renderer's sample s + a * 2^40.
  std::vector<GeneratedSample> generate(uint64_t seed, const std::vector<SampleKey>& keys,
                                        const std::atomic<bool>* cancel) const override;

 private:
  std::shared_ptr<const render::Renderer> renderer_;
  RenderSamplesOptions options_;
};

}  // namespace guise::stages
