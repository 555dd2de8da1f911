#include "render/resolve.h"

#include <array>

namespace guise::render {
namespace {

constexpr int kMostSamples = 16;  // of a pixel

// Samples of one pixel that show one surface.
struct Group {
  uint32_t id = kNothing;
  int count = 0;
  float x = 0, y = 0;  // sum of the samples' pixel coordinates
};

class Resolver {
 public:
  Resolver(const Scene& scene, const std::vector<Projected>& corners,
           const VisibilityBuffer& buffer)
      : scene_(scene),
        corners_(corners),
        buffer_(buffer),
        strand_of_point_(scene.strands.points.size()),
        strand_light_(scene.strands.points.size(), Vec3{-1, 0, 0}) {
    for (size_t s = 0; s + 1 < scene.strands.first.size(); ++s) {
      std::fill(strand_of_point_.begin() + scene.strands.first[s],
                strand_of_point_.begin() + scene.strands.first[s + 1], static_cast<uint32_t>(s));
    }
  }

  void pixel(int px, int py, Vec3& colour, PixelTruth* truth, size_t at) {
    if (is_empty(px, py)) return;
    collect(px, py);
    Vec3 sum;
    int strand_samples = 0;
    uint32_t strand_id = kNothing;
    const int n = buffer_.per_axis;
    const float share = 1.0F / static_cast<float>(n * n);
    int background = 0;
    for (int s = 0; s < n * n; ++s) {
      const uint32_t id = sample_[static_cast<size_t>(s)];
      if (id == kNothing) ++background;
      if (id != kNothing && (id & kStrandBit) != 0) {
        sum += strand_colour(id & ~kStrandBit, along_[static_cast<size_t>(s)]);
        strand_id = id;
        ++strand_samples;
      }
    }
    for (int g = 0; g < group_count_; ++g) {
      sum += shade_group(groups_[static_cast<size_t>(g)]) *
             static_cast<float>(groups_[static_cast<size_t>(g)].count);
    }
    colour = (colour * static_cast<float>(background) + sum) * share;
    if (lens_count_ > 0) put_lens(colour, static_cast<float>(lens_count_) * share);
    if (truth) note_truth(*truth, at, background, strand_samples, strand_id, n * n);
  }

 private:
  bool is_empty(int px, int py) const {
    const int n = buffer_.per_axis;
    for (int j = 0; j < n; ++j) {
      const size_t row = static_cast<size_t>(py * n + j) * static_cast<size_t>(buffer_.width) +
                         static_cast<size_t>(px * n);
      for (size_t i = row; i < row + static_cast<size_t>(n); ++i) {
        if (buffer_.id[i] != kNothing) return false;
        if (!buffer_.lens.empty() && buffer_.lens[i] != kNothing) return false;
      }
    }
    return true;
  }

  void collect(int px, int py) {
    const int n = buffer_.per_axis;
    group_count_ = 0;
    lens_count_ = 0;
    lens_ = Group{};
    int s = 0;
    for (int j = 0; j < n; ++j) {
      const int row = py * n + j;
      for (int i = 0; i < n; ++i, ++s) {
        const int column = px * n + i;
        const auto at = static_cast<size_t>(row) * static_cast<size_t>(buffer_.width) +
                        static_cast<size_t>(column);
        const uint32_t id = buffer_.id[at];
        sample_[static_cast<size_t>(s)] = id;
        along_[static_cast<size_t>(s)] = buffer_.along[at];
        const float x = buffer_.pixel_of(column), y = buffer_.pixel_of(row);
        if (id != kNothing && (id & kStrandBit) == 0) join(id, x, y);
        if (!buffer_.lens.empty() && buffer_.lens[at] != kNothing &&
            buffer_.lens_inverse_depth[at] > buffer_.inverse_depth[at]) {
          ++lens_count_;
          add_to(lens_, buffer_.lens[at], x, y);
        }
      }
    }
  }

