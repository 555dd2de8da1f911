// Files appear whole or not at all, failures leave nothing behind, lines survive torn ends.
#include "io/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/check.h"
#include "support/scratch_folder.h"

namespace guise::io {
namespace {

namespace fs = std::filesystem;

void put(const std::string& path, const std::string& text) {
  write_file_atomically(path, reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

std::string get(const std::string& path) {
  const auto bytes = read_file(path, 1 << 20);
  return std::string(bytes.begin(), bytes.end());
}

// Limits the size of files this process may write, so that a write fails half way as on a full
// disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit now = before_;
    now.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST(AtomicFile, WritesAndReplaces) {
  const test::ScratchFolder folder;
  put(folder / "a", "one");
  EXPECT_EQ(get(folder / "a"), "one");
  put(folder / "a", "");
  EXPECT_EQ(get(folder / "a"), "");
  put(folder / std::string(250, 'n'), "long name");
  EXPECT_EQ(folder.count(), 2u);
}

TEST(AtomicFile, ReplacesALinkInsteadOfFollowingIt) {
  const test::ScratchFolder folder;
  put(folder / "target", "old");
  fs::create_symlink(folder / "target", folder / "link");
  put(folder / "link", "new");
  EXPECT_EQ(get(folder / "target"), "old");
  EXPECT_EQ(get(folder / "link"), "new");
  EXPECT_FALSE(fs::is_symlink(folder / "link"));
}

TEST(AtomicFile, FailedWriteKeepsTheOldFileAndNoTemporary) {
  const test::ScratchFolder folder;
  put(folder / "a", "old");
  {
    const FileSizeLimit limit(1000);
    EXPECT_THROW(put(folder / "a", std::string(5000, 'x')), Unavailable);
  }
  EXPECT_EQ(get(folder / "a"), "old");
  EXPECT_EQ(folder.count(), 1u);
}

TEST(AtomicFile, FailedRenameLeavesNoTemporary) {
  const test::ScratchFolder folder;
  fs::create_directory(folder / "taken");
  EXPECT_THROW(put(folder / "taken", "x"), Unavailable);
  EXPECT_EQ(folder.count(), 1u);
}

TEST(AtomicFile, NamesPathAndReason) {
  const test::ScratchFolder folder;
  try {
    put(folder / "absent/a", "x");
    FAIL();
  } catch (const Unavailable& error) {
    EXPECT_NE(std::string(error.what()).find("absent/a"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("No such file"), std::string::npos);
  }
  EXPECT_THROW(put(folder.path() + "/", "x"), std::invalid_argument);
  EXPECT_THROW(put("", "x"), std::invalid_argument);
}

TEST(AtomicFile, ManyWritersOfOneNameLeaveOneWholeFile) {
  const test::ScratchFolder folder;
  std::vector<std::thread> threads;
  for (char c = 'a'; c < 'e'; ++c) {
    threads.emplace_back([&folder, c] {
      for (int i = 0; i < 5; ++i) put(folder / "a", std::string(20000, c));
    });
  }
  for (auto& thread : threads) thread.join();
  const std::string text = get(folder / "a");
  EXPECT_EQ(text, std::string(20000, text[0]));
  EXPECT_EQ(folder.count(), 1u);
}

TEST(AtomicFile, KnowsItsTemporaries) {
  EXPECT_TRUE(is_temporary_name(".guise-12-0-photo.jpg.part"));
  EXPECT_TRUE(is_temporary_name(".guise-1-99-a.part"));
  for (const std::string name : {"", "photo.jpg", ".guise-.part", ".guise-12-photo.part",
                                 ".guise-12-0-.part", ".guise-a-0-x.part", "guise-12-0-x.part",
                                 ".guise-12-0-x.jpg", ".guise-12-0", ".guise-12-"}) {
    EXPECT_FALSE(is_temporary_name(name)) << name;
  }
}

void add(AtomicFile& file, const std::string& text) {
  file.write(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

TEST(AtomicFileInPieces, AppearsWithCommitOnly) {
  const test::ScratchFolder folder;
  put(folder / "a", "old");
  {
    AtomicFile file(folder / "a");
    add(file, "one ");
    add(file, "");
    add(file, "two");
    EXPECT_EQ(file.size(), 7);
    EXPECT_EQ(get(folder / "a"), "old");
    EXPECT_EQ(folder.count(), 2u) << "the temporary";
    file.commit();
    EXPECT_EQ(get(folder / "a"), "one two");
  }
  EXPECT_EQ(get(folder / "a"), "one two") << "its end removes nothing";
  EXPECT_EQ(folder.count(), 1u);
}

TEST(AtomicFileInPieces, LeavesNothingWithoutCommit) {
  const test::ScratchFolder folder;
  put(folder / "a", "old");
  for (const std::string name : {"a", "b"}) {
    AtomicFile file(folder / name);
    add(file, "half");
  }
  EXPECT_EQ(get(folder / "a"), "old");
  EXPECT_EQ(folder.count(), 1u);
}

TEST(AtomicFileInPieces, FailedWritesAndCommitsKeepTheOldFile) {
  const test::ScratchFolder folder;
  put(folder / "a", "old");
  {
    const FileSizeLimit limit(1000);
    AtomicFile file(folder / "a");
    add(file, std::string(900, 'x'));
    EXPECT_THROW(add(file, std::string(900, 'y')), Unavailable);
  }
  EXPECT_EQ(get(folder / "a"), "old");
  fs::create_directory(folder / "taken");
  {
    AtomicFile file(folder / "taken");
    add(file, "x");
    EXPECT_THROW(file.commit(), Unavailable);
  }
  EXPECT_EQ(folder.count(), 2u);
  EXPECT_THROW(AtomicFile(folder / "absent/a"), Unavailable);
  EXPECT_THROW(AtomicFile(folder.path() + "/"), std::invalid_argument);
}

TEST(UnsyncedFile, IsWholeOrNotThere) {
  const test::ScratchFolder folder;
  const auto write = [&](const std::string& name, const std::string& bytes) {
    write_file_unsynced(folder / name, reinterpret_cast<const uint8_t*>(bytes.data()),
                        bytes.size());
  };
  write("a", "old");
  write("a", "new");
  EXPECT_EQ(get(folder / "a"), "new");
  {
    const FileSizeLimit limit(1000);
    EXPECT_THROW(write("a", std::string(5000, 'x')), Unavailable);
  }
  EXPECT_EQ(get(folder / "a"), "new");
  EXPECT_EQ(folder.count(), 1u);
  EXPECT_NO_THROW(sync_file_system(folder.path()));
  EXPECT_THROW(sync_file_system(folder / "absent"), Unavailable);
  EXPECT_THROW(sync_file_system(folder / "a"), Unavailable) << "a file is no folder";
}

TEST(RemoveTemporaries, RemovesThoseBelowAndNothingElse) {
  const test::ScratchFolder folder, other;
  fs::create_directories(folder / "deep/er");
  for (const std::string name :
       {".guise-1-2-a.part", "deep/.guise-1-2-a.part", "deep/er/.guise-33-0-b.jpg.part"}) {
    std::ofstream(folder / name) << "half";
  }
  put(folder / "kept", "");
  put(folder / "deep/a.part", "mine");
  put(folder / "deep/.guise-notes", "mine");
  std::ofstream(other / ".guise-1-2-a.part") << "half";
  fs::create_directory_symlink(other.path(), folder / "link");
  remove_temporaries(folder.path());
  std::vector<std::string> left;
  for (const auto& entry : fs::recursive_directory_iterator(folder.path())) {
    if (entry.is_regular_file()) left.push_back(entry.path().filename());
  }
  std::sort(left.begin(), left.end());
  EXPECT_EQ(left, (std::vector<std::string>{".guise-notes", "a.part", "kept"}));
  EXPECT_EQ(other.count(), 1u) << "links are not followed";
  EXPECT_NO_THROW(remove_temporaries(folder / "absent"));
}

TEST(ReadFile, RefusesWhatIsNotARegularFileWithoutWaiting) {
  const test::ScratchFolder folder;
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  EXPECT_THROW(get(folder / "fifo"), Unavailable);
  EXPECT_THROW(get(folder.path()), Unavailable);
  EXPECT_THROW(get("/dev/zero"), Unavailable);
  EXPECT_THROW(get(folder / "absent"), Unavailable);
}

TEST(ReadFile, HoldsItsLimit) {
  const test::ScratchFolder folder;
  put(folder / "a", "12345");
  EXPECT_EQ(read_file(folder / "a", 5).size(), 5u);
  EXPECT_THROW(read_file(folder / "a", 4), CorruptFile);
}

TEST(AppendFile, AppendsWholeLinesAndGoesOn) {
  const test::ScratchFolder folder;
  {
    AppendFile file(folder / "log");
    file.append_line("one", /*durable=*/true);
    file.append_line("", /*durable=*/false);
    EXPECT_THROW(file.append_line("a\nb", /*durable=*/false), std::invalid_argument);
  }
  AppendFile(folder / "log").append_line("two", /*durable=*/false);
  EXPECT_EQ(get(folder / "log"), "one\n\ntwo\n");
}

TEST(AppendFile, CutsOffATornLine) {
  const test::ScratchFolder folder;
  for (const size_t torn : {1u, 4095u, 4096u, 4097u, 10000u}) {
    std::ofstream(folder / "log") << "whole\n" << std::string(torn, 'x');
    AppendFile(folder / "log").append_line("next", /*durable=*/false);
    EXPECT_EQ(get(folder / "log"), "whole\nnext\n") << torn;
  }
  std::ofstream(folder / "log") << "never finished";
  AppendFile(folder / "log").append_line("next", /*durable=*/false);
  EXPECT_EQ(get(folder / "log"), "next\n");
}

TEST(AppendFile, FailedAppendLeavesTheFileAsItWas) {
  const test::ScratchFolder folder;
  AppendFile file(folder / "log");
  file.append_line("one", /*durable=*/false);
  {
    const FileSizeLimit limit(100);
    EXPECT_THROW(file.append_line(std::string(500, 'x'), /*durable=*/false), Unavailable);
  }
  file.append_line("two", /*durable=*/false);
  EXPECT_EQ(get(folder / "log"), "one\ntwo\n");
}

TEST(AppendFile, HasOneWriter) {
  const test::ScratchFolder folder;
  const AppendFile file(folder / "log");
  EXPECT_THROW(AppendFile(folder / "log"), Unavailable);
}

TEST(AppendFile, RefusesLinksAndFolders) {
  const test::ScratchFolder folder;
  put(folder / "target", "");
  fs::create_symlink(folder / "target", folder / "link");
  EXPECT_THROW(AppendFile(folder / "link"), Unavailable);
  EXPECT_THROW(AppendFile(folder.path()), Unavailable);
}

}  // namespace
}  // namespace guise::io
