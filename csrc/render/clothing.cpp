#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "render/accessories.h"
#include "render/accessory_collars.h"
#include "render/accessory_neck.h"
#include "render/keyed_noise.h"
#include "render/mesh_builder.h"

namespace guise::render {
namespace {

constexpr uint32_t kClothStream = 0x636c6f74;
constexpr uint32_t kNoVertex = std::numeric_limits<uint32_t>::max();
// Triangles are taken this far beyond the neckline, so that the edge is cut and not torn.
constexpr float kEdgeMargin = 0.35F;
// Open edges lie low down or, at the arms, at least this far from the middle.
constexpr float kSleeve = 1.5F;
// Garments hang this far below the lowest edge of the head's mesh.
constexpr float kHem = 0.8F;

struct Wardrobe {
  const HeadTopology& topology;
  const Head& head;
  const Wearing& wearing;
  uint32_t key;
  std::vector<float> level;  // [G] neck_level
  Mesh& mesh;

  uint16_t cloth(const Vec3& albedo, const Vec3& second, float pattern, float scale) const {
    Surface surface;
    surface.kind = SurfaceKind::kCloth;
    surface.albedo = albedo;
    surface.second_albedo = second;
    surface.roughness = 0.85F;
    surface.f0 = 0.03F;
    surface.pattern = pattern;
    surface.pattern_scale = scale;
    return add_surface(mesh, surface);
  }
  uint16_t main_cloth() const {
    constexpr std::array<float, 5> kScale{1.0F, 2.2F, 1.6F, 7.0F, 2.0F};
    const auto kind = static_cast<size_t>(std::clamp(wearing.cloth_pattern, 0.0F, 4.0F) + 0.5F);
    return cloth(wearing.cloth_albedo, wearing.cloth_second_albedo, wearing.cloth_pattern,
                 kScale[kind] * keyed_range(key, 90, 0.75F, 1.5F));
  }
  uint16_t ribbing() const {
    return cloth(wearing.cloth_albedo * 0.94F, wearing.cloth_second_albedo, 3.0F, 8.0F);
  }
};

// Cloth over the shoulders where `keep` >= 0. `lift` and `fold` in dm.
void append_shell(const Wardrobe& w, const std::vector<float>& keep, float lift, float fold,
                  uint32_t key, uint16_t surface) {
  const HeadTopology& topology = w.topology;
  Mesh& mesh = w.mesh;
  std::vector<uint32_t> vertex_of(w.head.points.size(), kNoVertex);
  const size_t first = mesh.positions.size();
  const auto vertex = [&](uint32_t point) {
    if (vertex_of[point] != kNoVertex) return vertex_of[point];
    vertex_of[point] = static_cast<uint32_t>(mesh.positions.size());
    const Vec3& p = w.head.points[point];
    const float hang = smoothstep(-0.05F, 0.5F, keep[point]);
    // Folds run from the neck over the shoulders, longer than wide.
    const float wave = value_noise(key, Vec3{1.1F * p.x, 0.9F * p.y, 1.4F * p.z}) +
                       0.5F * value_noise(key + 1, Vec3{2.3F * p.x, 1.7F * p.y, 2.6F * p.z});
    // Seams and padding stand off the shoulder, also where the neck's turn reaches it.
    const float off = 0.03F * smoothstep(0.7F, 1.4F, std::fabs(p.x));
    const float out = lift + off + fold * hang * (0.6F + wave);
    mesh.positions.push_back(p + w.head.point_normals[point] * out);
    mesh.normals.push_back({0, 0, 0});
    mesh.uv.push_back({1.1F * p.x, p.y - p.z});
    mesh.keep.push_back(keep[point]);
    mesh.ambient_occlusion.push_back(clamp01(lerp(1.0F, topology.ambient_occlusion[point], 0.6F) -
                                             0.15F * fold * -wave / 0.05F));
    return vertex_of[point];
  };
  for (const Triangle& triangle : topology.triangles) {
    if (triangle.surface != kHeadSkin) continue;
    std::array<uint32_t, 3> p{};
    float high = -1e9F;
    for (size_t k = 0; k < 3; ++k) {
      p[k] = topology.vertex_point[triangle.vertex[k]];
      high = std::max(high, keep[p[k]]);
    }
    if (high < 0) continue;
    const std::array<uint32_t, 3> v{vertex(p[0]), vertex(p[1]), vertex(p[2])};
    const Vec3 area = cross(mesh.positions[v[1]] - mesh.positions[v[0]],
                            mesh.positions[v[2]] - mesh.positions[v[0]]);
    for (const uint32_t i : v) mesh.normals[i] += area;
    mesh.triangles.push_back({v, surface, Part::kCloth});
  }
  for (size_t i = first; i < mesh.normals.size(); ++i) {
    mesh.normals[i] = normalized(mesh.normals[i]);
    if (dot(mesh.normals[i], mesh.normals[i]) < 0.5F) mesh.normals[i] = {0, 0, 1};
  }
}

// A curtain from the lower edge of the shell down, so that nothing is open from below or behind.
void append_hem(const Wardrobe& w, size_t first_triangle, uint16_t surface) {
  Mesh& mesh = w.mesh;
  struct Edge {
    uint32_t low, high, from, to;
  };
  std::vector<Edge> edges;
  const float top = w.head.neck_joint.y - 0.85F;
  for (size_t t = first_triangle; t < mesh.triangles.size(); ++t) {
    for (size_t k = 0; k < 3; ++k) {
      const uint32_t a = mesh.triangles[t].vertex[k], b = mesh.triangles[t].vertex[(k + 1) % 3];
      const Vec3& p = mesh.positions[a];
      if (mesh.keep[a] < 0.2F || (p.y > top && std::fabs(p.x) < kSleeve)) continue;
      edges.push_back({std::min(a, b), std::max(a, b), a, b});
    }
  }
  std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) {
    return a.low != b.low ? a.low < b.low : a.high < b.high;
  });
  for (size_t i = 0; i < edges.size(); ++i) {
    const auto same = [&](size_t j) {
      return j < edges.size() && edges[j].low == edges[i].low && edges[j].high == edges[i].high;
    };
    if (same(i + 1) || (i > 0 && same(i - 1))) continue;
    Sheet sheet(2, 2);
    const Vec3 a = mesh.positions[edges[i].from], b = mesh.positions[edges[i].to];
    const auto down = [&](const Vec3& p) {
      return p + Vec3{0.3F * std::copysign(smoothstep(0.8F, 2.0F, std::fabs(p.x)), p.x), -kHem, 0};
    };
    sheet.at(0, 0) = down(a);
    sheet.at(0, 1) = down(b);
    sheet.at(1, 0) = a;
    sheet.at(1, 1) = b;
    for (int c = 0; c < 2; ++c) {
      sheet.uv(0, c) = {1.1F * sheet.at(1, c).x, sheet.at(0, c).y - sheet.at(1, c).z};
      sheet.uv(1, c) = {1.1F * sheet.at(1, c).x, sheet.at(1, c).y - sheet.at(1, c).z};
    }
    sheet.append_to(mesh, surface, Part::kCloth);
  }
}

