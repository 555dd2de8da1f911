#include "stages/render_samples.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/check.h"
#include "render/recipe_text.h"

namespace guise::stages {

namespace {

// Numbers of samples stay below it, so that attempts never meet another sample.
constexpr uint64_t kAttemptStep = uint64_t{1} << 40;

double rounded(double value) {
  return std::round(value * 1000.0) / 1000.0;
}

// The lamps' part of all light.
double lamp_share(const render::LightRecipe& light) {
  double lamps = 0;
  for (const render::Lamp& lamp : light.lamps) {
    lamps += render::luminance(lamp.radiance);
  }
  return lamps / std::max(lamps + light.strength, 1e-9);
}

std::string attributes(const render::IdentityRecipe& person, const render::PhotoRecipe& photo) {
  const render::Wearing& wearing = photo.wearing;
  const nlohmann::ordered_json values = {
      {"yaw_deg", rounded(photo.yaw_deg)},
      {"pitch_deg", rounded(photo.pitch_deg)},
      {"roll_deg", rounded(photo.roll_deg)},
      {"age_years", rounded(person.age_years + photo.age_offset_years)},
      {"female", person.sex == render::Sex::kFemale},
      {"monk_tone", rounded(1 + 9 * person.skin.melanin)},
      {"lamp_share", rounded(lamp_share(photo.light))},
      {"exposure_ev", rounded(photo.camera.exposure_ev)},
      {"glasses", wearing.glasses == render::Glasses::kSpectacles},
      {"sunglasses", wearing.glasses == render::Glasses::kSunglasses},
      {"hat", wearing.hat != render::Hat::kNone},
      {"occluder", render::word(wearing.occluder)},
      {"beard", photo.hair.beard != render::BeardStyle::kNone},
      {"grey", photo.camera.grey},
      {"jpeg_quality", photo.camera.jpeg_quality},
      {"defocus_px", rounded(photo.camera.defocus_px)},
      {"noise", rounded(photo.camera.noise)},
  };
  return values.dump();
}

}  // namespace

render::RecipeOptions framed_for_crop(render::RecipeOptions recipe) {
  const render::RecipeOptions usual;
  if (recipe.frame_low_dm == usual.frame_low_dm && recipe.frame_high_dm == usual.frame_high_dm) {
    recipe.frame_low_dm = kCropFrameDm;
    recipe.frame_high_dm = kCropFrameDm;
  }
  return recipe;
}

RenderSamples::RenderSamples(std::shared_ptr<const render::Renderer> renderer,
                             RenderSamplesOptions options)
    : renderer_(std::move(renderer)), options_(std::move(options)) {
  options_.render.threads = 1;
  options_.render.maps = false;
  options_.render.validate();
}

std::string RenderSamples::facts_json() const {
  nlohmann::json recipe;
  for (const render::RecipeAxis& axis : render::recipe_axes()) {
    recipe[axis.name] = options_.render.recipe.*axis.field;
  }
  return nlohmann::json{{"name", "render"},
                        {"size_px", options_.render.size_px},
                        {"recipe", recipe},
                        {"models", options_.models}}
      .dump();
}

std::vector<GeneratedSample> RenderSamples::generate(uint64_t seed,
                                                     const std::vector<SampleKey>& keys,
                                                     const std::atomic<bool>* cancel) const {
  std::vector<render::IdentityAndSample> pictures;
  for (const SampleKey& key : keys) {
    GUISE_CHECK_ARG(key.sample < kAttemptStep, "samples must be numbered below 2^40; got ",
                    key.sample);
    pictures.emplace_back(key.identity, key.sample + key.attempt * kAttemptStep);
  }
  const render::RenderedFaces faces = renderer_->render(seed, pictures, options_.render, cancel);
  std::vector<GeneratedSample> samples(pictures.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    GeneratedSample& sample = samples[i];
    const auto place = static_cast<int64_t>(i);
    sample.image = faces.images.select(0, place);
    const float* points = faces.landmarks_5.const_data_ptr<float>() + 10 * place;
    for (size_t p = 0; p < sample.landmarks.size(); ++p) {
      sample.landmarks[p] = {points[2 * p], points[2 * p + 1]};
    }
    const float* box = faces.boxes.const_data_ptr<float>() + 4 * place;
    sample.box = {box[0], box[1], box[2], box[3]};
    sample.attributes_json = attributes(faces.persons[i], faces.photos[i]);
  }
  return samples;
}

}  // namespace guise::stages
