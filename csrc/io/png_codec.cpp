// PNG bytes <-> RGB pixels: libpng set to accept no damage and to unpack no text.
//
// libpng expands every colour type to RGB or RGBA of 8 bits. RGB goes straight into the tensor;
// RGBA goes through one row, or through a full buffer where the file is interlaced. The traps:
// compressed text chunks unpack to gigabytes, hence the chunks that are skipped; and see
// guarded_call.h: nothing with a destructor may live inside a guarded step.
#include "io/png_codec.h"

#include <ATen/ops/empty.h>
#include <png.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>
#include <utility>

#include "core/check.h"
#include "io/exif_orientation.h"
#include "io/guarded_call.h"
#include "io/pixel_rows.h"

namespace guise::io {
namespace {

constexpr png_alloc_size_t kMaxChunkBytes = 16 << 20;  // unpacked; the largest profiles have 4 MB

void leave(png_structp png, png_const_charp text) {
  auto* point = static_cast<JumpPoint*>(png_get_error_ptr(png));
  std::snprintf(point->text, sizeof(point->text), "%s", text);
  // libpng has no error codes; this is its text in png_malloc and png_create.
  point->out_of_memory = std::strcmp(text, "Out of memory") == 0;
  std::longjmp(point->buffer, 1);
}

void ignore_warning(png_structp, png_const_charp) {}

[[noreturn]] void throw_decode_error(const JumpPoint& point) {
  if (point.out_of_memory) throw Unavailable("not enough memory to decode the PNG picture");
  throw CorruptFile(core::message("the PNG data must be complete and undamaged; the decoder says: ",
                                  point.text, "; restore the file from its source"));
}

struct ByteSource {
  const uint8_t* data;
  size_t left;
};

void take_bytes(png_structp png, png_bytep to, size_t count) {
  auto* source = static_cast<ByteSource*>(png_get_io_ptr(png));
  if (count > source->left) png_error(png, "the file ends too early");
  std::memcpy(to, source->data, count);
  source->data += count;
  source->left -= count;
}

// Owns libpng's two structs; `png` is null only when memory ran out.
struct Reader {
  JumpPoint point;
  ByteSource source;
  png_structp png = nullptr;
  png_infop info = nullptr;

