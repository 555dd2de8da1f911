#include "pipelines/collection_report.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/check.h"

namespace guise::pipelines {

using nlohmann::json;

namespace {

double rounded(double value) {
  return std::round(value * 100.0) / 100.0;
}

json faces_json(const std::vector<stages::DetectedFace>& faces) {
  json list = json::array();
  for (const stages::DetectedFace& face : faces) {
    list.push_back(
        {{"box",
          {rounded(face.box.x0), rounded(face.box.y0), rounded(face.box.x1), rounded(face.box.y1)}},
         {"score", rounded(static_cast<double>(face.score) * 100.0) / 100.0},
         {"detector", face.detector}});
  }
  return list;
}

// File names are bytes; a report is UTF-8. Bytes that are not become U+FFFD there.
std::string line_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// "mask_scale (1.3 then, 1.5 now)" for each value that is not the same in both.
void list_differences(const json& then, const json& now, const std::string& prefix,
                      std::vector<std::string>& differences) {
  json names = then;
  names.update(now);
  for (const auto& [name, ignored] : names.items()) {
    const json before = then.value(name, json()), after = now.value(name, json());
    if (before.is_object() && after.is_object()) {
      list_differences(before, after, prefix + name + ".", differences);
    } else if (before != after) {
      differences.push_back(prefix + name + " (" + before.dump() + " then, " + after.dump() +
                            " now)");
    }
  }
}

void check_header(const json& then, const json& now, const std::string& path) {
  if (!then.is_object() || !then.contains("guise") || then.value("format", 0) != 1) {
    throw CorruptFile(path +
                      " must be a report of guise, to go on from it; it is something else. "
                      "Move it away or name another report");
  }
  std::vector<std::string> differences;
  list_differences(then.value("options", json::object()), now.value("options", json::object()), "",
                   differences);
  std::string text;
  for (const std::string& difference : differences) {
    text += (text.empty() ? "" : ", ") + difference;
  }
  GUISE_CHECK_ARG(differences.empty(), "the output folder was begun with other options: ", text,
                  ". Use the same options, or another output folder");
}

bool is_finished(const std::string& status) {
  return status == "written" || status == "without_face";
}

}  // namespace

CollectionReport::CollectionReport(const std::string& path, const std::string& header_json)
    : path_(path), journal_path_(path + ".journal"), header_json_(header_json) {
  do {
    // A job that ends removes its journal; one opened just before that would be written to nowhere.
    journal_ = std::make_unique<io::AppendFile>(journal_path_);
  } while (!std::filesystem::exists(journal_path_));
  bool is_new = true;
  try {
    read_earlier(path_);
    is_new = !read_earlier(journal_path_);
  } catch (...) {
    if (std::filesystem::is_empty(journal_path_)) {
      std::filesystem::remove(journal_path_);
    }
    throw;
  }
  was_interrupted_ = !is_new;
  if (is_new) {
    journal_->append_line(header_json_, /*durable=*/true);
  }
}

bool CollectionReport::read_earlier(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!file || !std::getline(file, line)) {
    return false;
  }
  check_header(json::parse(line, nullptr, /*allow_exceptions=*/false), json::parse(header_json_),
               path);
  while (std::getline(file, line)) {
    const json entry = json::parse(line, nullptr, /*allow_exceptions=*/false);
    // A line that a kill cut short was never acknowledged.
    if (!entry.is_object() || !entry.contains("photo") || !entry["photo"].is_string()) {
      continue;
    }
    const std::string status = entry.value("status", "");
    const std::string photo = entry["photo"];
    done_.erase(photo);
    if (is_finished(status) && entry["output"].is_string()) {
      done_[photo] = {status == "written" ? PhotoStatus::written : PhotoStatus::without_face,
                      entry["output"],
                      entry.value("input_bytes", int64_t{-1}),
                      entry.value("input_mtime_ns", int64_t{-1}),
                      entry.value("output_bytes", int64_t{-1}),
                      static_cast<int64_t>(entry.value("faces", json::array()).size()),
                      entry.value("output_sha256", "")};
    }
  }
  return true;
}

void CollectionReport::add(const PhotoRecord& record, const std::string& obscure_json) {
  json entry = {{"photo", record.photo},
                {"status", status_name(record.status)},
                {"reason", record.reason},
                {"output", record.output.empty() ? json() : json(record.output)},
                {"width_px", record.width_px},
                {"height_px", record.height_px},
                {"faces", faces_json(record.faces)},
                {"doubtful", faces_json(record.doubtful)},
                {"uncovered", faces_json(record.uncovered)},
                {"times_ms",
                 {{"read", rounded(record.read_ms)},
                  {"detect", rounded(record.detect_ms)},
                  {"obscure", rounded(record.obscure_ms)},
                  {"second_look", rounded(record.second_look_ms)},
                  {"write", rounded(record.write_ms)}}},
                {"input_bytes", record.input_bytes},
                {"input_mtime_ns", record.input_mtime_ns},
                {"output_bytes", record.output_bytes},
                {"output_sha256", record.output_sha256}};
  entry.update(json::parse(obscure_json));
  journal_->append_line(line_of(entry), /*durable=*/false);
}

void CollectionReport::finish(const CollectionSummary& summary,
                              const std::set<std::string>& photos) {
  const json totals = {{"summary",
                        {{"total", summary.total},
                         {"written", summary.written},
                         {"without_face", summary.without_face},
                         {"review", summary.review},
                         {"failed", summary.failed},
                         {"skipped", summary.skipped},
                         {"other_files", summary.other_files},
                         {"faces", summary.faces},
                         {"seconds", rounded(summary.seconds)},
                         {"cancelled", summary.cancelled}}}};
  std::map<std::string, std::string> lines;
  for (const std::string& source : {path_, journal_path_}) {
    std::ifstream file(source);
    for (std::string line; std::getline(file, line);) {
      const json entry = json::parse(line, nullptr, /*allow_exceptions=*/false);
      if (entry.is_object() && entry.contains("photo") && entry["photo"].is_string() &&
          photos.contains(entry["photo"])) {
        lines[entry["photo"]] = line;
      }
    }
  }
  std::string text = header_json_ + "\n";
  for (const auto& [photo, line] : lines) {
    text += line + "\n";
  }
  text += line_of(totals) + "\n";
  io::write_file_atomically(path_, reinterpret_cast<const uint8_t*>(text.data()), text.size());
  std::filesystem::remove(journal_path_);
  journal_.reset();
}

}  // namespace guise::pipelines
