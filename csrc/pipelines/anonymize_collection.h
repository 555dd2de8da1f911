// A folder of photos to a folder of anonymised photos and a report.
//
// Parallel over photos, one thread inside each. Memory is bounded by `max_pixels_in_flight`,
// however large the collection. Fails closed: a photo that cannot be handled, or where a face may
// be left, is not written but listed. Calls core::keep_freed_memory(), which concerns the whole
// process.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "io/image_header.h"
#include "pipelines/anonymize_image.h"
#include "pipelines/anonymize_photo.h"
#include "pipelines/collection_report.h"

namespace guise::pipelines {

struct CollectionOptions {
  AnonymizeOptions anonymize;
  io::ReadLimits limits;
  io::WriteOptions write;
  std::string format = "keep";  // of the results: "keep", "jpeg", "png" or "webp"
  std::string report;           // path; empty: "guise-report.jsonl" in the output folder
  bool follow_links = false;    // enter linked folders and read linked files
  bool hidden = false;          // include files and folders whose name starts with a dot
  int64_t workers = 0;          // photos at a time; 0: one a processor
  // Pixels of all photos being worked on; a single larger photo is worked on alone.
  int64_t max_pixels_in_flight = 100'000'000;
};

// Named detector files, for the report's header: (name, sha256).
using DetectorFacts = std::vector<std::pair<std::string, std::string>>;

struct CollectionProgress {
  CollectionSummary so_far;
  std::string photo;  // the one just finished
  PhotoStatus status = PhotoStatus::written;
  std::string reason;
};

// Called on the calling thread, after each photo and at least every 100 ms (then with an empty
// photo). An exception thrown by it cancels the job, lets running photos finish, and is thrown on.
using OnProgress = std::function<void(const CollectionProgress&)>;

// Throws std::invalid_argument for folders that cannot be (check_folders) and for options that are
// not those of the report that is there; guise::Unavailable when the input cannot be read or the
// output cannot be written (no space, read-only): then what was finished stays and the same call
// goes on from there.
CollectionSummary anonymize_collection(const std::string& input, const std::string& output,
                                       const AnonymizeImage& anonymize,
                                       const DetectorFacts& detectors,
                                       const CollectionOptions& options,
                                       const OnProgress& on_progress = {},
                                       const std::atomic<bool>* cancel = nullptr);

}  // namespace guise::pipelines
