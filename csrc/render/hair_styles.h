// The haircuts as numbers, and what one photo makes of them.
#pragma once

#include <cstdint>

#include "render/groom_shell.h"
#include "render/recipe.h"

namespace guise::render {

// How hair is combed.
enum class Comb : uint8_t {
  kStand,    // along the skin's normal
  kNatural,  // away from the whorl at the crown, as cropped hair grows
  kPart,     // to both sides of a parting
  kBack,     // from the forehead to the back
  kGather,   // to one point at the back
};

struct HairPlan {
  HairStyle style = HairStyle::kSidePart;
  Comb comb = Comb::kNatural;
  float top = 0, side = 0, back = 0;       // length by region, dm
  float fade_low = 0, fade_high = 1;       // ScalpSite::height where sides turn into top
  float lift_top = 0, lift_side = 0;       // 0 lying on the skin .. 1 standing
  float stiffness = 1;                     // dm after which gravity has turned a strand
  float shell = 0.1F;                      // thickness of the hair on the head, dm
  float clump = 0;                         // 0 loose .. 1 strands of a lock meet at its tip
  uint8_t clump_level = 1;                 // 0 ropes, 1 locks, 2 wisps
  float wave_length = 1, wave_radius = 0;  // dm; of the helix
  float frizz = 0, lock_frizz = 0;         // 0 neighbours wave together .. 1 each for itself
  float wave_flat = 1;                     // height of the helix off the head, of its width
  float cut_y = -1e9F, cut_spread = 0;     // hair below is cut off; raggedness, dm
  float fringe = 0;                        // 0..1 share of the forehead that is covered
  float parting_x = 0;                     // dm from the middle
  float mess = 0;
  bool over_ears = true;  // long hair lies over them
  float hug = 0;          // 1/dm: how fast combed hair settles on the skull
  float undercoat = 1;    // 0..1: short hair between the strands that hides the skin
  float first_step = 0;   // share of the length before the first free point
  float recession = 0, hairline = 0;
  float gather_height = 0, gather_out = 0;  // of the knot, dm above the middle and off the skin
  float count = 1, radius = 1;              // of strands, relative to the picture's
  int least_points = 4, most_points = 12;
};

HairPlan make_hair_plan(const IdentityRecipe& person, const PhotoRecipe& photo,
                        const HairFrame& frame, int picture_px);

}  // namespace guise::render
