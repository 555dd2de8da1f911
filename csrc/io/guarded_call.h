// C libraries that leave by longjmp -> a plain `false`, without skipping any C++ destructor.
//
// libjpeg and libpng report errors by a callback that must not return. The callback jumps back
// here. The trap: a jump over a frame that holds an object with a destructor is undefined. So a
// step may call the C library and use plain values and references only; every owning object
// (vector, tensor, string) lives in the caller of run_guarded.
#pragma once

#include <csetjmp>

namespace guise::io {

struct JumpPoint {
  std::jmp_buf buffer;
  char text[256] = "unknown error";  // filled by the error callback
  bool out_of_memory = false;        // set by the error callback
};

// Runs step(); false when an error callback jumped out of it with std::longjmp(point.buffer, 1).
template <typename Step>
bool run_guarded(JumpPoint& point, const Step& step) {
  if (setjmp(point.buffer) != 0) return false;
  step();
  return true;
}

}  // namespace guise::io
