// Which files of a folder are photos, where their results go, and which folders may meet.
#include "pipelines/photo_list.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "core/check.h"
#include "support/scratch_folder.h"

namespace guise::pipelines {
namespace {

namespace fs = std::filesystem;

const std::string kJpeg = "\xFF\xD8\xFF\xE0 and more bytes", kPng = "\x89PNG\r\n\x1a\n and more",
                  kBmp = "BM and more bytes to be long enough for a header",
                  kWebp = std::string("RIFF\x10\0\0\0WEBPVP8 ", 16);

class PhotoListTest : public ::testing::Test {
 protected:
  void put(const std::string& name, const std::string& content) {
    const std::string path = folder_ / name;
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << content;
  }
  PhotoList list(const PhotoListOptions& options = {}) const {
    return list_photos(folder_.path(), options);
  }
  // "name -> output" or "name: problem", one line each.
  std::string lines(const PhotoListOptions& options = {}) const {
    std::string text;
    for (const Photo& photo : list(options).photos) {
      text += photo.name + (photo.problem.empty() ? " -> " + photo.output_name : ": !") + "\n";
    }
    return text;
  }
  std::string problem_of(const std::string& name, const PhotoListOptions& options = {}) const {
    for (const Photo& photo : list(options).photos) {
      if (photo.name == name) return photo.problem;
    }
    return "not listed";
  }

