// The graph takes RGB, 0..255, no mean, and answers with four maps of stride 4: heat [1], log size
// (h, w) [2], centre offset (y, x) [2], landmarks (y, x) x 5 [10] in units of the box. Sizes are
// exp(v) * 4.
#include "nets/centerface_detector.h"

#include <ATen/ATen.h>

#include <cmath>

#include "nets/onnx_net.h"

namespace guise::nets {

namespace {

constexpr double kStride = 4.0;

const DetectorTraits kTraits{"centerface",
                             /*propose_score=*/0.1F,
                             /*sure_score=*/0.5F,
                             /*accept_score=*/0.3F,
                             /*review_score=*/0.2F,
                             /*tile_px=*/1024,
                             /*level_step=*/2,
                             /*look_face_px=*/64.0};

class CenterFaceDetector : public FaceDetector {
 public:
  explicit CenterFaceDetector(std::unique_ptr<OnnxNet> net) : net_(std::move(net)) {}

  const DetectorTraits& traits() const override { return kTraits; }

  std::vector<FaceCandidate> propose(const at::Tensor& image, float min_score) override {
    const std::vector<at::Tensor> maps = (*net_)(image, /*as_bgr=*/false);
    const int64_t rows = maps[0].size(2), columns = maps[0].size(3), cells = rows * columns;
    const float* heat = maps[0].data_ptr<float>();
    std::vector<FaceCandidate> candidates;
    for (int64_t cell = 0; cell < cells; ++cell) {
      if (heat[cell] >= min_score) {
        candidates.push_back(decode(maps, cell, cells, columns));
      }
    }
    return candidates;
  }

  std::unique_ptr<FaceDetector> clone() const override {
    return std::make_unique<CenterFaceDetector>(net_->clone());
  }

 private:
  static FaceCandidate decode(const std::vector<at::Tensor>& maps, int64_t cell, int64_t cells,
                              int64_t columns) {
    const auto value = [&](size_t map, int64_t channel) {
      return static_cast<double>(maps[map].data_ptr<float>()[channel * cells + cell]);
    };
    const double height = std::exp(value(1, 0)) * kStride;
    const double width = std::exp(value(1, 1)) * kStride;
    const double centre_y = (static_cast<double>(cell / columns) + value(2, 0) + 0.5) * kStride;
    const double centre_x = (static_cast<double>(cell % columns) + value(2, 1) + 0.5) * kStride;
    FaceCandidate face;
    face.box = {centre_x - width / 2, centre_y - height / 2, centre_x + width / 2,
                centre_y + height / 2};
    face.score = static_cast<float>(value(0, 0));
    for (int64_t k = 0; k < 5; ++k) {
      face.landmarks[static_cast<size_t>(k)] = {face.box.x0 + value(3, 2 * k + 1) * width,
                                                face.box.y0 + value(3, 2 * k) * height};
    }
    return face;
  }

  std::unique_ptr<OnnxNet> net_;
};

}  // namespace

std::unique_ptr<FaceDetector> make_centerface_detector(
    std::shared_ptr<const std::vector<uint8_t>> graph, const std::string& source) {
  return std::make_unique<CenterFaceDetector>(std::make_unique<OnnxNet>(
      std::move(graph), std::vector<std::string>{"537", "538", "539", "540"}, source));
}

}  // namespace guise::nets
