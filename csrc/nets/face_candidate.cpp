#include "nets/face_candidate.h"

#include <utility>

namespace guise::nets {

FaceCandidate placed(FaceCandidate face, double x0, double y0, double scale) {
  face.box = {face.box.x0 / scale + x0, face.box.y0 / scale + y0, face.box.x1 / scale + x0,
              face.box.y1 / scale + y0};
  for (core::Point& point : face.landmarks) {
    point = {point.x / scale + x0, point.y / scale + y0};
  }
  return face;
}

FaceCandidate mirrored(FaceCandidate face, double width) {
  face.box = {width - face.box.x1, face.box.y0, width - face.box.x0, face.box.y1};
  for (core::Point& point : face.landmarks) {
    point.x = width - 1 - point.x;
  }
  std::swap(face.landmarks[0], face.landmarks[1]);
  std::swap(face.landmarks[3], face.landmarks[4]);
  return face;
}

}  // namespace guise::nets
