// What a person wears on a photo: glasses, hat, clothes, make-up, and what hides the face.
#include <algorithm>
#include <cmath>

#include "render/draw_habit.h"
#include "render/draw_parts.h"

namespace guise::render {

namespace {

// ---- glasses
// -------------------------------------------------------------------------------------

struct Frame {
  double shape, size, thickness, metal;
  Vec3 albedo;
};

Vec3 draw_metal(Draws& draws) {
  constexpr std::array<double, 4> kShares{0.4, 0.25, 0.2, 0.15};
  constexpr int kSilver = 0, kGold = 1, kGunmetal = 2;
  switch (static_cast<int>(draws.pick(kShares))) {
    case kSilver:
      return srgb(190, 190, 194);
    case kGold:
      return srgb(206, 168, 98);
    case kGunmetal:
      return srgb(92, 92, 98);
    default:
      return srgb(40, 40, 42);
  }
}

Vec3 draw_acetate(Draws& draws) {
  constexpr std::array<double, 4> kShares{0.48, 0.26, 0.12, 0.14};
  const size_t kind = draws.pick(kShares);
  const Vec3 coloured = draw_cloth_albedo(draws);
  switch (kind) {
    case 0:
      return srgb(18, 18, 20);
    case 1:
      return srgb(82, 48, 26);  // tortoise
    case 2:
      return srgb(150, 140, 130);
    default:
      return coloured * 0.6F;
  }
}

Frame draw_frame(Draws& draws) {
  Frame frame;
  frame.metal = draws.chance(0.42) ? 1 : 0;
  frame.shape = draws.uniform();
  frame.size = draws.bell(0.1, 0.95);
  frame.thickness = frame.metal > 0 ? draws.uniform(0, 0.3) : draws.uniform(0.25, 0.95);
  frame.albedo = frame.metal > 0 ? draw_metal(draws) : draw_acetate(draws);
  return frame;
}

// Place of the person's age in the range that was asked for, 0 youngest .. 1 oldest.
double age_place(const PhotoDraw& photo) {
  const double low = photo.options.age_low_years, high = photo.options.age_high_years;
  return high > low ? std::clamp((photo.person.age_years - low) / (high - low), 0.0, 1.0) : 0.5;
}

// Whether the spectacles are on, where no sunglasses are. Old people wear them oftener, with the
// same mean.
bool draw_spectacles(const PhotoDraw& photo, double person, Draws& draws) {
  const RecipeOptions& options = photo.options;
  const double others = 1 - options.sunglasses_share;
  const double share =
      others > 0 ? std::min(1.0, (options.glasses_share - options.sunglasses_share) / others) : 0;
  const double wearers = std::min(1.0, share / options.glasses_habit);
  if (wearers <= 0) {
    return false;
  }
  const double tilt = std::min(0.45, 1 / wearers - 1);
  const double wears = wearers * (1 + tilt * (2 * age_place(photo) - 1));
  return person < wears && draws.chance(share / wearers);
}

void put_on(const Frame& frame, Wearing& wearing) {
  wearing.frame_shape = to_float(frame.shape);
  wearing.frame_size = to_float(frame.size);
  wearing.frame_thickness = to_float(frame.thickness);
  wearing.frame_metal = to_float(frame.metal);
  wearing.frame_albedo = frame.albedo;
}

void draw_glasses(const PhotoDraw& photo, Wearing& wearing) {
  Draws usual = photo.person_draws(Topic::kUsualGlasses);
  const double person = usual.uniform();
  const Frame first = draw_frame(usual), second = draw_frame(usual);
  Frame dark = draw_frame(usual);
  const double dark_tint = usual.uniform(0.75, 0.97);
  dark.size = 0.5 + 0.5 * dark.size;
  const bool has_second = usual.chance(0.4);
  Draws draws = photo.photo_draws(Topic::kGlasses);
  const bool sunny = draws.chance(photo.options.sunglasses_share);
  const bool clear = draw_spectacles(photo, person, draws);
  const bool takes_second = draws.chance(0.3) && has_second;
  const bool coated = draws.chance(0.1);
  const double tint = draws.uniform(0, 0.04), coating = draws.uniform(0.06, 0.3);
  if (sunny) {
    wearing.glasses = Glasses::kSunglasses;
    wearing.lens_tint = to_float(dark_tint);
    put_on(dark, wearing);
  } else if (clear) {
    wearing.glasses = Glasses::kSpectacles;
    wearing.lens_tint = to_float(coated ? coating : tint);
    put_on(takes_second ? second : first, wearing);
  }
}

// ---- hats and occluders
// --------------------------------------------------------------------------

// A quarter of the hats are headscarves, which a few women wear on nearly every photo.
constexpr double kHeadscarfShare = 0.25, kHeadscarfHabit = 0.9, kMostHeadscarfWearers = 0.5;

void draw_hat(const PhotoDraw& photo, Wearing& wearing) {
  const double asked = photo.options.hat_share, women = photo.options.female_share;
  const double wearers =
      women > 0 ? std::min(kMostHeadscarfWearers, kHeadscarfShare * asked / kHeadscarfHabit / women)
                : 0;
  const double scarves = wearers * women * kHeadscarfHabit;
  const double hats = scarves < 1 ? std::max(0.0, (asked - scarves) / (1 - scarves)) : 0;
  const double person = photo.person_draws(Topic::kUsualHat).uniform();
  Draws draws = photo.photo_draws(Topic::kHat);
  const bool wears_scarf = photo.person.sex == Sex::kFemale && person < wearers;
  const bool scarf = draws.chance(kHeadscarfHabit) && wears_scarf;
  const bool hat = draws.chance(hats);
  constexpr std::array<double, 3> kKinds{0.37, 0.4, 0.23};  // beanie, cap, brimmed
  const size_t kind = draws.pick(kKinds);
  wearing.hat_albedo = draw_cloth_albedo(draws);
  if (scarf) {
    wearing.hat = Hat::kHeadscarf;
  } else if (hat) {
    wearing.hat = static_cast<Hat>(1 + kind);
  }
}

Vec3 draw_mask_albedo(Draws& draws) {
  constexpr std::array<double, 4> kShares{0.45, 0.22, 0.2, 0.13};
  const size_t kind = draws.pick(kShares);
  const Vec3 coloured = draw_cloth_albedo(draws);
  switch (kind) {
    case 0:
      return srgb(146, 186, 214);
    case 1:
      return srgb(232, 232, 230);
    case 2:
      return srgb(24, 24, 26);
    default:
      return coloured;
  }
}

void draw_occluder(const PhotoDraw& photo, Wearing& wearing) {
  Draws draws = photo.photo_draws(Topic::kOccluder);
  const RecipeOptions& o = photo.options;
  const double none = std::max(0.0, 1 - o.mask_share - o.scarf_share - o.hand_share);
  const std::array<double, 4> shares{none, o.mask_share, o.scarf_share, o.hand_share};
  wearing.occluder = static_cast<Occluder>(draws.pick(shares));
  const double place = draws.uniform();
  const Vec3 mask = draw_mask_albedo(draws), scarf = draw_cloth_albedo(draws);
  // Most masks sit on the bridge of the nose.
  const bool is_mask = wearing.occluder == Occluder::kMask;
  wearing.occluder_place = to_float(is_mask ? 1 - 0.75 * place * place : place);
  wearing.occluder_albedo = is_mask ? mask : scarf;
}

// ---- clothes and make-up
// -------------------------------------------------------------------------

void draw_clothes(const PhotoDraw& photo, Wearing& wearing) {
  Draws draws = photo.photo_draws(Topic::kClothes);
  constexpr std::array<double, 6> kKinds{0.32, 0.15, 0.23, 0.08, 0.12, 0.1};
  constexpr std::array<double, 5> kPatterns{0.62, 0.13, 0.07, 0.12, 0.06};
  wearing.clothing = static_cast<Clothing>(draws.pick(kKinds));
  wearing.cloth_albedo = draw_cloth_albedo(draws);
  wearing.cloth_second_albedo = draw_cloth_albedo(draws);
  wearing.cloth_pattern = static_cast<float>(draws.pick(kPatterns));
}

Vec3 draw_lipstick(Draws& draws) {
  constexpr std::array<double, 4> kShares{0.35, 0.3, 0.2, 0.15};
  const size_t kind = draws.pick(kShares);
  const float level = to_float(draws.uniform(0.8, 1.2));
  switch (kind) {
    case 0:
      return srgb(176, 34, 48) * level;  // red
    case 1:
      return srgb(188, 92, 100) * level;  // rose
    case 2:
      return srgb(150, 78, 66) * level;  // nude
    default:
      return srgb(104, 22, 44) * level;  // wine
  }
}

void draw_make_up(const PhotoDraw& photo, Wearing& wearing) {
  Draws usual = photo.person_draws(Topic::kUsualMakeUp);
  const double makes_up = usual.uniform(), has_rings = usual.uniform();
  const Vec3 first = draw_lipstick(usual), second = draw_lipstick(usual);
  const double usual_strength = usual.bell(0.05, 0.85);
  Draws draws = photo.photo_draws(Topic::kMakeUp);
  const bool female = photo.person.sex == Sex::kFemale;
  const bool painted =
      draws.chance(Habit(photo.options.make_up_share, 0.8, 0.08).probability(makes_up));
  const double strength = std::clamp(draws.normal(usual_strength, 0.15), 0.05, 1.0);
  wearing.lipstick = draws.chance(0.7) ? first : second;
  wearing.make_up = painted && female ? to_float(strength) : 0;
  const double rings = photo.options.earring_share * (female ? 1 : 0.1);
  wearing.earrings = draws.chance(Habit(rings, 0.8, 0.05).probability(has_rings));
}

}  // namespace

Wearing draw_wearing(const PhotoDraw& photo) {
  Wearing wearing;
  draw_glasses(photo, wearing);
  draw_hat(photo, wearing);
  draw_occluder(photo, wearing);
  draw_clothes(photo, wearing);
  draw_make_up(photo, wearing);
  return wearing;
}

}  // namespace guise::render
