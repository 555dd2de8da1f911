// One list of fields a struct serves the constructor, the attributes, as_dict() and repr().
#pragma once

#include <string>

#include "bindings/common.h"

namespace guise::bindings {

// Binds T with keyword arguments for the fields that are added; every field keeps its C++ default.
template <typename T>
class OptionsClass {
 public:
  OptionsClass(py::module_& m, const char* name, const char* doc)
      : name_(name), class_(m, name, doc), fields_() {}

  py::class_<T>& bound() { return class_; }

  template <typename Field>
  OptionsClass& field(const char* name, Field T::*member, const char* doc) {
    class_.def_readwrite(name, member, doc);
    fields_.append(name);
    return *this;
  }

  void finish() {
    const py::list fields = fields_;
    const std::string name = name_;
    class_.def(py::init([fields, name](const py::kwargs& values) {
      T options;
      py::object self = py::cast(&options, py::return_value_policy::reference);
      for (const auto& [key, value] : values) {
        if (!fields.contains(key)) {
          throw py::type_error(name + " has no option '" + py::str(key).cast<std::string>() +
                               "'; it has " + py::str(fields).cast<std::string>());
        }
        py::setattr(self, key, value);
      }
      return options;
    }));
    class_.def(
        "as_dict",
        [fields](const py::object& self) {
          py::dict values;
          for (const py::handle& field : fields) {
            const py::object value = self.attr(field);
            values[field] = py::hasattr(value, "as_dict") ? value.attr("as_dict")() : value;
          }
          return values;
        },
        "All options as a dict, nested.");
    class_.def("__repr__", [name](const py::object& self) {
      return name + "(" + py::str(self.attr("as_dict")()).cast<std::string>() + ")";
    });
  }

 private:
  std::string name_;
  py::class_<T> class_;
  py::list fields_;
};

}  // namespace guise::bindings
