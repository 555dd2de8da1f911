// Faces from identity vectors: four people of nobody, six pictures of each, on one sheet.
//
//   example_05_faces_from_vectors GENERATOR.safetensors RECOGNISER.safetensors SHEET.png
//
// GENERATOR: house-vec2face, RECOGNISER: house-recogniser, both in the folder `models` of guise's
// source. The same in Python: 05_faces_from_vectors.py; both print the same SHA-256, as a picture
// depends on vector, seed, identity and sample alone.
#include <ATen/ATen.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "io/sha256.h"
#include "io/write_image.h"
#include "nets/face_embedder.h"
#include "nets/face_generator.h"
#include "pipelines/draw_identities.h"
#include "search/draw_faces.h"
#include "search/sample_identities.h"

namespace {

constexpr uint64_t kSeed = 5;
constexpr int64_t kPeople = 4, kPictures = 6;
constexpr double kMaxCosine = 0.5;         // of two people
constexpr double kMaxDrawnDistance = 0.5;  // 1 - cosine of a face and its vector

using Generator = std::shared_ptr<const guise::nets::FaceGenerator>;

Generator open_generator(const std::string& path) {
  guise::nets::GeneratorFile file;
  file.name = "house-vec2face";
  file.preset = "house";
  file.path = path;
  file.recogniser = "house-recogniser";
  file.vector_norm = 8.1;
  return std::make_shared<const guise::nets::FaceGenerator>(file);
}

std::shared_ptr<const guise::nets::FaceEmbedder> open_recogniser(const std::string& path) {
  guise::nets::EmbedderFile file;
  file.name = "house-recogniser";
  file.architecture = "house-recogniser";
  file.preset = "v1";
  file.path = path;
  file.crop.height_px = file.crop.width_px = 64;
  return guise::nets::open_face_embedder(file);
}

// Vectors that are apart, and whose faces are apart and show them, as the recogniser sees it.
guise::search::SampledIdentities sample_people(const Generator& generator,
                                               const std::string& recogniser) {
  const guise::pipelines::DrawReferenceFaces draw(generator, open_recogniser(recogniser));
  const auto look = [&draw](const at::Tensor& vectors, const std::vector<uint64_t>&) {
    const guise::pipelines::ReferenceFaces faces = draw(vectors);
    return guise::search::DrawnIdentities{faces.units, (1 - faces.cosines).le(kMaxDrawnDistance)};
  };
  guise::search::IdentitySearchOptions options;
  options.max_cosine = kMaxCosine;
  return guise::search::sample_identities(
      {generator->extra("identities.mean"), generator->extra("identities.basis")}, kSeed, kPeople,
      options, look);
}

// [people * pictures, S, S, 3] -> [people * S, pictures * S, 3]: a row a person.
at::Tensor sheet_of(const at::Tensor& images) {
  const int64_t size = images.size(1);
  return images.view({kPeople, kPictures, size, size, 3})
      .permute({0, 2, 1, 3, 4})
      .reshape({kPeople * size, kPictures * size, 3});
}

void draw(const std::string& weights, const std::string& recogniser, const std::string& sheet) {
  const Generator generator = open_generator(weights);
  const guise::search::SampledIdentities people = sample_people(generator, recogniser);
  std::printf("%lld people of %lld candidates\n", static_cast<long long>(people.vectors.size(0)),
              static_cast<long long>(people.tried));

  // Each vector is drawn with noise on it: that is how pictures of one person differ. Nothing is
  // steered, so nothing has to be measured.
  const guise::search::DrawFaces faces(generator, nullptr, {});
  std::vector<guise::search::FaceKey> keys;
  for (uint64_t identity = 0; identity < kPeople; ++identity) {
    for (uint64_t sample = 0; sample < kPictures; ++sample) keys.push_back({identity, sample, 0});
  }
  const at::Tensor vectors = people.vectors.repeat_interleave(kPictures, 0);
  const at::Tensor pixels =
      guise::pipelines::draw_in_parallel(faces, vectors, kSeed, keys, /*threads=*/0)
          .images.contiguous();

  // The face that stands for a person, and the vector it was drawn from.
  const at::Tensor cosines = at::cosine_similarity(people.faces, people.vectors);
  for (int64_t person = 0; person < kPeople; ++person) {
    std::printf("person %lld: face and vector have a cosine of %.2f\n",
                static_cast<long long>(person), cosines[person].item<double>());
  }
  std::printf("sha256 %s\n", guise::io::sha256_hex(pixels.const_data_ptr<uint8_t>(),
                                                   static_cast<size_t>(pixels.numel()))
                                 .c_str());
  guise::io::write_image(sheet, sheet_of(pixels), guise::io::ImageFormat::png, /*grey=*/false, {});
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) {
    std::fprintf(stderr, "usage: %s GENERATOR.safetensors RECOGNISER.safetensors SHEET.png\n",
                 arguments[0]);
    return 2;
  }
  try {
    draw(arguments[1], arguments[2], arguments[3]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 4;
  }
}
