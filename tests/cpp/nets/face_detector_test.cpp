// Opening a detector: the right bytes of the right file, or a sentence that names it.
#include "nets/face_detector.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/check.h"
#include "core/image.h"
#include "io/atomic_file.h"
#include "io/safetensors.h"
#include "io/sha256.h"
#include "nets/retinaface.h"
#include "nets/weights.h"
#include "nets/yunet.h"
#include "support/naive_ops.h"
#include "support/scratch_folder.h"

namespace guise::nets {
namespace {

void put(const std::string& path, const std::string& text) {
  io::write_file_atomically(path, reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

// A YuNet with the weights it starts with, as a file.
void put_yunet(const std::string& path, const YuNetConfig& config = {}) {
  YuNet net(config);
  std::map<std::string, at::Tensor> tensors;
  uint32_t seed = 0;
  for (const auto& [key, tensor] : state_dict(*net)) {
    const bool is_scale = key.find("running_var") != key.npos || key.find("bn") != key.npos;
    tensors[key] = tensor.scalar_type() != at::kFloat ? tensor
                   : is_scale                         ? at::ones_like(tensor)
                              : testing::random_floats(tensor.sizes(), -0.2F, 0.2F, ++seed);
  }
  io::write_safetensors(path, tensors);
}

template <typename Error>
std::string refusal(const std::string& architecture, const std::string& path,
                    const std::string& sha256 = "") {
  try {
    open_face_detector(architecture, path, sha256);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(OpenFaceDetector, OpensConvertedWeightsOfBothLayouts) {
  const test::ScratchFolder folder;
  for (const YuNetConfig& config : {YuNetConfig::n(), YuNetConfig::s()}) {
    const std::string path = folder / "yunet.safetensors";
    put_yunet(path, config);
    const auto detector = open_face_detector("yunet", path, io::sha256_file(path));
    EXPECT_EQ(detector->traits().name, "yunet");
  }
}

TEST(OpenFaceDetector, OpensRetinaFaceByItsPresetAlone) {
  const test::ScratchFolder folder;
  const std::string path = folder / "retinaface.safetensors";
  std::map<std::string, at::Tensor> tensors;
  for (const auto& [key, tensor] : state_dict(*RetinaFace())) tensors[key] = tensor;
  io::write_safetensors(path, tensors);
  for (const char* architecture : {"retinaface-mnet025-leaky", "retinaface-mnet025-relu"}) {
    EXPECT_EQ(open_face_detector(architecture, path, "")->traits().name, architecture);
  }
  EXPECT_NE(refusal<CorruptFile>("retinaface-r50", path).find(" missing: body.bn1"),
            std::string::npos);
  EXPECT_NE(refusal<CorruptFile>("yunet", path).find("unexpected"), std::string::npos);
}

TEST(OpenFaceDetector, RefusesAnotherSha256NamingTheFile) {
  const test::ScratchFolder folder;
  const std::string path = folder / "weights.safetensors";
  put_yunet(path);
  const std::string right = io::sha256_file(path), wrong(64, '0');
  EXPECT_NO_THROW(open_face_detector("yunet", path, right));
  const std::string text = refusal<CorruptFile>("yunet", path, wrong);
  for (const std::string& part : {path, wrong, right}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in: " << text;
  }
  std::vector<uint8_t> bytes = io::read_file(path, 1 << 24);
  bytes[bytes.size() / 2] ^= 1;
  io::write_file_atomically(path, bytes.data(), bytes.size());
  EXPECT_NE(refusal<CorruptFile>("yunet", path, right), "") << "one flipped bit";
}

TEST(OpenFaceDetector, RefusesAnUnknownArchitecture) {
  EXPECT_NE(refusal<std::invalid_argument>("retinaface", "x").find("'retinaface'"),
            std::string::npos);
  EXPECT_NE(refusal<std::invalid_argument>("", "x"), "");
}

TEST(OpenFaceDetector, RefusesWhatIsNoModel) {
  const test::ScratchFolder folder;
  const std::string path = folder / "model.onnx";
  for (const std::string& content :
       {std::string(), std::string("hello, this is a text file and no graph"),
        std::string(1000, '\0'), std::string(1000, '\xff')}) {
    put(path, content);
    for (const char* architecture : {"yunet", "centerface", "retinaface-mnet025-leaky"}) {
      const std::string text = refusal<CorruptFile>(architecture, path);
      EXPECT_NE(text.find(path), std::string::npos)
          << architecture << ", " << content.size() << " bytes: " << text;
    }
  }
}

TEST(OpenFaceDetector, RefusesOtherTensorsNamingThem) {
  const test::ScratchFolder folder;
  const std::string path = folder / "other.safetensors";
  io::write_safetensors(path, {{"conv.weight", at::zeros({2, 2})}});
  const std::string text = refusal<CorruptFile>("yunet", path);
  EXPECT_NE(text.find("unexpected: conv.weight"), std::string::npos) << text;
  EXPECT_NE(text.find(path), std::string::npos) << text;
}

TEST(OpenFaceDetector, AMissingFileIsUnavailable) {
  const test::ScratchFolder folder;
  EXPECT_NE(refusal<Unavailable>("yunet", folder / "absent").find("absent"), std::string::npos);
  EXPECT_NE(refusal<Unavailable>("centerface", folder.path()), "") << "a folder";
}

TEST(YuNetDetector, ReadsViewsAndClonesAlike) {
  const test::ScratchFolder folder;
  const std::string path = folder / "yunet.safetensors";
  put_yunet(path);
  const auto detector = open_face_detector("yunet", path, "");
  const at::Tensor image = testing::random_image(120, 150, 3);
  const at::Tensor view = core::view_rect(image, {11, 7, 108, 90});
  const auto faces = detector->propose(view, 0.0F);
  const auto again = detector->clone()->propose(view.contiguous(), 0.0F);
  // Every cell of a picture padded to 128 x 96 answers.
  ASSERT_EQ(faces.size(), 16U * 12 + 8 * 6 + 4 * 3);
  ASSERT_EQ(again.size(), faces.size());
  bool scores_differ = false;
  for (size_t i = 0; i < faces.size(); ++i) {
    EXPECT_EQ(faces[i].score, again[i].score) << i;
    EXPECT_EQ(faces[i].box.x0, again[i].box.x0) << i;
    scores_differ |= std::abs(faces[i].score - faces[0].score) > 1e-4;
  }
  EXPECT_TRUE(scores_differ) << "the picture must reach the scores";
  EXPECT_LT(detector->propose(view, faces[0].score).size(), faces.size() + 1);
}

}  // namespace
}  // namespace guise::nets
