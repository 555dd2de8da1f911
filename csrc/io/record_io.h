// MXNet RecordIO (.rec): records of one picture or a list of labels, as arcface_torch reads them.
//
// A record is one or more parts: u32 magic 0xCED7230A, u32 (cflag << 29 | length), bytes, zeros up
// to a multiple of 4; all little-endian. cflag 0 is a whole record; 1, 2, 3 are the first, middle
// and last part of one that was split. The payload starts with a header of 24 bytes (u32 flag, f32
// label, u64 id, u64 id2); with flag > 0 that many f32 labels follow it. The rest is a picture.
// The trap: a payload that holds the magic at a multiple of 4 is split there, and the magic itself
// is not stored, so the picture in the file may lack 4 bytes that reading puts back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace guise::io {

// Appends one record; to.size() before the call is its offset in the index. Throws
// std::invalid_argument for a payload of 2^29 bytes or more, and where to.size() is not a multiple
// of 4.
void append_record(std::vector<uint8_t>& to, const uint8_t* payload, size_t size);

// Payload of a picture: flag 0, one label.
std::vector<uint8_t> image_payload(float label, uint64_t id, const std::vector<uint8_t>& picture);

// Payload without a picture: flag = number of labels, label 0. Throws std::invalid_argument for no
// labels, because such a record would read as a picture of no bytes.
std::vector<uint8_t> label_payload(const std::vector<float>& labels, uint64_t id);

struct Record {
  uint32_t flag = 0;             // number of labels behind the header
  float label = 0;               // the label where flag is 0
  uint64_t id = 0;               // key of the record in the index, by custom
  uint64_t id2 = 0;              // 0, by custom
  std::vector<float> labels;     // [flag]
  std::vector<uint8_t> picture;  // a picture file, or nothing
  size_t next_offset = 0;        // where the next record starts, or `size` after the last one
};

// The record at data[offset]. Throws CorruptFile where none starts there, where its parts are out
// of order or reach beyond data[0, size), and where its payload is shorter than what it declares.
Record read_record(const uint8_t* data, size_t size, size_t offset);

}  // namespace guise::io