  Reader(const uint8_t* data, size_t size) : source{data, size} {
    run_guarded(point, [&] {
      png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &point, leave, ignore_warning);
      if (png != nullptr) info = png_create_info_struct(png);
    });
    if (info == nullptr) {
      png_destroy_read_struct(&png, &info, nullptr);
      throw Unavailable("not enough memory to decode the PNG picture");
    }
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
};

void set_limits(png_structp png, const ReadLimits& limits) {
  // Names of 4 letters with a closing zero each, as libpng wants them.
  static constexpr png_byte kSkipped[] = "tEXt\0zTXt\0iTXt\0tIME\0sPLT\0hIST\0pCAL\0sCAL\0oFFs";
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, kSkipped, sizeof(kSkipped) / 5);
  png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  const auto side = static_cast<png_uint_32>(std::min<int64_t>(limits.max_side_px, 0x7FFFFFFF));
  png_set_user_limits(png, side, side);
  png_set_chunk_malloc_max(png, kMaxChunkBytes);
  png_set_chunk_cache_max(png, 64);
}

// Facts of the file that libpng knows after png_read_update_info.
struct Shape {
  int colour_type;  // as stored
  bool interlaced;
  size_t pixel_bytes;  // as libpng gives rows: 1 palette index, 3 RGB, 4 RGBA
};

// Colours of a palette file, already over white. Plain data, so it may live inside guarded steps.
struct Palette {
  uint8_t rgb[256][3] = {};
  int colours = 0;
};

// Palette indices stay indices, because libpng turns one beyond the palette into black.
void ask_for_8_bit_rows(png_structp png, int colour_type) {
  if (colour_type == PNG_COLOR_TYPE_PALETTE) {
    png_set_packing(png);
  } else {
    png_set_expand(png);    // small greys -> 8 bits, tRNS -> alpha
    png_set_scale_16(png);  // rounds; png_set_strip_16 would cut
    png_set_gray_to_rgb(png);
  }
  png_set_interlace_handling(png);
}

Shape open_picture(Reader& reader, const ImageHeader& header, const ReadLimits& limits) {
  Shape shape{};
  png_uint_32 width = 0;
  png_uint_32 height = 0;
  size_t row_bytes = 0;
  const bool opened = run_guarded(reader.point, [&] {
    png_set_read_fn(reader.png, &reader.source, take_bytes);
    set_limits(reader.png, limits);
    png_read_info(reader.png, reader.info);
    width = png_get_image_width(reader.png, reader.info);
    height = png_get_image_height(reader.png, reader.info);
    shape.colour_type = png_get_color_type(reader.png, reader.info);
    shape.interlaced = png_get_interlace_type(reader.png, reader.info) != PNG_INTERLACE_NONE;
    ask_for_8_bit_rows(reader.png, shape.colour_type);
    png_read_update_info(reader.png, reader.info);
    row_bytes = png_get_rowbytes(reader.png, reader.info);
  });
  if (!opened) throw_decode_error(reader.point);
  const bool palette = shape.colour_type == PNG_COLOR_TYPE_PALETTE;
  shape.pixel_bytes = palette ? 1 : row_bytes == size_t{4} * width ? 4 : 3;
  if (width != header.width_px || height != header.height_px ||
      row_bytes != shape.pixel_bytes * width) {
    throw CorruptFile("a PNG file must keep to its header; this one decodes to another shape");
  }
  return shape;
}

Palette read_palette(Reader& reader) {
  Palette palette;
  png_colorp colours = nullptr;
  png_bytep alphas = nullptr;
  int alpha_count = 0;
  png_get_PLTE(reader.png, reader.info, &colours, &palette.colours);
  png_get_tRNS(reader.png, reader.info, &alphas, &alpha_count, nullptr);
  for (int i = 0; i < palette.colours; ++i) {
    const uint32_t alpha = i < alpha_count ? alphas[i] : 255;
    palette.rgb[i][0] = over_white(colours[i].red, alpha);
    palette.rgb[i][1] = over_white(colours[i].green, alpha);
    palette.rgb[i][2] = over_white(colours[i].blue, alpha);
  }
  return palette;
}

void look_up(png_structp png, const Palette& palette, const uint8_t* indices, int64_t count,
             uint8_t* rgb) {
  for (int64_t i = 0; i < count; ++i) {
    if (indices[i] >= palette.colours) png_error(png, "a pixel names a colour beyond the palette");
    std::memcpy(rgb + 3 * i, palette.rgb[indices[i]], 3);
  }
}

// Reads every pass of every row. RGB goes to its place; other rows go through `scratch`, which has
// one row, or all of them where passes revisit rows.
void read_rows(png_structp png, const ImageHeader& header, const Shape& shape,
               const Palette& palette, uint8_t* scratch, uint8_t* rgb) {
  const int64_t width = header.width_px;
  const int64_t stride = static_cast<int64_t>(shape.pixel_bytes) * width;
  const int passes = shape.interlaced ? 7 : 1;
  for (int pass = 0; pass < passes; ++pass) {
    for (int64_t y = 0; y < header.height_px; ++y) {
      uint8_t* const place = rgb + 3 * width * y;
      uint8_t* const row =
          scratch == nullptr ? place : scratch + (shape.interlaced ? y * stride : 0);
      png_read_row(png, row, nullptr);
      if (pass < passes - 1) continue;
      if (shape.pixel_bytes == 4) flatten_rgba(row, width, place);
      if (shape.pixel_bytes == 1) look_up(png, palette, row, width, place);
    }
  }
}

void read_pixels(Reader& reader, const ImageHeader& header, const Shape& shape, uint8_t* rgb) {
  const Palette palette = read_palette(reader);
  const size_t row_bytes = shape.pixel_bytes * static_cast<size_t>(header.width_px);
  const size_t scratch_rows = shape.interlaced ? static_cast<size_t>(header.height_px) : 1;
  std::vector<uint8_t> scratch(shape.pixel_bytes == 3 ? 0 : row_bytes * scratch_rows);
  uint8_t* const scratch_data = scratch.empty() ? nullptr : scratch.data();
  const bool complete = run_guarded(reader.point, [&] {
    read_rows(reader.png, header, shape, palette, scratch_data, rgb);
    png_read_end(reader.png, reader.info);
  });
  if (!complete) throw_decode_error(reader.point);
}

int read_orientation(Reader& reader) {
  png_uint_32 size = 0;
  png_bytep exif = nullptr;
  if (png_get_eXIf_1(reader.png, reader.info, &size, &exif) == 0) return 1;
  return exif_orientation(exif, size);
}

std::vector<uint8_t> read_profile(Reader& reader) {
  png_charp name = nullptr;
  int method = 0;
  png_bytep bytes = nullptr;
  png_uint_32 size = 0;
  if (png_get_iCCP(reader.png, reader.info, &name, &method, &bytes, &size) == 0) return {};
  return std::vector<uint8_t>(bytes, bytes + size);
}

// Owns libpng's two structs and the growing file.
struct Writer {
  JumpPoint point;
  std::vector<uint8_t> file;
  png_structp png = nullptr;
  png_infop info = nullptr;

