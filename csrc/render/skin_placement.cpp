// Which place of the mean head each texel of the skin chart shows.
#include <cmath>

#include "render/skin_tables.h"

namespace guise::render {
namespace {

// A triangle larger than this share of the chart is a seam that was not split.
constexpr float kLargestTriangle = 0.3F;

// One size of the chart: place (lane 3: 1 where drawn) and scalp, beard, moustache.
struct Layer {
  explicit Layer(int w) : width(w), height(w / 2), place(texels()), hair(texels()) {}
  size_t texels() const { return static_cast<size_t>(width) * static_cast<size_t>(height); }
  size_t index(int x, int y) const {
    return static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x);
  }

  int width, height;
  std::vector<Lanes> place, hair;
};

struct Corner {
  Vec2 at;  // texels, centres at integers
  Lanes place, hair;
};

void draw_triangle(const std::array<Corner, 3>& t, Layer& layer) {
  const Vec2 ab = t[1].at - t[0].at, ac = t[2].at - t[0].at;
  const float area = ab.x * ac.y - ab.y * ac.x;
  if (std::abs(area) < 1e-9F) return;
  const auto [low_x, high_x] = std::minmax({t[0].at.x, t[1].at.x, t[2].at.x});
  const auto [low_y, high_y] = std::minmax({t[0].at.y, t[1].at.y, t[2].at.y});
  const int x0 = std::max(0, static_cast<int>(std::ceil(low_x - 0.5F)));
  const int y0 = std::max(0, static_cast<int>(std::ceil(low_y - 0.5F)));
  const int x1 = std::min(layer.width - 1, static_cast<int>(std::floor(high_x + 0.5F)));
  const int y1 = std::min(layer.height - 1, static_cast<int>(std::floor(high_y + 0.5F)));
  // Half a texel beyond the edges belongs to the triangle too, unless another one covers it.
  const float reach = std::max({std::abs(ab.x), std::abs(ab.y), std::abs(ac.x), std::abs(ac.y)});
  const float slack = std::min(0.5F, 0.35F * reach / std::abs(area));
  for (int y = y0; y <= y1; ++y) {
    for (int x = x0; x <= x1; ++x) {
      const Vec2 p = Vec2{static_cast<float>(x), static_cast<float>(y)} - t[0].at;
      const float b = (p.x * ac.y - p.y * ac.x) / area, c = (ab.x * p.y - ab.y * p.x) / area;
      const float a = 1.0F - b - c;
      if (a < -slack || b < -slack || c < -slack) continue;
      const size_t i = layer.index(x, y);
      const bool exact = a >= 0 && b >= 0 && c >= 0;
      if (!exact && layer.place[i][3] > 0) continue;
      layer.place[i] = t[0].place * a + t[1].place * b + t[2].place * c;
      layer.place[i][3] = 1.0F;
      layer.hair[i] = t[0].hair * a + t[1].hair * b + t[2].hair * c;
    }
  }
}

Layer halved(const Layer& from) {
  Layer to(from.width / 2);
  for (int y = 0; y < to.height; ++y) {
    for (int x = 0; x < to.width; ++x) {
      Lanes place{}, hair{};
      for (int k = 0; k < 4; ++k) {
        const size_t i = from.index(2 * x + (k & 1), 2 * y + (k >> 1));
        place += from.place[i] * from.place[i][3];
        hair += from.hair[i] * from.place[i][3];
      }
      const float weight = place[3];
      if (weight <= 0) continue;
      to.place[to.index(x, y)] = place / weight;
      to.hair[to.index(x, y)] = hair / weight;
    }
  }
  return to;
}

// Texels that show nothing take what the next smaller layer has.
void fill_from(const Layer& smaller, Layer& layer) {
  for (int y = 0; y < layer.height; ++y) {
    for (int x = 0; x < layer.width; ++x) {
      const size_t i = layer.index(x, y);
      if (layer.place[i][3] > 0) continue;
      const size_t parent = smaller.index(x / 2, y / 2);
      layer.place[i] = smaller.place[parent];
      layer.place[i][3] = 0.0F;
      layer.hair[i] = smaller.hair[parent];
    }
  }
}

bool skin_triangle(const HeadTopology& head, const Triangle& triangle, SkinTriangle& result) {
  if (triangle.surface != kHeadSkin) return false;
  for (size_t k = 0; k < 3; ++k) {
    const uint32_t vertex = triangle.vertex[k];
    result.uv[k] = head.uv[vertex];
    result.position[k] = head.rest_points[head.vertex_point[vertex]];
  }
  const Vec2 e1 = result.uv[1] - result.uv[0], e2 = result.uv[2] - result.uv[0];
  const float extent = std::max({std::abs(e1.x), std::abs(e1.y), std::abs(e2.x), std::abs(e2.y)});
  const float determinant = e1.x * e2.y - e1.y * e2.x;
  if (extent > kLargestTriangle || std::abs(determinant) < 1e-12F) return false;
  const Vec3 d1 = result.position[1] - result.position[0];
  const Vec3 d2 = result.position[2] - result.position[0];
  const Vec3 along_u = (d1 * e2.y - d2 * e1.y) * (1.0F / determinant);
  const Vec3 along_v = (d2 * e1.x - d1 * e2.x) * (1.0F / determinant);
  result.uu = dot(along_u, along_u);
  result.uv_cross = dot(along_u, along_v);
  result.vv = dot(along_v, along_v);
  return true;
}

Layer drawn_head(const HeadTopology& head, SkinTables& tables) {
  Layer layer(kFineWidth);
  for (const Triangle& triangle : head.triangles) {
    SkinTriangle skin;
    if (!skin_triangle(head, triangle, skin)) continue;
    tables.triangles.push_back(skin);
    std::array<Corner, 3> corners;
    for (size_t k = 0; k < 3; ++k) {
      const uint32_t point = head.vertex_point[triangle.vertex[k]];
      const Vec3& p = skin.position[k];
      corners[k] = {{skin.uv[k].x * static_cast<float>(layer.width) - 0.5F,
                     skin.uv[k].y * static_cast<float>(layer.height) - 0.5F},
                    Lanes{p.x, p.y, p.z, 1.0F},
                    Lanes{head.scalp_distance[point], head.beard_density[point],
                          head.moustache_density[point], 0.0F}};
    }
    draw_triangle(corners, layer);
  }
  return layer;
}

}  // namespace

