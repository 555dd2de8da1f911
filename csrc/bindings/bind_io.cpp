#include <string_view>

#include "bindings/common.h"
#include "core/check.h"
#include "core/image.h"
#include "io/read_image.h"
#include "io/safetensors.h"
#include "io/sha256.h"
#include "io/write_image.h"

namespace guise::bindings {

namespace {

std::map<std::string, at::Tensor> read_tensors(const std::string& path) {
  const io::SafetensorsFile file = io::read_safetensors(path);
  return {file.tensors.begin(), file.tensors.end()};
}

void write_tensors(const std::string& path, const std::map<std::string, at::Tensor>& tensors,
                   const std::map<std::string, std::string>& metadata) {
  io::write_safetensors(path, tensors, metadata);
}

void write_picture(const std::string& path, const at::Tensor& image, const std::string& format,
                   const io::WriteOptions& options, const std::string& icc_profile, bool grey) {
  const size_t dot = path.find_last_of("./");
  const std::string extension =
      dot == std::string::npos || path[dot] == '/' ? "" : path.substr(dot + 1);
  GUISE_CHECK_ARG(!format.empty() || !extension.empty(),
                  "a picture needs a file name with an extension, or a format; got ", path);
  io::write_image(path, core::check_image(image),
                  io::format_named(format.empty() ? extension : format), grey,
                  {icc_profile.begin(), icc_profile.end()}, options);
}

}  // namespace

void bind_io(py::module_& m) {
  py::class_<io::DecodedImage>(m, "DecodedImage", "A picture file, read.")
      .def_readonly("pixels", &io::DecodedImage::pixels, "uint8 [H, W, 3] RGB, upright")
      .def_property_readonly(
          "icc_profile",
          [](const io::DecodedImage& image) {
            return py::bytes(reinterpret_cast<const char*>(image.icc_profile.data()),
                             image.icc_profile.size());
          },
          "bytes of the profile that fits the pixels, or empty")
      .def_property_readonly(
          "format",
          [](const io::DecodedImage& image) {
            return std::string(io::format_extension(image.format)).substr(1);
          },
          "'jpg', 'png', 'webp' or 'bmp'")
      .def_readonly("grey", &io::DecodedImage::grey, "the file stored one colour channel")
      .def_readonly("orientation", &io::DecodedImage::orientation,
                    "EXIF orientation 1 to 8 that was applied");
  m.def("decode_image", &io::read_image, py::arg("path"), py::kw_only(),
        py::arg("limits") = io::ReadLimits(), py::call_guard<py::gil_scoped_release>(),
        "A picture file with its profile and format. Raises CorruptFile or Unavailable.");
  m.def(
      "read_image",
      [](const std::string& path, const io::ReadLimits& limits) {
        return io::read_image(path, limits).pixels;
      },
      py::arg("path"), py::kw_only(), py::arg("limits") = io::ReadLimits(),
      py::call_guard<py::gil_scoped_release>(),
      "uint8 [H, W, 3] RGB, upright. Raises CorruptFile or Unavailable.");
  m.def(
      "decode_image_bytes",
      [](const py::bytes& file) {
        const std::string_view bytes = file;
        const py::gil_scoped_release released;
        return io::decode_image(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size())
            .pixels;
      },
      py::arg("file"),
      "The bytes of a picture file -> uint8 [H, W, 3] RGB, upright. Raises CorruptFile.");
  m.def("write_image", &write_picture, py::arg("path"), py::arg("image"), py::kw_only(),
        py::arg("format") = "", py::arg("options") = io::WriteOptions(),
        py::arg("icc_profile") = py::bytes(""), py::arg("grey") = false,
        py::call_guard<py::gil_scoped_release>(),
        "Writes a picture whole or not at all, without metadata. format: 'jpeg', 'png', 'webp' or "
        "'bmp'; by default what the extension says.");
  m.def("sha256_file", &io::sha256_file, py::arg("path"), py::call_guard<py::gil_scoped_release>(),
        "SHA-256 of a file, 64 hexadecimal digits.");
  m.def("read_safetensors", &read_tensors, py::arg("path"),
        py::call_guard<py::gil_scoped_release>(),
        "Tensors by name. Raises CorruptFile for anything the format does not allow.");
  m.def("write_safetensors", &write_tensors, py::arg("path"), py::arg("tensors"), py::kw_only(),
        py::arg("metadata") = std::map<std::string, std::string>(),
        py::call_guard<py::gil_scoped_release>(), "Writes tensors by name, whole or not at all.");
}

}  // namespace guise::bindings
