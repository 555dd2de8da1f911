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

}  // namespace guise::bindings
