// Generators as modules for training and for comparisons.
#include "bindings/landmark_tensors.h"
#include "bindings/module_binding.h"
#include "core/check.h"
#include "nets/pose_condition.h"
#include "nets/vec2face.h"
#include "nets/vec2face_discriminator.h"
#include "nets/vec2face_inference.h"
#include "nets/vec2face_mask.h"

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
                       const std::array<int64_t, 5>& channels, int64_t groups, double dropout,
                       bool has_unused_layers) {
             return std::make_shared<Vec2FaceImpl>(
                 Vec2FaceConfig{vector_size, width, blocks, heads, decoder_blocks, decoder_heads,
                                picture_channels, channels, groups, dropout, has_unused_layers});
           }),
           py::kw_only(), py::arg("vector_size") = base.vector_size, py::arg("width") = base.width,
           py::arg("blocks") = base.blocks, py::arg("heads") = base.heads,
           py::arg("decoder_blocks") = base.decoder_blocks,
           py::arg("decoder_heads") = base.decoder_heads,
           py::arg("picture_channels") = base.picture_channels, py::arg("channels") = base.channels,
           py::arg("groups") = base.groups, py::arg("dropout") = base.dropout,
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
          "[N, 49, width].")
      .def(
          "folded",
          [](const Vec2FaceImpl& net, const std::string& dtype) {
            GUISE_CHECK_ARG(dtype == "float32" || dtype == "bfloat16",
                            "dtype must be 'float32' or 'bfloat16'; got '", dtype, "'");
            return nets::Vec2FaceInference(net, dtype == "float32" ? at::kFloat : at::kBFloat16);
          },
          py::arg("dtype") = "float32", py::call_guard<py::gil_scoped_release>(),
          "A copy for inference on the CPU. dtype: 'float32', or 'bfloat16' (inputs of products "
          "alone) where the processor has it.");
}

void bind_vec2face_inference(py::module_& m) {
  using nets::Vec2FaceInference;
  py::class_<Vec2FaceInference>(m, "Vec2FaceInference",
                                "Vec2Face for inference on the CPU, by Vec2Face.folded().")
      .def(
          "__call__",
          [](const Vec2FaceInference& net, const at::Tensor& vectors, const at::Tensor& masked,
             const at::Tensor& dropped, const std::optional<at::Tensor>& condition) {
            return net(vectors, {masked, dropped}, condition);
          },
          py::arg("vectors"), py::arg("masked"), py::arg("dropped"),
          py::arg("condition") = py::none(), py::call_guard<py::gil_scoped_release>(),
          "As Vec2Face.forward, the images alone. Equal bytes in any batch and with any number of "
          "threads.");
}

void bind_masks(py::module_& m) {
  using nets::Vec2FaceMaskOptions;
  const Vec2FaceMaskOptions usual;
  m.def(
      "draw_masks",
      [](uint64_t seed, const std::vector<uint64_t>& keys, double low, double high, double mean,
         double sd) {
        const nets::Vec2FaceMask mask = nets::draw_masks(seed, keys, {low, high, mean, sd});
        return std::make_pair(mask.masked, mask.dropped);
      },
      py::arg("seed"), py::arg("keys"), py::kw_only(), py::arg("low") = usual.low,
      py::arg("high") = usual.high, py::arg("mean") = usual.mean, py::arg("sd") = usual.sd,
      "Which of Vec2Face's tokens are masked and which dropped, bool [N, 49] each; a row follows "
      "from (seed, key) alone. Shares of the tokens: low, high, and mean and sd of a normal "
      "distribution cut off there.");
}

void bind_pose_condition(py::module_& m) {
  using nets::PoseConditionImpl;
  bind_net<PoseConditionImpl>(
      m, "PoseCondition",
      "Vec2Face+'s pose branch: drawings of five landmarks, float [N, 3, 112, 112] RGB in -1..1 -> "
      "[N, 1, width].")
      .def(py::init<int64_t>(), py::arg("width") = 768);
  m.def(
      "draw_landmarks",
      [](const at::Tensor& landmarks) {
        const std::vector<core::Landmarks5> faces = landmark_list_from(landmarks);
        at::Tensor drawings = at::empty({landmarks.size(0), 3, 112, 112});
        for (size_t i = 0; i < faces.size(); ++i) {
          drawings.select(0, static_cast<int64_t>(i)).copy_(nets::draw_landmarks(faces[i]));
        }
        return drawings;
      },
      py::arg("landmarks"), "float [N, 5, 2] px of the 112 px crop -> the drawings it takes.");
}

void bind_discriminator(py::module_& m) {
  using nets::Vec2FaceDiscriminatorConfig;
  using nets::Vec2FaceDiscriminatorImpl;
  bind_net<Vec2FaceDiscriminatorImpl>(
      m, "Vec2FaceDiscriminator",
      "float [N, 3, H, W] RGB, about -1..1, sides multiples of 8 and at least 32 -> float "
      "[N, 1, H/8 - 3, W/8 - 3], a judgement a patch: 1 real, 0 generated.")
      .def(py::init([](const std::array<int64_t, 4>& channels) {
             return std::make_shared<Vec2FaceDiscriminatorImpl>(
                 Vec2FaceDiscriminatorConfig{channels});
           }),
           py::kw_only(), py::arg("channels") = Vec2FaceDiscriminatorConfig().channels);
}

}  // namespace

void bind_generator_nets(py::module_& m) {
  py::module_ nets = m.def_submodule("nets");
  bind_vec2face_inference(nets);
  bind_vec2face(nets);
  bind_discriminator(nets);
  bind_masks(nets);
  bind_pose_condition(nets);
}

}  // namespace guise::bindings
