// Generators as modules for training and for comparisons.
#include "bindings/module_binding.h"
#include "nets/vec2face.h"

namespace guise::bindings {

namespace {

void bind_vec2face(py::module_& m) {
  using nets::Vec2FaceConfig;
  using nets::Vec2FaceImpl;
  const Vec2FaceConfig base;
  bind_stateful<Vec2FaceImpl>(
      m, "Vec2Face",
      "Raw identity vectors float [N, vector_size] and masks of the 7 x 7 grid -> images float "
      "[N, 3, 112, 112] RGB, about -1..1.")
      .def(py::init([](const std::string& preset) {
             return std::make_shared<Vec2FaceImpl>(Vec2FaceConfig::preset(preset));
           }),
           py::arg("preset"))
      .def(py::init([](int64_t vector_size, int64_t width, int64_t blocks, int64_t heads,
                       int64_t decoder_blocks, int64_t decoder_heads, int64_t picture_channels,
                       const std::array<int64_t, 5>& channels, bool has_unused_layers) {
             return std::make_shared<Vec2FaceImpl>(
                 Vec2FaceConfig{vector_size, width, blocks, heads, decoder_blocks, decoder_heads,
                                picture_channels, channels, has_unused_layers});
           }),
           py::kw_only(), py::arg("vector_size") = base.vector_size, py::arg("width") = base.width,
           py::arg("blocks") = base.blocks, py::arg("heads") = base.heads,
           py::arg("decoder_blocks") = base.decoder_blocks,
           py::arg("decoder_heads") = base.decoder_heads,
           py::arg("picture_channels") = base.picture_channels, py::arg("channels") = base.channels,
           py::arg("has_unused_layers") = base.has_unused_layers)
      .def(
          "forward",
          [](Vec2FaceImpl& net, const at::Tensor& vectors, const at::Tensor& masked,
             const at::Tensor& dropped, const std::optional<at::Tensor>& condition) {
            const nets::Vec2FaceOutput made = net.forward(vectors, {masked, dropped}, condition);
            return std::make_tuple(made.images, made.tokens, made.targets);
          },
          py::arg("vectors"), py::arg("masked"), py::arg("dropped"),
          py::arg("condition") = py::none(), py::call_guard<py::gil_scoped_release>(),
          "masked, dropped: bool [N, 49], as many dropped in each row, each masked too. condition: "
          "float [N, 1, width]. Gives images, the decoder's tokens and what they should be, both "
          "[N, 49, width].");
}

}  // namespace

void bind_generator_nets(py::module_& m) {
  py::module_ nets = m.def_submodule("nets");
  bind_vec2face(nets);
}

}  // namespace guise::bindings
