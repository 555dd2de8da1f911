#include "nets/face_generator.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "core/check.h"
#include "nets/weights.h"

namespace guise::nets {

namespace {

constexpr int64_t kMaxGeneratorBytes = int64_t{4} << 30;
constexpr std::array<const char*, 5> kExtras = {
    "identities.mean", "identities.basis", "variation.basis", "pose_head.weight", "pose_head.bias"};
const std::string kConditionPrefix = "pose_condition.";

}  // namespace

FaceGenerator::FaceGenerator(const GeneratorFile& file)
    : file_(file), net_(Vec2FaceConfig::preset(file.preset)) {
  GUISE_CHECK_ARG(file.dtype == "float32" || file.dtype == "bfloat16",
                  "dtype must be 'float32' or 'bfloat16'; got '", file.dtype, "'");
  std::vector<std::pair<std::string, at::Tensor>> own, condition;
  for (auto& [name, tensor] :
       read_verified_tensors(file.path, file.sha256, file.name, kMaxGeneratorBytes)) {
    if (name.starts_with(kConditionPrefix) && file.has_pose_condition) {
      condition.emplace_back(name.substr(kConditionPrefix.size()), tensor);
    } else if (std::find(kExtras.begin(), kExtras.end(), name) != kExtras.end()) {
      extras_[name] = tensor.to(at::kFloat).contiguous();
    } else {
      own.emplace_back(name, tensor);
    }
  }
  load_state_dict(*net_, own, file.path);
  net_->eval();
  if (file.has_pose_condition) {
    pose_condition_ = PoseCondition(net_->config().width);
    load_state_dict(*pose_condition_, condition, file.path + ", " + kConditionPrefix + "*");
    pose_condition_->eval();
  }
  for (at::Tensor& parameter : net_->parameters()) parameter.requires_grad_(false);
  inference_ = std::make_unique<const Vec2FaceInference>(
      *net_, file.dtype == "bfloat16" ? at::kBFloat16 : at::kFloat);
}

at::Tensor FaceGenerator::draw(const at::Tensor& vectors, const Vec2FaceMask& mask,
                               const std::optional<at::Tensor>& drawings) const {
  GUISE_CHECK_ARG(!drawings || file_.has_pose_condition, file_.name,
                  " takes no drawings of landmarks; a generator with a pose condition does");
  const c10::InferenceMode no_grad;
  std::optional<at::Tensor> condition;
  if (drawings) condition = pose_condition_.ptr()->forward(*drawings);
  return (*inference_)(vectors, mask, condition);
}

at::Tensor FaceGenerator::draw_with_gradients(const at::Tensor& vectors,
                                              const Vec2FaceMask& mask) const {
  // forward() of a module is not const, but changes nothing in eval mode.
  return net_.ptr()->forward(vectors, mask).images;
}

at::Tensor FaceGenerator::extra(const std::string& name) const {
  const auto found = extras_.find(name);
  return found == extras_.end() ? at::Tensor() : found->second;
}

at::Tensor bytes_of_images(const at::Tensor& images) {
  return ((images + 1) / 2 * 255).clamp(0, 255).to(at::kByte).permute({0, 2, 3, 1}).contiguous();
}

}  // namespace guise::nets
