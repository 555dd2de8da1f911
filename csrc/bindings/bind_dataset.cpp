// Datasets: the plan, generators, and the flow that writes them.
#include <pybind11/functional.h>

#include "bindings/cancel_token.h"
#include "bindings/common.h"
#include "bindings/detector_handle.h"
#include "bindings/embedder_handle.h"
#include "bindings/options_class.h"
#include "pipelines/synthesize_dataset.h"
#include "stages/render_samples.h"

namespace guise::bindings {

namespace {

using pipelines::DatasetGate;
using pipelines::DatasetOptions;
using pipelines::DatasetPlan;
using pipelines::DatasetSummary;
using pipelines::SynthesizeOptions;

struct IdentityCheckHandle {
  std::shared_ptr<const stages::EmbedFaces> embed;
  std::shared_ptr<const stages::CheckIdentity> check;
};

void bind_dataset_options(py::module_& m) {
  OptionsClass<DatasetGate>(m, "DatasetGate", "Which pictures a dataset keeps.")
      .field("enabled", &DatasetGate::enabled, "whether pictures are looked at by a detector")
      .field("landmark_tolerance", &DatasetGate::landmark_tolerance,
             "largest mean distance of the landmarks from the detector's, in sides of the face box")
      .field("attempts", &DatasetGate::attempts, "times that a picture is drawn at most")
      .field("max_given_up_share", &DatasetGate::max_given_up_share,
             "share of a shard's pictures that may be left out; more end the run")
      .finish();
  OptionsClass<DatasetOptions> options(m, "DatasetOptions", "What a dataset shall hold.");
  options.field("seed", &DatasetOptions::seed, "another seed, other people")
      .field("first_identity", &DatasetOptions::first_identity, "number of the first person")
      .field("identities", &DatasetOptions::identities, "people")
      .field("images_per_identity", &DatasetOptions::images_per_identity, "pictures of each")
      .field("size_px", &DatasetOptions::size_px, "height and width of a picture, 32 to 1024")
      .field("crop", &DatasetOptions::crop, "'arcface' or 'none'")
      .field("format", &DatasetOptions::format, "'folder', 'webdataset', 'recordio' or 'parquet'")
      .field("encoding", &DatasetOptions::encoding, "'jpg' or 'png'")
      .field("jpeg_quality", &DatasetOptions::jpeg_quality, "1 to 100, full colour detail")
      .field("identities_per_shard", &DatasetOptions::identities_per_shard,
             "0: as many as make about 2,000 pictures")
      .field("provenance", &DatasetOptions::provenance, "'picture', 'card' or 'none'")
      .field("gate", &DatasetOptions::gate, "DatasetGate")
      .finish();
  options.bound().def("validate", &DatasetOptions::validate,
                      "Raises ValueError that names what is wrong.");
  OptionsClass<SynthesizeOptions>(m, "SynthesizeOptions", "How a dataset is worked on.")
      .field("workers", &SynthesizeOptions::workers, "people at a time; 0: one a processor")
      .field("first_shard", &SynthesizeOptions::first_shard, "first shard to draw")
      .field("end_shard", &SynthesizeOptions::end_shard,
             "the shard to stop before; -1: draw to the last, then merge")
      .field("verify", &SynthesizeOptions::verify, "compare the sha256 of what is there")
      .finish();
}

void bind_plan(py::module_& m) {
  py::class_<DatasetPlan>(m, "DatasetPlan", "What a dataset shall hold, complete and fixed.")
      .def_readonly("options", &DatasetPlan::options, "DatasetOptions")
      .def_readonly("json", &DatasetPlan::json, "what plan.json holds")
      .def_property_readonly("shards", &DatasetPlan::shards, "number of shards")
      .def_property_readonly("pictures", &DatasetPlan::pictures, "pictures in all");
  m.def(
      "make_plan",
      [](const DatasetOptions& options, const stages::SampleGenerator& generator,
         const std::shared_ptr<DetectorHandle>& detector, const std::string& writer) {
        return pipelines::make_plan(options, generator.facts_json(),
                                    detector ? detector->net->traits().name : "",
                                    detector ? detector->sha256 : "", writer);
      },
      py::arg("options"), py::arg("generator"), py::kw_only(), py::arg("detector") = nullptr,
      py::arg("writer") = "", "Raises ValueError that says what must hold.");
  m.def("generated_size_px", &pipelines::generated_size_px, py::arg("options"),
        "Height and width that a generator must make for these options.");
}

void bind_generators(py::module_& m) {
  using stages::RenderSamples;
  py::class_<stages::SampleGenerator, std::shared_ptr<stages::SampleGenerator>>(
      m, "SampleGenerator", "A source of faces of nobody.")
      .def_property_readonly("facts_json", &stages::SampleGenerator::facts_json,
                             "all that decides about its pictures");
  py::class_<RenderSamples, stages::SampleGenerator, std::shared_ptr<RenderSamples>>(
      m, "RenderSamples", "Rendered faces.")
      .def(py::init([](const std::shared_ptr<render::Renderer>& renderer,
                       const render::RenderOptions& options,
                       const std::map<std::string, std::string>& models) {
             return RenderSamples(renderer, {options, models});
           }),
           py::arg("renderer"), py::arg("options"), py::kw_only(), py::arg("models"),
           "models: name -> sha256 of the files that the renderer was opened with.");
}

void bind_checks(py::module_& m) {
  py::class_<IdentityCheckHandle, std::shared_ptr<IdentityCheckHandle>>(
      m, "CheckIdentity", "Holds pictures against the reference faces of all identities.")
      .def(py::init([](const std::shared_ptr<EmbedderHandle>& embedder, const at::Tensor& faces,
                       uint64_t first_identity, double max_intra_distance, double min_quality) {
             GUISE_CHECK_ARG(min_quality <= 0 || embedder->net->traits().has_quality,
                             "min_quality needs a recogniser that gives a quality; ",
                             embedder->file.name, " does not");
             const stages::EmbedOptions one_by_one{
                 .flip = false, .batch_size = 1, .smallest_source_px = 0};
             return IdentityCheckHandle{
                 std::make_shared<stages::EmbedFaces>(embedder->net, one_by_one),
                 std::make_shared<stages::CheckIdentity>(
                     faces, first_identity,
                     stages::CheckIdentityOptions{max_intra_distance, min_quality})};
           }),
           py::arg("embedder"), py::arg("faces"), py::kw_only(), py::arg("first_identity") = 0,
           py::arg("max_intra_distance") = stages::CheckIdentityOptions().max_intra_distance,
           py::arg("min_quality") = 0.0);
}

void bind_framing(py::module_& m) {
  m.def("framed_for_crop", &stages::framed_for_crop, py::arg("recipe"),
        "The recipe with the frame that generated_size_px counts on, unless it has its own.");
}

void bind_summary(py::module_& m) {
  const auto count = [](auto member) {
    return [member](const DatasetSummary& summary) { return summary.counts.*member; };
  };
  using pipelines::ShardCounts;
  py::class_<DatasetSummary>(m, "DatasetSummary", "What became of a dataset.")
      .def_property_readonly("pictures", count(&ShardCounts::pictures), "pictures that are there")
      .def_property_readonly("attempts", count(&ShardCounts::attempts), "drawn, kept or not")
      .def_property_readonly("no_face", count(&ShardCounts::no_face),
                             "turned down: the detector found no face")
      .def_property_readonly("landmarks_disagree", count(&ShardCounts::landmarks),
                             "turned down: the detector put the landmarks elsewhere")
      .def_property_readonly("other_face", count(&ShardCounts::other_face),
                             "turned down: another face than the identity's")
      .def_property_readonly("nearer_to_another", count(&ShardCounts::nearer_to_another),
                             "turned down: nearer to another identity of the dataset")
      .def_property_readonly("low_quality", count(&ShardCounts::low_quality), "turned down")
      .def_property_readonly("given_up", count(&ShardCounts::given_up),
                             "left out after the last attempt")
      .def_readonly("total_pictures", &DatasetSummary::total_pictures, "planned")
      .def_readonly("new_pictures", &DatasetSummary::new_pictures, "drawn by this run")
      .def_readonly("shards", &DatasetSummary::shards)
      .def_readonly("new_shards", &DatasetSummary::new_shards)
      .def_readonly("seconds", &DatasetSummary::seconds, "wall time")
      .def_readonly("complete", &DatasetSummary::complete, "the manifest is there")
      .def_readonly("cancelled", &DatasetSummary::cancelled, "stopped before the end");
}

pipelines::ParquetEncoder parquet_encoder(const py::object& function) {
  if (function.is_none()) {
    return {};
  }
  return [function](const pipelines::Shard& shard) {
    const py::gil_scoped_acquire acquired;
    py::list pictures;
    py::list lines;
    for (const pipelines::DatasetPicture& picture : shard.pictures) {
      pictures.append(
          py::bytes(reinterpret_cast<const char*>(picture.bytes.data()), picture.bytes.size()));
      lines.append(picture.line);
    }
    const std::string bytes = function(pictures, lines).cast<std::string>();
    return std::vector<uint8_t>(bytes.begin(), bytes.end());
  };
}

DatasetSummary run_dataset(const std::string& output, const DatasetPlan& plan,
                           const stages::SampleGenerator& generator,
                           const std::shared_ptr<DetectorHandle>& detector,
                           const std::shared_ptr<IdentityCheckHandle>& identity,
                           const SynthesizeOptions& options, const py::object& parquet,
                           const py::object& card, const py::object& on_progress,
                           const std::atomic<bool>* cancel) {
  pipelines::DatasetChecks checks;
  if (identity) {
    checks.embed = identity->embed;
    checks.identity = identity->check;
  }
  if (detector) {
    const std::lock_guard lock(*detector->in_use);
    stages::CheckSampleOptions check_options;
    check_options.landmark_tolerance = plan.options.gate.landmark_tolerance;
    checks.face.emplace(detector->net->clone(), check_options);
  }
  pipelines::DatasetHooks hooks;
  hooks.parquet = parquet_encoder(parquet);
  if (!card.is_none()) {
    hooks.card = [&](const std::string& totals) {
      const py::gil_scoped_acquire acquired;
      return card(totals).cast<std::string>();
    };
  }
  hooks.on_progress = [&](const DatasetSummary& so_far) {
    const py::gil_scoped_acquire acquired;
    if (PyErr_CheckSignals() != 0) {
      throw py::error_already_set();
    }
    if (!on_progress.is_none()) {
      on_progress(so_far);
    }
  };
  const py::gil_scoped_release released;
  return pipelines::synthesize_dataset(output, plan, generator, checks, options, hooks, cancel);
}

}  // namespace

void bind_dataset(py::module_& m) {
  bind_dataset_options(m);
  bind_generators(m);
  bind_checks(m);
  bind_framing(m);
  bind_plan(m);
  bind_summary(m);
  m.def(
      "begin_dataset",
      [](const std::string& output, const DatasetPlan& plan) {
        pipelines::DatasetFolder(output, plan, "begin");
      },
      py::arg("output"), py::arg("plan"), py::call_guard<py::gil_scoped_release>(),
      "Writes the plan into a new folder, or raises what synthesize_dataset raises for another.");
  m.def(
      "synthesize_dataset",
      [](const std::string& output, const DatasetPlan& plan,
         const stages::SampleGenerator& generator, const std::shared_ptr<DetectorHandle>& detector,
         const std::shared_ptr<IdentityCheckHandle>& identity_check,
         const SynthesizeOptions& options, const py::object& parquet, const py::object& card,
         const py::object& on_progress, const std::shared_ptr<CancelToken>& cancel) {
        return run_dataset(output, plan, generator, detector, identity_check, options, parquet,
                           card, on_progress, cancel ? &cancel->cancelled : nullptr);
      },
      py::arg("output"), py::arg("plan"), py::arg("generator"), py::kw_only(),
      py::arg("detector") = nullptr, py::arg("identity_check") = nullptr,
      py::arg("options") = SynthesizeOptions(), py::arg("parquet") = py::none(),
      py::arg("card") = py::none(), py::arg("on_progress") = py::none(),
      py::arg("cancel") = nullptr,
      "Draws what is missing of the dataset and merges it. parquet: (pictures, lines) -> bytes; "
      "card: totals as JSON -> text.");
}

}  // namespace guise::bindings
