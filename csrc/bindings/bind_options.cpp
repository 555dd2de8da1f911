// Options structs: keyword-only, defaults and meaning as in C++.
#include "bindings/common.h"
#include "bindings/options_class.h"
#include "core/check.h"
#include "pipelines/anonymize_collection.h"
#include "stages/align_face.h"

namespace guise::bindings {

namespace {

void bind_stage_options(py::module_& m) {
  using stages::DetectOptions;
  OptionsClass<DetectOptions>(m, "DetectOptions", "How a picture is searched for faces.")
      .field("threshold", &DetectOptions::threshold,
             "score of an accepted face, 0 to 1; negative: each detector's own")
      .field("review_threshold", &DetectOptions::review_threshold,
             "score from which a candidate is doubtful; negative: each detector's own")
      .field("nms_iou", &DetectOptions::nms_iou, "boxes that overlap more are one face")
      .field("smallest_face_px", &DetectOptions::smallest_face_px,
             "smaller boxes are not looked for, px")
      .field("max_closer_looks", &DetectOptions::max_closer_looks,
             "closer looks a detector and picture; candidates beyond it are doubtful")
      .finish();
  using stages::ObscureOptions;
  OptionsClass<ObscureOptions>(m, "ObscureOptions", "How a face is obscured.")
      .field("method", &ObscureOptions::method, "'blur', 'pixelate' or 'solid' (black)")
      .field("shape", &ObscureOptions::shape, "'ellipse' or 'box'")
      .field("mask_scale", &ObscureOptions::mask_scale,
             "mask size as a multiple of the detection box, 1 to 4")
      .field("strength", &ObscureOptions::strength,
             "2 = half as many blocks, twice the blur; 0.1 to 10")
      .field("feather", &ObscureOptions::feather,
             "width of the soft border outside the mask, as a share of the face")
      .finish();
}

void bind_file_options(py::module_& m) {
  using io::ReadLimits;
  OptionsClass<ReadLimits>(m, "ReadLimits", "What a picture file may ask for before it is refused.")
      .field("max_file_bytes", &ReadLimits::max_file_bytes, "bytes of the file")
      .field("max_side_px", &ReadLimits::max_side_px, "longest side, px")
      .field("max_pixels", &ReadLimits::max_pixels, "width times height")
      .field("max_jpeg_scans", &ReadLimits::max_jpeg_scans, "scans of a progressive JPEG")
      .finish();
  using io::WriteOptions;
  OptionsClass<WriteOptions>(m, "WriteOptions", "How pictures are compressed.")
      .field("jpeg_quality", &WriteOptions::jpeg_quality, "1 to 100")
      .field("jpeg_subsample_chroma", &WriteOptions::jpeg_subsample_chroma,
             "4:2:0, as cameras do, instead of 4:4:4")
      .field("png_compression", &WriteOptions::png_compression, "zlib level, 0 to 9")
      .field("webp_quality", &WriteOptions::webp_quality, "1 to 100")
      .field("webp_lossless", &WriteOptions::webp_lossless, "keep every pixel value")
      .field("webp_effort", &WriteOptions::webp_effort, "0 (fast) to 6 (small)")
      .finish();
}

void bind_pipeline_options(py::module_& m) {
  using pipelines::AnonymizeOptions;
  OptionsClass<AnonymizeOptions>(m, "AnonymizeOptions", "How one picture is anonymised.")
      .field("detect", &AnonymizeOptions::detect, "DetectOptions")
      .field("obscure", &AnonymizeOptions::obscure, "ObscureOptions")
      .field("when_unsure", &AnonymizeOptions::when_unsure,
             "'review': doubtful photos give no image; 'obscure-all': doubtful places are obscured")
      .field("second_look", &AnonymizeOptions::second_look,
             "search the finished picture for faces that no mask covers")
      .finish();
  using pipelines::CollectionOptions;
  OptionsClass<CollectionOptions>(m, "CollectionOptions", "How a folder of photos is anonymised.")
      .field("anonymize", &CollectionOptions::anonymize, "AnonymizeOptions")
      .field("limits", &CollectionOptions::limits, "ReadLimits")
      .field("write", &CollectionOptions::write, "WriteOptions")
      .field("format", &CollectionOptions::format, "'keep', 'jpeg', 'png' or 'webp'")
      .field("report", &CollectionOptions::report,
             "path of the report; empty: guise-report.jsonl in the output folder")
      .field("follow_links", &CollectionOptions::follow_links, "enter linked folders and files")
      .field("hidden", &CollectionOptions::hidden, "include names that start with a dot")
      .field("workers", &CollectionOptions::workers, "photos at a time; 0: one a processor")
      .field("max_pixels_in_flight", &CollectionOptions::max_pixels_in_flight,
             "pixels of all photos being worked on; bounds the memory")
      .finish();
}

}  // namespace

void bind_options(py::module_& m) {
  bind_stage_options(m);
  bind_file_options(m);
  bind_pipeline_options(m);
}

}  // namespace guise::bindings