  static void add_to(Group& group, uint32_t id, float x, float y) {
    if (group.count == 0) group.id = id;
    ++group.count;
    group.x += x;
    group.y += y;
  }

  void join(uint32_t id, float x, float y) {
    const uint16_t surface = scene_.mesh.triangles[id].surface;
    const SurfaceKind kind = scene_.mesh.surfaces[surface].kind;
    // Eyes and teeth have detail finer than a pixel: every sample for itself.
    const bool alone = kind == SurfaceKind::kEye || kind == SurfaceKind::kTeeth;
    if (!alone) {
      for (int g = 0; g < group_count_; ++g) {
        Group& group = groups_[static_cast<size_t>(g)];
        if (scene_.mesh.triangles[group.id].surface == surface) return add_to(group, id, x, y);
      }
    }
    groups_[static_cast<size_t>(group_count_)] = Group{};
    add_to(groups_[static_cast<size_t>(group_count_++)], id, x, y);
  }

  SurfacePoint point_of(const Group& group) const {
    const Mesh& mesh = scene_.mesh;
    const auto [a, b, c] = mesh.triangles[group.id].vertex;
    const float per = 1.0F / static_cast<float>(group.count);
    const Vec3 w =
        corner_weights(corners_[a], corners_[b], corners_[c], group.x * per, group.y * per);
    SurfacePoint at;
    const Vec3 &pa = mesh.positions[a], &pb = mesh.positions[b], &pc = mesh.positions[c];
    at.position = pa * w.x + pb * w.y + pc * w.z;
    at.normal = normalized(mesh.normals[a] * w.x + mesh.normals[b] * w.y + mesh.normals[c] * w.z);
    at.to_viewer = normalized(-at.position);
    // Interpolated normals may turn away at the silhouette, two-sided surfaces anywhere.
    const float facing = dot(at.normal, at.to_viewer);
    if (facing < 0) {
      const bool back = mesh.surfaces[mesh.triangles[group.id].surface].two_sided;
      at.normal = back && facing < -0.3F ? -at.normal
                                         : normalized(at.normal - at.to_viewer * (facing - 0.02F));
    }
    const Vec2 ua = mesh.uv[a], ub = mesh.uv[b], uc = mesh.uv[c];
    at.uv = ua * w.x + ub * w.y + uc * w.z;
    at.ambient_occlusion = mesh.ambient_occlusion[a] * w.x + mesh.ambient_occlusion[b] * w.y +
                           mesh.ambient_occlusion[c] * w.z;
    const Vec2 e1 = ub - ua, e2 = uc - ua;
    const float determinant = e1.x * e2.y - e1.y * e2.x;
    if (std::abs(determinant) > 1e-12F) {
      const float inverse = 1 / determinant;
      at.along_u = ((pb - pa) * e2.y - (pc - pa) * e1.y) * inverse;
      at.along_v = ((pc - pa) * e1.x - (pb - pa) * e2.x) * inverse;
    }
    return at;
  }

  Vec3 shade_group(const Group& group) const {
    const uint16_t index = scene_.mesh.triangles[group.id].surface;
    const Surface& surface = scene_.mesh.surfaces[index];
    const SurfacePoint at = point_of(group);
    switch (surface.kind) {
      case SurfaceKind::kSkin:
        return shade_skin(at, scene_.skin, scene_.lighting);
      case SurfaceKind::kEye:
        return shade_eye(at, index == kHeadLeftEye ? scene_.left_eye : scene_.right_eye,
                         scene_.lighting);
      default:
        return shade_material(at, surface, scene_.lighting);
    }
  }

  void put_lens(Vec3& colour, float share) const {
    const Surface& surface = scene_.mesh.surfaces[scene_.mesh.triangles[lens_.id].surface];
    const LensLook look = shade_lens(point_of(lens_), surface, scene_.lighting);
    colour = lerp(colour, colour * look.transmitted + look.mirrored, share);
  }

