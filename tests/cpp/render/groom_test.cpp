// Hair: even roots, sound strands for every style, free eyes, hats, colours, brows and beards.
#include "render/groom.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>

#include "render/groom_sites.h"
#include "render/hair_color.h"

namespace guise::render {
namespace {

const HeadModel& model() {
  static const HeadModel loaded =
      HeadModel::load(GUISE_MODELS_DIR "/house-head/house-head.safetensors");
  return loaded;
}

const Groom& groom() {
  static const Groom made(model());
  return made;
}

IdentityRecipe person_of(int k) {
  IdentityRecipe person;
  person.noise_key = 0x1234567ULL * static_cast<uint64_t>(k + 1);
  person.sex = k % 2 == 0 ? Sex::kFemale : Sex::kMale;
  person.age_years = 22.0F + 14.0F * static_cast<float>(k % 4);
  person.shape.modes.assign(static_cast<size_t>(model().mode_count()), 0.0F);
  for (size_t i = 0; i < person.shape.modes.size(); ++i) {
    person.shape.modes[i] =
        0.7F * std::sin(1.3F * static_cast<float>(i + 1) * static_cast<float>(k));
  }
  person.shape.asymmetry.assign(static_cast<size_t>(model().asymmetry_count()), 0.0F);
  person.hair.curl = 0.25F * static_cast<float>(k % 5);
  return person;
}

Head head_of(const IdentityRecipe& person, const ExpressionWeights& expression = {}) {
  return model().express(model().neutral(person.sex, person.age_years, person.shape), expression, 0,
                         0);
}

PhotoRecipe photo_of(HairStyle style) {
  PhotoRecipe photo;
  photo.noise_key = 99;
  photo.hair.style = style;
  return photo;
}

HairStyle style_of(int k) {
  return static_cast<HairStyle>(k);
}

ExpressionWeights only(std::string_view name) {
  ExpressionWeights weights{};
  for (size_t i = 0; i < kExpressionNames.size(); ++i) weights[i] = kExpressionNames[i] == name;
  return weights;
}

size_t count_of(const Strands& strands, Part part) {
  return static_cast<size_t>(std::count(strands.part.begin(), strands.part.end(), part));
}

template <typename Visit>  // visit(point) for the points of one part
void for_points(const Strands& strands, Part part, Visit&& visit) {
  for (size_t s = 0; s + 1 < strands.first.size(); ++s) {
    if (strands.part[s] != part) continue;
    for (uint32_t p = strands.first[s]; p < strands.first[s + 1]; ++p) visit(strands.points[p]);
  }
}

// Of the strands of one part, each for itself, dm^2.
float area_of(const Strands& strands, Part part) {
  float area = 0;
  for (size_t s = 0; s + 1 < strands.first.size(); ++s) {
    for (uint32_t p = strands.first[s]; strands.part[s] == part && p + 1 < strands.first[s + 1];
         ++p) {
      area += length(strands.points[p + 1] - strands.points[p]) *
              (strands.radii[p] + strands.radii[p + 1]);
    }
  }
  return area;
}

bool in_unit_range(const Vec3& v) {
  return v.x >= 0 && v.x <= 1 && v.y >= 0 && v.y <= 1 && v.z >= 0 && v.z <= 1;
}

void expect_sound(const Strands& strands) {
  const size_t count = strands.albedo.size();
  ASSERT_EQ(strands.first.size(), count + 1);
  ASSERT_EQ(strands.part.size(), count);
  ASSERT_EQ(strands.depth.size(), count);
  ASSERT_EQ(strands.root_normals.size(), count);
  ASSERT_EQ(strands.first.front(), 0U);
  ASSERT_EQ(strands.first.back(), strands.points.size());
  ASSERT_EQ(strands.radii.size(), strands.points.size());
  for (size_t s = 0; s < count; ++s) {
    ASSERT_GE(strands.first[s + 1], strands.first[s] + 2);
    ASSERT_TRUE(in_unit_range(strands.albedo[s]));
    ASSERT_GE(strands.depth[s], 0.0F);
    ASSERT_LE(strands.depth[s], 1.0F);
    ASSERT_NEAR(length(strands.root_normals[s]), 1.0F, 1e-3F);
  }
  for (size_t p = 0; p < strands.points.size(); ++p) {
    ASSERT_TRUE(std::isfinite(dot(strands.points[p], strands.points[p])));
    ASSERT_LT(length(strands.points[p]), 20.0F);
    ASSERT_GT(strands.radii[p], 0.0F);
    ASSERT_LT(strands.radii[p], 0.1F);
  }
}

// Share of hair points that lie in the head, by the normal of the nearest point of the skin.
float share_inside(const Strands& strands, const Head& head) {
  std::vector<char> skin(head.points.size(), 0);
  for (const Triangle& t : model().topology().triangles) {
    if (t.surface != kHeadSkin) continue;
    for (const uint32_t v : t.vertex) skin[model().topology().vertex_point[v]] = 1;
  }
  int inside = 0, tried = 0;
  for (size_t p = 0; p < strands.points.size(); p += 11) {
    float best = 1e9F;
    size_t nearest = 0;
    for (size_t i = 0; i < skin.size(); ++i) {
      if (!skin[i]) continue;
      const Vec3 d = strands.points[p] - head.points[i];
      if (dot(d, d) < best) {
        best = dot(d, d);
        nearest = i;
      }
    }
    const Vec3 d = strands.points[p] - head.points[nearest];
    inside += dot(d, head.point_normals[nearest]) < -0.05F;  // flat triangles: 0.04 at roots
    ++tried;
  }
  return static_cast<float>(inside) / static_cast<float>(std::max(1, tried));
}

TEST(Groom, AnyPrefixOfTheRootsIsEven) {
  const GroomSites& sites = groom().sites();
  ASSERT_EQ(sites.scalp.size(), GroomSites::kScalpCount);
  std::map<uint32_t, std::array<int, 2>> cells;
  constexpr size_t kPrefix = 4000;
  for (size_t i = 0; i < sites.scalp.size(); ++i) {
    std::array<int, 2>& cell = cells[sites.scalp[i].rope];
    cell[0] += i < kPrefix;
    ++cell[1];
  }
  EXPECT_EQ(cells.size(), GroomSites::kRopes);
  double squares = 0;
  for (const auto& [rope, cell] : cells) {
    const double expected = cell[1] * static_cast<double>(kPrefix) / GroomSites::kScalpCount;
    squares += (cell[0] - expected) * (cell[0] - expected) / expected;
  }
  // 1 for random roots.
  EXPECT_LT(squares / static_cast<double>(cells.size()), 0.5);
}

TEST(Groom, LargerPicturesHaveMoreAndFinerStrands) {
  const IdentityRecipe person = person_of(0);
  const Head head = head_of(person);
  const PhotoRecipe photo = photo_of(HairStyle::kLongStraight);
  size_t before = 0;
  float radius = 1;
  for (const int px : {64, 112, 224, 512}) {
    const Strands strands = groom().grow(head, person, photo, px, {});
    EXPECT_GT(count_of(strands, Part::kHair), before);
    before = count_of(strands, Part::kHair);
    std::vector<float> radii(strands.radii);
    std::nth_element(radii.begin(), radii.begin() + static_cast<long>(radii.size() / 2),
                     radii.end());
    EXPECT_LT(radii[radii.size() / 2], radius);
    radius = radii[radii.size() / 2];
  }
}

TEST(Groom, EveryStyleIsSoundAndOutsideOfTheHead) {
  for (int k = 0; k < kHairStyleCount; ++k) {
    SCOPED_TRACE(k);
    const IdentityRecipe person = person_of(k);
    const Head head = head_of(person);
    PhotoRecipe photo = photo_of(style_of(k));
    photo.hair.messiness = 0.2F * static_cast<float>(k % 5);
    photo.hair.beard = static_cast<BeardStyle>(k % 6);
    const Strands strands = groom().grow(head, person, photo, 224, {});
    expect_sound(strands);
    EXPECT_LT(share_inside(strands, head), 0.01F);
    EXPECT_GT(count_of(strands, Part::kHair), 500U);
    EXPECT_LT(strands.points.size(), 60000U);
  }
}

TEST(Groom, EyesStayFree) {
  for (int k = 0; k < 3 * kHairStyleCount; ++k) {
    SCOPED_TRACE(k);
    const IdentityRecipe person = person_of(k);
    const Head head = head_of(person);
    PhotoRecipe photo = photo_of(style_of(k % kHairStyleCount));
    photo.hair.fringe = k < kHairStyleCount ? 1.0F : 0.5F * static_cast<float>(k % 3);
    photo.hair.messiness = k % 2 == 0 ? 1.0F : 0.3F;
    photo.hair.length = 0.25F * static_cast<float>(k % 5);
    photo.hair.parting = 0.5F * static_cast<float>(k % 5) - 1.0F;
    const Strands strands = groom().grow(head, person, photo, 224, {});
    for (size_t e = 36; e < 48; ++e) {
      for_points(strands, Part::kHair, [&](const Vec3& p) {
        const Vec3 d = p - head.landmarks[e];
        ASSERT_FALSE(d.z > 0 && std::hypot(d.x, d.y) < 0.36F * d.z);  // 20 degrees
      });
    }
  }
}

TEST(Groom, NoHairAboveAHat) {
  const HairLimit limit{{0, 7.9F, 0.3F}, normalized(Vec3{0, 1, 0.2F})};
  for (int k = 0; k < kHairStyleCount; ++k) {
    SCOPED_TRACE(k);
    const IdentityRecipe person = person_of(k);
    const Strands strands =
        groom().grow(head_of(person), person, photo_of(style_of(k)), 224, limit);
    expect_sound(strands);
    for (const Vec3& p : strands.points) {
      ASSERT_LE(dot(p - limit.point, limit.normal), 1e-3F);
    }
  }
  const IdentityRecipe person = person_of(2);
  const Strands hanging =
      groom().grow(head_of(person), person, photo_of(HairStyle::kLongStraight), 224, limit);
  EXPECT_GT(count_of(hanging, Part::kHair), 1000U);
}

TEST(Groom, IsAPureFunctionOfItsArguments) {
  const IdentityRecipe person = person_of(1);
  const Head head = head_of(person);
  PhotoRecipe photo = photo_of(HairStyle::kLongCurly);
  photo.hair.beard = BeardStyle::kFullBeard;
  const Strands a = groom().grow(head, person, photo, 224, {});
  const Strands b = Groom(model()).grow(head, person, photo, 224, {});
  ASSERT_EQ(a.points.size(), b.points.size());
  for (size_t i = 0; i < a.points.size(); ++i) {
    ASSERT_EQ(a.points[i].x, b.points[i].x);
    ASSERT_EQ(a.points[i].z, b.points[i].z);
  }
  photo.noise_key += 1;  // another day: the same roots, another mess
  const Strands c = groom().grow(head, person, photo, 224, {});
  EXPECT_EQ(a.points[0].x, c.points[0].x);
  float moved = 0;
  for (size_t i = 0; i < std::min(a.points.size(), c.points.size()); ++i) {
    moved = std::max(moved, length(a.points[i] - c.points[i]));
  }
  EXPECT_GT(moved, 0.01F);
}

TEST(Groom, BaldHeadsAreBareOnTop) {
  for (const float recession : {0.0F, 1.0F}) {
    IdentityRecipe person = person_of(3);
    person.hair.recession = recession;
    const Head head = head_of(person);
    const Strands strands = groom().grow(head, person, photo_of(HairStyle::kBald), 224, {});
    const HairFrame frame = hair_frame(head, groom().sites().scalp_roots);
    const float top = lerp(frame.centre.y, frame.top_y, 0.6F);
    for_points(strands, Part::kHair, [&](const Vec3& p) { ASSERT_LT(p.y, top); });
  }
}

TEST(Groom, RecessionTakesHairFromTheTemples) {
  IdentityRecipe person = person_of(3);
  const Head head = head_of(person);
  size_t before = 1000000;
  for (const float recession : {0.0F, 0.4F, 0.8F}) {
    person.hair.recession = recession;
    const Strands strands = groom().grow(head, person, photo_of(HairStyle::kCrewCut), 224, {});
    EXPECT_LT(count_of(strands, Part::kHair), before);
    before = count_of(strands, Part::kHair);
  }
}

TEST(Groom, BrowsFollowTheExpression) {
  const IdentityRecipe person = person_of(0);
  const auto mean_y = [&](const ExpressionWeights& expression) {
    const Strands strands =
        groom().grow(head_of(person, expression), person, photo_of(HairStyle::kBuzz), 224, {});
    float sum = 0, count = 0;
    for_points(strands, Part::kLeftBrow, [&](const Vec3& p) {
      EXPECT_GT(p.x, 0.0F);
      sum += p.y;
      ++count;
    });
    EXPECT_GT(count, 300.0F);
    return sum / count;
  };
  EXPECT_GT(mean_y(only("browOuterUpLeft")), mean_y({}) + 0.01F);
}

TEST(Groom, ThinFairBrowsDoNotVanish) {
  IdentityRecipe person = person_of(0);
  person.hair.brow_thickness = person.hair.brow_density = 0;
  person.hair.melanin = 0.1F;
  for (const int px : {112, 224}) {
    const Head head = head_of(person);
    const Strands strands = groom().grow(head, person, photo_of(HairStyle::kBuzz), px, {});
    const float pixel = 3.0F / static_cast<float>(px);  // dm, in a frame 3 dm high
    const float line = length(head.landmarks[17] - head.landmarks[21]) * pixel;
    EXPECT_GT(area_of(strands, Part::kRightBrow), 0.8F * line) << "a line of one pixel";
    EXPECT_GT(count_of(strands, Part::kRightBrow), 20U) << "of hairs, not of bars";
    for (size_t s = 0; s < strands.albedo.size(); ++s) {
      if (strands.part[s] == Part::kRightBrow) {
        ASSERT_LT(luminance(strands.albedo[s]), 0.32F);
      }
    }
  }
}

TEST(Groom, BeardsKeepOffTheLips) {
  IdentityRecipe person = person_of(1);
  person.hair.beard_density = 1;
  const Head head = head_of(person);
  const Vec3 upper = head.landmarks[51], lower = head.landmarks[57];
  size_t stubble = 0;
  for (int b = 0; b <= 5; ++b) {
    SCOPED_TRACE(b);
    PhotoRecipe photo = photo_of(HairStyle::kBuzz);
    photo.hair.beard = static_cast<BeardStyle>(b);
    const Strands strands = groom().grow(head, person, photo, 224, {});
    const size_t count = count_of(strands, Part::kFacialHair);
    EXPECT_EQ(count > 100, b > 0) << count;
    if (b == 1) stubble = count;
    for_points(strands, Part::kFacialHair, [&](const Vec3& p) {
      if (std::fabs(p.x - upper.x) > 0.08F || p.z < upper.z - 0.3F) return;
      ASSERT_FALSE(p.y < upper.y - 0.02F && p.y > lower.y + 0.02F);
    });
  }
  person.hair.beard_density = 0.3F;
  PhotoRecipe photo = photo_of(HairStyle::kBuzz);
  photo.hair.beard = BeardStyle::kStubble;
  EXPECT_LT(count_of(groom().grow(head, person, photo, 224, {}), Part::kFacialHair), stubble);
}

TEST(Groom, RejectsImpossibleSizes) {
  const IdentityRecipe person = person_of(0);
  const Head head = head_of(person);
  EXPECT_THROW(groom().grow(head, person, photo_of(HairStyle::kBuzz), 0, {}),
               std::invalid_argument);
  EXPECT_THROW(groom().grow(head, person, photo_of(HairStyle::kBuzz), 5000, {}),
               std::invalid_argument);
}

TEST(HairStyleInfo, NamesPlausibleRanges) {
  for (int k = 0; k < kHairStyleCount; ++k) {
    const HairStyleInfo info = hair_style_info(style_of(k));
    EXPECT_GT(info.shortest_dm, 0.0F);
    EXPECT_GT(info.longest_dm, info.shortest_dm);
    EXPECT_TRUE(info.female_usual || info.male_usual);
    EXPECT_LE(info.curl_min, info.curl_max);
  }
  EXPECT_GT(hair_style_info(HairStyle::kAfro).curl_min, 0.6F);
}

TEST(HairColor, DarkensWithMelanin) {
  for (const float redness : {0.0F, 0.5F, 1.0F}) {
    Vec3 before{1, 1, 1};
    for (int i = 0; i <= 20; ++i) {
      const Vec3 now = hair_albedo(0.05F * static_cast<float>(i), redness);
      EXPECT_LT(now.x, before.x);
      EXPECT_LT(now.y, before.y);
      EXPECT_LT(now.z, before.z);
      EXPECT_GE(now.x, now.z);
      before = now;
    }
  }
  const Vec3 black = hair_albedo(1, 0);
  EXPECT_NEAR(black.x, 0.012F, 1e-4F);
}

TEST(HairColor, GreysWithAge) {
  EXPECT_NEAR(grey_share(45, 45), 0.5F, 1e-5F);
  EXPECT_LT(grey_share(25, 45), 0.05F);
  EXPECT_GT(grey_share(65, 45), 0.95F);
  IdentityRecipe person = person_of(0);
  const Head head = head_of(person);
  float before = 0;
  for (const float age : {20.0F, 45.0F, 80.0F}) {
    person.age_years = age;
    const Strands strands = groom().grow(head, person, photo_of(HairStyle::kBuzz), 112, {});
    float sum = 0;
    for (const Vec3& albedo : strands.albedo) sum += luminance(albedo);
    const float mean = sum / static_cast<float>(strands.albedo.size());
    EXPECT_GT(mean, before);
    before = mean;
  }
}

}  // namespace
}  // namespace guise::render