std::vector<float> below(const std::vector<float>& level, float line) {
  std::vector<float> keep(level.size());
  std::transform(level.begin(), level.end(), keep.begin(), [&](float l) { return line - l; });
  return keep;
}

// A neckline that dips to a V in front: 0 on the edge, + in the opening. `depth` dm below the crew
// line, `slope` of its sides.
std::vector<float> v_level(const Wardrobe& w, float line, float depth, float slope) {
  std::vector<float> field(w.level.size());
  const float steep = 1.0F / std::sqrt(1.0F + slope * slope);
  for (size_t i = 0; i < field.size(); ++i) {
    const Vec3 p = w.head.points[i] - w.head.neck_joint;
    const float side = (p.y + 0.55F + depth - slope * std::fabs(p.x)) * steep;
    const float behind = 3.0F * std::max(0.0F, 0.35F - p.z);
    field[i] = std::max(w.level[i] - line, side - behind);
  }
  return field;
}

const std::vector<float> kChartLevels{-1.5F, -1.2F, -0.9F, -0.6F, -0.4F, -0.2F, -0.1F,
                                      0.0F,  0.1F,  0.2F,  0.35F, 0.5F,  0.65F};

struct UnderJacket {
  bool yes = false, tie = false;
  Vec3 tie_albedo;
};

