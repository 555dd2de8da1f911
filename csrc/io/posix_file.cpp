// The system calls behind posix_file.h, each repeated after EINTR and short counts.
//
// The trap: close() is not repeated after EINTR; on Linux the descriptor is gone by then.
#include "io/posix_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "core/check.h"

namespace guise::io {
namespace {

// Some kernels refuse or cut single transfers near 2 GB.
constexpr size_t kMaxTransfer = size_t{1} << 30;

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

int FileDescriptor::release() {
  const int fd = fd_;
  fd_ = -1;
  return fd;
}

void FileDescriptor::close_checked(const std::string& path) {
  const int fd = release();
  if (fd >= 0 && ::close(fd) != 0 && errno != EINTR) throw_system_error(path, "close", errno);
}

void throw_system_error(const std::string& path, const char* action, int errno_value) {
  throw Unavailable(core::message(path, ": could not ", action, ": ",
                                  std::generic_category().message(errno_value)));
}

FileDescriptor open_regular(const std::string& path) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0) throw_system_error(path, "open", errno);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) throw_system_error(path, "inspect", errno);
  if (!S_ISREG(info.st_mode)) {
    throw Unavailable(core::message(path, ": must be a regular file; it is a folder or a device"));
  }
  return file;
}

int64_t file_size(const FileDescriptor& file, const std::string& path) {
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) throw_system_error(path, "inspect", errno);
  return info.st_size;
}

size_t read_up_to(const FileDescriptor& file, uint8_t* to, size_t count, const std::string& path) {
  size_t done = 0;
  while (done < count) {
    const ssize_t got = ::read(file.get(), to + done, std::min(count - done, kMaxTransfer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_system_error(path, "read", errno);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

void write_all(const FileDescriptor& file, const uint8_t* bytes, size_t count,
               const std::string& path) {
  size_t done = 0;
  while (done < count) {
    const ssize_t put = ::write(file.get(), bytes + done, std::min(count - done, kMaxTransfer));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw_system_error(path, "write", errno);
    if (put == 0) throw_system_error(path, "write", ENOSPC);
    done += static_cast<size_t>(put);
  }
}

void sync_file(const FileDescriptor& file, const std::string& path) {
  while (::fsync(file.get()) != 0) {
    if (errno == EINTR) continue;
    if (errno == EINVAL || errno == EROFS || errno == ENOTSUP) return;
    throw_system_error(path, "flush", errno);
  }
}

}  // namespace guise::io
