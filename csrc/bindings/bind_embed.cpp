// What is measured about faces: embeddings, pose, quality.
#include "bindings/common.h"
#include "bindings/embedder_handle.h"
#include "bindings/landmark_tensors.h"
#include "bindings/options_class.h"
#include "stages/align_face.h"
#include "stages/assess_quality.h"
#include "stages/embed_faces.h"
#include "stages/estimate_pose.h"

namespace guise::bindings {

namespace {

using Handle = std::shared_ptr<EmbedderHandle>;

void bind_embed_options(py::module_& m) {
  using nets::CropContract;
  OptionsClass<CropContract>(m, "CropContract", "The crops that a recogniser was trained on.")
      .field("crop_template", &CropContract::crop_template, "'arcface' or 'ffhq'")
      .field("height_px", &CropContract::height_px, "height of a crop")
      .field("width_px", &CropContract::width_px,
             "width; where it is less, the middle of the square crop")
      .field("is_bgr", &CropContract::is_bgr, "blue is the network's first channel")
      .field("mean", &CropContract::mean,
             "input = (value - mean) / std, values 0 to 255, in the network's order of channels")
      .field("std", &CropContract::std, "as mean")
      .finish();
  using stages::EmbedOptions;
  OptionsClass<EmbedOptions>(m, "EmbedOptions", "How crops are embedded.")
      .field("flip", &EmbedOptions::flip,
             "add the embeddings of the crop and of its mirror image: twice the time")
      .field("batch_size", &EmbedOptions::batch_size, "crops a pass of the network")
      .field("normalise", &EmbedOptions::normalise, "False: raw embeddings")
      .field("smallest_source_px", &EmbedOptions::smallest_source_px,
             "a face whose crop shows fewer pixels of the picture along a side is refused")
      .finish();
  using stages::PoseOptions;
  OptionsClass<PoseOptions>(m, "PoseOptions", "How a head is laid over five landmarks.")
      .field("landmark_noise", &PoseOptions::landmark_noise,
             "standard deviation of a landmark as a share of the distance of the eyes")
      .field("doubtful_misfit", &PoseOptions::doubtful_misfit,
             "a pose whose misfit is larger is doubtful")
      .finish();
  using stages::QualityOptions;
  OptionsClass<QualityOptions>(m, "QualityOptions", "How far an embedding may be relied on.")
      .field("measure", &QualityOptions::measure, "'norm' or 'learned'")
      .field("norm_low", &QualityOptions::norm_low, "length of a raw embedding that becomes 0")
      .field("norm_high", &QualityOptions::norm_high, "length that becomes 1")
      .finish();
}

void bind_embeddings(py::module_& m) {
  using stages::Embeddings;
  py::class_<Embeddings>(m, "Embeddings", "What a recogniser says about N faces.")
      .def_readonly("vectors", &Embeddings::vectors,
                    "float32 [N, D], of length 1 unless raw ones were asked for")
      .def_readonly("norms", &Embeddings::norms, "float32 [N], lengths of the raw embeddings")
      .def_property_readonly(
          "quality",
          [](const Embeddings& faces) {
            return faces.quality.defined() ? std::optional(faces.quality) : std::nullopt;
          },
          "float32 [N], higher is better; None where the model gives none");
  m.def(
      "assess_quality",
      [](const Embeddings& faces, const stages::QualityOptions& options) {
        return stages::AssessQuality(options)(faces);
      },
      py::arg("embeddings"), py::arg("options"), py::call_guard<py::gil_scoped_release>(),
      "float32 [N], 0 to 1, higher is better.");
}

Handle open_embedder(const std::string& architecture, const std::string& preset,
                     const std::string& path, const std::string& sha256, const std::string& name,
                     const nets::CropContract& crop) {
  nets::EmbedderFile file{name, architecture, preset, path, sha256, crop};
  std::shared_ptr<const nets::FaceEmbedder> net = nets::open_face_embedder(file);
  return std::make_shared<EmbedderHandle>(EmbedderHandle{std::move(net), std::move(file)});
}

void bind_embedder(py::module_& m) {
  py::class_<EmbedderHandle, Handle>(m, "Embedder", "An opened recogniser, for all threads.")
      .def(py::init(&open_embedder), py::arg("architecture"), py::kw_only(), py::arg("preset"),
           py::arg("path"), py::arg("sha256"), py::arg("name"), py::arg("crop"),
           py::call_guard<py::gil_scoped_release>())
      .def_property_readonly("name", [](const EmbedderHandle& e) { return e.net->traits().name; })
      .def_property_readonly("architecture",
                             [](const EmbedderHandle& e) { return e.file.architecture; })
      .def_property_readonly("preset", [](const EmbedderHandle& e) { return e.file.preset; })
      .def_property_readonly("sha256", [](const EmbedderHandle& e) { return e.file.sha256; })
      .def_property_readonly(
          "dimension", [](const EmbedderHandle& e) { return e.net->traits().dimension; },
          "length of an embedding")
      .def_property_readonly(
          "has_quality", [](const EmbedderHandle& e) { return e.net->traits().has_quality; },
          "gives a learned quality with each embedding")
      .def_property_readonly(
          "crop", [](const EmbedderHandle& e) { return e.net->traits().crop; }, "CropContract")
      .def_property_readonly(
          "crop_size_px",
          [](const EmbedderHandle& e) { return stages::EmbedFaces(e.net).crop_size_px(); },
          "side of the square crops to make");
}

// Pixels of the picture along a side of each face's crop.
std::vector<double> crop_source_px(const at::Tensor& landmarks, const Handle& embedder) {
  const stages::EmbedFaces embed(embedder->net);
  const int64_t size_px = embed.crop_size_px();
  const at::Tensor nothing = at::zeros({1, 1, 3}, at::kByte);
  const stages::AlignedFaces aligned =
      stages::AlignFace({size_px, embed.crop_template()})(nothing, landmark_list_from(landmarks));
  std::vector<double> shown;
  for (const core::Similarity2D& map : aligned.image_to_crop) {
    shown.push_back(stages::source_px(map, size_px));
  }
  return shown;
}

void bind_embed_calls(py::module_& m) {
  m.def(
      "embed_crops",
      [](const at::Tensor& crops, const Handle& embedder, const std::string& crop_template,
         const stages::EmbedOptions& options) {
        return stages::EmbedFaces(embedder->net, options)({crops, {}, crop_template});
      },
      py::arg("crops"), py::arg("embedder"), py::kw_only(), py::arg("template"),
      py::arg("options") = stages::EmbedOptions(), py::call_guard<py::gil_scoped_release>(),
      "uint8 [N, S, S, 3] RGB crops of this template -> Embeddings.");
  m.def(
      "embed_faces",
      [](const at::Tensor& image, const at::Tensor& landmarks, const Handle& embedder,
         const stages::EmbedOptions& options) {
        const stages::EmbedFaces embed(embedder->net, options);
        const stages::AlignFace align(
            {embed.crop_size_px(), embed.crop_template(), /*is_smooth=*/true});
        return embed(align(image, landmark_list_from(landmarks)));
      },
      py::arg("image"), py::arg("landmarks"), py::arg("embedder"),
      py::arg("options") = stages::EmbedOptions(), py::call_guard<py::gil_scoped_release>(),
      "uint8 [H, W, 3] RGB, float [N, 5, 2] -> Embeddings of the faces, cut out as the recogniser "
      "wants them.");
  m.def("crop_source_px", &crop_source_px, py::arg("landmarks"), py::arg("embedder"),
        py::call_guard<py::gil_scoped_release>(),
        "float [N, 5, 2] -> pixels of the picture along a side of each face's crop.");
}

void bind_pose(py::module_& m) {
  using stages::HeadPose;
  py::class_<HeadPose>(m, "HeadPose", "Where a head is turned.")
      .def_readonly("yaw_deg", &HeadPose::yaw_deg, "+ to the right of the picture")
      .def_readonly("pitch_deg", &HeadPose::pitch_deg, "+ up")
      .def_readonly("roll_deg", &HeadPose::roll_deg, "+ clockwise in the picture")
      .def_readonly("misfit", &HeadPose::misfit,
                    "how unusual a face the landmarks would need, in standard deviations")
      .def_readonly("is_doubtful", &HeadPose::is_doubtful,
                    "the misfit is above PoseOptions.doubtful_misfit")
      .def("__repr__", [](const HeadPose& pose) {
        return core::message("HeadPose(yaw_deg=", pose.yaw_deg, ", pitch_deg=", pose.pitch_deg,
                             ", roll_deg=", pose.roll_deg, ", misfit=", pose.misfit, ")");
      });
  py::class_<stages::EstimatePose, std::shared_ptr<stages::EstimatePose>>(
      m, "PoseEstimator", "Five landmarks to the pose of the head, by the shapes of house-head.")
      .def(py::init([](const std::string& head, const stages::PoseOptions& options) {
             return std::make_shared<stages::EstimatePose>(render::HeadModel::load(head), options);
           }),
           py::kw_only(), py::arg("head"), py::arg("options") = stages::PoseOptions(),
           py::call_guard<py::gil_scoped_release>())
      .def(
          "estimate",
          [](const stages::EstimatePose& estimate, const at::Tensor& landmarks) {
            return estimate(landmark_list_from(landmarks));
          },
          py::arg("landmarks"), py::call_guard<py::gil_scoped_release>(),
          "float [N, 5, 2] px -> HeadPose of each.");
}

}  // namespace

void bind_embed(py::module_& m) {
  bind_embed_options(m);
  bind_embeddings(m);
  bind_embedder(m);
  bind_embed_calls(m);
  bind_pose(m);
}

}  // namespace guise::bindings
