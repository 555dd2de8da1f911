// Losses that recognisers are trained by: a softmax over the cosines between an embedding and the
// class centres, where the own class must win by a margin. s is the scale, c the cosine to the own
// class, theta its angle, |x| the length of the raw embedding:
//
//   ArcFace   cos(theta + m)                      Deng, Guo, Xue, Zafeiriou 2019
//   CosFace   c - m                               Wang et al. 2018
//   combined  cos(m1 theta + m2) - m3             Deng et al. 2019, section 3.2
//   AdaFace   cos(theta - m z) - (m + m z)        Kim, Jain, Liu 2022; z: |x| among its batch
//   MagFace   cos(theta + m(|x|)), plus g(|x|)    Meng, Zhao, Huang, Zhou 2021
//
// Gradients are those of the formulas; arcface_torch's are not (it leaves out d cos(theta + m) / d
// c). Constants are those of the authors' public code unless a comment says otherwise.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

namespace guise::nets {

// What every loss has.
struct MarginLossOptions {
  double scale = 64.0;           // s: of the cosines, before the softmax
  double class_share = 1.0;      // of the classes in a step (nets/sampled_classes.h), in (0, 1]
  uint64_t seed = 0;             // of the first class centres, and of the classes of each step
  bool sparse_gradient = false;  // of the class centres; only with class_share < 1
};

struct ArcFaceOptions : MarginLossOptions {
  double margin_rad = 0.5;  // m
};

struct CosFaceOptions : MarginLossOptions {
  double margin = 0.35;  // m; arcface_torch has 0.4
};

struct CombinedMarginOptions : MarginLossOptions {
  // The paper's best mixture, as remembered: not verified.
  double angle_factor = 1.0;      // m1
  double angle_margin_rad = 0.3;  // m2
  double cosine_margin = 0.2;     // m3
  // Cosines to other classes above this do not count, as if two classes were one person; 1: all do.
  double filter_above = 1.0;
};

struct AdaFaceOptions : MarginLossOptions {
  double margin = 0.4;           // m
  double concentration = 0.333;  // h: z reaches 1 at 1/h standard deviations
  double norm_rate = 0.01;       // how fast mean and deviation of |x| follow the batches
};

struct MagFaceOptions : MarginLossOptions {
  double least_norm = 10.0, largest_norm = 110.0;            // |x| outside counts as these
  double least_margin_rad = 0.45, largest_margin_rad = 0.8;  // m at these
  double norm_weight = 35.0;   // of g(|x|) = |x| / largest_norm^2 + 1 / |x|, its mean
  bool is_easy_margin = true;  // no margin where theta is above a right angle
};

// weight: float [classes, dimension], the class centres; their lengths do not matter.
class MarginLossImpl : public torch::nn::Module {
 public:
  // embeddings: float [N, dimension], raw or of length 1 (AdaFace and MagFace need them raw);
  // labels: int64 [N], N >= 1. The mean loss of the batch, in the type of `weight`, also under
  // autocast. `step` counts the steps where only a share of the classes is used. Throws ValueError
  // for wrong shapes, labels outside of [0, classes), embeddings that are not finite, and wrong
  // options.
  at::Tensor forward(const at::Tensor& embeddings, const at::Tensor& labels, int64_t step = 0);

  at::Tensor weight;

 protected:
  MarginLossImpl(int64_t classes, int64_t dimension, uint64_t seed);

  virtual const MarginLossOptions& common() const = 0;
  // Throws ValueError for options that make no sense.
  virtual void check_options() const = 0;
  // What stands for the cosine to the own class. cosine, norm: [N].
  virtual at::Tensor with_margin(const at::Tensor& cosine, const at::Tensor& norm) = 0;
  // Changes the cosines to all classes, [N, K], before the own ones are put in.
  virtual at::Tensor filtered(const at::Tensor& cosines) const { return cosines; }
  // Added to the loss; undefined: nothing.
  virtual at::Tensor penalty(const at::Tensor& /*norm*/) const { return {}; }

 private:
  void check_input(const at::Tensor& embeddings, const at::Tensor& labels) const;
};

// `options` may be changed between steps, for a margin that grows.
class ArcFaceLossImpl : public MarginLossImpl {
 public:
  ArcFaceLossImpl(int64_t classes, int64_t dimension, const ArcFaceOptions& options = {})
      : MarginLossImpl(classes, dimension, options.seed), options(options) {}
  ArcFaceOptions options;

 protected:
  const MarginLossOptions& common() const override { return options; }
  void check_options() const override;
  at::Tensor with_margin(const at::Tensor& cosine, const at::Tensor& norm) override;
};
TORCH_MODULE(ArcFaceLoss);

class CosFaceLossImpl : public MarginLossImpl {
 public:
  CosFaceLossImpl(int64_t classes, int64_t dimension, const CosFaceOptions& options = {})
      : MarginLossImpl(classes, dimension, options.seed), options(options) {}
  CosFaceOptions options;

 protected:
  const MarginLossOptions& common() const override { return options; }
  void check_options() const override;
  at::Tensor with_margin(const at::Tensor& cosine, const at::Tensor& norm) override;
};
TORCH_MODULE(CosFaceLoss);

class CombinedMarginLossImpl : public MarginLossImpl {
 public:
  CombinedMarginLossImpl(int64_t classes, int64_t dimension,
                         const CombinedMarginOptions& options = {})
      : MarginLossImpl(classes, dimension, options.seed), options(options) {}
  CombinedMarginOptions options;

 protected:
  const MarginLossOptions& common() const override { return options; }
  void check_options() const override;
  at::Tensor with_margin(const at::Tensor& cosine, const at::Tensor& norm) override;
  at::Tensor filtered(const at::Tensor& cosines) const override;
};
TORCH_MODULE(CombinedMarginLoss);

// Buffers batch_mean [1] and batch_std [1]: of |x|, followed in training mode only.
class AdaFaceLossImpl : public MarginLossImpl {
 public:
  AdaFaceLossImpl(int64_t classes, int64_t dimension, const AdaFaceOptions& options = {});
  AdaFaceOptions options;

 protected:
  const MarginLossOptions& common() const override { return options; }
  void check_options() const override;
  at::Tensor with_margin(const at::Tensor& cosine, const at::Tensor& norm) override;

 private:
  at::Tensor mean_, deviation_;
};
TORCH_MODULE(AdaFaceLoss);

class MagFaceLossImpl : public MarginLossImpl {
 public:
  MagFaceLossImpl(int64_t classes, int64_t dimension, const MagFaceOptions& options = {})
      : MarginLossImpl(classes, dimension, options.seed), options(options) {}
  MagFaceOptions options;

 protected:
  const MarginLossOptions& common() const override { return options; }
  void check_options() const override;
  at::Tensor with_margin(const at::Tensor& cosine, const at::Tensor& norm) override;
  at::Tensor penalty(const at::Tensor& norm) const override;
};
TORCH_MODULE(MagFaceLoss);

}  // namespace guise::nets
