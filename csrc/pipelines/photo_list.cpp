#include "pipelines/photo_list.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <deque>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "core/check.h"
#include "io/atomic_file.h"
#include "io/image_header.h"
#include "io/posix_file.h"

namespace guise::pipelines {

namespace fs = std::filesystem;

namespace {

constexpr std::array<const char*, 24> kPictureExtensions = {
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png",  ".webp", ".bmp", ".dib",
    ".tif", ".tiff", ".gif", ".heic", ".heif", ".avif", ".jxl", ".jp2",
    ".dng", ".cr2",  ".cr3", ".nef",  ".arw",  ".orf",  ".rw2", ".psd"};

std::string lower_extension(const std::string& name) {
  std::string extension = fs::path(name).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

bool is_picture_name(const std::string& name) {
  const std::string extension = lower_extension(name);
  return std::any_of(kPictureExtensions.begin(), kPictureExtensions.end(),
                     [&extension](const char* known) { return extension == known; });
}

bool is_extension_of(const std::string& extension, io::ImageFormat format) {
  switch (format) {
    case io::ImageFormat::jpeg:
      return extension == ".jpg" || extension == ".jpeg" || extension == ".jpe" ||
             extension == ".jfif";
    case io::ImageFormat::png:
      return extension == ".png";
    case io::ImageFormat::webp:
      return extension == ".webp";
    case io::ImageFormat::bmp:
      return extension == ".bmp" || extension == ".dib";
  }
  return false;
}

std::string with_extension_of(const std::string& name, io::ImageFormat format) {
  if (is_extension_of(lower_extension(name), format)) {
    return name;
  }
  const std::string extension = lower_extension(name);
  const std::string stem =
      is_picture_name(name) ? name.substr(0, name.size() - extension.size()) : name;
  return stem + io::format_extension(format);
}

class Walker {
 public:
  Walker(const std::string& folder, const PhotoListOptions& options)
      : root_(folder), options_(options) {}

  PhotoList walk() {
    if (!enter("")) {
      throw Unavailable(core::message(root_, " could not be read: ", list_.photos.back().problem));
    }
    // Links come last, so that a photo keeps the name it has in its real folder.
    for (; !links_.empty(); links_.pop_front()) {
      follow(std::string(links_.front()));
    }
    std::sort(list_.photos.begin(), list_.photos.end(),
              [](const Photo& a, const Photo& b) { return a.name < b.name; });
    refuse_shared_outputs();
    return std::move(list_);
  }

 private:
  std::string full(const std::string& name) const {
    return name.empty() ? root_ : root_ + "/" + name;
  }

  bool enter(const std::string& name) {
    struct stat facts {};
    if (::stat(full(name).c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode)) {
      return fail(name, std::strerror(errno != 0 ? errno : ENOTDIR));
    }
    if (!entered_.insert({facts.st_dev, facts.st_ino}).second) {
      return true;
    }
    std::error_code error;
    std::set<std::string> names;
    fs::directory_iterator entries(full(name), error);
    for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
      names.insert(entries->path().filename().string());
    }
    for (const std::string& entry : names) {
      visit(name.empty() ? entry : name + "/" + entry);
    }
    return error ? fail(name, error.message()) : true;
  }

  void visit(const std::string& name) {
    const std::string file_name = fs::path(name).filename().string();
    if (io::is_temporary_name(file_name) || (file_name[0] == '.' && !options_.hidden)) {
      return;
    }
    struct stat facts {};
    if (::lstat(full(name).c_str(), &facts) != 0) {
      fail(name, std::strerror(errno));
      return;
    }
    if (!S_ISLNK(facts.st_mode)) {
      add(name, facts);
    } else if (options_.follow_links) {
      links_.push_back(name);
    } else {
      ++list_.other_files;
    }
  }

  void follow(const std::string& name) {
    struct stat facts {};
    if (::stat(full(name).c_str(), &facts) != 0) {
      fail(name, std::string("the link leads nowhere: ") + std::strerror(errno));
      return;
    }
    add(name, facts);
  }

  void add(const std::string& name, const struct stat& facts) {
    if (S_ISDIR(facts.st_mode)) {
      enter(name);
    } else if (S_ISREG(facts.st_mode)) {
      add_file(name);
    } else {
      ++list_.other_files;
    }
  }

  void add_file(const std::string& name) {
    std::optional<io::ImageFormat> format;
    try {
      const io::FileDescriptor file = io::open_regular(full(name));
      std::array<uint8_t, 16> head{};
      format =
          io::format_of(head.data(), io::read_up_to(file, head.data(), head.size(), full(name)));
    } catch (const Unavailable& error) {
      // A file that cannot even be opened may be a photo. The report names it; no absolute paths.
      const std::string text = error.what(), prefix = full(name) + ": ";
      fail(name, text.rfind(prefix, 0) == 0 ? text.substr(prefix.size()) : text);
      return;
    }
    if (format) {
      list_.photos.push_back({name, with_extension_of(name, written_format(*format)), ""});
    } else if (is_picture_name(name)) {
      fail(name, "it must be a JPEG, PNG, WebP or BMP; its first bytes are of none of them");
    } else {
      ++list_.other_files;
    }
  }

  io::ImageFormat written_format(io::ImageFormat source) const {
    return options_.format == "keep" ? source : io::format_named(options_.format);
  }

  bool fail(const std::string& name, const std::string& problem) {
    list_.photos.push_back({name, "", problem});
    return false;
  }

  void refuse_shared_outputs() {
    std::map<std::string, std::vector<Photo*>> by_output;
    std::set<std::string> folders;
    for (Photo& photo : list_.photos) {
      const std::string& output = photo.output_name;
      for (size_t slash = output.find('/'); slash != output.npos;
           slash = output.find('/', slash + 1)) {
        folders.insert(output.substr(0, slash));
      }
    }
    for (Photo& photo : list_.photos) {
      if (folders.contains(photo.output_name)) {
        photo.problem = "its result would be named " + photo.output_name +
                        ", which has to be a folder for other photos; rename one of them";
        photo.output_name.clear();
      }
      if (photo.problem.empty()) {
        by_output[photo.output_name].push_back(&photo);
      }
    }
    for (const auto& [output, photos] : by_output) {
      for (Photo* photo : photos) {
        if (photos.size() > 1) {
          const Photo* other = photos[0] == photo ? photos[1] : photos[0];
          photo->problem = "its result and that of " + other->name + " would both be named " +
                           output + "; rename one of them";
          photo->output_name.clear();
        }
      }
    }
  }

  std::string root_;
  PhotoListOptions options_;
  PhotoList list_;
  std::set<std::pair<dev_t, ino_t>> entered_;
  std::deque<std::string> links_;  // found and not followed yet
};

fs::path resolved(const std::string& folder) {
  const fs::path path = fs::weakly_canonical(fs::absolute(folder));
  return path.has_filename() ? path : path.parent_path();
}

bool contains(const fs::path& outer, const fs::path& inner) {
  const auto mismatch = std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end());
  return mismatch.first == outer.end();
}

}  // namespace

