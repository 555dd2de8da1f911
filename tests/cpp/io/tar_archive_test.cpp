// Archives read back by a ustar reader of our own, field by field.
#include "io/tar_archive.h"

#include <gtest/gtest.h>

#include <clocale>
#include <optional>

#include "core/check.h"
#include "support/image_fixtures.h"

namespace guise::io {
namespace {

using test::Bytes;

struct Member {
  std::string name;
  Bytes content;
};

std::string text_field(const Bytes& data, size_t at, size_t size) {
  std::string text(data.begin() + static_cast<std::ptrdiff_t>(at),
                   data.begin() + static_cast<std::ptrdiff_t>(at + size));
  return text.substr(0, text.find('\0'));
}

// Octal digits, then a space or zero byte; anything else fails the test.
uint64_t octal_field(const Bytes& data, size_t at, size_t size) {
  const std::string text = text_field(data, at, size);
  const size_t digits = std::min(text.find(' '), text.size());
  EXPECT_GT(digits, 0u);
  EXPECT_EQ(text.find_first_not_of("01234567"), digits == text.size() ? text.npos : digits);
  return std::stoull(text.substr(0, digits), nullptr, 8);
}

// POSIX.1-1988 ustar: sums of all 512 bytes with the sum's own field as spaces.
uint64_t checksum(const Bytes& data, size_t at) {
  uint64_t sum = 0;
  for (size_t i = 0; i < 512; ++i) sum += i >= 148 && i < 156 ? uint8_t{' '} : data[at + i];
  return sum;
}

void expect_plain_header(const Bytes& data, size_t at) {
  EXPECT_EQ(octal_field(data, at + 100, 8), 0644u);
  EXPECT_EQ(octal_field(data, at + 108, 8), 0u);   // uid
  EXPECT_EQ(octal_field(data, at + 116, 8), 0u);   // gid
  EXPECT_EQ(octal_field(data, at + 136, 12), 0u);  // time
  EXPECT_EQ(octal_field(data, at + 148, 8), checksum(data, at));
  EXPECT_EQ(data[at + 156], '0');  // a regular file
  EXPECT_EQ(text_field(data, at + 157, 100), "");
  const Bytes magic(data.begin() + static_cast<std::ptrdiff_t>(at + 257),
                    data.begin() + static_cast<std::ptrdiff_t>(at + 265));
  EXPECT_EQ(magic, test::text_bytes(std::string("ustar\0", 6) + "00"));
  EXPECT_EQ(text_field(data, at + 265, 32), "");   // user
  EXPECT_EQ(text_field(data, at + 297, 32), "");   // group
  EXPECT_EQ(text_field(data, at + 345, 155), "");  // prefix
}

std::vector<Member> members_of(const Bytes& data) {
  EXPECT_EQ(data.size() % 10240, 0u);
  std::vector<Member> members;
  size_t at = 0;
  while (at + 512 <= data.size() && data[at] != 0) {
    expect_plain_header(data, at);
    const size_t size = octal_field(data, at + 124, 12);
    const auto begin = data.begin() + static_cast<std::ptrdiff_t>(at + 512);
    members.push_back(
        {text_field(data, at, 100), Bytes(begin, begin + static_cast<std::ptrdiff_t>(size))});
    const size_t end = at + 512 + size;
    at = (end + 511) / 512 * 512;
    for (size_t i = end; i < at; ++i) EXPECT_EQ(data[i], 0);
  }
  EXPECT_GE(data.size() - at, 1024u);
  for (size_t i = at; i < data.size(); ++i) EXPECT_EQ(data[i], 0);
  return members;
}

Bytes archive_of(const std::vector<Member>& members) {
  TarArchive archive;
  for (const auto& [name, content] : members) archive.add(name, content.data(), content.size());
  return archive.finish();
}

std::vector<Member> some_members() {
  std::vector<Member> members;
  for (const size_t size : {0, 1, 511, 512, 513, 9000, 70000}) {
    Bytes content(size);
    for (size_t i = 0; i < size; ++i) content[i] = static_cast<uint8_t>(i * 37 + size);
    members.push_back({"000012_" + std::to_string(size) + ".jpg", content});
  }
  members.push_back({"000012/003.json", test::text_bytes("{}")});
  members.push_back({std::string(100, 'n'), {1}});
  return members;
}

TEST(TarArchive, HoldsItsMembersInOrder) {
  const auto members = some_members();
  const auto found = members_of(archive_of(members));
  ASSERT_EQ(found.size(), members.size());
  for (size_t i = 0; i < members.size(); ++i) {
    EXPECT_EQ(found[i].name, members[i].name);
    EXPECT_EQ(found[i].content, members[i].content);
  }
}

TEST(TarArchive, SizesAreThoseOfWholeBlocks) {
  EXPECT_EQ(archive_of({}), Bytes(10240, 0));
  // 18 blocks of members and 2 at the end fill a block of 20; one more starts another.
  EXPECT_EQ(archive_of({{"a", Bytes(17 * 512, 1)}}).size(), 10240u);
  EXPECT_EQ(archive_of({{"a", Bytes(17 * 512 + 1, 1)}}).size(), 20480u);
}

TEST(TarArchive, TheReaderOfTheTestCanFail) {
  Bytes data = archive_of({{"a", {1}}});
  EXPECT_EQ(octal_field(data, 148, 8), checksum(data, 0));
  data[0] ^= 1;
  EXPECT_NE(octal_field(data, 148, 8), checksum(data, 0));
}

TEST(TarArchive, SameMembersSameBytes) {
  const Bytes before = archive_of(some_members());
  const char* locale = std::setlocale(LC_ALL, nullptr);
  const std::string old_locale = locale == nullptr ? "C" : locale;
  std::setlocale(LC_ALL, "C.UTF-8");
  EXPECT_EQ(archive_of(some_members()), before);
  std::setlocale(LC_ALL, old_locale.c_str());
  auto others = some_members();
  others.back().content = {2};
  EXPECT_NE(archive_of(others), before);
}

TEST(TarArchive, RefusesOtherNames) {
  TarArchive archive;
  for (const std::string name : {"", "/", "/a", "a/", "a//b", ".", "..", "./a", "a/..", "../a",
                                 "a/../b", "a/./b", "a\\b", "a\nb", "a\x7f", "caf\xC3\xA9"}) {
    EXPECT_THROW(archive.add(name, nullptr, 0), std::invalid_argument) << name;
  }
  EXPECT_THROW(archive.add(std::string("a\0b", 3), nullptr, 0), std::invalid_argument);
  EXPECT_THROW(archive.add(std::string(101, 'n'), nullptr, 0), std::invalid_argument);
  // Refusals leave no trace.
  for (const std::string name : {"..a", "a..", ".a", "a b/c~"}) {
    EXPECT_NO_THROW(archive.add(name, nullptr, 0)) << name;
  }
  EXPECT_EQ(members_of(archive.finish()).size(), 4u);
}

TEST(TarArchive, RefusesWhatUstarCannotSay) {
  TarArchive archive;
  EXPECT_THROW(archive.add("a", nullptr, size_t{1} << 33), std::invalid_argument);
}

TEST(TarArchive, IsFinishedOnce) {
  TarArchive archive;
  archive.add("a", nullptr, 0);
  EXPECT_EQ(archive.finish().size(), 10240u);
  EXPECT_THROW(archive.add("b", nullptr, 0), std::invalid_argument);
  EXPECT_THROW(archive.finish(), std::invalid_argument);
}

TEST(TarArchive, CanBeGivenUp) {
  std::optional<TarArchive> archive(std::in_place);
  const Bytes content(100000, 1);
  archive->add("a", content.data(), content.size());
  archive.reset();  // what libarchive still writes must find its vector
}

}  // namespace
}  // namespace guise::io
