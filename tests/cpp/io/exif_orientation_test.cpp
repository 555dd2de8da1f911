// Orientation tags in every disguise, and the eight turns against a slow twin.
#include "io/exif_orientation.h"

#include <gtest/gtest.h>

#include "support/image_fixtures.h"

namespace guise::io {
namespace {

using test::Bytes;

int orientation_of(const Bytes& tiff) {
  return exif_orientation(tiff.data(), tiff.size());
}

// The same turns by whole-tensor operations.
at::Tensor turn_slowly(const at::Tensor& stored, int orientation) {
  switch (orientation) {
    case 2:
      return stored.flip({1});
    case 3:
      return stored.flip({0, 1});
    case 4:
      return stored.flip({0});
    case 5:
      return stored.transpose(0, 1);
    case 6:
      return at::rot90(stored, -1, {0, 1});
    case 7:
      return stored.transpose(0, 1).flip({0, 1});
    case 8:
      return at::rot90(stored, 1, {0, 1});
    default:
      return stored;
  }
}

TEST(ExifOrientation, ReadsBothByteOrdersWithAndWithoutPrefix) {
  for (int value = 1; value <= 8; ++value) {
    for (const bool little : {true, false}) {
      const Bytes tiff = test::tiff_orientation(value, little);
      EXPECT_EQ(orientation_of(tiff), value);
      Bytes prefixed = test::text_bytes(std::string("Exif\0\0", 6));
      test::append(prefixed, tiff);
      EXPECT_EQ(orientation_of(prefixed), value);
    }
  }
}

TEST(ExifOrientation, IsOneForAnythingElse) {
  EXPECT_EQ(exif_orientation(nullptr, 0), 1);
  for (const int value : {0, 9, 255, 65535}) {
    EXPECT_EQ(orientation_of(test::tiff_orientation(value, true)), 1);
  }
  const Bytes tiff = test::tiff_orientation(6, true);
  for (size_t size = 0; size < 22; ++size) EXPECT_EQ(exif_orientation(tiff.data(), size), 1);
  for (const uint8_t offset : {7, 30, 200, 255}) {
    Bytes moved = tiff;
    moved[4] = moved[5] = moved[6] = moved[7] = offset;
    EXPECT_EQ(orientation_of(moved), 1);
  }
  Bytes many = tiff;
  many[8] = many[9] = 0xFF;  // claims 65,535 entries; the first is there
  EXPECT_EQ(orientation_of(many), 6);
  Bytes two_values = tiff;
  two_values[14] = 2;
  EXPECT_EQ(orientation_of(two_values), 1);
}

TEST(TurnUpright, EqualsTheSlowTwinForAllEightValues) {
  for (const auto& [height, width] : {std::pair{5, 7}, {16, 33}, {40, 17}, {1, 4}, {4, 1}}) {
    const at::Tensor stored = test::pattern(height, width);
    for (int value = 1; value <= 8; ++value) {
      const at::Tensor upright = turn_upright(stored, value);
      EXPECT_TRUE(upright.is_contiguous());
      EXPECT_TRUE(at::equal(upright, turn_slowly(stored, value).contiguous())) << value;
      EXPECT_EQ(orientation_swaps_sides(value), value >= 5);
    }
  }
}

TEST(TurnUpright, TheTwinCanFail) {
  const at::Tensor stored = test::pattern(5, 5);
  EXPECT_FALSE(at::equal(turn_upright(stored, 6), turn_slowly(stored, 8).contiguous()));
}

TEST(TurnUpright, ChecksItsArguments) {
  EXPECT_THROW(turn_upright(test::pattern(2, 2), 0), std::invalid_argument);
  EXPECT_THROW(turn_upright(test::pattern(2, 2), 9), std::invalid_argument);
  EXPECT_THROW(turn_upright(at::zeros({2, 2, 3}), 1), std::invalid_argument);
  EXPECT_THROW(turn_upright(at::Tensor(), 1), std::invalid_argument);
}

}  // namespace
}  // namespace guise::io
