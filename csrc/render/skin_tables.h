// What house-skin's file and the head's shape say about each texel of the skin chart, at every size
// that is painted.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "render/head_model.h"
#include "render/skin_lanes.h"
#include "render/vec.h"

namespace guise::render {

// Channels of SkinTables::regions and SkinTables::groups, in file order (guise.train.skin_regions,
// guise.train.skin_wrinkles).
enum SkinRegion {
  kFlush,
  kOilZone,
  kGolden,
  kEyeBag,
  kLid,
  kVein,
  kFreckle,
  kPore,
  kBlush,
  kLidShadow,
  kAgeSpot,
  kEar,
  kSkinRegionCount,
};
enum WrinkleGroup {
  kForehead,
  kGlabella,
  kCrowsFeet,
  kUnderEye,
  kNasolabial,
  kMarionette,
  kLipLines,
  kNeck,
  kCheek,
  kWrinkleGroupCount,
};

// Maps of the learned low frequencies before the modes.
enum LowMap { kLowMean, kLowSex, kLowAge, kLowDark, kLowMapCount };

// Sizes: fine levels are 128, 256, 512 and 1024 texels wide, base levels 128 and 256.
inline constexpr int kFineWidth = 1024, kBaseWidth = 256, kSmallestWidth = 128;

// [height * width] each, height = width / 2.
struct FineLevel {
  int width = 0;
  std::vector<Lanes> place;   // x, y, z on the mean head (dm); 1 skin, 0.5 beside it, 0 elsewhere
  std::vector<Lanes> detail;  // learned log RGB beyond the base; effect of age
  std::vector<Lanes> traits;  // lips, 1 where wrinkles may lie, veins, face
  // Folds and fine lines, dm; [2 * height * width].
  std::vector<float> wrinkles;
};

struct BaseLevel {
  int width = 0;
  std::vector<std::vector<int8_t>> low;                      // [maps][height * width * 3]
  std::array<std::vector<float>, kSkinRegionCount> regions;  // 0..1
  std::vector<Lanes> place;                                  // as in FineLevel
  std::vector<float> scalp, beard, moustache;                // as HeadTopology has them
  std::vector<float> face;                                   // 1 where sheets show bare skin
  std::vector<uint8_t> group;                                // nearest WrinkleGroup
};

// A triangle of the mean head's skin.
struct SkinTriangle {
  std::array<Vec2, 3> uv;
  std::array<Vec3, 3> position;
  // Metric of the chart: length^2 (dm^2) = uu du^2 + 2 uv du dv + vv dv^2.
  float uu = 0, uv_cross = 0, vv = 0;
};

// Sums of area times a region over the triangles: where to scatter spots.
using Scatter = std::vector<float>;

struct SkinTables {
  std::array<FineLevel, 4> fine;  // smallest first
  std::array<BaseLevel, 2> base;
  std::vector<float> low_step;          // value of one step of each low map
  Vec3 melanin_axis, haemoglobin_axis;  // change of log RGB, green -1
  int mode_count = 0;
  std::vector<SkinTriangle> triangles;
  Scatter scatter_moles, scatter_freckles, scatter_age_spots, scatter_blemishes;
};

// Throws Unavailable or CorruptFile.
SkinTables load_skin_tables(const std::string& path, const HeadTopology& head);

// Steps of load_skin_tables that need no file: fills place, scalp, beard, moustache of all levels
// and the triangles.
void place_head_in_chart(const HeadTopology& head, SkinTables& tables);

}  // namespace guise::render
