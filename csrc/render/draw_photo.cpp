// One photo of a person: pose and gaze, and the topics of draw_parts.h joined.
#include <algorithm>
#include <cmath>

#include "render/draw_parts.h"
#include "render/draw_recipe.h"

namespace guise::render {

namespace {

// Eyes turn so far in comfort; beyond it they stay short of the camera.
constexpr double kGazeYawLimit = 28, kGazePitchLimit = 18;
constexpr double kYoungestPhoto = 18;

void draw_pose(Draws draws, const RecipeOptions& options, PhotoRecipe& recipe) {
  const bool tail = draws.chance(options.yaw_tail_share);
  const double limit = options.yaw_limit_deg;
  const double far = draws.uniform(-limit, limit);
  const double near = draws.bounded_normal(0, options.yaw_sd_deg, -limit, limit);
  recipe.yaw_deg = to_float(tail ? far : near);
  recipe.pitch_deg = to_float(draws.bounded_normal(
      0, options.pitch_sd_deg, -options.pitch_limit_deg, options.pitch_limit_deg));
  recipe.roll_deg = to_float(draws.bounded_normal(0, options.roll_sd_deg, -options.roll_limit_deg,
                                                  options.roll_limit_deg));
}

void draw_gaze(Draws draws, const RecipeOptions& options, PhotoRecipe& recipe) {
  const bool at_camera = draws.chance(options.gaze_at_camera_share);
  // In profile the camera is out of reach, and most people look ahead.
  const double profile = smoothstep(35, 65, std::abs(recipe.yaw_deg));
  const bool ahead = draws.chance(profile);
  const double yaw_noise = draws.normal(0, 1.5), pitch_noise = draws.normal(0, 1.2);
  const double aside = draws.bounded_normal(0, 12, -kGazeYawLimit, kGazeYawLimit);
  const double up = draws.bounded_normal(-2, 7, -kGazePitchLimit, kGazePitchLimit);
  if (at_camera && !ahead) {
    recipe.gaze_yaw_deg =
        to_float(std::clamp(-static_cast<double>(recipe.yaw_deg), -kGazeYawLimit, kGazeYawLimit) +
                 yaw_noise);
    recipe.gaze_pitch_deg = to_float(
        std::clamp(-static_cast<double>(recipe.pitch_deg), -kGazePitchLimit, kGazePitchLimit) +
        pitch_noise);
  } else {
    recipe.gaze_yaw_deg = to_float(aside);
    recipe.gaze_pitch_deg = to_float(up);
  }
}

Background draw_background(Draws draws, const RecipeOptions& o) {
  // In the order of the enum.
  const std::array<double, 5> shares{o.environment_share, o.indoor_share, o.outdoor_share,
                                     o.studio_share, o.plain_share};
  return static_cast<Background>(draws.pick(shares));
}

}  // namespace

PhotoRecipe draw_photo(uint64_t seed, uint64_t identity, uint64_t sample,
                       const RecipeOptions& options, const IdentityRecipe& person,
                       int environment_count) {
  const PhotoDraw photo{seed, identity, photo_key(seed, identity, sample), options, person};
  PhotoRecipe recipe;
  recipe.sample = sample;
  recipe.noise_key = photo.photo_draws(Topic::kPhotoNoise).key();
  const double spread = options.age_spread_years;
  const double years = photo.photo_draws(Topic::kPhotoAge).uniform(-spread, spread);
  recipe.age_offset_years = to_float(std::max(years, kYoungestPhoto - person.age_years));
  draw_pose(photo.photo_draws(Topic::kPose), options, recipe);
  draw_gaze(photo.photo_draws(Topic::kGaze), options, recipe);
  recipe.expression = draw_expression(photo);
  recipe.hair = draw_hair_cut(photo);
  recipe.wearing = draw_wearing(photo);
  const bool dim = draw_dim(photo);
  recipe.light = draw_light(photo, dim, environment_count);
  recipe.camera = draw_camera(photo, dim);
  recipe.background = draw_background(photo.photo_draws(Topic::kBackground), options);
  return recipe;
}

}  // namespace guise::render
