// Pickles byte by byte: what Python 2, Python 3 and numpy write is read; everything else is
// refused.
#include "io/verification_bin.h"

#include <gtest/gtest.h>

#include "core/check.h"
#include "support/image_fixtures.h"
#include "support/scratch_folder.h"

namespace guise::io {
namespace {

using test::Bytes;
using namespace std::string_literals;

VerificationBin parsed(const std::string& pickle, const VerificationBinLimits& limits = {}) {
  return {test::text_bytes(pickle), "set", limits};
}

std::string refusal(const std::string& pickle, const VerificationBinLimits& limits = {}) {
  try {
    parsed(pickle, limits);
  } catch (const CorruptFile& error) {
    return error.what();
  }
  return "";
}

// Pictures "ab" and "cde", one person, around what the two lists are made of.
void expect_pair(const std::string& pickle) {
  const VerificationBin set = parsed(pickle);
  ASSERT_EQ(set.pairs(), 1U);
  EXPECT_EQ(set.picture(0), "ab");
  EXPECT_EQ(set.picture(1), "cde");
  EXPECT_TRUE(set.same(0));
}

// Python 3, protocol 3: [b"ab", b"cde"], [True].
const std::string kPictures = "]q\0(C\2abq\1C\3cdeq\2e"s;
const std::string kLabels =
    "]q\3\x88"
    "a"s;
const std::string kHead = "\x80\3"s;
// numpy.dtype("u1") with its state, and the state of an array of `n` bytes after its dtype.
const std::string kU1 =
    "cnumpy\ndtype\nU\2u1K\0K\1\x87R(K\3U\1|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"s;
const std::string kB1 = "cnumpy\ndtype\nU\2b1K\0K\1\x87R"s;
const std::string kNewArray =
    "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\1b\x87R"s;

std::string array(const std::string& bytes, const std::string& shape,
                  const std::string& dtype = kU1) {
  return kNewArray + "(K\1"s + shape + dtype + "\x89U"s + static_cast<char>(bytes.size()) + bytes +
         "tb"s;
}

TEST(VerificationBin, ReadsEveryProtocol) {
  expect_pair(kHead + kPictures + kLabels + "\x86q\4.");
  expect_pair(
      "\x80\2]q\1(U\2abq\2T\3\0\0\0cdeq\3e]q\4\x88"
      "a\x86q\5."s);                                                        // Python 2
  expect_pair("((lp0\nS'ab'\np1\naS\"cd\\x65\"\np2\na(lp3\nI01\natp4\n.");  // its protocol 0
  expect_pair(
      "\x80\2]c_codecs\nencode\nX\2\0\0\0abX\6\0\0\0latin1\x86Ra"s
      "c_codecs\nencode\nX\3\0\0\0cdeX\6\0\0\0latin1\x86Ra]\x88"
      "a\x86."s);
  expect_pair(
      "\x80\4\x95\x1e\0\0\0\0\0\0\0]\x94(B\2\0\0\0ab\x94\x8e\3\0\0\0\0\0\0\0cde\x94"
      "e]\x94\x88"
      "a\x86\x94."s);
  expect_pair(
      "\x80\5](\x96\2\0\0\0\0\0\0\0abC\3cdee(\x88"
      "l\x86."s);
}

TEST(VerificationBin, ReadsArraysAndScalarsOfNumpy) {
  const std::string scalar = "cnumpy.core.multiarray\nscalar\n"s + kB1 + "U\1\1\x86R"s;
  expect_pair("\x80\2]("s + array("ab", "K\2\x85") + array("cde", "K\3K\1\x86") + "e]"s + scalar +
              "a\x86."s);
  expect_pair("\x80\2]("s + array("ab", "K\2\x85") + array("cde", "K\3\x85") + "e"s +
              array("\1", "K\1\x85", kB1) + "\x86."s);
  const std::string buffer = "\x8c\23numpy._core.numeric\x8c\13_frombuffer\x93("s;
  expect_pair("\x80\5](C\2ab"s + buffer + "C\3cde"s + kU1 +
              "K\3\x85\x8c\1CtRe]\x88"
              "a\x86."s);
}

TEST(VerificationBin, DecodesWhatDoesNotStandInTheFile) {
  const VerificationBin set = parsed(
      "((lS'\\x00\\xff\\\\\\n\\'x'\nac_codecs\nencode\n(V\xff\\u0000\\u005cx\nVlatin1\ntRa(lI00\nat."s);
  EXPECT_EQ(set.picture(0), "\0\xff\\\n'x"s);
  EXPECT_EQ(set.picture(1), "\xff\0\\x"s);
  EXPECT_FALSE(set.same(0));
}

TEST(VerificationBin, SharesPicturesThroughTheMemo) {
  const VerificationBin set = parsed(kHead +
                                     "](C\2abq\1h\1h\1h\1e](\x88\x89"
                                     "e\x86."s);
  EXPECT_EQ(set.pairs(), 2U);
  EXPECT_EQ(set.picture(0).data(), set.picture(3).data()) << "no copy";
}

TEST(VerificationBin, NamesWhatItRefusesToRun) {
  const std::string system = kHead + "cos\nsystem\nX\6\0\0\0touch \x85R."s;
  EXPECT_NE(refusal(system).find("os.system"), std::string::npos) << refusal(system);
  EXPECT_NE(refusal("\x80\4\x8c\10builtins\x8c\4eval\x93."s).find("builtins.eval"),
            std::string::npos);
  EXPECT_NE(refusal("cnumpy\n\x1b[31mload\n."s).find("numpy.?[31mload"), std::string::npos);
  EXPECT_NE(refusal("(cnumpy\nndarray\no."s).find("OBJ"), std::string::npos);
  EXPECT_NE(refusal("(S'a'\nios\nsystem\n."s).find("INST"), std::string::npos);
  EXPECT_NE(refusal("}."s).find("EMPTY_DICT"), std::string::npos);
  EXPECT_NE(refusal("Pid\n."s).find("PERSID"), std::string::npos);
  EXPECT_NE(refusal(kHead + "C\1aC\1b\x85R."s).find("cannot be called"), std::string::npos);
  EXPECT_NE(refusal(kHead + "cnumpy\nndarray\n)R."s).find("ndarray is called"), std::string::npos);
}

TEST(VerificationBin, RefusesEveryPrefix) {
  for (const std::string& whole : {kHead + kPictures + kLabels + "\x86q\4.",
                                   "\x80\2]("s + array("ab", "K\2\x85") + array("cde", "K\3\x85") +
                                       "e]\x88"
                                       "a\x86."s}) {
    EXPECT_EQ(refusal(whole), "");
    for (size_t length = 0; length < whole.size(); ++length) {
      EXPECT_NE(refusal(whole.substr(0, length)), "") << length;
    }
    EXPECT_NE(refusal(whole + "x"), "") << "nothing may follow";
  }
}

TEST(VerificationBin, RefusesLyingLengths) {
  for (const std::string& lie :
       {"\x80\3B\xff\xff\xff\xff"
        "ab."s,
        "\x80\4\x8e\xff\xff\xff\xff\xff\xff\xff\xff"
        "ab."s,
        "\x80\4\x96\0\0\0\0\0\1\0\0ab."s, "\x80\4\x95\xff\0\0\0\0\0\0\0."s, "\x80\2T\3\0\0\0ab."s,
        "\x80\2\x8a\tab."s, "I99999999999999999999\n."s, "S'ab."s}) {
    EXPECT_NE(refusal(lie), "");
  }
  EXPECT_NE(refusal("\x80\2]("s + array("ab", "K\3\x85") + array("cde", "K\3\x85") +
                    "e]\x88"
                    "a\x86."s),
            "");
  EXPECT_NE(refusal("\x80\2]("s + array("ab", "K\2K\2\x86") + array("cde", "K\3\x85") +
                    "e]\x88"
                    "a\x86."s),
            "");
}

TEST(VerificationBin, RefusesBombs) {
  // A memo place of four billion, and a text that is decoded over and over.
  EXPECT_NE(refusal("\x80\2Nr\xff\xff\xff\xff."s).find("memo"), std::string::npos);
  EXPECT_NE(refusal("Np99999999999\n."s).find("memo"), std::string::npos);
  EXPECT_NE(refusal("Np-1\n."s).find("memo"), std::string::npos);
  std::string again =
      "X\2\1\0\0"s + std::string(258, 'a') + "q\0X\6\0\0\0latin1q\1c_codecs\nencode\nq\2"s;
  for (int i = 0; i < 2000; ++i) again += "h\2h\0h\1\x86R"s;
  EXPECT_NE(refusal(again + "."s).find("again and again"), std::string::npos);
  VerificationBinLimits few;
  few.max_pairs = 1;
  EXPECT_NE(refusal(std::string(100'000, ']'), few).find("limit"), std::string::npos);
  EXPECT_NE(refusal(kHead + "](C\1aq\1h\1h\1h\1e](\x88\x89"
                            "e\x86."s,
                    few)
                .find("limit"),
            std::string::npos);
  few.max_picture_bytes = 2;
  EXPECT_NE(refusal(kHead + kPictures + kLabels + "\x86.", few).find("limit"), std::string::npos);
  few.max_pairs = 0;
  EXPECT_THROW(parsed(kHead, few), std::invalid_argument);
  // A list inside itself, and very deep ones: nothing follows them.
  EXPECT_NE(refusal(kHead + "]q\0h\0ah\0h\0\x86."s), "");
  std::string deep(50'000, ']');
  deep += std::string(49'999, 'a');
  EXPECT_NE(refusal(kHead + deep + "."), "");
}

TEST(VerificationBin, RefusesWhatIsNoSetOfPairs) {
  for (const std::string& other : {
           kHead + "N."s,
           kHead + "]."s,
           kHead + kPictures + "\x85."s,
           kHead + kPictures + kPictures + "\x86."s,
           kHead + kLabels + kLabels + "\x86."s,
           kHead + kPictures + kLabels + "N\x87."s,
           kHead + "](C\2abC\0e]\x88"
                   "a\x86."s,
           kHead + "](C\2abX\1\0\0\0ae]\x88"
                   "a\x86."s,
           kHead + kPictures +
               "](\x88\x88"
               "e\x86."s,
           kHead + kPictures + "]K\1a\x86."s,
           kHead + "]]\x86."s,
           "\x80\2]("s + array("\1\1", "K\2\x85", kB1) + array("\1", "K\1\x85", kB1) +
               "e]\x88"
               "a\x86."s,
           "\x80\2"s + kPictures + array("\2", "K\1\x85", kB1) + "\x86."s,
           "\x80\2"s + kPictures + array("\1", "K\1\x85") + "\x86."s,
           "\x80\2]("s + kNewArray +
               "C\1ae]\x88"
               "a\x86."s,
       }) {
    EXPECT_NE(refusal(other), "");
  }
  EXPECT_NE(refusal("cnumpy\ndtype\nU\2O8K\0K\1\x87R."s).find("O8"), std::string::npos);
  EXPECT_EQ(refusal(kHead + "N.").rfind("set: ", 0), 0U) << "begins with the name";
}

TEST(VerificationBin, RefusesABareMark) {
  for (const std::string& wrong : {"(."s, "(q\0."s, "(\x85."s, "(a."s, "((R."s, "(b."s, "(\x93."s,
                                   "\x94."s, "e."s, "t."s, "\x87."s, "h\0."s}) {
    EXPECT_NE(refusal(wrong), "");
  }
}

TEST(VerificationBin, WritesWhatItReads) {
  std::vector<std::string> kept;
  for (int i = 0; i < 2004; ++i) kept.push_back("picture " + std::to_string(i * i) + '\0');
  const std::vector<std::string_view> pictures(kept.begin(), kept.end());
  std::vector<bool> same;
  for (int k = 0; k < 1002; ++k) same.push_back(k % 3 == 0);
  const test::ScratchFolder folder;
  write_verification_bin(folder / "a.bin", pictures, same);
  const VerificationBin set = read_verification_bin(folder / "a.bin");
  ASSERT_EQ(set.pairs(), 1002U);
  for (size_t i = 0; i < pictures.size(); ++i) EXPECT_EQ(set.picture(i), pictures[i]);
  for (size_t k = 0; k < same.size(); ++k) EXPECT_EQ(set.same(k), same[k]);
  VerificationBinLimits small;
  small.max_file_bytes = 100;
  EXPECT_THROW(read_verification_bin(folder / "a.bin", small), CorruptFile);
  EXPECT_THROW(read_verification_bin(folder / "none.bin"), Unavailable);
  EXPECT_THROW(serialize_verification_bin({"a"}, {true}), std::invalid_argument);
  EXPECT_THROW(serialize_verification_bin({"a", ""}, {true}), std::invalid_argument);
  EXPECT_THROW(serialize_verification_bin({}, {}), std::invalid_argument);
}

TEST(VerificationBin, WritesTheseBytes) {
  const Bytes written = serialize_verification_bin({"ab", "c"}, {true});
  EXPECT_EQ(std::string(written.begin(), written.end()),
            "\x80\4]\x94(B\2\0\0\0ab\x94"
            "B\1\0\0\0c\x94"
            "e]\x94(\x88"
            "e\x86\x94."s);
}

TEST(VerificationBin, CanBeMoved) {
  VerificationBin set = parsed("((lS'\\x61b'\naS'c'\na(lI01\nat.");
  const VerificationBin moved = std::move(set);
  EXPECT_EQ(moved.picture(0), "ab");
  EXPECT_EQ(moved.picture(1), "c");
}

}  // namespace
}  // namespace guise::io
