#include "render/background.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/check.h"
#include "render/background_canvas.h"
#include "render/background_scenes.h"
#include "render/keyed_noise.h"

namespace guise::render {
namespace {

constexpr uint32_t kSceneStream = 0x6261636b;
constexpr int kMostRows = 160;
// The surroundings in a portrait are drawn as through a wider lens: a small patch of a small map
// would be one colour.
constexpr float kWiden = 2.2F;

// Mean radiance over the sphere, every other texel.
Vec3 mean_radiance(const Environment& environment) {
  Vec3 sum;
  float weight = 0;
  for (int y = 0; y < environment.height; ++y) {
    const float share = std::sin(std::numbers::pi_v<float> * (static_cast<float>(y) + 0.5F) /
                                 static_cast<float>(environment.height));
    for (int x = y % 2; x < environment.width; x += 2) {
      sum += environment.map[static_cast<size_t>(y * environment.width + x)] * share;
      weight += share;
    }
  }
  return weight > 0 ? sum * (1.0F / weight) : Vec3{0.5F, 0.5F, 0.5F};
}

void paint_surroundings(Canvas& canvas, const PhotoRecipe& photo, const Environment& environment,
                        uint32_t key) {
  const float reach =
      std::tan(0.5F * photo.camera.field_of_view_deg * std::numbers::pi_v<float> / 180.0F) * kWiden;
  const float lift = keyed_range(key, 1, -0.05F, 0.25F);
  const auto h = static_cast<float>(canvas.height()), w = static_cast<float>(canvas.width());
  for (int y = 0; y < canvas.height(); ++y) {
    for (int x = 0; x < canvas.width(); ++x) {
      const Vec3 direction{(2 * (static_cast<float>(x) + 0.5F) - w) / h * reach,
                           (1 - 2 * (static_cast<float>(y) + 0.5F) / h) * reach + lift, -1};
      canvas.at(x, y) = radiance(environment, normalized(direction));
    }
  }
  // The map is coarse: its texels must not be seen, a hint of structure may.
  canvas.blur(0.025F);
  canvas.mottle(key, 5, 9, 0.10F);
  canvas.mottle(key + 1, 17, 6, 0.06F);
}

// Scales a painted scene to the light of the environment.
void light_scene(Canvas& canvas, std::vector<Highlight>& highlights, const Vec3& light,
                 float brightness, float cast) {
  float mean = 0;
  for (const Vec3& pixel : canvas.pixels()) mean += luminance(pixel);
  mean /= static_cast<float>(canvas.pixels().size());
  const float level = std::max(luminance(light), 1e-6F);
  const float scale = brightness * level / std::max(mean, 1e-4F);
  const Vec3 tint = lerp(Vec3{1, 1, 1}, light * (1.0F / level), cast) * scale;
  for (Vec3& pixel : canvas.pixels()) pixel = pixel * tint;
  for (Highlight& highlight : highlights) highlight.light = highlight.light * tint;
}

// Defocused lights become discs as large as the blur.
void draw_bokeh(Canvas& canvas, const std::vector<Highlight>& highlights, float sigma) {
  for (const Highlight& h : highlights) {
    const float radius = h.size + 1.5F * sigma;
    const float thin = h.size * h.size / (radius * radius);
    const Vec3 light = h.light * std::min(1.0F, 0.25F + 4.0F * thin);
    canvas.disc(h.u, h.v, radius, light, 0.35F + 0.4F * std::sqrt(thin), 0.15F);
  }
}

}  // namespace

Vec3 hue_color(float hue, float saturation, float value) {
  const auto channel = [&](float offset) {
    const float turn = hue + offset;
    const float near = std::fabs((turn - std::floor(turn)) * 6.0F - 3.0F) - 1.0F;
    return value * lerp(1.0F, clamp01(near), saturation);
  };
  return {channel(0.0F), channel(2.0F / 3.0F), channel(1.0F / 3.0F)};
}

void paint_studio(Canvas& canvas, uint32_t key) {
  const Vec3 paper =
      hue_color(keyed_unit(key, 0), keyed_range(key, 1, 0.0F, 0.5F) * keyed_unit(key, 2),
                keyed_range(key, 3, 0.12F, 0.75F));
  canvas.fill(paper, paper * keyed_range(key, 4, 0.7F, 1.0F));
  if (keyed_unit(key, 5) < 0.35F) {  // a painted backdrop
    canvas.mottle(key + 1, 3.0F, 3.0F, 0.22F);
    canvas.mottle(key + 2, 7.0F, 7.0F, 0.12F);
  }
  const float u = keyed_range(key, 6, 0.2F, 0.8F) * canvas.aspect(),
              v = keyed_range(key, 7, 0.1F, 0.7F);
  const float spot = keyed_range(key, 8, 0.0F, 1.2F);
  canvas.glow(u, v, keyed_range(key, 9, 0.6F, 1.2F), paper * spot);
  const auto h = static_cast<float>(canvas.height());
  const float strength = keyed_range(key, 10, 0.1F, 0.55F);
  for (int y = 0; y < canvas.height(); ++y) {
    for (int x = 0; x < canvas.width(); ++x) {
      const float dx = static_cast<float>(x) / h - 0.5F * canvas.aspect();
      const float dy = static_cast<float>(y) / h - 0.45F;
      canvas.at(x, y) *= 1.0F - strength * std::min(1.0F, 1.6F * (dx * dx + dy * dy));
    }
  }
}

void paint_plain_wall(Canvas& canvas, uint32_t key) {
  const float kind = keyed_unit(key, 0);
  const float value =
      kind < 0.5F ? keyed_range(key, 1, 0.6F, 0.9F) : keyed_range(key, 1, 0.25F, 0.7F);
  const Vec3 wall =
      hue_color(keyed_unit(key, 2), kind < 0.3F ? 0.02F : keyed_range(key, 3, 0.03F, 0.35F), value);
  canvas.fill(wall * keyed_range(key, 4, 0.92F, 1.06F), wall * keyed_range(key, 5, 0.85F, 1.02F));
  const float fall = keyed_range(key, 6, 0.75F, 1.0F);
  canvas.shade_side(0.5F * canvas.aspect(), 0.5F, keyed_unit(key, 7) < 0.5F ? -1.0F : 1.0F, 0.2F,
                    {fall, fall, fall}, 1.5F);
  canvas.mottle(key + 1, 2.0F, 2.0F, 0.02F);
  if (keyed_unit(key, 8) < 0.4F)
    canvas.mottle(key + 2, 45.0F, 45.0F, keyed_range(key, 9, 0.01F, 0.05F));
}

std::vector<Vec3> paint_background(const PhotoRecipe& photo, const Environment& environment,
                                   int width, int height) {
  GUISE_CHECK_ARG(width >= 1 && height >= 1, "a background needs at least one pixel, got ", width,
                  " x ", height, "; give a positive size");
  const float blur = clamp01(photo.camera.background_blur);
  // What is sharp needs half of the picture's rows, what is blurred a quarter.
  const bool fine = blur < 0.35F && photo.background != Background::kEnvironment;
  const int wanted = fine ? height / 2 : height / 4;
  const int rows = std::clamp(wanted, std::min(height, 48), std::min(height, kMostRows));
  const int cols =
      std::max(1, static_cast<int>(std::lround(static_cast<double>(rows) * width / height)));
  Canvas canvas(cols, rows);
  const uint32_t key = noise_stream_key(photo.noise_key, kSceneStream);
  std::vector<Highlight> highlights;
  const float sigma = 0.005F + 0.040F * blur * blur;
  float cast = 0.7F;
  switch (photo.background) {
    case Background::kEnvironment:
      paint_surroundings(canvas, photo, environment, key);
      break;
    case Background::kIndoor:
      paint_room(canvas, key, highlights);
      break;
    case Background::kOutdoor:
      paint_open_air(canvas, key, highlights);
      break;
    case Background::kStudio:
      paint_studio(canvas, key);
      break;
    case Background::kPlain:
      paint_plain_wall(canvas, key);
      break;
  }
  float brightness = keyed_range(key, 1000, 0.6F, 1.5F);
  if (photo.background == Background::kEnvironment) {
    cast = 0;
    brightness = keyed_range(key, 1000, 0.75F, 1.35F);
  }
  light_scene(canvas, highlights, mean_radiance(environment), brightness, cast);
  canvas.blur(sigma);
  draw_bokeh(canvas, highlights, sigma);
  return canvas.enlarged(width, height);
}

}  // namespace guise::render
