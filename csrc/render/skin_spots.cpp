// Spots that lie at fixed places of the mean head: moles, freckles, age spots, blemishes.
#include <algorithm>
#include <cmath>

#include "render/keyed_noise.h"
#include "render/skin_layers.h"

namespace guise::render {
namespace {

struct Spot {
  Vec2 uv;
  const SkinTriangle* triangle = nullptr;  // whose metric of the chart holds around the spot
  float radius = 0.01F;                    // dm
  float softness = 0.5F;                   // 0 a hard edge .. 1 a soft one
  float lobes = 0, lobe_phase = 0;         // irregular outline: 0 a circle
  Lanes colour{};                          // what the middle adds: log R, G, B and relief
  // The middle may not become darker than this log green.
  float darkest = -20.0F;
};

// A place on the skin by three numbers in [0, 1).
Spot placed(const SkinTables& tables, const Scatter& scatter, float a, float b, float c) {
  const float at = a * scatter.back();
  const auto found = std::upper_bound(scatter.begin(), scatter.end(), at);
  const auto index = std::min(static_cast<size_t>(found - scatter.begin()), scatter.size() - 1);
  const SkinTriangle& t = tables.triangles[index];
  const float root = std::sqrt(b);
  Spot spot;
  spot.triangle = &t;
  spot.uv = t.uv[0] * (1.0F - root) + t.uv[1] * (root * (1.0F - c)) + t.uv[2] * (root * c);
  return spot;
}

// A spot smaller than a texel becomes a wider and fainter one of the same weight.
void draw_spot(const Spot& spot, SkinCanvas& canvas) {
  const SkinTriangle& t = *spot.triangle;
  const float w = static_cast<float>(canvas.width), h = static_cast<float>(canvas.height);
  const float determinant = std::max(t.uu * t.vv - t.uv_cross * t.uv_cross, 1e-9F);
  const float pitch2 = std::sqrt(determinant) / (w * h);  // area of a texel, dm^2
  const float wide2 = spot.radius * spot.radius + 0.35F * pitch2;
  const float fainter = spot.radius * spot.radius / wide2;
  const float soft = std::max(spot.softness, std::min(1.0F, 0.6F * std::sqrt(pitch2 / wide2)));
  const float reach = std::sqrt(wide2) * (1.0F + 0.5F * soft + spot.lobes);
  const float half_x = reach * std::sqrt(t.vv / determinant) * w;
  const float half_y = reach * std::sqrt(t.uu / determinant) * h;
  const float middle_x = spot.uv.x * w - 0.5F, middle_y = spot.uv.y * h - 0.5F;
  const int x0 = std::max(0, static_cast<int>(std::ceil(middle_x - half_x)));
  const int x1 = std::min(canvas.width - 1, static_cast<int>(std::floor(middle_x + half_x)));
  const int y0 = std::max(0, static_cast<int>(std::ceil(middle_y - half_y)));
  const int y1 = std::min(canvas.height - 1, static_cast<int>(std::floor(middle_y + half_y)));
  for (int y = y0; y <= y1; ++y) {
    for (int x = x0; x <= x1; ++x) {
      const float du = (static_cast<float>(x) - middle_x) / w;
      const float dv = (static_cast<float>(y) - middle_y) / h;
      const float d2 = t.uu * du * du + 2 * t.uv_cross * du * dv + t.vv * dv * dv;
      float ratio = std::sqrt(d2 / wide2);
      if (spot.lobes > 0) {
        const float angle = std::atan2(dv * std::sqrt(t.vv), du * std::sqrt(t.uu));
        ratio /= 1.0F + spot.lobes * (0.6F * std::sin(2 * angle + spot.lobe_phase) +
                                      0.4F * std::sin(3 * angle + 2.6F * spot.lobe_phase));
      }
      const float cover = 1.0F - smoothstep(1.0F - 0.7F * soft, 1.0F + 0.5F * soft, ratio);
      if (cover <= 0) continue;
      Lanes& texel = canvas.colour[static_cast<size_t>(y) * static_cast<size_t>(canvas.width) +
                                   static_cast<size_t>(x)];
      const float room = std::max(0.0F, texel[1] - spot.darkest);
      const float share = spot.colour[1] < 0 ? std::min(1.0F, room / -spot.colour[1]) : 1.0F;
      const float gain = cover * fainter;
      const float relief = texel[3] + spot.colour[3] * gain;
      texel += spot.colour * (gain * share);
      texel[3] = relief;
    }
  }
}

// The numbers of spot `i` of a stream.
class SpotNumbers {
 public:
  SpotNumbers(uint64_t noise_key, SkinStream stream) : key_(noise_stream_key(noise_key, stream)) {}
  float unit(uint32_t spot, uint32_t number) const { return keyed_unit(key_, spot * 16 + number); }
  float range(uint32_t spot, uint32_t number, float low, float high) const {
    return low + (high - low) * unit(spot, number);
  }
  Spot place(const SkinTables& tables, const Scatter& scatter, uint32_t spot) const {
    return placed(tables, scatter, unit(spot, 0), unit(spot, 1), unit(spot, 2));
  }

