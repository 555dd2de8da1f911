// Soft shadows of one lamp: a variance shadow map, blurred by the lamp's size.
//
// Donnelly and Lauritzen: "Variance Shadow Maps" (I3D 2006): mean and variance of the casters'
// heights may be blurred, and Chebyshev's inequality bounds how much of them lies above a place.
// Hair lets light through: it has a map of its own, of its front and its thickness.
#pragma once

#include <vector>

#include "render/mesh.h"
#include "render/vec.h"

namespace guise::render {

class ShadowMap {
 public:
  // Everything in camera space. `to_lamp`: unit. Covers a sphere around `center`; what lies outside
  // of it is lit. `softness`: angular radius of the lamp, radians. `map_px`: rows of the map.
  ShadowMap(const Vec3& to_lamp, float softness, const Vec3& center, float radius_dm, int map_px);

  void cast(const Mesh& mesh, const std::vector<Vec3>& positions);
  // Every point of a strand casts a blot of its radius.
  void cast_hair(const Strands& strands, const std::vector<Vec3>& points);
  // Blurs; call once, after casting and before asking.
  void finish();

  // 0 = in shadow .. 1 = lit; of solid things and hair. `normal` pushes the place off its surface.
  float light_at(const Vec3& position, const Vec3& normal) const;

 private:
  struct Place {
    float x, y, height;  // of the map; height towards the lamp, dm, 0 at the centre
  };
  Place place(const Vec3& position) const;
  float sample(const std::vector<float>& map, float x, float y) const;

  Vec3 right_, up_, to_lamp_, center_;
  float radius_, softness_;
  int map_px_;
  std::vector<float> caster_;     // highest solid height, then its blurred mean
  std::vector<float> caster2_;    // blurred mean of its square
  std::vector<float> hair_top_;   // highest hair
  std::vector<float> hair_mass_;  // optical thickness of the hair
  bool has_hair_ = false;
};

}  // namespace guise::render
