// Packets to the letter, their place in JPEG and PNG files, and damage.
#include "io/xmp.h"

#include <gtest/gtest.h>

#include "io/write_image.h"
#include "support/decode_checks.h"
#include "support/png_fixtures.h"

namespace guise::io {
namespace {

using test::Bytes;

const std::string kJpegName("http://ns.adobe.com/xap/1.0/\0", 29);
const std::string kPngHeader("XML:com.adobe.xmp\0\0\0\0\0", 22);
const std::string kPacket = "<x:xmpmeta>some \xC3\xA9 text</x:xmpmeta>";

Bytes joined(const std::vector<Bytes>& pieces) {
  Bytes whole;
  for (const Bytes& piece : pieces) test::append(whole, piece);
  return whole;
}

Bytes slice(const Bytes& bytes, size_t begin, size_t end) {
  return Bytes(bytes.begin() + static_cast<std::ptrdiff_t>(begin),
               bytes.begin() + static_cast<std::ptrdiff_t>(end));
}

Bytes segment(uint8_t marker, const std::string& payload) {
  return joined({{0xFF, marker},
                 test::big_endian(static_cast<uint32_t>(payload.size() + 2), 2),
                 test::text_bytes(payload)});
}

// A JPEG that begins with SOI and DQT.
Bytes bare_jpeg() {
  const auto no_jfif = [](jpeg_compress_struct& cinfo) { cinfo.write_JFIF_header = FALSE; };
  const Bytes file = test::jpeg_file(test::bytes_of(test::pattern(8, 8)), 8, 8, 3, no_jfif);
  EXPECT_EQ(file[3], 0xDB);
  return file;
}

Bytes with_start(const Bytes& jpeg, const Bytes& segments) {
  return joined({slice(jpeg, 0, 2), segments, slice(jpeg, 2, jpeg.size())});
}

test::PngParts small_png() {
  return test::png_parts(2, 2, 8, 2, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
}

Bytes png_before(const std::vector<Bytes>& chunks) {
  test::PngParts parts = small_png();
  parts.before = joined(chunks);
  return test::png_file(parts);
}

Bytes xmp_chunk(const std::string& text) {
  return test::png_chunk("iTXt", test::text_bytes(text));
}

Bytes encoded(ImageFormat format, bool grey = false) {
  return encode_image(test::pattern(40, 30), format, grey, {});
}

TEST(ProvenanceXmp, IsThisPacket) {
  Provenance provenance;
  provenance.generator = "guise 0.1.0 render";
  provenance.models["skins"] = std::string(64, 'a');
  provenance.models["head"] = std::string(64, '0');
  const std::string expected =
      R"(<?xpacket begin=")"
      "\xEF\xBB\xBF"
      R"(" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">)"
      R"(<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">)"
      R"(<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" )"
      R"(xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" )"
      R"(xmlns:guise="urn:guise:provenance:1" xmp:CreatorTool="guise 0.1.0 render" )"
      R"(Iptc4xmpExt:DigitalSourceType=)"
      R"("http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia">)"
      R"(<guise:models><rdf:Bag><rdf:li guise:name="head" guise:sha256=")" +
      std::string(64, '0') + R"("/><rdf:li guise:name="skins" guise:sha256=")" +
      std::string(64, 'a') +
      R"("/></rdf:Bag></guise:models></rdf:Description></rdf:RDF></x:xmpmeta>)"
      R"(<?xpacket end="r"?>)";
  EXPECT_EQ(provenance_xmp(provenance), expected);
  provenance.models.clear();
  EXPECT_EQ(provenance_xmp(provenance).find("guise:models"), std::string::npos);
}

TEST(ProvenanceXmp, EscapesMarkup) {
  Provenance provenance;
  provenance.generator = R"(a<b>&"c"'d')";
  provenance.models["<&>"] = std::string(64, 'f');
  const std::string packet = provenance_xmp(provenance);
  EXPECT_NE(packet.find(R"(CreatorTool="a&lt;b&gt;&amp;&quot;c&quot;&apos;d&apos;")"),
            std::string::npos);
  EXPECT_NE(packet.find(R"(guise:name="&lt;&amp;&gt;")"), std::string::npos);
}

TEST(ProvenanceXmp, RefusesWhatItCannotSay) {
  const auto refused = [](const std::string& generator, const std::string& name,
                          const std::string& sha256) {
    EXPECT_THROW(provenance_xmp({generator, {{name, sha256}}}), std::invalid_argument)
        << generator << name << sha256;
  };
  const std::string sha256(64, '7');
  EXPECT_NO_THROW(provenance_xmp({"g", {{"m", sha256}}}));
  refused("", "m", sha256);
  refused("g\n", "m", sha256);
  refused("\xC3\xA9", "m", sha256);
  refused(std::string("g\0", 2), "m", sha256);
  refused("g", "", sha256);
  refused("g", "\t", sha256);
  refused("g", "m", "");
  refused("g", "m", sha256.substr(1));
  refused("g", "m", sha256 + "7");
  refused("g", "m", std::string(64, 'A'));
  refused("g", "m", std::string(64, '"'));
  Provenance many;
  many.generator = "g";
  for (int i = 0; i < 700; ++i) many.models["model" + std::to_string(i)] = sha256;
  EXPECT_THROW(provenance_xmp(many), std::invalid_argument);
}

