// What a folder holds before a run: nothing, the same dataset, another one, somebody's files, or
// what a crash or a bad disk left.
#include "pipelines/dataset_folder.h"

#include <gtest/gtest.h>

#include <set>

#include "pipelines/dataset_fakes.h"
#include "pipelines/dataset_merge.h"

namespace guise::pipelines {
namespace {

namespace fs = std::filesystem;

using nlohmann::json;
using test::bytes_at;
using test::put_bytes;
using test::tree;

class DatasetFolderTest : public test::DatasetTest {
 protected:
  DatasetFolderTest() { options_.gate.enabled = false; }

  void draw_range(int64_t first, int64_t end, const std::string& output) {
    how_.first_shard = first;
    how_.end_shard = end;
    run(output);
    how_.first_shard = 0;
    how_.end_shard = -1;
  }

  // What a run says when it throws `Error`; empty where it does not.
  template <typename Error>
  std::string refusal(const std::string& output) {
    try {
      run(output);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  // Names of the files that hold pictures of a finished dataset.
  std::vector<std::string> data_files(const std::string& output) {
    std::vector<std::string> names;
    for (const auto& [name, bytes] : tree(output)) {
      const std::string extension = fs::path(name).extension();
      if (std::set<std::string>{".jpg", ".tar", ".rec", ".parquet"}.contains(extension)) {
        names.push_back(name);
      }
    }
    EXPECT_FALSE(names.empty());
    return names;
  }
};

void expect_parts(const std::string& message, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    EXPECT_NE(message.find(part), std::string::npos) << "'" << message << "' without " << part;
  }
}

void flip_byte(const std::string& path) {
  std::string bytes = bytes_at(path);
  ASSERT_FALSE(bytes.empty());
  bytes[bytes.size() / 2] ^= 1;
  put_bytes(path, bytes);
}

// ---- whose folder -------------------------------------------------------------------------------

TEST_F(DatasetFolderTest, ForeignFilesAreRefusedWhereNoPlanIs) {
  fs::create_directories(out());
  put_bytes(out() + "/notes.txt", "mine");
  expect_parts(refusal<std::invalid_argument>(out()), {"notes.txt", out(), "another folder"});
  EXPECT_EQ(tree(out()), (std::map<std::string, std::string>{{"notes.txt", "mine"}}));
  put_bytes(out("file"), "mine");
  expect_parts(refusal<std::invalid_argument>(out("file")), {"must be a folder"});
  EXPECT_EQ(bytes_at(out("file")), "mine");
}

TEST_F(DatasetFolderTest, ForeignFilesInADatasetStay) {
  for (const std::string& format : test::formats()) {
    options_.format = format;
    auto expected = wanted();
    const std::string output = out(format);
    draw_range(1, 2, output);
    for (const std::string name : {"notes.txt", "000000.jpg", "parts/notes.txt", "more/a.jpg"}) {
      fs::create_directories(fs::path(output + "/" + name).parent_path());
      put_bytes(output + "/" + name, "mine");
      expected[name] = "mine";
    }
    expected["parts/"] = expected["more/"] = "";
    run(output);
    EXPECT_EQ(tree(output), expected) << format;
    run(output);
    EXPECT_EQ(tree(output), expected) << format << ", again";
  }
}

TEST_F(DatasetFolderTest, AnotherPlanIsRefusedByName) {
  run(out());
  const auto before = tree(out());
  options_.seed = 9;
  options_.format = "webdataset";
  const std::string message = refusal<std::invalid_argument>(out());
  expect_parts(message, {"seed: 0 there, 9 asked for", "format: \"folder\" there", out()});
  EXPECT_EQ(message.find("identities"), std::string::npos) << "only what differs";
  EXPECT_EQ(tree(out()), before);
  options_ = {};
  options_.gate.enabled = false;
  generator_.name = "other";
  expect_parts(refusal<std::invalid_argument>(out()), {"generator.name: \"fake\" there"});
}

TEST_F(DatasetFolderTest, AnotherPlanIsRefusedAfterThePicturesOfOneShard) {
  draw_range(3, 4, out());
  options_.seed = 9;
  expect_parts(refusal<std::invalid_argument>(out()), {"seed: 0 there, 9 asked for"});
}

TEST_F(DatasetFolderTest, APlanOfWhichNothingWasDrawnIsReplaced) {
  const std::atomic<bool> cancelled = true;
  EXPECT_TRUE(run(out(), &cancelled).cancelled);
  const std::string before = bytes_at(out() + "/plan.json");
  EXPECT_NE(before, "");
  options_.seed = 9;
  run(out());
  EXPECT_NE(bytes_at(out() + "/plan.json"), before);
  EXPECT_EQ(tree(out()), wanted());
}

TEST_F(DatasetFolderTest, ADamagedPlanIsCorrupt) {
  run(out());
  put_bytes(out() + "/plan.json", bytes_at(out() + "/plan.json").substr(0, 40));
  EXPECT_NE(refusal<CorruptFile>(out()), "");
}

TEST_F(DatasetFolderTest, TwoRunsAtOnceAreRefused) {
  const DatasetPlan all = plan();
  const DatasetFolder first(out(), all, "");
  expect_parts(refusal<Unavailable>(out()), {"another run"});
  const DatasetFolder range(out(), all, "0-1");
  EXPECT_THROW(DatasetFolder(out(), all, "0-1"), Unavailable);
  EXPECT_NO_THROW(DatasetFolder(out(), all, "1-2")) << "other shards";
}

TEST_F(DatasetFolderTest, JobsMayStartAtTheSameTime) {
  fs::create_directories(out() + "/parts");
  put_bytes(out() + "/parts/run-2-3.jsonl", "");  // another job that has not written its plan yet
  draw_range(0, 1, out());
  EXPECT_EQ(bytes_at(out() + "/plan.json"), plan().json);
  run(out());
  EXPECT_EQ(tree(out()), wanted());
}

// ---- shards -------------------------------------------------------------------------------------

TEST_F(DatasetFolderTest, MergingWithoutAllShardsNamesTheFirst) {
  draw_range(0, 1, out());
  draw_range(3, 4, out());
  const DatasetPlan all = plan();
  DatasetFolder folder(out(), all, "");
  try {
    folder.finish({});
    FAIL();
  } catch (const Unavailable& error) {
    expect_parts(error.what(), {"2 of 4 shards", "the first is shard 1"});
  }
  EXPECT_FALSE(fs::exists(out() + "/manifest.jsonl"));
  EXPECT_FALSE(folder.is_complete(false));
}

TEST_F(DatasetFolderTest, ADamagedShardIsDrawnAgain) {
  for (const std::string& format : test::formats()) {
    options_.format = format;
    const auto expected = wanted();
    for (const std::string damage : {"cut", "removed", "flipped"}) {
      const test::ScratchFolder scratch;
      const std::string output = scratch / "out";
      draw_range(0, 4, output);
      std::string name = data_files(output).at(1);
      if (damage == "cut") put_bytes(output + "/" + name, bytes_at(output + "/" + name).substr(9));
      if (damage == "removed") fs::remove(output + "/" + name);
      if (damage == "flipped") flip_byte(output + "/" + name);
      how_.verify = damage == "flipped";
      EXPECT_EQ(run(output).new_shards, 1) << format << ", " << name << " " << damage;
      how_.verify = false;
      EXPECT_EQ(tree(output), expected) << format << ", " << name << " " << damage;
    }
  }
}

TEST_F(DatasetFolderTest, ADamagedNoteIsNone) {
  const auto expected = wanted();
  draw_range(0, 4, out("drawn"));
  const DatasetPlan all = plan();
  const std::string note = out() + "/" + part_note_name(1);
  const std::string whole = bytes_at(out("drawn") + "/" + part_note_name(1));
  json without_counts = json::parse(whole);
  without_counts.erase("rejected");
  for (const std::string& damaged :
       {std::string(), whole.substr(0, 30), whole.substr(0, whole.size() - 1), std::string("[]"),
        std::string("{}"), std::string(R"({"shard":1})"), std::string(R"({"shard":"1"})"),
        std::string(R"({"shard":1,"files":7})"), without_counts.dump(),
        bytes_at(out("drawn") + "/" + part_note_name(2))}) {
    fs::remove_all(out());
    fs::copy(out("drawn"), out(), fs::copy_options::recursive);
    put_bytes(note, damaged);
    EXPECT_EQ(run(out()).new_shards, 1) << damaged;
    EXPECT_EQ(tree(out()), expected) << damaged;
  }
}

TEST_F(DatasetFolderTest, LinesInPartsAreAlwaysCompared) {
  for (const std::string format : {"folder", "recordio"}) {
    options_.format = format;
    const std::string output = out(format);
    draw_range(0, 4, output);
    flip_byte(output + "/" + part_lines_name(2));
    EXPECT_EQ(run(output).new_shards, 1) << format;
    EXPECT_EQ(tree(output), wanted()) << format;
  }
}

// ---- finished datasets --------------------------------------------------------------------------

TEST_F(DatasetFolderTest, ADamagedManifestIsWrittenAgain) {
  for (const std::string& format : test::formats()) {
    options_.format = format;
    const auto expected = wanted();
    const std::string output = out(format), manifest = output + "/manifest.jsonl";
    run(output);
    const std::string whole = bytes_at(manifest);
    const size_t second_line = whole.find('\n') + 1;
    const size_t last_line = whole.rfind('\n', whole.size() - 2) + 1;
    for (const std::string& damaged :
         {std::string(), whole.substr(0, second_line), whole.substr(0, second_line + 20),
          whole.substr(0, last_line), whole.substr(0, last_line + 15), whole.substr(second_line),
          std::string("{\"plan\":1}\n"), "{\"plan\":{}}\n" + whole,
          whole.substr(0, last_line) + "{\"end\":true}\n",
          whole.substr(0, second_line) + whole.substr(last_line)}) {
      put_bytes(manifest, damaged);
      const DatasetSummary summary = run(output);
      EXPECT_TRUE(summary.complete);
      EXPECT_EQ(tree(output), expected) << format << " after '" << damaged << "'";
    }
  }
}

TEST_F(DatasetFolderTest, VerifyingFindsAFlippedByteInAFinishedDataset) {
  for (const std::string& format : test::formats()) {
    options_.format = format;
    const auto expected = wanted();
    const std::string output = out(format);
    run(output);
    const std::vector<std::string> files = data_files(output);
    for (const std::string& name : {files.front(), files.back()}) {
      flip_byte(output + "/" + name);
      EXPECT_EQ(run(output).new_shards, 0) << "not looked at";
      EXPECT_NE(tree(output), expected);
      how_.verify = true;
      EXPECT_GT(run(output).new_shards, 0) << name;
      EXPECT_EQ(tree(output), expected) << name;
      EXPECT_EQ(run(output).new_shards, 0) << "nothing is wrong any more";
      how_.verify = false;
    }
  }
}

TEST_F(DatasetFolderTest, ShardsThatStandAloneAreKept) {
  options_.format = "webdataset";
  run(out());
  const auto expected = tree(out());
  fs::remove(out() + "/shard-000002.tar");
  EXPECT_EQ(run(out()).new_shards, 1);
  EXPECT_EQ(tree(out()), expected);
}

TEST_F(DatasetFolderTest, AMergedFileThatIsGoneComesBack) {
  for (const std::string format : {"folder", "recordio"}) {
    options_.format = format;
    const std::string output = out(format);
    run(output);
    const auto expected = tree(output);
    for (const auto& [name, bytes] : expected) {
      if (name == "metadata.jsonl" || name.starts_with("train.") || name == "property") {
        fs::remove(output + "/" + name);
        run(output);
        EXPECT_EQ(tree(output), expected) << name;
      }
    }
  }
}

// ---- leftovers ----------------------------------------------------------------------------------

TEST_F(DatasetFolderTest, TemporariesOfKilledRunsVanish) {
  for (const std::string& format : test::formats()) {
    options_.format = format;
    const auto expected = wanted();
    const std::string output = out(format);
    draw_range(0, 2, output);
    fs::create_directories(output + "/000041");
    for (const std::string folder : {"", "parts/", "000041/"}) {
      put_bytes(output + "/" + folder + ".guise-123-4-x.jpg.part", "half a pict");
    }
    run(output);
    auto found = tree(output);
    if (format != "folder") {
      found.erase("000041/");  // was made by this test
    }

    EXPECT_EQ(found, expected) << format;
  }
}

TEST_F(DatasetFolderTest, PartsThatOutlivedTheManifestVanish) {
  for (const std::string& format : test::formats()) {
    options_.format = format;
    const std::string output = out(format);
    draw_range(0, 4, output);
    fs::copy(output + "/parts", out("parts-" + format), fs::copy_options::recursive);
    run(output);
    const auto expected = tree(output);
    fs::copy(out("parts-" + format), output + "/parts", fs::copy_options::recursive);
    put_bytes(output + "/parts/.guise-1-1-a.part", "");
    const DatasetSummary summary = run(output);
    EXPECT_TRUE(summary.complete);
    EXPECT_EQ(summary.new_shards, 0);
    EXPECT_EQ(summary.counts.pictures, 21);
    EXPECT_EQ(tree(output), expected) << format;
  }
}

TEST_F(DatasetFolderTest, LogHasALineForEachRunAlsoOfRanges) {
  draw_range(0, 1, out());
  draw_range(2, 4, out());
  run(out());
  run(out());  // draws nothing and says nothing
  const std::vector<json> log = test::json_lines_at(out() + "/run.jsonl");
  ASSERT_EQ(log.size(), 3U);
  int64_t pictures = 0;
  for (const json& line : log) {
    pictures += line.at("pictures").get<int64_t>();
    EXPECT_GE(line.at("seconds").get<double>(), 0);
    EXPECT_EQ(line.at("workers"), 2);
  }
  EXPECT_EQ(pictures, 21);
}

}  // namespace
}  // namespace guise::pipelines
