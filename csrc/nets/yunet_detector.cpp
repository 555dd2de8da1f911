#include "nets/yunet_detector.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "nets/onnx_net.h"
#include "nets/weights.h"
#include "nets/yunet.h"

namespace guise::nets {

namespace {

const DetectorTraits kTraits{"yunet",
                             /*propose_score=*/0.08F,
                             /*sure_score=*/0.8F,
                             /*accept_score=*/0.6F,
                             /*review_score=*/0.45F,
                             /*tile_px=*/1024,
                             /*level_step=*/2,
                             /*look_face_px=*/56.0};

const DetectorTraits kHouseTraits{"house-detector",
                                  /*propose_score=*/0.15F,
                                  /*sure_score=*/0.95F,
                                  /*accept_score=*/0.82F,
                                  /*review_score=*/0.8F,
                                  /*tile_px=*/1024,
                                  /*level_step=*/2,
                                  /*look_face_px=*/72.0};

float sigmoid(float x) {
  return 1.0F / (1.0F + std::exp(-x));
}

FaceCandidate decode_cell(const YuNetLevel& level, int64_t row, int64_t column, float score) {
  const int64_t cell = row * level.columns + column;
  const auto stride = static_cast<double>(level.stride);
  const auto regression = [&](int64_t k) {
    return static_cast<double>(level.box[cell * level.box_step + k * level.box_channel_step]);
  };
  const double centre_x = (static_cast<double>(column) + regression(0)) * stride;
  const double centre_y = (static_cast<double>(row) + regression(1)) * stride;
  const double width = std::exp(regression(2)) * stride;
  const double height = std::exp(regression(3)) * stride;
  FaceCandidate face;
  face.box = {centre_x - width / 2, centre_y - height / 2, centre_x + width / 2,
              centre_y + height / 2};
  face.score = score;
  const float* points = level.landmarks + cell * level.landmark_step;
  for (int64_t k = 0; k < 5; ++k) {
    face.landmarks[static_cast<size_t>(k)] = {
        (static_cast<double>(points[2 * k * level.landmark_channel_step]) +
         static_cast<double>(column)) *
            stride,
        (static_cast<double>(points[(2 * k + 1) * level.landmark_channel_step]) +
         static_cast<double>(row)) *
            stride};
  }
  return face;
}

std::shared_ptr<const StreamedYuNet> load_streamed(
    const std::vector<std::pair<std::string, at::Tensor>>& tensors, const std::string& source) {
  YuNet net(YuNetConfig::of(tensors));
  load_state_dict(*net, tensors, source);
  net->eval();
  return std::make_shared<StreamedYuNet>(*net);
}

class YuNetTorchDetector : public FaceDetector {
 public:
  // traits: outlives the detector.
  YuNetTorchDetector(std::shared_ptr<const StreamedYuNet> net, const DetectorTraits& traits)
      : net_(std::move(net)), traits_(traits) {}

  const DetectorTraits& traits() const override { return traits_; }

  std::vector<FaceCandidate> propose(const at::Tensor& image, float min_score) override {
    const std::array<Map, 3> levels = (*net_)(image);
    std::vector<FaceCandidate> candidates;
    for (size_t i = 0; i < levels.size(); ++i) {
      const float* values = levels[i].values.data();
      decode_yunet_level({kYuNetStrides[i], levels[i].rows, levels[i].columns, values, values + 5,
                          values + 1, values + 6, /*cell_step=*/kYuNetHeads,
                          /*box_step=*/kYuNetHeads, /*landmark_step=*/kYuNetHeads,
                          /*box_channel_step=*/1, /*landmark_channel_step=*/1, /*is_logit=*/true},
                         min_score, candidates);
    }
    return candidates;
  }

  std::unique_ptr<FaceDetector> clone() const override {
    return std::make_unique<YuNetTorchDetector>(net_, traits_);
  }

 private:
  std::shared_ptr<const StreamedYuNet> net_;
  const DetectorTraits& traits_;
};

class YuNetOnnxDetector : public FaceDetector {
 public:
  explicit YuNetOnnxDetector(std::unique_ptr<OnnxNet> net) : net_(std::move(net)) {}

  const DetectorTraits& traits() const override { return kTraits; }

  std::vector<FaceCandidate> propose(const at::Tensor& image, float min_score) override {
    const std::vector<at::Tensor> outputs = (*net_)(image, /*as_bgr=*/true);
    const auto cells = [](int64_t size, int64_t stride) {
      return (size + kYuNetInputMultiple - 1) / kYuNetInputMultiple * kYuNetInputMultiple / stride;
    };
    std::vector<FaceCandidate> candidates;
    for (size_t i = 0; i < kYuNetStrides.size(); ++i) {
      const int64_t stride = kYuNetStrides[i];
      const auto values = [&outputs, i](size_t head) {
        return outputs[head * kYuNetStrides.size() + i].data_ptr<float>();
      };
      decode_yunet_level({stride, cells(image.size(0), stride), cells(image.size(1), stride),
                          values(0), values(1), values(2), values(3), /*cell_step=*/1,
                          /*box_step=*/4, /*landmark_step=*/10, /*box_channel_step=*/1,
                          /*landmark_channel_step=*/1, /*is_logit=*/false},
                         min_score, candidates);
    }
    return candidates;
  }

  std::unique_ptr<FaceDetector> clone() const override {
    return std::make_unique<YuNetOnnxDetector>(net_->clone());
  }

 private:
  std::unique_ptr<OnnxNet> net_;
};

}  // namespace

void decode_yunet_level(const YuNetLevel& level, float min_score,
                        std::vector<FaceCandidate>& candidates) {
  for (int64_t row = 0; row < level.rows; ++row) {
    for (int64_t column = 0; column < level.columns; ++column) {
      const int64_t at = (row * level.columns + column) * level.cell_step;
      const float class_score =
          level.is_logit ? sigmoid(level.class_score[at]) : level.class_score[at];
      const float objectness =
          level.is_logit ? sigmoid(level.objectness[at]) : level.objectness[at];
      const float score =
          std::sqrt(std::clamp(class_score, 0.0F, 1.0F) * std::clamp(objectness, 0.0F, 1.0F));
      if (score >= min_score) {
        candidates.push_back(decode_cell(level, row, column, score));
      }
    }
  }
}

std::unique_ptr<FaceDetector> make_yunet_detector(
    const std::vector<std::pair<std::string, at::Tensor>>& tensors, const std::string& source) {
  return std::make_unique<YuNetTorchDetector>(load_streamed(tensors, source), kTraits);
}

std::unique_ptr<FaceDetector> make_house_detector(
    const std::vector<std::pair<std::string, at::Tensor>>& tensors, const std::string& source) {
  return std::make_unique<YuNetTorchDetector>(load_streamed(tensors, source), kHouseTraits);
}

std::unique_ptr<FaceDetector> make_yunet_onnx_detector(
    std::shared_ptr<const std::vector<uint8_t>> graph, const std::string& source) {
  std::vector<std::string> names;
  for (const char* head : {"cls_", "obj_", "bbox_", "kps_"}) {
    for (const int64_t stride : kYuNetStrides) {
      names.push_back(head + std::to_string(stride));
    }
  }
  return std::make_unique<YuNetOnnxDetector>(
      std::make_unique<OnnxNet>(std::move(graph), names, source));
}

}  // namespace guise::nets
