// What the rasteriser draws: triangles with surfaces, and hair as strands.
//
// Space: decimetres, right-handed, +x the subject's left (image right when seen from the front),
// +y up, +z out of the face. Colours are linear RGB, 1.0 = white.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "render/vec.h"

namespace guise::render {

// Classes of the part mask, in the order of the CelebAMask-HQ parsers (BiSeNet); 19 and up are
// ours. "left" and "right" are the subject's.
enum class Part : uint8_t {
  kBackground = 0,
  kSkin = 1,
  kLeftBrow = 2,
  kRightBrow = 3,
  kLeftEye = 4,
  kRightEye = 5,
  kGlasses = 6,
  kLeftEar = 7,
  kRightEar = 8,
  kEarring = 9,
  kNose = 10,
  kMouth = 11,  // inside of the mouth: teeth, tongue, gums
  kUpperLip = 12,
  kLowerLip = 13,
  kNeck = 14,
  kNecklace = 15,
  kCloth = 16,
  kHair = 17,
  kHat = 18,
  kFacialHair = 19,
  kOccluder = 20,  // hand, mask, scarf over the face
};

// How a surface answers to light.
enum class SurfaceKind : uint8_t {
  kSkin,   // albedo, oil and height from the skin maps by uv
  kEye,    // eyeball: white, iris, pupil, cornea; painted from the direction to the eye centre
  kMouth,  // wet inside of the mouth, darker with depth
  kTeeth,
  kTongue,
  kCloth,  // woven or knitted; sheen at grazing angles
  kPlain,  // plastic, metal, leather, paper: albedo + GGX
  kLens,   // transparent: tints and mirrors what lies behind
  kHand,   // plain skin without maps
};

struct Surface {
  SurfaceKind kind = SurfaceKind::kPlain;
  Vec3 albedo{0.5F, 0.5F, 0.5F};
  Vec3 second_albedo{0.5F, 0.5F, 0.5F};  // of the pattern's other colour
  float roughness = 0.5F;                // GGX alpha = roughness^2
  float f0 = 0.04F;                      // reflectance at normal incidence; > 0.5 = metal
  float pattern = 0;        // 0 none, 1 stripes across v, 2 checks, 3 knit, 4 denim-like weave
  float pattern_scale = 1;  // periods per uv unit
  float opacity = 1;        // of a lens: 0 clear, 1 black
  bool two_sided = false;
};

struct Triangle {
  std::array<uint32_t, 3> vertex{};  // counter-clockwise seen from outside
  uint16_t surface = 0;              // index into Mesh::surfaces
  Part part = Part::kSkin;
};

// Vertices are split where normals or uv are; all vertex arrays have one length.
struct Mesh {
  std::vector<Vec3> positions;
  std::vector<Vec3> normals;  // unit
  std::vector<Vec2> uv;
  // Drawn where the interpolated value is >= 0: smooth edges of collars, lenses and brims that do
  // not follow the triangles.
  std::vector<float> keep;
  // 1 = open to the sky, 0 = closed in.
  std::vector<float> ambient_occlusion;
  std::vector<Triangle> triangles;
  std::vector<Surface> surfaces;
};

// Hair, brows, lashes, beard: polylines with a round cross-section.
struct Strands {
  std::vector<Vec3> points;     // strand by strand, root first
  std::vector<float> radii;     // of each point, dm
  std::vector<uint32_t> first;  // [strands + 1]: points of strand i are [first[i], first[i + 1])
  std::vector<Vec3> albedo;     // of each strand
  std::vector<Part> part;       // of each strand
  // Of each strand: how deep in the hair it lies, 0 = skin, 1 = outermost; dims the inner ones.
  std::vector<float> depth;
  // Of each strand: normal of the skin (or of the hair volume) at the root, for the soft light.
  std::vector<Vec3> root_normals;
};

}  // namespace guise::render
