#include "stages/assess_quality.h"

#include <ATen/ATen.h>

#include "core/check.h"

namespace guise::stages {

AssessQuality::AssessQuality(const QualityOptions& options) : options_(options) {
  GUISE_CHECK_ARG(options_.measure == "norm" || options_.measure == "learned",
                  "the measure must be 'norm' or 'learned'; got '", options_.measure, "'");
  GUISE_CHECK_ARG(options_.measure != "norm" ||
                      (options_.norm_low > 0 && options_.norm_low < options_.norm_high),
                  "norm_low and norm_high must be the model's, 0 < norm_low < norm_high, as in its "
                  "calibration.json; got ",
                  options_.norm_low, " and ", options_.norm_high);
}

at::Tensor AssessQuality::operator()(const Embeddings& embeddings) const {
  if (options_.measure == "learned") {
    if (!embeddings.quality.defined()) {
      throw Unavailable(
          "the measure 'learned' needs a recogniser that was trained to judge; this one gives no "
          "quality; use the measure 'norm', or another model");
    }
    return embeddings.quality.clamp(0.0, 1.0);
  }
  const double width = options_.norm_high - options_.norm_low;
  return ((embeddings.norms - options_.norm_low) / width).clamp(0.0, 1.0);
}

}  // namespace guise::stages
