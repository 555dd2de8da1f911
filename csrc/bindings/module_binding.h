// A C++ module as a torch.nn.Module in Python. torch::python::bind_module gives parameters(), to(),
// train(), hooks and use as a child; state_dict and load_state_dict are added here. As a child of a
// Python module it is saved along with its parent, but loaded by its own load_state_dict only.
#pragma once

#include <torch/csrc/api/include/torch/python.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "bindings/common.h"
#include "nets/weights.h"

namespace guise::bindings {

// What torch.nn.Module.state_dict gives: an OrderedDict by key, sharing memory with the module.
py::object state_dict_of(const torch::nn::Module& module, const py::object& destination,
                         const std::string& prefix, bool keep_vars);

// Strict; ValueError lists missing, unexpected and misshapen keys, and then nothing has changed.
void load_state_dict_into(torch::nn::Module& module,
                          const std::map<std::string, at::Tensor>& tensors);

// Binds Net with state_dict and load_state_dict; the caller adds py::init and forward.
template <typename Net>
torch::python::detail::PyModuleClass<Net> bind_stateful(py::module_& m, const char* name,
                                                        const char* doc) {
  auto bound = torch::python::bind_module<Net, /*force_enable=*/true>(m, name);
  m.attr(name).attr("__doc__") = doc;
  m.attr(name).attr("__module__") = m.attr("__name__");
  bound
      .def("state_dict", &state_dict_of, py::kw_only(), py::arg("destination") = py::none(),
           py::arg("prefix") = "", py::arg("keep_vars") = false)
      .def("load_state_dict", &load_state_dict_into, py::arg("tensors"));
  return bound;
}

// The same with a forward of one tensor, which gives up the GIL.
template <typename Net>
torch::python::detail::PyModuleClass<Net> bind_net(py::module_& m, const char* name,
                                                   const char* doc) {
  auto bound = bind_stateful<Net>(m, name, doc);
  bound.def("forward", &Net::forward, py::arg("x"), py::call_guard<py::gil_scoped_release>());
  return bound;
}

}  // namespace guise::bindings