TEST(WithXmp, GoesBehindTheFirstSegmentsOfAJpeg) {
  const Bytes bare = bare_jpeg();
  const Bytes jfif = segment(0xE0, std::string("JFIF\0\1\1\0\0\1\0\1\0\0", 14));
  const Bytes thumbnail = segment(0xE0, std::string("JFXX\0\x10", 6));
  const Bytes exif = segment(0xE1, std::string("Exif\0\0MM\0*\0\0\0\x8\0\0", 16));
  const Bytes comment = segment(0xFE, "a comment");
  const Bytes other = segment(0xE1, "http://ns.adobe.com/xmp/extension/");
  const Bytes xmp = segment(0xE1, kJpegName + kPacket);
  const auto expect = [&](const std::vector<Bytes>& before, const std::vector<Bytes>& behind) {
    const Bytes file = with_start(bare, joined({joined(before), joined(behind)}));
    EXPECT_EQ(find_xmp(file), "");
    const Bytes marked = with_xmp(file, kPacket);
    EXPECT_EQ(marked, with_start(bare, joined({joined(before), xmp, joined(behind)})));
    EXPECT_EQ(find_xmp(marked), kPacket);
    EXPECT_EQ(test::pixels_of(marked), test::pixels_of(file));
  };
  expect({}, {});
  expect({jfif}, {});
  expect({jfif, thumbnail}, {comment});
  expect({jfif, exif}, {comment, other});
  expect({exif}, {});
  expect({}, {comment, jfif});
  expect({}, {other, exif});
}

TEST(WithXmp, GoesBeforeTheDataOfAPng) {
  const Bytes gamma = test::png_chunk("gAMA", test::big_endian(45455, 4));
  const Bytes title = xmp_chunk(std::string("Title\0\0\0\0\0x", 11));
  for (const Bytes& before : {Bytes(), gamma, joined({gamma, title})}) {
    const Bytes file = png_before({before});
    EXPECT_EQ(find_xmp(file), "");
    const Bytes marked = with_xmp(file, kPacket);
    EXPECT_EQ(marked, png_before({before, xmp_chunk(kPngHeader + kPacket)}));
    EXPECT_EQ(find_xmp(marked), kPacket);
    EXPECT_EQ(test::pixels_of(marked), test::pixels_of(file));
  }
}

TEST(WithXmp, GoesBeforeTheFirstOfSeveralDataChunks) {
  const Bytes file = test::png_file(small_png());
  const Bytes head = slice(file, 0, 33);
  const Bytes first = test::png_chunk("IDAT", slice(file, 41, 46));
  const Bytes rest = joined(
      {test::png_chunk("IDAT", slice(file, 46, file.size() - 16)), test::png_chunk("IEND", {})});
  const Bytes marked = with_xmp(joined({head, first, rest}), kPacket);
  EXPECT_EQ(marked, joined({head, xmp_chunk(kPngHeader + kPacket), first, rest}));
  EXPECT_EQ(test::pixels_of(marked), test::pixels_of(file));
}

TEST(WithXmp, OurOwnPicturesKeepTheirPixels) {
  const std::string packet = provenance_xmp({"guise", {{"head", std::string(64, '1')}}});
  for (const auto format : {ImageFormat::jpeg, ImageFormat::png}) {
    for (const bool grey : {false, true}) {
      const Bytes file = encoded(format, grey);
      const Bytes marked = with_xmp(file, packet);
      EXPECT_GT(marked.size(), file.size() + packet.size());
      EXPECT_EQ(find_xmp(marked), packet);
      EXPECT_EQ(test::pixels_of(marked), test::pixels_of(file));
      EXPECT_EQ(test::decode(marked).grey, grey);
    }
  }
}

TEST(WithXmp, HoldsTheLimitOfASegment) {
  for (const auto format : {ImageFormat::jpeg, ImageFormat::png}) {
    const Bytes file = encoded(format);
    const std::string longest(65502, 'x');
    const Bytes marked = with_xmp(file, longest);
    EXPECT_EQ(find_xmp(marked), longest);
    EXPECT_EQ(test::pixels_of(marked), test::pixels_of(file));
    EXPECT_THROW(with_xmp(file, longest + "x"), std::invalid_argument);
    EXPECT_THROW(with_xmp(file, ""), std::invalid_argument);
    EXPECT_THROW(with_xmp(file, std::string("a\0b", 3)), std::invalid_argument);
  }
}

