// Skin maps: what belongs to the person, what age and tone do, sizes, and damaged files.
#include "render/skin_model.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "core/check.h"
#include "core/random.h"
#include "io/safetensors.h"

namespace guise::render {
namespace {

const std::string kSkinFile = GUISE_MODELS_DIR "/house-skin/house-skin.safetensors";

const HeadModel& head() {
  static const HeadModel loaded =
      HeadModel::load(GUISE_MODELS_DIR "/house-head/house-head.safetensors");
  return loaded;
}

const SkinModel& skin() {
  static const SkinModel loaded = SkinModel::load(kSkinFile, head());
  return loaded;
}

IdentityRecipe person(uint64_t noise_key) {
  IdentityRecipe recipe;
  recipe.noise_key = noise_key;
  recipe.skin.freckles = 0.4F;
  core::RandomStream random(5, noise_key, 0);
  for (int i = 0; i < skin().mode_count(); ++i) recipe.skin.modes.push_back(random.next_normal());
  return recipe;
}

// Texels that show the front of the face, seen on the mean head.
std::vector<size_t> face_texels(int width) {
  std::vector<size_t> texels;
  for (int y = width / 2 * 4 / 10; y < width / 2 * 7 / 10; ++y) {
    for (int x = width * 4 / 10; x < width * 6 / 10; ++x) {
      texels.push_back(static_cast<size_t>(y * width + x));
    }
  }
  return texels;
}

double mean_luminance(const SkinMaps& maps) {
  double sum = 0;
  const std::vector<size_t> texels = face_texels(maps.width);
  for (const size_t i : texels) {
    sum += luminance({maps.albedo[3 * i], maps.albedo[3 * i + 1], maps.albedo[3 * i + 2]});
  }
  return sum / static_cast<double>(texels.size());
}

double rough(const SkinMaps& maps) {
  double sum = 0;
  const std::vector<size_t> texels = face_texels(maps.width);
  for (const size_t i : texels) sum += std::pow(maps.relief[i], 2);
  return std::sqrt(sum / static_cast<double>(texels.size()));
}

double mean_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
  return sum / static_cast<double>(a.size());
}

// Averaged over blocks of 2x2.
std::vector<float> halved(const std::vector<float>& map, int width, int channels) {
  std::vector<float> result;
  const auto at = [&](int x, int y, int c) {
    return map[static_cast<size_t>((y * width + x) * channels + c)];
  };
  for (int y = 0; y < width / 2; y += 2) {
    for (int x = 0; x < width; x += 2) {
      for (int c = 0; c < channels; ++c) {
        result.push_back(0.25F *
                         (at(x, y, c) + at(x + 1, y, c) + at(x, y + 1, c) + at(x + 1, y + 1, c)));
      }
    }
  }
  return result;
}

TEST(SkinModel, PaintsMapsOfEverySize) {
  for (const int width : {128, 256, 512, 1024, 2048}) {
    const SkinMaps maps = skin().paint(person(1), 40, width);
    ASSERT_EQ(maps.width, width);
    ASSERT_EQ(maps.height, width / 2);
    const size_t texels = static_cast<size_t>(width) * static_cast<size_t>(width) / 2;
    ASSERT_EQ(maps.albedo.size(), 3 * texels);
    ASSERT_EQ(maps.oil.size(), texels);
    ASSERT_EQ(maps.relief.size(), texels);
    for (const float value : maps.albedo) ASSERT_TRUE(value > 0 && value < 0.9F);
    for (const float value : maps.oil) ASSERT_TRUE(value >= 0 && value <= 1);
    for (const float value : maps.relief) ASSERT_TRUE(std::abs(value) < 0.06F);
  }
}

TEST(SkinModel, OnePersonIsAlwaysTheSame) {
  const SkinMaps once = skin().paint(person(3), 50, 256);
  const SkinMaps again = SkinModel::load(kSkinFile, head()).paint(person(3), 50, 256);
  EXPECT_EQ(once.albedo, again.albedo);
  EXPECT_EQ(once.oil, again.oil);
  EXPECT_EQ(once.relief, again.relief);
}

TEST(SkinModel, AnotherPersonDiffers) {
  IdentityRecipe other = person(3);
  other.noise_key = 4;  // the same recipe, but for the key
  const SkinMaps a = skin().paint(person(3), 50, 256), b = skin().paint(other, 50, 256);
  EXPECT_GT(mean_difference(a.albedo, b.albedo), 0.004);
  const SkinMaps modes = skin().paint(person(4), 50, 256);
  EXPECT_GT(mean_difference(b.albedo, modes.albedo), 0.004) << "modes act";
}

TEST(SkinModel, MelaninDarkensSteadily) {
  double last = 1;
  for (int step = 0; step <= 18; ++step) {
    IdentityRecipe recipe = person(7);
    recipe.skin.melanin = static_cast<float>(step) / 18.0F;
    const double now = mean_luminance(skin().paint(recipe, 35, 128));
    EXPECT_LT(now, last * 0.99) << "at melanin " << recipe.skin.melanin;
    last = now;
  }
  EXPECT_GT(last, 0.02) << "no skin is black";
  EXPECT_LT(last, 0.06);
}

TEST(SkinModel, SizesShowTheSameSkin) {
  for (const uint64_t key : {1, 2}) {
    const SkinMaps large = skin().paint(person(key), 60, 1024);
    const SkinMaps small = skin().paint(person(key), 60, 512);
    const double albedo = mean_difference(halved(large.albedo, 1024, 3), small.albedo);
    const double people = mean_difference(small.albedo, skin().paint(person(9), 60, 512).albedo);
    EXPECT_LT(albedo, 0.006);
    EXPECT_LT(albedo, 0.35 * people) << "a size may not look like another person";
    EXPECT_LT(mean_difference(halved(large.relief, 1024, 1), small.relief), 0.0004);
    EXPECT_LT(mean_difference(halved(large.oil, 1024, 1), small.oil), 0.01);
  }
}

TEST(SkinModel, AgeRaisesRelief) {
  double last = 0;
  for (const float age : {20.0F, 40.0F, 60.0F, 80.0F}) {
    const double now = rough(skin().paint(person(8), age, 512));
    EXPECT_GT(now, last * 1.02) << age;
    last = now;
  }
  IdentityRecipe smooth = person(8);
  smooth.skin.wrinkles = 0;
  EXPECT_LT(rough(skin().paint(smooth, 80, 512)), last);
}

TEST(SkinModel, MolesStayWhereTheyAre) {
  // Where moles darken the map, at two sizes and two ages.
  const auto darkest = [](float age, int width) {
    IdentityRecipe with = person(21), without = person(21);
    with.skin.moles = 1;
    without.skin.moles = 0;
    const SkinMaps a = skin().paint(with, age, width), b = skin().paint(without, age, width);
    size_t best = 0;
    for (size_t i = 0; i < a.oil.size(); ++i) {
      const auto ratio = [&](size_t k) { return a.albedo[3 * k + 1] / b.albedo[3 * k + 1]; };
      if (ratio(i) < ratio(best)) best = i;
    }
    EXPECT_LT(a.albedo[3 * best + 1], 0.95F * b.albedo[3 * best + 1]);
    const auto w = static_cast<size_t>(width);
    return Vec2{(static_cast<float>(best % w) + 0.5F) / static_cast<float>(width),
                (static_cast<float>(best / w) + 0.5F) / static_cast<float>(width) * 2};
  };
  const Vec2 place = darkest(30, 1024);
  for (const Vec2& other : {darkest(70, 1024), darkest(30, 512), darkest(30, 256)}) {
    EXPECT_NEAR(other.x, place.x, 0.006F);
    EXPECT_NEAR(other.y, place.y, 0.012F);
  }
}

TEST(SkinModel, DressingPaintsLipsAndShadowsBeards) {
  IdentityRecipe man = person(12);
  man.sex = Sex::kMale;
  man.hair.beard_density = 0.9F;
  man.hair.density = 0;
  const SkinMaps bare = skin().paint(man, 30, 256);
  PhotoRecipe photo;
  SkinMaps shaved = bare;
  skin().dress(shaved, man, photo);
  EXPECT_LT(mean_luminance(shaved), mean_luminance(bare));
  photo.hair.beard = BeardStyle::kStubble;
  SkinMaps stubbly = bare;
  skin().dress(stubbly, man, photo);
  EXPECT_LT(mean_luminance(stubbly), mean_luminance(shaved));

  IdentityRecipe woman = person(13);
  woman.hair.beard_density = woman.hair.density = 0;
  const SkinMaps plain = skin().paint(woman, 30, 256);
  SkinMaps made_up = plain;
  skin().dress(made_up, woman, PhotoRecipe{});
  EXPECT_EQ(made_up.albedo, plain.albedo) << "nothing to add";
  photo.wearing.make_up = 1;
  skin().dress(made_up, woman, photo);
  const size_t lip = static_cast<size_t>(85 * 256 + 128);  // the middle of the lower lip
  EXPECT_GT(made_up.albedo[3 * lip] / made_up.albedo[3 * lip + 1],
            1.5F * plain.albedo[3 * lip] / plain.albedo[3 * lip + 1]);
}

// The skin between the roots of hair is darkened, and no other skin.
TEST(SkinModel, DressingDarkensTheScalp) {
  IdentityRecipe woman = person(13);
  woman.hair.beard_density = 0;
  woman.hair.density = 1;
  const SkinMaps plain = skin().paint(woman, 30, 256);
  SkinMaps dressed = plain;
  skin().dress(dressed, woman, PhotoRecipe{});
  EXPECT_NEAR(mean_luminance(dressed), mean_luminance(plain), 1e-3);
  size_t darker = 0;
  for (size_t i = 0; i < plain.albedo.size(); ++i) {
    ASSERT_LE(dressed.albedo[i], plain.albedo[i]);
    darker += dressed.albedo[i] < 0.7F * plain.albedo[i] ? 1 : 0;
  }
  EXPECT_GT(darker, plain.albedo.size() / 10);
  EXPECT_LT(darker, plain.albedo.size() * 3 / 4);
  PhotoRecipe bald;
  bald.hair.style = HairStyle::kBald;
  SkinMaps bare = plain;
  skin().dress(bare, woman, bald);
  EXPECT_GT(bare.albedo[0], dressed.albedo[0]);
}

TEST(SkinModel, WrongRecipesAreRefused) {
  EXPECT_THROW(skin().paint(person(1), 40, 300), std::invalid_argument);
  EXPECT_THROW(skin().paint(person(1), 40, 64), std::invalid_argument);
  EXPECT_THROW(skin().paint(person(1), std::nanf(""), 128), std::invalid_argument);
  IdentityRecipe wrong = person(1);
  wrong.skin.modes.push_back(0);
  EXPECT_THROW(skin().paint(wrong, 40, 128), std::invalid_argument);
  wrong.skin.modes.clear();
  EXPECT_NO_THROW(skin().paint(wrong, 40, 128)) << "no modes: the mean skin";
  wrong.skin.melanin = 1.2F;
  EXPECT_THROW(skin().paint(wrong, 40, 128), std::invalid_argument);
  SkinMaps maps;
  EXPECT_THROW(skin().dress(maps, person(1), PhotoRecipe{}), std::invalid_argument);
}

TEST(SkinModel, DamagedFilesAreRefused) {
  const std::string path =
      (std::filesystem::temp_directory_path() / "guise_damaged_skin.safetensors").string();
  EXPECT_THROW(SkinModel::load(path, head()), Unavailable);
  const io::SafetensorsFile sound = io::read_safetensors(kSkinFile);
  const std::map<std::string, at::Tensor> tensors(sound.tensors.begin(), sound.tensors.end());
  const auto refused = [&](const std::map<std::string, at::Tensor>& damaged) {
    io::write_safetensors(path, damaged, sound.metadata);
    EXPECT_THROW(SkinModel::load(path, head()), CorruptFile);
  };
  for (const auto& [name, tensor] : tensors) {
    SCOPED_TRACE(name);
    auto damaged = tensors;
    damaged.erase(name);
    refused(damaged);
    damaged = tensors;
    damaged[name] = at::cat({tensor, tensor});
    refused(damaged);
    damaged = tensors;
    damaged[name] = tensor.clone();
    if (!tensor.is_floating_point()) continue;
    damaged[name].view(-1)[0].fill_(std::nan(""));
    refused(damaged);
  }
  auto damaged = tensors;
  damaged["wrinkle_group"] = at::full_like(damaged["wrinkle_group"], 200);
  refused(damaged);
  io::write_safetensors(path, tensors);
  EXPECT_THROW(SkinModel::load(path, head()), CorruptFile) << "without its format";
  io::write_safetensors(path, tensors, sound.metadata);
  EXPECT_NO_THROW(SkinModel::load(path, head()));
  std::filesystem::resize_file(path, 100'000);
  EXPECT_THROW(SkinModel::load(path, head()), CorruptFile);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace guise::render
