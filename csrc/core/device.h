// Devices by name. There is no fallback: asking for CUDA and not having it is an error.
#pragma once

#include <c10/core/Device.h>

#include <string>

namespace guise::core {

// "cpu", "cuda", "cuda:N", or "auto" (CUDA when this build has it and a device is seen, else the
// CPU). Throws std::invalid_argument for another word and guise::Unavailable for CUDA that is not
// there.
c10::Device resolve_device(const std::string& name);

// Whether a CUDA device can be used by this process.
bool cuda_is_available();

// Runs everything on this thread with one thread inside each operator while it lives: the runner is
// parallel over photos, and nested pools only fight. Restores what was set before.
class SingleThreadScope {
 public:
  SingleThreadScope();
  ~SingleThreadScope();
  SingleThreadScope(const SingleThreadScope&) = delete;
  SingleThreadScope& operator=(const SingleThreadScope&) = delete;

 private:
  int threads_before_;
};

}  // namespace guise::core
