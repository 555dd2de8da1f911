// A recogniser as Python holds it: one object for all threads.
#pragma once

#include <memory>
#include <string>

#include "nets/face_embedder.h"

namespace guise::bindings {

struct EmbedderHandle {
  std::shared_ptr<const nets::FaceEmbedder> net;
  nets::EmbedderFile file;
};

}  // namespace guise::bindings
