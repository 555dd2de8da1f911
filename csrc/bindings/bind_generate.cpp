// Faces from identity vectors: generators, the search for vectors, samples of a dataset.
#include <pybind11/functional.h>

#include <cmath>

#include "bindings/cancel_token.h"
#include "bindings/common.h"
#include "bindings/embedder_handle.h"
#include "bindings/generator_handle.h"
#include "bindings/options_class.h"
#include "pipelines/draw_identities.h"
#include "search/pack_vectors.h"
#include "search/sample_identities.h"
#include "search/separated_set.h"
#include "stages/generate_samples.h"

namespace guise::bindings {

namespace {

using search::DrawFacesOptions;
using search::NormalVectors;
using Handle = std::shared_ptr<GeneratorHandle>;
using Cancel = std::shared_ptr<CancelToken>;

const std::atomic<bool>* flag_of(const Cancel& cancel) {
  return cancel ? &cancel->cancelled : nullptr;
}

void bind_normal_vectors(py::module_& m) {
  py::class_<NormalVectors>(m, "NormalVectors", "v = mean + z basis, z standard normal.")
      .def(py::init<at::Tensor, at::Tensor>(), py::arg("mean"), py::arg("basis"))
      .def_readonly("mean", &NormalVectors::mean, "float32 [D]")
      .def_readonly("basis", &NormalVectors::basis, "float32 [K, D], by falling length");
  m.def("fit_normal_vectors", &search::fit_normal_vectors, py::arg("vectors"),
        py::call_guard<py::gil_scoped_release>(),
        "float [N, D], a vector a person -> the normal distribution they were drawn from.");
  m.def("fit_variation", &search::fit_variation, py::arg("vectors"), py::arg("people"),
        py::call_guard<py::gil_scoped_release>(),
        "float [N, D] and int64 [N] -> how the vectors of one person vary about their mean.");
  m.def("draw_normal_vectors", &search::draw_normal_vectors, py::arg("distribution"),
        py::arg("seed"), py::arg("first"), py::arg("count"),
        py::call_guard<py::gil_scoped_release>(),
        "float32 [count, D]; a row depends on the distribution, the seed and its number alone.");
}

void bind_search(py::module_& m) {
  using search::SampledIdentities;
  py::class_<SampledIdentities>(m, "SampledIdentities", "Identity vectors that are apart.")
      .def_readonly("vectors", &SampledIdentities::vectors, "float32 [N, D], raw")
      .def_property_readonly(
          "faces",
          [](const SampledIdentities& found) {
            return found.faces.defined() ? std::optional(found.faces) : std::nullopt;
          },
          "float32 [N, D'] of length 1: embeddings of the faces drawn from them, or None")
      .def_readonly("numbers", &SampledIdentities::numbers, "of the candidates, rising")
      .def_readonly("tried", &SampledIdentities::tried, "candidates looked at")
      .def_readonly("near_gallery", &SampledIdentities::near_gallery)
      .def_readonly("near_another", &SampledIdentities::near_another)
      .def_readonly("not_drawn", &SampledIdentities::not_drawn,
                    "left out: the face drawn from it did not show it");
}

void bind_separation(py::module_& m) {
  m.def(
      "greedily_apart",
      [](const at::Tensor& vectors, double max_cosine, int64_t block) {
        return search::greedily_apart(vectors, max_cosine, block);
      },
      py::arg("vectors"), py::arg("max_cosine"), py::kw_only(), py::arg("block") = 4096,
      py::call_guard<py::gil_scoped_release>(),
      "float [N, D] -> int64 [K]: places of those whose cosine to every one kept before is at most "
      "max_cosine, exact whatever the block.");
  m.def(
      "highest_cosine",
      [](const at::Tensor& vectors) {
        return search::highest_cosine(search::unit_rows(vectors, "vectors"));
      },
      py::arg("vectors"), py::call_guard<py::gil_scoped_release>(),
      "The highest cosine of two rows of float [N, D].");
}

void bind_packing(py::module_& m) {
  using search::PackOptions;
  OptionsClass<PackOptions>(m, "PackOptions", "How vectors are pushed apart (HyperFace).")
      .field("steps", &PackOptions::steps, "of Adam")
      .field("rate", &PackOptions::rate, "of Adam")
      .field("gallery_weight", &PackOptions::gallery_weight,
             "of the mean distance to the nearest vector of the gallery")
      .finish();
  m.def(
      "pack_vectors",
      [](const at::Tensor& start, const at::Tensor& gallery, const PackOptions& options,
         const Cancel& cancel) {
        const search::PackedVectors packed =
            search::pack_vectors(start, gallery, options, flag_of(cancel));
        return std::make_tuple(packed.units, packed.highest_cosine, packed.start_cosine);
      },
      py::arg("start"), py::arg("gallery"), py::arg("options") = PackOptions(),
      py::arg("cancel") = nullptr, py::call_guard<py::gil_scoped_release>(),
      "float [N, D] and float [G, D] -> float32 [N, D] of length 1, the highest cosine of two of "
      "them, and what it was at the start.");
}

void bind_draw_options(py::module_& m) {
  using search::PerturbOptions;
  OptionsClass<PerturbOptions>(m, "PerturbOptions", "Variation within an identity.")
      .field("strengths", &PerturbOptions::strengths,
             "of the noise, in deviations of a component of a vector of length sqrt(D)")
      .field("shares", &PerturbOptions::shares, "how often each; they sum to 1")
      .finish();
  using search::RefineOptions;
  OptionsClass<RefineOptions>(m, "RefineOptions", "AttrOP: a vector moved until its face fits.")
      .field("max_identity_distance", &RefineOptions::max_identity_distance,
             "1 - cosine of the face and the identity vector")
      .field("min_quality", &RefineOptions::min_quality, "None: not asked for")
      .field("yaw_deg", &RefineOptions::yaw_deg, "None: as it is; + to the right of the picture")
      .field("yaw_tolerance_deg", &RefineOptions::yaw_tolerance_deg, "either way")
      .field("max_steps", &RefineOptions::max_steps, "then the best so far is taken")
      .field("rate", &RefineOptions::rate, "of Adam, for vectors of length sqrt(D)")
      .field("identity_weight", &RefineOptions::identity_weight, "of 1 - cosine")
      .field("quality_weight", &RefineOptions::quality_weight, "of missing quality")
      .field("yaw_weight", &RefineOptions::yaw_weight, "of a wrong degree")
      .finish();
  using nets::Vec2FaceMaskOptions;
  OptionsClass<Vec2FaceMaskOptions>(m, "Vec2FaceMaskOptions", "Shares of masked tokens.")
      .field("low", &Vec2FaceMaskOptions::low, "least; as many are dropped")
      .field("high", &Vec2FaceMaskOptions::high, "most")
      .field("mean", &Vec2FaceMaskOptions::mean, "of the normal distribution, cut off there")
      .field("sd", &Vec2FaceMaskOptions::sd, "its deviation")
      .finish();
  OptionsClass<DrawFacesOptions> options(m, "DrawFacesOptions", "How faces are drawn.");
  options.field("noise", &DrawFacesOptions::noise, "PerturbOptions")
      .field("mask", &DrawFacesOptions::mask, "Vec2FaceMaskOptions")
      .field("yaw_targets_deg", &DrawFacesOptions::yaw_targets_deg,
             "turns of the head, in turn by the number of the sample; empty: as it comes")
      .field("refine", &DrawFacesOptions::refine, "RefineOptions, where there are targets")
      .finish();
  options.bound().def("validate", &DrawFacesOptions::validate,
                      "Raises ValueError that names what is wrong.");
}

void bind_generator(py::module_& m) {
  py::class_<GeneratorHandle, Handle>(m, "FaceGenerator", "Draws faces from identity vectors.")
      .def_property_readonly(
          "vector_size", [](const GeneratorHandle& handle) { return handle.net->vector_size(); })
      .def_property_readonly("dtype",
                             [](const GeneratorHandle& handle) { return handle.net->file().dtype; })
      .def_property_readonly(
          "vector_norm",
          [](const GeneratorHandle& handle) { return handle.net->file().vector_norm; },
          "typical length of the raw embeddings that it takes")
      .def(
          "extra",
          [](const GeneratorHandle& handle, const std::string& name) {
            const at::Tensor found = handle.net->extra(name);
            return found.defined() ? std::optional(found) : std::nullopt;
          },
          py::arg("name"), "A tensor that the file holds beside the network's, or None.");
  m.def(
      "open_generator",
      [](const std::string& name, const std::string& preset, const std::string& path,
         const std::string& sha256, bool has_pose_condition, double vector_norm,
         const std::string& dtype, const std::shared_ptr<EmbedderHandle>& recogniser) {
        const nets::GeneratorFile file{name,
                                       preset,
                                       path,
                                       sha256,
                                       has_pose_condition,
                                       recogniser ? recogniser->file.name : "",
                                       vector_norm,
                                       dtype};
        auto net = std::make_shared<const nets::FaceGenerator>(file);
        std::shared_ptr<const nets::MeasureFaces> measure;
        if (recogniser) {
          measure = std::make_shared<const nets::MeasureFaces>(
              recogniser->file,
              nets::PoseHead{net->extra("pose_head.weight"), net->extra("pose_head.bias")});
        }
        return std::make_shared<GeneratorHandle>(GeneratorHandle{net, measure});
      },
      py::kw_only(), py::arg("name"), py::arg("preset"), py::arg("path"), py::arg("sha256") = "",
      py::arg("has_pose_condition") = false, py::arg("vector_norm") = 22.0,
      py::arg("dtype") = "float32", py::arg("recogniser") = nullptr,
      py::call_guard<py::gil_scoped_release>(),
      "Raises Unavailable, CorruptFile, ValueError. Without its recogniser faces cannot be "
      "steered.");
}

void bind_draw_faces(py::module_& m) {
  using search::RefinedVector;
  py::class_<RefinedVector>(m, "RefinedVector", "What AttrOP made of a vector.")
      .def_readonly("vector", &RefinedVector::vector, "float32 [D]")
      .def_readonly("fits", &RefinedVector::fits, "within all limits")
      .def_readonly("steps", &RefinedVector::steps)
      .def_readonly("identity_distance", &RefinedVector::identity_distance)
      .def_readonly("quality", &RefinedVector::quality)
      .def_readonly("yaw_deg", &RefinedVector::yaw_deg);
  using search::DrawnFaces;
  py::class_<DrawnFaces>(m, "DrawnFaces", "Pictures and how they came about.")
      .def_readonly("images", &DrawnFaces::images, "uint8 [N, 112, 112, 3] RGB")
      .def_readonly("strengths", &DrawnFaces::strengths, "of the noise")
      .def_readonly("refined", &DrawnFaces::refined, "RefinedVector where steered, else None")
      .def_readonly("yaw_targets_deg", &DrawnFaces::yaw_targets_deg);
  m.def(
      "draw_faces",
      [](const Handle& generator, const at::Tensor& vectors, uint64_t seed,
         const std::vector<std::pair<uint64_t, uint64_t>>& keys, const DrawFacesOptions& options,
         int64_t threads, const Cancel& cancel) {
        std::vector<search::FaceKey> numbers;
        for (const auto& [identity, sample] : keys) numbers.push_back({identity, sample, 0});
        const search::DrawFaces draw(generator->net, generator->measure, options);
        return pipelines::draw_in_parallel(draw, vectors, seed, numbers, threads, flag_of(cancel));
      },
      py::arg("generator"), py::arg("vectors"), py::kw_only(), py::arg("seed"), py::arg("keys"),
      py::arg("options"), py::arg("threads") = 0, py::arg("cancel") = nullptr,
      py::call_guard<py::gil_scoped_release>(),
      "float [N, D] and N pairs (identity, sample) -> DrawnFaces.");
  m.def(
      "turned_landmarks",
      [](double yaw_deg) {
        const core::Landmarks5 points = core::turned_landmarks(yaw_deg);
        at::Tensor tensor = at::empty({5, 2});
        for (int64_t i = 0; i < 5; ++i) {
          tensor[i][0] = points[static_cast<size_t>(i)].x;
          tensor[i][1] = points[static_cast<size_t>(i)].y;
        }
        return tensor;
      },
      py::arg("yaw_deg"), "float32 [5, 2] px: the points of a turned head in a 112 px crop.");
}

// Whether the face of each vector shows the vector's identity, well enough.
search::DrawIdentities drawn_by(const Handle& generator,
                                const std::shared_ptr<EmbedderHandle>& embedder,
                                double max_identity_distance, double min_quality, int64_t threads,
                                const std::atomic<bool>* cancel) {
  auto draw = std::make_shared<pipelines::DrawReferenceFaces>(generator->net, embedder->net);
  return [=](const at::Tensor& vectors, const std::vector<uint64_t>&) {
    const pipelines::ReferenceFaces faces = (*draw)(vectors, threads, cancel);
    at::Tensor accepted = (1 - faces.cosines).le(max_identity_distance);
    if (min_quality > 0) {
      GUISE_CHECK_ARG(faces.quality.defined(), "min_quality needs a recogniser with a quality");
      accepted = accepted & faces.quality.ge(min_quality);
    }
    return search::DrawnIdentities{faces.units, accepted};
  };
}

void bind_sample_identities(py::module_& m) {
  using search::IdentitySearchOptions;
  m.def(
      "sample_identities",
      [](const NormalVectors& distribution, int64_t count, uint64_t seed, double max_cosine,
         const std::optional<at::Tensor>& gallery, double max_gallery_cosine, int64_t max_tried,
         const Handle& generator, const std::shared_ptr<EmbedderHandle>& embedder,
         double max_identity_distance, double min_quality, int64_t threads, const Cancel& cancel,
         const py::object& on_progress) {
        IdentitySearchOptions options{max_cosine, max_gallery_cosine,
                                      gallery.value_or(at::Tensor()), max_tried};
        const auto tell = [&](int64_t kept) {
          const py::gil_scoped_acquire acquired;
          if (PyErr_CheckSignals() != 0) throw py::error_already_set();
          if (!on_progress.is_none()) on_progress(kept);
        };
        search::DrawIdentities draw;
        if (generator) {
          GUISE_CHECK_ARG(embedder != nullptr, "drawing identities needs a recogniser; got none");
          draw = drawn_by(generator, embedder, max_identity_distance, min_quality, threads,
                          flag_of(cancel));
        }
        const py::gil_scoped_release released;
        return search::sample_identities(distribution, seed, count, options, draw, flag_of(cancel),
                                         tell);
      },
      py::arg("distribution"), py::arg("count"), py::kw_only(), py::arg("seed"),
      py::arg("max_cosine"), py::arg("gallery") = py::none(), py::arg("max_gallery_cosine") = 0.4,
      py::arg("max_tried") = 0, py::arg("generator") = nullptr, py::arg("embedder") = nullptr,
      py::arg("max_identity_distance") = 0.5, py::arg("min_quality") = 0.0, py::arg("threads") = 0,
      py::arg("cancel") = nullptr, py::arg("on_progress") = py::none(),
      "The first `count` candidates that are apart. With a generator and its recogniser also their "
      "faces are, and show the identity. Raises ValueError where the space is full.");
}

void bind_dataset_parts(py::module_& m) {
  m.def(
      "reference_faces",
      [](const Handle& generator, const std::shared_ptr<EmbedderHandle>& embedder,
         const at::Tensor& vectors, int64_t threads) {
        const pipelines::ReferenceFaces faces =
            pipelines::DrawReferenceFaces(generator->net, embedder->net)(vectors, threads);
        return std::make_pair(faces.units, faces.cosines);
      },
      py::arg("generator"), py::arg("embedder"), py::arg("vectors"), py::kw_only(),
      py::arg("threads") = 0, py::call_guard<py::gil_scoped_release>(),
      "float [N, D] -> float32 [N, D] of length 1: embeddings of the faces that the vectors are "
      "drawn as; and their cosines to the vectors, [N].");
  using stages::GenerateSamples;
  py::class_<GenerateSamples, stages::SampleGenerator, std::shared_ptr<GenerateSamples>>(
      m, "GenerateSamples", "Faces drawn from identity vectors.")
      .def(py::init([](const Handle& generator, const at::Tensor& vectors, uint64_t first_identity,
                       const DrawFacesOptions& options, const std::string& identities_json,
                       const std::map<std::string, std::string>& models) {
             return GenerateSamples(generator->net, generator->measure, vectors, first_identity,
                                    {options, identities_json, models});
           }),
           py::arg("generator"), py::arg("vectors"), py::kw_only(), py::arg("first_identity") = 0,
           py::arg("options") = DrawFacesOptions(), py::arg("identities_json") = "{}",
           py::arg("models"), "models: name -> sha256 of every file that decides about a picture.");
}

}  // namespace

void bind_generate(py::module_& m) {
  bind_normal_vectors(m);
  bind_search(m);
  bind_separation(m);
  bind_packing(m);
  bind_draw_options(m);
  bind_generator(m);
  bind_draw_faces(m);
  bind_sample_identities(m);
  bind_dataset_parts(m);
}

}  // namespace guise::bindings
