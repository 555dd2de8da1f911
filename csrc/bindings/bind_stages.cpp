#include <ATen/ATen.h>

#include "bindings/common.h"
#include "bindings/detector_handle.h"
#include "bindings/landmark_tensors.h"
#include "core/check.h"
#include "core/image.h"
#include "stages/align_face.h"
#include "stages/obscure_face.h"

namespace guise::bindings {

namespace {

at::Tensor landmarks_tensor(const stages::DetectedFace& face) {
  at::Tensor points = at::empty({5, 2}, at::kFloat);
  float* out = points.data_ptr<float>();
  for (const core::Point& point : face.landmarks) {
    *out++ = static_cast<float>(point.x);
    *out++ = static_cast<float>(point.y);
  }
  return points;
}

void bind_face(py::module_& m) {
  using stages::DetectedFace;
  py::class_<DetectedFace>(m, "Face", "A face that was found, in pixels of the picture.")
      .def(py::init([](const std::tuple<double, double, double, double>& box, double score,
                       const std::optional<at::Tensor>& landmarks, const std::string& detector) {
             DetectedFace face;
             face.box = {std::get<0>(box), std::get<1>(box), std::get<2>(box), std::get<3>(box)};
             face.score = static_cast<float>(score);
             face.landmarks = landmarks ? landmarks_from(*landmarks) : core::Landmarks5{};
             face.detector = detector;
             return face;
           }),
           py::arg("box"), py::kw_only(), py::arg("score") = 1.0, py::arg("landmarks") = py::none(),
           py::arg("detector") = "")
      .def_property_readonly(
          "box",
          [](const DetectedFace& face) {
            return std::make_tuple(face.box.x0, face.box.y0, face.box.x1, face.box.y1);
          },
          "(x0, y0, x1, y1) in px, x1 and y1 exclusive")
      .def_readonly("score", &DetectedFace::score, "0 to 1, comparable within one detector only")
      .def_property_readonly("landmarks", &landmarks_tensor,
                             "float32 [5, 2]: left eye as seen in the picture, right eye, nose, "
                             "left and right mouth corner")
      .def_readonly("detector", &DetectedFace::detector, "name of the detector")
      .def("__repr__", [](const DetectedFace& face) {
        return core::message("Face(box=(", face.box.x0, ", ", face.box.y0, ", ", face.box.x1, ", ",
                             face.box.y1, "), score=", face.score, ", detector='", face.detector,
                             "')");
      });
  py::class_<stages::FaceSearch>(m, "FaceSearch", "What one search of a picture found.")
      .def_readonly("faces", &stages::FaceSearch::faces, "accepted faces by falling score")
      .def_readonly("doubtful", &stages::FaceSearch::doubtful,
                    "candidates between the review and the accept threshold");
}

std::vector<stages::DetectedFace> propose(const DetectorHandle& detector, const at::Tensor& image,
                                          double min_score) {
  const at::Tensor pixels = core::check_image(image);
  const std::lock_guard lock(*detector.in_use);
  std::vector<stages::DetectedFace> faces;
  for (const nets::FaceCandidate& face :
       detector.net->propose(pixels, static_cast<float>(min_score))) {
    faces.push_back({face.box, face.landmarks, face.score, detector.net->traits().name});
  }
  return faces;
}

}  // namespace

stages::DetectFaces make_detect_faces(const std::vector<std::shared_ptr<DetectorHandle>>& detectors,
                                      const stages::DetectOptions& options) {
  std::vector<std::unique_ptr<nets::FaceDetector>> copies;
  for (const auto& detector : detectors) {
    copies.push_back(detector->net->clone());
  }
  return stages::DetectFaces(std::move(copies), options);
}

void bind_stages(py::module_& m) {
  bind_face(m);
  py::class_<DetectorHandle, std::shared_ptr<DetectorHandle>>(
      m, "Detector", "An opened detector file whose checksum was verified.")
      .def(py::init([](const std::string& architecture, const std::string& path,
                       const std::string& sha256) {
             return std::make_shared<DetectorHandle>(
                 DetectorHandle{nets::open_face_detector(architecture, path, sha256), sha256});
           }),
           py::arg("architecture"), py::kw_only(), py::arg("path"), py::arg("sha256"),
           py::call_guard<py::gil_scoped_release>())
      .def_property_readonly(
          "name", [](const DetectorHandle& detector) { return detector.net->traits().name; })
      .def_readonly("sha256", &DetectorHandle::sha256)
      .def("propose", &propose, py::arg("image"), py::kw_only(), py::arg("min_score"),
           py::call_guard<py::gil_scoped_release>(),
           "One pass over uint8 [H, W, 3] RGB at its own scale: every candidate with at least "
           "min_score, before non-maximum suppression.");
  m.def(
      "detect_faces",
      [](const at::Tensor& image, const std::vector<std::shared_ptr<DetectorHandle>>& detectors,
         const stages::DetectOptions& options) {
        return make_detect_faces(detectors, options)(image);
      },
      py::arg("image"), py::arg("detectors"), py::arg("options") = stages::DetectOptions(),
      py::call_guard<py::gil_scoped_release>(), "uint8 [H, W, 3] RGB -> FaceSearch.");
  m.def(
      "obscure_faces",
      [](const at::Tensor& image, const std::vector<stages::DetectedFace>& faces,
         const stages::ObscureOptions& options) {
        return stages::ObscureFace(options)(image, faces).image;
      },
      py::arg("image"), py::arg("faces"), py::arg("options") = stages::ObscureOptions(),
      py::call_guard<py::gil_scoped_release>(),
      "uint8 [H, W, 3] RGB -> the same with the faces obscured, a new tensor.");
  m.attr("DEFAULT_CROP_SIZE_PX") = stages::AlignOptions().size_px;
  m.attr("DEFAULT_CROP_TEMPLATE") = stages::AlignOptions().crop_template;
  m.attr("DEFAULT_CROP_SMOOTH") = stages::AlignOptions().is_smooth;
  m.def(
      "align_faces",
      [](const at::Tensor& image, const at::Tensor& landmarks, int64_t size_px,
         const std::string& crop_template, bool is_smooth) {
        return stages::AlignFace({size_px, crop_template, is_smooth})(image,
                                                                      landmark_list_from(landmarks))
            .crops;
      },
      py::arg("image"), py::arg("landmarks"), py::kw_only(),
      py::arg("size_px") = stages::AlignOptions().size_px,
      py::arg("template") = stages::AlignOptions().crop_template,
      py::arg("smooth") = stages::AlignOptions().is_smooth,
      py::call_guard<py::gil_scoped_release>(),
      "uint8 [H, W, 3], float [N, 5, 2] -> uint8 [N, size_px, size_px, 3], upright crops.");
}

}  // namespace guise::bindings
