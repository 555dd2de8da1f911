// Temporary, fsync, rename, fsync; and the append file with its lock.
//
// All names are resolved once: the folder is opened, and the rest happens relative to it, so that a
// folder exchanged meanwhile cannot send the rename elsewhere.
// The trap: fsync of the folder comes after the rename; a failure there leaves the new file in
// place.
#include "io/atomic_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "core/check.h"

namespace guise::io {
namespace {

constexpr const char* kPrefix = ".guise-";
constexpr const char* kSuffix = ".part";
constexpr size_t kMaxNamePart = 100;  // file systems allow 255 bytes in all
constexpr int kNameAttempts = 1000;   // a process of the same id may have left temporaries

struct SplitPath {
  std::string folder;  // "." where the path has none
  std::string name;
};

SplitPath split(const std::string& path) {
  const size_t slash = path.rfind('/');
  SplitPath parts;
  parts.folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  parts.name = slash == std::string::npos ? path : path.substr(slash + 1);
  GUISE_CHECK_ARG(!parts.name.empty() && parts.name != "." && parts.name != ".." &&
                      path.find('\0') == std::string::npos,
                  "a path to write must end in a file name; got '", path, "'");
  return parts;
}

// Cuts before a UTF-8 continuation byte only at the start of its character: some file systems
// refuse names that are not valid UTF-8.
std::string shorten(const std::string& name) {
  if (name.size() <= kMaxNamePart) return name;
  size_t end = kMaxNamePart;
  while (end > 0 && (static_cast<uint8_t>(name[end]) & 0xC0) == 0x80) --end;
  return name.substr(0, end);
}

std::string next_temporary_name(const std::string& name) {
  static std::atomic<uint64_t> counter{0};
  return core::message(kPrefix, ::getpid(), "-", counter++, "-", shorten(name), kSuffix);
}

// A temporary that removes itself unless it was renamed.
class Temporary {
 public:
  Temporary(const FileDescriptor& folder, const SplitPath& parts, const std::string& path)
      : folder_(folder), path_(path) {
    for (int attempt = 0; attempt < kNameAttempts && file_.get() < 0; ++attempt) {
      name_ = next_temporary_name(parts.name);
      constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
      file_ = FileDescriptor(::openat(folder.get(), name_.c_str(), kFlags, 0666));
      if (file_.get() < 0 && errno != EEXIST) break;
    }
    if (file_.get() < 0) throw_system_error(path, "create a temporary beside it", errno);
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    if (!renamed_ && file_was_created()) ::unlinkat(folder_.get(), name_.c_str(), 0);
  }

  void write(const uint8_t* data, size_t size) { write_all(file_, data, size, path_); }

  void close(bool durable) {
    if (durable) sync_file(file_, path_);
    created_ = true;
    file_.close_checked(path_);
  }

  void rename_to(const std::string& name) {
    if (::renameat(folder_.get(), name_.c_str(), folder_.get(), name.c_str()) != 0) {
      throw_system_error(path_, "move the finished file there", errno);
    }
    renamed_ = true;
  }

 private:
  bool file_was_created() const { return created_ || file_.get() >= 0; }

  const FileDescriptor& folder_;
  const std::string& path_;
  std::string name_;
  FileDescriptor file_;
  bool created_ = false;
  bool renamed_ = false;
};

size_t skip_digits(const std::string& text, size_t at) {
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
  return at;
}

FileDescriptor open_folder_of(const SplitPath& parts, const std::string& path) {
  FileDescriptor folder(::open(parts.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) throw_system_error(path, "open its folder", errno);
  return folder;
}

void write_and_rename(const std::string& path, const uint8_t* data, size_t size, bool durable) {
  const SplitPath parts = split(path);
  const FileDescriptor folder = open_folder_of(parts, path);
  Temporary temporary(folder, parts, path);
  temporary.write(data, size);
  temporary.close(durable);
  temporary.rename_to(parts.name);
  if (durable) sync_file(folder, path);
}

// Length of the file up to and with its last newline.
int64_t end_of_last_line(const FileDescriptor& file, const std::string& path) {
  int64_t end = file_size(file, path);
  char block[4096];
  while (end > 0) {
    const int64_t begin = end > int64_t{sizeof(block)} ? end - int64_t{sizeof(block)} : 0;
    const ssize_t got = ::pread(file.get(), block, static_cast<size_t>(end - begin), begin);
    if (got < 0 && errno == EINTR) continue;
    if (got != end - begin) throw_system_error(path, "read", got < 0 ? errno : EIO);
    for (int64_t i = got; i > 0; --i) {
      if (block[i - 1] == '\n') return begin + i;
    }
    end = begin;
  }
  return 0;
}

}  // namespace

void write_file_atomically(const std::string& path, const uint8_t* data, size_t size) {
  write_and_rename(path, data, size, /*durable=*/true);
}

struct AtomicFile::Parts {
  explicit Parts(const std::string& target)
      : path(target),
        names(split(path)),
        folder(open_folder_of(names, path)),
        temporary(folder, names, path) {}

