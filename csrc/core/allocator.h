// How this process's malloc treats large blocks.
#pragma once

namespace guise::core {

// From here on freed memory stays with the process instead of going back to the system after every
// layer of a network: getting it back costs a page fault for each 4 KiB, which was up to 60 % of
// the time of a detector pass over a megapixel. One arena serves all threads, so that they share
// what is kept. Process wide, idempotent; the process keeps its highest use of memory. Does nothing
// where malloc is not glibc's.
void keep_freed_memory();

}  // namespace guise::core
