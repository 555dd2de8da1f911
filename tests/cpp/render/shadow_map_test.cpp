// Shadows of a disc over a plane, where the answer is known.
#include "render/shadow_map.h"

#include <gtest/gtest.h>

namespace guise::render {
namespace {

// A square of side 1 dm, 1 dm above the origin, facing up.
Mesh square() {
  Mesh mesh;
  mesh.surfaces.resize(1);
  mesh.positions = {{-0.5F, 1, -0.5F}, {0.5F, 1, -0.5F}, {0.5F, 1, 0.5F}, {-0.5F, 1, 0.5F}};
  mesh.triangles = {{{0, 1, 2}, 0, Part::kSkin}, {{0, 2, 3}, 0, Part::kSkin}};
  return mesh;
}

ShadowMap lamp_above(float softness) {
  return {{0, 1, 0}, softness, {0, 0, 0}, 2, 128};
}

TEST(ShadowMap, DarkensWhatLiesBehind) {
  const Mesh mesh = square();
  ShadowMap map = lamp_above(0.05F);
  map.cast(mesh, mesh.positions);
  map.finish();
  const Vec3 up{0, 1, 0};
  EXPECT_LT(map.light_at({0, 0, 0}, up), 0.01F);
  EXPECT_GT(map.light_at({1.2F, 0, 0}, up), 0.99F);
  EXPECT_GT(map.light_at({0, 1, 0}, up), 0.9F) << "a surface must not shade itself";
  EXPECT_EQ(map.light_at({50, 0, 0}, up), 1.0F) << "outside of the map";
}

TEST(ShadowMap, LargerLampsThrowSofterEdges) {
  const Mesh mesh = square();
  const Vec3 up{0, 1, 0};
  const auto width_of_edge = [&](float softness) {
    ShadowMap map = lamp_above(softness);
    map.cast(mesh, mesh.positions);
    map.finish();
    int half_lit = 0;
    for (int i = 0; i < 200; ++i) {
      const float light = map.light_at({0.01F * static_cast<float>(i), 0, 0}, up);
      half_lit += light > 0.1F && light < 0.9F ? 1 : 0;
    }
    return half_lit;
  };
  EXPECT_LT(width_of_edge(0.02F), width_of_edge(0.6F));
}

TEST(ShadowMap, ClearLensesLetLightThrough) {
  Mesh mesh = square();
  mesh.surfaces[0].kind = SurfaceKind::kLens;
  mesh.surfaces[0].opacity = 0.1F;
  ShadowMap map = lamp_above(0.05F);
  map.cast(mesh, mesh.positions);
  map.finish();
  EXPECT_GT(map.light_at({0, 0, 0}, {0, 1, 0}), 0.99F);
}

TEST(ShadowMap, MoreHairIsDarker) {
  const auto light_under = [](int strands_count) {
    Strands strands;
    strands.first.push_back(0);
    for (int s = 0; s < strands_count; ++s) {
      const float z = -0.5F + static_cast<float>(s) / static_cast<float>(strands_count);
      for (int k = 0; k <= 20; ++k) {
        strands.points.push_back({-0.5F + 0.05F * static_cast<float>(k), 1, z});
        strands.radii.push_back(0.01F);
      }
      strands.first.push_back(static_cast<uint32_t>(strands.points.size()));
    }
    ShadowMap map = lamp_above(0.2F);
    map.cast_hair(strands, strands.points);
    map.finish();
    return map.light_at({0, 0, 0}, {0, 1, 0});
  };
  const float thin = light_under(10), thick = light_under(100);
  EXPECT_LT(thick, thin);
  EXPECT_LT(thin, 1);
  EXPECT_GT(thick, 0);
}

}  // namespace
}  // namespace guise::render