void place_head_in_chart(const HeadTopology& head, SkinTables& tables) {
  std::vector<Layer> layers{drawn_head(head, tables)};
  while (layers.back().width > 8) layers.push_back(halved(layers.back()));
  const Layer covered = layers[3];  // 128 wide, before anything is filled
  for (size_t i = layers.size() - 1; i-- > 0;) fill_from(layers[i + 1], layers[i]);
  for (Layer& layer : layers) {
    const int ratio = layer.width / covered.width;
    for (int y = 0; ratio > 0 && y < layer.height; ++y) {
      for (int x = 0; x < layer.width; ++x) {
        const bool beside = covered.place[covered.index(x / ratio, y / ratio)][3] > 0;
        float& flag = reinterpret_cast<float*>(&layer.place[layer.index(x, y)])[3];
        flag = flag > 0 ? 1.0F : beside ? 0.5F : 0.0F;
      }
    }
  }
  for (size_t i = 0; i < tables.fine.size(); ++i) {
    tables.fine[i].width = layers[3 - i].width;
    tables.fine[i].place = layers[3 - i].place;
  }
  for (size_t i = 0; i < tables.base.size(); ++i) {
    const Layer& layer = layers[3 - i];
    BaseLevel& base = tables.base[i];
    base.width = layer.width;
    base.place = layer.place;
    for (const Lanes& hair : layer.hair) {
      base.scalp.push_back(hair[0]);
      base.beard.push_back(hair[1]);
      base.moustache.push_back(hair[2]);
    }
  }
}

}  // namespace guise::render
