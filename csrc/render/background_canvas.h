// A small picture to paint a scene on: soft-edged shapes, noise, blur, enlargement.
#pragma once

#include <cstdint>
#include <vector>

#include "render/vec.h"

namespace guise::render {

// Coordinates: u to the right, v down, both in picture heights; v from 0 to 1, u from 0 to
// `aspect`. Colours are linear RGB. Shapes outside the picture are cut off.
class Canvas {
 public:
  Canvas(int width, int height);

  int width() const { return width_; }
  int height() const { return height_; }
  float aspect() const { return static_cast<float>(width_) / static_cast<float>(height_); }
  Vec3& at(int x, int y) { return pixels_[index(x, y)]; }
  const Vec3& at(int x, int y) const { return pixels_[index(x, y)]; }
  std::vector<Vec3>& pixels() { return pixels_; }

  void fill(const Vec3& top, const Vec3& bottom);
  // Paints over with edges about one pixel soft; `slant`: du per dv.
  void rectangle(float u0, float v0, float u1, float v1, const Vec3& color, float opacity = 1,
                 float slant = 0);
  // Everything on the side to which (nu, nv) points from (u, v) is multiplied by `factor`.
  void shade_side(float u, float v, float nu, float nv, const Vec3& factor, float softness);
  void disc(float u, float v, float radius, const Vec3& color, float opacity = 1,
            float softness = 0.2F);
  // Adds light that falls off from the middle.
  void glow(float u, float v, float radius, const Vec3& light);
  // Multiplies by 1 + strength * noise; `scale`: bumps per height.
  void mottle(uint32_t key, float scale_u, float scale_v, float strength);
  // Everything below a rough line at `v`: a hedge, hills, waves. `rough`: height of its bumps.
  void ground(uint32_t key, float v, float rough, float scale, const Vec3& top, const Vec3& bottom);

  // Gaussian-like; sigma in picture heights.
  void blur(float sigma);
  // Smooth enlargement.
  std::vector<Vec3> enlarged(int width, int height) const;

 private:
  size_t index(int x, int y) const {
    return static_cast<size_t>(y) * static_cast<size_t>(width_) + static_cast<size_t>(x);
  }

  int width_, height_;
  std::vector<Vec3> pixels_;
};

}  // namespace guise::render
