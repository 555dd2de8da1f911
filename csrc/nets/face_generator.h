// A generator of aligned faces from identity vectors, opened from its file: Vec2Face as published,
// Vec2Face+ with its pose branch, or the house model with what it brings along.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "nets/pose_condition.h"
#include "nets/vec2face.h"
#include "nets/vec2face_inference.h"

namespace guise::nets {

// What the registry says about a generator's file.
struct GeneratorFile {
  std::string name;
  std::string preset;               // of Vec2FaceConfig
  std::string path;                 // .safetensors
  std::string sha256;               // empty: any bytes, for the user's own file
  bool has_pose_condition = false;  // Vec2Face+: tensors "pose_condition.*" must be there
  std::string recogniser;           // whose raw embeddings it takes
  double vector_norm = 22.0;        // of these, typically
  std::string dtype = "float32";    // or "bfloat16": what it computes in
};

class FaceGenerator {
 public:
  // Throws guise::Unavailable (no such file; bfloat16 where the processor has none),
  // guise::CorruptFile (another sha256, missing, unexpected and misshapen keys), ValueError (preset
  // or dtype).
  explicit FaceGenerator(const GeneratorFile& file);

  const GeneratorFile& file() const { return file_; }
  int64_t vector_size() const { return net_->config().vector_size; }

  // vectors: float32 [N, vector_size], raw -> float32 [N, 3, 112, 112] RGB, about -1..1. Drawings
  // of landmarks, float32 [N, 3, 112, 112], only for a net with a pose condition. A sample's bytes
  // do not depend on its batch or on the number of threads. Thread safe.
  at::Tensor draw(const at::Tensor& vectors, const Vec2FaceMask& mask,
                  const std::optional<at::Tensor>& drawings = std::nullopt) const;

  // The same in float32 with gradients to the vectors. Thread safe.
  at::Tensor draw_with_gradients(const at::Tensor& vectors, const Vec2FaceMask& mask) const;

  // Tensors of the file beside the net's: "identities.mean", "identities.basis", "variation.basis",
  // "pose_head.weight", "pose_head.bias"; undefined where the file has none.
  at::Tensor extra(const std::string& name) const;

 private:
  GeneratorFile file_;
  Vec2Face net_;
  std::unique_ptr<const Vec2FaceInference> inference_;
  PoseCondition pose_condition_{nullptr};
  std::map<std::string, at::Tensor> extras_;
};

// A picture as it is written: float [N, 3, H, W] in -1..1 -> uint8 [N, H, W, 3], truncated as the
// authors' code does; values beyond the range are clipped.
at::Tensor bytes_of_images(const at::Tensor& images);

}  // namespace guise::nets
