// guise._core: a list. Types are bound before the signatures that name them.
#include "bindings/common.h"

PYBIND11_MODULE(_core, m) {
  m.doc() = "The guise engine. Use it through the package guise.";
  m.attr("__version__") = GUISE_VERSION;
  guise::bindings::bind_errors(m);
  guise::bindings::bind_core(m);
  guise::bindings::bind_options(m);
  guise::bindings::bind_io(m);
  guise::bindings::bind_ops(m);
  guise::bindings::bind_stages(m);
  guise::bindings::bind_pipelines(m);
  guise::bindings::bind_render(m);
  guise::bindings::bind_dataset_io(m);
  guise::bindings::bind_embed(m);
  guise::bindings::bind_dataset(m);
  guise::bindings::bind_measure(m);
  guise::bindings::bind_verification_bin(m);
  guise::bindings::bind_generate(m);
  guise::bindings::bind_nets(m);
  guise::bindings::bind_detector_nets(m);
  guise::bindings::bind_generator_nets(m);
  guise::bindings::bind_losses(m);
}
