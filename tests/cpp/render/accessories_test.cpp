// Garments and props: sound meshes for every kind, on heads of several people, and a proper fit.
#include "render/accessories.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace guise::render {
namespace {

const HeadModel& model() {
  static const HeadModel loaded =
      HeadModel::load(GUISE_MODELS_DIR "/house-head/house-head.safetensors");
  return loaded;
}

// People of both sexes, three ages and ancestries; the odd ones smile with an open mouth.
Head head_of(int person) {
  ShapeRecipe shape;
  shape.ancestry = {person % 3 == 0 ? 0.8F : 0.1F, person % 3 == 1 ? 0.8F : 0.1F,
                    person % 3 == 2 ? 0.8F : 0.1F};
  shape.modes.assign(static_cast<size_t>(model().mode_count()), 0.0F);
  for (size_t i = 0; i < shape.modes.size(); ++i) {
    shape.modes[i] = 0.7F * std::sin(1.7F * static_cast<float>(i + 1) * static_cast<float>(person));
  }
  shape.asymmetry.assign(static_cast<size_t>(model().asymmetry_count()), 0.0F);
  ExpressionWeights expression{};
  for (size_t i = 0; person % 2 == 1 && i < kExpressionNames.size(); ++i) {
    if (kExpressionNames[i] == "jawOpen") expression[i] = 0.4F;
    if (kExpressionNames[i].substr(0, 10) == "mouthSmile") expression[i] = 0.7F;
  }
  const Sex sex = person % 2 == 0 ? Sex::kFemale : Sex::kMale;
  return model().express(model().neutral(sex, 20.0F + 15.0F * static_cast<float>(person), shape),
                         expression, 0, 0);
}

constexpr int kPeople = 4;

void expect_sound(const Mesh& mesh, const std::set<Part>& parts, size_t most_triangles) {
  const size_t count = mesh.positions.size();
  ASSERT_FALSE(mesh.triangles.empty());
  EXPECT_LE(mesh.triangles.size(), most_triangles);
  ASSERT_EQ(mesh.normals.size(), count);
  ASSERT_EQ(mesh.uv.size(), count);
  ASSERT_EQ(mesh.keep.size(), count);
  ASSERT_EQ(mesh.ambient_occlusion.size(), count);
  for (size_t i = 0; i < count; ++i) {
    ASSERT_TRUE(std::isfinite(dot(mesh.positions[i], mesh.positions[i])));
    ASSERT_LT(length(mesh.positions[i]), 20.0F);
    ASSERT_NEAR(length(mesh.normals[i]), 1.0F, 1e-3F) << "vertex " << i;
    ASSERT_TRUE(std::isfinite(mesh.uv[i].x) && std::isfinite(mesh.uv[i].y));
    ASSERT_TRUE(std::isfinite(mesh.keep[i]));
    ASSERT_GE(mesh.ambient_occlusion[i], 0.0F);
    ASSERT_LE(mesh.ambient_occlusion[i], 1.0F);
  }
  for (const Triangle& triangle : mesh.triangles) {
    for (const uint32_t v : triangle.vertex) ASSERT_LT(v, count);
    ASSERT_LT(triangle.surface, mesh.surfaces.size());
    ASSERT_TRUE(parts.contains(triangle.part)) << static_cast<int>(triangle.part);
  }
  for (const Surface& surface : mesh.surfaces) {
    ASSERT_TRUE(std::isfinite(luminance(surface.albedo)));
    ASSERT_GE(std::min({surface.albedo.x, surface.albedo.y, surface.albedo.z}), 0.0F);
  }
}

// Whether a ray along -z through (x, y) meets a drawn triangle in front of z.
bool covered(const Mesh& mesh, const Vec3& p) {
  for (const Triangle& triangle : mesh.triangles) {
    const Vec3 &a = mesh.positions[triangle.vertex[0]], &b = mesh.positions[triangle.vertex[1]],
               &c = mesh.positions[triangle.vertex[2]];
    const float area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
    if (std::fabs(area) < 1e-9F) continue;
    const float u = ((b.x - p.x) * (c.y - p.y) - (b.y - p.y) * (c.x - p.x)) / area;
    const float v = ((c.x - p.x) * (a.y - p.y) - (c.y - p.y) * (a.x - p.x)) / area;
    const float w = 1 - u - v;
    if (u < 0 || v < 0 || w < 0) continue;
    const float keep = u * mesh.keep[triangle.vertex[0]] + v * mesh.keep[triangle.vertex[1]] +
                       w * mesh.keep[triangle.vertex[2]];
    if (keep >= 0 && u * a.z + v * b.z + w * c.z > p.z) return true;
  }
  return false;
}

PhotoRecipe keyed(uint64_t key) {
  PhotoRecipe photo;
  photo.noise_key = key;
  return photo;
}

PhotoRecipe with_frame(uint64_t key) {
  PhotoRecipe photo = keyed(key);
  Wearing& w = photo.wearing;
  w.glasses = key % 3 == 0 ? Glasses::kSunglasses : Glasses::kSpectacles;
  w.frame_shape = static_cast<float>(key % 5) / 4;
  w.frame_size = static_cast<float>(key % 7) / 6;
  w.frame_thickness = static_cast<float>(key % 4) / 3;
  w.lens_tint = key % 3 == 0 ? 0.9F : 0.0F;
  return photo;
}

TEST(Clothing, EveryKindIsSoundAndCoversTheChest) {
  for (int person = 0; person < kPeople; ++person) {
    const Head head = head_of(person);
    for (uint64_t key = 0; key < 18; ++key) {
      PhotoRecipe photo = keyed(key);
      photo.wearing.clothing = static_cast<Clothing>(key % 6);
      photo.wearing.cloth_pattern = static_cast<float>(key % 5);
      Mesh mesh;
      add_clothing(model().topology(), head, photo, mesh);
      SCOPED_TRACE(::testing::Message() << "person " << person << " key " << key);
      expect_sound(mesh, {Part::kCloth}, 9000);
      for (const float x : {-1.2F, -0.7F, 0.7F, 1.2F}) {
        EXPECT_TRUE(covered(mesh, {x, head.neck_joint.y - 0.95F, -1.0F})) << x;
      }
      // The mouth is not wrapped.
      for (size_t i = 48; i < 68; ++i) EXPECT_FALSE(covered(mesh, head.landmarks[i])) << i;
    }
  }
}

TEST(Clothing, SkinBelowTheCollarLiesUnderCloth) {
  const Head head = head_of(1);
  for (uint64_t key = 0; key < 6; ++key) {
    PhotoRecipe photo = keyed(key);
    photo.wearing.clothing = static_cast<Clothing>(key);
    Mesh mesh;
    add_clothing(model().topology(), head, photo, mesh);
    int checked = 0;
    for (size_t i = 0; i < head.points.size(); i += 3) {
      const Vec3 p = head.points[i];
      if (head.point_normals[i].z < 0.5F || p.y > head.neck_joint.y - 0.9F) continue;
      if (std::fabs(p.x) < 0.5F || std::fabs(p.x) > 1.7F || p.z < 0.3F) continue;
      ++checked;
      EXPECT_TRUE(covered(mesh, p)) << "kind " << key << " point " << i;
    }
    EXPECT_GT(checked, 5);
  }
}

TEST(Glasses, SitBeforeTheEyesAndOffTheNose) {
  for (int person = 0; person < kPeople; ++person) {
    const Head head = head_of(person);
    for (uint64_t key = 0; key < 20; ++key) {
      Mesh mesh;
      add_glasses(head, with_frame(key), mesh);
      SCOPED_TRACE(::testing::Message() << "person " << person << " key " << key);
      expect_sound(mesh, {Part::kGlasses}, 2600);
      EXPECT_TRUE(covered(mesh, head.left_eye.center + Vec3{0, 0, head.left_eye.radius}));
      EXPECT_TRUE(covered(mesh, head.right_eye.center + Vec3{0, 0, head.right_eye.radius}));
      for (const Vec3& p : mesh.positions) {
        for (const Eye* eye : {&head.left_eye, &head.right_eye}) {
          ASSERT_GT(length(p - eye->center), eye->radius + 0.03F);
        }
        // In front of the ridge of the nose where they cross it.
        for (size_t i = 27; i < 30; ++i) {
          const Vec3 ridge = head.landmarks[i];
          if (std::fabs(p.x - ridge.x) < 0.02F && std::fabs(p.y - ridge.y) < 0.03F) {
            ASSERT_GT(p.z, ridge.z - 0.02F);
          }
        }
      }
    }
  }
}

TEST(Glasses, LensesAreSurfacesOfTheirOwnAndTintedAsAsked) {
  Mesh mesh;
  add_glasses(head_of(0), with_frame(3), mesh);
  int lenses = 0;
  for (const Surface& surface : mesh.surfaces) {
    if (surface.kind != SurfaceKind::kLens) continue;
    ++lenses;
    EXPECT_FLOAT_EQ(surface.opacity, 0.9F);
    EXPECT_TRUE(surface.two_sided);
  }
  EXPECT_EQ(lenses, 1);
}

TEST(Hats, AreSoundAndLeaveBrowsAndFaceFree) {
  for (int person = 0; person < kPeople; ++person) {
    const Head head = head_of(person);
    for (uint64_t key = 0; key < 24; ++key) {
      PhotoRecipe photo = keyed(key);
      photo.wearing.hat = static_cast<Hat>(1 + key % 4);
      Mesh mesh;
      const std::optional<HairLimit> limit = add_hat(model().topology(), head, photo, mesh);
      SCOPED_TRACE(::testing::Message() << "person " << person << " key " << key);
      expect_sound(mesh, {Part::kHat}, 5000);
      ASSERT_TRUE(limit.has_value());
      EXPECT_NEAR(length(limit->normal), 1.0F, 1e-4F);
      const bool scarf = photo.wearing.hat == Hat::kHeadscarf;
      for (size_t i = 17; i < 68; ++i) {
        if (!scarf) {
          EXPECT_LT(dot(head.landmarks[i] - limit->point, limit->normal), -0.05F) << i;
        }
        // A brim or a visor may hang before the brows, never before eyes, nose and mouth.
        if (scarf || i > 27) {
          EXPECT_FALSE(covered(mesh, head.landmarks[i])) << i;
        }
      }
      EXPECT_TRUE(covered(mesh, {0, head.landmarks[27].y + 0.95F, 0.4F}));
    }
  }
}

TEST(Hats, BareHeadHasNoLimit) {
  Mesh mesh;
  EXPECT_FALSE(add_hat(model().topology(), head_of(0), PhotoRecipe{}, mesh).has_value());
  EXPECT_TRUE(mesh.triangles.empty());
}

TEST(Earrings, HangOnTheLobes) {
  for (int person = 0; person < kPeople; ++person) {
    const Head head = head_of(person);
    for (uint64_t key = 0; key < 8; ++key) {
      PhotoRecipe photo = keyed(key);
      photo.wearing.earrings = true;
      Mesh mesh;
      add_earrings(model().topology(), head, photo, mesh);
      SCOPED_TRACE(::testing::Message() << "person " << person << " key " << key);
      expect_sound(mesh, {Part::kEarring}, 1200);
      for (const Vec3& p : mesh.positions) {
        EXPECT_GT(std::fabs(p.x), 0.35F);
        EXPECT_LT(p.y, head.left_eye.center.y);
        EXPECT_GT(p.y, head.landmarks[8].y - 0.3F);
      }
    }
  }
}

TEST(Occluders, AreSound) {
  for (int person = 0; person < kPeople; ++person) {
    const Head head = head_of(person);
    for (uint64_t key = 0; key < 24; ++key) {
      PhotoRecipe photo = keyed(key);
      photo.wearing.occluder = static_cast<Occluder>(1 + key % 3);
      photo.wearing.occluder_place = static_cast<float>(key) / 23;
      Mesh mesh;
      add_occluder(model().topology(), head, IdentityRecipe{}, photo, mesh);
      SCOPED_TRACE(::testing::Message() << "person " << person << " key " << key);
      expect_sound(mesh, {Part::kOccluder}, 7500);
    }
  }
}

TEST(Occluders, MaskHidesTheMouthAndLeavesTheEyes) {
  for (int person = 0; person < kPeople; ++person) {
    const Head head = head_of(person);
    for (uint64_t key = 0; key < 12; ++key) {
      PhotoRecipe photo = keyed(key);
      photo.wearing.occluder = Occluder::kMask;
      photo.wearing.occluder_place = static_cast<float>(key) / 11;
      Mesh mesh;
      add_occluder(model().topology(), head, IdentityRecipe{}, photo, mesh);
      SCOPED_TRACE(::testing::Message() << "person " << person << " key " << key);
      for (size_t i = 48; i < 68; ++i) EXPECT_TRUE(covered(mesh, head.landmarks[i])) << i;
      for (size_t i = 36; i < 48; ++i) EXPECT_FALSE(covered(mesh, head.landmarks[i])) << i;
    }
  }
}

TEST(Accessories, AreThePureFunctionOfTheirRecipe) {
  const Head head = head_of(2);
  for (uint64_t key = 1; key < 5; ++key) {
    PhotoRecipe photo = with_frame(key);
    photo.wearing.hat = static_cast<Hat>(key);
    photo.wearing.occluder = static_cast<Occluder>(1 + key % 3);
    photo.wearing.clothing = static_cast<Clothing>(key);
    photo.wearing.earrings = true;
    const auto dressed = [&] {
      Mesh mesh;
      add_clothing(model().topology(), head, photo, mesh);
      add_glasses(head, photo, mesh);
      add_hat(model().topology(), head, photo, mesh);
      add_earrings(model().topology(), head, photo, mesh);
      add_occluder(model().topology(), head, IdentityRecipe{}, photo, mesh);
      return mesh;
    };
    const Mesh once = dressed(), again = dressed();
    ASSERT_EQ(once.positions.size(), again.positions.size());
    for (size_t i = 0; i < once.positions.size(); ++i) {
      ASSERT_EQ(length(once.positions[i] - again.positions[i]), 0.0F);
      ASSERT_EQ(length(once.normals[i] - again.normals[i]), 0.0F);
    }
    photo.noise_key += 1000;
    const Mesh other = dressed();
    bool same = other.positions.size() == once.positions.size();
    for (size_t i = 0; same && i < once.positions.size(); ++i) {
      same = length(once.positions[i] - other.positions[i]) == 0;
    }
    EXPECT_FALSE(same);
  }
}

}  // namespace
}  // namespace guise::render
