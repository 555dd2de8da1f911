// Recognisers by the names that the registry uses.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nets/recogniser_net.h"

namespace guise::nets {

// A net of random weights. architecture: "iresnet", "ir-backbone", "mobilefacenet",
// "inception-resnet" (preset "v1") or "house-recogniser" (preset "v1"; widths are read from
// `tensors`). Throws ValueError for another name or preset, guise::CorruptFile, naming `source`,
// where the widths cannot be read.
std::shared_ptr<RecogniserNet> make_recogniser(
    const std::string& architecture, const std::string& preset,
    const std::vector<std::pair<std::string, at::Tensor>>& tensors, const std::string& source);

}  // namespace guise::nets
