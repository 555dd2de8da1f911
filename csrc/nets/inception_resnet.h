// InceptionResnetV1, the net of FaceNet (Schroff, Kalenichenko, Philbin 2015; Szegedy et al. 2016),
// in the layout of facenet-pytorch: 714 tensors, 23.48 M parameters. The classifier of the
// published files (logits.*) is dropped when they are converted.
//
// Input: [N, 3, 160, 160] RGB, (value - 127.5) / 128; published weights were trained on upright
// boxes, not on aligned crops. Output: 512 numbers, raw.
#pragma once

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <string>
#include <vector>

#include "nets/conv_units.h"
#include "nets/recogniser_net.h"

namespace guise::nets {

class InceptionResnetImpl : public RecogniserNet {
 public:
  InceptionResnetImpl();

  int64_t dimension() const override;
  CropSize crop_size() const override { return {160, 160}; }

 protected:
  LayerValue flow(LayerOps& ops, const LayerValue& x) const override;

 private:
  using Branch = std::vector<ConvUnit>;  // one after the other

  // Branches side by side. With a projection: joined, back to the channels of the input, scaled,
  // and added to it. Without: joined with the input's 3 x 3 maximum, at half the size.
  struct Block {
    std::vector<Branch> branches;
    torch::nn::Conv2d projection{nullptr};
    double scale = 1.0;
    bool ends_in_relu = true;

    LayerValue flow(LayerOps& ops, const LayerValue& x) const;
  };

  // A branch is a list of convolutions; a single one has no number in its path.
  static Branch add_branch(ModuleTree& tree, const std::string& path,
                           const std::vector<ConvolutionShape>& shapes);
  void add_stem(ModuleTree& tree);
  void add_residual(ModuleTree& tree, const std::string& path,
                    const std::vector<std::vector<ConvolutionShape>>& branches, double scale);
  void add_reduction(ModuleTree& tree, const std::string& path,
                     const std::vector<std::vector<ConvolutionShape>>& branches);

  std::vector<ConvUnit> stem_;
  std::vector<Block> blocks_;
  torch::nn::Linear linear_{nullptr};
  torch::nn::BatchNorm1d norm_{nullptr};
};
TORCH_MODULE(InceptionResnet);

}  // namespace guise::nets
