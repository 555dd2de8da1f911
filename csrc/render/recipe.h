// The recipe of one rendered picture: everything that is drawn at random, and nothing else.
//
// IdentityRecipe depends on (seed, identity), PhotoRecipe on (seed, identity, sample). Both are
// plain numbers that the renderer turns into a picture without further randomness, except noise
// maps keyed by `noise_key`. Drawn by render/draw_recipe.h; options in render/recipe_options.h.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "render/vec.h"

namespace guise::render {

enum class Sex : uint8_t { kFemale, kMale };

// The 52 expression units of house-head, in file order (alphabetical; names follow the ARKit
// blendshape convention). "left" is the subject's.
inline constexpr std::array<std::string_view, 52> kExpressionNames = {
    "browDownLeft",      "browDownRight",      "browInnerUp",         "browOuterUpLeft",
    "browOuterUpRight",  "cheekPuff",          "cheekSquintLeft",     "cheekSquintRight",
    "eyeBlinkLeft",      "eyeBlinkRight",      "eyeLookDownLeft",     "eyeLookDownRight",
    "eyeLookInLeft",     "eyeLookInRight",     "eyeLookOutLeft",      "eyeLookOutRight",
    "eyeLookUpLeft",     "eyeLookUpRight",     "eyeSquintLeft",       "eyeSquintRight",
    "eyeWideLeft",       "eyeWideRight",       "jawForward",          "jawLeft",
    "jawOpen",           "jawRight",           "mouthClose",          "mouthDimpleLeft",
    "mouthDimpleRight",  "mouthFrownLeft",     "mouthFrownRight",     "mouthFunnel",
    "mouthLeft",         "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft",
    "mouthPressRight",   "mouthPucker",        "mouthRight",          "mouthRollLower",
    "mouthRollUpper",    "mouthShrugLower",    "mouthShrugUpper",     "mouthSmileLeft",
    "mouthSmileRight",   "mouthStretchLeft",   "mouthStretchRight",   "mouthUpperUpLeft",
    "mouthUpperUpRight", "noseSneerLeft",      "noseSneerRight",      "tongueOut"};
using ExpressionWeights = std::array<float, kExpressionNames.size()>;  // each 0..1

struct ShapeRecipe {
  std::array<float, 3> ancestry{0.34F, 0.33F, 0.33F};  // african, asian, caucasian; sum 1
  float muscle = 0.5F;                                 // 0..1
  float weight = 0.5F;                                 // 0..1
  std::vector<float> modes;      // [HeadModel::mode_count()], standard normal: the learned space
  std::vector<float> asymmetry;  // [HeadModel::asymmetry_count()], standard normal
};

struct SkinRecipe {
  float melanin = 0.3F;       // 0..1 = Monk tones 1..10
  float haemoglobin = 0.5F;   // 0 pale .. 1 ruddy
  float yellowness = 0.5F;    // carotene: 0 pink .. 1 golden
  std::vector<float> modes;   // [SkinModel::mode_count()], standard normal: learned low frequencies
  float freckles = 0;         // 0..1
  int moles = 3;              // count on the head and neck
  float roughness = 0.5F;     // 0 smooth .. 1 coarse pores
  float blotches = 0.3F;      // 0..1, uneven pigment and redness
  float oil = 0.4F;           // 0 matte .. 1 shiny
  float wrinkles = 0.5F;      // how much age shows: 0 little .. 1 much
  float dark_circles = 0.3F;  // 0..1, under the eyes
  float lip_redness = 0.5F;   // 0..1
};

struct EyeRecipe {
  // Of the iris: 0 none .. 1 full (melanin 1: dark brown; 0: blue; amber: hazel, green).
  float melanin = 0.8F;
  float amber = 0.2F;
  float grey = 0.2F;
  float iris_radius = 0.425F;  // of the eyeball's radius, 0.39..0.46 (MakeHuman's balls are large)
  float limbal_ring = 0.5F;    // 0 none .. 1 dark
  float white_tint = 0.3F;     // 0 bluish white .. 1 yellowish, veined
};

struct HairRecipe {
  float melanin = 0.8F;       // 0 platinum .. 1 black
  float redness = 0.1F;       // pheomelanin, 0..1
  float curl = 0.2F;          // 0 straight, 0.3 wavy, 0.6 curly, 1 coiled
  float thickness = 0.5F;     // of a strand, 0 fine .. 1 coarse
  float density = 0.8F;       // 0..1 of full
  float hairline_height = 0;  // dm, raises the hairline; -0.1..0.15
  float recession = 0;        // 0..1 temples, then crown (balding)
  float grey_age_years = 45;  // age at which half of the hair is grey
  float brow_thickness = 0.5F, brow_arch = 0.5F, brow_density = 0.7F, brow_length = 0.5F;  // 0..1
  float brow_height = 0;       // dm, -0.04..0.06
  float lash_length = 0.5F;    // 0..1
  float beard_density = 0.5F;  // how full a beard can grow, 0..1; 0 for most women
};

struct IdentityRecipe {
  uint64_t seed = 0;
  uint64_t identity = 0;
  uint64_t noise_key = 0;  // for noise maps of this person: moles, freckles, strand offsets
  Sex sex = Sex::kFemale;
  float age_years = 35;  // 18..85; the photos lie within a few years of it
  ShapeRecipe shape;
  SkinRecipe skin;
  EyeRecipe eyes;
  HairRecipe hair;
};

// clang-format off
enum class HairStyle : uint8_t {
  kShaved, kBuzz, kCrewCut, kSidePart, kSlickBack, kSpiky, kCurlyTop, kAfro, kShortBob, kLongBob,
  kLongStraight, kLongWavy, kLongCurly, kPonytail, kBun, kPixie, kFringeBob, kUndercut, kDreadlocks,
  kBald,
};
// clang-format on
inline constexpr int kHairStyleCount = 20;

enum class BeardStyle : uint8_t { kNone, kStubble, kMoustache, kGoatee, kShortBeard, kFullBeard };

struct HairCut {
  HairStyle style = HairStyle::kSidePart;
  float length = 0.5F;  // 0..1 of the range of the style
  float volume = 0.5F;  // 0 flat .. 1 big
  float fringe = 0;     // 0 swept back .. 1 covers the forehead down to the brows
  float parting = 0;    // -1 the subject's right .. 0 middle .. 1 left
  float messiness = 0.3F;
  BeardStyle beard = BeardStyle::kNone;
  float beard_length = 0.3F;  // 0..1 of the range of the style
  float dye = 0;              // 0 natural .. 1 fully `dye_albedo`
  Vec3 dye_albedo{0.3F, 0.1F, 0.05F};
};

enum class Glasses : uint8_t { kNone, kSpectacles, kSunglasses };
enum class Hat : uint8_t { kNone, kBeanie, kCap, kBrimmed, kHeadscarf };
enum class Occluder : uint8_t { kNone, kMask, kScarf, kHand };
enum class Clothing : uint8_t { kCrewNeck, kVNeck, kShirtCollar, kTurtleneck, kHoodie, kJacket };

struct Wearing {
  Glasses glasses = Glasses::kNone;
  float frame_shape = 0.5F;      // 0 round .. 1 rectangular
  float frame_size = 0.5F;       // 0..1
  float frame_thickness = 0.5F;  // 0 wire .. 1 thick acetate
  Vec3 frame_albedo{0.03F, 0.03F, 0.03F};
  float frame_metal = 0;  // 0 plastic .. 1 metal
  float lens_tint = 0;    // opacity of the lens, 0..1
  Hat hat = Hat::kNone;
  Vec3 hat_albedo{0.2F, 0.2F, 0.25F};
  Occluder occluder = Occluder::kNone;
  Vec3 occluder_albedo{0.4F, 0.55F, 0.7F};
  float occluder_place = 0.5F;  // mask: how high; hand: from where (0 right .. 1 left)
  Clothing clothing = Clothing::kCrewNeck;
  Vec3 cloth_albedo{0.3F, 0.3F, 0.35F};
  Vec3 cloth_second_albedo{0.8F, 0.8F, 0.8F};
  float cloth_pattern = 0;  // as Surface::pattern
  float make_up = 0;        // 0 none .. 1 strong: lips and lids
  Vec3 lipstick{0.45F, 0.06F, 0.08F};
  bool earrings = false;
};

struct Lamp {
  Vec3 direction{0, 0, 1};  // towards the lamp, unit, camera space (+x right, +y up, +z to viewer)
  Vec3 radiance{1, 1, 1};   // irradiance at normal incidence / pi
  float size = 0.2F;        // angular radius, radians: softness of the shadow
};

struct LightRecipe {
  int environment_a = 0, environment_b = 0;  // indices into the environments of house-light
  float mix = 0;                             // 0 = a alone .. 1 = b alone
  float turn_deg = 0;                        // of the environment about the vertical
  float strength = 1;                        // of the environment
  float saturation = 1;                      // 0 grey .. 1 as measured
  std::vector<Lamp> lamps;                   // up to three
};

enum class Background : uint8_t { kEnvironment, kIndoor, kOutdoor, kStudio, kPlain };

struct CameraRecipe {
  float field_of_view_deg = 25;    // of the picture's height
  float frame_height_dm = 3.0F;    // of the scene at the head's centre
  float shift_x = 0, shift_y = 0;  // of the head's centre, in frame heights
  float background_blur = 0.5F;    // 0 sharp .. 1 strong
  float defocus_px = 0;            // standard deviation, of a picture 224 px high; scaled with size
  float motion_px = 0, motion_deg = 0;  // length at 224 px, and direction
  float exposure_ev = 0;                // in stops
  float white_balance = 0.75F;          // 0 the light's colour stays .. 1 neutral
  float temperature = 0;                // -1 cold .. 1 warm, after balance
  float contrast = 1, saturation = 1;
  float noise = 0.01F;    // standard deviation of shot noise at mid grey, display range 0..1
  float sharpening = 0;   // 0..1, unsharp mask
  float vignette = 0;     // 0..1
  int jpeg_quality = 92;  // 100 = not compressed
  bool grey = false;
};

struct PhotoRecipe {
  uint64_t sample = 0;
  uint64_t noise_key = 0;  // sensor noise, background, hair of the day
  float age_offset_years = 0;
  float yaw_deg = 0;                           // + = the subject turns to the image's right
  float pitch_deg = 0;                         // + = looks up
  float roll_deg = 0;                          // + = clockwise in the image
  float gaze_yaw_deg = 0, gaze_pitch_deg = 0;  // of the eyes relative to the head; + right, + up
  ExpressionWeights expression{};
  HairCut hair;
  Wearing wearing;
  LightRecipe light;
  CameraRecipe camera;
  Background background = Background::kIndoor;
};

}  // namespace guise::render