void wear_shirt(const Wardrobe& w, uint16_t cloth, float lift, const UnderJacket& jacket) {
  const NeckChart chart(w.topology, w.head, w.level, kChartLevels);
  const bool open = !jacket.tie && keyed_unit(w.key, 1) < 0.55F;
  const size_t first = w.mesh.triangles.size();
  const std::vector<float> keep =
      below(open ? v_level(w, 0.12F, keyed_range(w.key, 2, -0.25F, 0.05F), 2.4F) : w.level,
            open ? 0.0F : 0.12F);
  append_shell(w, keep, lift, 0.05F, w.key + 7, cloth);
  if (!jacket.yes) append_hem(w, first, cloth);
  ShirtCollar collar;
  collar.lift = lift + 0.01F;
  collar.opening = open ? keyed_range(w.key, 3, 0.22F, 0.40F) : 0.05F;
  collar.stand = keyed_range(w.key, 4, 0.22F, 0.30F);
  collar.tip = keyed_range(w.key, 5, 0.22F, 0.40F);
  collar.spread = keyed_range(w.key, 6, 0.15F, 0.55F);
  if (jacket.yes) {  // its points lie under the lapels
    collar.tip = std::min(collar.tip, 0.2F);
    collar.lift = lift - 0.015F;
  }
  append_shirt_collar(chart, collar, cloth, w.mesh);
  const float dark = luminance(w.wearing.cloth_albedo) < 0.25F ? 0.25F : 0.7F;
  Surface button;
  button.albedo = {dark, 0.96F * dark, 0.9F * dark};
  button.roughness = 0.35F;
  const uint16_t button_surface = add_surface(w.mesh, button);
  append_placket(chart, open ? -0.42F : 0.14F, -1.45F, lift, cloth, button_surface, w.mesh);
  if (jacket.tie) {
    const uint16_t silk = w.cloth(jacket.tie_albedo, jacket.tie_albedo * 0.5F,
                                  keyed_unit(w.key, 8) < 0.4F ? 1.0F : 0.0F, 5.0F);
    append_tie(chart, 0.12F, -1.45F, lift + 0.03F, silk, w.mesh);
  }
}

void wear_jersey(const Wardrobe& w, bool v_neck) {
  const uint16_t cloth = w.main_cloth(), rib = w.ribbing();
  const float line = keyed_range(w.key, 1, -0.12F, 0.10F),
              lift = keyed_range(w.key, 2, 0.03F, 0.05F);
  const float band = keyed_range(w.key, 3, 0.07F, 0.14F);
  const std::vector<float> field = v_neck ? v_level(w, line, keyed_range(w.key, 4, 0.05F, 0.5F),
                                                    keyed_range(w.key, 5, 1.2F, 2.0F))
                                          : below(w.level, line);
  std::vector<float> height = field;
  if (!v_neck) height = w.level;
  const float edge = v_neck ? 0.0F : line;
  const size_t first = w.mesh.triangles.size();
  append_shell(w, below(height, edge), lift, 0.045F, w.key + 7, cloth);
  append_hem(w, first, cloth);
  const NeckChart chart(w.topology, w.head, height, {edge - 0.15F, edge, edge + 0.2F});
  append_neck_band(chart, edge - 0.02F, edge + band, lift, 0.022F, rib, w.mesh);
}

void wear_turtleneck(const Wardrobe& w) {
  const uint16_t cloth = w.main_cloth(), rib = w.ribbing();
  const size_t first = w.mesh.triangles.size();
  append_shell(w, below(w.level, 0.05F), 0.05F, 0.05F, w.key + 7, cloth);
  append_hem(w, first, cloth);
  const NeckChart chart(w.topology, w.head, w.level, kChartLevels);
  append_turtleneck(chart, keyed_range(w.key, 1, 0.36F, 0.5F), 0.05F, keyed_unit(w.key, 2) < 0.65F,
                    w.key, rib, w.mesh);
}

