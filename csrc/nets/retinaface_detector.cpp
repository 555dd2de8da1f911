#include "nets/retinaface_detector.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <cmath>

#include "core/check.h"
#include "nets/weights.h"

namespace guise::nets {

namespace {

constexpr double kOffsetVariance = 0.1, kSizeVariance = 0.2;

// Scores lie near 0 and 1. The smaller priors of mnet025-relu propose ten times as much, and need
// no low score for it. r50 is not measured, for want of its file: as mnet025-leaky.
DetectorTraits traits_of(const std::string& preset) {
  return {"retinaface-" + preset,
          /*propose_score=*/preset == "mnet025-relu" ? 0.3F : 0.03F,
          /*sure_score=*/0.95F,
          /*accept_score=*/0.8F,
          /*review_score=*/0.5F,
          /*tile_px=*/1024,
          /*level_step=*/2,
          /*look_face_px=*/64.0};
}

// [1, 3, H, W] float32 with the channels last in memory.
at::Tensor network_input(const at::Tensor& image) {
  static const at::Tensor kMeanBgr = at::tensor({104.0F, 117.0F, 123.0F});
  return image.flip(2).to(at::kFloat).sub_(kMeanBgr).permute({2, 0, 1}).unsqueeze(0);
}

class RetinaFaceDetector : public FaceDetector {
 public:
  RetinaFaceDetector(DetectorTraits traits, const RetinaFaceConfig& config,
                     std::shared_ptr<const RetinaFaceLayers> layers)
      : traits_(std::move(traits)), config_(config), layers_(std::move(layers)) {}

  const DetectorTraits& traits() const override { return traits_; }

  std::vector<FaceCandidate> propose(const at::Tensor& image, float min_score) override {
    const c10::InferenceMode no_autograd;
    return decode_retinaface((*layers_)(network_input(image)), config_, image.size(0),
                             image.size(1), min_score);
  }

  std::unique_ptr<FaceDetector> clone() const override {
    return std::make_unique<RetinaFaceDetector>(traits_, config_, layers_);
  }

 private:
  DetectorTraits traits_;
  RetinaFaceConfig config_;
  std::shared_ptr<const RetinaFaceLayers> layers_;
};

struct Prior {
  double x, y, side;  // middle and length, px
};

FaceCandidate decode(const Prior& prior, float score, const float* box, const float* points) {
  const auto offset = [&prior](float value) {
    return static_cast<double>(value) * kOffsetVariance * prior.side;
  };
  const auto size = [&prior](float value) {
    return prior.side * std::exp(static_cast<double>(value) * kSizeVariance);
  };
  const double x = prior.x + offset(box[0]), y = prior.y + offset(box[1]);
  const double width = size(box[2]), height = size(box[3]);
  FaceCandidate face;
  face.box = {x - width / 2, y - height / 2, x + width / 2, y + height / 2};
  face.score = score;
  for (size_t k = 0; k < face.landmarks.size(); ++k) {
    face.landmarks[k] = {prior.x + offset(points[2 * k]), prior.y + offset(points[2 * k + 1])};
  }
  return face;
}

}  // namespace

std::vector<FaceCandidate> decode_retinaface(const RetinaFaceOutput& output,
                                             const RetinaFaceConfig& config, int64_t height,
                                             int64_t width, float min_score) {
  const at::Tensor classes = output.classes[0].contiguous(), boxes = output.boxes[0].contiguous(),
                   landmarks = output.landmarks[0].contiguous();
  const float* logit = classes.const_data_ptr<float>();
  const float* box = boxes.const_data_ptr<float>();
  const float* points = landmarks.const_data_ptr<float>();
  std::vector<FaceCandidate> faces;
  for (size_t level = 0; level < kRetinaFaceStrides.size(); ++level) {
    const int64_t stride = kRetinaFaceStrides[level];
    const int64_t rows = (height + stride - 1) / stride, columns = (width + stride - 1) / stride;
    for (int64_t cell = 0; cell < rows * columns; ++cell) {
      const auto middle = [stride](int64_t place) {
        return (static_cast<double>(place) + 0.5) * static_cast<double>(stride);
      };
      for (const double side : config.priors_px[level]) {
        const float score = 1.0F / (1.0F + std::exp(logit[0] - logit[1]));
        if (score >= min_score) {
          faces.push_back(
              decode({middle(cell % columns), middle(cell / columns), side}, score, box, points));
        }
        logit += 2;
        box += 4;
        points += 10;
      }
    }
  }
  TORCH_INTERNAL_ASSERT(logit == classes.const_data_ptr<float>() + classes.numel());
  return faces;
}

std::unique_ptr<FaceDetector> make_retinaface_detector(
    const std::string& preset, const std::vector<std::pair<std::string, at::Tensor>>& tensors,
    const std::string& source) {
  RetinaFace net(RetinaFaceConfig::preset(preset));
  load_state_dict(*net, tensors, source);
  net->eval();
  return std::make_unique<RetinaFaceDetector>(
      traits_of(preset), net->config(),
      std::make_shared<const RetinaFaceLayers>(net->layers().folded()));
}

}  // namespace guise::nets
