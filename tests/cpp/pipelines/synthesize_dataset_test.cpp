// The same plan gives the same bytes: with any workers, in any order of shards, after a cancelled
// run, an error and a kill at any point. And what the gate leaves.
#include "pipelines/synthesize_dataset.h"

#include <gtest/gtest.h>

#include "core/geometry.h"
#include "io/read_image.h"
#include "pipelines/dataset_fakes.h"

namespace guise::pipelines {
namespace {

namespace fs = std::filesystem;

using nlohmann::json;
using stages::SampleKey;
using test::DatasetTest;
using test::Flaw;
using test::ReadPictures;
using test::tree;

// Turns down a third, some of them again and again, by all three reasons.
Flaw some_flaws(const SampleKey& key) {
  const uint64_t dice = test::mixed(key.identity * 1000 + key.sample * 10 + key.attempt) % 9;
  return dice < 3 ? static_cast<Flaw>(dice + 1) : Flaw::kNone;
}

class SynthesizeTest : public DatasetTest {
 protected:
  SynthesizeTest() { generator_.flaw = some_flaws; }
};

TEST_F(SynthesizeTest, FourFormatsHoldTheSamePictures) {
  std::map<std::string, ReadPictures> found;
  for (const std::string& format : test::formats()) {
    options_.format = format;
    const DatasetSummary summary = run(out(format));
    EXPECT_TRUE(summary.complete);
    found[format] = test::read_dataset(out(format), format);
    EXPECT_EQ(static_cast<int64_t>(found[format].size()), summary.counts.pictures) << format;
    for (const auto& [name, picture] : found[format]) {
      EXPECT_EQ(picture.label, picture.line.at("label")) << format << " " << name;
    }
  }
  EXPECT_GT(found["folder"].size(), 10U);
  for (const std::string& format : test::formats()) {
    EXPECT_EQ(found[format], found["folder"]) << format;
  }
}

TEST_F(SynthesizeTest, WorkersDoNotMatter) {
  for (const std::string& format : test::formats()) {
    options_.format = format;
    how_.workers = 1;
    const auto expected = wanted();
    for (const int64_t workers : {2, 4, 0}) {
      how_.workers = workers;
      EXPECT_EQ(wanted(), expected) << format << " by " << workers;
    }
  }
}

TEST_F(SynthesizeTest, TheOrderOfShardsDoesNotMatter) {
  for (const std::string& format : test::formats()) {
    options_.format = format;
    const auto expected = wanted();
    for (int64_t shard = plan().shards(); shard-- > 0;) {
      how_.first_shard = shard;
      how_.end_shard = shard + 1;
      const DatasetSummary part = run(out(format));
      EXPECT_EQ(part.shards, 1);
      EXPECT_EQ(part.new_shards, 1);
      EXPECT_FALSE(part.complete);
      EXPECT_FALSE(fs::exists(out(format) + "/manifest.jsonl"));
    }
    how_.first_shard = 0;
    how_.end_shard = -1;
    const DatasetSummary merged = run(out(format));
    EXPECT_TRUE(merged.complete);
    EXPECT_EQ(merged.new_shards, 0);
    EXPECT_EQ(tree(out(format)), expected) << format;
  }
}

TEST_F(SynthesizeTest, ACompleteDatasetIsLeftAlone) {
  const DatasetSummary first = run(out());
  const auto before = tree(out());
  generator_.on_sample = [](const SampleKey&) { FAIL() << "nothing is to be drawn"; };
  const DatasetSummary again = run(out());
  EXPECT_TRUE(again.complete);
  EXPECT_EQ(again.new_pictures, 0);
  EXPECT_EQ(again.counts.pictures, first.counts.pictures);
  EXPECT_EQ(again.counts.attempts, first.counts.attempts);
  how_.first_shard = 1;
  how_.end_shard = 2;
  EXPECT_TRUE(run(out()).complete) << "also when a range is asked for";
  EXPECT_EQ(tree(out()), before);
}

TEST_F(SynthesizeTest, PicturesAreCutUprightByTheirLandmarks) {
  options_.crop = "arcface";
  options_.gate.enabled = false;
  options_.encoding = "png";
  generator_.size_px = generated_size_px(options_);
  run(out());
  const ReadPictures pictures = test::read_dataset(out(), "folder");
  EXPECT_EQ(pictures.size(), 21U);
  const core::Landmarks5 expected = core::arcface_template(32);
  for (const auto& [name, picture] : pictures) {
    EXPECT_EQ(io::read_image(out() + "/" + name).pixels.sizes(), (at::IntArrayRef{32, 32, 3}));
    const json& points = picture.line.at("landmarks");
    for (size_t i = 0; i < 5; ++i) {
      EXPECT_NEAR(points[i][0].get<double>(), expected[i].x, 1.5) << name;
      EXPECT_NEAR(points[i][1].get<double>(), expected[i].y, 1.5) << name;
    }
    const json& box = picture.line.at("box");
    EXPECT_LT(box[0].get<double>(), points[0][0].get<double>());
    EXPECT_GT(box[3].get<double>(), points[3][1].get<double>());
  }
}

TEST_F(SynthesizeTest, ProvenanceIsInThePicturesOnlyWhereAskedFor) {
  const auto has_xmp = [this](const std::string& provenance) {
    options_.provenance = provenance;
    run(out(provenance));
    const ReadPictures pictures = test::read_dataset(out(provenance), "folder");
    size_t found = 0;
    for (const auto& [name, picture] : pictures) {
      found += picture.bytes.find("trainedAlgorithmicMedia") != std::string::npos ? 1 : 0;
    }
    EXPECT_TRUE(found == 0 || found == pictures.size());
    return found > 0;
  };
  EXPECT_TRUE(has_xmp("picture"));
  EXPECT_FALSE(has_xmp("card"));
  EXPECT_FALSE(has_xmp("none"));
}

TEST_F(SynthesizeTest, RefusesShardsThatAreNotThere) {
  const std::pair<int64_t, int64_t> ranges[] = {{-1, 2}, {0, 5}, {2, 2}, {3, 1}, {4, -1}};
  for (const auto& [first, end] : ranges) {
    how_.first_shard = first;
    how_.end_shard = end;
    EXPECT_THROW(run(out()), std::invalid_argument) << first << " to " << end;
  }
  how_ = {};
  how_.workers = -1;
  EXPECT_THROW(run(out()), std::invalid_argument);
  how_.workers = 1025;
  EXPECT_THROW(run(out()), std::invalid_argument);
  EXPECT_FALSE(fs::exists(out())) << "wrong use leaves nothing behind";
}

TEST_F(SynthesizeTest, ParquetWithoutAWriterIsUnavailable) {
  options_.format = "parquet";
  hooks_.parquet = {};
  EXPECT_THROW(run(out()), Unavailable);
}

// ---- the gate -----------------------------------------------------------------------------------

TEST_F(SynthesizeTest, PicturesTurnedDownAreDrawnAgain) {
  generator_.flaw = [](const SampleKey& key) {
    if (key.sample == 1 && key.attempt < 2) return Flaw::kLandmarksOff;
    return key.sample == 2 && key.attempt < 1 ? Flaw::kFaceElsewhere : Flaw::kNone;
  };
  const DatasetSummary summary = run(out());
  EXPECT_EQ(summary.counts.pictures, 21);
  EXPECT_EQ(summary.counts.attempts, 7 * (1 + 3 + 2));
  EXPECT_EQ(summary.counts.landmarks, 14);
  EXPECT_EQ(summary.counts.no_face, 7);
  EXPECT_EQ(summary.counts.given_up, 0);
  const int expected[] = {0, 2, 1};
  size_t place = 0;
  for (const json& line : test::json_lines_at(out() + "/metadata.jsonl")) {
    EXPECT_EQ(line.at("sample"), place++ % 3) << "in order, whenever they were drawn";
    EXPECT_EQ(line.at("attempt"), expected[line.at("sample").get<size_t>()]) << line;
  }
  const json end = test::json_lines_at(out() + "/manifest.jsonl").back();
  EXPECT_EQ(end.at("attempts"), 42);
  EXPECT_EQ(end.at("rejected"), (json{{"no face", 7}, {"landmarks", 14}}));
}

TEST_F(SynthesizeTest, AnAttemptIsThePictureOfItsNumber) {
  options_.encoding = "png";
  options_.provenance = "none";
  generator_.flaw = some_flaws;
  run(out());
  for (const json& line : test::json_lines_at(out() + "/metadata.jsonl")) {
    const SampleKey key{line.at("identity"), line.at("sample"), line.at("attempt")};
    const at::Tensor image = generator_.generate(0, {key}, nullptr)[0].image;
    const auto read = io::read_image(out() + "/" + line.at("file").get<std::string>());
    EXPECT_TRUE(at::equal(read.pixels, image)) << line;
    EXPECT_EQ(some_flaws(key), Flaw::kNone);
    for (uint32_t earlier = 0; earlier < key.attempt; ++earlier) {
      EXPECT_NE(some_flaws({key.identity, key.sample, earlier}), Flaw::kNone) << line;
    }
  }
}

TEST_F(SynthesizeTest, RecordioKeysHaveNoGapsWherePicturesAreMissing) {
  options_.format = "recordio";
  generator_.flaw = [](const SampleKey& key) {
    const bool nobody = key.identity == 40 || key.identity == 43 || key.identity == 46;
    return nobody || (key.identity == 44 && key.sample == 1) ? Flaw::kNoFace : Flaw::kNone;
  };
  const DatasetSummary summary = run(out());
  EXPECT_EQ(summary.counts.given_up, 10);
  EXPECT_EQ(summary.counts.attempts, 11 + 10 * 4);
  const std::vector<io::Record> records = test::indexed_records(out());
  ASSERT_EQ(records.size(), 1U + 11 + 7);
  EXPECT_EQ(records[0].labels, (std::vector<float>{12, 19}));
  const std::vector<float> ranges[] = {{1, 1}, {1, 4}, {4, 7}, {7, 7}, {7, 9}, {9, 12}, {12, 12}};
  for (size_t person = 0; person < 7; ++person) {
    EXPECT_EQ(records[12 + person].labels, ranges[person]) << person;
    for (auto key = static_cast<size_t>(ranges[person][0]);
         key < static_cast<size_t>(ranges[person][1]); ++key) {
      EXPECT_EQ(records[key].flag, 0U);
      EXPECT_EQ(records[key].label, static_cast<float>(person)) << key;
    }
  }
  EXPECT_EQ(test::read_dataset(out(), "recordio").size(), 11U);
  EXPECT_EQ(test::bytes_at(out() + "/property"), "7,32,32\n");
}

TEST_F(SynthesizeTest, ADatasetOfNoPicturesIsStillOne) {
  generator_.flaw = [](const SampleKey&) { return Flaw::kNoFace; };
  for (const std::string& format : test::formats()) {
    options_.format = format;
    const DatasetSummary summary = run(out(format));
    EXPECT_TRUE(summary.complete);
    EXPECT_EQ(summary.counts.given_up, 21);
    EXPECT_TRUE(test::read_dataset(out(format), format).empty());
    EXPECT_TRUE(run(out(format)).complete);
  }
}

TEST_F(SynthesizeTest, TooManyGivenUpEndTheRunWithTheCounts) {
  options_.gate.max_given_up_share = 0.3;
  how_.workers = 1;
  generator_.flaw = [](const SampleKey& key) {
    return key.identity == 44 ? Flaw::kNoFace : Flaw::kNone;  // 3 of 6 pictures of shard 2
  };
  try {
    run(out());
    FAIL();
  } catch (const Unavailable& error) {
    const std::string message = error.what();
    for (const std::string part : {"shard 2: 3 of its 6", "drawn 4 times", "30 %", "Of 12 drawn",
                                   "no face in 12", "elsewhere in 0"}) {
      EXPECT_NE(message.find(part), std::string::npos) << message << " without " << part;
    }
  }
  EXPECT_FALSE(fs::exists(out() + "/manifest.jsonl"));
  EXPECT_TRUE(fs::exists(out() + "/parts/000001.json")) << "what was finished stays";
  options_.gate.max_given_up_share = 0.5;
  EXPECT_TRUE(run(out("half")).complete) << "exactly as many as allowed";
}

TEST_F(SynthesizeTest, WithoutAGateEverythingIsTaken) {
  options_.gate.enabled = false;
  const DatasetSummary summary = run(out());
  EXPECT_EQ(summary.counts.pictures, 21);
  EXPECT_EQ(summary.counts.attempts, 21);
  EXPECT_EQ(summary.counts.no_face + summary.counts.landmarks + summary.counts.given_up, 0);
}

}  // namespace
}  // namespace guise::pipelines
