#include "render/background_canvas.h"

#include <algorithm>
#include <cmath>

#include "render/keyed_noise.h"

namespace guise::render {
namespace {

struct Span {
  int first, last;  // inclusive
};

Span span_of(float low, float high, int size) {
  return {std::max(0, static_cast<int>(std::floor(low))),
          std::min(size - 1, static_cast<int>(std::ceil(high)))};
}

// Running mean over `width` values (a real number >= 1) along a line of `count`, `stride` apart;
// edges repeat.
void box_line(Vec3* line, int count, size_t stride, float width, std::vector<Vec3>& scratch) {
  scratch.resize(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    scratch[static_cast<size_t>(i)] = line[static_cast<size_t>(i) * stride];
  }
  const int r = static_cast<int>(0.5F * (width - 1.0F));
  const float rest = 0.5F * (width - 1.0F) - static_cast<float>(r), scale = 1.0F / width;
  const auto get = [&](int i) { return scratch[static_cast<size_t>(std::clamp(i, 0, count - 1))]; };
  Vec3 sum;
  for (int i = -r; i <= r; ++i) sum += get(i);
  for (int i = 0; i < count; ++i) {
    const Vec3 next = get(i + r + 1);
    line[static_cast<size_t>(i) * stride] = (sum + (get(i - r - 1) + next) * rest) * scale;
    sum += next - get(i - r);
  }
}

}  // namespace

Canvas::Canvas(int width, int height)
    : width_(width),
      height_(height),
      pixels_(static_cast<size_t>(width) * static_cast<size_t>(height)) {}

void Canvas::fill(const Vec3& top, const Vec3& bottom) {
  for (int y = 0; y < height_; ++y) {
    const float t = height_ > 1 ? static_cast<float>(y) / static_cast<float>(height_ - 1) : 0.0F;
    std::fill_n(&at(0, y), width_, lerp(top, bottom, t));
  }
}

void Canvas::rectangle(float u0, float v0, float u1, float v1, const Vec3& color, float opacity,
                       float slant) {
  const auto h = static_cast<float>(height_);
  const Span rows = span_of(v0 * h - 1, v1 * h, height_);
  for (int y = rows.first; y <= rows.last; ++y) {
    const float middle = static_cast<float>(y) + 0.5F;
    const float cover_v = clamp01(middle - v0 * h + 0.5F) * clamp01(v1 * h - middle + 0.5F);
    const float shift = slant * (middle / h - v0) * h;
    const float left = u0 * h + shift, right = u1 * h + shift;
    const Span cols = span_of(left - 1, right, width_);
    for (int x = cols.first; x <= cols.last; ++x) {
      const float at_x = static_cast<float>(x) + 0.5F;
      const float cover = cover_v * clamp01(at_x - left + 0.5F) * clamp01(right - at_x + 0.5F);
      Vec3& pixel = at(x, y);
      pixel = lerp(pixel, color, cover * opacity);
    }
  }
}

void Canvas::shade_side(float u, float v, float nu, float nv, const Vec3& factor, float softness) {
  const auto h = static_cast<float>(height_);
  for (int y = 0; y < height_; ++y) {
    for (int x = 0; x < width_; ++x) {
      const float side = ((static_cast<float>(x) + 0.5F) / h - u) * nu +
                         ((static_cast<float>(y) + 0.5F) / h - v) * nv;
      const float share = clamp01(0.5F + side / std::max(softness, 1.0F / h));
      if (share > 0) at(x, y) = at(x, y) * lerp(Vec3{1, 1, 1}, factor, share);
    }
  }
}

void Canvas::disc(float u, float v, float radius, const Vec3& color, float opacity,
                  float softness) {
  const auto h = static_cast<float>(height_);
  const float r = radius * h, soft = std::max(1.0F, softness * r);
  const float middle_x = u * h, middle_y = v * h;
  const Span rows = span_of(middle_y - r - soft, middle_y + r + soft, height_);
  const Span cols = span_of(middle_x - r - soft, middle_x + r + soft, width_);
  for (int y = rows.first; y <= rows.last; ++y) {
    const float dy = static_cast<float>(y) + 0.5F - middle_y;
    for (int x = cols.first; x <= cols.last; ++x) {
      const float dx = static_cast<float>(x) + 0.5F - middle_x;
      const float cover = clamp01((r - std::sqrt(dx * dx + dy * dy)) / soft + 0.5F);
      if (cover > 0) at(x, y) = lerp(at(x, y), color, cover * opacity);
    }
  }
}

void Canvas::glow(float u, float v, float radius, const Vec3& light) {
  const auto h = static_cast<float>(height_);
  const float r = radius * h;
  const Span rows = span_of(v * h - r, v * h + r, height_);
  const Span cols = span_of(u * h - r, u * h + r, width_);
  for (int y = rows.first; y <= rows.last; ++y) {
    const float dy = (static_cast<float>(y) + 0.5F - v * h) / r;
    for (int x = cols.first; x <= cols.last; ++x) {
      const float dx = (static_cast<float>(x) + 0.5F - u * h) / r;
      const float fall = std::max(0.0F, 1.0F - dx * dx - dy * dy);
      at(x, y) += light * (fall * fall);
    }
  }
}

void Canvas::mottle(uint32_t key, float scale_u, float scale_v, float strength) {
  const auto h = static_cast<float>(height_);
  for (int y = 0; y < height_; ++y) {
    for (int x = 0; x < width_; ++x) {
      const float n = value_noise(key, static_cast<float>(x) / h * scale_u,
                                  static_cast<float>(y) / h * scale_v);
      at(x, y) *= std::max(0.05F, 1.0F + strength * n);
    }
  }
}

void Canvas::ground(uint32_t key, float v, float rough, float scale, const Vec3& top,
                    const Vec3& bottom) {
  const auto h = static_cast<float>(height_);
  for (int x = 0; x < width_; ++x) {
    const float u = (static_cast<float>(x) + 0.5F) / h * scale;
    const float line =
        v + rough * (value_noise(key, u, 0.5F) + 0.4F * value_noise(key, 2.7F * u, 7.5F));
    const Span rows = span_of(line * h - 1, h, height_);
    for (int y = rows.first; y <= rows.last; ++y) {
      const float at_v = (static_cast<float>(y) + 0.5F) / h;
      const float cover = clamp01((at_v - line) * h + 0.5F);
      const float depth = clamp01((at_v - line) / std::max(0.05F, 1.0F - line));
      at(x, y) = lerp(at(x, y), lerp(top, bottom, depth), cover);
    }
  }
}

void Canvas::blur(float sigma) {
  const float pixels = sigma * static_cast<float>(height_);
  // Three boxes of width w have the variance (w^2 - 1) / 4.
  const float box = std::sqrt(4 * pixels * pixels + 1);
  if (box < 1.05F) return;
  std::vector<Vec3> scratch;
  for (int pass = 0; pass < 3; ++pass) {
    for (int y = 0; y < height_; ++y) box_line(&at(0, y), width_, 1, box, scratch);
  }
  const auto stride = static_cast<size_t>(width_);
  for (int pass = 0; pass < 3; ++pass) {
    for (int x = 0; x < width_; ++x) box_line(&at(x, 0), height_, stride, box, scratch);
  }
}

std::vector<Vec3> Canvas::enlarged(int width, int height) const {
  struct Tap {
    int low, high;
    float share;
  };
  const auto taps = [](int from, int to) {
    std::vector<Tap> result(static_cast<size_t>(to));
    for (int i = 0; i < to; ++i) {
      const float at =
          (static_cast<float>(i) + 0.5F) * static_cast<float>(from) / static_cast<float>(to) - 0.5F;
      const float low = std::floor(at);
      const int j = static_cast<int>(low);
      result[static_cast<size_t>(i)] = {std::clamp(j, 0, from - 1), std::clamp(j + 1, 0, from - 1),
                                        at - low};
    }
    return result;
  };
  const std::vector<Tap> cols = taps(width_, width), rows = taps(height_, height);
  std::vector<Vec3> result(static_cast<size_t>(width) * static_cast<size_t>(height));
  std::vector<Vec3> line(static_cast<size_t>(width_));
  for (size_t y = 0; y < rows.size(); ++y) {
    const Vec3 *low = &at(0, rows[y].low), *high = &at(0, rows[y].high);
    for (size_t x = 0; x < line.size(); ++x) line[x] = lerp(low[x], high[x], rows[y].share);
    Vec3* out = &result[y * static_cast<size_t>(width)];
    for (size_t x = 0; x < cols.size(); ++x) {
      out[x] = lerp(line[static_cast<size_t>(cols[x].low)], line[static_cast<size_t>(cols[x].high)],
                    cols[x].share);
    }
  }
  return result;
}

}  // namespace guise::render
