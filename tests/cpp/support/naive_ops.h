// Slow, obvious twins of csrc/ops, written from the contracts in the headers and not from the
// kernels, and the seeded inputs the tests feed to both.
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

namespace guise::testing {

// [height, width, 3] uint8 noise.
inline at::Tensor random_image(int64_t height, int64_t width, uint32_t seed) {
  std::mt19937 engine(seed);
  at::Tensor image = at::empty({height, width, 3}, at::kByte);
  uint8_t* pixels = image.mutable_data_ptr<uint8_t>();
  for (int64_t i = 0; i < image.numel(); ++i) pixels[i] = static_cast<uint8_t>(engine() >> 24);
  return image;
}

// Float32 uniform in [low, high).
inline at::Tensor random_floats(at::IntArrayRef sizes, float low, float high, uint32_t seed) {
  std::mt19937 engine(seed);
  at::Tensor values = at::empty(sizes, at::kFloat);
  float* data = values.mutable_data_ptr<float>();
  for (int64_t i = 0; i < values.numel(); ++i) {
    data[i] = low + (high - low) * static_cast<float>(engine() >> 8) / 16777216.f;
  }
  return values;
}

// [height, width] bool, true inside an ellipse around (centre_y, centre_x).
inline at::Tensor ellipse_mask(int64_t height, int64_t width, double centre_y, double centre_x,
                               double radius_y, double radius_x) {
  at::Tensor mask = at::zeros({height, width}, at::kBool);
  auto inside = mask.accessor<bool, 2>();
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const double dy = (static_cast<double>(y) - centre_y) / radius_y;
      const double dx = (static_cast<double>(x) - centre_x) / radius_x;
      inside[y][x] = dy * dy + dx * dx <= 1.0;
    }
  }
  return mask;
}

// The largest difference between two uint8 tensors.
inline int largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.cpu().to(at::kInt) - b.cpu().to(at::kInt)).abs().max().item<int>();
}

// The share of elements that differ.
inline double share_different(const at::Tensor& a, const at::Tensor& b) {
  return a.cpu().ne(b.cpu()).to(at::kDouble).mean().item<double>();
}

inline at::Tensor naive_warp_affine(const at::Tensor& image, const at::Tensor& crop_to_image,
                                    int64_t height_px, int64_t width_px) {
  const auto pixels = image.accessor<uint8_t, 3>();
  const auto maps = crop_to_image.accessor<double, 3>();
  at::Tensor crops = at::zeros({maps.size(0), height_px, width_px, 3}, at::kByte);
  auto out = crops.accessor<uint8_t, 4>();
  const auto at_or_black = [&](double y, double x, int64_t c) -> float {
    if (y < 0 || x < 0) return 0.f;
    if (y >= static_cast<double>(pixels.size(0)) || x >= static_cast<double>(pixels.size(1))) {
      return 0.f;
    }
    return pixels[static_cast<int64_t>(y)][static_cast<int64_t>(x)][c];
  };
  for (int64_t n = 0; n < maps.size(0); ++n) {
    for (int64_t y = 0; y < height_px; ++y) {
      for (int64_t x = 0; x < width_px; ++x) {
        const auto m = maps[n];
        const double sx = m[0][0] * x + (m[0][1] * y + m[0][2]);
        const double sy = m[1][0] * x + (m[1][1] * y + m[1][2]);
        const double left = std::floor(sx);
        const double top = std::floor(sy);
        const float fx = static_cast<float>(sx - left);
        const float fy = static_cast<float>(sy - top);
        for (int64_t c = 0; c < 3; ++c) {
          const float upper =
              at_or_black(top, left, c) * (1.f - fx) + at_or_black(top, left + 1, c) * fx;
          const float lower =
              at_or_black(top + 1, left, c) * (1.f - fx) + at_or_black(top + 1, left + 1, c) * fx;
          out[n][y][x][c] =
              static_cast<uint8_t>(std::floor(upper * (1.f - fy) + lower * fy + 0.5f));
        }
      }
    }
  }
  return crops;
}

inline at::Tensor naive_feather_blend(const at::Tensor& background, const at::Tensor& foreground,
                                      const at::Tensor& weight) {
  const at::Tensor below = background.to(at::kFloat);
  const at::Tensor above = foreground.to(at::kFloat);
  return (below + (above - below) * weight.unsqueeze(2) + 0.5).floor().to(at::kByte);
}

