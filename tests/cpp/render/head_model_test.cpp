// house-head: what shape, age, expression and gaze must and must not do, and damaged files.
#include "render/head_model.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <map>

#include "core/check.h"
#include "core/random.h"
#include "io/atomic_file.h"
#include "io/safetensors.h"
#include "support/scratch_folder.h"

namespace guise::render {
namespace {

using Tensors = std::map<std::string, at::Tensor>;

const std::string kHeadFile = GUISE_MODELS_DIR "/house-head/house-head.safetensors";

const HeadModel& model() {
  static const HeadModel loaded = HeadModel::load(kHeadFile);
  return loaded;
}

size_t unit(std::string_view name) {
  const auto* found = std::find(kExpressionNames.begin(), kExpressionNames.end(), name);
  return static_cast<size_t>(found - kExpressionNames.begin());
}

ExpressionWeights expression(std::initializer_list<std::pair<std::string_view, float>> units) {
  ExpressionWeights weights{};
  for (const auto& [name, weight] : units) {
    weights.at(unit(name)) = weight;
  }
  return weights;
}

ShapeRecipe random_shape(uint64_t seed, float strength) {
  core::RandomStream random(seed, 0, 1);
  ShapeRecipe shape;
  shape.muscle = random.next_uniform();
  shape.weight = random.next_uniform();
  for (int k = 0; k < model().mode_count(); ++k) {
    shape.modes.push_back(strength * random.next_normal());
  }
  for (int k = 0; k < model().asymmetry_count(); ++k) {
    shape.asymmetry.push_back(strength * random.next_normal());
  }
  return shape;
}

Head mean_head(const ExpressionWeights& weights = {}, float yaw = 0, float pitch = 0) {
  return model().express(model().topology().rest_points, weights, yaw, pitch);
}

float farthest(const std::vector<Vec3>& a, const std::vector<Vec3>& b) {
  float most = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    most = std::max(most, length(a[i] - b[i]));
  }
  return most;
}

TEST(HeadModel, TopologyIsSound) {
  const HeadTopology& topology = model().topology();
  const size_t points = topology.rest_points.size();
  EXPECT_EQ(topology.uv.size(), topology.vertex_point.size());
  for (const auto* field :
       {&topology.ambient_occlusion, &topology.scalp_distance, &topology.beard_density,
        &topology.moustache_density, &topology.pose_weight}) {
    EXPECT_EQ(field->size(), points);
  }
  std::array<int, kHeadSurfaceCount> of_surface{};
  std::map<Part, int> of_part;
  for (const Triangle& triangle : topology.triangles) {
    ++of_surface.at(triangle.surface);
    ++of_part[triangle.part];
    if (triangle.surface == kHeadSkin) {
      for (const uint32_t vertex : triangle.vertex) {
        const Vec2 uv = topology.uv[vertex];
        EXPECT_TRUE(uv.x >= 0 && uv.x <= 1 && uv.y >= 0 && uv.y <= 1) << uv.x << " " << uv.y;
      }
    }
  }
  for (const int count : of_surface) {
    EXPECT_GT(count, 100);
  }
  for (const Part part :
       {Part::kSkin, Part::kNose, Part::kUpperLip, Part::kLowerLip, Part::kLeftEar, Part::kRightEar,
        Part::kNeck, Part::kMouth, Part::kLeftEye, Part::kRightEye}) {
    EXPECT_GT(of_part[part], 50) << static_cast<int>(part);
  }
  EXPECT_GE(model().mode_count(), 60);
  EXPECT_GT(model().mahalanobis_limit(), std::sqrt(static_cast<float>(model().mode_count())));
}

TEST(HeadModel, NormalsAreUnitAndPointOutwards) {
  const Head head = mean_head();
  for (const Vec3& normal : head.point_normals) {
    EXPECT_NEAR(length(normal), 1, 1e-4);
  }
  const auto nose = head.landmarks[30];
  for (size_t i = 0; i < head.points.size(); ++i) {
    if (length(head.points[i] - nose) < 0.02F) {
      EXPECT_GT(head.point_normals[i].z, 0.5F);
    }
  }
}

TEST(HeadModel, MeanIsSymmetric) {
  const Head head = mean_head();
  const std::array<std::pair<size_t, size_t>, 7> pairs = {
      {{0, 16}, {17, 26}, {31, 35}, {36, 45}, {39, 42}, {48, 54}, {60, 64}}};
  for (const auto& [right, left] : pairs) {
    const Vec3 a = head.landmarks[right], b = head.landmarks[left];
    EXPECT_LT(length(Vec3{-a.x, a.y, a.z} - b), 0.01F) << right;
    EXPECT_LT(a.x, 0) << right;
  }
  EXPECT_LT(head.right_eye.center.x, head.left_eye.center.x);
  EXPECT_LT(head.detector_points[0].x, head.detector_points[1].x);
}

TEST(HeadModel, LandmarksLieOnTheHead) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Head head =
        model().express(model().neutral(Sex::kFemale, 40, random_shape(seed, 1)), {}, 0, 0);
    for (const Vec3& landmark : head.landmarks) {
      float nearest = 1;
      for (const Vec3& point : head.points) {
        nearest = std::min(nearest, length(point - landmark));
      }
      EXPECT_LT(nearest, 0.1F);
    }
    EXPECT_GT(head.landmarks[30].z, head.landmarks[8].z);
    EXPECT_GT(head.landmarks[27].y, head.landmarks[8].y);
    // Detectors set the nose at the height of its tip, the corners of the mouth higher.
    EXPECT_NEAR(head.detector_points[2].y, head.landmarks[30].y, 0.04F);
    EXPECT_GT(head.detector_points[3].y, head.landmarks[48].y);
  }
}

