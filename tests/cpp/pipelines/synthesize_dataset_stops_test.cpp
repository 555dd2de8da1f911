// A run that is cancelled, fails or is killed at any point, and the same call again: the same bytes
// as of one that was let alone.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "pipelines/dataset_fakes.h"
#include "pipelines/synthesize_dataset.h"

namespace guise::pipelines {
namespace {

namespace fs = std::filesystem;

using stages::SampleKey;
using test::tree;

class StopsTest : public test::DatasetTest {
 protected:
  StopsTest() {
    generator_.flaw = [](const SampleKey& key) {
      return key.sample == 1 && key.attempt == 0 ? test::Flaw::kNoFace : test::Flaw::kNone;
    };
  }

  // Runs again without the trouble and compares.
  void expect_to_go_on(const std::string& output, const std::string& where) {
    generator_.on_sample = {};
    hooks_.on_progress = {};
    hooks_.card = {};
    hooks_.parquet = test::fake_parquet;
    EXPECT_TRUE(run(output).complete) << where;
    auto& expected = expected_[options_.format];
    if (expected.empty()) expected = wanted();
    EXPECT_EQ(tree(output), expected) << where;
  }

 private:
  std::map<std::string, std::map<std::string, std::string>> expected_;  // by format
};

TEST_F(StopsTest, CancelledAtManyPoints) {
  for (const std::string& format : test::formats()) {
    options_.format = format;
    for (int point = 0; point <= 28; point += 7) {
      const std::string where = format + " after " + std::to_string(point);
      std::atomic<bool> cancel = point == 0;
      std::atomic<int> drawn = 0;
      generator_.on_sample = [&](const SampleKey&) { cancel = cancel || ++drawn >= point; };
      const DatasetSummary summary = run(out(where), &cancel);
      EXPECT_EQ(summary.complete, !summary.cancelled) << where;
      EXPECT_TRUE(summary.cancelled || point >= 20) << where;
      EXPECT_EQ(fs::exists(out(where) + "/manifest.jsonl"), summary.complete) << where;
      expect_to_go_on(out(where), where);
    }
  }
}

TEST_F(StopsTest, CancelledWhileItLooksForShards) {
  run(out());
  fs::remove(out() + "/manifest.jsonl");
  const std::atomic<bool> cancel = true;
  const DatasetSummary summary = run(out(), &cancel);
  EXPECT_TRUE(summary.cancelled);
  EXPECT_FALSE(summary.complete);
  expect_to_go_on(out(), "");
}

TEST_F(StopsTest, AnErrorOfTheGeneratorIsThrownOn) {
  for (int point = 1; point <= 25; point += 6) {
    const std::string where = "error at " + std::to_string(point);
    std::atomic<int> drawn = 0;
    generator_.on_sample = [&](const SampleKey&) {
      if (++drawn == point) throw std::domain_error(where);
    };
    try {
      run(out(where));
      FAIL() << where;
    } catch (const std::domain_error& error) {
      EXPECT_EQ(error.what(), where);
    }
    expect_to_go_on(out(where), where);
  }
}

TEST_F(StopsTest, AnErrorOfOnProgressIsThrownOn) {
  for (const int64_t workers : {1, 3}) {
    how_.workers = workers;
    const std::string where = "workers " + std::to_string(workers);
    int calls = 0;
    hooks_.on_progress = [&](const DatasetSummary&) {
      ++calls;
      throw std::domain_error("stop");
    };
    generator_.on_sample = [](const SampleKey&) {
      std::this_thread::sleep_for(std::chrono::milliseconds(25));
    };
    EXPECT_THROW(run(out(where)), std::domain_error);
    EXPECT_EQ(calls, 1) << "it is not called after it threw";
    EXPECT_FALSE(fs::exists(out(where) + "/manifest.jsonl")) << "it ends the job";
    expect_to_go_on(out(where), where);
  }
}

TEST_F(StopsTest, AnErrorWhileAShardIsWrittenOrTheCardIs) {
  options_.format = "parquet";
  hooks_.parquet = [](const Shard& shard) {
    if (shard.index == 2) throw Unavailable("no space");
    return test::fake_parquet(shard);
  };
  EXPECT_THROW(run(out("shard")), Unavailable);
  expect_to_go_on(out("shard"), "shard");
  hooks_.card = [](const std::string&) -> std::string { throw Unavailable("no space"); };
  EXPECT_THROW(run(out("card")), Unavailable);
  expect_to_go_on(out("card"), "card");
}

TEST_F(StopsTest, ProgressCountsUpToTheEnd) {
  DatasetSummary last;
  hooks_.on_progress = [&](const DatasetSummary& so_far) {
    EXPECT_GE(so_far.new_pictures, last.new_pictures);
    EXPECT_EQ(so_far.total_pictures, 21);
    last = so_far;
  };
  run(out());
  EXPECT_EQ(last.new_pictures, 21);
  EXPECT_EQ(last.new_shards, 4);
}

// ---- killed -------------------------------------------------------------------------------------

struct Kill {
  std::string format;
  std::string where;  // "picture", "shard", "card"
  int point;          // pictures or shards before
};

// For gtest's messages.
std::ostream& operator<<(std::ostream& to, const Kill& kill) {
  return to << kill.format << " at " << kill.where << " " << kill.point;
}

class KilledTest : public StopsTest, public ::testing::WithParamInterface<Kill> {
 protected:
  // In a process of its own, which ends in the middle.
  void run_and_die(const std::string& output) {
    options_.format = GetParam().format;
    std::atomic<int> steps = 0;
    const auto step = [&](const std::string& where) {
      if (where == GetParam().where && ++steps > GetParam().point) {
        fs::remove_all(folder_.path());  // the child's own, which is empty
        ::kill(::getpid(), SIGKILL);
      }
    };
    generator_.on_sample = [&](const SampleKey&) { step("picture"); };
    hooks_.parquet = [&](const Shard& shard) {
      step("shard");
      return test::fake_parquet(shard);
    };
    hooks_.card = [&](const std::string&) {
      step("card");
      return "";
    };
    run(output);
  }
};

// The child runs the whole test up to its death, so nothing comes before; its scratch folder is the
// parent's, by way of the environment.
TEST_P(KilledTest, TheSameCallGoesOn) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  ::setenv("GUISE_TEST_KILLED", out().c_str(), /*overwrite=*/0);
  const std::string output = ::getenv("GUISE_TEST_KILLED");
  EXPECT_EXIT(run_and_die(output), ::testing::KilledBySignal(SIGKILL), "");
  ::unsetenv("GUISE_TEST_KILLED");
  options_.format = GetParam().format;
  EXPECT_TRUE(fs::exists(output + "/plan.json")) << "it died too early";
  EXPECT_FALSE(fs::exists(output + "/manifest.jsonl")) << "it died too late";
  expect_to_go_on(output, GetParam().where);
}

const Kill kKills[] = {{"folder", "picture", 0},     {"folder", "picture", 13},
                       {"folder", "picture", 27},    {"folder", "card", 0},
                       {"webdataset", "picture", 9}, {"webdataset", "picture", 20},
                       {"recordio", "picture", 16},  {"recordio", "card", 0},
                       {"parquet", "shard", 1},      {"parquet", "card", 0}};

INSTANTIATE_TEST_SUITE_P(Points, KilledTest, ::testing::ValuesIn(kKills), [](const auto& point) {
  return point.param.format + "_" + point.param.where + std::to_string(point.param.point);
});

}  // namespace
}  // namespace guise::pipelines