PhotoList list_photos(const std::string& folder, const PhotoListOptions& options) {
  return Walker(folder, options).walk();
}

std::string report_name(const std::string& file_name) {
  try {
    nlohmann::json(file_name).dump();
    return file_name;
  } catch (const nlohmann::json::type_error&) {
    std::string name;
    for (const char letter : file_name) {
      const auto byte = static_cast<unsigned char>(letter);
      constexpr const char* kDigits = "0123456789abcdef";
      name += byte < 0x80 ? std::string(1, letter)
                          : std::string("\xef\xbf\xbd") + kDigits[byte / 16] + kDigits[byte % 16];
    }
    return name;
  }
}

void check_folders(const std::string& input, const std::string& output) {
  GUISE_CHECK_ARG(!input.empty() && !output.empty(), "an input and an output folder are needed");
  std::error_code error;
  GUISE_CHECK_ARG(fs::is_directory(input, error), "the input must be a folder; got ", input);
  const fs::file_type there = fs::status(output, error).type();
  GUISE_CHECK_ARG(there == fs::file_type::not_found || there == fs::file_type::directory,
                  "the output must be a folder or not exist yet; got ", output);
  const fs::path from = resolved(input);
  const fs::path to = resolved(output);
  GUISE_CHECK_ARG(!contains(from, to) && !contains(to, from),
                  "the output folder must lie outside the input folder and not contain it; got ",
                  input, " and ", output);
}

}  // namespace guise::pipelines
