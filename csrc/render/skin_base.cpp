// Tone, the learned low frequencies and the smooth unevenness of one person.
#include <algorithm>
#include <array>
#include <cmath>

#include "render/keyed_noise.h"
#include "render/skin_layers.h"

namespace guise::render {
namespace {

// Linear albedo of the ten tones: the Monk scale's steps in lightness, from the fairest to the
// darkest skin that is measured, not from the palette's whites and blacks.
constexpr std::array<Vec3, 10> kTones{{{0.735F, 0.530F, 0.430F},
                                       {0.700F, 0.485F, 0.380F},
                                       {0.655F, 0.435F, 0.320F},
                                       {0.585F, 0.365F, 0.250F},
                                       {0.480F, 0.280F, 0.177F},
                                       {0.360F, 0.196F, 0.115F},
                                       {0.258F, 0.128F, 0.067F},
                                       {0.176F, 0.082F, 0.041F},
                                       {0.114F, 0.052F, 0.027F},
                                       {0.068F, 0.033F, 0.019F}}};
// Change of log RGB from pale to ruddy and from pink to golden.
constexpr float kRuddy = 0.26F;
constexpr Vec3 kGold{0.015F, -0.03F, -0.30F};

constexpr float kMeanGain = 0.85F, kModeGain = 1.3F;

// Bumps per dm and weight of the smooth unevenness.
constexpr std::array<std::array<float, 2>, 3> kUnevenness{
    {{1.3F, 1.0F}, {2.9F, 0.7F}, {6.1F, 0.45F}}};

Vec3 log_of(const Vec3& v) {
  return {std::log(v.x), std::log(v.y), std::log(v.z)};
}

Lanes lanes_of(const Vec3& v) {
  return Lanes{v.x, v.y, v.z, 0.0F};
}

// How soon a group of wrinkles shows (share of `furrowed`) and what even the young have of it.
struct GroupHabit {
  float amount, from_youth;
};
constexpr std::array<GroupHabit, kWrinkleGroupCount> kHabits{{{1.00F, 0.02F},
                                                              {0.95F, 0.02F},
                                                              {1.10F, 0.00F},
                                                              {0.90F, 0.14F},
                                                              {0.85F, 0.16F},
                                                              {0.90F, 0.03F},
                                                              {0.90F, 0.00F},
                                                              {0.95F, 0.16F},
                                                              {0.85F, 0.00F}}};

// Gain of the folds of each group on each side of the face.
std::array<std::array<float, 2>, kWrinkleGroupCount> group_gains(const SkinPerson& person) {
  const uint32_t key = noise_stream_key(person.noise_key, kSkinWrinkles);
  std::array<std::array<float, 2>, kWrinkleGroupCount> gains{};
  for (uint32_t g = 0; g < kWrinkleGroupCount; ++g) {
    const float own = keyed_range(key, 3 * g, 0.45F, 1.45F);
    for (uint32_t side = 0; side < 2; ++side) {
      const float lopsided = keyed_range(key, 3 * g + 1 + side, 0.85F, 1.15F);
      gains[g][side] =
          own * lopsided * (kHabits[g].amount * person.furrowed + kHabits[g].from_youth);
    }
  }
  return gains;
}

// Adds the learned maps to colours [texels * 3].
void add_low_maps(const BaseLevel& level, const std::vector<float>& steps,
                  const std::vector<float>& weights, std::vector<float>& colours) {
  for (size_t k = 0; k < weights.size(); ++k) {
    const float gain = weights[k] * steps[k];
    if (gain == 0) continue;
    const int8_t* map = level.low[k].data();
    float* to = colours.data();
    const size_t count = colours.size();
    for (size_t i = 0; i < count; ++i) to[i] += gain * static_cast<float>(map[i]);
  }
}

std::vector<float> low_weights(const SkinTables& tables, const SkinPerson& person) {
  const float melanin = person.recipe->melanin;
  // Dark sheets have more contrast than dark skin.
  const float contrast = 1.0F - 0.15F * melanin;
  std::vector<float> weights{kMeanGain * contrast, 0.9F * person.male * contrast,
                             (2.0F * std::min(person.old, 1.1F) - 1.0F) * 0.8F * contrast,
                             (clamp01((melanin - 0.2F) / 0.65F) - 0.5F) * kMeanGain * contrast};
  for (const float mode : person.recipe->modes) weights.push_back(mode * kModeGain * contrast);
  weights.resize(static_cast<size_t>(tables.mode_count) + kLowMapCount, 0.0F);
  return weights;
}

// The unevenness at the smallest size (it carries all of it), enlarged to `width`. Channels:
// pigment, blood, carotene, pigment of the fine field; and a second field for the play of wrinkles.
struct Unevenness {
  std::vector<Lanes> colour, play;
};

Unevenness draw_unevenness(const BaseLevel& level, const ValueNoise& noise) {
  Unevenness fields{std::vector<Lanes>(level.place.size()), std::vector<Lanes>(level.place.size())};
  for (size_t i = 0; i < level.place.size(); ++i) {
    const Lanes place = level.place[i];
    if (place[3] == 0) continue;
    Lanes sum{};
    for (size_t octave = 0; octave < kUnevenness.size(); ++octave) {
      const float shift = 7.3F * static_cast<float>(octave + 1);
      sum += noise.at(place * kUnevenness[octave][0] + shift) * kUnevenness[octave][1];
    }
    fields.colour[i] = sum;
    fields.play[i] = noise.at(place * 3.7F + 61.7F) + 0.4F * noise.at(place * 11.0F + 83.1F);
  }
  return fields;
}

std::vector<Lanes> enlarged(const std::vector<Lanes>& map, int map_width, int width) {
  RowEnlarger rows(map, map_width, width);
  std::vector<Lanes> result;
  result.reserve(static_cast<size_t>(width) * static_cast<size_t>(width) / 2);
  for (int y = 0; y < width / 2; ++y) {
    const Lanes* row = rows.row(y);
    result.insert(result.end(), row, row + width);
  }
  return result;
}

// Melanin, haemoglobin, carotene (as shares of their axes) that regions and unevenness add.
struct Pigment {
  float melanin = 0, blood = 0, gold = 0;
};

Pigment pigment_at(const BaseLevel& level, size_t i, const SkinPerson& person, Lanes uneven) {
  const SkinRecipe& skin = *person.recipe;
  const auto region = [&](SkinRegion r) { return level.regions[static_cast<size_t>(r)][i]; };
  const float blotch = (0.06F + 0.40F * skin.blotches) * (1.0F + 0.35F * person.old);
  const float flush = region(kFlush) * (0.75F + 0.6F * uneven[3]);
  const float bag = region(kEyeBag) * skin.dark_circles;
  const float scalp = smoothstep(-0.12F, 0.15F, level.scalp[i]);
  Pigment pigment;
  pigment.melanin = blotch * uneven[0] + 0.20F * bag + 0.05F * scalp + 0.03F * region(kLid);
  pigment.blood = blotch * (0.5F + 0.8F * skin.haemoglobin) * uneven[1] +
                  flush * (0.05F + 0.26F * skin.haemoglobin * skin.haemoglobin) +
                  0.10F * region(kEar) + 0.07F * region(kLid) + 0.16F * bag - 0.05F * scalp;
  pigment.gold = 0.15F * uneven[2] + 0.13F * region(kGolden) - 0.10F * bag;
  return pigment;
}

}  // namespace

Vec3 log_tone(float melanin) {
  const float at = clamp01(melanin) * static_cast<float>(kTones.size() - 1);
  const auto low = std::min(static_cast<size_t>(at), kTones.size() - 2);
  return lerp(log_of(kTones[low]), log_of(kTones[low + 1]), at - static_cast<float>(low));
}

Vec3 log_tone(const SkinRecipe& recipe) {
  const float ruddy = (recipe.haemoglobin - 0.5F) * kRuddy * (1.0F - 0.6F * recipe.melanin);
  return log_tone(recipe.melanin) + Vec3{-0.15F, -1.0F, -0.75F} * ruddy +
         kGold * (recipe.yellowness - 0.5F);
}

SkinBase paint_base(const SkinTables& tables, const SkinPerson& person, const ValueNoise& noise,
                    int width) {
  const BaseLevel& level = tables.base[width > kSmallestWidth ? 1 : 0];
  const size_t texels = level.place.size();
  SkinBase base{level.width, std::vector<Lanes>(texels), std::vector<Lanes>(texels),
                std::vector<Lanes>(texels)};
  std::vector<float> learned(texels * 3, 0.0F);
  add_low_maps(level, tables.low_step, low_weights(tables, person), learned);
  Unevenness uneven = draw_unevenness(tables.base[0], noise);
  if (level.width > kSmallestWidth) {
    uneven.colour = enlarged(uneven.colour, kSmallestWidth, level.width);
    uneven.play = enlarged(uneven.play, kSmallestWidth, level.width);
  }
  const SkinRecipe& skin = *person.recipe;
  const Lanes tone = lanes_of(log_tone(skin)), gold = lanes_of(kGold);
  const Lanes melanin = lanes_of(person.melanin_axis);
  const Lanes blood = lanes_of(person.haemoglobin_axis) * person.blood_shows;
  const auto gains = group_gains(person);
  const size_t half = static_cast<size_t>(level.width) / 2;
  for (size_t i = 0; i < texels; ++i) {
    const Pigment pigment = pigment_at(level, i, person, uneven.colour[i]);
    Lanes colour = tone + Lanes{learned[3 * i], learned[3 * i + 1], learned[3 * i + 2], 0.0F} +
                   melanin * pigment.melanin + blood * pigment.blood + gold * pigment.gold;
    const float fold = gains[level.group[i]][i % (2 * half) < half ? 0 : 1];
    const Lanes play = uneven.play[i];
    colour[3] = fold * std::max(0.1F, 0.9F + 1.2F * play[2]);
    base.colour[i] = colour;
    const float fine = std::max(0.0F, fold - 0.30F) * std::max(0.0F, 1.0F - 1.2F * play[2]);
    const float pores = level.regions[kPore][i] * (0.25F + 0.9F * skin.roughness);
    base.play[i] = Lanes{11.0F * play[0], 6.5F * play[1], fine, pores};
    const float oil = skin.oil * (0.45F + 0.7F * level.regions[kOilZone][i]) + 0.12F +
                      0.12F * play[3] - 0.12F * person.old;
    const float mottling = (0.55F + 0.6F * skin.roughness + 0.3F * person.old) *
                           (0.5F + 0.5F * level.face[i] + 0.25F * level.regions[kFlush][i]);
    base.surface[i] = Lanes{oil, mottling, 0.0F, 0.0F};
  }
  return base;
}

}  // namespace guise::render
