#include "render/groom_sites.h"

#include <algorithm>
#include <cmath>

#include "render/hair_noise.h"

namespace guise::render {
namespace {

// Roots may lie this far outside of the usual hairline: people with a low one need them.
constexpr float kOutside = -0.2F;

constexpr uint64_t kFieldKey = 0x6861697266696c64;  // of the noise that all heads share

Head mean_head(const HeadModel& model) {
  return model.express(model.topology().rest_points, ExpressionWeights{}, 0, 0);
}

uint32_t nearest(const std::vector<ScalpSite>& sites, uint32_t count, const Vec3& p) {
  uint32_t best = 0;
  float best_squared = 1e9F;
  for (uint32_t i = 0; i < count; ++i) {
    const Vec3 d = sites[i].from_centre - p;
    const float squared = dot(d, d);
    if (squared < best_squared) {
      best_squared = squared;
      best = i;
    }
  }
  return best;
}

// Nearest of the first `count` sites for each site; only those of nearby `coarse` cells are tried.
void assign_locks(std::vector<ScalpSite>& sites, uint32_t count, uint32_t ScalpSite::*coarse,
                  uint32_t ScalpSite::*fine) {
  count = std::min(count, static_cast<uint32_t>(sites.size()));
  std::vector<std::vector<uint32_t>> members(sites.size());
  for (uint32_t i = 0; i < count; ++i) members[sites[i].*coarse].push_back(i);
  std::vector<std::vector<uint32_t>> near(sites.size());
  constexpr float kReach = 0.55F;  // dm
  for (uint32_t a = 0; a < count; ++a) {
    if (members[a].empty()) continue;
    for (uint32_t b = 0; b < count; ++b) {
      if (length(sites[a].from_centre - sites[b].from_centre) > kReach) continue;
      near[a].insert(near[a].end(), members[b].begin(), members[b].end());
    }
  }
  for (ScalpSite& site : sites) {
    float best_squared = 1e9F;
    for (const uint32_t i : near[site.*coarse]) {
      const Vec3 d = sites[i].from_centre - site.from_centre;
      const float squared = dot(d, d);
      if (squared < best_squared) {
        best_squared = squared;
        site.*fine = i;
      }
    }
  }
}

// The field above the jaw; whatever it says of the neck and the back is no hair of the head.
std::vector<float> scalp_field(const HeadTopology& topology, const Head& rest) {
  std::vector<float> field(topology.scalp_distance);
  const float lowest = rest.landmarks[8].y + 0.30F;  // the nape's hair ends a little higher
  for (size_t i = 0; i < field.size(); ++i) {
    if (topology.rest_points[i].y < lowest) field[i] = std::min(field[i], 2 * kOutside);
  }
  return field;
}

// The field, widened to the corners of the mouth: between the nose and the upper lip, below a line
// from the nostrils to beside the corners.
std::vector<float> moustache_field(const HeadTopology& topology, const Head& rest) {
  std::vector<float> field(topology.moustache_density);
  const auto& lm = rest.landmarks;
  const Vec3 corner = lm[54], nostril = lm[35];
  for (size_t i = 0; i < field.size(); ++i) {
    const Vec3 p = rest.points[i];
    const float x = std::fabs(p.x);
    if (x > corner.x + 0.12F || p.y > lm[33].y || p.y < corner.y - 0.1F || p.z < corner.z - 0.2F) {
      continue;
    }
    const float t = clamp01((x - nostril.x) / (corner.x + 0.05F - nostril.x));
    const float top = lerp(nostril.y - 0.01F, corner.y + 0.06F, t);
    const float ends = 1.0F - smoothstep(corner.x - 0.02F, corner.x + 0.07F, x);
    const float low = corner.y - 0.08F;
    field[i] = std::max(field[i], ends * smoothstep(top + 0.015F, top - 0.03F, p.y) *
                                      smoothstep(low, low + 0.04F, p.y));
  }
  return field;
}

std::vector<HairRoot> brow_roots(const HeadTopology& topology, const Head& rest) {
  std::vector<float> band(rest.points.size(), 0);
  for (size_t i = 0; i < band.size(); ++i) {
    for (size_t k = 17; k <= 26; ++k) {
      const Vec3 d = rest.points[i] - rest.landmarks[k];
      if (dot(d, d) < 0.15F * 0.15F) band[i] = 1;
    }
  }
  return sample_roots(topology, band, 0.5F, GroomSites::kBrowCount);
}

}  // namespace

GroomSites::GroomSites(const HeadModel& head) : GroomSites(head, mean_head(head)) {}

GroomSites::GroomSites(const HeadModel& head, const Head& rest)
    : scalp_roots(
          sample_roots(head.topology(), scalp_field(head.topology(), rest), kOutside, kScalpCount)),
      rest_frame(hair_frame(rest, scalp_roots)),
      brows(brow_roots(head.topology(), rest)),
      shell(head.topology(), rest_frame) {
  const HeadTopology& topology = head.topology();
  scalp.reserve(scalp_roots.size());
  const HairNoise noise(kFieldKey, 0);
  for (const HairRoot& root : scalp_roots) {
    ScalpSite site;
    site.root = root;
    site.from_centre = at_root(topology.rest_points, root) - rest_frame.centre;
    site.azimuth_deg = std::atan2(std::fabs(site.from_centre.x), site.from_centre.z) * 57.29578F;
    site.height = site.from_centre.y / (rest_frame.top_y - rest_frame.centre.y);
    site.scalp_distance = at_root(topology.scalp_distance, root);
    for (uint32_t k = 0; k < site.broad.size(); ++k) {
      site.broad[k] = noise.smooth(site.from_centre * 5.0F, k);
      site.fine[k] = noise.smooth(site.from_centre * 13.0F, 8 + k);
    }
    scalp.push_back(site);
  }
  const uint32_t ropes = std::min(kRopes, static_cast<uint32_t>(scalp.size()));
  for (ScalpSite& site : scalp) site.rope = nearest(scalp, ropes, site.from_centre);
  assign_locks(scalp, kLocks, &ScalpSite::rope, &ScalpSite::lock);
  assign_locks(scalp, kWisps, &ScalpSite::lock, &ScalpSite::wisp);

  const std::vector<float> moustache = moustache_field(topology, rest);
  std::vector<float> face_hair(topology.beard_density);
  for (size_t i = 0; i < face_hair.size(); ++i) face_hair[i] = std::max(face_hair[i], moustache[i]);
  for (const HairRoot& root : sample_roots(topology, face_hair, 0.02F, kBeardCount)) {
    beard.push_back({root, at_root(topology.beard_density, root), at_root(moustache, root)});
  }
}

}  // namespace guise::render