void wear_hoodie(const Wardrobe& w) {
  const uint16_t cloth = w.main_cloth();
  // A T-shirt shows in the opening.
  const uint16_t under =
      w.cloth(w.wearing.cloth_second_albedo, w.wearing.cloth_second_albedo, 0, 1);
  append_shell(w, below(w.level, -0.02F), 0.03F, 0.02F, w.key + 9, under);
  const size_t first = w.mesh.triangles.size();
  append_shell(w, below(v_level(w, -0.05F, keyed_range(w.key, 1, -0.35F, 0.0F), 1.6F), 0.0F), 0.09F,
               0.08F, w.key + 7, cloth);
  append_hem(w, first, cloth);
  const NeckChart chart(w.topology, w.head, w.level, kChartLevels);
  append_hood(chart, 0.09F, w.key, cloth,
              w.cloth(lerp(w.wearing.cloth_albedo, {0.75F, 0.75F, 0.72F}, 0.7F), {}, 0, 1), w.mesh);
}

void wear_jacket(const Wardrobe& w) {
  const uint16_t outer = w.main_cloth();
  const bool shirt = keyed_unit(w.key, 10) < 0.6F;
  const Vec3 inner_albedo = w.wearing.cloth_second_albedo;
  const uint16_t inner = w.cloth(inner_albedo, inner_albedo, 0, 1);
  if (shirt) {
    const bool tie = keyed_unit(w.key, 11) < 0.5F;
    const Vec3 tie_albedo{keyed_range(w.key, 12, 0.02F, 0.4F), keyed_range(w.key, 13, 0.02F, 0.12F),
                          keyed_range(w.key, 14, 0.02F, 0.3F)};
    wear_shirt(w, inner, 0.03F, {true, tie, tie_albedo});
  } else {
    append_shell(w, below(w.level, -0.03F), 0.03F, 0.03F, w.key + 9, inner);
    const NeckChart chart(w.topology, w.head, w.level, {-0.2F, -0.03F, 0.2F});
    append_neck_band(chart, -0.05F, 0.06F, 0.03F, 0.02F, inner, w.mesh);
  }
  const std::vector<float> opening =
      v_level(w, -0.06F, keyed_range(w.key, 15, 0.9F, 1.5F), keyed_range(w.key, 16, 1.8F, 2.6F));
  const float lift = 0.11F;
  const size_t first = w.mesh.triangles.size();
  append_shell(w, below(opening, 0.0F), lift, 0.04F, w.key + 17, outer);
  append_hem(w, first, outer);
  const NeckChart chart(w.topology, w.head, opening, {-0.5F, -0.35F, -0.2F, -0.1F, 0.0F, 0.1F});
  append_lapels(chart, keyed_range(w.key, 18, 0.28F, 0.42F), lift, outer, w.mesh);
}

}  // namespace

void add_clothing(const HeadTopology& topology, const Head& head, const PhotoRecipe& photo,
                  Mesh& mesh) {
  Wardrobe w{topology, head, photo.wearing, noise_stream_key(photo.noise_key, kClothStream),
             {},       mesh};
  w.level.reserve(head.points.size());
  for (const Vec3& p : head.points) w.level.push_back(neck_level(head, p));
  switch (photo.wearing.clothing) {
    case Clothing::kCrewNeck:
      wear_jersey(w, false);
      break;
    case Clothing::kVNeck:
      wear_jersey(w, true);
      break;
    case Clothing::kShirtCollar:
      wear_shirt(w, w.main_cloth(), 0.035F, {});
      break;
    case Clothing::kTurtleneck:
      wear_turtleneck(w);
      break;
    case Clothing::kHoodie:
      wear_hoodie(w);
      break;
    case Clothing::kJacket:
      wear_jacket(w);
      break;
  }
}

}  // namespace guise::render