  Writer() {
    run_guarded(point, [&] {
      png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &point, leave, ignore_warning);
      if (png != nullptr) info = png_create_info_struct(png);
    });
    if (info == nullptr) {
      png_destroy_write_struct(&png, &info);
      throw Unavailable("not enough memory to encode the PNG picture");
    }
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() { png_destroy_write_struct(&png, &info); }
};

bool append(std::vector<uint8_t>& file, const uint8_t* bytes, size_t count) {
  try {
    file.insert(file.end(), bytes, bytes + count);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void put_bytes(png_structp png, png_bytep bytes, size_t count) {
  auto* file = static_cast<std::vector<uint8_t>*>(png_get_io_ptr(png));
  if (!append(*file, bytes, count)) png_error(png, "Out of memory");
}

void flush_nothing(png_structp) {}

void write_header(Writer& writer, int64_t width, int64_t height, bool grey,
                  const std::vector<uint8_t>& icc_profile, const WriteOptions& options) {
  png_set_write_fn(writer.png, &writer.file, put_bytes, flush_nothing);
  // A profile that libpng finds malformed is left out instead of failing the picture.
  png_set_benign_errors(writer.png, /*allowed=*/1);
  png_set_user_limits(writer.png, 0x7FFFFFFF, 0x7FFFFFFF);
  png_set_compression_level(writer.png, options.png_compression);
  png_set_IHDR(writer.png, writer.info, static_cast<png_uint_32>(width),
               static_cast<png_uint_32>(height), /*bit_depth=*/8,
               grey ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!icc_profile.empty()) {
    png_set_iCCP(writer.png, writer.info, "icc", PNG_COMPRESSION_TYPE_BASE, icc_profile.data(),
                 static_cast<png_uint_32>(icc_profile.size()));
  }
  png_write_info(writer.png, writer.info);
}

}  // namespace

DecodedImage decode_png(const uint8_t* data, size_t size, const ImageHeader& header,
                        const ReadLimits& limits) {
  Reader reader(data, size);
  const Shape shape = open_picture(reader, header, limits);
  DecodedImage image;
  image.format = ImageFormat::png;
  image.grey = (shape.colour_type & PNG_COLOR_MASK_COLOR) == 0;
  image.pixels = at::empty({header.height_px, header.width_px, 3}, at::kByte);
  read_pixels(reader, header, shape, image.pixels.mutable_data_ptr<uint8_t>());
  image.icc_profile = read_profile(reader);
  image.orientation = read_orientation(reader);
  image.pixels = turn_upright(image.pixels, image.orientation);
  return image;
}

std::vector<uint8_t> encode_png(const uint8_t* rgb, int64_t width, int64_t height, bool grey,
                                const std::vector<uint8_t>& icc_profile,
                                const WriteOptions& options) {
  std::vector<uint8_t> grey_row(grey ? static_cast<size_t>(width) : 0);
  uint8_t* const grey_data = grey_row.data();
  Writer writer;
  const bool complete = run_guarded(writer.point, [&] {
    write_header(writer, width, height, grey, icc_profile, options);
    for (int64_t y = 0; y < height; ++y) {
      const uint8_t* row = rgb + 3 * width * y;
      if (grey) luma_row(row, width, grey_data);
      png_write_row(writer.png, grey ? grey_data : row);
    }
    png_write_end(writer.png, nullptr);
  });
  if (!complete) {
    throw Unavailable(core::message("the PNG encoder gave up: ", writer.point.text));
  }
  return std::move(writer.file);
}

}  // namespace guise::io