TEST(HeadModel, MacroBlendIsContinuous) {
  ShapeRecipe shape = random_shape(3, 1);
  for (float age = 18; age < 90; age += 4) {
    const auto here = model().neutral(Sex::kMale, age, shape);
    EXPECT_LT(farthest(here, model().neutral(Sex::kMale, age + 0.01F, shape)), 1e-3F);
  }
  for (float amount = 0.05F; amount < 0.99F; amount += 0.1F) {
    shape.muscle = shape.weight = amount;
    const auto here = model().neutral(Sex::kFemale, 30, shape);
    shape.muscle += 1e-3F;
    shape.weight += 1e-3F;
    EXPECT_LT(farthest(here, model().neutral(Sex::kFemale, 30, shape)), 0.02F) << amount;
  }
  // Half of two ancestries lies in the middle.
  shape.ancestry = {1, 0, 0};
  const auto one = model().neutral(Sex::kFemale, 30, shape);
  shape.ancestry = {0, 1, 0};
  const auto other = model().neutral(Sex::kFemale, 30, shape);
  shape.ancestry = {0.5F, 0.5F, 0};
  const auto half = model().neutral(Sex::kFemale, 30, shape);
  EXPECT_GT(farthest(one, other), 0.05F);
  EXPECT_LT(length(half[0] - (one[0] + other[0]) * 0.5F), 1e-3F);
}

TEST(HeadModel, ModesMoveTheFaceByMillimetres) {
  const auto mean = model().neutral(Sex::kFemale, 35, ShapeRecipe{});
  double sum = 0;
  int count = 0;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    ShapeRecipe shape = random_shape(seed, 1);
    shape.muscle = shape.weight = 0.5F;
    const auto head = model().neutral(Sex::kFemale, 35, shape);
    for (size_t i = 0; i < head.size(); ++i) {
      if (mean[i].z > 1.0F && mean[i].y > 6.2F) {
        const Vec3 move = head[i] - mean[i];
        sum += dot(move, move);
        ++count;
      }
    }
  }
  const double rms_mm = 100 * std::sqrt(sum / count);
  EXPECT_GT(rms_mm, 2.0);
  EXPECT_LT(rms_mm, 4.5);
}

TEST(HeadModel, LongModesAreDrawnAsTheyAre) {
  ShapeRecipe shape;
  shape.modes.assign(static_cast<size_t>(model().mode_count()), 0);
  shape.modes[0] = 3 * model().mahalanobis_limit();
  const auto far = model().neutral(Sex::kMale, 35, shape);
  shape.modes[0] = 0;
  EXPECT_GT(farthest(far, model().neutral(Sex::kMale, 35, shape)), 0.1F);
}

