// The report of a collection, JSON Lines: a header with the options, one line a photo, a summary.
// While a job runs, lines are appended to "<report>.journal", which also locks out a second job; at
// the end the last line of each photo becomes the report. A job that was killed or cancelled goes
// on from what is there.
//
// The format is described for users in docs/report-format.md. No pixels, no embeddings, no absolute
// paths.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "io/atomic_file.h"
#include "pipelines/anonymize_photo.h"

namespace guise::pipelines {

struct CollectionSummary {
  int64_t total = 0;
  int64_t written = 0, without_face = 0, review = 0, failed = 0;
  int64_t skipped = 0;  // of `written` and `without_face`: done by an earlier run
  int64_t other_files = 0;
  int64_t faces = 0;
  double seconds = 0;
  bool cancelled = false;
  std::string report;  // path
};

class CollectionReport {
 public:
  // A photo that an earlier run finished.
  struct Done {
    PhotoStatus status;
    std::string output;
    int64_t input_bytes, input_mtime_ns, output_bytes, faces;
    std::string output_sha256;
  };

  // header_json: one JSON object {"guise", "format", "input", "options"}. Opens the journal and
  // reads what earlier runs left. Throws std::invalid_argument, naming each option that differs,
  // when their options were others; guise::CorruptFile when the file at `path` is no report;
  // guise::Unavailable when the folder cannot be written or another job is at work.
  CollectionReport(const std::string& path, const std::string& header_json);

  // What earlier runs finished, by photo.
  const std::map<std::string, Done>& done() const { return done_; }
  // Whether an earlier run ended without finish().
  bool was_interrupted() const { return was_interrupted_; }

  // obscure_json: one JSON object whose fields are added to the line.
  void add(const PhotoRecord& record, const std::string& obscure_json);
  // Writes the report with a line for each of `photos` and the summary, and removes the journal.
  void finish(const CollectionSummary& summary, const std::set<std::string>& photos);

 private:
  // Whether there was anything to read.
  bool read_earlier(const std::string& path);

  std::string path_, journal_path_, header_json_;
  bool was_interrupted_ = false;
  std::map<std::string, Done> done_;
  std::unique_ptr<io::AppendFile> journal_;
};

}  // namespace guise::pipelines
