// The renderer: options by name, and pictures with their ground truth.
#include "render/renderer.h"

#include <chrono>
#include <future>
#include <optional>

#include "bindings/common.h"
#include "bindings/options_class.h"
#include "render/recipe_options.h"
#include "render/recipe_text.h"

namespace guise::bindings {

namespace {

using render::RecipeOptions;
using render::RenderedFaces;
using render::Renderer;
using render::RenderOptions;

// How often a running job looks whether the user pressed Ctrl-C.
constexpr std::chrono::milliseconds kSignalEvery{50};

std::optional<at::Tensor> if_made(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional(tensor) : std::nullopt;
}

// Renders in another thread, so that this one can answer signals.
RenderedFaces render_pictures(const Renderer& renderer,
                              const std::vector<render::IdentityAndSample>& pictures, uint64_t seed,
                              const RenderOptions& options) {
  std::atomic<bool> cancel = false;
  const py::gil_scoped_release released;
  std::future<RenderedFaces> job = std::async(
      std::launch::async, [&] { return renderer.render(seed, pictures, options, &cancel); });
  while (job.wait_for(kSignalEvery) != std::future_status::ready) {
    const py::gil_scoped_acquire acquired;
    if (PyErr_CheckSignals() != 0) {
      cancel = true;
      const py::error_already_set interrupted;
      {
        const py::gil_scoped_release waiting;
        job.wait();
      }
      throw interrupted;
    }
  }
  return job.get();
}

void bind_recipe_options(py::module_& m) {
  OptionsClass<RecipeOptions> options(m, "RecipeOptions",
                                      "What is drawn at random, and how often.");
  for (const render::RecipeAxis& axis : render::recipe_axes()) {
    options.field(axis.name, axis.field, axis.meaning);
  }
  options.finish();
  options.bound()
      .def("validate", &RecipeOptions::validate, "Raises ValueError that names what is wrong.")
      .def_static("preset", &RecipeOptions::preset, py::arg("name"),
                  "'default', 'frontal', 'passport' or 'clean'.")
      .def_static(
          "frontal", &RecipeOptions::frontal,
          "Faces to the front: yaw up to 30 degrees, pitch 15, roll 10; nothing on or before "
          "the face.")
      .def_static("passport", &RecipeOptions::passport,
                  "As for a document: frontal, calm, even light, plain background.")
      .def_static("clean", &RecipeOptions::clean,
                  "A perfect camera: sharp, without noise, compression or wrong exposure.");
  using Axis = std::tuple<std::string, std::string, double, double, std::string>;
  m.def(
      "recipe_axes",
      [] {
        std::vector<Axis> axes;
        for (const render::RecipeAxis& axis : render::recipe_axes()) {
          axes.emplace_back(axis.name, axis.group, axis.low, axis.high, axis.meaning);
        }
        return axes;
      },
      "(name, group, lowest, highest, meaning) of every field of RecipeOptions.");
}

void bind_render_options(py::module_& m) {
  OptionsClass<RenderOptions> options(m, "RenderOptions", "How faces of nobody are rendered.");
  options.field("size_px", &RenderOptions::size_px, "height and width of a picture, 32 to 1024")
      .field("threads", &RenderOptions::threads,
             "pictures at a time; 0: one a processor. The bytes do not depend on it")
      .field("maps", &RenderOptions::maps, "also give part masks, normals and depth")
      .field("recipe", &RenderOptions::recipe, "RecipeOptions")
      .finish();
  options.bound().def("validate", &RenderOptions::validate,
                      "Raises ValueError that names what is wrong.");
}

void bind_rendered_faces(py::module_& m) {
  py::class_<RenderedFaces, std::shared_ptr<RenderedFaces>>(
      m, "RenderedFaces", "N pictures of size S with what is true about them.")
      .def_readonly("images", &RenderedFaces::images, "uint8 [N, S, S, 3] RGB")
      .def_readonly("landmarks_5", &RenderedFaces::landmarks_5,
                    "float32 [N, 5, 2] px, left eye as seen first, as detectors place them")
      .def_readonly("landmarks_68", &RenderedFaces::landmarks_68,
                    "float32 [N, 68, 2] px, iBUG order, also where hidden")
      .def_readonly("boxes", &RenderedFaces::boxes, "float32 [N, 4] x0, y0, x1, y1 (exclusive)")
      .def_readonly("pose_deg", &RenderedFaces::pose_deg, "float32 [N, 3] yaw, pitch, roll")
      .def_readonly("identities", &RenderedFaces::identities, "int64 [N]")
      .def_readonly("samples", &RenderedFaces::samples, "int64 [N]")
      .def_property_readonly(
          "parts", [](const RenderedFaces& faces) { return if_made(faces.parts); },
          "uint8 [N, S, S] part of each pixel; None without maps")
      .def_property_readonly(
          "normals", [](const RenderedFaces& faces) { return if_made(faces.normals); },
          "float32 [N, S, S, 3] in camera space, 0 where nothing is; None without maps")
      .def_property_readonly(
          "depth", [](const RenderedFaces& faces) { return if_made(faces.depth); },
          "float32 [N, S, S] dm from the camera, 0 where nothing is; None without maps")
      .def_property_readonly(
          "recipes",
          [](const RenderedFaces& faces) {
            std::vector<std::string> texts;
            for (size_t i = 0; i < faces.photos.size(); ++i) {
              texts.push_back(render::recipe_json(faces.persons[i], faces.photos[i]));
            }
            return texts;
          },
          "JSON of each picture: {\"identity\": ..., \"photo\": ...}")
      .def_property_readonly(
          "times_ms",
          [](const RenderedFaces& faces) {
            const render::PictureTimes& t = faces.times;
            return std::map<std::string, double>{{"scene", t.scene},
                                                 {"background", t.background},
                                                 {"raster", t.raster},
                                                 {"shading", t.shading},
                                                 {"film", t.film}};
          },
          "milliseconds of each step, added over pictures and threads");
}

}  // namespace

void bind_render(py::module_& m) {
  bind_recipe_options(m);
  bind_render_options(m);
  bind_rendered_faces(m);
  py::class_<Renderer, std::shared_ptr<Renderer>>(m, "Renderer", "The house models, opened.")
      .def(py::init<const std::string&, const std::string&, const std::string&>(), py::kw_only(),
           py::arg("head"), py::arg("skin"), py::arg("light"),
           py::call_guard<py::gil_scoped_release>(),
           "Paths of house-head, house-skin and house-light. Raises Unavailable or CorruptFile.")
      .def("render", &render_pictures, py::arg("pictures"), py::kw_only(), py::arg("seed"),
           py::arg("options") = RenderOptions(),
           "(identity, sample) pairs -> RenderedFaces in their order. A picture depends on seed, "
           "identity, sample, size and recipe alone. Ctrl-C stops it.")
      .def_property_readonly(
          "shape_mode_count",
          [](const Renderer& renderer) { return renderer.models().head.mode_count(); },
          "dimensions of the learned space of shapes")
      .def_property_readonly(
          "shape_limit",
          [](const Renderer& renderer) { return renderer.models().head.mahalanobis_limit(); },
          "largest Mahalanobis length of a shape that counts as a face");
}

}  // namespace guise::bindings
