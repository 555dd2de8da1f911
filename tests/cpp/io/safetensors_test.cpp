// Round trips of every dtype, the reference writer's exact bytes, and a table of corruptions.
#include "io/safetensors.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/check.h"
#include "io/atomic_file.h"
#include "support/scratch_folder.h"

namespace guise::io {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes file_of(const std::string& header, size_t data_bytes, int64_t length = -1) {
  const auto claimed =
      static_cast<uint64_t>(length < 0 ? static_cast<int64_t>(header.size()) : length);
  Bytes file;
  for (int i = 0; i < 8; ++i) file.push_back(static_cast<uint8_t>(claimed >> (8 * i)));
  file.insert(file.end(), header.begin(), header.end());
  file.resize(file.size() + data_bytes, 0);
  return file;
}

SafetensorsFile parse(const Bytes& file) {
  return parse_safetensors(file.data(), file.size(), "x");
}

std::map<std::string, at::Tensor> one_of_each() {
  std::map<std::string, at::Tensor> tensors;
  for (const auto dtype : {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16, at::kLong, at::kInt,
                           at::kShort, at::kChar, at::kByte, at::kBool}) {
    tensors[c10::toString(dtype)] = at::arange(6).reshape({2, 3}).to(dtype);
  }
  tensors["scalar"] = at::tensor(3.5f).squeeze();
  tensors["empty"] = at::empty({0, 4});
  tensors["name with \"quotes\" and \xC3\xA9"] = at::ones({1});
  return tensors;
}

TEST(Safetensors, RoundTripOfEveryDtype) {
  const auto tensors = one_of_each();
  const std::map<std::string, std::string> metadata = {{"format", "pt"}, {"note", "a \"b\"\n"}};
  const SafetensorsFile back = parse(serialize_safetensors(tensors, metadata));
  EXPECT_EQ(back.metadata, metadata);
  ASSERT_EQ(back.tensors.size(), tensors.size());
  for (const auto& [name, tensor] : back.tensors) {
    EXPECT_EQ(tensor.scalar_type(), tensors.at(name).scalar_type());
    EXPECT_TRUE(at::equal(tensor, tensors.at(name))) << name;
  }
}

TEST(Safetensors, FileAndMemoryAgree) {
  const test::ScratchFolder folder;
  write_safetensors(folder / "a", one_of_each(), {{"k", "v"}});
  const Bytes bytes = read_file(folder / "a", 1 << 20);
  const SafetensorsFile memory = parse(bytes);
  const SafetensorsFile file = read_safetensors(folder / "a");
  ASSERT_EQ(memory.tensors.size(), file.tensors.size());
  for (size_t i = 0; i < file.tensors.size(); ++i) {
    EXPECT_EQ(memory.tensors[i].first, file.tensors[i].first);
    EXPECT_TRUE(at::equal(memory.tensors[i].second, file.tensors[i].second));
  }
  EXPECT_EQ(memory.metadata, file.metadata);
  EXPECT_THROW(read_safetensors(folder / "absent"), Unavailable);
  for (size_t size = 0; size < bytes.size(); size += 7) {
    write_file_atomically(folder / "cut", bytes.data(), size);
    EXPECT_THROW(read_safetensors(folder / "cut"), CorruptFile) << size;
  }
}

// Bytes of safetensors.numpy.save for the same tensors and metadata.
TEST(Safetensors, WritesWhatTheReferenceWrites) {
  const std::map<std::string, at::Tensor> tensors = {{"b", at::zeros({2}, at::kFloat)},
                                                     {"a", at::zeros({3}, at::kByte)},
                                                     {"c", at::zeros({1}, at::kLong)},
                                                     {"a2", at::zeros({1, 1}, at::kFloat)}};
  std::string header =
      R"({"__metadata__":{"k":"v"},"c":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},)"
      R"("a2":{"dtype":"F32","shape":[1,1],"data_offsets":[8,12]},)"
      R"("b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]},)"
      R"("a":{"dtype":"U8","shape":[3],"data_offsets":[20,23]}})";
  while (header.size() % 8 != 0) header += ' ';
  EXPECT_EQ(serialize_safetensors(tensors, {{"k", "v"}}), file_of(header, 23));
}

TEST(Safetensors, WritesStridedTensorsAsTheyLook) {
  const at::Tensor base = at::arange(6, at::kFloat).reshape({2, 3});
  const auto back = parse(serialize_safetensors({{"t", base.transpose(0, 1)}}));
  EXPECT_TRUE(at::equal(back.tensors[0].second, base.transpose(0, 1)));
}

