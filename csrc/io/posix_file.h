// File descriptors that close themselves, and loops that read or write every byte.
//
// POSIX.1-2017. Every failure is guise::Unavailable with the path and the system's reason.
// The trap: opening a FIFO waits for its other end; open_regular does not wait and then refuses it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace guise::io {

// Owns one descriptor; -1 owns nothing.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor();

  int get() const { return fd_; }
  int release();
  // Closes now, so that a late write error is not lost. Throws Unavailable.
  void close_checked(const std::string& path);

 private:
  int fd_;
};

// Throws Unavailable("<path>: could not <action>: <reason of errno_value>").
[[noreturn]] void throw_system_error(const std::string& path, const char* action, int errno_value);

// Opens for reading; links are followed. Throws Unavailable where that fails or where the path is
// not a regular file.
FileDescriptor open_regular(const std::string& path);

// Bytes of an open file.
int64_t file_size(const FileDescriptor& file, const std::string& path);

// Reads up to `count` bytes at the current position; fewer only at the end of the file.
size_t read_up_to(const FileDescriptor& file, uint8_t* to, size_t count, const std::string& path);

// Writes all bytes or throws Unavailable.
void write_all(const FileDescriptor& file, const uint8_t* bytes, size_t count,
               const std::string& path);

// Flushes to the medium. A file system that cannot flush a directory is not an error.
void sync_file(const FileDescriptor& file, const std::string& path);

}  // namespace guise::io
