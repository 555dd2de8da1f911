// Where the five points of face detectors lie on a head, and how that varies between people, ages
// and expressions: statistics of what the renderer draws.
#pragma once

#include <array>
#include <vector>

#include "render/head_model.h"

namespace guise::render {

// +x right in the image, +y up, +z out of the face; left eye as seen first.
using FivePoints = std::array<std::array<double, 3>, 5>;

struct FivePointShape {
  FivePoints mean{};              // centred; the sum of all squares is 1
  std::vector<FivePoints> modes;  // one standard deviation each, the largest first
};

// From `people` recipes of the default options, each with one expression; always the same ones.
FivePointShape five_point_shape(const HeadModel& head, int people = 512);

}  // namespace guise::render
