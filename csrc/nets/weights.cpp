#include "nets/weights.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <map>

#include "core/check.h"
#include "io/atomic_file.h"
#include "io/safetensors.h"
#include "io/sha256.h"

namespace guise::nets {

namespace {

constexpr size_t kListedKeys = 10;

std::string listed(const std::string& title, const std::vector<std::string>& keys) {
  if (keys.empty()) {
    return "";
  }
  std::string text = "; " + std::to_string(keys.size()) + " " + title + ":";
  for (size_t i = 0; i < keys.size() && i < kListedKeys; ++i) {
    text += " " + keys[i];
  }
  return keys.size() > kListedKeys ? text + " ..." : text;
}

}  // namespace

std::vector<std::pair<std::string, at::Tensor>> read_verified_tensors(const std::string& path,
                                                                      const std::string& sha256,
                                                                      const std::string& model,
                                                                      int64_t most_bytes) {
  const std::vector<uint8_t> bytes = io::read_file(path, most_bytes);
  const std::string actual = io::sha256_hex(bytes.data(), bytes.size());
  if (!sha256.empty() && actual != sha256) {
    throw CorruptFile(core::message(path, " must have the sha256 ", sha256, "; it has ", actual,
                                    ". Delete it and run 'guise models fetch ", model, "'"));
  }
  return io::parse_safetensors(bytes.data(), bytes.size(), path).tensors;
}

std::vector<std::pair<std::string, at::Tensor>> state_dict(const torch::nn::Module& module) {
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (const auto& item : module.named_parameters()) {
    tensors.emplace_back(item.key(), item.value());
  }
  for (const auto& item : module.named_buffers()) {
    tensors.emplace_back(item.key(), item.value());
  }
  return tensors;
}

void load_state_dict(torch::nn::Module& module,
                     const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                     const std::string& source) {
  std::map<std::string, at::Tensor> wanted;
  for (const auto& [key, tensor] : state_dict(module)) {
    wanted.emplace(key, tensor);
  }
  std::vector<std::string> unexpected, misshapen, missing;
  std::vector<std::pair<at::Tensor, at::Tensor>> copies;
  for (const auto& [key, tensor] : tensors) {
    const auto found = wanted.find(key);
    if (found == wanted.end()) {
      unexpected.push_back(key);
      continue;
    }
    if (found->second.sizes() != tensor.sizes()) {
      misshapen.push_back(core::message(key, " ", tensor.sizes(), " for ", found->second.sizes()));
    } else {
      copies.emplace_back(found->second, tensor);
    }
    wanted.erase(found);
  }
  for (const auto& [key, tensor] : wanted) {
    missing.push_back(key);
  }
  if (!unexpected.empty() || !misshapen.empty() || !missing.empty()) {
    throw CorruptFile(source + " must hold exactly the tensors of its architecture" +
                      listed("missing", missing) + listed("unexpected", unexpected) +
                      listed("of another shape", misshapen) +
                      "; convert the published checkpoint again with 'guise models convert'");
  }
  const c10::NoGradGuard no_grad;
  for (auto& [target, value] : copies) {
    target.copy_(value);
  }
}

}  // namespace guise::nets