  const std::string path;
  const SplitPath names;
  const FileDescriptor folder;
  Temporary temporary;
};

AtomicFile::AtomicFile(const std::string& path) : parts_(std::make_unique<Parts>(path)) {}

AtomicFile::~AtomicFile() = default;

void AtomicFile::write(const uint8_t* data, size_t size) {
  parts_->temporary.write(data, size);
  size_ += static_cast<int64_t>(size);
}

void AtomicFile::commit() {
  parts_->temporary.close(/*durable=*/true);
  parts_->temporary.rename_to(parts_->names.name);
  sync_file(parts_->folder, parts_->path);
}

void write_file_unsynced(const std::string& path, const uint8_t* data, size_t size) {
  write_and_rename(path, data, size, /*durable=*/false);
}

void sync_file_system(const std::string& folder) {
  const FileDescriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0) throw_system_error(folder, "open", errno);
  if (::syncfs(opened.get()) != 0) throw_system_error(folder, "flush its file system", errno);
}

bool is_temporary_name(const std::string& name) {
  const std::string prefix = kPrefix;
  const std::string suffix = kSuffix;
  if (name.compare(0, prefix.size(), prefix) != 0) return false;
  const size_t pid_end = skip_digits(name, prefix.size());
  if (pid_end == prefix.size() || pid_end >= name.size() || name[pid_end] != '-') return false;
  const size_t counter_end = skip_digits(name, pid_end + 1);
  if (counter_end == pid_end + 1 || counter_end >= name.size() || name[counter_end] != '-') {
    return false;
  }
  const size_t rest = name.size() - counter_end - 1;
  return rest > suffix.size() &&
         name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0;
}

void remove_temporaries(const std::string& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> found;
  constexpr auto kOptions = std::filesystem::directory_options::skip_permission_denied;
  for (std::filesystem::recursive_directory_iterator it(folder, kOptions, error), end;
       !error && it != end; it.increment(error)) {
    if (is_temporary_name(it->path().filename().string())) {
      found.push_back(it->path());
    }
  }
  for (const std::filesystem::path& path : found) {
    std::filesystem::remove(path, error);
  }
}

std::vector<uint8_t> read_file(const std::string& path, int64_t max_bytes) {
  const FileDescriptor file = open_regular(path);
  const int64_t size = file_size(file, path);
  if (size > max_bytes) {
    throw CorruptFile(core::message(path, ": must have at most ", max_bytes, " bytes; it has ",
                                    size, "; raise the limit to read it"));
  }
  std::vector<uint8_t> bytes(static_cast<size_t>(size));
  const size_t got = read_up_to(file, bytes.data(), bytes.size(), path);
  uint8_t beyond = 0;
  if (got != bytes.size() || read_up_to(file, &beyond, 1, path) != 0) {
    throw CorruptFile(core::message(path, ": changed its size while it was read; try again"));
  }
  return bytes;
}

AppendFile::AppendFile(const std::string& path) : path_(path) {
  constexpr int kFlags = O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
  file_ = FileDescriptor(::open(path.c_str(), kFlags, 0666));
  if (file_.get() < 0) throw_system_error(path, "open for appending", errno);
  struct stat info {};
  if (::fstat(file_.get(), &info) != 0) throw_system_error(path, "inspect", errno);
  if (!S_ISREG(info.st_mode)) {
    throw Unavailable(core::message(path, ": must be a regular file to append to"));
  }
  // File systems without locks answer with another error; there the lock is left out.
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    throw Unavailable(core::message(path, ": is being written by another run; wait for its end"));
  }
  const int64_t end = end_of_last_line(file_, path);
  if (end != info.st_size && ::ftruncate(file_.get(), end) != 0) {
    throw_system_error(path, "cut off its unfinished last line", errno);
  }
}

void AppendFile::append_line(const std::string& line, bool durable) {
  GUISE_CHECK_ARG(line.find('\n') == std::string::npos, "a line must not contain a newline");
  const int64_t before = file_size(file_, path_);
  const std::string text = line + "\n";
  try {
    write_all(file_, reinterpret_cast<const uint8_t*>(text.data()), text.size(), path_);
    if (durable) sync_file(file_, path_);
  } catch (const Unavailable&) {
    // Half a line would spoil the next one. Where this fails too, the next opening cuts it off.
    const int cut = ::ftruncate(file_.get(), before);
    static_cast<void>(cut);
    throw;
  }
}

}  // namespace guise::io
