// A folder of photos to a list of jobs: which files are photos, and where each result goes.
//
//   photos    regular files whose first bytes are JPEG, PNG, WebP or BMP, whatever their name, and
//             files named like a picture of another kind (those cannot be read: listed as failed)
//   hidden    files and folders (a name that starts with a dot): left out unless asked for
//   links     left out unless asked for; then each folder is entered once, so loops end
//   the tree  is mirrored; a name gets the extension of the format that is written
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace guise::pipelines {

struct PhotoListOptions {
  bool follow_links = false;    // enter linked folders and read linked files
  bool hidden = false;          // include names that start with a dot
  std::string format = "keep";  // of the results: "keep", "jpeg", "png" or "webp"
};

struct Photo {
  std::string name;         // relative to the input folder, with '/'
  std::string output_name;  // relative to the output folder; empty where there can be none
  std::string problem;      // why it cannot be handled; empty: try it
};

struct PhotoList {
  std::vector<Photo> photos;  // by name, byte by byte
  int64_t other_files = 0;    // neither read nor written
};

// Throws guise::Unavailable where `folder` cannot be read. A folder below it that cannot be read
// becomes an entry with a problem: what may hold photos is never passed over in silence.
PhotoList list_photos(const std::string& folder, const PhotoListOptions& options);

// A file name as a report gives it. In a name that is not UTF-8 each byte above 0x7F becomes U+FFFD
// and two hexadecimal digits, so that two names stay two.
std::string report_name(const std::string& file_name);

// Throws std::invalid_argument unless the two folders are different and neither contains the other,
// after links are resolved. `output` need not exist.
void check_folders(const std::string& input, const std::string& output);

}  // namespace guise::pipelines
