// A recogniser's file as the network it holds, as it was trained: for gradients through it, and for
// what `open_face_embedder` makes of it.
#pragma once

#include <memory>

#include "nets/face_embedder.h"
#include "nets/recogniser_net.h"

namespace guise::nets {

// Throws what open_face_embedder throws.
std::shared_ptr<RecogniserNet> open_recogniser(const EmbedderFile& file);

}  // namespace guise::nets
