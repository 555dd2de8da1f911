// Recognisers as modules for training and for comparisons. guise.embed does not use these: it opens
// a file with a FaceEmbedder.
#include "bindings/module_binding.h"
#include "core/check.h"
#include "nets/house_recogniser.h"
#include "nets/inception_resnet.h"
#include "nets/ir_backbone.h"
#include "nets/iresnet.h"
#include "nets/mobilefacenet.h"

namespace guise::bindings {

py::object state_dict_of(const torch::nn::Module& module, const py::object& destination,
                         const std::string& prefix, bool keep_vars) {
  py::object result = destination.is_none()
                          ? py::module_::import("collections").attr("OrderedDict")()
                          : destination;
  for (const auto& [key, tensor] : nets::state_dict(module)) {
    result[py::str(prefix + key)] = keep_vars ? tensor : tensor.detach();
  }
  return result;
}

void load_state_dict_into(torch::nn::Module& module,
                          const std::map<std::string, at::Tensor>& tensors) {
  try {
    nets::load_state_dict(module, {tensors.begin(), tensors.end()}, "the state dict");
  } catch (const CorruptFile& error) {
    throw std::invalid_argument(error.what());
  }
}

namespace {

template <typename Net>
torch::python::detail::PyModuleClass<Net> bind_recogniser(py::module_& m, const char* name,
                                                          const char* doc) {
  auto bound = bind_net<Net>(m, name, doc);
  bound
      .def("estimate_quality", &Net::estimate_quality, py::arg("raw_embeddings"),
           py::call_guard<py::gil_scoped_release>(),
           "Raw embeddings [N, D] -> [N], higher is better; needs has_quality.")
      .def("folded", &Net::folded, py::call_guard<py::gil_scoped_release>(),
           "The same function for inference on the CPU, as it is now.")
      .def_property_readonly("dimension", &Net::dimension)
      .def_property_readonly("has_quality", &Net::has_quality)
      .def_property_readonly(
          "crop_size_px",
          [](const Net& net) {
            return std::make_pair(net.crop_size().height_px, net.crop_size().width_px);
          },
          "(height, width)");
  return bound;
}

// A net whose config has presets by name.
template <typename Net, typename Config>
void bind_by_preset(py::module_& m, const char* name, const char* doc) {
  bind_recogniser<Net>(m, name, doc)
      .def(py::init([](const std::string& preset) {
             return std::make_shared<Net>(Config::preset(preset));
           }),
           py::arg("preset"));
}

void bind_house_recogniser(py::module_& m) {
  using nets::HouseRecogniserConfig;
  using nets::HouseRecogniserImpl;
  const HouseRecogniserConfig preset;
  bind_recogniser<HouseRecogniserImpl>(
      m, "HouseRecogniser",
      "float [N, 3, 64, 64] RGB, (value - 127.5) / 127.5 -> raw embeddings [N, dimension].")
      .def(py::init([](const std::array<int64_t, 4>& channels, const std::array<int64_t, 4>& blocks,
                       int64_t dimension, bool has_quality) {
             return std::make_shared<HouseRecogniserImpl>(
                 HouseRecogniserConfig{channels, blocks, dimension, has_quality});
           }),
           py::kw_only(), py::arg("channels") = preset.channels, py::arg("blocks") = preset.blocks,
           py::arg("dimension") = preset.dimension, py::arg("has_quality") = preset.has_quality)
      .def("stage_features", &HouseRecogniserImpl::stage_features, py::arg("x"),
           py::call_guard<py::gil_scoped_release>(),
           "float [N, 3, H, W] -> what the stem and the four stages make of it.");
}

void bind_inference_net(py::module_& m) {
  using nets::InferenceNet;
  py::class_<InferenceNet>(m, "InferenceNet",
                           "A network for inference on the CPU: norms folded, weights packed.")
      .def("__call__", &InferenceNet::operator(), py::arg("x"),
           py::call_guard<py::gil_scoped_release>(),
           "float32 [N, 3, H, W] -> its outputs: raw embeddings [N, D], then quality [N, 1] where "
           "the net has one. Equal bytes in any batch.")
      .def("plain", &InferenceNet::plain, "The same by ATen's own operations, for comparison.");
}

}  // namespace

void bind_nets(py::module_& m) {
  py::module_ nets =
      m.def_submodule("nets", "Networks as torch.nn.Module, for training and comparisons.");
  bind_inference_net(nets);
  bind_house_recogniser(nets);
  bind_by_preset<nets::IResNetImpl, nets::IResNetConfig>(
      nets, "IResNet", "float [N, 3, 112, 112] RGB, (value - 127.5) / 127.5 -> [N, 512].");
  bind_by_preset<nets::IrBackboneImpl, nets::IrBackboneConfig>(
      nets, "IrBackbone", "float [N, 3, 112, 112], (value - 127.5) / 127.5 -> [N, 512].");
  bind_by_preset<nets::MobileFaceNetImpl, nets::MobileFaceNetConfig>(
      nets, "MobileFaceNet", "float [N, 3, 112, 112 or 96] -> [N, 512 or 128], by preset.");
  bind_recogniser<nets::InceptionResnetImpl>(
      nets, "InceptionResnet", "float [N, 3, 160, 160] RGB, (value - 127.5) / 128 -> [N, 512].")
      .def(py::init<>());
}

}  // namespace guise::bindings
