// house-light: environments learned from CC0 panoramas, as small maps, spherical harmonics and one
// key light each. Built by `python -m guise.train light`; layout in models/house-light/card.md.
//
// Camera space: +x right, +y up, +z to the viewer. Maps are equirectangular, row 0 = up; the middle
// column is -z (what the camera sees behind the head), columns grow to the right.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "render/recipe.h"
#include "render/vec.h"

namespace guise::render {

// Real spherical harmonics of order 2 with y as polar axis, so that a turn about the vertical mixes
// only pairs: 1, z, y, x, yz, 3y^2-1, yx, z^2-x^2, zx.
using Harmonics = std::array<Vec3, 9>;

// Reflections of two roughnesses, without the key light.
struct GlossyMaps {
  int width = 0, height = 0;
  std::array<float, 2> roughness{};  // GGX alpha = roughness^2
  std::vector<Vec3> texels;          // [2 * height * width]
};

// Radiance from every direction, turned and mixed as a LightRecipe says. What lights a surface is
// irradiance(normal) + key.radiance * max(0, dot(normal, key.direction)) * visibility of the key.
struct Environment {
  int width = 0, height = 0;
  std::vector<Vec3> map;   // [height * width], with the key light
  GlossyMaps glossy_maps;  // without it
  Harmonics irradiance{};  // without it; convolved with the cosine, windowed against ringing, / pi
  Lamp key;                // the brightest lobe; radiance 0 where there is none
};

// Direction (unit) -> radiance, bilinear, with the key light: for backgrounds and mirrors.
Vec3 radiance(const Environment& environment, const Vec3& direction);
// Mirror direction (unit) -> radiance blurred for a GGX surface, without the key light.
// Roughness 0..1: 0 is the map itself (with the key), towards 1 it becomes the irradiance.
Vec3 glossy(const Environment& environment, const Vec3& direction, float roughness);
// Irradiance / pi on a surface with this normal, without the key light, never negative.
// `band_gain` scales bands 1 and 2 (light that wanders through skin has less of them).
Vec3 irradiance(const Environment& environment, const Vec3& normal, float band_gain = 1.0F);

class EnvironmentModel {
 public:
  // Throws Unavailable or CorruptFile.
  static EnvironmentModel load(const std::string& path);
  int count() const { return static_cast<int>(sources_.size()); }
  bool indoor(int index) const { return sources_.at(static_cast<size_t>(index)).indoor; }

  // Of two key lights the weaker one goes into `irradiance` and `glossy_maps`. A positive turn
  // moves what lies behind the head to the image's right. Throws std::invalid_argument for an
  // environment that does not exist, a mix or saturation outside 0..1 (saturation: ..2), a negative
  // or infinite strength or turn.
  Environment mix(const LightRecipe& light) const;

 private:
  struct Source {
    std::vector<Vec3> map, glossy;
    Harmonics irradiance{};
    Lamp key;
    bool indoor = false;
  };

  int width_ = 0, height_ = 0;
  int glossy_width_ = 0, glossy_height_ = 0;
  std::array<float, 2> glossy_roughness_{};
  std::vector<Source> sources_;
};

}  // namespace guise::render
