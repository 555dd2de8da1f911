#include "bindings/common.h"
#include "ops/feather_blend.h"
#include "ops/gaussian_blur.h"
#include "ops/nms.h"
#include "ops/pixelate.h"
#include "ops/warp_affine.h"

namespace guise::bindings {

void bind_ops(py::module_& m) {
  py::module_ ops = m.def_submodule("ops", "Stateless tensor kernels.");
  ops.def("warp_affine", &guise::ops::warp_affine, py::arg("image"), py::arg("crop_to_image"),
          py::arg("height_px"), py::arg("width_px"), py::call_guard<py::gil_scoped_release>(),
          "uint8 [H, W, 3], float64 [N, 2, 3] -> uint8 [N, h, w, 3]; bilinear, black outside.");
  ops.def("feather_blend", &guise::ops::feather_blend, py::arg("background"), py::arg("foreground"),
          py::arg("weight"), py::call_guard<py::gil_scoped_release>(),
          "uint8 [H, W, 3] twice, float32 [H, W] in [0, 1] -> uint8 [H, W, 3].");
  ops.def("pixelate", &guise::ops::pixelate, py::arg("image"), py::arg("block_px"),
          py::call_guard<py::gil_scoped_release>(),
          "uint8 [H, W, 3] -> the same with each block its exact mean.");
  ops.def("gaussian_blur", &guise::ops::gaussian_blur, py::arg("image"), py::arg("mask"),
          py::arg("sigma_px"), py::call_guard<py::gil_scoped_release>(),
          "uint8 [H, W, 3], bool [H, W] -> blurred where the mask is true.");
  ops.def("nms", &guise::ops::nms, py::arg("boxes"), py::arg("scores"), py::arg("iou_threshold"),
          py::call_guard<py::gil_scoped_release>(),
          "float32 [N, 4], float32 [N] -> int64 [K], kept indices by falling score.");
}

}  // namespace guise::bindings
