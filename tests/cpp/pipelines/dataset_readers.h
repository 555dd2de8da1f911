// Finished datasets read back, each format its own way, to one list of pictures.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "io/atomic_file.h"
#include "io/record_io.h"

namespace guise::test {

inline std::string bytes_at(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void put_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// Name -> bytes of everything below `root` but the log of runs; folders have a slash and no bytes.
inline std::map<std::string, std::string> tree(const std::string& root) {
  std::map<std::string, std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    const std::string name = std::filesystem::relative(entry.path(), root).string();
    if (entry.is_directory()) {
      found[name + "/"] = "";
    } else if (name != "run.jsonl") {
      found[name] = bytes_at(entry.path().string());
    }
  }
  return found;
}

struct ReadPicture {
  std::string bytes;
  nlohmann::json line;
  int64_t label = -1;

  bool operator==(const ReadPicture&) const = default;
};

using ReadPictures = std::map<std::string, ReadPicture>;  // by the metadata's "file"

inline std::vector<std::string> lines_at(const std::string& path) {
  std::istringstream text(bytes_at(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

inline std::vector<nlohmann::json> json_lines_at(const std::string& path) {
  std::vector<nlohmann::json> values;
  for (const std::string& line : lines_at(path)) values.push_back(nlohmann::json::parse(line));
  return values;
}

inline void add(ReadPictures& to, const nlohmann::json& line, const std::string& bytes,
                int64_t label) {
  EXPECT_TRUE(to.emplace(line.at("file"), ReadPicture{bytes, line, label}).second) << line;
}

inline ReadPictures read_folder(const std::string& root) {
  ReadPictures pictures;
  for (const nlohmann::json& line : json_lines_at(root + "/metadata.jsonl")) {
    add(pictures, line, bytes_at(root + "/" + line.at("file").get<std::string>()),
        line.at("label"));
  }
  return pictures;
}

// Members of a ustar archive in their order.
inline std::vector<std::pair<std::string, std::string>> tar_members(const std::string& data) {
  std::vector<std::pair<std::string, std::string>> members;
  for (size_t at = 0; at + 512 <= data.size() && data[at] != '\0';) {
    const std::string name = data.substr(at, 100).c_str();
    const size_t size = std::stoull(data.substr(at + 124, 12), nullptr, 8);
    members.emplace_back(name, data.substr(at + 512, size));
    at += 512 + (size + 511) / 512 * 512;
  }
  return members;
}

inline ReadPictures read_webdataset(const std::string& root, const nlohmann::json& manifest_line) {
  ReadPictures pictures;
  const auto members = tar_members(
      bytes_at(root + "/" + manifest_line.at("files")[0].at("name").get<std::string>()));
  EXPECT_EQ(members.size() % 3, 0U);
  for (size_t i = 0; i + 2 < members.size(); i += 3) {
    const std::string key = members[i].first.substr(0, members[i].first.find('.'));
    EXPECT_EQ(members[i].first, key + ".jpg");
    EXPECT_EQ(members[i + 1].first, key + ".cls");
    EXPECT_EQ(members[i + 2].first, key + ".json");
    add(pictures, nlohmann::json::parse(members[i + 2].second), members[i].second,
        std::stoll(members[i + 1].second));
  }
  return pictures;
}

// Key -> record, by the index; the keys must be 0, 1, 2, ... without a gap.
inline std::vector<io::Record> indexed_records(const std::string& root) {
  const std::vector<uint8_t> data = io::read_file(root + "/train.rec", 1 << 24);
  std::vector<io::Record> records;
  for (const std::string& line : lines_at(root + "/train.idx")) {
    EXPECT_EQ(std::stoull(line), records.size());
    records.push_back(
        io::read_record(data.data(), data.size(), std::stoull(line.substr(line.find('\t') + 1))));
    EXPECT_EQ(records.back().id, records.size() - 1);
  }
  return records;
}

inline ReadPictures read_recordio(const std::string& root) {
  ReadPictures pictures;
  const std::vector<io::Record> records = indexed_records(root);
  const std::vector<nlohmann::json> metadata = json_lines_at(root + "/metadata.jsonl");
  const std::vector<std::string> list = lines_at(root + "/train.lst");
  EXPECT_EQ(list.size(), metadata.size());
  EXPECT_EQ(records.at(0).labels.at(0), static_cast<float>(metadata.size() + 1));
  for (size_t i = 0; i < metadata.size(); ++i) {
    const io::Record& record = records.at(i + 1);
    const auto label = static_cast<int64_t>(record.label);
    EXPECT_EQ(list[i], std::to_string(i + 1) + "\t" + std::to_string(label) + "\t" +
                           metadata[i].at("file").get<std::string>());
    add(pictures, metadata[i], {record.picture.begin(), record.picture.end()}, label);
  }
  return pictures;
}

inline ReadPictures read_parquet(const std::string& root, const nlohmann::json& manifest_line) {
  ReadPictures pictures;
  const std::string name = manifest_line.at("files")[0].at("name");
  for (const nlohmann::json& row : nlohmann::json::parse(bytes_at(root + "/" + name))) {
    const auto bytes = row[1].get<std::vector<uint8_t>>();
    const nlohmann::json line = nlohmann::json::parse(row[0].get<std::string>());
    add(pictures, line, {bytes.begin(), bytes.end()}, line.at("label"));
  }
  return pictures;
}

inline ReadPictures read_dataset(const std::string& root, const std::string& format) {
  if (format == "folder") return read_folder(root);
  if (format == "recordio") return read_recordio(root);
  ReadPictures pictures;
  for (const nlohmann::json& line : json_lines_at(root + "/manifest.jsonl")) {
    if (!line.contains("shard")) continue;
    pictures.merge(format == "webdataset" ? read_webdataset(root, line) : read_parquet(root, line));
  }
  return pictures;
}

}  // namespace guise::test
