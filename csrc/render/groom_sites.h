// What Groom knows of the mean head: roots with their places on the scalp, locks and the shell.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "render/groom_roots.h"
#include "render/groom_shell.h"
#include "render/head_model.h"

namespace guise::render {

struct ScalpSite {
  HairRoot root;
  Vec3 from_centre;                       // rest position from the skull's middle, dm
  float azimuth_deg = 0;                  // 0 forehead .. 180 back of the head, either side
  float height = 0;                       // 0 = middle of the skull .. 1 = its top; < 0 below
  float scalp_distance = 0;               // dm inside of the usual hairline
  uint32_t rope = 0, lock = 0, wisp = 0;  // nearest of the first kRopes, kLocks, kWisps sites
  // Smooth noise about [-1, 1] in space, features of 0.2 and 0.08 dm; persons mix them.
  std::array<float, 4> broad{}, fine{};
};

struct BeardSite {
  HairRoot root;
  float beard = 0, moustache = 0;  // density, 0..1
};

struct GroomSites {
  static constexpr uint32_t kScalpCount = 24000, kBeardCount = 8000, kBrowCount = 6500;
  static constexpr uint32_t kRopes = 110, kLocks = 420, kWisps = 1500;

  explicit GroomSites(const HeadModel& head);

  std::vector<HairRoot> scalp_roots;
  HairFrame rest_frame;
  std::vector<ScalpSite> scalp;  // same order as scalp_roots
  std::vector<BeardSite> beard;
  std::vector<HairRoot> brows;  // in a band around both brows
  ShellMap shell;

 private:
  GroomSites(const HeadModel& head, const Head& rest);
};

}  // namespace guise::render
