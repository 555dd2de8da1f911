// Boxes by hand, and similarities: exact where the points are, least squares where they are not.
#include "core/geometry.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/random.h"

namespace guise::core {
namespace {

std::vector<Point> random_points(size_t count, uint64_t seed, double spread_px) {
  RandomStream random(seed, 0, 0);
  std::vector<Point> points(count);
  for (Point& point : points) {
    point = {random.next_normal() * spread_px, random.next_normal() * spread_px};
  }
  return points;
}

Similarity2D similarity(double scale, double rotation_deg, double tx, double ty) {
  const double angle = rotation_deg * M_PI / 180.0;
  return {scale * std::cos(angle), scale * std::sin(angle), tx, ty};
}

std::vector<Point> mapped(const Similarity2D& map, const std::vector<Point>& points) {
  std::vector<Point> result;
  for (const Point& point : points) result.push_back(map(point));
  return result;
}

double squared_error(const Similarity2D& map, const std::vector<Point>& from,
                     const std::vector<Point>& to) {
  double sum = 0;
  for (size_t i = 0; i < from.size(); ++i) {
    const Point at = map(from[i]);
    sum += std::pow(at.x - to[i].x, 2) + std::pow(at.y - to[i].y, 2);
  }
  return sum;
}

void expect_near(const Similarity2D& left, const Similarity2D& right, double tolerance) {
  EXPECT_NEAR(left.a, right.a, tolerance);
  EXPECT_NEAR(left.b, right.b, tolerance);
  EXPECT_NEAR(left.tx, right.tx, tolerance);
  EXPECT_NEAR(left.ty, right.ty, tolerance);
}

TEST(Box, SizesAndCentre) {
  const Box box{10, 20, 30, 60};
  EXPECT_EQ(box.width(), 20);
  EXPECT_EQ(box.height(), 40);
  EXPECT_EQ(box.area(), 800);
  EXPECT_EQ(box.centre().x, 20);
  EXPECT_EQ(box.centre().y, 40);
  EXPECT_EQ((Box{5, 5, 4, 9}.area()), 0) << "an inverted box has no area";
}

TEST(Box, ScalesAboutItsCentre) {
  const Box scaled = scale_about_centre({10, 20, 30, 60}, 1.5);
  EXPECT_EQ(scaled.x0, 5);
  EXPECT_EQ(scaled.y0, 10);
  EXPECT_EQ(scaled.x1, 35);
  EXPECT_EQ(scaled.y1, 70);
  EXPECT_THROW(scale_about_centre({0, 0, 1, 1}, 0), std::invalid_argument);
  EXPECT_THROW(scale_about_centre({0, 0, 1, 1}, std::nan("")), std::invalid_argument);
}

TEST(Box, OverlapsByHand) {
  const Box box{0, 0, 10, 10}, beside{10, 0, 20, 10}, half{5, 0, 15, 10}, inside{2, 2, 4, 4};
  EXPECT_EQ(intersect(box, beside).area(), 0);
  EXPECT_EQ(intersect(box, half).area(), 50);
  EXPECT_GE(intersect(box, Box{40, 40, 50, 50}).width(), 0) << "never inverted";
  EXPECT_DOUBLE_EQ(intersection_over_union(box, half), 50.0 / 150.0);
  EXPECT_DOUBLE_EQ(intersection_over_union(box, box), 1.0);
  EXPECT_EQ(intersection_over_union(Box{}, Box{}), 0);
  EXPECT_EQ(covered_share(inside, box), 1);
  EXPECT_DOUBLE_EQ(covered_share(box, inside), 0.04);
  EXPECT_EQ(covered_share(Box{}, box), 0);
}

TEST(Similarity, RecoversKnownTransforms) {
  for (const double scale : {1e-3, 0.4, 1.0, 7.0, 500.0}) {
    for (const double rotation_deg : {-179.0, -90.0, -12.5, 0.0, 33.0, 90.0, 180.0}) {
      const Similarity2D truth = similarity(scale, rotation_deg, 40.25, -7.5);
      const auto from = random_points(5, 11, 1.0);
      const Similarity2D fit = fit_similarity(from, mapped(truth, from));
      expect_near(fit, truth, 1e-9 * std::max(1.0, scale));
      EXPECT_NEAR(fit.scale(), scale, 1e-9 * scale);
    }
  }
}

TEST(Similarity, RecoversAlsoFromTwoPointsAndFarFromTheOrigin) {
  const Similarity2D truth = similarity(1.75, 20.0, -3000.0, 900.0);
  auto from = random_points(2, 12, 30.0);
  expect_near(fit_similarity(from, mapped(truth, from)), truth, 1e-9);
  from = random_points(68, 13, 30.0);
  for (Point& point : from) point = {point.x + 6000.0, point.y + 4000.0};
  const Similarity2D fit = fit_similarity(from, mapped(truth, from));
  EXPECT_NEAR(fit.a, truth.a, 1e-9);
  EXPECT_NEAR(fit.b, truth.b, 1e-9);
  EXPECT_LT(squared_error(fit, from, mapped(truth, from)), 1e-12);
}

TEST(Similarity, WithNoiseNoNeighbourFitsBetter) {
  const Similarity2D truth = similarity(1.3, -25.0, 4.0, 9.0);
  const auto from = random_points(5, 21, 40.0), noise = random_points(5, 22, 3.0);
  auto to = mapped(truth, from);
  for (size_t i = 0; i < to.size(); ++i) to[i] = {to[i].x + noise[i].x, to[i].y + noise[i].y};
  const Similarity2D fit = fit_similarity(from, to);
  const double best = squared_error(fit, from, to);
  EXPECT_LT(best, squared_error(truth, from, to)) << "the truth must not fit noisy points better";
  for (const double step : {1e-3, 1e-5}) {
    for (int field = 0; field < 4; ++field) {
      for (const double sign : {-1.0, 1.0}) {
        Similarity2D moved = fit;
        (field == 0   ? moved.a
         : field == 1 ? moved.b
         : field == 2 ? moved.tx
                      : moved.ty) += sign * step;
        EXPECT_GT(squared_error(moved, from, to), best) << "field " << field << " " << sign * step;
      }
    }
  }
}

TEST(Similarity, NeverReflects) {
  const auto from = random_points(5, 31, 10.0);
  std::vector<Point> mirrored;
  for (const Point& point : from) mirrored.push_back({-point.x, point.y});
  const Similarity2D fit = fit_similarity(from, mirrored);
  // A similarity of this form has determinant a^2 + b^2 >= 0; a mirror image cannot be met.
  EXPECT_GT(squared_error(fit, from, mirrored), 1.0);
}

TEST(Similarity, InverseUndoes) {
  const Similarity2D map = similarity(0.37, 77.0, 5.0, -8.0), back = map.inverse();
  for (const Point& point : random_points(20, 41, 100.0)) {
    const Point again = back(map(point));
    EXPECT_NEAR(again.x, point.x, 1e-10);
    EXPECT_NEAR(again.y, point.y, 1e-10);
  }
  EXPECT_NEAR(map.rotation_deg(), 77.0, 1e-12);
  EXPECT_NEAR(back.rotation_deg(), -77.0, 1e-12);
  EXPECT_THROW((Similarity2D{0, 0, 1, 1}.inverse()), std::invalid_argument);
}

TEST(Similarity, RefusesWhatHasNoFit) {
  const std::vector<Point> one{{1, 2}}, two{{1, 2}, {3, 4}}, same{{1, 2}, {1, 2}};
  EXPECT_THROW(fit_similarity(one, one), std::invalid_argument);
  EXPECT_THROW(fit_similarity(two, one), std::invalid_argument);
  EXPECT_THROW(fit_similarity(same, two), std::invalid_argument);
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW(fit_similarity({{bad, 0}, {1, 1}}, two), std::invalid_argument);
    EXPECT_THROW(fit_similarity(two, {{bad, 0}, {1, 1}}), std::invalid_argument);
  }
}

TEST(Template, ScalesAndKeepsThePublishedPoints) {
  const Landmarks5 small = arcface_template(112), large = arcface_template(224);
  EXPECT_EQ(small[0].x, 38.2946);
  EXPECT_EQ(small[4].y, 92.2041);
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_DOUBLE_EQ(large[i].x, 2 * small[i].x);
    EXPECT_DOUBLE_EQ(large[i].y, 2 * small[i].y);
  }
  EXPECT_DOUBLE_EQ(arcface_template(128)[0].x, 38.2946 + 8.0);
  EXPECT_DOUBLE_EQ(arcface_template(128)[0].y, 51.6963);
  EXPECT_EQ(ffhq_template(512)[0].x, 192.98138);
  EXPECT_DOUBLE_EQ(ffhq_template(256)[2].y, 314.01935 / 2);
  EXPECT_THROW(arcface_template(15), std::invalid_argument);
  EXPECT_THROW(ffhq_template(-1), std::invalid_argument);
}

}  // namespace
}  // namespace guise::core
