// Light of a photo: surroundings, and lamps as photographers and rooms have them.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "render/draw_parts.h"

namespace guise::render {

namespace {

// `azimuth_deg` from the camera to the right of the image, `elevation_deg` upwards.
Vec3 direction(double azimuth_deg, double elevation_deg) {
  const double a = azimuth_deg * std::numbers::pi / 180, e = elevation_deg * std::numbers::pi / 180;
  return {to_float(std::sin(a) * std::cos(e)), to_float(std::sin(e)),
          to_float(std::cos(a) * std::cos(e))};
}

// Bulbs, white lamps, daylight.
Vec3 draw_tint(Draws& draws) {
  constexpr std::array<double, 3> kShares{0.28, 0.42, 0.3};
  constexpr std::array<double, 4> kKelvin{2700, 3600, 5400, 7500};
  const size_t kind = draws.pick(kShares);
  return light_tint(draws.uniform(kKelvin[kind], kKelvin[kind + 1]));
}

// The sun, or in a third of the pictures a flash beside the lens: small and strong.
Lamp draw_hard_lamp(Draws& draws, double strength) {
  const bool flash = draws.chance(0.3);
  const double radiance = strength * draws.uniform(1.6, 2.8);
  const double sun_side = draws.bounded_normal(0, 50, -115, 115);
  const double sun_height = draws.uniform(15, 62), kelvin = draws.uniform(4300, 6200);
  const double flash_side = draws.normal(0, 4), flash_height = draws.uniform(2, 12);
  Lamp lamp;
  lamp.direction = flash ? direction(flash_side, flash_height) : direction(sun_side, sun_height);
  lamp.radiance = light_tint(flash ? 5800 : kelvin) * to_float(radiance);
  lamp.size = to_float(draws.uniform(0.008, 0.04));
  return lamp;
}

// A large key lamp from the side and above, often a weaker one opposite, sometimes one behind.
std::vector<Lamp> draw_soft_lamps(Draws& draws, double strength) {
  std::vector<Lamp> lamps;
  const double side = draws.bounded_normal(0, 45, -110, 110);
  const double height = draws.bounded_normal(30, 18, -15, 75);
  const double key = strength * std::min(2.2, std::exp(draws.normal(-0.08, 0.4)));
  const Vec3 tint = draw_tint(draws);
  const double key_size = draws.log_uniform(0.08, 0.55);
  lamps.push_back({direction(side, height), tint * to_float(key), to_float(key_size)});

  const bool fill = draws.chance(0.4), same_tint = draws.chance(0.6);
  const double fill_side = (side > 0 ? -1 : 1) * draws.uniform(20, 80);
  const double fill_height = draws.uniform(-10, 40), fill_ratio = draws.uniform(0.12, 0.45);
  const Vec3 fill_tint = draw_tint(draws);
  if (fill) {
    lamps.push_back({direction(fill_side, fill_height),
                     (same_tint ? tint : fill_tint) * to_float(key * fill_ratio), 0.6F});
  }
  const bool rim = draws.chance(0.18);
  const bool rim_left = draws.chance(0.5);
  const double rim_turn = draws.uniform(120, 165), rim_side = rim_left ? -rim_turn : rim_turn;
  const double rim_height = draws.uniform(10, 50), rim_ratio = draws.uniform(0.5, 1.6);
  const Vec3 rim_tint = draw_tint(draws);
  if (rim) {
    lamps.push_back({direction(rim_side, rim_height), rim_tint * to_float(key * rim_ratio), 0.2F});
  }
  return lamps;
}

}  // namespace

bool draw_dim(const PhotoDraw& photo) {
  return photo.photo_draws(Topic::kEnvironment).chance(photo.options.dim_share);
}

LightRecipe draw_light(const PhotoDraw& photo, bool dim, int environment_count) {
  const RecipeOptions& options = photo.options;
  Draws around = photo.photo_draws(Topic::kEnvironment);
  around.uniform();  // draw_dim's
  LightRecipe light;
  light.environment_a = around.below(environment_count);
  light.environment_b = around.below(environment_count);
  const bool mixed = around.chance(0.5);
  const double mix = around.uniform(0, 0.5);
  light.mix = to_float(mixed ? mix : 0);
  light.turn_deg = to_float(around.uniform(0, 360));
  const double sd = options.environment_variation;
  // The mean of the factor is 1.
  double strength = options.environment_strength * std::exp(around.normal(-sd * sd / 2, sd));
  light.saturation = to_float(around.bell(0.45, 1.05));

  Draws lamps = photo.photo_draws(Topic::kLamps);
  const bool hard = lamps.chance(options.hard_light_share);
  const bool soft =
      lamps.chance(dim ? std::min(1.0, 1.4 * options.lamp_share) : options.lamp_share);
  const double shade = lamps.uniform(0.35, 0.8), night = lamps.uniform(0.1, 0.4);
  const double lamp_strength = options.lamp_strength * (dim ? 0.7 : 1);
  if (hard && !dim) {
    strength *= shade;
    light.lamps = {draw_hard_lamp(lamps, options.lamp_strength)};
  } else if (soft) {
    light.lamps = draw_soft_lamps(lamps, lamp_strength);
  }
  light.strength = to_float(dim ? strength * night : strength);
  light.saturation = std::min(1.0F, light.saturation);
  return light;
}

}  // namespace guise::render
