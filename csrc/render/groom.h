// Grows hair: strands on the scalp, brows, lashes and beard, in head space before the neck turns.
#pragma once

#include <memory>
#include <optional>

#include "render/head_model.h"
#include "render/mesh.h"
#include "render/recipe.h"

namespace guise::render {

// Hair above the plane through `point` with `normal` (pointing to where no hair may be) is left
// out: it lies under a hat.
struct HairLimit {
  Vec3 point, normal;
};

// What suits a style, for whoever draws recipes.
struct HairStyleInfo {
  float shortest_dm = 0, longest_dm = 0;  // of the longest strands at HairCut::length 0 and 1
  bool female_usual = false, male_usual = false;
  float curl_min = 0, curl_max = 1;  // HairRecipe::curl for which the style looks natural
};
HairStyleInfo hair_style_info(HairStyle style);

struct GroomSites;  // roots, lock centres and the shell of the mean head

// Where hair can grow: roots spread evenly over the mean head, in an order of which any prefix is
// spread evenly too, so that a small picture takes fewer and thicker strands of the same head.
class Groom {
 public:
  explicit Groom(const HeadModel& head);

  // `picture_px`: height of the picture, 16..4096; decides the number and width of strands.
  // A pure function of its arguments. The order of the strands: scalp, brows, lashes, beard.
  Strands grow(const Head& head, const IdentityRecipe& person, const PhotoRecipe& photo,
               int picture_px, const std::optional<HairLimit>& limit) const;

  const GroomSites& sites() const { return *sites_; }

 private:
  std::shared_ptr<const GroomSites> sites_;
};

}  // namespace guise::render
