// How much an embedding may be relied on: a number from 0 to 1 for each face, without another
// network.
//
//   norm     the length of the raw embedding, which grows with what a recogniser could see of the
//            person (MagFace, Meng et al. 2021; AdaFace, Kim et al. 2022; weaker for nets trained
//            with another loss), stretched between two lengths measured for each model:
//            models/NAME/calibration.json
//   learned  what the recogniser itself was trained to say, where it says something
//
// Values of different measures or models are not comparable.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "stages/hand_overs.h"

namespace guise::stages {

struct QualityOptions {
  std::string measure = "norm";  // "norm" or "learned"
  // Lengths of raw embeddings that become 0 and 1; of the model, 0 < norm_low < norm_high. Asked
  // for by "norm" alone.
  double norm_low = 0.0;
  double norm_high = 0.0;
};

class AssessQuality {
 public:
  // Throws std::invalid_argument for options out of range.
  explicit AssessQuality(const QualityOptions& options);

  // float32 [N], 0 to 1, higher is better. Throws guise::Unavailable where the measure is "learned"
  // and the model gave none.
  at::Tensor operator()(const Embeddings& embeddings) const;

 private:
  QualityOptions options_;
};

}  // namespace guise::stages
