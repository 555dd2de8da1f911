// RetinaFace ("RetinaFace: Single-stage Dense Face Localisation in the Wild", Deng et al. 2019) in
// the layout of Pytorch_Retinaface. Child names are the keys of its checkpoints, without "module.".
//   mnet025-leaky  MobileNetV1 x 0.25, LeakyReLU(0.1): Pytorch_Retinaface      433,343 elements
//   mnet025-relu   the same names and shapes with ReLU and smaller priors: Face-Detector-1MB
//   r50            ResNet-50, ReLU in neck and heads: Pytorch_Retinaface
// The first two load each other's files, and then place landmarks wrongly: which one a file is, no
// tensor tells.
//
// Input: [N, 3, H, W] float32, BGR, 0..255 minus (104, 117, 123); any H and W.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/pimpl.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace guise::nets {

inline constexpr std::array<int64_t, 3> kRetinaFaceStrides = {8, 16, 32};
inline constexpr int64_t kRetinaFacePriors = 2;  // a cell

struct RetinaFaceConfig {
  bool is_resnet50 = false;
  double slope = 0.1;  // of LeakyReLU in body (MobileNet), neck and heads; 0: ReLU
  // Sides of the two square priors of a level's cells, px.
  std::array<std::array<double, kRetinaFacePriors>, 3> priors_px = {
      {{16, 32}, {64, 128}, {256, 512}}};

  // "mnet025-leaky", "mnet025-relu", "r50". Throws ValueError for another word.
  static RetinaFaceConfig preset(const std::string& name);
};

// For all priors, A = 2 (cells of all levels): level by level, row by row, cell by cell.
struct RetinaFaceOutput {
  at::Tensor classes;    // [N, A, 2] logits: no face, face
  at::Tensor boxes;      // [N, A, 4] raw: x, y, log w, log h
  at::Tensor landmarks;  // [N, A, 10] raw: x, y of five points
};

// The layers and how they are joined.
struct RetinaFaceLayers {
  // Convolution, norm (none once folded), LeakyReLU unless there is no slope.
  struct Unit {
    torch::nn::Conv2d conv{nullptr};
    torch::nn::BatchNorm2d norm{nullptr};
    std::optional<double> slope;

    at::Tensor operator()(const at::Tensor& x) const;
  };
  struct Bottleneck {
    std::array<Unit, 3> units;
    std::optional<Unit> shortcut;
  };
  // The context module: three sizes of surroundings, side by side.
  struct Context {
    Unit small, shared, middle, large_first, large;
  };
  struct Heads {
    torch::nn::Conv2d classes{nullptr}, boxes{nullptr}, landmarks{nullptr};
  };

  std::array<std::vector<Unit>, 3> mobile_stages;  // MobileNet
  Unit stem;                                       // ResNet, as the next
  std::array<std::vector<Bottleneck>, 4> residual_stages;
  std::array<Unit, 3> lateral;
  std::array<Unit, 2> merge;
  std::array<Context, 3> context;
  std::array<Heads, 3> heads;

  RetinaFaceOutput operator()(const at::Tensor& x) const;
  // The same function with norms merged into convolutions, and channels last in memory.
  RetinaFaceLayers folded() const;

 private:
  std::array<at::Tensor, 3> body(const at::Tensor& x) const;
  std::array<at::Tensor, 3> neck(const std::array<at::Tensor, 3>& levels) const;
};

class RetinaFaceImpl : public torch::nn::Module {
 public:
  explicit RetinaFaceImpl(const RetinaFaceConfig& config = {});
  // Throws ValueError for another shape of input.
  RetinaFaceOutput forward(const at::Tensor& x);

  const RetinaFaceConfig& config() const { return config_; }
  const RetinaFaceLayers& layers() const { return layers_; }

 private:
  RetinaFaceConfig config_;
  RetinaFaceLayers layers_;
};
TORCH_MODULE(RetinaFace);

}  // namespace guise::nets
