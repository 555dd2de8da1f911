// A whole folder: what is written, what is not, and what a second run, a crash or a full disk
// leaves behind.
#include "pipelines/anonymize_collection.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <set>
#include <thread>

#include "core/check.h"
#include "io/sha256.h"
#include "support/collection_fixture.h"
#include "support/naive_ops.h"

namespace guise::pipelines {
namespace {

namespace fs = std::filesystem;

using nlohmann::json;
using test::CollectionTest;
using test::file_text;
using test::put_scene;
using test::put_text;
using test::scene;
using Names = std::vector<std::string>;

TEST_F(CollectionTest, MirrorsTheTreeWithoutItsFaces) {
  put_three();
  put_text(in("notes.txt"), "text");
  const CollectionSummary summary = run();
  EXPECT_EQ(summary.total, 3);
  EXPECT_EQ(summary.written, 2);
  EXPECT_EQ(summary.without_face, 1);
  EXPECT_EQ(summary.faces, 3);
  EXPECT_EQ(summary.other_files, 1);
  EXPECT_EQ(summary.report, out() + "/guise-report.jsonl");
  EXPECT_EQ(output_names(), (Names{"a.png", "c.png", "deep/er/b.png"}));
  const at::Tensor a = io::read_image(out("a.png")).pixels;
  EXPECT_TRUE(a[45][55].eq(0).all().item<bool>());
  EXPECT_TRUE(a.slice(1, 110).equal(io::read_image(in("a.png")).pixels.slice(1, 110)));
}

TEST_F(CollectionTest, ReportHasAHeaderOneLineAPhotoAndASummary) {
  put_three();
  put_scene(in("doubt.png"), doubtful_scene());
  put_text(in("broken.jpg"), "\xFF\xD8\xFF\xE0 cut off");
  run();
  const std::vector<json> lines = report_lines();
  ASSERT_EQ(lines.size(), 7U);
  EXPECT_EQ(lines.front()["input"], "in") << "the folder's own name, whatever slash ends it";
  EXPECT_EQ(lines.front()["options"]["method"], "solid");
  EXPECT_EQ(lines.front()["options"]["detectors"][0]["sha256"], "0123");
  EXPECT_EQ(lines.back()["summary"]["written"], 2);
  EXPECT_EQ(lines.back()["summary"]["review"], 1);
  EXPECT_EQ(lines.back()["summary"]["failed"], 1);
  const auto photos = photo_lines();
  ASSERT_EQ(photos.size(), 5U);
  const json& a = photos.at("a.png");
  EXPECT_EQ(a["status"], "written");
  EXPECT_EQ(a["faces"][0]["box"], json({30.0, 20.0, 80.0, 70.0}));
  EXPECT_EQ(a["output_sha256"], io::sha256_file(out("a.png")));
  EXPECT_EQ(photos.at("c.png")["status"], "without_face");
  EXPECT_EQ(photos.at("doubt.png")["status"], "review");
  EXPECT_TRUE(photos.at("doubt.png")["output"].is_null());
  EXPECT_EQ(photos.at("doubt.png")["doubtful"].size(), 1U);
  EXPECT_EQ(photos.at("broken.jpg")["status"], "failed");
  EXPECT_NE(photos.at("broken.jpg")["reason"], "");
  EXPECT_EQ(file_text(out("guise-report.jsonl")).find(folder_.path()), std::string::npos)
      << "no absolute paths";
  EXPECT_EQ(output_names(), (Names{"a.png", "c.png", "deep/er/b.png"})) << "fails closed";
}

TEST_F(CollectionTest, TheNumberOfWorkersChangesNothing) {
  for (int i = 0; i < 8; ++i) {
    put_scene(in(std::to_string(i) + ".png"), scene(100 + i, 120, {{20 + i, 30, 40}}));
  }
  options_.workers = 1;
  run();
  const auto alone = outputs();
  fs::remove_all(out());
  options_.workers = 4;
  run();
  EXPECT_EQ(outputs(), alone);
  EXPECT_EQ(alone.size(), 8U);
}

TEST_F(CollectionTest, AnEmptyFolderIsDone) {
  const CollectionSummary summary = run();
  EXPECT_EQ(summary.total, 0);
  EXPECT_EQ(report_lines().size(), 2U);
}

TEST_F(CollectionTest, RefusesWrongOptionsAndFolders) {
  options_.workers = -1;
  EXPECT_NE(refusal<std::invalid_argument>(), "");
  options_ = {};
  options_.format = "tiff";
  EXPECT_NE(refusal<std::invalid_argument>(), "");
  options_ = {};
  options_.max_pixels_in_flight = 0;
  EXPECT_NE(refusal<std::invalid_argument>(), "");
  EXPECT_FALSE(fs::exists(out())) << "wrong use leaves nothing behind";
  options_ = {};
  fs::remove_all(in());
  EXPECT_NE(refusal<std::invalid_argument>(), "");
}

TEST_F(CollectionTest, AnotherFormatAndAnotherPlaceForTheReport) {
  put_three();
  options_.format = "webp";
  options_.report = folder_ / "report.jsonl";
  EXPECT_EQ(run().report, options_.report);
  EXPECT_EQ(output_names(), (Names{"a.webp", "c.webp", "deep/er/b.webp"}));
  EXPECT_TRUE(fs::exists(options_.report));
  EXPECT_EQ(run().skipped, 3);
}

TEST_F(CollectionTest, NamesThatAreNotUtf8GetALineEach) {
  put_scene(in("a\xff.png"), scene(60, 60, {}));
  put_scene(in("a\xfe.png"), scene(60, 60, {{5, 5, 40}}));
  EXPECT_EQ(run().total, 2);
  EXPECT_EQ(photo_lines().size(), 2U);
  EXPECT_EQ(outputs().size(), 2U);
  EXPECT_EQ(run().failed, 0);
}

// ---- goes on where it stopped -------------------------------------------------------------------

TEST_F(CollectionTest, SkipsWhatIsUnchanged) {
  put_three();
  run();
  const auto first = outputs();
  const size_t passes = log_->count();
  const CollectionSummary again = run();
  EXPECT_EQ(again.skipped, 3);
  EXPECT_EQ(again.written, 2);
  EXPECT_EQ(again.faces, 3);
  EXPECT_EQ(log_->count(), passes) << "nothing is searched twice";
  EXPECT_EQ(outputs(), first);
  EXPECT_EQ(photo_lines().size(), 3U);
}

TEST_F(CollectionTest, RedoesWhatChangedAndWhatIsNew) {
  put_three();
  run();
  const auto first = outputs();
  put_scene(in("a.png"), scene(120, 150, {{90, 60, 40}}));
  age(in("c.png"));
  put_scene(in("new.png"), scene(90, 90, {}));
  fs::remove(out("deep/er/b.png"));
  const CollectionSummary again = run();
  EXPECT_EQ(again.skipped, 0);
  const auto second = outputs();
  EXPECT_NE(second.at("a.png"), first.at("a.png"));
  EXPECT_EQ(second.at("deep/er/b.png"), first.at("deep/er/b.png"));
  EXPECT_TRUE(io::read_image(out("a.png")).pixels[80][110].eq(0).all().item<bool>());
  EXPECT_EQ(run().skipped, 4);
}

TEST_F(CollectionTest, TriesAgainWhatWasNotWritten) {
  put_scene(in("a.png"), doubtful_scene());
  EXPECT_EQ(run().review, 1);
  const size_t passes = log_->count();
  EXPECT_EQ(run().review, 1);
  EXPECT_GT(log_->count(), passes);
  EXPECT_EQ(photo_lines().size(), 1U);
}

TEST_F(CollectionTest, RefusesOtherOptionsNamingThem) {
  put_three();
  run();
  const std::string report = file_text(out("guise-report.jsonl"));
  options_.anonymize.obscure.mask_scale = 1.5;
  options_.anonymize.detect.threshold = 0.5;
  const std::string text = refusal<std::invalid_argument>();
  for (const char* part : {"mask_scale (1.3 then, 1.5 now)", "threshold (-1.0 then, 0.5 now)"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in: " << text;
  }
  EXPECT_EQ(text.find("method"), std::string::npos) << "only what differs: " << text;
  EXPECT_EQ(file_text(out("guise-report.jsonl")), report);
  options_.anonymize = {};
  options_.anonymize.obscure.method = "solid";
  options_.workers = 1;
  options_.max_pixels_in_flight = 5;
  EXPECT_EQ(run().skipped, 3) << "what does not decide the bytes may change";
}

TEST_F(CollectionTest, AFileThatIsNoReportIsLeftAlone) {
  put_three();
  for (const char* content : {"my notes\n", "{\"some\": \"json\"}\n", "[1]\n", "\n"}) {
    put_text(out("guise-report.jsonl"), content);
    EXPECT_NE(refusal<CorruptFile>(), "") << content;
    EXPECT_EQ(file_text(out("guise-report.jsonl")), content);
    EXPECT_EQ(output_names(), Names{}) << content;
  }
}

TEST_F(CollectionTest, NeverOverwritesWhatItDidNotWrite) {
  put_three();
  put_text(out("a.png"), "a picture of mine");
  put_text(folder_ / "precious", "precious");
  fs::create_symlink(folder_ / "precious", out("c.png"));
  const CollectionSummary summary = run();
  EXPECT_EQ(summary.failed, 2);
  EXPECT_EQ(summary.written, 1);
  EXPECT_EQ(file_text(out("a.png")), "a picture of mine");
  EXPECT_EQ(file_text(folder_ / "precious"), "precious");
  EXPECT_NE(photo_lines().at("a.png")["reason"].get<std::string>().find("a.png"),
            std::string::npos);
  EXPECT_EQ(run().failed, 2) << "also the second time";
}

TEST_F(CollectionTest, EqualBytesThatAreThereCountAsWritten) {
  put_three();
  run();
  fs::remove(out("guise-report.jsonl"));
  EXPECT_EQ(run().written, 2);
  EXPECT_EQ(photo_lines().at("a.png")["output_sha256"], io::sha256_file(out("a.png")));
}

TEST_F(CollectionTest, ALinkedFolderInTheOutputIsNotFollowed) {
  put_three();
  fs::create_directories(folder_ / "elsewhere");
  fs::create_directories(out());
  fs::create_directory_symlink(folder_ / "elsewhere", out("deep"));
  EXPECT_NE(refusal<Unavailable>().find("not a link"), std::string::npos);
  EXPECT_TRUE(fs::is_empty(folder_ / "elsewhere"));
}

TEST_F(CollectionTest, RemovesResultsThatNoLongerHold) {
  for (const char* name : {"doubt.png", "text.png", "kind.png", "same.png"}) {
    put_scene(in(name), scene(120, 150, {{30, 20, 50}}));
  }
  run();
  put_scene(in("doubt.png"), doubtful_scene());
  put_text(in("text.png"), "no picture any more");
  put_scene(in("kind.png"), scene(100, 100, {}), io::ImageFormat::jpeg);
  const CollectionSummary again = run();
  EXPECT_EQ(again.review, 1);
  EXPECT_EQ(again.failed, 1);
  EXPECT_EQ(output_names(), (Names{"kind.jpg", "same.png"}))
      << "a result of another version of the photo must not pass for this one";
}

TEST_F(CollectionTest, AFolderWhereAResultWasStopsNobodyElse) {
  put_three();
  run();
  fs::remove(out("a.png"));
  put_text(out("a.png/mine.txt"), "mine");
  put_scene(in("b.png"), scene(80, 80, {}));
  put_scene(in("a.png"), doubtful_scene());
  age(in("c.png"));
  EXPECT_NO_THROW(run());
  put_scene(in("a.png"), scene(80, 80, {}));
  EXPECT_NO_THROW(run());
  EXPECT_EQ(file_text(out("a.png/mine.txt")), "mine");
  EXPECT_EQ(photo_lines().at("a.png")["status"], "failed");
  EXPECT_EQ(photo_lines().at("c.png")["status"], "without_face");
}

// ---- progress, cancelling, failing --------------------------------------------------------------

TEST_F(CollectionTest, ReportsProgressOnTheCallingThread) {
  put_three();
  put_scene(in("doubt.png"), doubtful_scene());
  std::multiset<std::string> seen;
  int64_t finished_before = 0;
  run([&, here = std::this_thread::get_id()](const CollectionProgress& progress) {
    EXPECT_EQ(std::this_thread::get_id(), here);
    const CollectionSummary& s = progress.so_far;
    const int64_t finished = s.written + s.without_face + s.review + s.failed;
    EXPECT_GE(finished, finished_before);
    EXPECT_EQ(s.total, 4);
    finished_before = finished;
    if (!progress.photo.empty()) seen.insert(progress.photo);
    if (progress.photo == "doubt.png") {
      EXPECT_EQ(progress.status, PhotoStatus::review);
      EXPECT_NE(progress.reason, "");
    }
  });
  EXPECT_EQ(seen, (std::multiset<std::string>{"a.png", "c.png", "deep/er/b.png", "doubt.png"}));
  EXPECT_EQ(finished_before, 4);
}

TEST_F(CollectionTest, TicksWhileASlowPhotoIsInWork) {
  put_scene(in("a.png"), scene(60, 60, {}));
  fake_.on_pass = [] { std::this_thread::sleep_for(std::chrono::milliseconds(250)); };
  int ticks = 0;
  run([&](const CollectionProgress& progress) { ticks += progress.photo.empty(); });
  EXPECT_GE(ticks, 2);
}

TEST_F(CollectionTest, CancelsAndGoesOn) {
  for (int i = 0; i < 12; ++i) {
    put_scene(in(std::to_string(i) + ".png"), scene(100, 120, {{20 + i, 30, 40}}));
  }
  std::atomic<bool> cancel = false;
  options_.workers = 1;
  fake_.on_pass = [] { std::this_thread::sleep_for(std::chrono::milliseconds(2)); };
  const CollectionSummary part =
      run([&](const CollectionProgress& progress) { cancel = cancel || !progress.photo.empty(); },
          &cancel);
  EXPECT_TRUE(part.cancelled);
  EXPECT_GE(part.written, 1);
  EXPECT_LT(part.written, 12);
  EXPECT_EQ(static_cast<int64_t>(outputs().size()), part.written);
  EXPECT_EQ(static_cast<int64_t>(photo_lines().size()), part.written);
  const CollectionSummary rest = run();
  EXPECT_FALSE(rest.cancelled);
  EXPECT_EQ(rest.skipped, part.written);
  EXPECT_EQ(rest.written, 12);
  EXPECT_EQ(photo_lines().size(), 12U);
}

TEST_F(CollectionTest, AnExceptionOfTheCallbackEndsTheJobAndIsThrownOn) {
  put_three();
  EXPECT_THROW(run([](const CollectionProgress&) { throw std::out_of_range("mine"); }),
               std::out_of_range);
  EXPECT_TRUE(fs::exists(out("guise-report.jsonl.journal")));
  EXPECT_EQ(run().total, 3);
  EXPECT_FALSE(fs::exists(out("guise-report.jsonl.journal")));
  EXPECT_EQ(photo_lines().size(), 3U);
}

TEST_F(CollectionTest, RemovesTheTemporariesOfAnInterruptedRunOnly) {
  put_three();
  const std::string temporary = ".guise-123-4-a.png.part";
  EXPECT_THROW(run([](const CollectionProgress&) { throw std::runtime_error("stop"); }),
               std::runtime_error);
  put_text(out(temporary), "half");
  put_text(out("deep/" + temporary), "half");
  put_text(out("guise-mine.part"), "mine");
  run();
  EXPECT_FALSE(fs::exists(out(temporary)));
  EXPECT_FALSE(fs::exists(out("deep/" + temporary)));
  EXPECT_TRUE(fs::exists(out("guise-mine.part")));
}

TEST_F(CollectionTest, ASecondJobOnTheSameOutputIsRefused) {
  put_three();
  std::string refused;
  run([&](const CollectionProgress&) {
    refused = refused.empty() ? refusal<Unavailable>() : refused;
  });
  EXPECT_NE(refused.find("another run"), std::string::npos) << refused;
  EXPECT_EQ(run().skipped, 3) << "and the first is none the worse";
}

// ---- no room, no place --------------------------------------------------------------------------

TEST_F(CollectionTest, AnOutputThatCannotBeMadeIsUnavailable) {
  put_three();
  put_text(folder_ / "file", "x");
  std::vector<std::unique_ptr<nets::FaceDetector>> detectors;
  detectors.push_back(std::make_unique<test::FakeDetector>());
  const AnonymizeImage anonymize(stages::DetectFaces(std::move(detectors)), {});
  EXPECT_THROW(anonymize_collection(in(), folder_ / "file/out", anonymize, {}, {}), Unavailable);
}

TEST_F(CollectionTest, AFullDiskStopsTheJobAndLeavesNothingHalfWritten) {
  put_three();
  put_scene(in("z-large.png"), testing::random_image(200, 200, 5).remainder(100));
  options_.workers = 1;
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{40'000, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const std::string text = refusal<Unavailable>();
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_NE(text.find("z-large.png"), std::string::npos) << text;
  EXPECT_EQ(output_names(),
            (Names{"a.png", "c.png", "deep/er/b.png", "guise-report.jsonl.journal"}));
  const CollectionSummary rest = run();
  EXPECT_EQ(rest.skipped, 3);
  EXPECT_EQ(rest.failed, 0);
  EXPECT_EQ(output_names(), (Names{"a.png", "c.png", "deep/er/b.png", "z-large.png"}));
}

TEST_F(CollectionTest, PhotosLargerThanTheBudgetAreWorkedOnAlone) {
  for (int i = 0; i < 6; ++i) put_scene(in(std::to_string(i) + ".png"), scene(80, 80, {}));
  fake_.on_pass = [] { std::this_thread::sleep_for(std::chrono::milliseconds(20)); };
  options_.workers = 4;
  options_.max_pixels_in_flight = 6'000;  // a photo has 6,400
  EXPECT_EQ(run().without_face, 6);
  EXPECT_EQ(log_->most_at_once, 1);
  fs::remove_all(out());
  options_.max_pixels_in_flight = 13'000;
  EXPECT_EQ(run().without_face, 6);
  EXPECT_EQ(log_->most_at_once, 2) << "two fit, and two are used";
}

}  // namespace
}  // namespace guise::pipelines
