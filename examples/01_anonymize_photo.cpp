// One photo without its faces, step by step: detect, obscure, look again, write.
//
//   example_01_anonymize_photo IN OUT.jpg CENTERFACE.onnx
//
// The same in Python: 01_anonymize_photo.py. Where the detector's file is: `guise models fetch
// centerface`. All of it in one call, with the rules for doubtful places:
// pipelines/anonymize_image.h.
#include <cstdio>
#include <exception>

#include "io/read_image.h"
#include "io/write_image.h"
#include "nets/face_detector.h"
#include "stages/detect_faces.h"
#include "stages/obscure_face.h"

namespace {

guise::stages::DetectFaces open_detector(const char* path) {
  std::vector<std::unique_ptr<guise::nets::FaceDetector>> detectors;
  // An empty sha256 takes the file as it is. A program that ships should name the sum it expects.
  detectors.push_back(guise::nets::open_face_detector("centerface", path, /*sha256=*/""));
  return guise::stages::DetectFaces(std::move(detectors));
}

// Whether the photo was written.
bool anonymize(const char* in, const char* out, const char* detector_path) {
  guise::stages::DetectFaces detect = open_detector(detector_path);
  const guise::stages::ObscureFace obscure({.method = "pixelate", .mask_scale = 1.3});

  // A truncated or hostile file ends here, with a sentence. Metadata ends here too.
  const guise::io::DecodedImage photo = guise::io::read_image(in);

  // Faces, and places that a person should look at: here they are obscured as well.
  guise::stages::FaceSearch found = detect(photo.pixels);
  std::vector<guise::stages::DetectedFace> faces = found.faces;
  faces.insert(faces.end(), found.doubtful.begin(), found.doubtful.end());
  for (const guise::stages::DetectedFace& face : faces) {
    std::printf("a face of %.0f x %.0f px, score %.2f\n", face.box.width(), face.box.height(),
                static_cast<double>(face.score));
  }

  // A new picture; outside the masks every pixel is that of the photo.
  const guise::stages::ObscuredImage obscured = obscure(photo.pixels, faces);

  // The second look sees the result mirrored. What it finds outside the masks was missed.
  if (!detect.find_uncovered(obscured.image, obscured.masks).empty()) {
    std::printf("a face may be left: nothing written\n");
    return false;
  }
  guise::io::write_image(out, obscured.image, guise::io::ImageFormat::jpeg, photo.grey,
                         photo.icc_profile);
  std::printf("%zu face(s) obscured\n", faces.size());
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) {
    std::fprintf(stderr, "usage: %s IN OUT.jpg CENTERFACE.onnx\n", arguments[0]);
    return 2;
  }
  try {
    return anonymize(arguments[1], arguments[2], arguments[3]) ? 0 : 3;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 4;
  }
}
