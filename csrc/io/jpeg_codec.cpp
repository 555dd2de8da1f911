// JPEG bytes <-> RGB pixels: libjpeg-turbo with its warnings turned into errors.
//
// Decoding goes in strips of 16 rows: straight into the tensor for plain RGB, through one strip for
// CMYK and for pictures that are stored turned, so that no second full-size buffer is needed.
// The trap: see guarded_call.h; nothing with a destructor may live inside a guarded step.
#include "io/jpeg_codec.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>

#include <jerror.h>

#include "core/check.h"
#include "io/exif_orientation.h"
#include "io/guarded_call.h"
#include "io/pixel_rows.h"

namespace guise::io {
namespace {

constexpr JDIMENSION kStripRows = 16;
constexpr size_t kIccPrefix = 14;  // "ICC_PROFILE\0", sequence number, count

struct JpegErrors {
  jpeg_error_mgr base;  // first, so that a pointer to it is a pointer to the whole
  JumpPoint point;
};

void leave(j_common_ptr cinfo) {
  auto* errors = reinterpret_cast<JpegErrors*>(cinfo->err);
  char text[JMSG_LENGTH_MAX];
  (*cinfo->err->format_message)(cinfo, text);
  std::snprintf(errors->point.text, sizeof(errors->point.text), "%s", text);
  errors->point.out_of_memory = cinfo->err->msg_code == JERR_OUT_OF_MEMORY;
  std::longjmp(errors->point.buffer, 1);
}

// Level -1 is libjpeg's "corrupt data"; higher levels are trace messages.
void judge_message(j_common_ptr cinfo, int level) {
  if (level >= 0) return;
  switch (cinfo->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA:  // padding between segments, written by several cameras
    case JWRN_ADOBE_XFORM:      // unknown Adobe transform code; libjpeg assumes the usual one
    case JWRN_JFIF_MAJOR:       // a version number nobody has defined
      return;
    default:
      leave(cinfo);
  }
}

void ignore_output(j_common_ptr) {}

void install_errors(JpegErrors& errors) {
  jpeg_std_error(&errors.base);
  errors.base.error_exit = leave;
  errors.base.emit_message = judge_message;
  errors.base.output_message = ignore_output;
}

[[noreturn]] void throw_decode_error(const JumpPoint& point) {
  if (point.out_of_memory) throw Unavailable("not enough memory to decode the JPEG picture");
  throw CorruptFile(
      core::message("the JPEG data must be complete and undamaged; the decoder says: ", point.text,
                    "; restore the file from its source"));
}

struct ScanCounter {
  jpeg_progress_mgr base;
  int max_scans;
};

void stop_at_scan_limit(j_common_ptr cinfo) {
  const auto* counter = reinterpret_cast<ScanCounter*>(cinfo->progress);
  const auto* decompress = reinterpret_cast<j_decompress_ptr>(cinfo);
  if (decompress->input_scan_number <= counter->max_scans) return;
  auto* errors = reinterpret_cast<JpegErrors*>(cinfo->err);
  std::snprintf(errors->point.text, sizeof(errors->point.text), "more than %d scans",
                counter->max_scans);
  std::longjmp(errors->point.buffer, 1);
}

// Owns a decompressor from creation to destruction.
struct Decompressor {
  jpeg_decompress_struct cinfo{};
  JpegErrors errors{};
  ScanCounter counter{};

