#include "core/run_tasks.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "core/check.h"

namespace guise::core {

int64_t worker_count(int64_t threads, int64_t tasks) {
  GUISE_CHECK_ARG(threads >= 0, "threads must be 0 (one per processor) or above; got ", threads);
  const auto processors = static_cast<int64_t>(std::max(1U, std::thread::hardware_concurrency()));
  return std::clamp(threads > 0 ? threads : processors, int64_t{1}, std::max(tasks, int64_t{1}));
}

void run_tasks(int64_t tasks, int64_t threads,
               const std::function<void(int64_t task, int64_t worker)>& task,
               const std::function<void(int64_t done)>& between) {
  std::atomic<int64_t> next = 0, done = 0;
  std::atomic<bool> stopped = false;
  std::exception_ptr failure;
  std::mutex mutex;
  const auto work = [&](int64_t worker) {
    try {
      for (int64_t i = next++; i < tasks && !stopped; i = next++) {
        task(i, worker);
        ++done;
        if (worker == 0 && between) between(done);
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
      stopped = true;
    }
  };
  std::vector<std::thread> helpers;
  const int64_t workers = worker_count(threads, tasks);
  for (int64_t worker = 1; worker < workers; ++worker) helpers.emplace_back(work, worker);
  work(0);
  for (std::thread& helper : helpers) helper.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace guise::core
