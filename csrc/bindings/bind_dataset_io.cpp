// Records and provenance out of bytes, for the readers of datasets.
#include "bindings/common.h"
#include "core/check.h"
#include "io/record_io.h"
#include "io/xmp.h"

namespace guise::bindings {

namespace {

// A view of anything that has the buffer protocol (bytes, mmap, numpy) as flat bytes; nothing is
// copied, so a mapped file of many GB may be given.
class ByteView {
 public:
  explicit ByteView(const py::buffer& data) {
    if (PyObject_GetBuffer(data.ptr(), &view_, PyBUF_SIMPLE) != 0) throw py::error_already_set();
  }
  ByteView(const ByteView&) = delete;
  ByteView& operator=(const ByteView&) = delete;
  ~ByteView() { PyBuffer_Release(&view_); }

  const uint8_t* data() const { return static_cast<const uint8_t*>(view_.buf); }
  size_t size() const { return static_cast<size_t>(view_.len); }

 private:
  Py_buffer view_{};
};

io::Record read_record(const py::buffer& data, int64_t offset) {
  GUISE_CHECK_ARG(offset >= 0, "the offset of a record must be at least 0; got ", offset);
  const ByteView view(data);
  const py::gil_scoped_release released;
  return io::read_record(view.data(), view.size(), static_cast<size_t>(offset));
}

py::str find_xmp(const py::bytes& picture) {
  const std::string_view bytes(picture);
  const std::string packet = io::find_xmp({bytes.begin(), bytes.end()});
  PyObject* text =
      PyUnicode_DecodeUTF8(packet.data(), static_cast<Py_ssize_t>(packet.size()), nullptr);
  if (text == nullptr) {
    PyErr_Clear();
    throw CorruptFile("the XMP packet of a picture must be UTF-8; this one is not; remove it");
  }
  return py::reinterpret_steal<py::str>(text);
}

}  // namespace

void bind_dataset_io(py::module_& m) {
  py::class_<io::Record>(m, "Record", "One record of a RecordIO file (.rec).")
      .def_readonly("flag", &io::Record::flag, "number of labels behind the header")
      .def_readonly("label", &io::Record::label, "the label where flag is 0")
      .def_readonly("labels", &io::Record::labels, "the labels where flag is above 0")
      .def_readonly("id", &io::Record::id, "key of the record in the index, by custom")
      .def_readonly("id2", &io::Record::id2, "0, by custom")
      .def_property_readonly(
          "picture",
          [](const io::Record& record) {
            return py::bytes(reinterpret_cast<const char*>(record.picture.data()),
                             record.picture.size());
          },
          "bytes of a picture file, or empty")
      .def_readonly("next_offset", &io::Record::next_offset, "where the next record starts");
  m.def("read_record", &read_record, py::arg("data"), py::arg("offset") = 0,
        "The record at a byte offset of a RecordIO file: bytes, mmap or any contiguous buffer. "
        "Raises CorruptFile for anything damaged.");
  m.def("find_xmp", &find_xmp, py::arg("picture"),
        "The XMP packet of a JPEG or PNG file, or ''. Raises CorruptFile for damaged headers and "
        "ValueError for other formats.");
}

}  // namespace guise::bindings
