// A folder of painted scenes, a job on it, and its report read back.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "io/read_image.h"
#include "io/write_image.h"
#include "pipelines/anonymize_collection.h"
#include "support/fake_detector.h"
#include "support/scratch_folder.h"

namespace guise::test {

inline std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void put_text(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

inline void put_scene(const std::string& path, const at::Tensor& image,
                      io::ImageFormat format = io::ImageFormat::png) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  io::write_image(path, image, format, /*grey=*/false, {});
}

class CollectionTest : public ::testing::Test {
 protected:
  CollectionTest() {
    std::filesystem::create_directories(in());
    options_.anonymize.obscure.method = "solid";
    options_.workers = 2;
  }

  std::string in(const std::string& name = "") const { return folder_ / ("in/" + name); }
  std::string out(const std::string& name = "") const { return folder_ / ("out/" + name); }

  // Three photos in two folders: two with faces, one without.
  void put_three() {
    put_scene(in("a.png"), scene(120, 150, {{30, 20, 50}}));
    put_scene(in("deep/er/b.png"), scene(150, 120, {{10, 20, 30}, {60, 80, 40}}));
    put_scene(in("c.png"), scene(100, 100, {}));
  }
  // A photo that nobody can be sure about.
  static at::Tensor doubtful_scene() { return scene(150, 150, {{50, 40, 60, 0.8, 0.5}}); }

  pipelines::CollectionSummary run(const pipelines::OnProgress& on_progress = {},
                                   const std::atomic<bool>* cancel = nullptr) {
    std::vector<std::unique_ptr<nets::FaceDetector>> detectors;
    detectors.push_back(std::make_unique<FakeDetector>(fake_, log_));
    const pipelines::AnonymizeImage anonymize(
        stages::DetectFaces(std::move(detectors), options_.anonymize.detect), options_.anonymize);
    return pipelines::anonymize_collection(in(), out(), anonymize, {{"fake", "0123"}}, options_,
                                           on_progress, cancel);
  }

  template <typename Error>
  std::string refusal() {
    try {
      run();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  // Every line parsed; a line that is not JSON fails the test.
  std::vector<nlohmann::json> report_lines(const std::string& name = "guise-report.jsonl") const {
    std::ifstream file(out(name));
    std::vector<nlohmann::json> lines;
    for (std::string line; std::getline(file, line);) {
      lines.push_back(nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false));
      EXPECT_TRUE(lines.back().is_object()) << line;
    }
    return lines;
  }

  // The line of each photo; a photo with two lines fails the test.
  std::map<std::string, nlohmann::json> photo_lines() const {
    std::map<std::string, nlohmann::json> photos;
    for (const nlohmann::json& line : report_lines()) {
      if (line.contains("photo")) {
        EXPECT_TRUE(photos.emplace(line["photo"], line).second) << line["photo"];
      }
    }
    return photos;
  }

  // Bytes of every file below the output folder but the report, by name.
  std::map<std::string, std::string> outputs() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(out())) {
      const std::string name = std::filesystem::relative(entry.path(), out()).string();
      if (!entry.is_directory() && name != "guise-report.jsonl") {
        files[name] = file_text(entry.path().string());
      }
    }
    return files;
  }

  std::vector<std::string> output_names() const {
    std::vector<std::string> names;
    for (const auto& [name, bytes] : outputs()) names.push_back(name);
    return names;
  }

  // Moves a file's time of change, as an editor that keeps the length would.
  static void age(const std::string& path) {
    std::filesystem::last_write_time(
        path, std::filesystem::last_write_time(path) - std::chrono::seconds(100));
  }

  ScratchFolder folder_;
  FakeOptions fake_;
  std::shared_ptr<FakeLog> log_ = std::make_shared<FakeLog>();
  pipelines::CollectionOptions options_;
};

}  // namespace guise::test
