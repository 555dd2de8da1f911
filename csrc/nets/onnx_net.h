// A published ONNX graph run by OpenCV's dnn module, one thread at a time. The graph comes from
// bytes whose checksum was verified, never from a path that could change in between.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace guise::nets {

class OnnxNet {
 public:
  // Throws guise::CorruptFile naming `source` when OpenCV cannot import the bytes or an output is
  // missing.
  OnnxNet(std::shared_ptr<const std::vector<uint8_t>> bytes, std::vector<std::string> output_names,
          const std::string& source);
  ~OnnxNet();
  OnnxNet(const OnnxNet&) = delete;
  OnnxNet& operator=(const OnnxNet&) = delete;

  // image: [H, W, 3] uint8 RGB, padded with zeros to the right and below to multiples of 32.
  // Returns one float32 tensor for each output name, valid until the next call.
  std::vector<at::Tensor> operator()(const at::Tensor& image, bool as_bgr);

  // The same graph for another thread.
  std::unique_ptr<OnnxNet> clone() const;

 private:
  struct Net;
  std::shared_ptr<const std::vector<uint8_t>> bytes_;
  std::vector<std::string> output_names_;
  std::string source_;
  std::unique_ptr<Net> net_;
};

}  // namespace guise::nets
