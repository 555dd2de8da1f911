// A plain POSIX ustar archive in memory: the same members give the same bytes, anywhere.
//
// Every member is a regular file with mode 0644, time 0, user and group 0 without names. The end is
// two empty blocks and zeros up to a multiple of 10,240 bytes, as tar(1) writes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct archive;  // libarchive

namespace guise::io {

// One writer at a time. Throws Unavailable for what libarchive refuses or has no memory for; the
// archive is then of no use.
class TarArchive {
 public:
  TarArchive();
  TarArchive(const TarArchive&) = delete;
  TarArchive& operator=(const TarArchive&) = delete;
  ~TarArchive();

  // Appends a member. name: 1 to 100 bytes of printable ASCII without backslash, relative, with no
  // part that is empty, "." or ".."; size: below 8 GiB, the most that ustar can say. Throws
  // std::invalid_argument otherwise and after finish(). Names are not compared with each other.
  void add(const std::string& name, const uint8_t* bytes, size_t size);

  // The whole archive; nothing can follow.
  std::vector<uint8_t> finish();

 private:
  struct Free {
    void operator()(archive* writer) const;
  };

  std::vector<uint8_t> bytes_;  // libarchive's callback appends here; outlives writer_
  std::unique_ptr<archive, Free> writer_;
};

}  // namespace guise::io
