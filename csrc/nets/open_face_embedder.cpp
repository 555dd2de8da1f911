// Recognisers from files: the check that a file is the one its checksum names, and the one place
// where the range and the colour order of a crop contract are applied.
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "nets/face_embedder.h"
#include "nets/open_recogniser.h"
#include "nets/recogniser_presets.h"
#include "nets/weights.h"

namespace guise::nets {

namespace {

constexpr int64_t kMaxEmbedderBytes = int64_t{1} << 30;

class NetEmbedder : public FaceEmbedder {
 public:
  NetEmbedder(EmbedderTraits traits, InferenceNet net)
      : traits_(std::move(traits)), net_(std::move(net)) {
    const CropContract& crop = traits_.crop;
    mean_ = at::tensor({crop.mean[0], crop.mean[1], crop.mean[2]}).view({1, 3, 1, 1});
    std_ = at::tensor({crop.std[0], crop.std[1], crop.std[2]}).view({1, 3, 1, 1});
  }

  const EmbedderTraits& traits() const override { return traits_; }

  RawEmbeddings embed(const at::Tensor& crops) const override {
    GUISE_CHECK_ARG(crops.scalar_type() == at::kByte && crops.dim() == 4 && crops.size(3) == 3,
                    "crops must be uint8 [N, ", traits_.crop.height_px, ", ", traits_.crop.width_px,
                    ", 3]; got ", crops.sizes(), " ", c10::toString(crops.scalar_type()));
    const c10::NoGradGuard no_grad;
    const at::Tensor pixels = traits_.crop.is_bgr ? crops.flip(3) : crops;
    // [N, H, W, 3] seen as [N, 3, H, W] with the channels last in memory.
    const at::Tensor planes = pixels.permute({0, 3, 1, 2}).to(at::kFloat);
    const InferenceOutputs outputs = net_(planes.sub_(mean_).div_(std_));
    RawEmbeddings result{outputs[0], {}};
    if (traits_.has_quality) result.quality = outputs[1].squeeze(1);
    return result;
  }

 private:
  EmbedderTraits traits_;
  InferenceNet net_;
  at::Tensor mean_, std_;
};

void check_crop(const EmbedderFile& file, CropSize size) {
  GUISE_CHECK_ARG(file.crop.height_px == size.height_px && file.crop.width_px == size.width_px,
                  file.name, " must be given crops of ", size.height_px, " x ", size.width_px,
                  " px (height x width), which ", file.architecture, " ", file.preset,
                  " takes; its crop contract says ", file.crop.height_px, " x ",
                  file.crop.width_px);
  const auto is_range = [](float mean, float std) {
    return std::isfinite(mean) && std::isfinite(std) && std > 0.0F;
  };
  for (size_t i = 0; i < file.crop.mean.size(); ++i) {
    GUISE_CHECK_ARG(is_range(file.crop.mean[i], file.crop.std[i]), "the crop contract of ",
                    file.name, " must have finite means and deviations above 0; channel ", i,
                    " has ", file.crop.mean[i], " and ", file.crop.std[i]);
  }
}

}  // namespace

std::shared_ptr<RecogniserNet> open_recogniser(const EmbedderFile& file) {
  const auto tensors = read_verified_tensors(file.path, file.sha256, file.name, kMaxEmbedderBytes);
  const auto net = make_recogniser(file.architecture, file.preset, tensors, file.path);
  check_crop(file, net->crop_size());
  load_state_dict(*net, tensors, file.path);
  return net;
}

std::unique_ptr<FaceEmbedder> open_face_embedder(const EmbedderFile& file) {
  const auto net = open_recogniser(file);
  return std::make_unique<NetEmbedder>(
      EmbedderTraits{file.name, net->dimension(), file.crop, net->has_quality()}, net->folded());
}

}  // namespace guise::nets
