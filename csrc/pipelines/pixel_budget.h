// A bound on the memory of photos being worked on side by side.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace guise::pipelines {

// Keeps the pixels of all photos being worked on within a budget. A photo larger than the budget
// waits until it is alone.
class PixelBudget {
 public:
  explicit PixelBudget(int64_t limit) : limit_(limit) {}

  void take(int64_t pixels) {
    std::unique_lock lock(mutex_);
    freed_.wait(lock, [&] { return taken_ == 0 || taken_ + pixels <= limit_; });
    taken_ += pixels;
  }
  void give_back(int64_t pixels) {
    {
      const std::lock_guard lock(mutex_);
      taken_ -= pixels;
    }
    freed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable freed_;
  int64_t limit_, taken_ = 0;
};

}  // namespace guise::pipelines
