// Collars laid out on a NeckChart: bands, folded collars, hoods, lapels, plackets.
#pragma once

#include <functional>

#include "render/accessory_neck.h"
#include "render/mesh.h"
#include "render/mesh_builder.h"

namespace guise::render {

// Where a point of a collar lies on the chart.
struct CollarPoint {
  float turn, level, lift;
};

// A net whose point at (row, s) is `place(row, s)`, s from -1 to 1 along the columns.
Sheet lay_on_chart(const NeckChart& chart, int rows, int cols, bool joined,
                   const std::function<CollarPoint(int row, float s)>& place);

// A ribbed edge around the whole neckline between two levels, `thickness` dm thick.
void append_neck_band(const NeckChart& chart, float low, float high, float lift, float thickness,
                      uint16_t surface, Mesh& mesh);

// Folded collar of a shirt. `opening` radians: half the gap in front; `tip` dm: length of the
// points; `stand` dm: its height.
struct ShirtCollar {
  float opening = 0.06F, stand = 0.2F, tip = 0.3F, spread = 0.3F, lift = 0.05F;
};
void append_shirt_collar(const NeckChart& chart, const ShirtCollar& collar, uint16_t surface,
                         Mesh& mesh);

// Strip with buttons down the front, from `top` to `bottom` (levels).
void append_placket(const NeckChart& chart, float top, float bottom, float lift, uint16_t surface,
                    uint16_t button_surface, Mesh& mesh);

// Tube of cloth up to `top`, folded down on itself.
void append_turtleneck(const NeckChart& chart, float top, float lift, bool folded, uint32_t key,
                       uint16_t surface, Mesh& mesh);

// Thick cloth lying around the neck and behind it, and two cords.
void append_hood(const NeckChart& chart, float lift, uint32_t key, uint16_t surface,
                 uint16_t cord_surface, Mesh& mesh);

// Turned-over edge of a jacket along the level 0 of its own chart; `width` dm at its widest.
void append_lapels(const NeckChart& chart, float width, float lift, uint16_t surface, Mesh& mesh);

// Knot and blade down the front.
void append_tie(const NeckChart& chart, float top, float bottom, float lift, uint16_t surface,
                Mesh& mesh);

}  // namespace guise::render
