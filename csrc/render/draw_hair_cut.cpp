// Hair cut and beard of a photo, around what the person usually wears.
#include <algorithm>
#include <cmath>

#include "render/draw_habit.h"
#include "render/draw_parts.h"

namespace guise::render {

namespace {

struct StyleFacts {
  HairStyle style;
  double male, female;  // how common
  double curl_low, curl_high;
  double age;      // -1 for the young .. 1 for the old
  bool balding;    // goes with thinning hair
  double african;  // 0: any ancestry .. 1: African only
};

constexpr StyleFacts kStyles[] = {
    {HairStyle::kShaved, 3, 0.15, 0, 1, 0, true, 0},
    {HairStyle::kBuzz, 8, 0.6, 0, 1, 0, true, 0},
    {HairStyle::kCrewCut, 13, 0.5, 0, 0.9, 0, true, 0},
    {HairStyle::kSidePart, 15, 1.2, 0, 0.45, 0.5, true, 0},
    {HairStyle::kSlickBack, 5, 1.5, 0, 0.4, 0.2, false, 0},
    {HairStyle::kSpiky, 5, 0.4, 0, 0.3, -0.8, false, 0},
    {HairStyle::kCurlyTop, 6, 1.2, 0.35, 0.95, -0.4, false, 0},
    {HairStyle::kAfro, 5, 6, 0.68, 1, -0.2, false, 0.8},
    {HairStyle::kShortBob, 0.2, 9, 0, 0.5, 0.7, false, 0},
    {HairStyle::kLongBob, 0.5, 12, 0, 0.55, 0, false, 0},
    {HairStyle::kLongStraight, 0.9, 13, 0, 0.18, -0.5, false, 0},
    {HairStyle::kLongWavy, 1, 13, 0.14, 0.5, -0.4, false, 0},
    {HairStyle::kLongCurly, 0.8, 10, 0.4, 0.95, -0.3, false, 0},
    {HairStyle::kPonytail, 0.8, 10, 0, 0.8, -0.4, false, 0},
    {HairStyle::kBun, 0.8, 9, 0, 1, 0.2, false, 0},
    {HairStyle::kPixie, 0.2, 5, 0, 0.5, 0.6, false, 0},
    {HairStyle::kFringeBob, 0.1, 5, 0, 0.3, -0.1, false, 0},
    {HairStyle::kUndercut, 6, 0.8, 0, 0.8, -0.8, false, 0},
    {HairStyle::kDreadlocks, 3, 3, 0.65, 1, -0.5, false, 0.9},
    {HairStyle::kBald, 0.4, 0.03, 0, 1, 0.3, true, 0},
};
static_assert(std::size(kStyles) == kHairStyleCount);

double style_weight(const StyleFacts& facts, const IdentityRecipe& person) {
  const double curl = person.hair.curl, recession = person.hair.recession;
  const double off = std::max({0.0, facts.curl_low - curl, curl - facts.curl_high});
  double weight = person.sex == Sex::kMale ? facts.male : facts.female;
  weight *= std::exp(-off * off / (0.1 * 0.1));
  weight *= std::exp(facts.age * (person.age_years - 45) / 35);
  const double african = smoothstep(0.25F, 0.65F, person.shape.ancestry[0]);
  weight *= 1 - facts.african * (1 - african);
  const double thin = smoothstep(0.3F, 0.65F, person.hair.recession);
  if (!facts.balding) {
    weight *= 1 - 0.985 * thin;
  }
  return facts.style == HairStyle::kBald ? weight * (1 + 25 * recession * thin) : weight;
}

struct UsualCut {
  std::array<HairStyle, 3> styles{};  // the usual one first
  double length, volume, fringe, parting, messiness, dye;
  Vec3 dye_albedo;
};

Vec3 draw_dye(Draws& draws) {
  constexpr std::array<double, 6> kShares{0.28, 0.3, 0.16, 0.1, 0.08, 0.08};
  const size_t kind = draws.pick(kShares);
  const double t = draws.uniform(0.8, 1.15);
  switch (kind) {
    case 0:
      return srgb(214, 182, 128) * to_float(t);  // bleached
    case 1:
      return srgb(122, 48, 28) * to_float(t);  // henna
    case 2:
      return srgb(34, 24, 22) * to_float(t);  // black
    case 3:
      return srgb(196, 90, 140) * to_float(t);  // pink
    case 4:
      return srgb(52, 92, 168) * to_float(t);  // blue
    default:
      return srgb(108, 62, 140) * to_float(t);  // violet
  }
}

UsualCut draw_usual_cut(const PhotoDraw& photo) {
  Draws draws = photo.person_draws(Topic::kUsualHair);
  const bool male = photo.person.sex == Sex::kMale;
  UsualCut usual;
  std::array<double, kHairStyleCount> weights{};
  for (size_t i = 0; i < weights.size(); ++i) {
    weights[i] = style_weight(kStyles[i], photo.person);
  }
  for (HairStyle& style : usual.styles) {
    const size_t drawn = draws.pick(weights);
    style = kStyles[drawn].style;
    weights[drawn] *= 0.02;  // the next one is another
  }
  usual.length = draws.bell(0.1, 0.95);
  usual.volume = draws.bell(0.15, 0.85);
  const bool fringed = draws.chance(male ? 0.22 : 0.4);
  const double fringe = draws.uniform();
  usual.fringe = fringed ? 0.3 + 0.5 * fringe : 0.22 * fringe;
  const bool middle = draws.chance(0.25);
  const double aside = draws.uniform(0.35, 0.85);
  usual.parting = middle ? draws.normal(0, 0.08) : (draws.chance(0.62) ? aside : -aside);
  usual.messiness = draws.bell(0.05, 0.6);
  usual.dye = draws.chance(photo.options.dye_share) ? draws.uniform(0.7, 1) : 0;
  usual.dye_albedo = draw_dye(draws);
  return usual;
}

constexpr std::array<double, 5> kBeards{0.38, 0.1, 0.13, 0.25, 0.14};
constexpr std::array<double, 5> kSparseBeards{0.68, 0.14, 0.14, 0.04, 0};

BeardStyle draw_beard_style(Draws& draws, const IdentityRecipe& person) {
  const bool sparse = person.hair.beard_density < 0.42F;
  return static_cast<BeardStyle>(1 + draws.pick(sparse ? kSparseBeards : kBeards));
}

void draw_beard(const PhotoDraw& photo, HairCut& cut) {
  Draws usual = photo.person_draws(Topic::kUsualBeard);
  const double threshold = usual.uniform();
  const BeardStyle usual_style = draw_beard_style(usual, photo.person);
  const double usual_length = usual.bell(0, 1);
  Draws draws = photo.photo_draws(Topic::kBeard);
  const bool worn =
      draws.chance(Habit(photo.options.beard_share, 0.85, 0.08).probability(threshold));
  const bool changed = draws.chance(0.3);
  const BeardStyle other = draw_beard_style(draws, photo.person);
  const double length = std::clamp(draws.normal(usual_length, 0.2), 0.0, 1.0);
  cut.beard_length = to_float(length);
  if (worn && photo.person.sex == Sex::kMale) {
    cut.beard = changed ? other : usual_style;
  }
}

}  // namespace

HairCut draw_hair_cut(const PhotoDraw& photo) {
  const UsualCut usual = draw_usual_cut(photo);
  Draws draws = photo.photo_draws(Topic::kHairCut);
  const bool changed = draws.chance(photo.options.hair_change_share);
  const size_t other = draws.chance(0.6) ? 1 : 2;
  const auto near = [&](double mean, double sd, double low, double high) {
    return to_float(std::clamp(draws.normal(mean, sd), low, high));
  };
  HairCut cut;
  cut.style = usual.styles[changed ? other : 0];
  cut.length = near(usual.length, 0.12, 0, 1);
  cut.volume = near(usual.volume, 0.1, 0, 1);
  const bool combed = draws.chance(0.2);
  const double combed_fringe = draws.uniform(0, 0.75);
  // Hair over the eyes hides the face from detectors, and few people wear it so.
  cut.fringe = near(combed ? combed_fringe : usual.fringe, 0.08, 0, 0.88);
  if (cut.style == HairStyle::kFringeBob) {
    cut.fringe = std::max(cut.fringe, 0.6F);
  }
  const bool turned = draws.chance(0.08);
  cut.parting = near(turned ? -usual.parting : usual.parting, 0.06, -1, 1);
  cut.messiness = near(usual.messiness, 0.1, 0, 1);
  cut.dye = draws.chance(0.88) ? to_float(usual.dye) : 0;
  cut.dye_albedo = usual.dye_albedo;
  draw_beard(photo, cut);
  return cut;
}

}  // namespace guise::render
