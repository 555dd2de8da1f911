// Errors of the engine, by who has to act.
//
//   wrong argument            std::invalid_argument (ValueError in Python), through GUISE_CHECK_ARG
//   something is not there    guise::Unavailable    (a model file, a library, CUDA, disk space)
//   a file cannot be trusted  guise::CorruptFile    (truncated, hostile, wrong checksum)
//   the caller asked to stop  guise::Cancelled
//   our own mistake           TORCH_INTERNAL_ASSERT
//
// Every message says what must hold, what came and what to do. Nobody parses messages.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace guise {

// A model, a library, a device or room on the disk is missing.
class Unavailable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A file is truncated, malformed, hostile, or not the file its checksum names.
class CorruptFile : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The caller cancelled a running job.
class Cancelled : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace core {

// Joins its arguments with operator<<.
template <typename... Parts>
std::string message(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

}  // namespace core
}  // namespace guise

// Throws std::invalid_argument made from the message parts when `condition` is false.
#define GUISE_CHECK_ARG(condition, ...)                                 \
  do {                                                                  \
    if (!(condition)) {                                                 \
      throw std::invalid_argument(::guise::core::message(__VA_ARGS__)); \
    }                                                                   \
  } while (false)
