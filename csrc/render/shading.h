// How surfaces and hair answer to light. Everything in camera space, linear RGB.
//
// Skin: Lambert with a wrapped, coloured terminator (the red of scattered light), two GGX lobes
// (Walter et al., EGSR 2007) with Schlick's Fresnel; hair: Kajiya and Kay (SIGGRAPH 1989) with the
// two shifted highlights of Marschner et al. (SIGGRAPH 2003).
#pragma once

#include <array>
#include <vector>

#include "render/environment.h"
#include "render/mesh.h"
#include "render/recipe.h"
#include "render/shadow_map.h"
#include "render/skin_model.h"

namespace guise::render {

struct LampInScene {
  Lamp lamp;
  const ShadowMap* shadow = nullptr;  // none: lit everywhere
};

struct Lighting {
  Environment environment;
  std::vector<LampInScene> lamps;
};

// A place on a surface, as the rasteriser saw it.
struct SurfacePoint {
  Vec3 position;
  Vec3 normal;  // unit, towards the viewer's side
  Vec3 to_viewer;
  Vec2 uv;
  Vec3 along_u, along_v;  // change of position per unit of uv
  float ambient_occlusion = 1;
};

// Eyeballs are painted, not textured.
struct EyeLook {
  Eye eye;              // camera space
  Vec3 up;              // of the head, unit
  Vec3 right;           // of the head, unit, towards +x
  float upper_lid = 1;  // height of the lids above the centre, in eye radii
  float lower_lid = -1;
  EyeRecipe recipe;
  float pupil = 0.35F;   // of the iris radius
  float white_gain = 1;  // of the white's albedo: less where skin is dark, or whites seem to glow
  uint64_t noise_key = 0;
};

Vec3 shade_skin(const SurfacePoint& at, const SkinMaps& maps, const Lighting& lighting);
Vec3 shade_eye(const SurfacePoint& at, const EyeLook& look, const Lighting& lighting);
// Cloth, plain, mouth, teeth, tongue, hand.
Vec3 shade_material(const SurfacePoint& at, const Surface& surface, const Lighting& lighting);
// What a lens adds, and what it lets through.
struct LensLook {
  Vec3 mirrored;
  Vec3 transmitted;
};
LensLook shade_lens(const SurfacePoint& at, const Surface& surface, const Lighting& lighting);

struct StrandPoint {
  Vec3 position;
  Vec3 tangent;      // unit, root to tip
  Vec3 root_normal;  // of the hair's shell
  Vec3 to_viewer;
  Vec3 albedo;
  float depth = 1;      // 0 deep in the hair .. 1 outside
  float from_root = 1;  // 0 root .. 1 tip
};
Vec3 shade_strand(const StrandPoint& at, const Lighting& lighting);

}  // namespace guise::render
