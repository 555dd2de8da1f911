// A cloth over the head and around the neck that leaves the oval of the face free.
#pragma once

#include <cstdint>

#include "render/head_model.h"
#include "render/mesh.h"

namespace guise::render {

void append_headscarf(const HeadTopology& topology, const Head& head, uint32_t key,
                      uint16_t surface, Mesh& mesh);

}  // namespace guise::render