TEST(Safetensors, TensorsOwnTheirMemory) {
  Bytes file = serialize_safetensors({{"t", at::ones({4})}});
  const SafetensorsFile back = parse(file);
  std::fill(file.begin(), file.end(), uint8_t{0});
  EXPECT_TRUE(at::equal(back.tensors[0].second, at::ones({4})));
}

TEST(Safetensors, AcceptsWhatTheFormatAllows) {
  const std::vector<Bytes> files = {
      file_of("{}", 0),
      file_of(" \t\r\n{}", 0),
      file_of("{}       ", 0),
      file_of(R"({"__metadata__":{}})", 0),
      file_of(R"({"a":{"shape":[],"data_offsets":[0,4],"dtype":"F32"}})", 4),
      file_of(R"({"a":{"dtype":"U8","shape":[0,9],"data_offsets":[0,0]},)"
              R"("b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
              1),
      file_of(R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},)"
              R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
              2),
  };
  for (size_t i = 0; i < files.size(); ++i) EXPECT_NO_THROW(parse(files[i])) << i;
  EXPECT_EQ(parse(files.back()).tensors[0].first, "a");
}

struct Corruption {
  const char* what;
  std::string header;
  size_t data_bytes;
};

std::string tensor(const std::string& name, const std::string& dtype, const std::string& shape,
                   const std::string& offsets) {
  std::string text = "\"";
  text.append(name).append("\":{\"dtype\":\"").append(dtype).append("\",\"shape\":[");
  return text.append(shape).append("],\"data_offsets\":[").append(offsets).append("]}");
}

TEST(Safetensors, RefusesEveryCorruptionOfTheTable) {
  const std::string good = tensor("a", "U8", "2", "0,2");
  const std::string many_sides = "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1";
  const std::vector<Corruption> table = {
      {"no object", "[]", 0},
      {"empty header", "", 0},
      {"only space", "    ", 0},
      {"null", "null", 0},
      {"not closed", "{" + good, 2},
      {"text behind", "{" + good + "} x", 2},
      {"two objects", "{" + good + "}{}", 2},
      {"byte-order mark", "\xEF\xBB\xBF{" + good + "}", 2},
      {"NUL behind", std::string("{}\0 x", 5), 0},
      {"bad UTF-8", "{\"\xFF\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}", 2},
      {"comment", "{/**/" + good + "}", 2},
      {"same tensor twice", "{" + good + "," + good + "}", 2},
      {"same key twice", R"({"a":{"dtype":"U8","dtype":"U8","shape":[2],"data_offsets":[0,2]}})",
       2},
      {"same metadata twice", R"({"__metadata__":{"k":"1","k":"2"}})", 0},
      {"metadata twice", R"({"__metadata__":{},"__metadata__":{}})", 0},
      {"metadata number", R"({"__metadata__":{"k":1}})", 0},
      {"metadata nested", R"({"__metadata__":{"k":{}}})", 0},
      {"metadata list", R"({"__metadata__":[]})", 0},
      {"unknown field", R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2],"x":[]}})", 2},
      {"no dtype", R"({"a":{"shape":[2],"data_offsets":[0,2]}})", 2},
      {"no shape", R"({"a":{"dtype":"U8","data_offsets":[0,2]}})", 2},
      {"no offsets", R"({"a":{"dtype":"U8","shape":[2]}})", 2},
      {"tensor is a string", R"({"a":"U8"})", 0},
      {"unknown dtype", "{" + tensor("a", "F8_E4M3", "2", "0,2") + "}", 2},
      {"lower-case dtype", "{" + tensor("a", "u8", "2", "0,2") + "}", 2},
      {"negative side", "{" + tensor("a", "U8", "-2", "0,2") + "}", 2},
      {"fraction", "{" + tensor("a", "U8", "2.0", "0,2") + "}", 2},
      {"exponent", "{" + tensor("a", "U8", "2e0", "0,2") + "}", 2},
      {"text as side", "{" + tensor("a", "U8", "\"2\"", "0,2") + "}", 2},
      {"true as side", "{" + tensor("a", "U8", "true", "0,2") + "}", 2},
      {"nested shape", "{" + tensor("a", "U8", "[2]", "0,2") + "}", 2},
      {"one offset", "{" + tensor("a", "U8", "2", "0") + "}", 2},
      {"three offsets", "{" + tensor("a", "U8", "2", "0,2,2") + "}", 2},
      {"too many dimensions", "{" + tensor("a", "U8", many_sides, "0,1") + "}", 1},
      {"end before begin", "{" + tensor("a", "U8", "2", "2,0") + "}", 2},
      {"wrong size", "{" + tensor("a", "F32", "2", "0,2") + "}", 2},
      {"hole at the start", "{" + tensor("a", "U8", "2", "1,3") + "}", 3},
      {"hole between", "{" + good + "," + tensor("b", "U8", "1", "3,4") + "}", 4},
      {"overlap", "{" + good + "," + tensor("b", "U8", "2", "1,3") + "}", 3},
      {"two on one place", "{" + good + "," + tensor("b", "U8", "2", "0,2") + "}", 2},
      {"beyond the end", "{" + good + "}", 1},
      {"bytes behind", "{" + good + "}", 3},
      {"product overflows", "{" + tensor("a", "U8", "4294967296,4294967296,2", "0,0") + "}", 0},
      {"overflow hidden by zero", "{" + tensor("a", "U8", "0,9223372036854775807,9", "0,0") + "}",
       0},
      {"bytes overflow", "{" + tensor("a", "F64", "2305843009213693952", "0,0") + "}", 0},
      {"side beyond 64 bits", "{" + tensor("a", "U8", "99999999999999999999", "0,2") + "}", 2},
      {"offset beyond 64 bits", "{" + tensor("a", "U8", "2", "0,99999999999999999999") + "}", 2},
      {"largest offset", "{" + tensor("a", "U8", "2", "18446744073709551615,1") + "}", 2},
  };
  for (const auto& row : table) {
    EXPECT_THROW(parse(file_of(row.header, row.data_bytes)), CorruptFile) << row.what;
  }
  EXPECT_NO_THROW(parse(file_of("{" + good + "}", 2)));  // the table's base is sound
}

