#include "nets/face_measures.h"

#include <ATen/ATen.h>

#include "core/check.h"
#include "nets/house_recogniser.h"
#include "nets/open_recogniser.h"

namespace guise::nets {

namespace {

constexpr int64_t kLastPlaces = 16;  // 4 x 4
constexpr double kHalfRange = 127.5;

void check_pose(const RecogniserNet& net, const PoseHead& pose) {
  if (!pose.weight.defined()) return;
  const auto* house = dynamic_cast<const HouseRecogniserImpl*>(&net);
  GUISE_CHECK_ARG(house != nullptr, "a pose head needs a house recogniser");
  const int64_t width = house->config().channels.back() * kLastPlaces;
  GUISE_CHECK_ARG(pose.weight.sizes() == at::IntArrayRef({2, width}) &&
                      pose.bias.sizes() == at::IntArrayRef({2}),
                  "the pose head of this recogniser must be [2, ", width, "] and [2]; got ",
                  pose.weight.sizes(), " and ", pose.bias.sizes());
}

}  // namespace

MeasureFaces::MeasureFaces(const EmbedderFile& file, PoseHead pose)
    : crop_(file.crop), net_(open_recogniser(file)), pose_(std::move(pose)) {
  check_pose(*net_, pose_);
  net_->eval();
  for (at::Tensor& parameter : net_->parameters()) parameter.requires_grad_(false);
  const at::Tensor mean = at::tensor({crop_.mean[0], crop_.mean[1], crop_.mean[2]});
  const at::Tensor std = at::tensor({crop_.std[0], crop_.std[1], crop_.std[2]});
  scale_ = (kHalfRange / std).view({1, 3, 1, 1});
  shift_ = ((kHalfRange - mean) / std).view({1, 3, 1, 1});
}

FaceMeasures MeasureFaces::operator()(const at::Tensor& images) const {
  at::Tensor x = crop_.is_bgr ? images.flip(1) : images;
  x = x * scale_ + shift_;
  if (x.size(2) != crop_.height_px || x.size(3) != crop_.width_px) {
    x = at::_upsample_bilinear2d_aa(x, {crop_.height_px, crop_.width_px}, /*align_corners=*/false);
  }
  FaceMeasures measures;
  measures.embeddings = net_->forward(x);
  if (net_->has_quality()) measures.quality = net_->estimate_quality(measures.embeddings);
  if (pose_.weight.defined()) {
    auto& house = dynamic_cast<HouseRecogniserImpl&>(*net_);
    const at::Tensor last = house.stage_features(x).back().contiguous().flatten(1);
    measures.yaw_deg = at::linear(last, pose_.weight, pose_.bias).select(1, 0);
  }
  return measures;
}

}  // namespace guise::nets
