#include "nets/vec2face_mask.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/check.h"
#include "core/random.h"

namespace guise::nets {

namespace {

constexpr uint32_t kStream = 0x6D61736B;  // "mask"; of core/random: no other use of this number
constexpr int kTries = 1000;
// Between low and high there must be so much of the distribution that a thousand tries do not miss.
constexpr double kLeastShare = 0.02;
constexpr size_t kTokens = Vec2FaceImpl::kGridTokens;

double normal_below(double value) {
  return 0.5 * std::erfc(-value / std::sqrt(2.0));
}

double draw_rate(core::RandomStream& random, const Vec2FaceMaskOptions& options) {
  for (int i = 0; i < kTries; ++i) {
    const double rate = options.mean + options.sd * random.next_normal();
    if (rate >= options.low && rate <= options.high) return rate;
  }
  return std::clamp(options.mean, options.low, options.high);
}

}  // namespace

void Vec2FaceMaskOptions::validate() const {
  GUISE_CHECK_ARG(low >= 0 && low <= high && high <= 1,
                  "shares of masked tokens must satisfy 0 <= low <= high <= 1; got ", low, " and ",
                  high);
  GUISE_CHECK_ARG(std::isfinite(mean) && sd >= 0 && std::isfinite(sd),
                  "mean and sd of the masked share must be finite, sd 0 or more; got ", mean,
                  " and ", sd);
  const double inside =
      sd > 0 ? normal_below((high - mean) / sd) - normal_below((low - mean) / sd) : 1.0;
  GUISE_CHECK_ARG(inside >= kLeastShare && (sd > 0 || (mean >= low && mean <= high)),
                  "some of the normal distribution with mean ", mean, " and sd ", sd,
                  " must lie between low and high, ", low, " and ", high);
}

Vec2FaceMask draw_masks(uint64_t seed, const std::vector<uint64_t>& keys,
                        const Vec2FaceMaskOptions& options) {
  options.validate();
  const auto count = static_cast<int64_t>(keys.size());
  Vec2FaceMask mask{at::zeros({count, kTokens}, at::kBool), at::zeros({count, kTokens}, at::kBool)};
  const auto dropped = static_cast<size_t>(std::ceil(kTokens * options.low));
  for (size_t row = 0; row < keys.size(); ++row) {
    core::RandomStream random(seed, keys[row], kStream);
    const auto masked = static_cast<size_t>(std::ceil(kTokens * draw_rate(random, options)));
    std::array<size_t, kTokens> order{};
    std::iota(order.begin(), order.end(), 0);
    for (size_t i = 0; i < masked; ++i) {
      std::swap(order[i], order[i + random.next_below(static_cast<uint32_t>(kTokens - i))]);
    }
    for (size_t i = 0; i < masked; ++i) {
      const size_t place = row * kTokens + order[i];
      mask.masked.mutable_data_ptr<bool>()[place] = true;
      mask.dropped.mutable_data_ptr<bool>()[place] = i < dropped;
    }
  }
  return mask;
}

}  // namespace guise::nets
