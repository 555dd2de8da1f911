// The one include of every binding file: torch's casters must be seen by all of them, or types
// would be converted by two different casters.
#pragma once

#include <torch/csrc/utils/pybind.h>

#include <string>
#include <vector>

namespace guise::bindings {

namespace py = pybind11;

void bind_errors(py::module_& m);
void bind_core(py::module_& m);
void bind_io(py::module_& m);
void bind_ops(py::module_& m);
void bind_options(py::module_& m);
void bind_stages(py::module_& m);
void bind_pipelines(py::module_& m);
void bind_render(py::module_& m);
void bind_dataset_io(py::module_& m);
void bind_dataset(py::module_& m);
void bind_measure(py::module_& m);
void bind_verification_bin(py::module_& m);
void bind_embed(py::module_& m);
void bind_generate(py::module_& m);
void bind_nets(py::module_& m);
void bind_detector_nets(py::module_& m);
void bind_generator_nets(py::module_& m);
void bind_losses(py::module_& m);

}  // namespace guise::bindings