TEST(Safetensors, RefusesBadLengths) {
  for (size_t size = 0; size < 8; ++size) EXPECT_THROW(parse(Bytes(size, 0)), CorruptFile);
  EXPECT_THROW(parse(file_of("{}", 0, 3)), CorruptFile);
  EXPECT_THROW(parse(file_of("{}", 0, 100'000'001)), CorruptFile);
  Bytes all_ones(16, 0xFF);
  EXPECT_THROW(parse(all_ones), CorruptFile);
}

TEST(Safetensors, RefusesBoolsThatAreNeither) {
  Bytes file = serialize_safetensors({{"t", at::ones({3}, at::kBool)}});
  EXPECT_NO_THROW(parse(file));
  file.back() = 2;
  EXPECT_THROW(parse(file), CorruptFile);
}

TEST(Safetensors, DeepNestingIsRefusedWithoutRecursion) {
  EXPECT_THROW(parse(file_of("{\"a\":" + std::string(1'000'000, '['), 0)), CorruptFile);
  EXPECT_THROW(parse(file_of(std::string(1'000'000, '{'), 0)), CorruptFile);
}

TEST(Safetensors, HoldsItsTensorLimit) {
  std::string header = "{";
  for (size_t i = 0; i <= kMaxSafetensorsTensors; ++i) {
    if (i > 0) header += ',';
    header += tensor(std::to_string(i), "U8", "0", "0,0");
  }
  EXPECT_THROW(parse(file_of(header + "}", 0)), CorruptFile);
}

TEST(Safetensors, WriterChecksItsArguments) {
  EXPECT_THROW(serialize_safetensors({{"t", at::Tensor()}}), std::invalid_argument);
  EXPECT_THROW(serialize_safetensors({{"__metadata__", at::ones({1})}}), std::invalid_argument);
  EXPECT_THROW(serialize_safetensors({{"\xFF", at::ones({1})}}), std::invalid_argument);
  EXPECT_THROW(serialize_safetensors({{"t", at::ones({1}, at::kComplexFloat)}}),
               std::invalid_argument);
  EXPECT_THROW(serialize_safetensors({}, {{"k", "\xFF"}}), std::invalid_argument);
}

TEST(Safetensors, ErrorsNameTheFile) {
  try {
    parse_safetensors(nullptr, 0, "model.safetensors");
    FAIL();
  } catch (const CorruptFile& error) {
    EXPECT_EQ(std::string(error.what()).rfind("model.safetensors: ", 0), 0u);
  }
}

}  // namespace
}  // namespace guise::io
