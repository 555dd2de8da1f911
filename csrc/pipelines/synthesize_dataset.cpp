#include "pipelines/synthesize_dataset.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <opencv2/core/utility.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "core/allocator.h"
#include "core/check.h"
#include "core/device.h"
#include "core/stopwatch.h"
#include "io/xmp.h"
#include "pipelines/draw_identity_pictures.h"

namespace guise::pipelines {

using nlohmann::json;

namespace {

constexpr std::chrono::milliseconds kProgressEvery{100};

std::string xmp_of(const DatasetPlan& plan) {
  if (plan.options.provenance != "picture") {
    return "";
  }
  const json generator = json::parse(plan.json).at("generator");
  io::Provenance provenance;
  provenance.generator =
      core::message("guise ", GUISE_VERSION, " ", generator.at("name").get<std::string>());
  if (generator.contains("models")) {
    provenance.models = generator.at("models").get<std::map<std::string, std::string>>();
  }
  return io::provenance_xmp(provenance);
}

// A shard whose identities are being drawn.
struct OpenShard {
  int64_t index = 0;
  ShardRange range;
  std::vector<IdentityPictures> identities;
  int64_t left = 0;
  ShardCounts counts;
};

class Job {
 public:
  Job(DatasetFolder& folder, const DatasetPlan& plan, const stages::SampleGenerator& generator,
      const DatasetChecks& checks, const DatasetHooks& hooks, const std::atomic<bool>* cancel)
      : folder_(folder),
        plan_(plan),
        generator_(generator),
        checks_(checks),
        hooks_(hooks),
        cancel_(cancel),
        xmp_(xmp_of(plan)) {}

  DatasetSummary run(int64_t first, int64_t end, const SynthesizeOptions& options) {
    sort_out_finished(first, end, options.verify);
    work(options.workers);
    if (error_) {
      std::rethrow_exception(error_);
    }
    const bool all_seen = summary_.shards == end - first;
    summary_.cancelled =
        stopped() && (!all_seen || summary_.new_shards < static_cast<int64_t>(todo_.size()));
    summary_.seconds = elapsed_.lap_ms() / 1000.0;
    return summary_;
  }

 private:
  bool stopped() const { return stop_ || (cancel_ != nullptr && *cancel_); }

  void sort_out_finished(int64_t first, int64_t end, bool verify) {
    for (int64_t i = first; i < end && !stopped(); ++i) {
      summary_.total_pictures += plan_.shard(i).identities * plan_.options.images_per_identity;
      ++summary_.shards;
      ShardCounts counts;
      if (folder_.has_shard(i, verify, counts)) {
        summary_.counts.add(counts);
      } else {
        todo_.push_back(i);
      }
    }
  }

  void work(int64_t workers) {
    const core::SingleThreadScope one_thread_each;
    const int opencv_threads = cv::getNumThreads();
    cv::setNumThreads(1);
    const int64_t wanted =
        workers > 0 ? workers : std::max(1U, std::thread::hardware_concurrency());
    running_ = todo_.empty() ? 0 : wanted;
    std::vector<std::thread> threads;
    for (int64_t i = running_; i > 0; --i) {
      threads.emplace_back([this] { work_on_identities(); });
    }
    report_progress();
    for (std::thread& thread : threads) {
      thread.join();
    }
    cv::setNumThreads(opencv_threads);
  }

