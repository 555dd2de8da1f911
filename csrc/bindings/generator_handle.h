// A generator and what steers it, as Python holds them.
#pragma once

#include <memory>

#include "nets/face_generator.h"
#include "nets/face_measures.h"

namespace guise::bindings {

struct GeneratorHandle {
  std::shared_ptr<const nets::FaceGenerator> net;
  std::shared_ptr<const nets::MeasureFaces> measure;  // empty without its recogniser
};

}  // namespace guise::bindings
