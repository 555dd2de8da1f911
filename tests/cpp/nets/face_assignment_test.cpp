// SimOTA on cells placed by hand; tests/python/test_yunet_loss.py compares whole batches.
#include "nets/face_assignment.h"

#include <gtest/gtest.h>

#include <limits>

namespace guise::nets {
namespace {

// A row of cells of stride 8 at y = 4, each of which predicts `box` with the same score.
std::vector<CellPrediction> row_of_cells(size_t count, const core::Box& box) {
  std::vector<CellPrediction> cells;
  for (size_t i = 0; i < count; ++i) {
    cells.push_back({{static_cast<double>(8 * i + 4), 4}, 8, box, 0.5});
  }
  return cells;
}

TEST(AssignFaces, TakesAsManyCellsAsTheOverlapsSumUpTo) {
  const core::Box face{0, -20, 40, 20};
  auto cells = row_of_cells(5, face);  // all inside, all exact: 5 of 5
  EXPECT_EQ(assign_faces(cells, {face}, {}).size(), 5U);
  cells[3].box = cells[4].box = {100, 100, 110, 110};  // 3.0 in sum
  const auto assigned = assign_faces(cells, {face}, {});
  ASSERT_EQ(assigned.size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(assigned[i].cell, static_cast<int64_t>(i));
    EXPECT_EQ(assigned[i].face, 0);
    EXPECT_DOUBLE_EQ(assigned[i].overlap, 1.0);
  }
  EXPECT_EQ(assign_faces(cells, {face}, {.top_candidates = 2}).size(), 2U);
}

TEST(AssignFaces, GivesEveryFaceACellWhereOneIsNear) {
  // No middle of a cell lies in it, and no prediction overlaps it.
  const core::Box tiny{5, 5, 7, 7};
  const auto cells = row_of_cells(6, {200, 0, 210, 10});
  const auto assigned = assign_faces(cells, {tiny}, {});
  ASSERT_EQ(assigned.size(), 1U);
  EXPECT_EQ(assigned[0].cell, 0) << "of equal costs the first";
  EXPECT_EQ(assigned[0].overlap, 0.0);
  EXPECT_TRUE(assign_faces(cells, {{900, 900, 910, 910}}, {}).empty()) << "nothing near";
}

TEST(AssignFaces, GivesACellToTheFaceItCostsLess) {
  const core::Box left{0, -10, 20, 10}, right{2, -10, 22, 10};
  const auto assigned = assign_faces(row_of_cells(1, right), {left, right}, {});
  ASSERT_EQ(assigned.size(), 1U);
  EXPECT_EQ(assigned[0].face, 1);
}

TEST(AssignFaces, PrefersCellsThatAreInAndNear) {
  const core::Box face{0, -20, 400, 20};  // its middle is at 200
  auto cells = row_of_cells(50, {900, 0, 910, 10});
  cells[0].box = face;  // exact, but far from the middle
  const auto assigned = assign_faces(cells, {face}, {});
  ASSERT_EQ(assigned.size(), 1U);
  EXPECT_GE(assigned[0].cell, 22);
  EXPECT_LE(assigned[0].cell, 27);
}

TEST(AssignFaces, ABetterScoreCostsLess) {
  const core::Box face{0, -20, 40, 20};
  auto cells = row_of_cells(5, {0, 0, 40, 20});  // overlap 1/2 each: 2 cells
  cells[1].score = cells[3].score = 0.9;
  const auto assigned = assign_faces(cells, {face}, {});
  ASSERT_EQ(assigned.size(), 2U);
  EXPECT_EQ(assigned[0].cell, 1);
  EXPECT_EQ(assigned[1].cell, 3);
}

TEST(AssignFaces, SurvivesPredictionsThatAreNoNumbers) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  const core::Box face{0, -20, 40, 20};
  auto cells = row_of_cells(5, face);
  cells[0].box = {nan, nan, nan, nan};
  cells[1].box = {-inf, -inf, inf, inf};
  cells[2].score = nan;
  const auto assigned = assign_faces(cells, {face}, {});
  ASSERT_EQ(assigned.size(), 3U);
  EXPECT_EQ(assigned[1].cell, 3) << "the ones that are numbers come first";
  EXPECT_EQ(assigned[2].cell, 4);
}

TEST(AssignFaces, TakesNothingFromNothing) {
  EXPECT_TRUE(assign_faces({}, {{0, 0, 8, 8}}, {}).empty());
  EXPECT_TRUE(assign_faces(row_of_cells(3, {0, 0, 8, 8}), {}, {}).empty());
}

}  // namespace
}  // namespace guise::nets
