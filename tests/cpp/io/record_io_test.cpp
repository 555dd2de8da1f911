// Records byte by byte against literals and a slow twin, and what the reader refuses.
#include "io/record_io.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <random>

#include "core/check.h"
#include "support/image_fixtures.h"

namespace guise::io {
namespace {

using test::Bytes;

const Bytes kMagicBytes = {0x0A, 0x23, 0xD7, 0xCE};

Bytes joined(const std::vector<Bytes>& pieces) {
  Bytes whole;
  for (const Bytes& piece : pieces) test::append(whole, piece);
  return whole;
}

// A part as the layout has it, with a length that may be a lie.
Bytes part(uint32_t kind, const Bytes& content, uint32_t length) {
  Bytes bytes = joined({kMagicBytes, test::little_endian(kind << 29 | length, 4), content});
  while (bytes.size() % 4 != 0) bytes.push_back(0);
  return bytes;
}

Bytes part(uint32_t kind, const Bytes& content) {
  return part(kind, content, static_cast<uint32_t>(content.size()));
}

// The same record in another way: cut into words, the words that are the magic are the seams.
Bytes record_slowly(const Bytes& payload) {
  std::vector<Bytes> pieces(1);
  for (size_t at = 0; at < payload.size(); at += 4) {
    const size_t end = std::min(at + 4, payload.size());
    const Bytes word(payload.begin() + static_cast<std::ptrdiff_t>(at),
                     payload.begin() + static_cast<std::ptrdiff_t>(end));
    if (word == kMagicBytes) {
      pieces.emplace_back();
    } else {
      test::append(pieces.back(), word);
    }
  }
  if (pieces.size() == 1) return part(0, pieces[0]);
  Bytes record = part(1, pieces.front());
  for (size_t i = 1; i + 1 < pieces.size(); ++i) test::append(record, part(2, pieces[i]));
  return joined({record, part(3, pieces.back())});
}

Bytes record_of(const Bytes& payload) {
  Bytes to;
  append_record(to, payload.data(), payload.size());
  return to;
}

Record read(const Bytes& data, size_t offset = 0) {
  return read_record(data.data(), data.size(), offset);
}

void expect_refused(const Bytes& data, const std::string& what, size_t offset = 0) {
  EXPECT_THROW(read(data, offset), CorruptFile) << what;
}

// Words of noise, among them magics that are aligned, shifted and cut.
Bytes hostile_picture(std::mt19937& draw) {
  Bytes picture;
  for (int words = static_cast<int>(draw() % 12); words > 0; --words) {
    switch (draw() % 4) {
      case 0:
        test::append(picture, kMagicBytes);
        break;
      case 1:
        picture.push_back(kMagicBytes[draw() % 4]);
        break;
      default:
        test::append(picture, test::little_endian(static_cast<uint32_t>(draw()), 4));
    }
  }
  return picture;
}

TEST(RecordIo, TheVectorOfTheLayout) {
  EXPECT_EQ(record_of(test::text_bytes("hello")),
            (Bytes{0x0A, 0x23, 0xD7, 0xCE, 5, 0, 0, 0, 'h', 'e', 'l', 'l', 'o', 0, 0, 0}));
  EXPECT_EQ(record_of({}), (Bytes{0x0A, 0x23, 0xD7, 0xCE, 0, 0, 0, 0}));
  EXPECT_EQ(record_of({1, 2, 3, 4}),
            (Bytes{0x0A, 0x23, 0xD7, 0xCE, 4, 0, 0, 0, 1, 2, 3, 4}));  // no padding
}

TEST(RecordIo, PayloadOfAPicture) {
  EXPECT_EQ(
      image_payload(1.5f, 0x0102030405060708, {9, 8}),
      (Bytes{0, 0, 0, 0, 0, 0, 0xC0, 0x3F, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 9, 8}));
}

TEST(RecordIo, PayloadOfLabels) {
  EXPECT_EQ(label_payload({2.0f, -1.0f}, 7),
            (Bytes{2, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0,    0, 0, 0,    0,
                   0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0x80, 0xBF}));
  EXPECT_THROW(label_payload({}, 7), std::invalid_argument);
}

TEST(RecordIo, SplitsAtAnAlignedMagic) {
  const Bytes payload = joined({{1, 2, 3, 4}, kMagicBytes, {5, 6}});
  EXPECT_EQ(record_of(payload),
            (Bytes{0x0A, 0x23, 0xD7, 0xCE, 4, 0, 0, 0x20, 1, 2, 3, 4,     // first of 4
                   0x0A, 0x23, 0xD7, 0xCE, 2, 0, 0, 0x60, 5, 6, 0, 0}));  // last of 2
  // Alone, and twice in a row: parts without bytes.
  EXPECT_EQ(record_of(kMagicBytes), joined({part(1, {}), part(3, {})}));
  EXPECT_EQ(record_of(joined({kMagicBytes, kMagicBytes})),
            joined({part(1, {}), part(2, {}), part(3, {})}));
}

TEST(RecordIo, LeavesAMagicAloneThatIsNotAligned) {
  for (size_t shift = 1; shift < 4; ++shift) {
    const Bytes payload = joined({Bytes(shift, 1), kMagicBytes, {2}});
    EXPECT_EQ(record_of(payload), part(0, payload));
  }
  const Bytes cut(kMagicBytes.begin(), kMagicBytes.end() - 1);
  EXPECT_EQ(record_of(cut), part(0, cut));
}

TEST(RecordIo, EqualsTheSlowTwinAndComesBack) {
  std::mt19937 draw(5);
  int split = 0;
  for (int round = 0; round < 500; ++round) {
    const Bytes picture = hostile_picture(draw);
    const auto label = static_cast<float>(draw() % 1000);
    const uint64_t id = draw();
    const Bytes payload = image_payload(label, id, picture);
    const Bytes bytes = record_of(payload);
    ASSERT_EQ(bytes, record_slowly(payload)) << round;
    split += bytes[7] >> 5 == 1;
    const Record record = read(bytes);
    EXPECT_EQ(record.flag, 0u);
    EXPECT_EQ(record.label, label);
    EXPECT_EQ(record.id, id);
    EXPECT_EQ(record.id2, 0u);
    EXPECT_TRUE(record.labels.empty());
    ASSERT_EQ(record.picture, picture) << round;
    EXPECT_EQ(record.next_offset, bytes.size());
  }
  EXPECT_GT(split, 100);
  EXPECT_LT(split, 450);
}

TEST(RecordIo, TheTwinCanFail) {
  const Bytes payload = joined({{1}, kMagicBytes, {2, 3, 4}});
  const Bytes aligned = joined({{1, 2, 3, 4}, kMagicBytes});
  EXPECT_NE(record_of(payload), record_slowly(aligned));
  EXPECT_NE(part(0, aligned), record_slowly(aligned));
}

TEST(RecordIo, ReadsRecordAfterRecord) {
  Bytes file;
  std::vector<size_t> offsets;
  const Bytes head = label_payload({3.0f, 5.0f}, 0);
  offsets.push_back(file.size());
  append_record(file, head.data(), head.size());
  for (uint8_t key = 1; key < 5; ++key) {
    const Bytes payload = image_payload(key, key, Bytes(key, key));
    offsets.push_back(file.size());
    append_record(file, payload.data(), payload.size());
  }
  const Record first = read(file);
  EXPECT_EQ(first.flag, 2u);
  EXPECT_EQ(first.label, 0.0f);
  EXPECT_EQ(first.labels, (std::vector<float>{3.0f, 5.0f}));
  EXPECT_TRUE(first.picture.empty());
  size_t at = first.next_offset;
  for (uint8_t key = 1; key < 5; ++key) {
    EXPECT_EQ(at, offsets[key]);
    const Record record = read(file, at);
    EXPECT_EQ(record.id, key);
    EXPECT_EQ(record.picture, Bytes(key, key));
    at = record.next_offset;
  }
  EXPECT_EQ(at, file.size());
  expect_refused(file, "behind the last record", at);
}

TEST(RecordIo, ReadsAPictureBehindLabels) {
  const Bytes payload = joined({label_payload({4.0f}, 9), {1, 2, 3}});
  const Record record = read(record_of(payload));
  EXPECT_EQ(record.labels, std::vector<float>{4.0f});
  EXPECT_EQ(record.picture, (Bytes{1, 2, 3}));
}

TEST(RecordIo, RefusesEveryCutAndEveryWrongOffset) {
  const Bytes whole =
      record_of(joined({image_payload(1, 1, {1, 2, 3, 4}), kMagicBytes, kMagicBytes, {5}}));
  ASSERT_EQ(whole[7] >> 5, 1);
  EXPECT_NO_THROW(read(whole));
  for (size_t size = 0; size < whole.size(); ++size) {
    // Bytes of its own, so that a look beyond the end is a fault a sanitizer sees.
    expect_refused(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)),
                   "cut to " + std::to_string(size));
  }
  for (size_t offset = 1; offset <= whole.size() + 9; ++offset) {
    expect_refused(whole, "offset " + std::to_string(offset), offset);
  }
  for (const size_t back : {size_t{0}, size_t{7}, size_t{8}, whole.size()}) {
    expect_refused(whole, "offset at the end of memory", std::numeric_limits<size_t>::max() - back);
  }
  EXPECT_THROW(read_record(nullptr, 0, 0), CorruptFile);
}

