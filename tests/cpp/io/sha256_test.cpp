// Known answers of FIPS 180-4, from memory and from a file.
#include "io/sha256.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/check.h"
#include "io/atomic_file.h"
#include "support/scratch_folder.h"

namespace guise::io {
namespace {

std::string hash(const std::string& text) {
  return sha256_hex(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

TEST(Sha256, KnownAnswers) {
  EXPECT_EQ(hash(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hash(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, FileEqualsBytesAcrossPieces) {
  const test::ScratchFolder folder;
  for (const size_t size : {size_t{0}, size_t{1}, (size_t{1} << 20), (size_t{1} << 20) + 1}) {
    const std::vector<uint8_t> bytes(size, 7);
    write_file_atomically(folder / "file", bytes.data(), bytes.size());
    EXPECT_EQ(sha256_file(folder / "file"), sha256_hex(bytes.data(), bytes.size()));
  }
  EXPECT_THROW(sha256_file(folder / "absent"), Unavailable);
  EXPECT_THROW(sha256_file(folder.path()), Unavailable);
}

}  // namespace
}  // namespace guise::io
