// One photo file to one anonymised file:
//   read -> anonymize_image -> encode -> write, once and whole
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "io/image_header.h"
#include "io/image_types.h"
#include "pipelines/anonymize_image.h"

namespace guise::pipelines {

enum class PhotoStatus {
  written,       // faces obscured, result written
  without_face,  // no face found; written again without metadata
  review,        // a person has to look; nothing written
  failed,        // cannot be handled; nothing written
};
const char* status_name(PhotoStatus status);

// What became of one photo: a line of the report.
struct PhotoRecord {
  std::string photo;   // name relative to the input folder
  std::string output;  // name relative to the output folder; empty: nothing written
  PhotoStatus status = PhotoStatus::failed;
  std::string reason;  // why nothing was written
  int64_t width_px = 0, height_px = 0;
  std::vector<stages::DetectedFace> faces, doubtful, uncovered;
  double read_ms = 0, detect_ms = 0, obscure_ms = 0, second_look_ms = 0, write_ms = 0;
  int64_t input_bytes = 0, input_mtime_ns = 0;
  std::string output_sha256;
  int64_t output_bytes = 0;
};

struct PhotoJob {
  std::string name;         // relative to the input folder
  std::string output_name;  // relative to the output folder
  std::string input_path;
  std::string output_path;
  bool may_replace;  // the output is one that this job wrote before
};

struct PhotoOptions {
  io::ReadLimits limits;
  io::WriteOptions write;
  std::string format = "keep";  // "keep", "jpeg", "png" or "webp"
};

// Anonymises one photo. Every error that belongs to the photo becomes a record with a reason;
// errors of the output (no space, no permission) are thrown as guise::Unavailable, for they concern
// all photos.
//   reserve  is called with the number of pixels before anything is decoded
// An output that is there already is left alone: equal bytes count as written, others as failed.
PhotoRecord anonymize_photo(const PhotoJob& job, AnonymizeImage& anonymize,
                            const PhotoOptions& options,
                            const std::function<void(int64_t pixels)>& reserve);

// Creates the folders of a file below `root`, none of which may be a link. Throws
// guise::Unavailable.
void make_parent_folders(const std::string& root, const std::string& name);

}  // namespace guise::pipelines
