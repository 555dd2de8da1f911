// Names, lines and bytes of a shard in each format, against literals.
#include "pipelines/dataset_shard.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/check.h"
#include "io/record_io.h"
#include "pipelines/dataset_readers.h"

namespace guise::pipelines {
namespace {

using Names = std::vector<std::string>;

DatasetPlan plan_of(const std::string& format, int64_t identities = 30) {
  DatasetOptions options;
  options.format = format;
  options.first_identity = 10;
  options.identities = identities;
  options.identities_per_shard = 1;
  return make_plan(options, R"({"name": "fake"})", "fake", "00", "");
}

Shard two_pictures() {
  Shard shard;
  shard.index = 2;
  shard.pictures = {{{12, 0, 0}, {1, 2, 3, 4, 5}, R"({"file":"000012/000.jpg"})"},
                    {{12, 3, 1}, {9, 8}, R"({"file":"000012/003.jpg"})"}};
  return shard;
}

Names names_of(const std::vector<ShardFile>& files) {
  Names names;
  for (const ShardFile& file : files) names.push_back(file.name);
  return names;
}

std::string text(const std::vector<uint8_t>& bytes) {
  return {bytes.begin(), bytes.end()};
}

TEST(DatasetShard, NamesGrowWithTheirNumbers) {
  EXPECT_EQ(picture_name({12, 3, 5}, "jpg"), "000012/003.jpg");
  EXPECT_EQ(picture_key({12, 3, 5}), "000012_003");
  EXPECT_EQ(picture_name({uint64_t{1} << 60, 12345, 0}, "png"), "1152921504606846976/12345.png");
  EXPECT_EQ(part_lines_name(7), "parts/000007.jsonl");
  EXPECT_EQ(part_records_name(1234567), "parts/1234567.rec");
}

TEST(DatasetShard, LineHasItsKeysInOrder) {
  DatasetOptions options;
  options.first_identity = 10;
  const core::Landmarks5 points = {{{1.006, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10.25}}};
  EXPECT_EQ(metadata_line(options, {12, 3, 2}, points, {0.004, 1, 20.5, 30.126},
                          R"({"yaw_deg":-3.5,"hat":false})"),
            R"({"file":"000012/003.jpg","label":2,"identity":12,"sample":3,"attempt":2,)"
            R"("landmarks":[[1.01,2.0],[3.0,4.0],[5.0,6.0],[7.0,8.0],[9.0,10.25]],)"
            R"("box":[0.0,1.0,20.5,30.13],"attributes":{"yaw_deg":-3.5,"hat":false}})");
}

TEST(DatasetShard, FolderHasThePicturesAndTheirLines) {
  const std::vector<ShardFile> files = encode_shard(plan_of("folder"), two_pictures(), {});
  EXPECT_EQ(names_of(files), (Names{"000012/000.jpg", "000012/003.jpg", "parts/000002.jsonl"}));
  EXPECT_EQ(files[1].bytes, (std::vector<uint8_t>{9, 8}));
  EXPECT_EQ(text(files[2].bytes), "{\"file\":\"000012/000.jpg\"}\n{\"file\":\"000012/003.jpg\"}\n");
}

TEST(DatasetShard, WebdatasetHasThreeMembersAPicture) {
  const std::vector<ShardFile> files = encode_shard(plan_of("webdataset"), two_pictures(), {});
  EXPECT_EQ(names_of(files), Names{"shard-000002.tar"});
  const auto members = test::tar_members(text(files[0].bytes));
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"000012_000.jpg", "\1\2\3\4\5"},
      {"000012_000.cls", "2"},
      {"000012_000.json", R"({"file":"000012/000.jpg"})"},
      {"000012_003.jpg", "\11\10"},
      {"000012_003.cls", "2"},
      {"000012_003.json", R"({"file":"000012/003.jpg"})"}};
  EXPECT_EQ(members, expected);
  EXPECT_EQ(files[0].bytes.size() % 10240, 0U);
}

TEST(DatasetShard, RecordsWaitForTheirKeys) {
  const std::vector<ShardFile> files = encode_shard(plan_of("recordio"), two_pictures(), {});
  EXPECT_EQ(names_of(files), (Names{"parts/000002.rec", "parts/000002.jsonl"}));
  const std::vector<uint8_t>& data = files[0].bytes;
  const io::Record first = io::read_record(data.data(), data.size(), 0);
  EXPECT_EQ(first.label, 2.0F);
  EXPECT_EQ(first.picture, (std::vector<uint8_t>{1, 2, 3, 4, 5}));
  const io::Record second = io::read_record(data.data(), data.size(), first.next_offset);
  EXPECT_EQ(second.picture, (std::vector<uint8_t>{9, 8}));
  EXPECT_EQ(second.next_offset, data.size());
}

TEST(DatasetShard, ParquetComesFromOutside) {
  const DatasetPlan plan = plan_of("parquet", 100'000);
  const std::vector<ShardFile> files =
      encode_shard(plan, two_pictures(), [](const Shard& shard) -> std::vector<uint8_t> {
        return {static_cast<uint8_t>(shard.pictures.size())};
      });
  EXPECT_EQ(names_of(files), Names{"data/train-000002-of-100000.parquet"});
  EXPECT_EQ(files[0].bytes, std::vector<uint8_t>{2});
  EXPECT_EQ(names_of(encode_shard(plan_of("parquet"), two_pictures(),
                                  [](const Shard&) { return std::vector<uint8_t>{}; })),
            Names{"data/train-00002-of-00030.parquet"});
  try {
    encode_shard(plan, two_pictures(), {});
    FAIL();
  } catch (const Unavailable& error) {
    EXPECT_NE(std::string(error.what()).find("pyarrow"), std::string::npos);
  }
}

TEST(DatasetShard, EmptyShardsAreWritten) {
  Shard none;
  EXPECT_EQ(names_of(encode_shard(plan_of("folder"), none, {})), Names{"parts/000000.jsonl"});
  EXPECT_EQ(encode_shard(plan_of("webdataset"), none, {})[0].bytes.size(), 10240U);
  EXPECT_TRUE(encode_shard(plan_of("recordio"), none, {})[0].bytes.empty());
}

TEST(DatasetShard, CountsAddUp) {
  ShardCounts sum{1, 2, 3, 4, 5, 6, 7, 8};
  sum.add({10, 20, 30, 40, 50, 60, 70, 80});
  EXPECT_EQ(sum.pictures, 11);
  EXPECT_EQ(sum.attempts, 22);
  EXPECT_EQ(sum.no_face, 33);
  EXPECT_EQ(sum.landmarks, 44);
  EXPECT_EQ(sum.other_face, 55);
  EXPECT_EQ(sum.nearer_to_another, 66);
  EXPECT_EQ(sum.low_quality, 77);
  EXPECT_EQ(sum.given_up, 88);
}

}  // namespace
}  // namespace guise::pipelines
