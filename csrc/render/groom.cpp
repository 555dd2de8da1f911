#include "render/groom.h"

#include "core/check.h"
#include "render/beard.h"
#include "render/brows_and_lashes.h"
#include "render/groom_shell.h"
#include "render/groom_sites.h"
#include "render/hair_strands.h"

namespace guise::render {
namespace {

constexpr int kSmallestPicture = 16, kLargestPicture = 4096;

// Brows, lashes and beards end at a hat too: strands with a root beyond it are left out.
void drop_under_hat(Strands& strands, size_t from, const HairLimit& limit) {
  Strands kept;
  for (size_t i = 0; i + 1 < strands.first.size(); ++i) {
    const uint32_t begin = strands.first[i], end = strands.first[i + 1];
    bool under = false;
    for (uint32_t k = begin; k < end && i >= from; ++k) {
      under = under || dot(strands.points[k] - limit.point, limit.normal) > 0;
    }
    if (under) continue;
    if (kept.first.empty()) kept.first.push_back(0);
    kept.points.insert(kept.points.end(), strands.points.begin() + begin,
                       strands.points.begin() + end);
    kept.radii.insert(kept.radii.end(), strands.radii.begin() + begin, strands.radii.begin() + end);
    kept.first.push_back(static_cast<uint32_t>(kept.points.size()));
    kept.albedo.push_back(strands.albedo[i]);
    kept.part.push_back(strands.part[i]);
    kept.depth.push_back(strands.depth[i]);
    kept.root_normals.push_back(strands.root_normals[i]);
  }
  strands = std::move(kept);
}

}  // namespace

Groom::Groom(const HeadModel& head) : sites_(std::make_shared<const GroomSites>(head)) {}

Strands Groom::grow(const Head& head, const IdentityRecipe& person, const PhotoRecipe& photo,
                    int picture_px, const std::optional<HairLimit>& limit) const {
  GUISE_CHECK_ARG(picture_px >= kSmallestPicture && picture_px <= kLargestPicture,
                  "picture_px must lie in ", kSmallestPicture, "..", kLargestPicture, ", got ",
                  picture_px);
  const HairFrame frame = hair_frame(head, sites_->scalp_roots);
  const HairPlan plan = make_hair_plan(person, photo, frame, picture_px);
  const HeadShell shell(sites_->shell, head, frame, plan.over_ears);
  Strands strands;
  strands.first.push_back(0);
  ScalpHair(*sites_, head, shell, plan, person, photo, picture_px, limit).grow(strands);
  const size_t scalp = strands.albedo.size();
  grow_brows(*sites_, head, person, photo, picture_px, strands);
  grow_lashes(head, person, photo, picture_px, strands);
  grow_beard(*sites_, head, shell, person, photo, picture_px, strands);
  if (limit) drop_under_hat(strands, scalp, *limit);
  if (strands.first.empty()) strands.first.push_back(0);
  return strands;
}

}  // namespace guise::render
