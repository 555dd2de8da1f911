// Aligned faces to embeddings: one recogniser, in batches.
//
// What a recogniser was trained on is its nets::CropContract. This stage holds every crop against
// it: another template, a grey picture, floats or crops that would have to be enlarged are refused,
// so that an embedding of wrongly prepared pixels cannot be had. Range and colour order are applied
// by the recogniser alone, from the same contract.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "core/check.h"
#include "nets/face_embedder.h"
#include "stages/hand_overs.h"

namespace guise::stages {

struct EmbedOptions {
  // Add the raw embeddings of the crop and of its mirror image: twice the time, a little more
  // accuracy; what verification results are usually published with.
  bool flip = true;
  int64_t batch_size = 32;  // crops a pass of the network; mirror images are passes of their own
  bool normalise = true;    // false: raw embeddings, as generators take them
  // A face whose crop shows fewer pixels of the picture, along a side, is refused: there is nothing
  // in it that tells people apart. 0: any face. Not asked where the picture is not known.
  double smallest_source_px = 16.0;
};

class EmbedFaces {
 public:
  // Throws std::invalid_argument for options out of range.
  explicit EmbedFaces(std::shared_ptr<const nets::FaceEmbedder> embedder,
                      const EmbedOptions& options = {});

  // faces.crops: uint8 [N, S, S, 3] RGB, as AlignFace makes them with crop_template() and
  // crop_size_px(); larger crops of the same layout are averaged down, see shrink_crops. N = 0
  // gives [0, D]: a photo without faces has no embeddings, which is no error.
  // With `flip`, vectors, norms and quality are those of the mean of both raw embeddings.
  // Throws std::invalid_argument for anything else, guise::CorruptFile where the network gives NaN,
  // infinity or a vector of length 0: its weights are damaged or not of this architecture.
  Embeddings operator()(const AlignedFaces& faces) const;

  const nets::EmbedderTraits& traits() const { return embedder_->traits(); }
  // Of the square crops to make.
  int64_t crop_size_px() const;
  const std::string& crop_template() const { return traits().crop.crop_template; }

 private:
  at::Tensor checked_crops(const AlignedFaces& faces) const;
  void check_sources(const AlignedFaces& faces) const;
  nets::RawEmbeddings embed_batch(const at::Tensor& crops) const;
  CorruptFile not_sound(const char* what) const;

  std::shared_ptr<const nets::FaceEmbedder> embedder_;
  EmbedOptions options_;
};

// Pixels of the picture along a side of a crop of `size_px`.
double source_px(const core::Similarity2D& image_to_crop, int64_t size_px);

// crops: uint8 [N, S, S, 3] -> [N, size_px, size_px, 3], each pixel the mean of what it covers;
// size_px <= S. Pixel (0, 0) stays where it is, as crop templates scale about its centre:
// landmarks at p come to lie at p * size_px / S, which is half a pixel off what image resizing
// does.
at::Tensor shrink_crops(const at::Tensor& crops, int64_t size_px);

}  // namespace guise::stages
