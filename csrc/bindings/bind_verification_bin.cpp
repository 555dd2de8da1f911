// Sets of face pairs (.bin) for the readers of evaluation sets.
#include <string_view>

#include "bindings/common.h"
#include "bindings/options_class.h"
#include "core/check.h"
#include "io/verification_bin.h"

namespace guise::bindings {

namespace {

using io::VerificationBin;
using io::VerificationBinLimits;

py::bytes picture(const VerificationBin& self, int64_t i) {
  const auto count = static_cast<int64_t>(2 * self.pairs());
  if (i < 0 || i >= count) {
    throw py::index_error(
        core::message("a picture's number must be from 0 to ", count - 1, "; got ", i));
  }
  const std::string_view bytes = self.picture(static_cast<size_t>(i));
  return py::bytes(bytes.data(), bytes.size());
}

std::vector<bool> same(const VerificationBin& self) {
  std::vector<bool> values;
  for (size_t k = 0; k < self.pairs(); ++k) values.push_back(self.same(k));
  return values;
}

void write(const std::string& path, const std::vector<py::bytes>& pictures,
           const std::vector<bool>& same) {
  const std::vector<std::string_view> views(pictures.begin(), pictures.end());
  const py::gil_scoped_release released;
  io::write_verification_bin(path, views, same);
}

}  // namespace

void bind_verification_bin(py::module_& m) {
  OptionsClass<VerificationBinLimits>(m, "VerificationBinLimits", "What a .bin may claim.")
      .field("max_file_bytes", &VerificationBinLimits::max_file_bytes, "of the file")
      .field("max_pairs", &VerificationBinLimits::max_pairs, "pairs")
      .field("max_picture_bytes", &VerificationBinLimits::max_picture_bytes, "an encoded picture")
      .finish();
  py::class_<VerificationBin>(m, "VerificationBin", "Pairs of encoded pictures, one person or two.")
      .def("__len__", &VerificationBin::pairs, "pairs")
      .def_property_readonly("same", &same, "whether each pair shows one person")
      .def("picture", &picture, py::arg("i"),
           "Bytes of picture i; pair k is made of 2 k and 2 k + 1.");
  m.def(
      "read_verification_bin", &io::read_verification_bin, py::arg("path"), py::kw_only(),
      py::arg("limits") = VerificationBinLimits(), py::call_guard<py::gil_scoped_release>(),
      "A set of insightface (.bin). Nothing in the pickle is run. Raises CorruptFile for anything "
      "but pictures and booleans, Unavailable where the file cannot be read.");
  m.def("write_verification_bin", &write, py::arg("path"), py::arg("pictures"), py::arg("same"),
        "Writes a set whole or not at all: two encoded pictures (bytes) for each boolean.");
}

}  // namespace guise::bindings
