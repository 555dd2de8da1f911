// Ground truth against the picture it belongs to.
#include "render/draw_picture.h"

#include <gtest/gtest.h>

#include "render/draw_recipe.h"

namespace guise::render {
namespace {

constexpr int kSize = 160;

const HouseModels& models() {
  static const HouseModels loaded(GUISE_MODELS_DIR "/house-head/house-head.safetensors",
                                  GUISE_MODELS_DIR "/house-skin/house-skin.safetensors",
                                  GUISE_MODELS_DIR "/house-light/house-light.safetensors");
  return loaded;
}

struct Drawn {
  PhotoRecipe photo;
  PersonAssets assets;
  std::vector<uint8_t> rgb;
  PictureTruth truth;
  PixelTruth pixels;
};

RecipeOptions bare() {
  RecipeOptions options = RecipeOptions::clean();
  for (const char* name : {"glasses_share", "sunglasses_share", "hat_share", "mask_share",
                           "scarf_share", "hand_share", "grey_share", "expression_strength"}) {
    set_option(options, name, 0);
  }
  return options;
}

void draw(Drawn& drawn) {
  drawn.rgb.assign(static_cast<size_t>(kSize) * kSize * 3, 0);
  drawn.truth = draw_picture(models(), drawn.assets, drawn.photo, kSize, drawn.rgb.data(),
                             &drawn.pixels, nullptr);
}

Drawn drawn_of(uint64_t identity, uint64_t sample) {
  const RecipeOptions options = bare();
  const IdentityRecipe person = draw_identity(
      5, identity, options, models().head.mode_count(), models().head.asymmetry_count(),
      models().skin.mode_count(), models().head.mahalanobis_limit());
  Drawn drawn{draw_photo(5, identity, sample, options, person, models().light.count()),
              make_person(models(), person, kSize),
              {},
              {},
              {}};
  return drawn;
}

// The head as the renderer takes it, before posing.
Head head_of(const Drawn& drawn) {
  const IdentityRecipe& person = drawn.assets.person;
  return models().head.express(
      models().head.neutral(person.sex, person.age_years + drawn.photo.age_offset_years,
                            person.shape),
      drawn.photo.expression, drawn.photo.gaze_yaw_deg, drawn.photo.gaze_pitch_deg);
}

bool is_head(uint8_t part) {
  return part != static_cast<uint8_t>(Part::kBackground) &&
         part != static_cast<uint8_t>(Part::kCloth);
}

// What another background changes is background, and nothing else.
TEST(DrawPicture, MaskEndsWhereThePictureDoes) {
  for (const uint64_t identity : {1U, 2U, 3U}) {
    Drawn one = drawn_of(identity, 0);
    one.photo.background = Background::kPlain;
    one.photo.camera.exposure_ev = -3;  // white burnt out looks alike before any background
    Drawn other = one;
    draw(one);
    other.photo.background = Background::kOutdoor;
    draw(other);
    EXPECT_EQ(one.pixels.part, other.pixels.part);
    int background = 0, same_inside = 0, inside = 0, changed_outside = 0;
    for (size_t i = 0; i < one.pixels.part.size(); ++i) {
      const bool changed = !std::equal(&one.rgb[3 * i], &one.rgb[3 * i] + 3, &other.rgb[3 * i]);
      if (one.pixels.part[i] == 0) {
        ++background;
        changed_outside += changed ? 1 : 0;
      } else {
        ++inside;
        same_inside += changed ? 0 : 1;
      }
    }
    EXPECT_GT(background, 2000);
    EXPECT_GT(changed_outside, 0.9 * background) << identity;
    // Only pixels that the edge cuts may show some of the background.
    EXPECT_GT(same_inside, 0.93 * inside);
  }
}

TEST(DrawPicture, DepthAndNormalsLiveWhereTheMaskDoes) {
  Drawn drawn = drawn_of(4, 1);
  draw(drawn);
  for (size_t i = 0; i < drawn.pixels.part.size(); ++i) {
    const bool something = drawn.pixels.part[i] != 0;
    EXPECT_EQ(drawn.pixels.depth[i] > 0, something);
    EXPECT_NEAR(length(drawn.pixels.normal[i]), something ? 1 : 0, 1e-3);
  }
}

// A landmark that is seen has the depth of the pixel it falls on.
TEST(DrawPicture, LandmarksLieOnTheSurfaceThatIsSeen) {
  Drawn drawn = drawn_of(6, 0);
  drawn.photo.yaw_deg = drawn.photo.pitch_deg = drawn.photo.roll_deg = 0;
  draw(drawn);
  const Head head = head_of(drawn);
  int checked = 0;
  for (size_t k = 17; k < 60; ++k) {
    if (k >= 36 && k < 48) continue;  // lid rims: lashes may lie in front
    const Vec2 at = drawn.truth.landmarks_68[k];
    const int x = static_cast<int>(std::lround(at.x)), y = static_cast<int>(std::lround(at.y));
    ASSERT_TRUE(x >= 0 && y >= 0 && x < kSize && y < kSize);
    const auto i = static_cast<size_t>(y * kSize + x);
    EXPECT_TRUE(is_head(drawn.pixels.part[i])) << k;
    if (drawn.pixels.part[i] == static_cast<uint8_t>(Part::kHair) ||
        drawn.pixels.part[i] == static_cast<uint8_t>(Part::kFacialHair)) {
      continue;
    }
    // Differences of depth between landmarks are those of the head before the camera.
    const size_t nose = static_cast<size_t>(std::lround(drawn.truth.landmarks_68[30].y)) * kSize +
                        static_cast<size_t>(std::lround(drawn.truth.landmarks_68[30].x));
    const float seen = drawn.pixels.depth[i] - drawn.pixels.depth[nose];
    EXPECT_NEAR(seen, head.landmarks[30].z - head.landmarks[k].z, 0.08F) << k;
    ++checked;
  }
  EXPECT_GT(checked, 20);
}

// Rotation and place of the head that explain the landmarks best: Gauss and Newton over three
// angles and a place, from a start that knows nothing of the pose.
std::array<float, 3> recovered_pose(const Drawn& drawn, const Head& head) {
  const float focal = Camera(drawn.photo.camera, {}, kSize).focal_px();
  const float middle = (kSize - 1) / 2.0F;
  std::array<double, 6> p{0, 0, 0, 0, 0, -focal * drawn.photo.camera.frame_height_dm / kSize};
  const auto project = [&](const std::array<double, 6>& q, size_t k) {
    const Mat3 turn =
        head_rotation(static_cast<float>(q[0]), static_cast<float>(q[1]), static_cast<float>(q[2]));
    const Vec3 v =
        turn * (head.landmarks[k] - head.head_joint) +
        Vec3{static_cast<float>(q[3]), static_cast<float>(q[4]), static_cast<float>(q[5])};
    return Vec2{middle - focal * v.x / v.z, middle + focal * v.y / v.z};
  };
  const std::array<double, 6> step{0.05, 0.05, 0.05, 1e-3, 1e-3, 1e-2};
  for (int round = 0; round < 60; ++round) {
    double normal[6][7] = {};
    for (size_t k = 0; k < 68; ++k) {
      const Vec2 at = project(p, k), want = drawn.truth.landmarks_68[k];
      double jx[6], jy[6];
      for (size_t j = 0; j < 6; ++j) {
        auto q = p;
        q[j] += step[j];
        const Vec2 moved = project(q, k);
        jx[j] = (moved.x - at.x) / step[j];
        jy[j] = (moved.y - at.y) / step[j];
      }
      for (size_t a = 0; a < 6; ++a) {
        for (size_t b = 0; b < 6; ++b) normal[a][b] += jx[a] * jx[b] + jy[a] * jy[b];
        normal[a][6] += jx[a] * (want.x - at.x) + jy[a] * (want.y - at.y);
      }
    }
    for (size_t a = 0; a < 6; ++a) {
      normal[a][a] *= 1.001;
      for (size_t b = 0; b < 6; ++b) {
        if (b == a) continue;
        const double f = normal[b][a] / normal[a][a];
        for (size_t c = 0; c < 7; ++c) normal[b][c] -= f * normal[a][c];
      }
    }
    for (size_t a = 0; a < 6; ++a) p[a] += normal[a][6] / normal[a][a];
  }
  return {static_cast<float>(p[0]), static_cast<float>(p[1]), static_cast<float>(p[2])};
}

TEST(DrawPicture, PoseIsRecoveredFromTheLandmarks) {
  for (const float yaw : {-70.0F, -25.0F, 0.0F, 40.0F, 85.0F}) {
    Drawn drawn = drawn_of(8, static_cast<uint64_t>(yaw + 100));
    drawn.photo.yaw_deg = yaw;
    drawn.photo.pitch_deg = 12;
    drawn.photo.roll_deg = -9;
    draw(drawn);
    const auto pose = recovered_pose(drawn, head_of(drawn));
    for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(pose[i], drawn.truth.pose_deg[i], 0.5) << yaw;
  }
}

TEST(DrawPicture, BoxHoldsTheFace) {
  for (uint64_t sample = 0; sample < 6; ++sample) {
    Drawn drawn = drawn_of(9, sample);
    draw(drawn);
    for (const Vec2& at : drawn.truth.landmarks_5) {
      EXPECT_GT(at.x, drawn.truth.box[0]);
      EXPECT_LT(at.x, drawn.truth.box[2]);
      EXPECT_GT(at.y, drawn.truth.box[1]);
      EXPECT_LT(at.y, drawn.truth.box[3]);
    }
  }
}

TEST(DrawPicture, TheSameRecipeGivesTheSameBytes) {
  Drawn one = drawn_of(11, 3), other = drawn_of(11, 3);
  draw(one);
  draw(other);
  EXPECT_EQ(one.rgb, other.rgb);
  EXPECT_EQ(one.pixels.part, other.pixels.part);
}

TEST(DrawPicture, LightMovesTheBrightness) {
  Drawn drawn = drawn_of(12, 0);
  drawn.photo.yaw_deg = drawn.photo.pitch_deg = drawn.photo.roll_deg = 0;
  drawn.photo.light.strength = 0.3F;
  const auto left_minus_right = [&](float x) {
    drawn.photo.light.lamps = {{normalized(Vec3{x, 0.2F, 0.6F}), {2, 2, 2}, 0.2F}};
    draw(drawn);
    double sum = 0;
    for (int yy = 0; yy < kSize; ++yy) {
      for (int xx = 0; xx < kSize; ++xx) {
        const auto i = static_cast<size_t>(yy * kSize + xx);
        if (drawn.pixels.part[i] != static_cast<uint8_t>(Part::kSkin)) continue;
        sum += (xx < kSize / 2 ? 1.0 : -1.0) * drawn.rgb[3 * i + 1];
      }
    }
    return sum;
  };
  EXPECT_GT(left_minus_right(-1), 0);
  EXPECT_LT(left_minus_right(1), 0);
}

}  // namespace
}  // namespace guise::render
