#include "pipelines/anonymize_collection.h"

#include <ATen/ATen.h>
#include <sys/stat.h>

#include <condition_variable>
#include <deque>
#include <exception>
#include <filesystem>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <opencv2/core/utility.hpp>
#include <set>
#include <thread>

#include "core/allocator.h"
#include "core/check.h"
#include "core/device.h"
#include "core/stopwatch.h"
#include "io/sha256.h"
#include "io/write_image.h"
#include "pipelines/photo_list.h"
#include "pipelines/pixel_budget.h"

namespace guise::pipelines {

using nlohmann::json;

namespace {

// OpenCV's own threads are switched off while photos are worked on side by side.
class OpenCvSingleThread {
 public:
  OpenCvSingleThread() : before_(cv::getNumThreads()) { cv::setNumThreads(1); }
  ~OpenCvSingleThread() { cv::setNumThreads(before_); }
  OpenCvSingleThread(const OpenCvSingleThread&) = delete;
  OpenCvSingleThread& operator=(const OpenCvSingleThread&) = delete;

 private:
  int before_;
};

json obscure_json(const stages::ObscureOptions& options) {
  return {{"method", options.method}, {"shape", options.shape}, {"mask_scale", options.mask_scale}};
}

// Everything that decides what is written. Workers, limits of memory and the report's place do not.
json header_json(const std::string& input, const DetectorFacts& detectors,
                 const CollectionOptions& options) {
  const AnonymizeOptions& anonymize = options.anonymize;
  json detector_list = json::array();
  for (const auto& [name, sha256] : detectors) {
    detector_list.push_back({{"name", name}, {"sha256", sha256}});
  }
  json values = obscure_json(anonymize.obscure);
  values.update({{"strength", anonymize.obscure.strength},
                 {"feather", anonymize.obscure.feather},
                 {"when_unsure", anonymize.when_unsure},
                 {"second_look", anonymize.second_look},
                 {"threshold", anonymize.detect.threshold},
                 {"review_threshold", anonymize.detect.review_threshold},
                 {"nms_iou", anonymize.detect.nms_iou},
                 {"smallest_face_px", anonymize.detect.smallest_face_px},
                 {"max_closer_looks", anonymize.detect.max_closer_looks},
                 {"max_file_bytes", options.limits.max_file_bytes},
                 {"max_side_px", options.limits.max_side_px},
                 {"max_pixels", options.limits.max_pixels},
                 {"format", options.format},
                 {"jpeg_quality", options.write.jpeg_quality},
                 {"follow_links", options.follow_links},
                 {"hidden", options.hidden},
                 {"detectors", detector_list}});
  const std::filesystem::path folder = std::filesystem::weakly_canonical(input);
  return {{"guise", GUISE_VERSION},
          {"format", 1},
          {"input", folder.filename().string()},
          {"options", values}};
}

class Job {
 public:
  Job(const std::string& input, const std::string& output, const AnonymizeImage& anonymize,
      const CollectionOptions& options, CollectionReport& report, const std::atomic<bool>* cancel)
      : input_(input),
        output_(output),
        anonymize_(anonymize),
        options_(options),
        report_(report),
        cancel_(cancel),
        budget_(options.max_pixels_in_flight) {}

  CollectionSummary run(const OnProgress& on_progress) {
    const PhotoList list =
        list_photos(input_, {options_.follow_links, options_.hidden, options_.format});
    photos_ = &list.photos;
    summary_.total = static_cast<int64_t>(photos_->size());
    summary_.other_files = list.other_files;
    sort_out_finished();
    work(on_progress);
    if (error_) {
      std::rethrow_exception(error_);
    }
    summary_.cancelled = stopped();
    summary_.seconds = elapsed_.lap_ms() / 1000.0;
    report_.finish(summary_, names());
    return summary_;
  }

 private:
  bool stopped() const { return stop_ || (cancel_ != nullptr && *cancel_); }

  // Keeps of the earlier runs what still holds: input unchanged, output there with its length.
  void sort_out_finished() {
    for (const Photo& photo : *photos_) {
      const auto found = report_.done().find(report_name(photo.name));
      if (found == report_.done().end()) {
        pending_.push_back(&photo);
        continue;
      }
      const CollectionReport::Done& done = found->second;
      if (is_unchanged(photo, done)) {
        count(done.status, done.faces);
        ++summary_.skipped;
        continue;
      }
      pending_.push_back(&photo);
      if (done.output == report_name(photo.output_name)) {
        ours_.insert(photo.name);
      } else {
        remove_earlier(done);
      }
    }
  }

