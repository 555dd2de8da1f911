// Files that appear whole or not at all, and line files that survive a crash.
//
// Write a hidden temporary beside the target, fsync it, rename it over the target, fsync the
// folder. The trap: rename alone can leave an empty file after a power cut, and a full disk may
// only show at fsync or close; both are checked before the rename.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "io/posix_file.h"

namespace guise::io {

// Replaces `path` by a file of exactly data[0, size). A link at `path` is replaced, not followed.
// On any failure the old file stays, the temporary is removed, and Unavailable is thrown with the
// path and the system's reason (no space, read-only, no such folder, ...). After a kill, a
// temporary with a name known to is_temporary_name may stay.
void write_file_atomically(const std::string& path, const uint8_t* data, size_t size);

// The same for a file that is too large for memory: write() in pieces, then commit(). Without
// commit() nothing is left.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  void write(const uint8_t* data, size_t size);
  // Bytes written so far.
  int64_t size() const { return size_; }
  void commit();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
  int64_t size_ = 0;
};

// As write_file_atomically, but the bytes may still be lost in a power cut until sync_file_system:
// for many small files, which one call then makes safe together.
void write_file_unsynced(const std::string& path, const uint8_t* data, size_t size);

// Flushes everything written to the file system that holds `folder`. Throws Unavailable.
void sync_file_system(const std::string& folder);

// True for names (without folder) of our own temporaries: .guise-<pid>-<counter>-<name>.part
bool is_temporary_name(const std::string& name);

// Removes the temporaries that killed runs left in `folder` and below. Links are not followed; what
// cannot be read or removed stays.
void remove_temporaries(const std::string& folder);

// The whole regular file. Throws Unavailable where it cannot be opened or read, CorruptFile where
// it has more than max_bytes or changes its size meanwhile.
std::vector<uint8_t> read_file(const std::string& path, int64_t max_bytes);

// A text file that grows by whole lines; one writer at a time.
class AppendFile {
 public:
  // Opens or creates. A last line without newline, left by a killed writer, is cut off: it was
  // never acknowledged. Throws Unavailable where the path is a link, not a regular file, cannot be
  // opened, or is open in another AppendFile, in this process or another.
  explicit AppendFile(const std::string& path);

  // Appends line + "\n" in one piece; a failed append leaves the file as it was. With durable =
  // true the line is on the medium when the call returns. Throws std::invalid_argument for a line
  // with a newline inside, Unavailable for a system error.
  void append_line(const std::string& line, bool durable);

 private:
  std::string path_;
  FileDescriptor file_;
};

}  // namespace guise::io
