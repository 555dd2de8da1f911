// One interface for every recogniser: aligned crops in, embeddings out, and what the crops must be.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>

namespace guise::nets {

// The crops that a recogniser was trained on. Comes from the registry, [MODEL.input]; the only
// place where a range or a colour order is applied is `FaceEmbedder::embed`.
struct CropContract {
  std::string crop_template = "arcface";  // of stages/align_face
  int64_t height_px = 112, width_px = 112;
  bool is_bgr = false;
  // input = (value - mean) / std, values 0 to 255, in the order of the network's channels.
  std::array<float, 3> mean = {127.5F, 127.5F, 127.5F};
  std::array<float, 3> std = {127.5F, 127.5F, 127.5F};
};

struct EmbedderTraits {
  std::string name;  // of the model, for messages
  int64_t dimension;
  CropContract crop;
  bool has_quality;  // gives a learned quality with each embedding
};

struct RawEmbeddings {
  at::Tensor vectors;  // float32 [N, dimension], not normalised: the norm means something
  at::Tensor quality;  // float32 [N], higher is better; undefined unless has_quality
};

class FaceEmbedder {
 public:
  virtual ~FaceEmbedder() = default;

  virtual const EmbedderTraits& traits() const = 0;

  // crops: uint8 [N, height_px, width_px, 3] RGB, N >= 1, contiguous; checked by
  // stages/embed_faces. Not changed by use: one object serves all threads.
  virtual RawEmbeddings embed(const at::Tensor& crops) const = 0;
};

// What the registry says about a recogniser's file.
struct EmbedderFile {
  std::string name;
  std::string architecture;  // "iresnet", "ir-backbone", "mobilefacenet", "inception-resnet",
                             // "house-recogniser"
  std::string preset;        // of the architecture, such as "r50" or "foamliu"
  std::string path;          // .safetensors
  std::string sha256;        // empty: any bytes, for the user's own file
  CropContract crop;
};

// Throws guise::Unavailable (no such file), guise::CorruptFile (another sha256, or tensors that are
// not the architecture's: missing, unexpected and misshapen keys are listed), ValueError (unknown
// architecture or preset, a crop that the network cannot take).
std::unique_ptr<FaceEmbedder> open_face_embedder(const EmbedderFile& file);

}  // namespace guise::nets
