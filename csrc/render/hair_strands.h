// Hair of the scalp: from roots to finished polylines.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "render/groom.h"
#include "render/groom_shell.h"
#include "render/groom_sites.h"
#include "render/hair_color.h"
#include "render/hair_noise.h"
#include "render/hair_styles.h"
#include "render/mesh.h"

namespace guise::render {

// One strand while it is being made: p[0] is the root, the second point lies `first` along, and
// each further step is `growth` longer than the one before (over the head hair bends, below it
// hangs).
struct StrandPath {
  static constexpr int kMost = 48;
  std::array<Vec3, kMost> p;
  // The skin under each point as a plane: dot(normal, p) - offset is the height above it.
  std::array<Vec3, kMost> normal;
  std::array<float, kMost> offset;
  int n = 0;
  float first = 0, step = 0, growth = 0;

  float step_to(int i) const { return i == 1 ? first : step + growth * static_cast<float>(i - 2); }
};

// How a finished strand looks.
struct StrandLook {
  float radius = 0.01F;
  float root = 1, tip = 0.35F;  // radius at the ends, of `radius`
  Vec3 albedo;
  Part part = Part::kHair;
  float depth = 1;
  Vec3 normal;
};
void append_strand(Strands& out, const Vec3* points, int count, const StrandLook& look);

// Number and width (dm) of strands of ordinary hair in a picture.
float usual_strand_count(int picture_px);
float usual_strand_radius(int picture_px);

class ScalpHair {
 public:
  ScalpHair(const GroomSites& sites, const Head& head, const HeadShell& shell, const HairPlan& plan,
            const IdentityRecipe& person, const PhotoRecipe& photo, int picture_px,
            const std::optional<HairLimit>& limit);

  void grow(Strands& out) const;

 private:
  struct Seed {
    uint32_t id = 0, lock = 0;
    const ScalpSite* site = nullptr;
    Vec3 p, n;
    float inside = 0;  // dm from this person's hairline
    float layer = 0;   // 0 next to the skin .. 1 outermost
    float length = 0;
    float top = 0;   // 1 on top of the head .. 0 at the sides
    float side = 1;  // of the parting: +1 or -1
    Vec3 side_axis;  // level, across the root's azimuth
    bool fringe = false, baby = false, stray = false;
  };

  // hair_seeds.cpp: where hair grows, how long, and which way
  bool make_seed(uint32_t id, bool guide, Seed& seed) const;
  float inside_hairline(const ScalpSite& site) const;
  // This person's mix of the fields of all heads, about [-1, 1].
  float field(const std::array<float, 4>& fields, size_t channel) const;
  void set_length(Seed& seed) const;
  Vec3 comb_direction(const Seed& seed) const;
  Vec3 natural_direction(const Seed& seed) const;

  // hair_strands.cpp: the course of a strand
  int point_count(float length) const;
  void set_steps(float length, StrandPath& path) const;
  void trace(const Seed& seed, StrandPath& path) const;
  void follow_lock(const Seed& seed, const StrandPath& guide, StrandPath& path) const;
  void add_waves(const Seed& seed, StrandPath& path) const;
  void add_mess(const Seed& seed, StrandPath& path) const;
  void finish(const Seed& seed, StrandPath& path, Strands& out) const;
  void grow_undercoat(Strands& out) const;
  uint32_t lock_of(const ScalpSite& site) const;

  // hair_gathered.cpp: ponytail and bun
  Vec3 knot() const;
  void trace_gathered(const Seed& seed, StrandPath& path) const;
  void grow_bun(Strands& out) const;

  // hair_cuts.cpp: where strands end
  void keep_off_face(const Seed& seed, StrandPath& path) const;
  void cut(const Seed& seed, StrandPath& path) const;
  float fringe_end(float x) const;
  int leave_out_hat(StrandPath& path) const;  // index of the first point that stays

  const GroomSites& sites_;
  const Head& head_;
  const HeadShell& shell_;
  const HairFrame& frame_;
  HairPlan plan_;
  HairNoise person_noise_, day_noise_;
  HairPalette palette_;
  std::optional<HairLimit> limit_;
  std::array<std::array<float, 4>, 4> field_mix_{};
  int picture_px_ = 224;
  float count_ = 0, radius_ = 0.01F;
};

}  // namespace guise::render