  explicit Decompressor(int max_scans) {
    install_errors(errors);
    cinfo.err = &errors.base;
    counter.base.progress_monitor = stop_at_scan_limit;
    counter.max_scans = max_scans;
  }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  ~Decompressor() { jpeg_destroy_decompress(&cinfo); }
};

void start(Decompressor& jpeg, const uint8_t* data, size_t size, const ImageHeader& header) {
  auto& cinfo = jpeg.cinfo;
  const bool opened = run_guarded(jpeg.errors.point, [&] {
    jpeg_create_decompress(&cinfo);
    cinfo.progress = &jpeg.counter.base;
    jpeg_mem_src(&cinfo, data, static_cast<unsigned long>(size));
    jpeg_save_markers(&cinfo, JPEG_APP0 + 1, 0xFFFF);
    jpeg_save_markers(&cinfo, JPEG_APP0 + 2, 0xFFFF);
    jpeg_read_header(&cinfo, TRUE);
  });
  if (!opened) throw_decode_error(jpeg.errors.point);
  if (cinfo.image_width != header.width_px || cinfo.image_height != header.height_px ||
      cinfo.num_components != header.channels) {
    throw CorruptFile("a JPEG file must have one frame header; this one has several that differ");
  }
  cinfo.out_color_space = cinfo.num_components == 4 ? JCS_CMYK : JCS_RGB;
  // Coefficients of multi-scan files take at most 4 components x 2 bytes; blocks are padded.
  cinfo.mem->max_memory_to_use =
      static_cast<long>((int64_t{64} << 20) + 9 * header.width_px * header.height_px);
  const bool started = run_guarded(jpeg.errors.point, [&] { jpeg_start_decompress(&cinfo); });
  if (!started) throw_decode_error(jpeg.errors.point);
}

// A file may leave out the scans of a component, which then decodes as flat grey without a warning.
void check_every_component_has_data(const jpeg_decompress_struct& cinfo) {
  for (int i = 0; i < cinfo.num_components; ++i) {
    const bool seen = cinfo.comp_info[i].quant_table != nullptr;
    const bool complete = !cinfo.progressive_mode || cinfo.coef_bits[i][0] == 0;
    if (!seen || !complete) {
      throw CorruptFile("a JPEG file must hold data for every component; scans are missing here");
    }
  }
}

void read_rows_in_place(jpeg_decompress_struct& cinfo, uint8_t* rgb) {
  const size_t row_bytes = size_t{3} * cinfo.output_width;
  while (cinfo.output_scanline < cinfo.output_height) {
    JSAMPROW rows[kStripRows];
    const JDIMENSION left = std::min(kStripRows, cinfo.output_height - cinfo.output_scanline);
    for (JDIMENSION i = 0; i < left; ++i) rows[i] = rgb + (cinfo.output_scanline + i) * row_bytes;
    jpeg_read_scanlines(&cinfo, rows, left);
  }
}

// Fills `strip` with up to 16 rows and gives their number.
JDIMENSION read_strip(jpeg_decompress_struct& cinfo, uint8_t* strip) {
  const size_t row_bytes = static_cast<size_t>(cinfo.output_components) * cinfo.output_width;
  const JDIMENSION wanted = std::min(kStripRows, cinfo.output_height - cinfo.output_scanline);
  JDIMENSION done = 0;
  while (done < wanted) {
    JSAMPROW rows[kStripRows];
    for (JDIMENSION i = done; i < wanted; ++i) rows[i - done] = strip + i * row_bytes;
    done += jpeg_read_scanlines(&cinfo, rows, wanted - done);
  }
  return done;
}

// In place: pixel i is read at 4 i before anything is written beyond 3 i + 2. Adobe stores 255 for
// no ink, so that a product gives the light that is left; others store 255 for full ink.
void cmyk_to_rgb(uint8_t* pixels, size_t count, bool inverted) {
  const uint8_t flip = inverted ? 0 : 255;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t black = pixels[4 * i + 3] ^ flip;
    for (size_t c = 0; c < 3; ++c) {
      const uint32_t ink = pixels[4 * i + c] ^ flip;
      pixels[3 * i + c] = static_cast<uint8_t>((ink * black + 127) / 255);
    }
  }
}

void read_pixels(Decompressor& jpeg, int orientation, uint8_t* upright) {
  auto& cinfo = jpeg.cinfo;
  const bool cmyk = cinfo.out_color_space == JCS_CMYK;
  const bool direct = !cmyk && orientation == 1;
  std::vector<uint8_t> strip;
  if (!direct) strip.resize(size_t{kStripRows} * cinfo.output_width * cinfo.output_components);
  uint8_t* const strip_data = strip.data();
  const bool complete = run_guarded(jpeg.errors.point, [&] {
    if (direct) read_rows_in_place(cinfo, upright);
    while (cinfo.output_scanline < cinfo.output_height) {
      const JDIMENSION first = cinfo.output_scanline;
      const JDIMENSION rows = read_strip(cinfo, strip_data);
      if (cmyk) cmyk_to_rgb(strip_data, size_t{rows} * cinfo.output_width, cinfo.saw_Adobe_marker);
      place_rows_upright(strip_data, first, rows, cinfo.output_width, cinfo.output_height,
                         orientation, upright);
    }
    jpeg_finish_decompress(&cinfo);  // reads on to EOI, and complains where there is none
  });
  if (!complete) throw_decode_error(jpeg.errors.point);
}

int find_orientation(const jpeg_decompress_struct& cinfo) {
  for (auto* marker = cinfo.marker_list; marker != nullptr; marker = marker->next) {
    const bool exif = marker->marker == JPEG_APP0 + 1 && marker->data_length >= 6 &&
                      std::memcmp(marker->data, "Exif\0\0", 6) == 0;
    if (exif) return exif_orientation(marker->data, marker->data_length);
  }
  return 1;
}

// ICC.1:2010, B.4: numbered from 1, each naming the same count, each number exactly once.
std::vector<uint8_t> assemble_icc_profile(const jpeg_decompress_struct& cinfo) {
  jpeg_saved_marker_ptr parts[256] = {};
  int count = 0;
  int found = 0;
  for (auto* marker = cinfo.marker_list; marker != nullptr; marker = marker->next) {
    const bool icc = marker->marker == JPEG_APP0 + 2 && marker->data_length >= kIccPrefix &&
                     std::memcmp(marker->data, "ICC_PROFILE\0", 12) == 0;
    if (!icc) continue;
    const int number = marker->data[12];
    if (count == 0) count = marker->data[13];
    if (number < 1 || number > count || marker->data[13] != count || parts[number] != nullptr) {
      throw CorruptFile("the parts of a JPEG's ICC profile must be numbered 1 to their count");
    }
    parts[number] = marker;
    ++found;
  }
  if (found != count) throw CorruptFile("a JPEG must hold every part of its ICC profile");
  std::vector<uint8_t> profile;
  for (int i = 1; i <= count; ++i) {
    const auto* part = parts[i];
    profile.insert(profile.end(), part->data + kIccPrefix, part->data + part->data_length);
  }
  return profile;
}

// Owns a compressor and the buffer that jpeg_mem_dest allocates.
struct Compressor {
  jpeg_compress_struct cinfo{};
  JpegErrors errors{};
  unsigned char* bytes = nullptr;
  unsigned long size = 0;

