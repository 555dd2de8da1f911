// One picture without its faces:   image -> detect -> obscure -> second look
//
// Fails closed: where a face may have been left, there is no image, only the reason.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "stages/detect_faces.h"
#include "stages/hand_overs.h"
#include "stages/obscure_face.h"

namespace guise::pipelines {

struct AnonymizeOptions {
  stages::DetectOptions detect;
  stages::ObscureOptions obscure;
  // What to do with candidates that are neither surely a face nor surely none, and with faces that
  // the second look finds: "review" gives no image, "obscure-all" obscures them too.
  std::string when_unsure = "review";
  bool second_look = true;  // search the finished picture for faces that no mask covers
};

struct AnonymizedImage {
  at::Tensor image;  // [H, W, 3] uint8 RGB; undefined where `reason` is not empty
  std::vector<stages::DetectedFace> faces;      // obscured
  std::vector<stages::DetectedFace> doubtful;   // in doubt; obscured too with "obscure-all"
  std::vector<stages::DetectedFace> uncovered;  // found by the second look and not obscured
  std::string reason;                           // why a person has to look at it; empty: it is done
  double detect_ms = 0, obscure_ms = 0, second_look_ms = 0;
};

class AnonymizeImage {
 public:
  // `detect` must have been made with options.detect.
  AnonymizeImage(stages::DetectFaces detect, const AnonymizeOptions& options = {});

  // image: [H, W, 3] uint8 RGB; left as it is.
  AnonymizedImage operator()(const at::Tensor& image);

  AnonymizeImage clone() const { return AnonymizeImage(detect_.clone(), options_); }

 private:
  stages::DetectFaces detect_;
  stages::ObscureFace obscure_;
  AnonymizeOptions options_;
};

}  // namespace guise::pipelines
