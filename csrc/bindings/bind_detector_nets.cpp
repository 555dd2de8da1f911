// Detectors as modules for training and for comparisons. guise.find_faces does not use these: it
// opens a file with a FaceDetector.
#include "bindings/module_binding.h"
#include "core/check.h"
#include "nets/retinaface.h"
#include "nets/six_d_rep_net.h"
#include "nets/yunet.h"

namespace guise::bindings {

namespace {

nets::YuNetConfig yunet_preset(const std::string& preset) {
  GUISE_CHECK_ARG(preset == "n" || preset == "s", "preset must be 'n' or 's'; got '", preset, "'");
  return preset == "n" ? nets::YuNetConfig::n() : nets::YuNetConfig::s();
}

void bind_yunet(py::module_& m) {
  using nets::YuNetImpl;
  bind_net<YuNetImpl>(
      m, "YuNet",
      "float [N, 3, H, W] BGR, 0 to 255, H and W multiples of 32 -> raw maps "
      "[N, 16, H/s, W/s] for s = 8, 16, 32: class 1, box 4, objectness 1, points 10.")
      .def(py::init([](const std::string& preset) {
             return std::make_shared<YuNetImpl>(yunet_preset(preset));
           }),
           py::kw_only(), py::arg("preset") = "n");
}

void bind_retinaface(py::module_& m) {
  using nets::RetinaFaceImpl;
  bind_stateful<RetinaFaceImpl>(
      m, "RetinaFace",
      "float [N, 3, H, W] BGR minus (104, 117, 123) -> for all priors: class logits [N, A, 2], raw "
      "boxes [N, A, 4], raw landmarks [N, A, 10]. preset: mnet025-leaky, mnet025-relu or r50.")
      .def(py::init([](const std::string& preset) {
             return std::make_shared<RetinaFaceImpl>(nets::RetinaFaceConfig::preset(preset));
           }),
           py::kw_only(), py::arg("preset"))
      .def(
          "forward",
          [](RetinaFaceImpl& net, const at::Tensor& x) {
            const nets::RetinaFaceOutput output = net.forward(x);
            return std::make_tuple(output.classes, output.boxes, output.landmarks);
          },
          py::arg("x"), py::call_guard<py::gil_scoped_release>());
}

void bind_six_d_rep_net(py::module_& m) {
  using nets::SixDRepNetImpl;
  const nets::SixDRepNetConfig preset;
  bind_net<SixDRepNetImpl>(m, "SixDRepNet",
                           "float [N, 3, 224, 224] RGB, ImageNet norm -> rotations [N, 3, 3].")
      .def(py::init(
               [](const std::array<int64_t, 5>& channels, const std::array<int64_t, 4>& blocks) {
                 return std::make_shared<SixDRepNetImpl>(nets::SixDRepNetConfig{channels, blocks});
               }),
           py::kw_only(), py::arg("channels") = preset.channels, py::arg("blocks") = preset.blocks);
  m.def("rotations_of_six", &nets::rotations_of_six, py::arg("six"),
        py::call_guard<py::gil_scoped_release>(),
        "float [N, 6], two vectors -> rotations [N, 3, 3].");
  m.def("euler_degrees", &nets::euler_degrees, py::arg("rotations"),
        py::call_guard<py::gil_scoped_release>(),
        "float [N, 3, 3] -> pitch, yaw, roll, [N, 3], with the signs of 300W-LP.");
}

}  // namespace

void bind_detector_nets(py::module_& m) {
  py::module_ nets = m.def_submodule("nets");
  bind_yunet(nets);
  bind_retinaface(nets);
  bind_six_d_rep_net(nets);
}

}  // namespace guise::bindings
