// Short names for what every decoder test does: decode bytes, compare pixels, cut files.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "core/check.h"
#include "io/read_image.h"
#include "support/image_fixtures.h"

namespace guise::test {

inline io::DecodedImage decode(const Bytes& file) {
  return io::decode_image(file.data(), file.size());
}

inline Bytes pixels_of(const Bytes& file) {
  return bytes_of(decode(file).pixels);
}

inline int max_difference(const at::Tensor& left, const at::Tensor& right) {
  return (left.to(at::kInt) - right.to(at::kInt)).abs().max().item<int>();
}

inline void expect_every_cut_refused(const Bytes& file, const std::string& what) {
  ASSERT_NO_THROW(decode(file)) << what;
  for (size_t tenth = 0; tenth < 10; ++tenth) {
    const size_t size = file.size() * tenth / 10;
    EXPECT_THROW(io::decode_image(file.data(), size), CorruptFile) << what << " cut to " << size;
  }
  EXPECT_THROW(io::decode_image(file.data(), file.size() - 1), CorruptFile)
      << what << " less one byte";
}

}  // namespace guise::test