  test::ScratchFolder folder_;
};

TEST_F(PhotoListTest, MirrorsTheTreeInByteOrder) {
  put("b.jpg", kJpeg);
  put("a/z.png", kPng);
  put("a/b/c.webp", kWebp);
  put("B.bmp", kBmp);
  put("notes.txt", "text");
  put("a/empty.dat", "");
  EXPECT_EQ(lines(),
            "B.bmp -> B.bmp\na/b/c.webp -> a/b/c.webp\na/z.png -> a/z.png\nb.jpg -> b.jpg\n");
  EXPECT_EQ(list().other_files, 2);
}

TEST_F(PhotoListTest, FirstBytesDecideAndExtensionsFollow) {
  put("really-png.jpg", kPng);
  put("NoExtension", kJpeg);
  put("UPPER.JPEG", kJpeg);
  put("scan.tiff", kJpeg);
  put("archive.tar", kWebp);
  put("two.dots.png", kBmp);
  EXPECT_EQ(lines(),
            "NoExtension -> NoExtension.jpg\nUPPER.JPEG -> UPPER.JPEG\n"
            "archive.tar -> archive.tar.webp\nreally-png.jpg -> really-png.png\n"
            "scan.tiff -> scan.jpg\ntwo.dots.png -> two.dots.bmp\n");
}

TEST_F(PhotoListTest, AnotherFormatForAll) {
  put("a.png", kPng);
  put("b.jpeg", kJpeg);
  EXPECT_EQ(lines({.format = "jpeg"}), "a.png -> a.jpg\nb.jpeg -> b.jpeg\n");
  EXPECT_EQ(lines({.format = "webp"}), "a.png -> a.webp\nb.jpeg -> b.webp\n");
}

TEST_F(PhotoListTest, PicturesThatCannotBeReadAreListed) {
  put("photo.heic", "1234ftypheic");
  put("text.jpg", "this is no picture");
  put("empty.PNG", "");
  put("movie.mp4", "ftyp");
  EXPECT_EQ(lines(), "empty.PNG: !\nphoto.heic: !\ntext.jpg: !\n");
  EXPECT_EQ(list().other_files, 1);
  EXPECT_NE(problem_of("text.jpg").find("first bytes"), std::string::npos);
}

TEST_F(PhotoListTest, HiddenNamesOnlyWhenAsked) {
  put(".hidden.jpg", kJpeg);
  put(".folder/in.jpg", kJpeg);
  put("seen.jpg", kJpeg);
  put(".guise-12-0-seen.jpg.part", kJpeg);
  EXPECT_EQ(lines(), "seen.jpg -> seen.jpg\n");
  EXPECT_EQ(lines({.hidden = true}),
            ".folder/in.jpg -> .folder/in.jpg\n.hidden.jpg -> .hidden.jpg\nseen.jpg -> seen.jpg\n")
      << "our own temporaries are never photos";
}

TEST_F(PhotoListTest, LinksOnlyWhenAsked) {
  put("real/a.jpg", kJpeg);
  fs::create_symlink("real/a.jpg", folder_ / "file-link.jpg");
  fs::create_symlink("nowhere.jpg", folder_ / "dangling.jpg");
  EXPECT_EQ(lines(), "real/a.jpg -> real/a.jpg\n");
  EXPECT_EQ(list().other_files, 2);
  EXPECT_EQ(lines({.follow_links = true}),
            "dangling.jpg: !\nfile-link.jpg -> file-link.jpg\nreal/a.jpg -> real/a.jpg\n");
}

TEST_F(PhotoListTest, LoopsEndAndRealFoldersComeBeforeLinks) {
  put("m/a.jpg", kJpeg);
  fs::create_directory_symlink("..", folder_ / "m/up");
  fs::create_directory_symlink("m", folder_ / "a-link");
  fs::create_directory_symlink("z-link", folder_ / "z-link");
  // Whatever order the file system gives names in, a photo keeps the name of its real folder.
  EXPECT_EQ(lines({.follow_links = true}), "m/a.jpg -> m/a.jpg\nz-link: !\n");
}

TEST_F(PhotoListTest, LinkedFoldersElsewhereAreEnteredOnce) {
  test::ScratchFolder elsewhere;
  std::ofstream(elsewhere / "x.jpg", std::ios::binary) << kJpeg;
  fs::create_directory_symlink(elsewhere.path(), folder_ / "one");
  fs::create_directory_symlink(elsewhere.path(), folder_ / "two");
  EXPECT_EQ(lines({.follow_links = true}), "one/x.jpg -> one/x.jpg\n");
}

TEST_F(PhotoListTest, DevicesAndPipesAreOther) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe.jpg").c_str(), 0600), 0);
  EXPECT_EQ(lines(), "") << "and nobody waits for the pipe's other end";
  EXPECT_EQ(list().other_files, 1);
}

TEST_F(PhotoListTest, AFileThatOpensButDoesNotReadIsListed) {
  if (!fs::exists("/proc/self/mem")) GTEST_SKIP() << "needs /proc/self/mem";
  fs::create_symlink("/proc/self/mem", folder_ / "m.jpg");
  EXPECT_EQ(lines({.follow_links = true}), "m.jpg: !\n");
}

TEST_F(PhotoListTest, UnreadableFoldersAndFilesAreListed) {
  if (::geteuid() == 0) GTEST_SKIP() << "needs a user whom permissions bind; this is root";
  put("locked/a.jpg", kJpeg);
  put("secret.jpg", kJpeg);
  fs::permissions(folder_ / "locked", fs::perms::none);
  fs::permissions(folder_ / "secret.jpg", fs::perms::none);
  EXPECT_EQ(lines(), "locked: !\nsecret.jpg: !\n");
  fs::permissions(folder_ / "locked", fs::perms::owner_all);
}

TEST_F(PhotoListTest, TwoPhotosWithOneResultAreBothRefused) {
  put("a.jpg", kPng);
  put("a.png", kPng);
  put("a.tif", kPng);
  put("b.png", kPng);
  EXPECT_EQ(lines(), "a.jpg: !\na.png: !\na.tif: !\nb.png -> b.png\n");
  EXPECT_NE(problem_of("a.jpg").find("a.png"), std::string::npos);
  EXPECT_EQ(lines({.format = "jpeg"}), "a.jpg: !\na.png: !\na.tif: !\nb.png -> b.jpg\n");
}

TEST_F(PhotoListTest, AResultThatWouldBeAFolderIsRefused) {
  put("album", kJpeg);  // its result: album.jpg
  put("album.jpg/one.jpg", kJpeg);
  put("album.jpg/deep/two.jpg", kJpeg);
  EXPECT_EQ(lines(),
            "album: !\nalbum.jpg/deep/two.jpg -> album.jpg/deep/two.jpg\n"
            "album.jpg/one.jpg -> album.jpg/one.jpg\n");
}

TEST_F(PhotoListTest, NamesThatAreNotUtf8StayApartInTheReport) {
  EXPECT_EQ(report_name("Zo\xc3\xab.jpg"), "Zo\xc3\xab.jpg");
  EXPECT_NE(report_name("a\xff.jpg"), report_name("a\xfe.jpg"));
  EXPECT_NE(report_name("a\xff.jpg").find('a'), std::string::npos);
}

TEST_F(PhotoListTest, AFolderThatIsNotThereIsUnavailable) {
  EXPECT_THROW(list_photos(folder_ / "absent", {}), Unavailable);
  put("file", "x");
  EXPECT_THROW(list_photos(folder_ / "file", {}), Unavailable);
}

// ---- two folders --------------------------------------------------------------------------------

class CheckFoldersTest : public PhotoListTest {
 protected:
  void SetUp() override {
    fs::create_directories(folder_ / "in/sub");
    fs::create_directories(folder_ / "out");
    fs::create_directories(folder_ / "in-2");
    put("file", "x");
    fs::create_directory_symlink(folder_ / "in", folder_ / "link-in");
    fs::create_directory_symlink(folder_ / "in/sub", folder_ / "link-sub");
  }
  void expect_refused(const std::string& input, const std::string& output) {
    EXPECT_THROW(check_folders(folder_ / input, folder_ / output), std::invalid_argument)
        << input << " and " << output;
  }
  void expect_allowed(const std::string& input, const std::string& output) {
    EXPECT_NO_THROW(check_folders(folder_ / input, folder_ / output)) << input << " " << output;
  }
};

TEST_F(CheckFoldersTest, BesideEachOtherIsFine) {
  expect_allowed("in", "out");
  expect_allowed("in/", "out/");
  expect_allowed("in", "new/deep/folder");
  expect_allowed("in", "in-2");  // a longer name is not inside
  expect_allowed("in", "in-new");
}

TEST_F(CheckFoldersTest, InsideEachOtherIsRefused) {
  expect_refused("in", "in");
  expect_refused("in", "in/");
  expect_refused("in///", "in/./");
  expect_refused("in", "in/sub");
  expect_refused("in", "in/new");
  expect_refused("in", "in/new/deep/");
  expect_refused("in/sub", "in");
  expect_refused("in", "out/../in/sub");
  expect_refused("in", "absent/../in/sub");
  expect_refused("in", ".");
}

TEST_F(CheckFoldersTest, AlsoThroughLinks) {
  expect_refused("in", "link-in");
  expect_refused("in", "link-in/");
  expect_refused("link-in", "in/new");
  expect_refused("in", "link-sub");
  expect_refused("in", "link-sub/new");
  expect_refused("link-sub", "in");
}

TEST_F(CheckFoldersTest, FilesAndNothingAreRefused) {
  expect_refused("file", "out");
  expect_refused("in", "file");
  expect_refused("absent", "out");
  EXPECT_THROW(check_folders("", folder_ / "out"), std::invalid_argument);
  EXPECT_THROW(check_folders(folder_ / "in", ""), std::invalid_argument);
  fs::create_symlink("loop", folder_ / "loop");
  expect_refused("loop", "out");
  expect_refused("in", "loop");
}

}  // namespace
}  // namespace guise::pipelines