  // A photo that is of another kind now, or cannot be handled any more, leaves its result behind.
  void remove_earlier(const CollectionReport::Done& done) const {
    const std::filesystem::path name(done.output);
    const std::string path = output_ + "/" + done.output;
    std::error_code error;
    if (!name.empty() && name.is_relative() && name.lexically_normal() == name &&
        *name.begin() != ".." &&
        std::filesystem::is_regular_file(std::filesystem::symlink_status(path, error)) &&
        io::sha256_file(path) == done.output_sha256 && !std::filesystem::remove(path, error)) {
      throw Unavailable(
          core::message(path, ": an earlier result could not be removed: ", error.message()));
    }
  }

  std::set<std::string> names() const {
    std::set<std::string> names;
    for (const Photo& photo : *photos_) {
      names.insert(report_name(photo.name));
    }
    return names;
  }

  bool is_unchanged(const Photo& photo, const CollectionReport::Done& done) const {
    struct stat in {
    }, out{};
    return photo.problem.empty() && done.output == report_name(photo.output_name) &&
           ::stat((input_ + "/" + photo.name).c_str(), &in) == 0 &&
           in.st_size == done.input_bytes &&
           static_cast<int64_t>(in.st_mtim.tv_sec) * 1'000'000'000 + in.st_mtim.tv_nsec ==
               done.input_mtime_ns &&
           ::lstat((output_ + "/" + photo.output_name).c_str(), &out) == 0 &&
           S_ISREG(out.st_mode) && out.st_size == done.output_bytes;
  }

  void count(PhotoStatus status, int64_t faces) {
    summary_.faces += faces;
    switch (status) {
      case PhotoStatus::written:
        ++summary_.written;
        break;
      case PhotoStatus::without_face:
        ++summary_.without_face;
        break;
      case PhotoStatus::review:
        ++summary_.review;
        break;
      case PhotoStatus::failed:
        ++summary_.failed;
        break;
    }
  }

  void work(const OnProgress& on_progress) {
    const core::SingleThreadScope one_thread_each;
    const OpenCvSingleThread one_opencv_thread;
    const int64_t wanted =
        options_.workers > 0 ? options_.workers : std::max(1U, std::thread::hardware_concurrency());
    running_ = std::min<int64_t>(wanted, static_cast<int64_t>(pending_.size()));
    std::vector<std::thread> threads;
    for (int64_t i = running_; i > 0; --i) {
      threads.emplace_back([this] { work_on_photos(); });
    }
    report_progress(on_progress);
    for (std::thread& thread : threads) {
      thread.join();
    }
  }

