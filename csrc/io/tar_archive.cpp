// libarchive's ustar writer with a callback that fills a vector.
//
// The traps: no exception may pass through libarchive, and its default block sizes depend on where
// the archive goes, so both are set here.
#include "io/tar_archive.h"

#include <archive.h>
#include <archive_entry.h>

#include <cerrno>
#include <exception>
#include <utility>

#include "core/check.h"

namespace guise::io {
namespace {

constexpr int kBlockBytes = 10'240;  // 20 records of 512 bytes, POSIX pax "-b 20"
constexpr size_t kMaxNameBytes = 100;
constexpr uint64_t kMaxMemberBytes = (uint64_t{1} << 33) - 1;  // 11 octal digits

la_ssize_t append_bytes(archive* writer, void* to, const void* bytes, size_t count) {
  auto* archive_bytes = static_cast<std::vector<uint8_t>*>(to);
  const auto* from = static_cast<const uint8_t*>(bytes);
  try {
    archive_bytes->insert(archive_bytes->end(), from, from + count);
  } catch (const std::exception&) {
    archive_set_error(writer, ENOMEM, "not enough memory for the archive");
    return -1;
  }
  return static_cast<la_ssize_t>(count);
}

void check(archive* writer, int status, const char* action) {
  if (status == ARCHIVE_OK) return;
  const char* reason = archive_error_string(writer);
  throw Unavailable(core::message("could not ", action, " a tar archive in memory: ",
                                  reason == nullptr ? "no reason given" : reason));
}

// A separator counts as a part's end, so "a//b", "/a" and "a/" have empty parts.
bool is_plain_relative(const std::string& name) {
  std::string part;
  for (const char letter : name + "/") {
    if (letter < ' ' || letter > '~' || letter == '\\') return false;
    if (letter != '/') {
      part += letter;
      continue;
    }
    if (part.empty() || part == "." || part == "..") return false;
    part.clear();
  }
  return true;
}

struct FreeEntry {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};

}  // namespace

void TarArchive::Free::operator()(archive* writer) const {
  archive_write_free(writer);
}

TarArchive::TarArchive() : writer_(archive_write_new()) {
  if (writer_ == nullptr) throw Unavailable("not enough memory for a tar archive");
  archive* const writer = writer_.get();
  check(writer, archive_write_set_format_ustar(writer), "make");
  check(writer, archive_write_add_filter_none(writer), "make");
  check(writer, archive_write_set_bytes_per_block(writer, kBlockBytes), "make");
  check(writer, archive_write_set_bytes_in_last_block(writer, kBlockBytes), "make");
  check(writer, archive_write_open(writer, &bytes_, nullptr, append_bytes, nullptr), "make");
}

TarArchive::~TarArchive() = default;

void TarArchive::add(const std::string& name, const uint8_t* bytes, size_t size) {
  GUISE_CHECK_ARG(writer_ != nullptr, "members must be added before finish(); got ", name,
                  " after it; start another archive");
  GUISE_CHECK_ARG(name.size() <= kMaxNameBytes && is_plain_relative(name),
                  "the name of a tar member must be relative, of 1 to ", kMaxNameBytes,
                  " printable ASCII characters, without backslash and '..'; got '", name,
                  "'; choose another name");
  GUISE_CHECK_ARG(size <= kMaxMemberBytes, "a tar member must have less than 8 GiB; got ", size,
                  " bytes for ", name);
  const std::unique_ptr<archive_entry, FreeEntry> entry(archive_entry_new());
  if (entry == nullptr) throw Unavailable("not enough memory for a tar archive");
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0644);
  archive_entry_set_mtime(entry.get(), 0, 0);
  archive_entry_set_uid(entry.get(), 0);
  archive_entry_set_gid(entry.get(), 0);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
  archive* const writer = writer_.get();
  check(writer, archive_write_header(writer, entry.get()), "append to");
  for (size_t done = 0; done < size;) {  // a call takes at most 2^31 - 1 bytes
    const la_ssize_t taken = archive_write_data(writer, bytes + done, size - done);
    if (taken <= 0) check(writer, taken < 0 ? static_cast<int>(taken) : ARCHIVE_FATAL, "append to");
    done += static_cast<size_t>(taken);
  }
  check(writer, archive_write_finish_entry(writer), "append to");
}

std::vector<uint8_t> TarArchive::finish() {
  GUISE_CHECK_ARG(writer_ != nullptr, "a tar archive must be finished once; it already is");
  check(writer_.get(), archive_write_close(writer_.get()), "finish");
  writer_.reset();
  return std::move(bytes_);
}

}  // namespace guise::io