  void work_on_identities() {
    try {
      const core::SingleThreadScope one_thread;
      DrawIdentityPictures draw(plan_, generator_, checks_, xmp_, cancel_or_stop());
      while (!stopped()) {
        const auto [shard, place] = next_identity();
        if (!shard) {
          break;
        }
        IdentityPictures drawn = draw(shard->range.first_identity + static_cast<uint64_t>(place));
        if (take(*shard, place, std::move(drawn))) {
          write(*shard);
        }
      }
    } catch (const Cancelled&) {
      stop_ = true;
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

  // The caller's flag ends a picture in hand; without one, a failure of another worker does.
  const std::atomic<bool>* cancel_or_stop() const { return cancel_ != nullptr ? cancel_ : &stop_; }

  // The next identity in the order of the plan, so that few shards are open at a time.
  std::pair<std::shared_ptr<OpenShard>, int64_t> next_identity() {
    const std::lock_guard lock(mutex_);
    if (!open_ || next_place_ == open_->range.identities) {
      if (next_shard_ == todo_.size()) {
        return {nullptr, 0};
      }
      open_ = std::make_shared<OpenShard>();
      open_->index = todo_[next_shard_++];
      open_->range = plan_.shard(open_->index);
      open_->left = open_->range.identities;
      open_->identities.resize(static_cast<size_t>(open_->left));
      next_place_ = 0;
    }
    return {open_, next_place_++};
  }

  // Whether it was the shard's last identity.
  bool take(OpenShard& shard, int64_t place, IdentityPictures drawn) {
    const std::lock_guard lock(mutex_);
    shard.counts.add(drawn.counts);
    shard.identities[static_cast<size_t>(place)] = std::move(drawn);
    check_given_up(shard);
    summary_.new_pictures += shard.identities[static_cast<size_t>(place)].counts.pictures;
    return --shard.left == 0;
  }

  void check_given_up(const OpenShard& shard) const {
    const DatasetGate& gate = plan_.options.gate;
    const int64_t planned = shard.range.identities * plan_.options.images_per_identity;
    if (static_cast<double>(shard.counts.given_up) <=
        gate.max_given_up_share * static_cast<double>(planned)) {
      return;
    }
    throw Unavailable(core::message(
        "shard ", shard.index, ": ", shard.counts.given_up, " of its ", planned,
        " pictures were drawn ", gate.attempts, " times and turned down each time, more than the ",
        100 * gate.max_given_up_share, " % that max_given_up_share allows. Of ",
        shard.counts.attempts, " drawn, the detector found no face in ", shard.counts.no_face,
        " and put the landmarks elsewhere in ", shard.counts.landmarks, "; ",
        shard.counts.other_face, " showed another face than their identity's, ",
        shard.counts.nearer_to_another, " one nearer to another identity's, and ",
        shard.counts.low_quality,
        " were of low quality. Choose milder poses or occluders, a larger landmark_tolerance or "
        "max_intra_distance, more attempts, or no gate"));
  }

  void write(OpenShard& open) {
    Shard shard;
    shard.index = open.index;
    shard.counts = open.counts;
    for (IdentityPictures& identity : open.identities) {
      std::move(identity.pictures.begin(), identity.pictures.end(),
                std::back_inserter(shard.pictures));
    }
    folder_.add(shard, hooks_.parquet);
    const std::lock_guard lock(mutex_);
    summary_.counts.add(shard.counts);
    ++summary_.new_shards;
  }

  void report_progress() {
    std::unique_lock lock(mutex_);
    while (running_ > 0) {
      changed_.wait_for(lock, kProgressEvery, [this] { return running_ == 0; });
      const DatasetSummary so_far = summary_;
      lock.unlock();
      tell(so_far);
      lock.lock();
    }
  }

  void tell(const DatasetSummary& so_far) {
    if (!hooks_.on_progress || callback_failed_) {
      return;
    }
    try {
      hooks_.on_progress(so_far);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      callback_failed_ = true;
      error_ = error_ ? error_ : std::current_exception();
      stop_ = true;
    }
  }

  DatasetFolder& folder_;
  const DatasetPlan& plan_;
  const stages::SampleGenerator& generator_;
  const DatasetChecks& checks_;
  const DatasetHooks& hooks_;
  const std::atomic<bool>* cancel_;
  const std::string xmp_;
  core::Stopwatch elapsed_;
  std::vector<int64_t> todo_;  // shards
  std::atomic<bool> stop_ = false;

  std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  DatasetSummary summary_;
  std::shared_ptr<OpenShard> open_;
  size_t next_shard_ = 0;   // place in todo_
  int64_t next_place_ = 0;  // in open_
  int64_t running_ = 0;
  bool callback_failed_ = false;
  std::exception_ptr error_;
};

std::string job_name(int64_t first, int64_t end) {
  return core::message(first, "-", end);
}

void log_run(DatasetFolder& folder, const DatasetSummary& summary, int64_t workers) {
  if (summary.new_shards == 0) {
    return;
  }
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  folder.log_run(json{
      {"ended_unix_s", std::chrono::duration_cast<std::chrono::seconds>(now).count()},
      {"seconds", summary.seconds},
      {"pictures", summary.new_pictures},
      {"shards", summary.new_shards},
      {"workers",
       workers}}.dump());
}

}  // namespace

DatasetSummary synthesize_dataset(const std::string& output, const DatasetPlan& plan,
                                  const stages::SampleGenerator& generator,
                                  const DatasetChecks& checks, const SynthesizeOptions& options,
                                  const DatasetHooks& hooks, const std::atomic<bool>* cancel) {
  GUISE_CHECK_ARG(options.workers >= 0 && options.workers <= 1024,
                  "workers must be 0 to 1024; got ", options.workers);
  const int64_t end = options.end_shard < 0 ? plan.shards() : options.end_shard;
  GUISE_CHECK_ARG(options.first_shard >= 0 && options.first_shard < end && end <= plan.shards(),
                  "shards must be a range within 0 to ", plan.shards(), "; got ",
                  options.first_shard, " to ", options.end_shard);
  const bool all = options.first_shard == 0 && options.end_shard < 0;
  core::keep_freed_memory();
  DatasetFolder folder(output, plan, all ? "" : job_name(options.first_shard, end));
  DatasetSummary summary;
  if (folder.is_complete(options.verify)) {
    folder.clear_up();
    summary.counts = folder.totals();
    summary.total_pictures = plan.pictures();
    summary.shards = plan.shards();
    summary.complete = true;
    return summary;
  }
  summary =
      Job(folder, plan, generator, checks, hooks, cancel).run(options.first_shard, end, options);
  log_run(folder, summary, options.workers);
  if (all && !summary.cancelled) {
    folder.finish(hooks.card);
    summary.complete = true;
  }
  return summary;
}

}  // namespace guise::pipelines
