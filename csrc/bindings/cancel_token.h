// Stops a running job from another thread or a callback.
#pragma once

#include <atomic>

namespace guise::bindings {

struct CancelToken {
  std::atomic<bool> cancelled = false;
};

}  // namespace guise::bindings
