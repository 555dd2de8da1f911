// Verification sets (.bin) of insightface: pairs of encoded face pictures, one person or two.
//
// A Python pickle of (pictures, same): 2 N encoded pictures, pair k at 2 k and 2 k + 1, and N
// booleans. Pictures are bytes, or 1-D uint8 numpy arrays; booleans Python's or numpy's, in a list
// or an array; lists may be tuples. Written by Python 2 or 3 in any protocol. Read by
// pickle_values.h: no code in the file is run, and what is not such a set is CorruptFile. Pictures
// are not decoded here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "io/pickle_values.h"

namespace guise::io {

// What a hostile file can make the reader take besides its own bytes is bounded by max_pairs: some
// 2 kB each.
struct VerificationBinLimits {
  int64_t max_file_bytes = int64_t{4} << 30;
  int64_t max_pairs = 100'000;                    // the largest public set has 7,000
  int64_t max_picture_bytes = int64_t{16} << 20;  // encoded
};

// Owns the bytes of the file; pictures are views into it.
class VerificationBin {
 public:
  // The bytes of a whole file. Throws CorruptFile, beginning with `name_for_errors`.
  VerificationBin(std::vector<uint8_t> file, const std::string& name_for_errors,
                  const VerificationBinLimits& limits = {});
  VerificationBin(const VerificationBin&) = delete;
  VerificationBin& operator=(const VerificationBin&) = delete;
  VerificationBin(VerificationBin&&) = default;
  VerificationBin& operator=(VerificationBin&&) = default;

  size_t pairs() const { return same_.size(); }
  // Whether pair k shows one person.
  bool same(size_t k) const { return same_[k] != 0; }
  // Picture i of 2 * pairs(), encoded; not empty.
  std::string_view picture(size_t i) const { return document_.values[pictures_[i]].bytes; }

 private:
  std::vector<uint8_t> file_;
  PickleDocument document_;
  std::vector<uint32_t> pictures_;
  std::vector<uint8_t> same_;
};

// Throws Unavailable where the path cannot be read, CorruptFile as above, std::invalid_argument for
// limits below 1.
VerificationBin read_verification_bin(const std::string& path,
                                      const VerificationBinLimits& limits = {});

// A protocol 4 pickle of (list of bytes, list of bool), equal for equal input, that Python's pickle
// and insightface's load_bin read. Throws std::invalid_argument unless there are two pictures for
// each pair, none empty, and at least one pair.
std::vector<uint8_t> serialize_verification_bin(const std::vector<std::string_view>& pictures,
                                                const std::vector<bool>& same);

// serialize_verification_bin, then write_file_atomically.
void write_verification_bin(const std::string& path, const std::vector<std::string_view>& pictures,
                            const std::vector<bool>& same);

}  // namespace guise::io
