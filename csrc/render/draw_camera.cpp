// Camera of a photo: framing, development, and the faults of lenses, sensors and files.
#include <algorithm>
#include <cmath>

#include "render/draw_parts.h"

namespace guise::render {

namespace {

void draw_framing(Draws draws, const RecipeOptions& options, CameraRecipe& camera) {
  camera.frame_height_dm = to_float(draws.uniform(options.frame_low_dm, options.frame_high_dm));
  camera.field_of_view_deg =
      to_float(draws.uniform(options.field_of_view_low_deg, options.field_of_view_high_deg));
  const double sd = options.shift_sd;
  camera.shift_x = to_float(draws.bounded_normal(0, sd, -3 * sd, 3 * sd));
  camera.shift_y = to_float(draws.bounded_normal(0, sd, -3 * sd, 3 * sd));
  camera.background_blur = to_float(draws.bell(0, 1));
}

void draw_development(Draws draws, const RecipeOptions& options, CameraRecipe& camera) {
  const double exposure = options.exposure_sd_ev;
  camera.exposure_ev = to_float(draws.bounded_normal(0, exposure, -2.5 * exposure, 2.5 * exposure));
  camera.white_balance = to_float(std::clamp(draws.normal(options.white_balance, 0.12), 0.0, 1.0));
  camera.temperature = to_float(draws.bounded_normal(0, 0.22, -0.8, 0.8));
  camera.contrast = to_float(draws.bounded_normal(1, 0.08, 0.8, 1.25));
  camera.saturation = to_float(draws.bounded_normal(1, 0.1, 0.65, 1.3));
  camera.grey = draws.chance(options.grey_share);
  const bool vignette = draws.chance(0.3);
  const double darkened = draws.uniform(0.1, 0.6);
  camera.vignette = to_float(vignette ? darkened : 0);
}

void draw_faults(Draws draws, const RecipeOptions& options, bool dim, CameraRecipe& camera) {
  // Most pictures are nearly sharp.
  const double soft = draws.uniform();
  camera.defocus_px = to_float(options.defocus_limit_px * soft * soft);
  const bool moved = draws.chance(options.motion_share);
  const double way = draws.uniform(0.25, 1), way_deg = draws.uniform(0, 180);
  camera.motion_px = to_float(moved ? options.motion_limit_px * way : 0);
  camera.motion_deg = to_float(moved ? way_deg : 0);
  // Bright pictures mostly have little noise, dim ones much.
  const double level = draws.uniform();
  const double share = dim ? 0.5 + 0.5 * level : level * level;
  camera.noise = to_float(options.noise_low + (options.noise_high - options.noise_low) * share);
  const double quality = draws.uniform(options.jpeg_quality_low, options.jpeg_quality_high);
  camera.jpeg_quality = static_cast<int>(std::lround(quality));
  const bool sharpened = draws.chance(0.4);
  const double sharpening = draws.uniform(0.1, 0.7);
  camera.sharpening = to_float(sharpened ? sharpening : 0);
}

}  // namespace

CameraRecipe draw_camera(const PhotoDraw& photo, bool dim) {
  CameraRecipe camera;
  draw_framing(photo.photo_draws(Topic::kFraming), photo.options, camera);
  draw_development(photo.photo_draws(Topic::kDevelopment), photo.options, camera);
  draw_faults(photo.photo_draws(Topic::kFaults), photo.options, dim, camera);
  return camera;
}

}  // namespace guise::render
