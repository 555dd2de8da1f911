#include "pipelines/anonymize_photo.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <new>

#include "core/check.h"
#include "core/stopwatch.h"
#include "io/atomic_file.h"
#include "io/read_image.h"
#include "io/sha256.h"
#include "io/write_image.h"
#include "pipelines/photo_list.h"

namespace guise::pipelines {

namespace {

// "<path>: reason" without the path, for a report that holds no absolute paths.
std::string without_path(const std::string& text, const std::string& path) {
  const std::string prefix = path + ": ";
  return text.rfind(prefix, 0) == 0 ? text.substr(prefix.size()) : text;
}

void note_input(const std::string& path, PhotoRecord& record) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) == 0) {
    record.input_bytes = static_cast<int64_t>(facts.st_size);
    record.input_mtime_ns =
        static_cast<int64_t>(facts.st_mtim.tv_sec) * 1'000'000'000 + facts.st_mtim.tv_nsec;
  }
}

bool exists(const std::string& path) {
  struct stat facts {};
  return ::lstat(path.c_str(), &facts) == 0;
}

// What an earlier run wrote for another version of this photo must not pass for this one. A folder
// that took its place is somebody else's.
void remove_result(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(std::filesystem::symlink_status(path, error))) {
    return;
  }
  std::filesystem::remove(path, error);
  if (error) {
    throw Unavailable(
        core::message(path, ": an earlier result could not be removed: ", error.message()));
  }
}

// Reads, anonymises and encodes; the bytes are empty where the record says why not.
std::vector<uint8_t> anonymized_bytes(const PhotoJob& job, AnonymizeImage& anonymize,
                                      const PhotoOptions& options,
                                      const std::function<void(int64_t)>& reserve,
                                      PhotoRecord& record) {
  core::Stopwatch watch;
  const std::vector<uint8_t> bytes = io::read_file(job.input_path, options.limits.max_file_bytes);
  const io::ImageHeader header = io::parse_image_header(bytes.data(), bytes.size(), options.limits);
  reserve(header.width_px * header.height_px);
  io::DecodedImage photo = io::decode_image(bytes.data(), bytes.size(), options.limits);
  record.width_px = photo.pixels.size(1);
  record.height_px = photo.pixels.size(0);
  record.read_ms = watch.lap_ms();

  AnonymizedImage result = anonymize(photo.pixels);
  photo.pixels.reset();
  record.faces = std::move(result.faces);
  record.doubtful = std::move(result.doubtful);
  record.uncovered = std::move(result.uncovered);
  record.detect_ms = result.detect_ms;
  record.obscure_ms = result.obscure_ms;
  record.second_look_ms = result.second_look_ms;
  if (!result.reason.empty()) {
    record.status = PhotoStatus::review;
    record.reason = result.reason;
    return {};
  }
  watch.lap_ms();
  const io::ImageFormat format =
      options.format == "keep" ? photo.format : io::format_named(options.format);
  std::vector<uint8_t> encoded =
      io::encode_image(result.image, format, photo.grey, photo.icc_profile, options.write);
  record.write_ms = watch.lap_ms();
  return encoded;
}

}  // namespace

const char* status_name(PhotoStatus status) {
  switch (status) {
    case PhotoStatus::written:
      return "written";
    case PhotoStatus::without_face:
      return "without_face";
    case PhotoStatus::review:
      return "review";
    case PhotoStatus::failed:
      return "failed";
  }
  return "failed";
}

void make_parent_folders(const std::string& root, const std::string& name) {
  for (size_t slash = name.find('/'); slash != std::string::npos;
       slash = name.find('/', slash + 1)) {
    const std::string folder = root + "/" + name.substr(0, slash);
    if (::mkdir(folder.c_str(), 0777) == 0) {
      continue;
    }
    const int error = errno;
    struct stat facts {};
    if (error != EEXIST || ::lstat(folder.c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode)) {
      throw Unavailable(
          core::message(folder, " must be a folder that can be made, not a link: ",
                        error == EEXIST ? "something else is there" : std::strerror(error)));
    }
  }
}

PhotoRecord anonymize_photo(const PhotoJob& job, AnonymizeImage& anonymize,
                            const PhotoOptions& options,
                            const std::function<void(int64_t)>& reserve) {
  PhotoRecord record;
  record.photo = report_name(job.name);
  note_input(job.input_path, record);
  std::vector<uint8_t> encoded;
  try {
    encoded = anonymized_bytes(job, anonymize, options, reserve, record);
  } catch (const Cancelled&) {
    throw;
  } catch (const std::bad_alloc&) {
    record.reason = "there was not enough memory for it; use fewer workers or a lower max_pixels";
  } catch (const std::exception& error) {
    record.reason = without_path(error.what(), job.input_path);
  }
  if (encoded.empty()) {
    if (job.may_replace) {
      remove_result(job.output_path);
    }
    return record;
  }

  core::Stopwatch watch;
  const std::string sha256 = io::sha256_hex(encoded.data(), encoded.size());
  const bool is_file =
      std::filesystem::is_regular_file(std::filesystem::symlink_status(job.output_path));
  if (exists(job.output_path) && !(job.may_replace && is_file)) {
    if (!is_file || io::sha256_file(job.output_path) != sha256) {
      record.reason = "the output folder already has " + job.output_name +
                      ", which this job did not write; move it away";
      return record;
    }
  } else {
    io::write_file_atomically(job.output_path, encoded.data(), encoded.size());
  }
  record.write_ms += watch.lap_ms();
  record.output = report_name(job.output_name);
  record.output_sha256 = sha256;
  record.output_bytes = static_cast<int64_t>(encoded.size());
  record.status = record.faces.empty() && record.doubtful.empty() ? PhotoStatus::without_face
                                                                  : PhotoStatus::written;
  return record;
}

}  // namespace guise::pipelines