inline at::Tensor naive_pixelate(const at::Tensor& image, int64_t block_px) {
  at::Tensor out = at::empty_like(image);
  for (int64_t y = 0; y < image.size(0); y += block_px) {
    for (int64_t x = 0; x < image.size(1); x += block_px) {
      const int64_t y_end = std::min(y + block_px, image.size(0));
      const int64_t x_end = std::min(x + block_px, image.size(1));
      const at::Tensor block = image.slice(0, y, y_end).slice(1, x, x_end);
      const at::Tensor sum = block.to(at::kLong).sum({0, 1});
      const int64_t count = (y_end - y) * (x_end - x);
      const at::Tensor mean = (sum * 2 + count).floor_divide(2 * count);
      out.slice(0, y, y_end).slice(1, x, x_end).copy_(mean.to(at::kByte));
    }
  }
  return out;
}

// The two-dimensional sum in float64, straight from the definition.
inline at::Tensor naive_gaussian_blur(const at::Tensor& image, const at::Tensor& mask,
                                      double sigma_px) {
  const int64_t radius = static_cast<int64_t>(std::ceil(3.0 * sigma_px));
  const auto pixels = image.accessor<uint8_t, 3>();
  const auto wanted = mask.accessor<bool, 2>();
  at::Tensor blurred = image.clone();
  auto out = blurred.accessor<uint8_t, 3>();
  const auto weight = [&](int64_t d) {
    return std::exp(-0.5 * static_cast<double>(d * d) / (sigma_px * sigma_px));
  };
  for (int64_t y = 0; y < image.size(0); ++y) {
    for (int64_t x = 0; x < image.size(1); ++x) {
      if (!wanted[y][x]) continue;
      double sum[3] = {0.0, 0.0, 0.0};
      double total = 0.0;
      for (int64_t dy = -radius; dy <= radius; ++dy) {
        for (int64_t dx = -radius; dx <= radius; ++dx) {
          const int64_t sy = std::clamp<int64_t>(y + dy, 0, image.size(0) - 1);
          const int64_t sx = std::clamp<int64_t>(x + dx, 0, image.size(1) - 1);
          const double w = weight(dy) * weight(dx);
          total += w;
          for (int64_t c = 0; c < 3; ++c) sum[c] += w * pixels[sy][sx][c];
        }
      }
      for (int64_t c = 0; c < 3; ++c) {
        out[y][x][c] = static_cast<uint8_t>(std::floor(sum[c] / total + 0.5));
      }
    }
  }
  return blurred;
}

inline double naive_iou(const float* a, const float* b) {
  const auto area = [](double x0, double y0, double x1, double y1) {
    return std::max(0.0, x1 - x0) * std::max(0.0, y1 - y0);
  };
  const double shared =
      area(std::max(a[0], b[0]), std::max(a[1], b[1]), std::min(a[2], b[2]), std::min(a[3], b[3]));
  if (shared == 0.0) return 0.0;
  return shared / (area(a[0], a[1], a[2], a[3]) + area(b[0], b[1], b[2], b[3]) - shared);
}

// Takes the best box left, again and again, and removes what overlaps it.
inline std::vector<int64_t> naive_nms(const at::Tensor& boxes, const at::Tensor& scores,
                                      double iou_threshold) {
  const float* corners = boxes.const_data_ptr<float>();
  const float* score = scores.const_data_ptr<float>();
  std::vector<int64_t> left(boxes.size(0));
  std::iota(left.begin(), left.end(), int64_t{0});
  std::vector<int64_t> kept;
  while (!left.empty()) {
    // max_element returns the first of equal scores, which is the lowest index.
    const auto best = *std::max_element(left.begin(), left.end(),
                                        [&](int64_t a, int64_t b) { return score[a] < score[b]; });
    kept.push_back(best);
    left.erase(std::remove_if(left.begin(), left.end(),
                              [&](int64_t other) {
                                return other == best ||
                                       naive_iou(corners + best * 4, corners + other * 4) >
                                           iou_threshold;
                              }),
               left.end());
  }
  return kept;
}

}  // namespace guise::testing
