// Numbered tasks on a few threads, the calling one among them.
#pragma once

#include <cstdint>
#include <functional>

namespace guise::core {

// `threads` where it is above 0, else one per processor; never more than `tasks`, at least 1.
// Throws std::invalid_argument for a number below 0.
int64_t worker_count(int64_t threads, int64_t tasks);

// Calls task(i, worker) once for each i of 0 to tasks - 1, in any order, worker below
// worker_count(threads, tasks); a worker does one task at a time. between(done) is called on the
// calling thread after each of its own tasks. The first exception of either ends the run and is
// thrown on.
void run_tasks(int64_t tasks, int64_t threads,
               const std::function<void(int64_t task, int64_t worker)>& task,
               const std::function<void(int64_t done)>& between = {});

}  // namespace guise::core
