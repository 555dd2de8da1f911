// The z-buffer against a slow twin that asks every triangle at every sample.
#include "render/rasterizer.h"

#include <gtest/gtest.h>

#include <array>

#include "core/random.h"

namespace guise::render {
namespace {

struct Soup {
  Mesh mesh;
  std::vector<Projected> corners;
};

Soup random_soup(int triangles, uint64_t seed, bool with_keep) {
  core::RandomStream random(seed, 0, 1);
  Soup soup;
  soup.mesh.surfaces.resize(2);
  soup.mesh.surfaces[1].two_sided = true;
  for (int t = 0; t < triangles; ++t) {
    Triangle triangle;
    const float x = 24 * random.next_uniform(), y = 24 * random.next_uniform();
    for (uint32_t k = 0; k < 3; ++k) {
      triangle.vertex[k] = static_cast<uint32_t>(3 * t) + k;
      soup.corners.push_back({x + 10 * random.next_uniform() - 5,
                              y + 10 * random.next_uniform() - 5, 0.1F + random.next_uniform()});
      if (with_keep) soup.mesh.keep.push_back(random.next_uniform() - 0.4F);
    }
    triangle.surface = static_cast<uint16_t>(t % 2);
    soup.mesh.triangles.push_back(triangle);
  }
  soup.mesh.positions.resize(soup.corners.size());
  return soup;
}

double edge(const Projected& a, const Projected& b, double x, double y) {
  return (static_cast<double>(b.x) - a.x) * (y - a.y) -
         (static_cast<double>(b.y) - a.y) * (x - a.x);
}

// The triangle seen at a pixel coordinate, or kNothing; `tight` is set where a sample lies so near
// to an edge or two depths so near to each other that rounding may decide.
uint32_t seen(const Soup& soup, double x, double y, bool& tight) {
  uint32_t best = kNothing;
  double best_depth = 0;
  tight = false;
  for (size_t t = 0; t < soup.mesh.triangles.size(); ++t) {
    const Triangle& triangle = soup.mesh.triangles[t];
    const Projected &a = soup.corners[triangle.vertex[0]], &b = soup.corners[triangle.vertex[1]],
                    &c = soup.corners[triangle.vertex[2]];
    const double area = edge(a, b, c.x, c.y);
    if (triangle.surface == 0 && area > 0) continue;
    const double wa = edge(b, c, x, y) / area, wb = edge(c, a, x, y) / area;
    const double wc = edge(a, b, x, y) / area;
    const double least = std::min({wa, wb, wc});
    tight |= std::abs(least) < 1e-4;
    if (least < 0) continue;
    const double depth = wa * a.inverse_depth + wb * b.inverse_depth + wc * c.inverse_depth;
    if (!soup.mesh.keep.empty()) {
      const double keep = (wa * a.inverse_depth * soup.mesh.keep[triangle.vertex[0]] +
                           wb * b.inverse_depth * soup.mesh.keep[triangle.vertex[1]] +
                           wc * c.inverse_depth * soup.mesh.keep[triangle.vertex[2]]);
      tight |= std::abs(keep) < 1e-4;
      if (keep < 0) continue;
    }
    tight |= std::abs(depth - best_depth) < 1e-5;
    if (depth > best_depth) {
      best_depth = depth;
      best = static_cast<uint32_t>(t);
    }
  }
  return best;
}

void compare_with_twin(const Soup& soup) {
  VisibilityBuffer buffer;
  buffer.reset(24, 2);
  rasterize_mesh(soup.mesh, soup.corners, buffer);
  int compared = 0;
  for (int j = 0; j < buffer.width; ++j) {
    for (int i = 0; i < buffer.width; ++i) {
      bool tight = false;
      const uint32_t expected = seen(soup, buffer.pixel_of(i), buffer.pixel_of(j), tight);
      if (tight) continue;
      ++compared;
      EXPECT_EQ(buffer.id[static_cast<size_t>(j * buffer.width + i)], expected) << i << ", " << j;
    }
  }
  EXPECT_GT(compared, 2000);
}

TEST(RasterizeMesh, AgreesWithTheSlowTwin) {
  compare_with_twin(random_soup(60, 1, false));
}

TEST(RasterizeMesh, AgreesWithTheSlowTwinWhereTrianglesAreCut) {
  compare_with_twin(random_soup(60, 2, true));
}

// Two triangles that share an edge leave neither a hole nor a double.
TEST(RasterizeMesh, HasNoHolesAlongSharedEdges) {
  core::RandomStream random(9, 0, 0);
  for (int round = 0; round < 50; ++round) {
    Soup soup;
    soup.mesh.surfaces.resize(1);
    const float lean = random.next_uniform() * 6 - 3;
    // y runs down: these are counter-clockwise as seen.
    soup.corners = {{-1, 25, 1}, {25, 25, 1}, {25, -1, 1}, {-1, -1, 1}};
    soup.corners[1].x += lean;
    soup.corners[3].x += lean;
    soup.mesh.positions.resize(4);
    soup.mesh.triangles = {{{0, 1, 2}, 0, Part::kSkin}, {{0, 2, 3}, 0, Part::kSkin}};
    VisibilityBuffer buffer;
    buffer.reset(24, 2);
    rasterize_mesh(soup.mesh, soup.corners, buffer);
    for (int j = 0; j < 48; ++j) {
      for (int i = 10; i < 38; ++i) {
        EXPECT_NE(buffer.id[static_cast<size_t>(j * 48 + i)], kNothing);
      }
    }
  }
}

TEST(RasterizeMesh, KeepsLensesApart) {
  Soup soup;
  soup.mesh.surfaces.resize(2);
  soup.mesh.surfaces[1].kind = SurfaceKind::kLens;
  soup.corners = {{0, 20, 1}, {20, 20, 1}, {10, 0, 1}, {0, 20, 2}, {20, 20, 2}, {10, 0, 2}};
  soup.mesh.positions.resize(6);
  soup.mesh.triangles = {{{0, 1, 2}, 0, Part::kSkin}, {{3, 4, 5}, 1, Part::kGlasses}};
  VisibilityBuffer buffer;
  buffer.reset(24, 1);
  rasterize_mesh(soup.mesh, soup.corners, buffer);
  const size_t middle = 12 * 24 + 10;
  EXPECT_EQ(buffer.id[middle], 0U);
  EXPECT_EQ(buffer.lens[middle], 1U);
}

TEST(RasterizeMesh, LeavesOutWhatIsBehindTheCamera) {
  Soup soup = random_soup(1, 4, false);
  soup.corners[1].inverse_depth = -0.5F;
  VisibilityBuffer buffer;
  buffer.reset(24, 1);
  rasterize_mesh(soup.mesh, soup.corners, buffer);
  EXPECT_EQ(std::count(buffer.id.begin(), buffer.id.end(), kNothing), 24 * 24);
}

Strands one_strand(float radius) {
  Strands strands;
  strands.points.resize(2);
  strands.radii = {radius, radius};
  strands.first = {0, 2};
  strands.albedo.resize(1);
  strands.part = {Part::kHair};
  strands.depth = {1};
  strands.root_normals = {{0, 0, 1}};
  return strands;
}

TEST(RasterizeStrands, DrawsAnUnbrokenLineOfItsWidth) {
  for (const auto& [dx, dy] : std::vector<std::array<float, 2>>{{18, 3}, {3, 18}, {-15, 9}}) {
    VisibilityBuffer buffer;
    buffer.reset(24, 2);
    const Projected from{12 - dx / 2, 12 - dy / 2, 1}, to{12 + dx / 2, 12 + dy / 2, 1};
    // Radius 1 px: 4 samples across at two samples a pixel.
    rasterize_strands(one_strand(1), {from, to}, 1, buffer);
    int drawn = 0;
    for (int j = 0; j < 48; ++j) {
      for (int i = 0; i < 48; ++i) {
        if (buffer.id[static_cast<size_t>(j * 48 + i)] == kNothing) continue;
        ++drawn;
        const float x = buffer.pixel_of(i) - 12, y = buffer.pixel_of(j) - 12;
        const float off = std::abs(x * dy - y * dx) / std::hypot(dx, dy);
        EXPECT_LT(off, 1.5F);
      }
    }
    const float area = 2 * std::hypot(dx, dy) * 4;
    EXPECT_NEAR(static_cast<float>(drawn), area, 0.1F * area);
  }
}

TEST(RasterizeStrands, NeverVanish) {
  VisibilityBuffer buffer;
  buffer.reset(24, 2);
  rasterize_strands(one_strand(1e-5F), {{2, 2, 1}, {20, 14, 1}}, 1, buffer);
  EXPECT_GE(
      std::count_if(buffer.id.begin(), buffer.id.end(), [](uint32_t id) { return id != kNothing; }),
      36);
}

TEST(RasterizeStrands, LieBehindWhatIsNearer) {
  Soup soup;
  soup.mesh.surfaces.resize(1);
  soup.corners = {{0, 23, 1}, {23, 23, 1}, {12, 0, 1}};
  soup.mesh.positions.resize(3);
  soup.mesh.triangles = {{{0, 1, 2}, 0, Part::kSkin}};
  VisibilityBuffer buffer;
  buffer.reset(24, 2);
  rasterize_mesh(soup.mesh, soup.corners, buffer);
  rasterize_strands(one_strand(1), {{4, 20, 0.5F}, {20, 20, 2}}, 1, buffer);
  EXPECT_EQ(buffer.id[40 * 48 + 12], 0U);
  EXPECT_EQ(buffer.id[40 * 48 + 36], kStrandBit);
}

TEST(CornerWeights, AreThoseOfThePlaceInSpace) {
  const Projected a{0, 0, 1}, b{10, 0, 0.5F}, c{0, 10, 0.25F};
  const Vec3 middle = corner_weights(a, b, c, 5, 0);
  // Halfway on the screen between depths 1 and 2 lies at a third of the way in space.
  EXPECT_NEAR(middle.x, 2.0F / 3, 1e-6);
  EXPECT_NEAR(middle.y, 1.0F / 3, 1e-6);
  const Vec3 outside = corner_weights(a, b, c, -3, -3);
  EXPECT_NEAR(outside.x + outside.y + outside.z, 1, 1e-6);
  EXPECT_GE(std::min({outside.x, outside.y, outside.z}), 0);
}

}  // namespace
}  // namespace guise::render
