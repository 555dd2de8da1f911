// The list of detectors, and the check that a file is the one its checksum names. Only this file
// knows both the file formats and the architectures.
#include "core/check.h"
#include "io/atomic_file.h"
#include "io/safetensors.h"
#include "io/sha256.h"
#include "nets/centerface_detector.h"
#include "nets/face_detector.h"
#include "nets/retinaface_detector.h"
#include "nets/yunet_detector.h"

namespace guise::nets {

namespace {

constexpr int64_t kMaxDetectorBytes = 256 << 20;
// With the preset of the network behind it: several have the same tensors.
const std::string kRetinaFace = "retinaface-";

bool is_safetensors(const std::vector<uint8_t>& bytes) {
  // An 8-byte length and a JSON object; an ONNX file starts with a protobuf tag instead.
  return bytes.size() > 8 && bytes[8] == '{';
}

}  // namespace

std::unique_ptr<FaceDetector> open_face_detector(const std::string& architecture,
                                                 const std::string& path,
                                                 const std::string& sha256) {
  const bool is_retinaface = architecture.starts_with(kRetinaFace);
  const std::string preset = is_retinaface ? architecture.substr(kRetinaFace.size()) : "";
  const bool is_house = architecture == "house-detector";
  GUISE_CHECK_ARG(is_house || architecture == "yunet" || architecture == "centerface" ||
                      preset == "mnet025-leaky" || preset == "mnet025-relu" || preset == "r50",
                  "a detector's architecture must be 'house-detector', 'yunet', 'centerface', "
                  "'retinaface-mnet025-leaky', 'retinaface-mnet025-relu' or 'retinaface-r50'; "
                  "got '",
                  architecture, "'");
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
  if (is_house || is_retinaface || is_safetensors(*bytes)) {
    const auto tensors = io::parse_safetensors(bytes->data(), bytes->size(), path).tensors;
    if (is_house) {
      return make_house_detector(tensors, path);
    }
    return is_retinaface ? make_retinaface_detector(preset, tensors, path)
                         : make_yunet_detector(tensors, path);
  }
  return make_yunet_onnx_detector(bytes, path);
}

}  // namespace guise::nets
