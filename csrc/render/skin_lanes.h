// Four floats at once, in what every x86-64 and ARM64 processor has (GCC and Clang vectors).
// Arithmetic is that of single floats, lane by lane, so results do not depend on the processor.
#pragma once

#include <cstdint>
#include <cstring>

namespace guise::render {

using Lanes = float __attribute__((vector_size(16)));
using LanesInt = int32_t __attribute__((vector_size(16)));

inline Lanes all_lanes(float v) {
  return Lanes{v, v, v, v};
}

// e^x within 2e-5 of itself for |x| < 80.
inline Lanes exp_lanes(Lanes x) {
  const Lanes scaled = x * 1.44269504F + 128.0F;  // positive: truncation is the floor
  const LanesInt whole = __builtin_convertvector(scaled, LanesInt);
  const Lanes f = scaled - __builtin_convertvector(whole, Lanes);
  const Lanes p =
      1.0F + f * (0.69314718F +
                  f * (0.24022651F + f * (0.05550411F + f * (0.00961813F + f * 0.00133336F))));
  const LanesInt bits = (whole - 1) << 23;  // 2^(whole - 128)
  Lanes power;
  std::memcpy(&power, &bits, sizeof(power));
  return p * power;
}

inline Lanes mix_lanes(Lanes a, Lanes b, float t) {
  return a + (b - a) * t;
}

}  // namespace guise::render
