// Who is who: embeds photos of six people of nobody and measures how well that tells them apart.
//
//   example_04_embed_and_compare MODELS [WEIGHTS.safetensors]
//
// MODELS: the folder `models` of guise's source. WEIGHTS: a house-recogniser file of your own. The
// same in Python: 04_embed_and_compare.py; both print the same figures.
#include <ATen/ATen.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <functional>
#include <string>
#include <vector>

#include "nets/face_embedder.h"
#include "render/renderer.h"
#include "stages/align_face.h"
#include "stages/embed_faces.h"
#include "stages/estimate_pose.h"

namespace {

constexpr uint64_t kSeed = 4, kPeople = 6, kPhotos = 3;

std::string model_file(const std::string& models, const std::string& name) {
  return models + "/" + name + "/" + name + ".safetensors";
}

guise::render::RenderedFaces take_photos(const std::string& models) {
  const guise::render::Renderer renderer(model_file(models, "house-head"),
                                         model_file(models, "house-skin"),
                                         model_file(models, "house-light"));
  guise::render::RenderOptions options;
  options.size_px = 160;
  options.recipe = guise::render::RecipeOptions::frontal();
  std::vector<guise::render::IdentityAndSample> pictures;
  for (uint64_t identity = 0; identity < kPeople; ++identity) {
    for (uint64_t sample = 0; sample < kPhotos; ++sample) {
      pictures.emplace_back(identity, sample);
    }
  }
  return renderer.render(kSeed, pictures, options);
}

guise::core::Landmarks5 landmarks_of(const guise::render::RenderedFaces& photos, int64_t i) {
  const auto numbers = photos.landmarks_5.accessor<float, 3>();
  guise::core::Landmarks5 points;
  for (size_t p = 0; p < points.size(); ++p) {
    const auto at = static_cast<int64_t>(p);
    points[p] = {numbers[i][at][0], numbers[i][at][1]};
  }
  return points;
}

// Cut out as the model wants it, embedded together with the mirror image, of length 1.
at::Tensor embed_photos(const guise::stages::EmbedFaces& embed,
                        const guise::render::RenderedFaces& photos) {
  const guise::stages::AlignFace align(
      {.size_px = embed.crop_size_px(), .crop_template = embed.crop_template(), .is_smooth = true});
  std::vector<at::Tensor> rows;
  for (int64_t i = 0; i < photos.images.size(0); ++i) {
    rows.push_back(embed(align(photos.images[i], {landmarks_of(photos, i)})).vectors);
  }
  return at::cat(rows);
}

double mean(const std::vector<float>& values) {
  return at::tensor(values).mean().item<double>();
}

void compare(const at::Tensor& vectors, const at::Tensor& identities) {
  // All pairs of photos: of one person, and of two.
  const at::Tensor cosines = at::matmul(vectors, vectors.t());
  const auto numbers = cosines.accessor<float, 2>();
  const auto people = identities.accessor<int64_t, 1>();
  std::vector<float> genuine, impostor;
  for (int64_t i = 0; i < cosines.size(0); ++i) {
    for (int64_t j = i + 1; j < cosines.size(0); ++j) {
      (people[i] == people[j] ? genuine : impostor).push_back(numbers[i][j]);
    }
  }
  std::sort(impostor.begin(), impostor.end(), std::greater<>());
  std::printf("%zu pairs of one person: mean cosine %.3f\n", genuine.size(), mean(genuine));
  std::printf("%zu pairs of two: mean %.3f, highest %.3f\n", impostor.size(), mean(impostor),
              static_cast<double>(impostor[0]));

  // A threshold means something with its false match rate alone: here one pair in twenty.
  const float threshold = impostor[impostor.size() / 20];
  const auto accepted = std::count_if(genuine.begin(), genuine.end(),
                                      [threshold](float cosine) { return cosine > threshold; });
  std::printf("above %.3f, which 5 %% of these reach: %td of %zu\n", static_cast<double>(threshold),
              accepted, genuine.size());
}

void measure(const std::string& models, const std::string& weights) {
  const guise::render::RenderedFaces photos = take_photos(models);

  // Landmarks say where a face is and how it is turned. For a photo of your own they come from
  // stages/detect_faces.
  const guise::stages::EstimatePose estimate(
      guise::render::HeadModel::load(model_file(models, "house-head")));
  const guise::stages::HeadPose pose = estimate(landmarks_of(photos, 0));
  std::printf("photo 0 looks %.1f to the right, %.1f up\n", pose.yaw_deg, pose.pitch_deg);

  // What the model was trained on; crops that are not so are refused.
  guise::nets::EmbedderFile file;
  file.name = "house-recogniser";
  file.architecture = "house-recogniser";
  file.preset = "v1";
  file.path = weights;
  file.crop.height_px = file.crop.width_px = 64;
  const guise::stages::EmbedFaces embed(guise::nets::open_face_embedder(file));
  const at::Tensor vectors = embed_photos(embed, photos);
  std::printf("%lld embeddings of %lld numbers\n", static_cast<long long>(vectors.size(0)),
              static_cast<long long>(vectors.size(1)));
  compare(vectors, photos.identities);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2 || count > 3) {
    std::fprintf(stderr, "usage: %s MODELS [WEIGHTS.safetensors]\n", arguments[0]);
    return 2;
  }
  try {
    const std::string models = arguments[1];
    measure(models, count == 3 ? arguments[2] : model_file(models, "house-recogniser"));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 4;
  }
}
