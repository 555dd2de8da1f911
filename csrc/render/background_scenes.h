// Scenes painted on a Canvas in reflectances (about 0..1; lamps and sky may exceed 1), to be lit
// afterwards. No faces, no text.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "render/background_canvas.h"
#include "render/keyed_noise.h"

namespace guise::render {

// A light in the scene that a defocused lens draws as a disc.
struct Highlight {
  float u, v, size;
  Vec3 light;
};

// A colour by hue (turns), saturation and brightness, linear.
Vec3 hue_color(float hue, float saturation, float value);

// The numbers of a scene in the order in which they are asked for. No two calls may stand in one
// argument list: their order would be the compiler's.
class SceneDraws {
 public:
  explicit SceneDraws(uint32_t key) : key_(key) {}
  float range(float low, float high) { return keyed_range(key_, next_++, low, high); }
  bool chance(float share) { return keyed_unit(key_, next_++) < share; }
  int below(int count) {
    const float at = keyed_unit(key_, next_++) * static_cast<float>(count);
    return std::min(count - 1, static_cast<int>(at));
  }
  uint32_t key() { return mix_bits(key_ + 0x51ed27U * ++next_); }
  // Ranges of hue, saturation and brightness.
  Vec3 color(Vec2 hue, Vec2 saturation, Vec2 value) {
    const float h = range(hue.x, hue.y);
    const float s = range(saturation.x, saturation.y);
    return hue_color(h, s, range(value.x, value.y));
  }
  Vec3 muted(float low, float high) { return color({0, 1}, {0.05F, 0.45F}, {low, high}); }

 private:
  uint32_t key_;
  uint32_t next_ = 0;
};

void paint_room(Canvas& canvas, uint32_t key, std::vector<Highlight>& highlights);
void paint_open_air(Canvas& canvas, uint32_t key, std::vector<Highlight>& highlights);
void paint_studio(Canvas& canvas, uint32_t key);
void paint_plain_wall(Canvas& canvas, uint32_t key);

}  // namespace guise::render