TEST(HeadModel, WrongLengthsAreArguments) {
  ShapeRecipe shape;
  shape.modes.assign(3, 0);
  EXPECT_THROW(model().neutral(Sex::kMale, 35, shape), std::invalid_argument);
  shape.modes.clear();
  shape.asymmetry.assign(1, 0);
  EXPECT_THROW(model().neutral(Sex::kMale, 35, shape), std::invalid_argument);
  EXPECT_THROW(model().express({Vec3{}}, {}, 0, 0), std::invalid_argument);
}

TEST(HeadModel, NoExpressionIsNeutral) {
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const auto neutral = model().neutral(Sex::kMale, 50, random_shape(seed, 1));
    EXPECT_LT(farthest(neutral, model().express(neutral, {}, 0, 0).points), 1e-4F);
  }
}

TEST(HeadModel, JawOpensTheMouthWithTheTeeth) {
  const Head closed = mean_head(), open = mean_head(expression({{"jawOpen", 1}}));
  EXPECT_LT(closed.mouth_gap, 0.035F);
  EXPECT_GT(open.mouth_gap, 0.2F);
  float lower_teeth = 0;
  for (const Triangle& triangle : model().topology().triangles) {
    if (triangle.surface == kHeadTeeth) {
      const uint32_t point = model().topology().vertex_point[triangle.vertex[0]];
      lower_teeth = std::max(lower_teeth, closed.points[point].y - open.points[point].y);
    }
  }
  EXPECT_GT(lower_teeth, 0.15F);
  // mouthClose closes what the jaw opens, and alone does nothing.
  EXPECT_LT(mean_head(expression({{"jawOpen", 1}, {"mouthClose", 1}})).mouth_gap, 0.15F);
  EXPECT_NEAR(mean_head(expression({{"mouthClose", 1}})).mouth_gap, closed.mouth_gap, 1e-5);
}

TEST(HeadModel, BlinkSlidesTheLidOverTheBall) {
  const Head open = mean_head(), shut = mean_head(expression({{"eyeBlinkLeft", 1}}));
  const auto aperture = [](const Head& head, size_t up, size_t down) {
    return length(head.landmarks[up] - head.landmarks[down]);
  };
  EXPECT_GT(aperture(open, 44, 46), 0.06F);
  EXPECT_LT(aperture(shut, 44, 46), 0.5F * aperture(open, 44, 46));
  EXPECT_NEAR(aperture(shut, 37, 41), aperture(open, 37, 41), 0.01F);
  for (size_t k = 42; k < 48; ++k) {
    const float over = length(shut.landmarks[k] - shut.left_eye.center) - shut.left_eye.radius;
    EXPECT_LT(std::abs(over), 0.06F) << k;
  }
}

TEST(HeadModel, GazeTurnsTheEyes) {
  const Head ahead = mean_head(), right = mean_head({}, 20, 0), up = mean_head({}, 0, 15);
  EXPECT_NEAR(ahead.left_eye.gaze.z, 1, 1e-5);
  EXPECT_NEAR(right.left_eye.gaze.x, std::sin(20 * 3.14159265 / 180), 1e-4);
  EXPECT_NEAR(right.right_eye.gaze.x, right.left_eye.gaze.x, 1e-5);
  EXPECT_NEAR(up.left_eye.gaze.y, std::sin(15 * 3.14159265 / 180), 1e-4);
  EXPECT_GT(up.landmarks[43].y, ahead.landmarks[43].y + 0.005F);  // lids follow
  EXPECT_LT(mean_head({}, 0, -20).landmarks[43].y, ahead.landmarks[43].y - 0.01F);
  // The left eye lies right in the image: outwards is to the right.
  const Head out = mean_head(expression({{"eyeLookOutLeft", 0.5F}}));
  EXPECT_GT(out.left_eye.gaze.x, 0.1F);
  EXPECT_NEAR(out.right_eye.gaze.x, 0, 1e-5);
  EXPECT_LT(length(right.left_eye.center - ahead.left_eye.center), 1e-5F);
}

