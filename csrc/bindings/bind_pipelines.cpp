#include <algorithm>
#include <cctype>
#include <filesystem>

#include "bindings/cancel_token.h"
#include "bindings/common.h"
#include "bindings/detector_handle.h"
#include "core/check.h"
#include "pipelines/anonymize_collection.h"

namespace guise::bindings {

namespace {

using Detectors = std::vector<std::shared_ptr<DetectorHandle>>;

// The summary of a job with the photos that a person has to see to.
struct CollectionResult {
  pipelines::CollectionSummary summary;
  std::vector<std::tuple<std::string, std::string, std::string>> problems;
};

constexpr size_t kListedProblems = 1000;

CollectionResult run_collection(const std::string& input, const std::string& output,
                                const Detectors& detectors,
                                const pipelines::CollectionOptions& options,
                                const py::object& on_progress,
                                const std::shared_ptr<CancelToken>& cancel) {
  CollectionResult result;
  pipelines::DetectorFacts facts;
  for (const auto& detector : detectors) {
    facts.emplace_back(detector->net->traits().name, detector->sha256);
  }
  const pipelines::AnonymizeImage anonymize(make_detect_faces(detectors, options.anonymize.detect),
                                            options.anonymize);
  const py::gil_scoped_release released;
  result.summary = pipelines::anonymize_collection(
      input, output, anonymize, facts, options,
      [&](const pipelines::CollectionProgress& progress) {
        if ((progress.status == pipelines::PhotoStatus::review ||
             progress.status == pipelines::PhotoStatus::failed) &&
            result.problems.size() < kListedProblems) {
          result.problems.emplace_back(progress.photo, pipelines::status_name(progress.status),
                                       progress.reason);
        }
        const py::gil_scoped_acquire acquired;
        if (PyErr_CheckSignals() != 0) {
          throw py::error_already_set();
        }
        if (!on_progress.is_none()) {
          on_progress(progress);
        }
      },
      cancel ? &cancel->cancelled : nullptr);
  return result;
}

void bind_image(py::module_& m) {
  using pipelines::AnonymizedImage;
  py::class_<AnonymizedImage>(m, "AnonymizedImage", "A picture without its faces.")
      .def_property_readonly(
          "image",
          [](const AnonymizedImage& result) -> std::optional<at::Tensor> {
            return result.image.defined() ? std::optional(result.image) : std::nullopt;
          },
          "uint8 [H, W, 3] RGB; None where `reason` is not empty")
      .def_readonly("faces", &AnonymizedImage::faces, "faces that were obscured")
      .def_readonly("doubtful", &AnonymizedImage::doubtful, "places in doubt")
      .def_readonly("uncovered", &AnonymizedImage::uncovered,
                    "faces that the second look found and no mask covers")
      .def_readonly("reason", &AnonymizedImage::reason, "why a person has to look; empty: done")
      .def_readonly("detect_ms", &AnonymizedImage::detect_ms)
      .def_readonly("obscure_ms", &AnonymizedImage::obscure_ms)
      .def_readonly("second_look_ms", &AnonymizedImage::second_look_ms);
  m.def(
      "anonymize_image",
      [](const at::Tensor& image, const Detectors& detectors,
         const pipelines::AnonymizeOptions& options) {
        return pipelines::AnonymizeImage(make_detect_faces(detectors, options.detect),
                                         options)(image);
      },
      py::arg("image"), py::arg("detectors"), py::arg("options") = pipelines::AnonymizeOptions(),
      py::call_guard<py::gil_scoped_release>(), "uint8 [H, W, 3] RGB -> AnonymizedImage.");
}

pipelines::PhotoRecord anonymize_file(const std::string& input, const std::string& output,
                                      const Detectors& detectors,
                                      const pipelines::CollectionOptions& options) {
  const std::string extension = std::filesystem::path(output).extension().string();
  GUISE_CHECK_ARG(extension.size() > 1,
                  "the output needs an extension, .jpg, .png, .webp or .bmp; got ", output);
  std::string format = extension.substr(1);
  std::transform(format.begin(), format.end(), format.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  io::format_named(format);
  const std::string name = std::filesystem::path(output).filename().string();
  pipelines::AnonymizeImage anonymize(make_detect_faces(detectors, options.anonymize.detect),
                                      options.anonymize);
  return pipelines::anonymize_photo({input, name, input, output, /*may_replace=*/false}, anonymize,
                                    {options.limits, options.write, format}, [](int64_t) {});
}

void bind_file(py::module_& m) {
  using pipelines::PhotoRecord;
  py::class_<PhotoRecord>(m, "PhotoResult", "What became of one photo file.")
      .def_property_readonly(
          "status",
          [](const PhotoRecord& record) {
            return std::string(pipelines::status_name(record.status));
          },
          "'written', 'without_face', 'review' or 'failed'")
      .def_readonly("reason", &PhotoRecord::reason, "why nothing was written; empty: it was")
      .def_readonly("faces", &PhotoRecord::faces, "faces that were obscured")
      .def_readonly("doubtful", &PhotoRecord::doubtful, "places in doubt")
      .def_readonly("uncovered", &PhotoRecord::uncovered,
                    "faces that the second look found and no mask covers");
  m.def("anonymize_file", &anonymize_file, py::arg("input"), py::arg("output"),
        py::arg("detectors"), py::arg("options") = pipelines::CollectionOptions(),
        py::call_guard<py::gil_scoped_release>(),
        "One photo file to one anonymised file, by the rules of anonymize_collection.");
}

template <typename Class, typename Get>
void def_counts(Class& bound, const Get& summary_of) {
  using pipelines::CollectionSummary;
  const auto add = [&](const char* name, auto member, const char* doc) {
    bound.def_property_readonly(
        name,
        [summary_of, member](const typename Class::type& self) { return summary_of(self).*member; },
        doc);
  };
  add("total", &CollectionSummary::total, "photos in the input folder");
  add("written", &CollectionSummary::written, "photos written with faces obscured");
  add("without_face", &CollectionSummary::without_face, "photos written that have no face");
  add("review", &CollectionSummary::review, "photos not written: a person has to look");
  add("failed", &CollectionSummary::failed, "photos not written: they cannot be handled");
  add("skipped", &CollectionSummary::skipped, "of these, done by an earlier run");
  add("other_files", &CollectionSummary::other_files, "files that are no photos");
  add("faces", &CollectionSummary::faces, "faces found");
  add("seconds", &CollectionSummary::seconds, "wall time");
  add("cancelled", &CollectionSummary::cancelled, "the job was stopped before its end");
}

}  // namespace

void bind_pipelines(py::module_& m) {
  bind_image(m);
  bind_file(m);
  py::class_<CancelToken, std::shared_ptr<CancelToken>>(
      m, "CancelToken", "Stops a running job from another thread or a callback.")
      .def(py::init())
      .def("cancel", [](CancelToken& token) { token.cancelled = true; })
      .def_property_readonly("cancelled",
                             [](const CancelToken& token) { return token.cancelled.load(); });
  py::class_<pipelines::CollectionProgress> progress(m, "CollectionProgress",
                                                     "Where a running job stands.");
  progress
      .def_readonly("photo", &pipelines::CollectionProgress::photo,
                    "the photo just finished; empty on a tick without one")
      .def_property_readonly(
          "status",
          [](const pipelines::CollectionProgress& event) {
            return std::string(pipelines::status_name(event.status));
          },
          "'written', 'without_face', 'review' or 'failed'")
      .def_readonly("reason", &pipelines::CollectionProgress::reason)
      .def_property_readonly(
          "done",
          [](const pipelines::CollectionProgress& event) {
            const pipelines::CollectionSummary& s = event.so_far;
            return s.written + s.without_face + s.review + s.failed;
          },
          "photos finished, with those of earlier runs");
  def_counts(
      progress,
      [](const pipelines::CollectionProgress& event) -> const auto& { return event.so_far; });
  py::class_<CollectionResult> result(m, "CollectionSummary", "What became of a collection.");
  result
      .def_property_readonly(
          "report", [](const CollectionResult& self) { return self.summary.report; },
          "path of the JSON Lines report")
      .def_readonly("problems", &CollectionResult::problems,
                    "(photo, status, reason) of the first 1000 photos that were not written");
  def_counts(
      result, [](const CollectionResult& self) -> const auto& { return self.summary; });
  m.def("anonymize_collection", &run_collection, py::arg("input"), py::arg("output"),
        py::arg("detectors"), py::arg("options") = pipelines::CollectionOptions(),
        py::arg("on_progress") = py::none(), py::arg("cancel") = nullptr,
        "A folder of photos to a folder of anonymised photos and a report.");
}

}  // namespace guise::bindings
