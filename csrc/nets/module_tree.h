// Registers modules by the dotted paths under which checkpoints name them; groups in between are
// made as needed.
#pragma once

#include <torch/nn/module.h>

#include <map>
#include <memory>
#include <string>

namespace guise::nets {

class ModuleTree {
 public:
  // `root` must outlive the tree.
  explicit ModuleTree(torch::nn::Module& root) : root_(root) {}

  // Registers `layer` (a torch::nn holder) as `path`, such as "layer1.0.bn1", and gives it back.
  // A path is used once.
  template <typename Layer>
  Layer add(const std::string& path, Layer layer) {
    const size_t dot = path.rfind('.');
    torch::nn::Module& parent = dot == std::string::npos ? root_ : group(path.substr(0, dot));
    return parent.register_module(dot == std::string::npos ? path : path.substr(dot + 1), layer);
  }

 private:
  torch::nn::Module& group(const std::string& path) {
    const auto found = groups_.find(path);
    if (found != groups_.end()) return *found->second;
    return *(groups_[path] = add(path, std::make_shared<torch::nn::Module>()));
  }

  torch::nn::Module& root_;
  std::map<std::string, std::shared_ptr<torch::nn::Module>> groups_;
};

}  // namespace guise::nets
