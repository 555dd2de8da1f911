// Faces of nobody: opens the house models, renders a few people and checks where their eyes are.
//
//   example_02_render_faces MODELS SHEET.png
//
// MODELS: the folder `models` of guise's source, which holds house-head, house-skin, house-light.
// The same in Python: 02_render_faces.py; both print the same SHA-256, as the pictures depend on
// seed, identity, sample, size and options alone.
#include <ATen/ATen.h>

#include <cstdio>
#include <exception>
#include <string>

#include "io/sha256.h"
#include "io/write_image.h"
#include "render/recipe_text.h"
#include "render/renderer.h"

namespace {

constexpr uint64_t kSeed = 1;
constexpr int64_t kPeople = 4, kPhotos = 6;

// One file of a house model.
std::string model_file(const std::string& models, const std::string& name) {
  return models + "/" + name + "/" + name + ".safetensors";
}

// [people * photos, S, S, 3] -> [people * S, photos * S, 3]: a row a person.
at::Tensor sheet_of(const at::Tensor& images) {
  const int64_t size = images.size(1);
  return images.view({kPeople, kPhotos, size, size, 3})
      .permute({0, 2, 1, 3, 4})
      .reshape({kPeople * size, kPhotos * size, 3});
}

void render(const std::string& models, const std::string& sheet) {
  const guise::render::Renderer renderer(model_file(models, "house-head"),
                                         model_file(models, "house-skin"),
                                         model_file(models, "house-light"));

  // What is drawn, and how often. Every other number keeps its default.
  guise::render::RenderOptions options;
  options.size_px = 160;
  options.recipe = guise::render::RecipeOptions::frontal();
  options.recipe.glasses_share = 0.2;

  // Any pairs of identity and sample, in any order.
  std::vector<guise::render::IdentityAndSample> pictures;
  for (uint64_t identity = 0; identity < kPeople; ++identity) {
    for (uint64_t sample = 0; sample < kPhotos; ++sample) {
      pictures.emplace_back(identity, sample);
    }
  }
  const guise::render::RenderedFaces faces = renderer.render(kSeed, pictures, options);

  // What was drawn stands beside each picture, and where things are in it.
  for (int64_t i = 0; i < faces.images.size(0); i += kPhotos) {
    const auto at = static_cast<size_t>(i);
    const auto eye = faces.landmarks_5[i][0];
    std::printf("person %lld: %s of %.0f years, the first photo: yaw %.0f, left eye %.1f %.1f\n",
                static_cast<long long>(faces.identities[i].item<int64_t>()),
                std::string(guise::render::word(faces.persons[at].sex)).c_str(),
                static_cast<double>(faces.persons[at].age_years),
                static_cast<double>(faces.photos[at].yaw_deg), eye[0].item<double>(),
                eye[1].item<double>());
  }
  const at::Tensor pixels = faces.images.contiguous();
  std::printf("sha256 %s\n", guise::io::sha256_hex(pixels.const_data_ptr<uint8_t>(),
                                                   static_cast<size_t>(pixels.numel()))
                                 .c_str());
  guise::io::write_image(sheet, sheet_of(pixels), guise::io::ImageFormat::png, /*grey=*/false, {});
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "usage: %s MODELS SHEET.png\n", arguments[0]);
    return 2;
  }
  try {
    render(arguments[1], arguments[2]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 4;
  }
}
