// OpenCV 4.6 folds BatchNorm into convolutions again each time the input's shape changes and then
// computes nonsense without a word (seen with CenterFace: the sum of the heat map went from 262 to
// 393 at the second shape). So a graph is used for one shape only and imported anew for another,
// which takes about 5 ms.
#include "nets/onnx_net.h"

#include <ATen/ATen.h>

#include <opencv2/dnn.hpp>
#include <opencv2/imgproc.hpp>

#include "core/check.h"
#include "core/cv_bridge.h"

namespace guise::nets {

namespace {

constexpr int kInputMultiple = 32;

int rounded_up(int64_t size) {
  return static_cast<int>((size + kInputMultiple - 1) / kInputMultiple * kInputMultiple);
}

}  // namespace

struct OnnxNet::Net {
  cv::dnn::Net graph;
  cv::Size shape;  // that the graph was used for; empty after import
  cv::Mat padded, blob;
  std::vector<cv::Mat> outputs;
};

namespace {

cv::dnn::Net import_graph(const std::vector<uint8_t>& bytes, const std::string& source) {
  try {
    return cv::dnn::readNetFromONNX(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  } catch (const cv::Exception& error) {
    throw CorruptFile(source +
                      " must be an ONNX graph that OpenCV can import; it said: " + error.err);
  }
}

}  // namespace

OnnxNet::OnnxNet(std::shared_ptr<const std::vector<uint8_t>> bytes,
                 std::vector<std::string> output_names, const std::string& source)
    : bytes_(std::move(bytes)),
      output_names_(std::move(output_names)),
      source_(source),
      net_(std::make_unique<Net>()) {
  net_->graph = import_graph(*bytes_, source_);
  for (const std::string& name : output_names_) {
    if (net_->graph.getLayerId(name) < 0) {
      throw CorruptFile(source + " must have the output '" + name +
                        "'; it is another network, or another export of this one");
    }
  }
}

OnnxNet::~OnnxNet() = default;

std::vector<at::Tensor> OnnxNet::operator()(const at::Tensor& image, bool as_bgr) {
  const cv::Mat pixels = core::mat_view(image);
  const int height = rounded_up(image.size(0)), width = rounded_up(image.size(1));
  const cv::Size shape(width, height);
  if (!net_->shape.empty() && net_->shape != shape) {
    net_->graph = import_graph(*bytes_, source_);
  }
  net_->shape = shape;
  cv::copyMakeBorder(pixels, net_->padded, 0, height - pixels.rows, 0, width - pixels.cols,
                     cv::BORDER_CONSTANT, cv::Scalar());
  cv::dnn::blobFromImage(net_->padded, net_->blob, /*scalefactor=*/1.0, cv::Size(), cv::Scalar(),
                         /*swapRB=*/as_bgr);
  net_->graph.setInput(net_->blob);
  net_->outputs.clear();
  net_->graph.forward(net_->outputs, output_names_);
  std::vector<at::Tensor> tensors;
  for (const cv::Mat& output : net_->outputs) {
    std::vector<int64_t> sizes(output.size.p, output.size.p + output.dims);
    tensors.push_back(at::from_blob(output.data, sizes, at::kFloat));
  }
  return tensors;
}

std::unique_ptr<OnnxNet> OnnxNet::clone() const {
  return std::make_unique<OnnxNet>(bytes_, output_names_, source_);
}

}  // namespace guise::nets
