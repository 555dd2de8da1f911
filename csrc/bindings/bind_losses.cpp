// What networks are trained by: functions and modules whose gradients autograd follows.
#include <optional>

#include "bindings/module_binding.h"
#include "bindings/options_class.h"
#include "nets/margin_loss.h"
#include "nets/sampled_classes.h"
#include "nets/yunet_loss.h"

namespace guise::bindings {

namespace {

void bind_yunet_loss(py::module_& m) {
  using nets::YuNetLossOptions;
  OptionsClass<YuNetLossOptions>(m, "YuNetLossOptions", "How the training loss of YuNet is made.")
      .field("centre_radius", &YuNetLossOptions::centre_radius,
             "a cell may answer for a face whose middle is nearer than this, in strides")
      .field("top_candidates", &YuNetLossOptions::top_candidates,
             "best predictions of a face, whose overlaps sum up to the cells it gets")
      .field("overlap_cost", &YuNetLossOptions::overlap_cost,
             "weight of the overlap, beside the score, where cells are chosen")
      .field("box_weight", &YuNetLossOptions::box_weight, "of the box loss (Extended-IoU)")
      .field("box_smooth_point", &YuNetLossOptions::box_smooth_point,
             "below this 1 - IoU the box loss is quadratic; 0: nowhere")
      .field("class_weight", &YuNetLossOptions::class_weight, "of the class loss")
      .field("objectness_weight", &YuNetLossOptions::objectness_weight, "of the objectness loss")
      .field("landmark_weight", &YuNetLossOptions::landmark_weight, "of the landmark loss")
      .field("landmark_beta", &YuNetLossOptions::landmark_beta,
             "below this many strides the landmark loss is quadratic")
      .finish();
  m.def(
      "yunet_loss",
      [](const std::array<at::Tensor, 3>& outputs, const at::Tensor& boxes,
         const at::Tensor& landmarks, const at::Tensor& pictures,
         const std::optional<at::Tensor>& has_landmarks, const std::optional<at::Tensor>& ignored,
         const YuNetLossOptions& options) {
        return nets::yunet_loss(outputs,
                                {boxes, landmarks, pictures, has_landmarks.value_or(at::Tensor()),
                                 ignored.value_or(at::Tensor())},
                                options);
      },
      py::arg("outputs"), py::arg("boxes"), py::arg("landmarks"), py::arg("pictures"),
      py::kw_only(), py::arg("has_landmarks") = py::none(), py::arg("ignored") = py::none(),
      py::arg("options") = YuNetLossOptions(), py::call_guard<py::gil_scoped_release>(),
      "YuNet's three maps, float [M, 4] px, float [M, 5, 2] px, int64 [M] (the picture of each "
      "face), bool [M] twice -> the training loss, a scalar.");
}

// Options of a margin loss with the fields that all of them have; the caller adds its own.
template <typename Options>
OptionsClass<Options> margin_options(py::module_& m, const char* name, const char* doc) {
  using nets::MarginLossOptions;
  OptionsClass<Options> bound(m, name, doc);
  bound.template field<double>("scale", &MarginLossOptions::scale, "of the cosines")
      .template field<double>("class_share", &MarginLossOptions::class_share,
                              "of the classes that take part in a step, above 0, at most 1")
      .template field<uint64_t>("seed", &MarginLossOptions::seed,
                                "of the first class centres and of the classes of each step")
      .template field<bool>("sparse_gradient", &MarginLossOptions::sparse_gradient,
                            "of the class centres, where class_share is below 1");
  return bound;
}

template <typename Loss, typename Options>
void bind_margin_loss(py::module_& m, const char* name, const char* doc) {
  bind_stateful<Loss>(m, name, doc)
      .def(py::init([](int64_t classes, int64_t dimension, const Options& options) {
             return std::make_shared<Loss>(classes, dimension, options);
           }),
           py::kw_only(), py::arg("classes"), py::arg("dimension"), py::arg("options") = Options())
      .def("forward", &Loss::forward, py::arg("embeddings"), py::arg("labels"), py::kw_only(),
           py::arg("step") = 0, py::call_guard<py::gil_scoped_release>(),
           "float [N, dimension], int64 [N] -> the mean loss.")
      .def_readonly("options", &Loss::options, "May be changed between steps.");
}

void bind_fixed_margins(py::module_& m) {
  using nets::ArcFaceOptions;
  using nets::CombinedMarginOptions;
  using nets::CosFaceOptions;
  margin_options<ArcFaceOptions>(m, "ArcFaceOptions", "A margin on the angle.")
      .field("margin_rad", &ArcFaceOptions::margin_rad, "added to the angle to the own class")
      .finish();
  margin_options<CosFaceOptions>(m, "CosFaceOptions", "A margin on the cosine.")
      .field("margin", &CosFaceOptions::margin, "taken from the cosine to the own class")
      .finish();
  margin_options<CombinedMarginOptions>(m, "CombinedMarginOptions", "cos(m1 angle + m2) - m3.")
      .field("angle_factor", &CombinedMarginOptions::angle_factor, "m1")
      .field("angle_margin_rad", &CombinedMarginOptions::angle_margin_rad, "m2")
      .field("cosine_margin", &CombinedMarginOptions::cosine_margin, "m3")
      .field("filter_above", &CombinedMarginOptions::filter_above,
             "cosines to other classes above this count as 0; 1: none does")
      .finish();
  bind_margin_loss<nets::ArcFaceLossImpl, ArcFaceOptions>(
      m, "ArcFaceLoss",
      "Embeddings and labels -> a softmax over cosines with a margin on the own angle.");
  bind_margin_loss<nets::CosFaceLossImpl, CosFaceOptions>(
      m, "CosFaceLoss",
      "Embeddings and labels -> a softmax over cosines with a margin on the own cosine.");
  bind_margin_loss<nets::CombinedMarginLossImpl, CombinedMarginOptions>(
      m, "CombinedMarginLoss",
      "Embeddings and labels -> a softmax over cosines with both margins and a factor.");
}

void bind_norm_margins(py::module_& m) {
  using nets::AdaFaceOptions;
  using nets::MagFaceOptions;
  margin_options<AdaFaceOptions>(m, "AdaFaceOptions",
                                 "A margin that follows the picture's quality.")
      .field("margin", &AdaFaceOptions::margin, "in rad on the angle, and on the cosine")
      .field("concentration", &AdaFaceOptions::concentration,
             "the margin is at its end at 1 / this many deviations of the embedding's length")
      .field("norm_rate", &AdaFaceOptions::norm_rate,
             "how fast mean and deviation of the lengths follow the batches, 0 to 1")
      .finish();
  margin_options<MagFaceOptions>(m, "MagFaceOptions", "A margin that grows with the length.")
      .field("least_norm", &MagFaceOptions::least_norm, "shorter embeddings count as this long")
      .field("largest_norm", &MagFaceOptions::largest_norm, "longer ones count as this long")
      .field("least_margin_rad", &MagFaceOptions::least_margin_rad, "at least_norm")
      .field("largest_margin_rad", &MagFaceOptions::largest_margin_rad, "at largest_norm")
      .field("norm_weight", &MagFaceOptions::norm_weight, "of what draws the lengths up")
      .field("is_easy_margin", &MagFaceOptions::is_easy_margin,
             "no margin where the angle is above 90 degrees")
      .finish();
  bind_margin_loss<nets::AdaFaceLossImpl, AdaFaceOptions>(
      m, "AdaFaceLoss", "Takes raw embeddings; follows their lengths in training mode.");
  bind_margin_loss<nets::MagFaceLossImpl, MagFaceOptions>(m, "MagFaceLoss",
                                                          "Takes raw embeddings.");
}

void bind_sampled_classes(py::module_& m) {
  m.def(
      "sample_classes",
      [](const at::Tensor& labels, int64_t class_count, int64_t wanted, uint64_t seed,
         uint64_t step) {
        auto chosen = nets::sample_classes(labels, class_count, wanted, seed, step);
        return std::make_pair(chosen.classes, chosen.labels);
      },
      py::arg("labels"), py::kw_only(), py::arg("class_count"), py::arg("wanted"), py::arg("seed"),
      py::arg("step"), py::call_guard<py::gil_scoped_release>(),
      "int64 [N] -> the classes of a step, int64 [K], and where in them each label is, int64 [N].");
}

}  // namespace

void bind_losses(py::module_& m) {
  py::module_ nets = m.def_submodule("nets");
  bind_yunet_loss(nets);
  bind_fixed_margins(nets);
  bind_norm_margins(nets);
  bind_sampled_classes(nets);
}

}  // namespace guise::bindings
