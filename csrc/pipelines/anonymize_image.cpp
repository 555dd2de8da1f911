#include "pipelines/anonymize_image.h"

#include "core/check.h"
#include "core/stopwatch.h"

namespace guise::pipelines {

namespace {

// With "obscure-all", what a second look finds is obscured and the picture looked at again, at most
// this often.
constexpr int kRounds = 3;

void append(std::vector<stages::DetectedFace>& faces,
            const std::vector<stages::DetectedFace>& more) {
  faces.insert(faces.end(), more.begin(), more.end());
}

std::string counted(size_t count, const char* one, const char* many) {
  return std::to_string(count) + (count == 1 ? one : many);
}

}  // namespace

AnonymizeImage::AnonymizeImage(stages::DetectFaces detect, const AnonymizeOptions& options)
    : detect_(std::move(detect)), obscure_(options.obscure), options_(options) {
  GUISE_CHECK_ARG(options.when_unsure == "review" || options.when_unsure == "obscure-all",
                  "when_unsure must be 'review' or 'obscure-all'; got '", options.when_unsure, "'");
}

AnonymizedImage AnonymizeImage::operator()(const at::Tensor& image) {
  const bool obscure_all = options_.when_unsure == "obscure-all";
  AnonymizedImage result;
  core::Stopwatch watch;

  const stages::FaceSearch found = detect_(image);
  result.detect_ms = watch.lap_ms();
  result.faces = found.faces;
  result.doubtful = found.doubtful;
  if (!found.doubtful.empty() && !obscure_all) {
    result.reason =
        counted(found.doubtful.size(), " place that may be a face", " places that may be faces") +
        ", below the accept threshold and above the review threshold";
    return result;
  }
  std::vector<stages::DetectedFace> to_obscure = found.faces;
  append(to_obscure, found.doubtful);

  stages::ObscuredImage obscured = obscure_(image, to_obscure);
  result.obscure_ms = watch.lap_ms();

  for (int round = 1; options_.second_look; ++round) {
    result.uncovered = detect_.find_uncovered(obscured.image, obscured.masks);
    if (result.uncovered.empty() || !obscure_all || round == kRounds) {
      break;
    }
    append(to_obscure, result.uncovered);
    append(result.faces, result.uncovered);
    obscured = obscure_(image, to_obscure);
  }
  result.second_look_ms = watch.lap_ms();
  if (!result.uncovered.empty()) {
    result.reason = "the second look found " + counted(result.uncovered.size(), " face", " faces") +
                    " that no mask covers";
    return result;
  }
  result.image = obscured.image;
  return result;
}

}  // namespace guise::pipelines
