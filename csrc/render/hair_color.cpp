#include "render/hair_color.h"

#include <array>
#include <cmath>

namespace guise::render {
namespace {

struct Shade {
  float melanin;
  Vec3 plain, red;  // without and with full pheomelanin
};
// Platinum, blond, dark blond, brown, dark brown, black. Albedo of a strand seen with its
// neighbours, not of the fibre's cortex.
constexpr std::array<Shade, 6> kShades = {{
    {0.00F, {0.520F, 0.430F, 0.290F}, {0.480F, 0.260F, 0.110F}},
    {0.22F, {0.350F, 0.240F, 0.120F}, {0.330F, 0.130F, 0.040F}},
    {0.42F, {0.165F, 0.100F, 0.048F}, {0.220F, 0.070F, 0.020F}},
    {0.62F, {0.080F, 0.045F, 0.023F}, {0.120F, 0.036F, 0.014F}},
    {0.82F, {0.035F, 0.020F, 0.012F}, {0.050F, 0.018F, 0.010F}},
    {1.00F, {0.012F, 0.010F, 0.009F}, {0.016F, 0.010F, 0.008F}},
}};

Vec3 geometric_mix(const Vec3& a, const Vec3& b, float t) {
  const auto mix = [t](float x, float y) { return x * std::pow(y / x, t); };
  return {mix(a.x, b.x), mix(a.y, b.y), mix(a.z, b.z)};
}

}  // namespace

Vec3 hair_albedo(float melanin, float redness) {
  const float m = clamp01(melanin), r = clamp01(redness);
  size_t k = 0;
  while (k + 2 < kShades.size() && m > kShades[k + 1].melanin) ++k;
  const float t = (m - kShades[k].melanin) / (kShades[k + 1].melanin - kShades[k].melanin);
  return geometric_mix(geometric_mix(kShades[k].plain, kShades[k + 1].plain, t),
                       geometric_mix(kShades[k].red, kShades[k + 1].red, t), r);
}

Vec3 white_hair_albedo() {
  return {0.60F, 0.58F, 0.55F};
}

float grey_share(float age_years, float grey_age_years) {
  constexpr float kYears = 6;
  return 1.0F / (1.0F + std::exp((grey_age_years - age_years) / kYears));
}

HairPalette::HairPalette(const IdentityRecipe& person, const PhotoRecipe& photo, Kind kind)
    : noise_(person.noise_key, 40 + static_cast<uint32_t>(kind)), kind_(kind) {
  const HairRecipe& hair = person.hair;
  const float age = person.age_years + photo.age_offset_years;
  float melanin = hair.melanin, redness = hair.redness;
  float years_ahead = 0;  // beards grey before the scalp, brows after it, lashes hardly ever
  switch (kind) {
    case Kind::kScalp:
      dyed_ = photo.hair.dye;
      break;
    case Kind::kBrow:  // fair people's brows are darker than their hair
      melanin = melanin + 0.5F * std::max(0.0F, 0.62F - melanin);
      years_ahead = -12;
      break;
    case Kind::kLash:
      melanin = 0.55F + 0.45F * melanin;
      years_ahead = -40;
      break;
    case Kind::kBeard:
      melanin = lerp(melanin, 0.6F, 0.12F);
      redness = std::min(1.0F, redness + 0.18F);
      years_ahead = 4;
      break;
  }
  natural_ = hair_albedo(melanin, redness);
  dye_ = photo.hair.dye_albedo;
  grey_ = grey_share(age + years_ahead, hair.grey_age_years);
  spread_ = kind == Kind::kScalp ? 0.22F : 0.15F;
}

Vec3 HairPalette::strand(uint32_t strand, uint32_t lock, float inner) const {
  const float tone = spread_ * (0.6F * noise_.centred(strand, 0) + 0.7F * noise_.centred(lock, 1));
  Vec3 color = natural_ * std::exp(tone);
  // The sun bleaches the outer hair of fair people most.
  const float bleach = 0.25F * (1 - inner) * noise_(lock, 2) * clamp01(luminance(natural_) * 6);
  color = color * (1 + bleach);
  const float warm = 0.06F * noise_.centred(strand, 3);
  color = {color.x * (1 + warm), color.y, color.z * (1 - warm)};
  // Half of the grey is decided lock by lock: it comes in streaks.
  const float rank = 0.7F * noise_(strand, 4) + 0.3F * noise_(lock, 5);
  // A drawn strand stands for dozens of hairs, of which some are grey.
  constexpr float kMixed = 0.32F;
  const float white = smoothstep(rank - kMixed, rank + kMixed, lerp(-kMixed, 1 + kMixed, grey_));
  color = lerp(color, white_hair_albedo() * (0.75F + 0.25F * noise_(strand, 6)), white);
  if (dyed_ > 0) {
    const float reach = clamp01(dyed_ * (1.15F - 0.5F * inner - 0.3F * noise_(strand, 7)));
    color = lerp(color, dye_ * std::exp(0.8F * tone), reach);
  }
  return color;
}

}  // namespace guise::render