 private:
  uint32_t key_;
};

Lanes axis(const Vec3& v, float gain) {
  return Lanes{v.x * gain, v.y * gain, v.z * gain, 0.0F};
}

void paint_freckles(const SkinTables& tables, const SkinPerson& person, SkinCanvas& canvas) {
  const float freckles = person.recipe->freckles, melanin = person.recipe->melanin;
  const auto count = static_cast<uint32_t>(1500.0F * std::pow(clamp01(freckles), 1.6F));
  if (tables.scatter_freckles.back() <= 0) return;
  const SpotNumbers numbers(person.noise_key, kSkinFreckles);
  for (uint32_t i = 0; i < count; ++i) {
    Spot spot = numbers.place(tables, tables.scatter_freckles, i);
    const float large = numbers.unit(i, 3);
    spot.radius = 0.0055F + 0.0125F * large * large;
    spot.softness = 0.9F;
    spot.lobes = 0.25F;
    spot.lobe_phase = numbers.range(i, 4, 0.0F, 6.28F);
    const float dark = numbers.range(i, 5, 0.08F, 0.42F) * (0.55F + 0.45F * freckles);
    spot.colour = axis(person.melanin_axis, dark * (1.0F - 0.6F * melanin));
    spot.colour[2] *= 1.25F;  // pheomelanin: warmer
    spot.darkest = -3.6F;
    draw_spot(spot, canvas);
  }
}

void paint_moles(const SkinTables& tables, const SkinPerson& person, SkinCanvas& canvas) {
  const SpotNumbers numbers(person.noise_key, kSkinMoles);
  for (uint32_t i = 0; i < static_cast<uint32_t>(std::max(0, person.recipe->moles)); ++i) {
    Spot spot = numbers.place(tables, tables.scatter_moles, i);
    const float large = numbers.unit(i, 3);
    spot.radius = 0.0075F + 0.019F * large * large * large;
    spot.softness = numbers.range(i, 4, 0.25F, 0.7F);
    spot.lobes = 0.12F;
    spot.lobe_phase = numbers.range(i, 5, 0.0F, 6.28F);
    spot.colour = axis(person.melanin_axis, numbers.range(i, 6, 0.45F, 1.5F)) +
                  axis(person.haemoglobin_axis, numbers.range(i, 7, 0.0F, 0.35F));
    spot.colour[3] = numbers.unit(i, 8) < 0.35F ? 0.25F * spot.radius : 0.0F;
    spot.darkest = -4.1F;
    draw_spot(spot, canvas);
  }
}

void paint_age_spots(const SkinTables& tables, const SkinPerson& person, SkinCanvas& canvas) {
  const float years = std::max(0.0F, person.age_years - 42.0F) / 35.0F;
  const float fair = 1.0F - 0.7F * person.recipe->melanin;
  const float amount = years * (0.3F + person.recipe->blotches + 0.5F * person.recipe->freckles);
  const auto count = static_cast<uint32_t>(34.0F * amount * fair);
  if (tables.scatter_age_spots.back() <= 0) return;
  const SpotNumbers numbers(person.noise_key, kSkinAgeSpots);
  for (uint32_t i = 0; i < count; ++i) {
    Spot spot = numbers.place(tables, tables.scatter_age_spots, i);
    const float large = numbers.unit(i, 3);
    spot.radius = 0.012F + 0.05F * large * large;
    spot.softness = numbers.range(i, 4, 0.4F, 1.0F);
    spot.lobes = 0.35F;
    spot.lobe_phase = numbers.range(i, 5, 0.0F, 6.28F);
    spot.colour = axis(person.melanin_axis, numbers.range(i, 6, 0.06F, 0.26F));
    spot.darkest = -3.6F;
    draw_spot(spot, canvas);
  }
}

// Pimples, the redness that they leave, small scars paler than the skin.
void paint_blemishes(const SkinTables& tables, const SkinPerson& person, SkinCanvas& canvas) {
  const SkinRecipe& skin = *person.recipe;
  const float young = 1.0F - 0.7F * clamp01(person.old);
  const float amount = (0.25F + skin.blotches) * (0.3F + skin.roughness) * (0.4F + skin.oil);
  const auto count = static_cast<uint32_t>(26.0F * amount * young);
  if (tables.scatter_blemishes.back() <= 0) return;
  const SpotNumbers numbers(person.noise_key, kSkinBlemishes);
  for (uint32_t i = 0; i < count; ++i) {
    Spot spot = numbers.place(tables, tables.scatter_blemishes, i);
    const float large = numbers.unit(i, 3), kind = numbers.unit(i, 4);
    spot.radius = 0.008F + 0.020F * large * large;
    spot.softness = 1.0F;
    spot.lobes = 0.2F;
    spot.lobe_phase = numbers.range(i, 5, 0.0F, 6.28F);
    const float strong = numbers.range(i, 6, 0.06F, 0.30F);
    if (kind < 0.7F) {
      spot.colour = axis(person.haemoglobin_axis, strong * person.blood_shows) +
                    axis(person.melanin_axis, 0.3F * strong);
      spot.colour[3] = kind < 0.25F ? 0.12F * spot.radius : 0.0F;
    } else {
      spot.colour = axis(person.melanin_axis, -0.5F * strong);
      spot.colour[3] = -0.10F * spot.radius;
    }
    spot.darkest = -4.0F;
    draw_spot(spot, canvas);
  }
}

}  // namespace

void paint_spots(const SkinTables& tables, const SkinPerson& person, SkinCanvas& canvas) {
  paint_age_spots(tables, person, canvas);
  paint_freckles(tables, person, canvas);
  paint_blemishes(tables, person, canvas);
  paint_moles(tables, person, canvas);
}

}  // namespace guise::render