TEST(HeadModel, LidsStayOnTheBallOfEveryHead) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Head head =
        model().express(model().neutral(Sex::kMale, 60, random_shape(seed, 1)), {}, 0, 0);
    for (size_t k = 42; k < 48; ++k) {
      const float over = length(head.landmarks[k] - head.left_eye.center) - head.left_eye.radius;
      EXPECT_LT(std::abs(over), 0.07F) << seed << " " << k;
    }
  }
}

class DamagedHead : public ::testing::Test {
 protected:
  void expect_refused(
      const std::function<void(Tensors&, std::map<std::string, std::string>&)>& harm,
      const std::string& word) {
    io::SafetensorsFile file = io::read_safetensors(kHeadFile);
    Tensors tensors(file.tensors.begin(), file.tensors.end());
    harm(tensors, file.metadata);
    io::write_safetensors(folder_ / "head", tensors, file.metadata);
    try {
      HeadModel::load(folder_ / "head");
      ADD_FAILURE() << "not refused: " << word;
    } catch (const CorruptFile& error) {
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
    }
  }

  test::ScratchFolder folder_;
};

TEST_F(DamagedHead, IsRefused) {
  using Metadata = std::map<std::string, std::string>;
  expect_refused([](Tensors&, Metadata& m) { m["format"] = "other"; }, "format");
  expect_refused([](Tensors&, Metadata& m) { m["version"] = "2"; }, "version");
  expect_refused([](Tensors& t, Metadata&) { t.erase("uv"); }, "uv");
  expect_refused([](Tensors& t, Metadata&) { t["more"] = at::zeros({1}); }, "more");
  expect_refused([](Tensors& t, Metadata&) { t["uv"] = t["uv"].slice(0, 1); }, "uv");
  expect_refused([](Tensors& t, Metadata&) { t["uv"] = t["uv"].to(at::kDouble); }, "uv");
  expect_refused([](Tensors& t, Metadata&) { t["build"] = t["build"].slice(0, 1); }, "build");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const char* name : {"base_points", "ancestry", "dense_modes", "target_deltas",
                           "mode_factors", "ambient_occlusion", "lid_heights", "marker_weights"}) {
    expect_refused([&](Tensors& t, Metadata&) { t[name].view(-1)[0] = nan; }, name);
  }
  for (const char* name : {"triangles", "vertex_point", "marker_points", "lid_points"}) {
    expect_refused([&](Tensors& t, Metadata&) { t[name].view(-1)[0] = 1 << 20; }, name);
    expect_refused([&](Tensors& t, Metadata&) { t[name].view(-1)[0] = -1; }, name);
  }
  expect_refused([](Tensors& t, Metadata&) { t["target_points"][0] = -1; }, "target_points");
  expect_refused([](Tensors& t, Metadata&) { t["target_offsets"][1] = 1 << 30; }, "target_offsets");
  expect_refused([](Tensors& t, Metadata&) { t["target_offsets"][0] = 1; }, "target_offsets");
  expect_refused([](Tensors& t, Metadata&) { t["triangle_surface"][0] = 6; }, "triangle_surface");
  expect_refused([](Tensors& t, Metadata&) { t["triangle_part"][0] = 99; }, "triangle_part");
  expect_refused([](Tensors& t, Metadata&) { t["lid_holds"][0] = 2; }, "lid_holds");
}

TEST_F(DamagedHead, CutFilesAreRefused) {
  const auto bytes = io::read_file(kHeadFile, 1 << 24);
  for (const size_t size :
       {size_t{0}, size_t{7}, size_t{100}, bytes.size() / 2, bytes.size() - 1}) {
    io::write_file_atomically(folder_ / "head", bytes.data(), size);
    EXPECT_THROW(HeadModel::load(folder_ / "head"), CorruptFile) << size;
  }
  EXPECT_THROW(HeadModel::load(folder_ / "absent"), Unavailable);
}

}  // namespace
}  // namespace guise::render
