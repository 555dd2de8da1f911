// Wall time of the steps of a job.
#pragma once

#include <chrono>

namespace guise::core {

class Stopwatch {
 public:
  // Milliseconds since construction or the last call.
  double lap_ms() {
    const auto now = Clock::now();
    const double ms = std::chrono::duration<double, std::milli>(now - last_).count();
    last_ = now;
    return ms;
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point last_ = Clock::now();
};

}  // namespace guise::core
