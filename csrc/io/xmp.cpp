// One walk per format finds both the packet that is there and the place for a new one.
#include "io/xmp.h"

#include <zlib.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "core/check.h"
#include "io/byte_reader.h"
#include "io/image_header.h"

namespace guise::io {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::string_view kJpegName = "http://ns.adobe.com/xap/1.0/\0"sv;
constexpr std::string_view kExifName = "Exif\0"sv;
constexpr std::string_view kPngKeyword = "XML:com.adobe.xmp\0"sv;
// Not compressed, method 0, no language, no translated keyword.
constexpr std::string_view kPngTextHeader = "XML:com.adobe.xmp\0\0\0\0\0"sv;

struct XmpPlaces {
  size_t insert_at = 0;
  std::optional<std::string_view> packet;  // inside the picture
};

[[noreturn]] void refuse(ImageFormat format, const char* what) {
  throw CorruptFile(core::message("a ", format_name(format), " file that ", what,
                                  " cannot carry XMP; save the picture again and retry"));
}

std::string_view text_at(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

struct JpegSegment {
  uint8_t marker;
  std::string_view payload;
  size_t next;
};

JpegSegment jpeg_segment(const uint8_t* data, size_t size, size_t at) {
  constexpr auto kFormat = ImageFormat::jpeg;
  if (at >= size) refuse(kFormat, "ends before its picture data");
  if (data[at] != 0xFF) refuse(kFormat, "has stray bytes between its segments");
  while (at < size && data[at] == 0xFF) ++at;  // any number of fill bytes
  if (size - at < 3) refuse(kFormat, "ends before its picture data");
  const uint8_t marker = data[at++];
  const bool bare = marker <= 0x01 || (marker >= 0xD0 && marker <= 0xD9);
  if (bare) refuse(kFormat, "has no picture data behind its segments");
  const size_t length = load_be16(data + at);
  if (length < 2 || length > size - at) refuse(kFormat, "has a segment that reaches past its end");
  return {marker, text_at(data + at + 2, length - 2), at + length};
}

// Walks to the first scan.
XmpPlaces walk_jpeg(const std::vector<uint8_t>& picture) {
  XmpPlaces places;
  places.insert_at = 2;  // behind SOI
  bool leading = true;
  size_t at = 2;
  while (true) {
    const JpegSegment segment = jpeg_segment(picture.data(), picture.size(), at);
    const bool app1 = segment.marker == 0xE1;
    leading =
        leading && (segment.marker == 0xE0 || (app1 && segment.payload.starts_with(kExifName)));
    at = segment.next;
    if (leading) places.insert_at = at;
    if (app1 && !places.packet && segment.payload.starts_with(kJpegName)) {
      places.packet = segment.payload.substr(kJpegName.size());
    }
    if (segment.marker == 0xDA) return places;
  }
}

struct PngChunk {
  std::string_view type;
  std::string_view payload;
  size_t next;
};

// Checks the CRC of all chunks but IDAT, whose bytes the decoder checks.
PngChunk png_chunk(const uint8_t* data, size_t size, size_t at) {
  constexpr auto kFormat = ImageFormat::png;
  if (size - at < 12) refuse(kFormat, "ends before IEND");
  const size_t length = load_be32(data + at);
  if (length > size - at - 12) refuse(kFormat, "has a chunk that reaches past its end");
  const PngChunk chunk{text_at(data + at + 4, 4), text_at(data + at + 8, length), at + 12 + length};
  if (chunk.type != "IDAT" &&
      crc32(0, data + at + 4, static_cast<uInt>(length + 4)) != load_be32(data + at + 8 + length)) {
    refuse(kFormat, "has a chunk with a wrong checksum");
  }
  return chunk;
}

// Text of an uncompressed iTXt chunk whose keyword is XMP's; nothing for a compressed one.
std::optional<std::string_view> png_packet(std::string_view payload) {
  const std::string_view rest = payload.substr(kPngKeyword.size());
  if (rest.size() < 4) refuse(ImageFormat::png, "has a text chunk that ends inside its header");
  if (rest[0] != 0) return std::nullopt;
  const size_t language_end = rest.find('\0', 2);
  const size_t keyword_end =
      language_end == rest.npos ? rest.npos : rest.find('\0', language_end + 1);
  if (keyword_end == rest.npos) {
    refuse(ImageFormat::png, "has a text chunk that ends inside its header");
  }
  return rest.substr(keyword_end + 1);
}

XmpPlaces walk_png(const std::vector<uint8_t>& picture) {
  constexpr auto kFormat = ImageFormat::png;
  XmpPlaces places;
  size_t at = 8;
  while (true) {
    const PngChunk chunk = png_chunk(picture.data(), picture.size(), at);
    if (at == 8 && (chunk.type != "IHDR" || chunk.payload.size() != 13)) {
      refuse(kFormat, "does not begin with IHDR");
    }
    if (chunk.type == "IDAT" && places.insert_at == 0) places.insert_at = at;
    if (chunk.type == "iTXt" && !places.packet && chunk.payload.starts_with(kPngKeyword)) {
      places.packet = png_packet(chunk.payload);
    }
    at = chunk.next;
    if (chunk.type == "IEND") break;
  }
  if (places.insert_at == 0) refuse(kFormat, "has no picture data");
  return places;
}

ImageFormat check_format(const std::vector<uint8_t>& picture) {
  const std::optional<ImageFormat> format = format_of(picture.data(), picture.size());
  GUISE_CHECK_ARG(format == ImageFormat::jpeg || format == ImageFormat::png,
                  "XMP is kept only in JPEG and PNG files; got ",
                  format ? format_name(*format) : "bytes of another kind", "; use one of the two");
  return *format;
}

XmpPlaces walk(const std::vector<uint8_t>& picture) {
  return check_format(picture) == ImageFormat::jpeg ? walk_jpeg(picture) : walk_png(picture);
}

void append_be(std::string& to, uint32_t value, int count) {
  for (int shift = 8 * (count - 1); shift >= 0; shift -= 8) {
    to += static_cast<char>(value >> shift & 0xFF);
  }
}

std::string jpeg_xmp_segment(const std::string& packet) {
  std::string segment = "\xFF\xE1";
  append_be(segment, static_cast<uint32_t>(2 + kJpegName.size() + packet.size()), 2);
  segment += kJpegName;
  return segment + packet;
}

std::string png_xmp_chunk(const std::string& packet) {
  std::string body = "iTXt";
  body += kPngTextHeader;
  body += packet;
  std::string chunk;
  append_be(chunk, static_cast<uint32_t>(body.size() - 4), 4);
  chunk += body;
  const auto* bytes = reinterpret_cast<const Bytef*>(body.data());
  append_be(chunk, static_cast<uint32_t>(crc32(0, bytes, static_cast<uInt>(body.size()))), 4);
  return chunk;
}

// For element text and quoted attributes. ASCII only: nothing else then needs a thought.
std::string xml_escaped(const std::string& text, const char* what) {
  GUISE_CHECK_ARG(!text.empty(), "the ", what, " of a picture's provenance must not be empty");
  std::string escaped;
  for (const char letter : text) {
    GUISE_CHECK_ARG(letter >= ' ' && letter <= '~', "the ", what,
                    " of a picture's provenance must be printable ASCII; got ", text);
    switch (letter) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&apos;";
        break;
      default:
        escaped += letter;
    }
  }
  return escaped;
}

bool is_sha256(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

std::string models_element(const std::map<std::string, std::string>& models) {
  if (models.empty()) return "";
  std::string element = "<guise:models><rdf:Bag>";
  for (const auto& [name, sha256] : models) {
    GUISE_CHECK_ARG(is_sha256(sha256),
                    "the SHA-256 of a model must be 64 lower-case hexadecimal digits; got '",
                    sha256, "' for ", name);
    element += "<rdf:li guise:name=\"" + xml_escaped(name, "model name") + "\" guise:sha256=\"" +
               sha256 + "\"/>";
  }
  return element + "</rdf:Bag></guise:models>";
}

}  // namespace

std::string provenance_xmp(const Provenance& provenance) {
  // The id is the same in every packet; begin holds a byte order mark. Read-only needs no padding.
  const std::string packet =
      "<?xpacket begin=\"\xEF\xBB\xBF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>"
      "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">"
      "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">"
      "<rdf:Description rdf:about=\"\" xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\""
      " xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\""
      " xmlns:guise=\"urn:guise:provenance:1\""
      " xmp:CreatorTool=\"" +
      xml_escaped(provenance.generator, "generator") +
      "\" Iptc4xmpExt:DigitalSourceType="
      "\"http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia\">" +
      models_element(provenance.models) +
      "</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end=\"r\"?>";
  GUISE_CHECK_ARG(packet.size() <= kMaxXmpBytes, "the provenance of a picture must fit into ",
                  kMaxXmpBytes, " bytes; ", provenance.models.size(), " models make ",
                  packet.size(), "; name fewer models");
  return packet;
}

std::vector<uint8_t> with_xmp(const std::vector<uint8_t>& picture, const std::string& packet) {
  GUISE_CHECK_ARG(!packet.empty() && packet.size() <= kMaxXmpBytes, "an XMP packet must have 1 to ",
                  kMaxXmpBytes, " bytes; got ", packet.size());
  GUISE_CHECK_ARG(packet.find('\0') == packet.npos, "an XMP packet must not hold a zero byte");
  const XmpPlaces places = walk(picture);
  GUISE_CHECK_ARG(!places.packet,
                  "a picture must have one XMP packet at most; this one has one; encode it again "
                  "without metadata first");
  const std::string added =
      check_format(picture) == ImageFormat::jpeg ? jpeg_xmp_segment(packet) : png_xmp_chunk(packet);
  const auto middle = picture.begin() + static_cast<std::ptrdiff_t>(places.insert_at);
  std::vector<uint8_t> file;
  file.reserve(picture.size() + added.size());
  file.insert(file.end(), picture.begin(), middle);
  file.insert(file.end(), added.begin(), added.end());
  file.insert(file.end(), middle, picture.end());
  return file;
}

std::string find_xmp(const std::vector<uint8_t>& picture) {
  return std::string(walk(picture).packet.value_or(""));
}

}  // namespace guise::io
