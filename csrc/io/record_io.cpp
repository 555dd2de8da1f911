// Payloads and their parts. Offsets come from an index file and lengths from the records, so both
// are compared with what is left before anything is added to them.
#include "io/record_io.h"

#include <bit>

#include "core/check.h"
#include "io/byte_reader.h"

namespace guise::io {
namespace {

constexpr uint32_t kMagic = 0xCED7230A;
constexpr uint32_t kLengthBits = 29;
constexpr uint32_t kMaxLength = (uint32_t{1} << kLengthBits) - 1;
constexpr size_t kPartHeaderBytes = 8;
constexpr size_t kPayloadHeaderBytes = 24;

enum PartKind : uint32_t { kWhole = 0, kFirst = 1, kMiddle = 2, kLast = 3 };

void append_le32(std::vector<uint8_t>& to, uint32_t value) {
  uint8_t bytes[4];
  store_le32(bytes, value);
  to.insert(to.end(), bytes, bytes + 4);
}

void append_le64(std::vector<uint8_t>& to, uint64_t value) {
  append_le32(to, static_cast<uint32_t>(value));
  append_le32(to, static_cast<uint32_t>(value >> 32));
}

void append_part(std::vector<uint8_t>& to, PartKind kind, const uint8_t* bytes, size_t size) {
  append_le32(to, kMagic);
  append_le32(to, uint32_t{kind} << kLengthBits | static_cast<uint32_t>(size));
  to.insert(to.end(), bytes, bytes + size);
  to.resize((to.size() + 3) & ~size_t{3}, 0);
}

std::vector<uint8_t> payload_header(uint32_t flag, float label, uint64_t id, size_t more_bytes) {
  std::vector<uint8_t> payload;
  payload.reserve(kPayloadHeaderBytes + more_bytes);
  append_le32(payload, flag);
  append_le32(payload, std::bit_cast<uint32_t>(label));
  append_le64(payload, id);
  append_le64(payload, 0);
  return payload;
}

[[noreturn]] void refuse(size_t offset, const char* what) {
  throw CorruptFile(core::message("a RecordIO record must be whole and undamaged; the one at byte ",
                                  offset, " ", what,
                                  "; restore the .rec file and its index from their source"));
}

struct Part {
  PartKind kind;
  const uint8_t* bytes;
  size_t size;
  size_t next_offset;
};

// `record` is where the record began, for messages.
Part read_part(const uint8_t* data, size_t size, size_t offset, size_t record) {
  if (offset > size || size - offset < kPartHeaderBytes) refuse(record, "is beyond the data");
  if (load_le32(data + offset) != kMagic) refuse(record, "does not begin with the magic number");
  const uint32_t kind_and_length = load_le32(data + offset + 4);
  const uint32_t kind = kind_and_length >> kLengthBits;
  if (kind > kLast) refuse(record, "has a part of unknown kind");
  const size_t length = kind_and_length & kMaxLength;
  const size_t padded = (length + 3) & ~size_t{3};
  const size_t begin = offset + kPartHeaderBytes;
  if (padded > size - begin) refuse(record, "reaches beyond the data");
  return {static_cast<PartKind>(kind), data + begin, length, begin + padded};
}

void append_magic(std::vector<uint8_t>& payload) {
  append_le32(payload, kMagic);
}

// The parts joined; next_offset is set to the end of the last one.
std::vector<uint8_t> read_payload(const uint8_t* data, size_t size, size_t offset,
                                  size_t* next_offset) {
  Part part = read_part(data, size, offset, offset);
  if (part.kind != kWhole && part.kind != kFirst) refuse(offset, "begins in the middle of another");
  std::vector<uint8_t> payload(part.bytes, part.bytes + part.size);
  while (part.kind == kFirst || part.kind == kMiddle) {
    part = read_part(data, size, part.next_offset, offset);
    if (part.kind != kMiddle && part.kind != kLast) refuse(offset, "has no last part");
    append_magic(payload);
    payload.insert(payload.end(), part.bytes, part.bytes + part.size);
  }
  *next_offset = part.next_offset;
  return payload;
}

}  // namespace

void append_record(std::vector<uint8_t>& to, const uint8_t* payload, size_t size) {
  GUISE_CHECK_ARG(size <= kMaxLength, "a RecordIO record must have less than 2^29 bytes; got ",
                  size, "; store a smaller picture");
  GUISE_CHECK_ARG(to.size() % 4 == 0, "a RecordIO record must begin at a multiple of 4 bytes; got ",
                  to.size(), "; append records only to records");
  size_t begin = 0;
  bool split = false;
  for (size_t at = 0; at + 4 <= size; at += 4) {
    if (load_le32(payload + at) != kMagic) continue;
    append_part(to, split ? kMiddle : kFirst, payload + begin, at - begin);
    split = true;
    begin = at + 4;
  }
  append_part(to, split ? kLast : kWhole, payload + begin, size - begin);
}

std::vector<uint8_t> image_payload(float label, uint64_t id, const std::vector<uint8_t>& picture) {
  std::vector<uint8_t> payload = payload_header(/*flag=*/0, label, id, picture.size());
  payload.insert(payload.end(), picture.begin(), picture.end());
  return payload;
}

std::vector<uint8_t> label_payload(const std::vector<float>& labels, uint64_t id) {
  GUISE_CHECK_ARG(!labels.empty() && labels.size() <= kMaxLength / 4,
                  "a record of labels must have 1 to ", kMaxLength / 4, " of them; got ",
                  labels.size());
  std::vector<uint8_t> payload =
      payload_header(static_cast<uint32_t>(labels.size()), /*label=*/0, id, 4 * labels.size());
  for (const float label : labels) append_le32(payload, std::bit_cast<uint32_t>(label));
  return payload;
}

Record read_record(const uint8_t* data, size_t size, size_t offset) {
  Record record;
  const std::vector<uint8_t> payload = read_payload(data, size, offset, &record.next_offset);
  if (payload.size() < kPayloadHeaderBytes) refuse(offset, "is shorter than its header");
  const uint8_t* const bytes = payload.data();
  record.flag = load_le32(bytes);
  record.label = std::bit_cast<float>(load_le32(bytes + 4));
  record.id = load_le64(bytes + 8);
  record.id2 = load_le64(bytes + 16);
  if (record.flag > (payload.size() - kPayloadHeaderBytes) / 4) {
    refuse(offset, "declares more labels than it holds");
  }
  record.labels.reserve(record.flag);
  const uint8_t* const labels = bytes + kPayloadHeaderBytes;
  for (size_t i = 0; i < record.flag; ++i) {
    record.labels.push_back(std::bit_cast<float>(load_le32(labels + 4 * i)));
  }
  record.picture.assign(labels + 4 * size_t{record.flag}, bytes + payload.size());
  return record;
}

}  // namespace guise::io
