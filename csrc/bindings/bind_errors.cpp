// C++ exceptions to Python's. std::invalid_argument is ValueError by pybind11's own table; a
// translator for std::exception would hide that table, so there is none.
#include <c10/util/Exception.h>

#include "bindings/common.h"
#include "core/check.h"

namespace guise::bindings {

void bind_errors(py::module_& m) {
  py::register_local_exception<Unavailable>(m, "Unavailable", PyExc_RuntimeError);
  py::register_local_exception<CorruptFile>(m, "CorruptFile", PyExc_RuntimeError);
  py::register_local_exception<Cancelled>(m, "Cancelled", PyExc_RuntimeError);
  py::register_local_exception_translator([](std::exception_ptr error) {
    try {
      if (error) {
        std::rethrow_exception(error);
      }
    } catch (const c10::ValueError& e) {
      PyErr_SetString(PyExc_ValueError, e.what_without_backtrace());
    } catch (const c10::Error& e) {
      PyErr_SetString(PyExc_RuntimeError, e.what_without_backtrace());
    }
  });
}

}  // namespace guise::bindings
