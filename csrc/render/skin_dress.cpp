// What lies on a person's skin in one photo: make-up, the shadow of hair that was shaved, and that
// of the roots of hair that was not.
#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "render/keyed_noise.h"
#include "render/skin_layers.h"
#include "render/skin_model.h"

namespace guise::render {
namespace {

// Bumps per dm of stubble; drawn where the map can carry it.
constexpr float kStubble = 105.0F;
// What is left of light that falls on dense dark stubble under the skin: bluish.
constexpr Vec3 kShadow{0.60F, 0.68F, 0.75F};
// The same of skin between the roots of dense dark hair.
constexpr Vec3 kRoots{0.30F, 0.28F, 0.28F};

struct Dressing {
  float lipstick = 0, lid_shadow = 0, rouge = 0;  // 0..1
  Vec3 lip_colour, lid_colour;
  float shadow = 0;    // of the beard, 0..1
  float stubble = 0;   // share of it that is single hairs
  float roots = 0;     // of scalp hair, 0..1: how much the skin between them is darkened
  float hairline = 0;  // dm inside of the usual one
};

Dressing dressing_of(const IdentityRecipe& person, const PhotoRecipe& photo, int width) {
  Dressing d;
  const float made_up = clamp01(photo.wearing.make_up);
  d.lipstick = 0.85F * std::sqrt(made_up);
  d.lid_shadow = 0.75F * made_up;
  d.rouge = 0.6F * made_up;
  d.lip_colour = photo.wearing.lipstick;
  // Smoky brown with a hint of the lipstick's hue.
  const float light = 0.35F + 0.65F * (1.0F - person.skin.melanin);
  d.lid_colour = lerp(Vec3{0.16F, 0.105F, 0.09F}, photo.wearing.lipstick, 0.2F) * light;
  const float age = person.age_years + photo.age_offset_years;
  const float grey = 1.0F / (1.0F + std::exp(-(age - person.hair.grey_age_years) / 5.0F));
  const float dark = (0.25F + 0.75F * person.hair.melanin) * (1.0F - 0.7F * grey);
  const bool shaved = photo.hair.beard == BeardStyle::kNone;
  const float growth = shaved ? 0.30F + 0.45F * photo.hair.beard_length : 0.95F;
  d.shadow =
      clamp01(person.hair.beard_density) * dark * growth * (1.0F - 0.45F * person.skin.melanin);
  const float texels = 1.0F / (kStubble * texel_dm(width));  // from hair to hair
  d.stubble = smoothstep(1.0F, 2.6F, texels);
  const HairStyle style = photo.hair.style;
  const float kept = style == HairStyle::kBald ? 0.15F : style == HairStyle::kShaved ? 0.6F : 1.0F;
  d.roots = kept * clamp01(person.hair.density) * dark;
  d.hairline = person.hair.hairline_height + 0.55F * person.hair.recession;
  return d;
}

class Dresser {
 public:
  Dresser(const Dressing& dressing, const ValueNoise& noise) : d_(dressing), noise_(noise) {}

  // `zones`: beard, eye shadow, rouge, all 0..1; dm inside of the usual hairline.
  void dress(Lanes zones, float lips, Lanes place, float* albedo, float& oil) const {
    Vec3 colour{albedo[0], albedo[1], albedo[2]};
    if (d_.shadow > 0 && zones[0] > 0) colour = with_beard(colour, zones[0], lips, place);
    const float roots = d_.roots * smoothstep(0.0F, 0.22F, zones[3] - d_.hairline);
    colour = colour * lerp(Vec3{1, 1, 1}, kRoots, roots);
    const float lid = d_.lid_shadow * zones[1];
    colour = lerp(colour, d_.lid_colour, 0.8F * lid);
    const float rouge = d_.rouge * zones[2];
    colour = colour * Vec3{1.0F + 0.02F * rouge, 1.0F - 0.22F * rouge, 1.0F - 0.16F * rouge};
    const float painted = d_.lipstick * lips;
    if (painted > 0) {
      // The skin's own light and shade stay to be seen.
      const float shade = std::sqrt(luminance(colour) / 0.16F);
      colour = lerp(colour, d_.lip_colour * std::min(1.6F, std::max(0.55F, shade)), painted);
      oil = clamp01(oil + 0.25F * painted);
    }
    albedo[0] = colour.x;
    albedo[1] = colour.y;
    albedo[2] = colour.z;
  }

 private:
  Vec3 with_beard(const Vec3& colour, float zone, float lips, Lanes place) const {
    float amount = d_.shadow * zone * (1.0F - lips);
    if (d_.stubble > 0) {
      const Lanes n = noise_.at(place * kStubble + 17.0F);
      const float dot = clamp01((std::max(n[0], n[1]) - 0.34F) * 4.0F);  // 0.25 on average
      amount *= lerp(1.0F, 0.45F + 2.2F * dot, d_.stubble);
    }
    return colour * lerp(Vec3{1, 1, 1}, kShadow, std::min(1.3F, amount));
  }

  Dressing d_;
  const ValueNoise& noise_;
};

std::vector<Lanes> dress_zones(const BaseLevel& base) {
  std::vector<Lanes> zones(base.place.size());
  for (size_t i = 0; i < zones.size(); ++i) {
    zones[i] = Lanes{std::max(base.beard[i], base.moustache[i]), base.regions[kLidShadow][i],
                     base.regions[kBlush][i], std::max(0.0F, base.scalp[i])};
  }
  return zones;
}

}  // namespace

void SkinModel::dress(SkinMaps& maps, const IdentityRecipe& person,
                      const PhotoRecipe& photo) const {
  const int width = maps.width;
  const bool sound = width >= kSmallestWidth && maps.height == width / 2 &&
                     maps.oil.size() == static_cast<size_t>(width) * static_cast<size_t>(width) / 2;
  GUISE_CHECK_ARG(sound && maps.albedo.size() == 3 * maps.oil.size(),
                  "dress() must be given maps that paint() made; got ", width, "x", maps.height);
  const Dressing dressing = dressing_of(person, photo, width);
  if (dressing.lipstick <= 0 && dressing.shadow <= 0 && dressing.roots <= 0) return;
  const ValueNoise noise(noise_stream_key(person.noise_key, kSkinStubble));
  const Dresser dresser(dressing, noise);
  const BaseLevel& base = tables_->base[width > kSmallestWidth ? 1 : 0];
  size_t level_index = 0;
  while (level_index + 1 < tables_->fine.size() && tables_->fine[level_index].width < width) {
    ++level_index;
  }
  const FineLevel& level = tables_->fine[level_index];
  const std::vector<Lanes> zones = dress_zones(base);
  RowEnlarger zone_rows(zones, base.width, width), place_rows(level.place, level.width, width);
  RowEnlarger trait_rows(level.traits, level.width, width);
  for (int y = 0; y < maps.height; ++y) {
    const Lanes* zone = zone_rows.row(y);
    const Lanes* trait = trait_rows.row(y);
    const Lanes* place = dressing.stubble > 0 ? place_rows.row(y) : nullptr;
    for (int x = 0; x < width; ++x) {
      const Lanes here = zone[x];
      if (here[0] + here[1] + here[2] + here[3] + trait[x][0] <= 0) continue;
      const size_t i = static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x);
      dresser.dress(here, trait[x][0], place ? place[x] : Lanes{}, &maps.albedo[3 * i],
                    maps.oil[i]);
    }
  }
}

}  // namespace guise::render
