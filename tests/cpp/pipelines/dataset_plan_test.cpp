// What a plan refuses, what it holds, how it is cut into shards, and how two of them differ.
#include "pipelines/dataset_plan.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/check.h"

namespace guise::pipelines {
namespace {

using nlohmann::json;

constexpr const char* kGenerator = R"({"name": "fake", "options": {"a": 1, "b": 2}})";

DatasetPlan planned(const DatasetOptions& options) {
  return make_plan(options, kGenerator, "centerface", "00ff", "");
}

// What make_plan says to default options that `change` changed; empty where it takes them.
std::string refusal(const std::function<void(DatasetOptions&)>& change) {
  DatasetOptions options;
  change(options);
  try {
    planned(options);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

void expect_refused(const std::function<void(DatasetOptions&)>& change,
                    const std::vector<std::string>& parts) {
  const std::string message = refusal(change);
  for (const std::string& part : parts) {
    EXPECT_NE(message.find(part), std::string::npos) << "'" << message << "' without " << part;
  }
}

TEST(DatasetPlan, RefusesCountsOutOfRangeAndSaysWhichCame) {
  expect_refused([](auto& o) { o.identities = 0; }, {"identities", "at least 1", "got 0"});
  expect_refused([](auto& o) { o.images_per_identity = -3; }, {"images_per_identity", "got -3"});
  expect_refused(
      [](auto& o) {
        o.identities = 1'000'000'001;
        o.images_per_identity = 1000;
      },
      {"10^12", "1000000001 x 1000"});
  expect_refused([](auto& o) { o.first_identity = uint64_t{1} << 62; }, {"first_identity", "2^62"});
  expect_refused([](auto& o) { o.identities_per_shard = -1; }, {"identities_per_shard", "got -1"});
  expect_refused([](auto& o) { o.identities_per_shard = std::numeric_limits<int64_t>::max(); },
                 {"identities_per_shard"});
  expect_refused([](auto& o) { o.size_px = 31; }, {"size_px", "32 to 1024", "got 31"});
  expect_refused(
      [](auto& o) {
        o.crop = "none";
        o.size_px = 1025;
      },
      {"size_px", "got 1025"});
}

TEST(DatasetPlan, RefusesUnknownWords) {
  expect_refused([](auto& o) { o.crop = "ffhq"; }, {"crop", "'arcface' or 'none'", "'ffhq'"});
  expect_refused([](auto& o) { o.format = "zip"; }, {"format", "'recordio'", "'zip'"});
  expect_refused([](auto& o) { o.encoding = "jpeg"; }, {"encoding", "'jpg' or 'png'", "'jpeg'"});
  expect_refused([](auto& o) { o.provenance = ""; }, {"provenance", "'picture'", "''"});
  expect_refused([](auto& o) { o.jpeg_quality = 0; }, {"jpeg_quality", "1 to 100", "got 0"});
  expect_refused([](auto& o) { o.jpeg_quality = 101; }, {"jpeg_quality", "got 101"});
}

TEST(DatasetPlan, RefusesGatesThatCannotWork) {
  expect_refused([](auto& o) { o.gate.attempts = 0; }, {"attempts", "1 to 1000", "got 0"});
  expect_refused([](auto& o) { o.gate.attempts = 1001; }, {"attempts", "got 1001"});
  expect_refused([](auto& o) { o.gate.max_given_up_share = 1.01; }, {"max_given_up_share", "1.01"});
  expect_refused([](auto& o) { o.gate.max_given_up_share = NAN; }, {"max_given_up_share", "nan"});
  expect_refused([](auto& o) { o.gate.landmark_tolerance = 0; }, {"landmark_tolerance", "got 0"});
  expect_refused([](auto& o) { o.gate.landmark_tolerance = NAN; }, {"landmark_tolerance", "nan"});
}

TEST(DatasetPlan, TakesTheEndsOfTheRanges) {
  EXPECT_EQ(refusal([](auto& o) { o.identities = o.images_per_identity = 1; }), "");
  EXPECT_EQ(refusal([](auto& o) { o.size_px = 568; }), "");
  EXPECT_NE(refusal([](auto& o) { o.size_px = 569; }), "") << "generators would make 1025 px";
  EXPECT_EQ(refusal([](auto& o) {
              o.crop = "none";
              o.size_px = 1024;
            }),
            "");
  EXPECT_EQ(refusal([](auto& o) { o.gate = {true, 10, 1000, 0}; }), "");
}

TEST(DatasetPlan, RecordioHoldsFewerThanTwoToThe24thRecords) {
  const auto of = [](const std::string& format, int64_t identities, int64_t images) {
    return refusal([&](DatasetOptions& o) {
      o.format = format;
      o.identities = identities;
      o.images_per_identity = images;
    });
  };
  EXPECT_EQ(of("recordio", 5'592'405, 2), "") << "16,777,215 records";
  const std::string message = of("recordio", 1 << 20, 15);
  EXPECT_NE(message.find("16,777,215"), std::string::npos) << message;
  EXPECT_NE(message.find("got 16777216"), std::string::npos) << message;
  EXPECT_NE(message.find("webdataset"), std::string::npos) << message;
  EXPECT_EQ(of("webdataset", 1 << 20, 15), "");
}

TEST(DatasetPlan, ShardsShareOutTheIdentities) {
  DatasetOptions options;
  options.first_identity = 1000;
  options.identities = 10;
  options.identities_per_shard = 4;
  const DatasetPlan plan = planned(options);
  ASSERT_EQ(plan.shards(), 3);
  EXPECT_EQ(plan.pictures(), 100);
  const uint64_t firsts[] = {1000, 1004, 1008};
  const int64_t counts[] = {4, 4, 2};
  for (int64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(plan.shard(i).first_identity, firsts[i]);
    EXPECT_EQ(plan.shard(i).identities, counts[i]);
  }
  options.identities_per_shard = 10;
  EXPECT_EQ(planned(options).shards(), 1);
  options.identities_per_shard = 1'000'000;
  EXPECT_EQ(planned(options).shard(0).identities, 10);
}

TEST(DatasetPlan, FillsInShardsOfAboutTwoThousandPictures) {
  DatasetOptions options;
  options.identities = 1000;
  EXPECT_EQ(planned(options).options.identities_per_shard, 200);
  options.images_per_identity = 7000;
  EXPECT_EQ(planned(options).options.identities_per_shard, 1);
  EXPECT_EQ(json::parse(planned(options).json)["identities_per_shard"], 1);
}

TEST(DatasetPlan, GeneratorsMakeMoreThanTheCrop) {
  DatasetOptions options;
  options.size_px = 112;
  EXPECT_EQ(generated_size_px(options), 202);
  options.crop = "none";
  EXPECT_EQ(generated_size_px(options), 112);
}

TEST(DatasetPlan, HoldsEverythingThatDecidesAboutAByte) {
  DatasetOptions options;
  options.seed = std::numeric_limits<uint64_t>::max();
  const DatasetPlan plan = make_plan(options, kGenerator, "centerface", "00ff", "pyarrow 21");
  EXPECT_EQ(plan.json.find('\n'), std::string::npos);
  const json values = json::parse(plan.json);
  EXPECT_EQ(values["seed"], std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(values["generator"], json::parse(kGenerator));
  EXPECT_EQ(values["gate"]["detector"], "centerface");
  EXPECT_EQ(values["gate"]["sha256"], "00ff");
  EXPECT_EQ(values["encoding"]["quality"], 95);
  EXPECT_EQ(values["writer"], "pyarrow 21");
  for (const char* name : {"guise", "first_identity", "identities", "images_per_identity",
                           "size_px", "crop", "format", "identities_per_shard", "provenance"}) {
    EXPECT_TRUE(values.contains(name)) << name;
  }
}

TEST(DatasetPlan, LeavesOutWhatDoesNotCount) {
  DatasetOptions options;
  options.encoding = "png";
  options.gate.enabled = false;
  const json one = json::parse(planned(options).json);
  options.jpeg_quality = 50;
  options.gate.attempts = 3;
  EXPECT_EQ(json::parse(planned(options).json), one) << "no byte depends on them";
  EXPECT_TRUE(one["gate"].is_null());
  EXPECT_FALSE(one.contains("writer"));
}

TEST(DatasetPlan, NamesEachFieldThatDiffers) {
  DatasetOptions options;
  const std::string there = planned(options).json;
  EXPECT_TRUE(plan_differences(there, there).empty());
  options.seed = 1;
  options.gate.attempts = 3;
  const std::string generator = R"({"name": "fake", "options": {"a": 1, "b": 5}})";
  const std::vector<std::string> differences =
      plan_differences(there, make_plan(options, generator, "centerface", "00ff", "w 1").json);
  EXPECT_EQ(differences,
            (std::vector<std::string>{
                "gate.attempts: 10 there, 3 asked for", "generator.options.b: 2 there, 5 asked for",
                "seed: 0 there, 1 asked for", "writer: null there, \"w 1\" asked for"}));
}

TEST(DatasetPlan, WhatIsNoPlanIsCorrupt) {
  const std::string wanted = planned({}).json;
  for (const std::string there : {"", "{", "[]", "12", R"({"seed": 0})"}) {
    EXPECT_THROW(plan_differences(there, wanted), CorruptFile) << there;
  }
}

}  // namespace
}  // namespace guise::pipelines