  // Shaded at the ends of the segment, each end at most once a picture.
  const Vec3& light_of_point(uint32_t p) {
    Vec3& light = strand_light_[p];
    if (light.x >= 0) return light;
    const Strands& strands = scene_.strands;
    const uint32_t s = strand_of_point_[p];
    const uint32_t begin = strands.first[s], end = strands.first[s + 1];
    StrandPoint at;
    at.position = strands.points[p];
    const uint32_t before = p > begin ? p - 1 : p, after = p + 1 < end ? p + 1 : p;
    at.tangent = normalized(strands.points[after] - strands.points[before]);
    at.root_normal = strands.root_normals[s];
    at.to_viewer = normalized(-at.position);
    at.albedo = strands.albedo[s];
    at.depth = strands.depth[s];
    at.from_root = end - begin > 1
                       ? static_cast<float>(p - begin) / static_cast<float>(end - begin - 1)
                       : 1.0F;
    light = shade_strand(at, scene_.lighting);
    return light;
  }

  Vec3 strand_colour(uint32_t p, uint8_t along) {
    const Vec3 from = light_of_point(p);
    return lerp(from, light_of_point(p + 1), static_cast<float>(along) / 255.0F);
  }

  void note_truth(PixelTruth& truth, size_t at, int background, int strand_samples,
                  uint32_t strand_id, int samples) const {
    const Group* most = nullptr;
    for (int g = 0; g < group_count_; ++g) {
      const Group& group = groups_[static_cast<size_t>(g)];
      if (!most || group.count > most->count) most = &group;
    }
    if (2 * lens_count_ > samples) {
      truth.part[at] = static_cast<uint8_t>(Part::kGlasses);
      return note_surface(truth, at, lens_);
    }
    if (strand_samples > 0 && (!most || strand_samples >= most->count) &&
        strand_samples >= background) {
      const uint32_t p = strand_id & ~kStrandBit;
      const uint32_t s = strand_of_point_[p];
      truth.part[at] = static_cast<uint8_t>(scene_.strands.part[s]);
      truth.normal[at] = scene_.strands.root_normals[s];
      truth.depth[at] = -scene_.strands.points[p].z;
    } else if (most && 2 * background < samples + 1) {
      truth.part[at] = static_cast<uint8_t>(scene_.mesh.triangles[most->id].part);
      note_surface(truth, at, *most);
    }
  }

  void note_surface(PixelTruth& truth, size_t at, const Group& group) const {
    const SurfacePoint point = point_of(group);
    truth.normal[at] = point.normal;
    truth.depth[at] = -point.position.z;
  }

  const Scene& scene_;
  const std::vector<Projected>& corners_;
  const VisibilityBuffer& buffer_;
  std::vector<uint32_t> strand_of_point_;
  std::vector<Vec3> strand_light_;
  std::array<uint32_t, kMostSamples> sample_{};
  std::array<uint8_t, kMostSamples> along_{};
  std::array<Group, kMostSamples> groups_{};
  int group_count_ = 0;
  Group lens_;
  int lens_count_ = 0;
};

}  // namespace

void resolve(const Scene& scene, const std::vector<Projected>& corners,
             const VisibilityBuffer& buffer, std::vector<Vec3>& picture, PixelTruth* truth) {
  const int size = scene.camera.size_px();
  if (truth) {
    truth->part.assign(picture.size(), static_cast<uint8_t>(Part::kBackground));
    truth->normal.assign(picture.size(), Vec3{});
    truth->depth.assign(picture.size(), 0.0F);
  }
  Resolver resolver(scene, corners, buffer);
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      const auto at = static_cast<size_t>(y) * static_cast<size_t>(size) + static_cast<size_t>(x);
      resolver.pixel(x, y, picture[at], truth, at);
    }
  }
}

}  // namespace guise::render