TEST(WithXmp, RefusesASecondPacket) {
  for (const auto format : {ImageFormat::jpeg, ImageFormat::png}) {
    const Bytes marked = with_xmp(encoded(format), kPacket);
    EXPECT_THROW(with_xmp(marked, kPacket), std::invalid_argument);
  }
  test::PngParts parts = small_png();
  parts.after = xmp_chunk(kPngHeader + kPacket);
  EXPECT_EQ(find_xmp(test::png_file(parts)), kPacket);
  EXPECT_THROW(with_xmp(test::png_file(parts), kPacket), std::invalid_argument);
}

TEST(WithXmp, KeepsOutOfOtherFormats) {
  for (const Bytes& file : {encoded(ImageFormat::webp), encoded(ImageFormat::bmp), Bytes(),
                            test::text_bytes("GIF89a.........."), Bytes{0xFF, 0xD8}}) {
    EXPECT_THROW(with_xmp(file, kPacket), std::invalid_argument);
    EXPECT_THROW(find_xmp(file), std::invalid_argument);
  }
}

TEST(FindXmp, ReadsTextChunksOfOtherWriters) {
  const std::string keyword("XML:com.adobe.xmp\0", 18);
  const std::string named("\0\0en\0XMP\0", 9);
  EXPECT_EQ(find_xmp(png_before({xmp_chunk(keyword + named + kPacket)})), kPacket);
  const std::string compressed("\1\0\0\0packed", 10);
  EXPECT_EQ(find_xmp(png_before({xmp_chunk(keyword + compressed)})), "");
  EXPECT_EQ(find_xmp(png_before({xmp_chunk(kPngHeader + "one"), xmp_chunk(kPngHeader + "two")})),
            "one");
  for (size_t size = keyword.size(); size < kPngHeader.size(); ++size) {
    const Bytes file = png_before({xmp_chunk(kPngHeader.substr(0, size))});
    EXPECT_THROW(find_xmp(file), CorruptFile) << size;
  }
  EXPECT_EQ(find_xmp(png_before({xmp_chunk(kPngHeader)})), "");
}

TEST(FindXmp, RefusesDamagedJpegHeaders) {
  const Bytes whole = with_xmp(bare_jpeg(), kPacket);
  size_t scan = whole.size();
  for (size_t at = 2; whole[at + 1] != 0xDA;) {
    at += 2 + size_t{whole[at + 2]} * 256 + whole[at + 3];
    scan = at + 2 + size_t{whole[at + 2]} * 256 + whole[at + 3];
  }
  EXPECT_EQ(find_xmp(slice(whole, 0, scan)), kPacket);
  for (size_t size = 3; size < scan; ++size) {
    EXPECT_THROW(find_xmp(slice(whole, 0, size)), CorruptFile) << size;
    EXPECT_THROW(with_xmp(slice(whole, 0, size), kPacket), CorruptFile) << size;
  }
  const Bytes start = {0xFF, 0xD8};
  for (const Bytes& rest : std::vector<Bytes>{{0xFF, 0xD9, 0, 2},
                                              {0xFF, 0xE0, 0, 1, 0},
                                              {0xFF, 0xE0, 0, 0, 0},
                                              {0xFF, 0xDA, 0, 1, 0},
                                              {0xFF, 0xE0, 0, 2, 0, 0xFF, 0xDA, 0, 2},
                                              {0xFF, 0x01, 0, 2},
                                              {0xFF, 0xFF, 0xFF, 0xFF}}) {
    EXPECT_THROW(find_xmp(joined({start, rest})), CorruptFile);
  }
  EXPECT_EQ(find_xmp(joined({start, {0xFF, 0xFF, 0xFF, 0xDA, 0, 2}})), "");  // fill bytes
}

TEST(FindXmp, RefusesDamagedPngChunks) {
  const Bytes whole = with_xmp(png_before({}), kPacket);
  EXPECT_EQ(find_xmp(whole), kPacket);
  for (size_t size = 8; size < whole.size(); ++size) {
    EXPECT_THROW(find_xmp(slice(whole, 0, size)), CorruptFile) << size;
    EXPECT_THROW(with_xmp(slice(whole, 0, size), kPacket), CorruptFile) << size;
  }
  const size_t data_at = 33 + 12 + kPngHeader.size() + kPacket.size();
  for (size_t at = 8; at < data_at; ++at) {
    Bytes spoilt = whole;
    spoilt[at] ^= 1;
    EXPECT_THROW(find_xmp(spoilt), CorruptFile) << at;
  }
  const Bytes signature = slice(whole, 0, 8);
  const Bytes head = slice(whole, 8, 33);
  const Bytes end = test::png_chunk("IEND", {});
  EXPECT_THROW(find_xmp(joined({signature, head, end})), CorruptFile);
  EXPECT_THROW(find_xmp(joined({signature, test::png_chunk("IDAT", {}), head, end})), CorruptFile);
  EXPECT_THROW(find_xmp(joined({signature, test::png_chunk("IHDR", Bytes(12)), end})), CorruptFile);
}

}  // namespace
}  // namespace guise::io
