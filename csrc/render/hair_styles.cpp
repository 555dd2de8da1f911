#include "render/hair_styles.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "render/groom.h"

namespace guise::render {
namespace {

constexpr float kNoCut = 99;

// Pairs are values at HairCut::length (or volume, for the shell) 0 and 1; lengths in dm.
struct Row {
  HairStyle style;
  Comb comb;
  std::array<float, 2> top, side, back;
  float fade_low, fade_high;
  float lift_top, lift_side, stiffness, hug;
  std::array<float, 2> shell;
  float clump;
  uint8_t clump_level;
  std::array<float, 2> curl;
  std::array<float, 2> cut;  // dm above the chin
  float fringe_least, fringe_most;
  float count, radius;
  bool female, male;
};

using S = HairStyle;
// One style in three lines: names and lengths; course; look.
// clang-format off
constexpr std::array<Row, kHairStyleCount> kRows = {{
    {S::kShaved, Comb::kNatural, {.012F, .022F}, {.010F, .020F}, {.010F, .020F},
     .3F, .7F, .40F, .35F, 9, 0,
     {0, 0}, 0, 2, {0, 1}, {kNoCut, kNoCut}, 0, 0, 3.2F, .62F, false, true},
    {S::kBuzz, Comb::kNatural, {.045F, .10F}, {.03F, .08F}, {.03F, .08F},
     .3F, .7F, .40F, .30F, 9, 0,
     {0, .01F}, .15F, 2, {0, 1}, {kNoCut, kNoCut}, 0, 0, 3.2F, .70F, false, true},
    {S::kCrewCut, Comb::kNatural, {.18F, .36F}, {.06F, .11F}, {.05F, .10F},
     .50F, .90F, .60F, .25F, 2.5F, 0,
     {.01F, .05F}, .45F, 2, {0, .6F}, {kNoCut, kNoCut}, 0, .3F, 2.2F, .85F, false, true},
    {S::kSidePart, Comb::kPart, {.50F, .95F}, {.18F, .34F}, {.18F, .32F},
     .36F, .76F, .42F, .12F, .70F, 5,
     {.06F, .24F}, .45F, 1, {0, .5F}, {kNoCut, kNoCut}, 0, .8F, 1.5F, 1, false, true},
    {S::kSlickBack, Comb::kBack, {1.0F, 1.5F}, {.42F, .75F}, {.30F, .60F},
     .20F, .55F, .22F, .06F, .9F, 7,
     {.03F, .16F}, .50F, 2, {0, .4F}, {kNoCut, kNoCut}, 0, 0, 1.4F, 1, true, true},
    {S::kSpiky, Comb::kNatural, {.30F, .60F}, {.14F, .26F}, {.14F, .28F},
     .38F, .80F, .78F, .30F, 2.2F, 0,
     {.02F, .08F}, .90F, 1, {0, .35F}, {kNoCut, kNoCut}, 0, .4F, 1.6F, .95F, false, true},
    {S::kCurlyTop, Comb::kNatural, {.45F, .85F}, {.06F, .13F}, {.05F, .12F},
     .52F, .84F, .70F, .35F, .6F, 0,
     {.10F, .32F}, .55F, 1, {.55F, .9F}, {kNoCut, kNoCut}, 0, .6F, 1.2F, 1, false, true},
    {S::kAfro, Comb::kStand, {.50F, 1.15F}, {.45F, 1.05F}, {.40F, .95F},
     .0F, .6F, 1, 1, 9, 0,
     {.2F, .5F}, .25F, 2, {.9F, 1}, {kNoCut, kNoCut}, 0, .2F, 1.5F, 1.1F, true, true},
    {S::kShortBob, Comb::kPart, {2.4F, 2.6F}, {2.0F, 2.2F}, {1.7F, 1.9F},
     .2F, .7F, .30F, .15F, .35F, 2.5F,
     {.10F, .30F}, .50F, 1, {0, .5F}, {.42F, .02F}, 0, .8F, 1, 1, true, false},
    {S::kLongBob, Comb::kPart, {3.0F, 3.4F}, {2.8F, 3.1F}, {2.6F, 2.9F},
     .2F, .7F, .28F, .12F, .35F, 2.5F,
     {.08F, .26F}, .50F, 1, {0, .5F}, {-.12F, -.55F}, 0, .8F, 1, 1, true, false},
    {S::kLongStraight, Comb::kPart, {3.4F, 5.2F}, {3.2F, 5.0F}, {3.0F, 4.8F},
     .2F, .7F, .22F, .08F, .30F, 3.5F,
     {.05F, .20F}, .45F, 1, {0, .14F}, {kNoCut, kNoCut}, 0, .6F, 1, 1, true, false},
    {S::kLongWavy, Comb::kPart, {3.2F, 4.8F}, {3.0F, 4.6F}, {2.8F, 4.4F},
     .2F, .7F, .30F, .12F, .35F, 2.2F,
     {.09F, .30F}, .60F, 1, {.25F, .42F}, {kNoCut, kNoCut}, 0, .6F, 1, 1, true, false},
    {S::kLongCurly, Comb::kPart, {2.4F, 4.0F}, {2.2F, 3.8F}, {2.0F, 3.6F},
     .2F, .7F, .50F, .35F, .40F, 1.4F,
     {.14F, .40F}, .78F, 1, {.5F, .8F}, {kNoCut, kNoCut}, 0, .6F, 1, 1.1F, true, false},
    {S::kPonytail, Comb::kGather, {1.6F, 3.4F}, {1.6F, 3.4F}, {1.6F, 3.4F},
     .2F, .7F, .10F, .04F, .35F, 4,
     {.02F, .10F}, .40F, 2, {0, .6F}, {kNoCut, kNoCut}, 0, .8F, 1.2F, 1, true, false},
    {S::kBun, Comb::kGather, {.9F, 1.3F}, {.9F, 1.3F}, {.9F, 1.3F},
     .2F, .7F, .10F, .04F, .35F, 4,
     {.02F, .10F}, .40F, 2, {0, .6F}, {kNoCut, kNoCut}, 0, .8F, 1.2F, 1, true, false},
    {S::kPixie, Comb::kNatural, {.70F, 1.05F}, {.38F, .60F}, {.28F, .48F},
     .1F, .6F, .40F, .16F, .60F, 3,
     {.06F, .22F}, .70F, 1, {0, .5F}, {kNoCut, kNoCut}, .45F, .95F, 1.4F, 1, true, false},
    {S::kFringeBob, Comb::kPart, {2.4F, 2.6F}, {2.0F, 2.2F}, {1.7F, 1.9F},
     .2F, .7F, .25F, .12F, .30F, 2.5F,
     {.09F, .24F}, .40F, 1, {0, .3F}, {.40F, -.15F}, .88F, 1, 1, 1, true, false},
    {S::kUndercut, Comb::kBack, {1.0F, 1.6F}, {.035F, .08F}, {.03F, .07F},
     .50F, .58F, .50F, .40F, .9F, 2.2F,
     {.08F, .28F}, .50F, 1, {0, .6F}, {kNoCut, kNoCut}, 0, .4F, 1.7F, .95F, true, true},
    {S::kDreadlocks, Comb::kPart, {1.4F, 3.6F}, {1.2F, 3.2F}, {1.0F, 3.0F},
     .2F, .7F, .14F, .10F, .30F, 2,
     {.08F, .24F}, 1, 0, {.95F, 1}, {kNoCut, kNoCut}, 0, .4F, 1, 1, true, true},
    {S::kBald, Comb::kNatural, {.02F, .05F}, {.03F, .12F}, {.03F, .12F},
     .3F, .7F, .50F, .30F, 9, 0,
     {0, .01F}, .2F, 2, {0, 1}, {kNoCut, kNoCut}, 0, 0, 2.6F, .70F, false, true},
}};
// clang-format on

const Row& row_of(HairStyle style) {
  for (const Row& row : kRows) {
    if (row.style == style) return row;
  }
  return kRows[0];
}

float at(const std::array<float, 2>& range, float t) {
  return lerp(range[0], range[1], t);
}

// Helix of the hair: wavy hair swings wide and slowly, coiled hair tightly.
void set_curl(HairPlan& plan, float curl) {
  plan.wave_length = 1.4F * std::exp(-2.5F * curl);
  plan.wave_radius = plan.wave_length * (0.05F + 0.24F * curl) * smoothstep(0.03F, 0.3F, curl);
  plan.frizz = 0.05F + 0.6F * smoothstep(0.65F, 1.0F, curl);
  plan.lock_frizz = 0.05F + 0.8F * smoothstep(0.4F, 0.65F, curl);
  plan.wave_flat = lerp(0.25F, 1.0F, smoothstep(0.25F, 0.6F, curl));
}

// What a table cannot say.
void adjust_style(HairPlan& plan, const HairCut& cut) {
  switch (plan.style) {
    case HairStyle::kAfro:
      plan.first_step = 0.42F;
      plan.over_ears = 0;
      plan.radius *= 1.1F;
      break;
    case HairStyle::kUndercut:
      plan.undercoat = 0.6F;
      break;
    case HairStyle::kCurlyTop:
      plan.first_step = 0.15F;
      break;
    case HairStyle::kPonytail:
      plan.gather_height = lerp(-0.05F, 0.5F, cut.volume);
      plan.gather_out = 0.10F;
      break;
    case HairStyle::kBun:
      plan.gather_height = lerp(0.0F, 0.75F, cut.volume);
      plan.gather_out = 0.06F;
      break;
    case HairStyle::kDreadlocks:
      plan.mess *= 0.4F;
      plan.undercoat = 0.75F;
      break;
    case HairStyle::kShaved:
      plan.undercoat = 0;
      break;
    case HairStyle::kBald:
      plan.undercoat = 0.4F;
      plan.recession = 1;
      break;
    default:
      break;
  }
}

}  // namespace

HairStyleInfo hair_style_info(HairStyle style) {
  const Row& row = row_of(style);
  HairStyleInfo info;
  info.shortest_dm = std::max({row.top[0], row.side[0], row.back[0]});
  info.longest_dm = std::max({row.top[1], row.side[1], row.back[1]});
  info.female_usual = row.female;
  info.male_usual = row.male;
  info.curl_min = row.curl[0];
  info.curl_max = row.curl[1];
  return info;
}

HairPlan make_hair_plan(const IdentityRecipe& person, const PhotoRecipe& photo,
                        const HairFrame& frame, int picture_px) {
  const HairCut& cut = photo.hair;
  const Row& row = row_of(cut.style);
  const float len = clamp01(cut.length), volume = clamp01(cut.volume);
  HairPlan plan;
  plan.style = cut.style;
  plan.comb = row.comb;
  plan.top = at(row.top, len);
  plan.side = at(row.side, len);
  plan.back = at(row.back, len);
  plan.fade_low = row.fade_low;
  plan.fade_high = row.fade_high;
  plan.lift_top = row.lift_top;
  plan.lift_side = row.lift_side;
  plan.stiffness = row.stiffness * lerp(0.8F, 1.25F, person.hair.thickness);
  plan.shell = at(row.shell, volume) * lerp(0.75F, 1.1F, person.hair.density);
  plan.clump = row.clump;
  plan.clump_level = row.clump_level;
  set_curl(plan, std::clamp(person.hair.curl, row.curl[0], row.curl[1]));
  if (row.cut[0] < kNoCut) {
    plan.cut_y = frame.chin_y + at(row.cut, len) * frame.scale;
    plan.cut_spread = 0.03F + 0.08F * cut.messiness;
  }
  plan.fringe = std::clamp(cut.fringe, row.fringe_least, row.fringe_most);
  plan.parting_x = cut.parting * 0.40F * frame.scale;
  plan.mess = clamp01(cut.messiness);
  const float longest = std::max({plan.top, plan.side, plan.back});
  plan.over_ears = longest > 1.0F;
  plan.hug = row.hug;
  plan.recession = clamp01(person.hair.recession);
  plan.hairline = person.hair.hairline_height;
  plan.count = row.count * lerp(0.4F, 1.0F, clamp01(person.hair.density));
  plan.radius = row.radius * lerp(0.82F, 1.2F, clamp01(person.hair.thickness));
  adjust_style(plan, cut);
  // A wave needs five points or more; small pictures cannot show small coils.
  plan.most_points = picture_px <= 128 ? 18 : picture_px <= 256 ? 30 : 46;
  if (plan.style == HairStyle::kDreadlocks) {  // the helix is the rope's twist
    plan.wave_length = 0.5F;
    plan.wave_radius = lerp(0.035F, 0.060F, person.hair.thickness);
  }
  const float waving = longest * (1 - plan.first_step);
  plan.wave_length =
      std::max(plan.wave_length, 5.5F * waving / static_cast<float>(plan.most_points));
  plan.least_points = longest < 0.15F ? 3 : longest < 0.5F ? 5 : 6;
  return plan;
}

}  // namespace guise::render
