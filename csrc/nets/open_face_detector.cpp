// The list of detectors, and the check that a file is the one its checksum names. Only this file
// knows both the file formats and the architectures.
#include "core/check.h"
#include "io/atomic_file.h"
#include "io/safetensors.h"
#include "io/sha256.h"
#include "nets/centerface_detector.h"
#include "nets/face_detector.h"
#include "nets/yunet_detector.h"

namespace guise::nets {

namespace {

constexpr int64_t kMaxDetectorBytes = 256 << 20;

bool is_safetensors(const std::vector<uint8_t>& bytes) {
  // An 8-byte length and a JSON object; an ONNX file starts with a protobuf tag instead.
  return bytes.size() > 8 && bytes[8] == '{';
}

}  // namespace

std::unique_ptr<FaceDetector> open_face_detector(const std::string& architecture,
                                                 const std::string& path,
                                                 const std::string& sha256) {
  GUISE_CHECK_ARG(architecture == "yunet" || architecture == "centerface",
                  "a detector's architecture must be 'yunet' or 'centerface'; got '", architecture,
                  "'");
  const auto bytes =
      std::make_shared<const std::vector<uint8_t>>(io::read_file(path, kMaxDetectorBytes));
  const std::string actual = io::sha256_hex(bytes->data(), bytes->size());
  if (!sha256.empty() && actual != sha256) {
    throw CorruptFile(core::message(path, " must have the sha256 ", sha256, "; it has ", actual,
                                    ". Delete it and run 'guise models fetch ", architecture, "'"));
  }
  if (architecture == "centerface") {
    return make_centerface_detector(bytes, path);
  }
  if (is_safetensors(*bytes)) {
    return make_yunet_detector(io::parse_safetensors(bytes->data(), bytes->size(), path).tensors,
                               path);
  }
  return make_yunet_onnx_detector(bytes, path);
}

}  // namespace guise::nets