TEST(RecordIo, RefusesPartsOutOfOrder) {
  const Bytes payload = image_payload(1, 2, {7, 7, 7, 7});
  EXPECT_NO_THROW(read(part(0, payload)));
  for (uint32_t kind = 1; kind < 8; ++kind) {
    expect_refused(part(kind, payload), "alone: kind " + std::to_string(kind));
  }
  for (uint32_t first = 0; first < 8; ++first) {
    for (uint32_t second = 0; second < 8; ++second) {
      const Bytes data = joined({part(first, payload), part(second, {1}), part(3, {})});
      const bool legal = first == 0 || (first == 1 && (second == 2 || second == 3));
      if (legal) {
        EXPECT_NO_THROW(read(data)) << first << second;
      } else {
        expect_refused(data, std::to_string(first) + std::to_string(second));
      }
    }
  }
}

TEST(RecordIo, RefusesLies) {
  const Bytes payload = image_payload(1, 2, {7, 7, 7, 7});
  Bytes wrong_magic = part(0, payload);
  wrong_magic[3] ^= 1;
  expect_refused(wrong_magic, "magic");
  Bytes wrong_second = joined({part(1, payload), part(3, {})});
  EXPECT_NO_THROW(read(wrong_second));
  wrong_second[8 + payload.size()] ^= 1;
  expect_refused(wrong_second, "magic of the second part");
  expect_refused(part(0, payload, 29), "one byte beyond the data");
  expect_refused(part(0, payload, (1u << 29) - 1), "the longest length");
  expect_refused(part(0, Bytes(23, 0)), "shorter than its header");
  EXPECT_NO_THROW(read(part(0, Bytes(24, 0))));
  Bytes labels = label_payload({1, 2}, 3);
  labels[0] = 3;
  expect_refused(part(0, labels), "one label too many");
  labels[3] = 0xFF;
  expect_refused(part(0, labels), "4 billion labels");
}

TEST(RecordIo, TakesAnyPadding) {
  Bytes bytes = part(0, image_payload(1, 2, {7}));
  bytes.back() = 0x55;  // readers of the format do not look at it
  EXPECT_EQ(read(bytes).picture, Bytes{7});
}

TEST(RecordIo, ChecksItsArguments) {
  Bytes to;
  EXPECT_THROW(append_record(to, nullptr, size_t{1} << 29), std::invalid_argument);
  EXPECT_THROW(append_record(to, nullptr, std::numeric_limits<size_t>::max()),
               std::invalid_argument);
  EXPECT_TRUE(to.empty());
  to = {1, 2, 3};
  EXPECT_THROW(append_record(to, to.data(), 1), std::invalid_argument);
  EXPECT_EQ(to.size(), 3u);
}

}  // namespace
}  // namespace guise::io