  Compressor() {
    install_errors(errors);
    cinfo.err = &errors.base;
  }
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;
  ~Compressor() {
    jpeg_destroy_compress(&cinfo);
    std::free(bytes);
  }
};

void configure(jpeg_compress_struct& cinfo, bool grey, const WriteOptions& options) {
  cinfo.input_components = grey ? 1 : 3;
  cinfo.in_color_space = grey ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&cinfo);
  jpeg_set_quality(&cinfo, options.jpeg_quality, /*force_baseline=*/TRUE);
  const int factor = !grey && options.jpeg_subsample_chroma ? 2 : 1;
  cinfo.comp_info[0].h_samp_factor = factor;
  cinfo.comp_info[0].v_samp_factor = factor;
}

void write_rows(jpeg_compress_struct& cinfo, const uint8_t* rgb, uint8_t* grey_row) {
  const size_t row_bytes = size_t{3} * cinfo.image_width;
  while (cinfo.next_scanline < cinfo.image_height) {
    const uint8_t* from = rgb + cinfo.next_scanline * row_bytes;
    if (grey_row != nullptr) luma_row(from, cinfo.image_width, grey_row);
    // libjpeg does not write to the rows it is given; its interface only lacks the const.
    JSAMPROW row = grey_row != nullptr ? grey_row : const_cast<uint8_t*>(from);
    jpeg_write_scanlines(&cinfo, &row, 1);
  }
}

}  // namespace

DecodedImage decode_jpeg(const uint8_t* data, size_t size, const ImageHeader& header,
                         const ReadLimits& limits) {
  Decompressor jpeg(limits.max_jpeg_scans);
  start(jpeg, data, size, header);
  check_every_component_has_data(jpeg.cinfo);
  DecodedImage image;
  image.format = ImageFormat::jpeg;
  image.grey = header.channels == 1;
  image.orientation = find_orientation(jpeg.cinfo);
  if (header.channels != 4) image.icc_profile = assemble_icc_profile(jpeg.cinfo);
  const bool swaps = orientation_swaps_sides(image.orientation);
  const int64_t rows = swaps ? header.width_px : header.height_px;
  const int64_t columns = swaps ? header.height_px : header.width_px;
  image.pixels = at::empty({rows, columns, 3}, at::kByte);
  read_pixels(jpeg, image.orientation, image.pixels.mutable_data_ptr<uint8_t>());
  return image;
}

std::vector<uint8_t> encode_jpeg(const uint8_t* rgb, int64_t width, int64_t height, bool grey,
                                 const std::vector<uint8_t>& icc_profile,
                                 const WriteOptions& options) {
  std::vector<uint8_t> grey_row(grey ? static_cast<size_t>(width) : 0);
  uint8_t* const grey_data = grey ? grey_row.data() : nullptr;
  Compressor jpeg;
  auto& cinfo = jpeg.cinfo;
  const bool complete = run_guarded(jpeg.errors.point, [&] {
    jpeg_create_compress(&cinfo);
    jpeg_mem_dest(&cinfo, &jpeg.bytes, &jpeg.size);
    cinfo.image_width = static_cast<JDIMENSION>(width);
    cinfo.image_height = static_cast<JDIMENSION>(height);
    configure(cinfo, grey, options);
    jpeg_start_compress(&cinfo, /*write_all_tables=*/TRUE);
    if (!icc_profile.empty()) {
      jpeg_write_icc_profile(&cinfo, icc_profile.data(),
                             static_cast<unsigned int>(icc_profile.size()));
    }
    write_rows(cinfo, rgb, grey_data);
    jpeg_finish_compress(&cinfo);
  });
  if (!complete) {
    jpeg.bytes = nullptr;  // may already be freed: libjpeg hands the buffer over at the end only
    throw Unavailable(core::message("the JPEG encoder gave up: ", jpeg.errors.point.text));
  }
  return std::vector<uint8_t>(jpeg.bytes, jpeg.bytes + jpeg.size);
}

}  // namespace guise::io