  void work_on_photos() {
    try {
      const core::SingleThreadScope one_thread;
      AnonymizeImage anonymize = anonymize_.clone();
      while (!stopped()) {
        const size_t next = next_++;
        if (next >= pending_.size()) {
          break;
        }
        finish_photo(work_on(*pending_[next], anonymize));
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      error_ = error_ ? error_ : std::current_exception();
      stop_ = true;
    }
    {
      const std::lock_guard lock(mutex_);
      --running_;
    }
    changed_.notify_all();
  }

  PhotoRecord work_on(const Photo& photo, AnonymizeImage& anonymize) {
    if (!photo.problem.empty()) {
      PhotoRecord record;
      record.photo = report_name(photo.name);
      record.reason = photo.problem;
      return record;
    }
    make_parent_folders(output_, photo.output_name);
    const PhotoJob job{photo.name, photo.output_name, input_ + "/" + photo.name,
                       output_ + "/" + photo.output_name, ours_.contains(photo.name)};
    int64_t reserved = 0;
    const auto give_back = [this](const int64_t* pixels) { budget_.give_back(*pixels); };
    const std::unique_ptr<int64_t, decltype(give_back)> reservation(&reserved, give_back);
    return anonymize_photo(job, anonymize, {options_.limits, options_.write, options_.format},
                           [&](int64_t pixels) {
                             budget_.take(pixels);
                             reserved = pixels;
                           });
  }

  void finish_photo(const PhotoRecord& record) {
    {
      const std::lock_guard lock(mutex_);
      report_.add(record, obscure_json(options_.anonymize.obscure).dump());
      count(record.status, static_cast<int64_t>(record.faces.size()));
      events_.push_back({summary_, record.photo, record.status, record.reason});
    }
    changed_.notify_all();
  }

  // Hands events to the caller on his own thread until all workers have stopped.
  void report_progress(const OnProgress& on_progress) {
    std::unique_lock lock(mutex_);
    while (running_ > 0 || !events_.empty()) {
      changed_.wait_for(lock, std::chrono::milliseconds(100),
                        [this] { return !events_.empty() || running_ == 0; });
      std::deque<CollectionProgress> events;
      events.swap(events_);
      if (events.empty()) {
        events.push_back({summary_, "", PhotoStatus::written, ""});
      }
      lock.unlock();
      for (const CollectionProgress& event : events) {
        tell(on_progress, event);
      }
      lock.lock();
    }
  }

  void tell(const OnProgress& on_progress, const CollectionProgress& event) {
    if (!on_progress || callback_failed_) {
      return;
    }
    try {
      on_progress(event);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      callback_failed_ = true;
      error_ = error_ ? error_ : std::current_exception();
      stop_ = true;
    }
  }

  const std::string input_, output_;
  const AnonymizeImage& anonymize_;
  const CollectionOptions& options_;
  CollectionReport& report_;
  const std::atomic<bool>* cancel_;
  PixelBudget budget_;
  core::Stopwatch elapsed_;

  const std::vector<Photo>* photos_ = nullptr;
  std::vector<const Photo*> pending_;
  std::set<std::string> ours_;  // photos whose output an earlier run of this job wrote
  std::atomic<size_t> next_ = 0;
  std::atomic<bool> stop_ = false;

  std::mutex mutex_;  // guards everything below, and the report
  std::condition_variable changed_;
  CollectionSummary summary_;
  std::deque<CollectionProgress> events_;
  int64_t running_ = 0;
  bool callback_failed_ = false;
  std::exception_ptr error_;
};

void check(const CollectionOptions& options) {
  GUISE_CHECK_ARG(options.workers >= 0 && options.workers <= 1024,
                  "workers must be 0 to 1024; got ", options.workers);
  GUISE_CHECK_ARG(options.max_pixels_in_flight >= 1,
                  "max_pixels_in_flight must be at least 1; got ", options.max_pixels_in_flight);
  GUISE_CHECK_ARG(options.format == "keep" || options.format == "jpeg" || options.format == "png" ||
                      options.format == "webp",
                  "the format must be 'keep', 'jpeg', 'png' or 'webp'; got '", options.format, "'");
  // Quality out of range is found now, not after the first photo.
  const at::Tensor pixel = at::zeros({1, 1, 3}, at::kByte);
  for (const io::ImageFormat format :
       {io::ImageFormat::jpeg, io::ImageFormat::png, io::ImageFormat::webp}) {
    io::encode_image(pixel, format, /*grey=*/false, /*icc_profile=*/{}, options.write);
  }
}

void make_output_folder(const std::string& output) {
  std::error_code error;
  std::filesystem::create_directories(output, error);
  if (error) {
    throw Unavailable(core::message(output, " could not be made: ", error.message()));
  }
}

}  // namespace

CollectionSummary anonymize_collection(const std::string& input, const std::string& output,
                                       const AnonymizeImage& anonymize,
                                       const DetectorFacts& detectors,
                                       const CollectionOptions& options,
                                       const OnProgress& on_progress,
                                       const std::atomic<bool>* cancel) {
  check(options);
  core::keep_freed_memory();
  check_folders(input, output);
  make_output_folder(output);
  const std::string report_path =
      options.report.empty() ? output + "/guise-report.jsonl" : options.report;
  CollectionReport report(report_path, header_json(input, detectors, options).dump());
  if (report.was_interrupted()) {
    io::remove_temporaries(output);
  }
  CollectionSummary summary =
      Job(input, output, anonymize, options, report, cancel).run(on_progress);
  summary.report = report_path;
  return summary;
}

}  // namespace guise::pipelines
