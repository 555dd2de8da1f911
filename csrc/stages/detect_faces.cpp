#include "stages/detect_faces.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/check.h"
#include "core/cv_bridge.h"
#include "core/image.h"
#include "core/image_pyramid.h"
#include "ops/nms.h"

namespace guise::stages {

namespace {

// A face of up to this size lies whole in some tile; larger ones are found in the next smaller
// copy.
constexpr int64_t kTileOverlapPx = 96;
// The smallest copy has its longer side at most this long: a face that fills the frame is then 160
// px.
constexpr int64_t kSmallestLevelPx = 160;
// Up to here the second look starts at half the size: a face that this misses and the first look
// missed is smaller than about 20 px. In larger pictures small faces are common, and it starts at
// full size.
constexpr int64_t kHalvedSecondLookPixels = 1'000'000;
// A closer look shows this many face sizes of the picture.
constexpr double kLookContext = 4.0;
// Looks in one batch; bounds the memory of a crowd.
constexpr size_t kLooksAtATime = 8;
// A judgement belongs to the candidate it was asked about when the boxes overlap at least this
// much.
constexpr double kSameFaceIou = 0.3;
// Boxes that overlap a mask this much are what the mask hides, seen a little larger or smaller.
constexpr double kMaskIou = 0.35;

bool is_covered(const core::Box& box, const std::vector<core::Box>& masks) {
  return std::any_of(masks.begin(), masks.end(), [&box](const core::Box& mask) {
    return core::covered_share(box, mask) >= 0.5 ||
           core::intersection_over_union(box, mask) >= kMaskIou;
  });
}

// Whether nearly all of the box lies in one of `outer`.
bool is_inside(const core::Box& box, const std::vector<core::Box>& outer) {
  return std::any_of(outer.begin(), outer.end(), [&box](const core::Box& other) {
    return core::covered_share(box, other) >= 0.9;
  });
}

double longer_side(const core::Box& box) {
  return std::max(box.width(), box.height());
}

bool is_usable(const nets::FaceCandidate& face, double smallest_px) {
  const core::Box& box = face.box;
  return std::isfinite(box.x0) && std::isfinite(box.y0) && std::isfinite(box.x1) &&
         std::isfinite(box.y1) && longer_side(box) >= smallest_px && box.width() > 1 &&
         box.height() > 1 && longer_side(box) < 1e6;
}

std::vector<size_t> kept_by_nms(const std::vector<core::Box>& boxes,
                                const std::vector<float>& scores, double iou) {
  const auto count = static_cast<int64_t>(boxes.size());
  at::Tensor corners = at::empty({count, 4}, at::kFloat);
  float* out = corners.data_ptr<float>();
  for (const core::Box& box : boxes) {
    for (const double value : {box.x0, box.y0, box.x1, box.y1}) {
      *out++ = static_cast<float>(value);
    }
  }
  const at::Tensor kept = ops::nms(corners, at::tensor(scores, at::kFloat), iou);
  std::vector<size_t> indices;
  for (int64_t i = 0; i < kept.numel(); ++i) {
    indices.push_back(static_cast<size_t>(kept.data_ptr<int64_t>()[i]));
  }
  return indices;
}

std::vector<nets::FaceCandidate> suppress_candidates(const std::vector<nets::FaceCandidate>& faces,
                                                     double iou) {
  std::vector<core::Box> boxes;
  std::vector<float> scores;
  for (const nets::FaceCandidate& face : faces) {
    boxes.push_back(face.box);
    scores.push_back(face.score);
  }
  std::vector<nets::FaceCandidate> kept;
  for (const size_t i : kept_by_nms(boxes, scores, iou)) {
    kept.push_back(faces[i]);
  }
  return kept;
}

}  // namespace

// What one search looks at: the picture, whether it is mirrored before a detector sees it, and
// where nothing has to be found.
struct DetectFaces::View {
  const core::ImagePyramid& pyramid;
  bool mirror;
  const std::vector<core::Box>& masks;
  size_t first_level;  // the largest copy that is searched whole; closer looks use all of them

  std::vector<nets::FaceCandidate> propose(nets::FaceDetector& detector, const at::Tensor& part,
                                           float min_score) const {
    if (!mirror) {
      return detector.propose(part, min_score);
    }
    std::vector<nets::FaceCandidate> faces = detector.propose(part.flip(1), min_score);
    for (nets::FaceCandidate& face : faces) {
      face = nets::mirrored(face, static_cast<double>(part.size(1)));
    }
    return faces;
  }
};

std::vector<std::pair<int64_t, int64_t>> tile_spans(int64_t length_px, int64_t tile_px,
                                                    int64_t overlap_px) {
  GUISE_CHECK_ARG(tile_px >= 64 && overlap_px >= 0 && overlap_px <= tile_px / 2,
                  "tiles must be at least 64 px with an overlap of at most half of it; got ",
                  tile_px, " and ", overlap_px);
  if (length_px <= tile_px) {
    return {{0, length_px}};
  }
  const int64_t count =
      (length_px - overlap_px + tile_px - overlap_px - 1) / (tile_px - overlap_px);
  const int64_t even = (length_px + (count - 1) * overlap_px + count - 1) / count;
  const int64_t size = std::min(length_px, (even + 31) / 32 * 32);
  std::vector<std::pair<int64_t, int64_t>> spans;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t first = count == 1 ? 0 : (length_px - size) * i / (count - 1);
    spans.emplace_back(first, first + size);
  }
  return spans;
}

namespace {

void check(const DetectOptions& options) {
  GUISE_CHECK_ARG(options.threshold <= 1.0, "threshold must be 0 to 1, or negative; got ",
                  options.threshold);
  GUISE_CHECK_ARG(options.review_threshold <= 1.0,
                  "review_threshold must be 0 to 1, or negative; got ", options.review_threshold);
  GUISE_CHECK_ARG(options.threshold < 0 || options.review_threshold <= options.threshold,
                  "review_threshold must not be above threshold; got ", options.review_threshold,
                  " and ", options.threshold);
  GUISE_CHECK_ARG(options.nms_iou > 0 && options.nms_iou <= 1, "nms_iou must be 0 to 1; got ",
                  options.nms_iou);
  GUISE_CHECK_ARG(options.smallest_face_px >= 1 && options.smallest_face_px <= 1e5,
                  "smallest_face_px must be 1 to 100000; got ", options.smallest_face_px);
  GUISE_CHECK_ARG(options.max_closer_looks >= 0, "max_closer_looks must not be negative; got ",
                  options.max_closer_looks);
}

}  // namespace

DetectFaces::DetectFaces(std::vector<std::unique_ptr<nets::FaceDetector>> detectors,
                         const DetectOptions& options)
    : detectors_(std::move(detectors)), options_(options) {
  check(options);
  GUISE_CHECK_ARG(!detectors_.empty(), "at least one detector is needed; got none");
  std::set<std::string> names;
  for (const auto& detector : detectors_) {
    GUISE_CHECK_ARG(names.insert(detector->traits().name).second, "the detector '",
                    detector->traits().name, "' must be named once; it came twice");
  }
}

DetectFaces DetectFaces::clone() const {
  std::vector<std::unique_ptr<nets::FaceDetector>> copies;
  for (const auto& detector : detectors_) {
    copies.push_back(detector->clone());
  }
  return DetectFaces(std::move(copies), options_);
}

std::vector<std::string> DetectFaces::detector_names() const {
  std::vector<std::string> names;
  for (const auto& detector : detectors_) {
    names.push_back(detector->traits().name);
  }
  return names;
}

FaceSearch DetectFaces::operator()(const at::Tensor& image) {
  const core::ImagePyramid pyramid(core::check_image(image), kSmallestLevelPx);
  return search({pyramid, /*mirror=*/false, {}, /*first_level=*/0});
}

std::vector<DetectedFace> DetectFaces::find_uncovered(const at::Tensor& image,
                                                      const std::vector<core::Box>& masks) {
  const core::ImagePyramid pyramid(core::check_image(image), kSmallestLevelPx);
  const int64_t pixels = image.size(0) * image.size(1);
  const bool at_half = pixels <= kHalvedSecondLookPixels &&
                       std::max(image.size(0), image.size(1)) > 2 * kSmallestLevelPx;
  const size_t first_level = at_half ? 1 : 0;
  std::vector<DetectedFace> faces = search({pyramid, /*mirror=*/true, masks, first_level}).faces;
  // A closer look may have moved a box under a mask.
  std::erase_if(faces, [&masks](const DetectedFace& face) { return is_covered(face.box, masks); });
  return faces;
}

FaceSearch DetectFaces::search(const View& view) {
  FaceSearch found;
  for (const auto& detector : detectors_) {
    judge(*detector, view, candidates(*detector, view), found);
  }
  found.faces = suppress(found.faces);
  std::vector<core::Box> accepted;
  for (const DetectedFace& face : found.faces) {
    accepted.push_back(face.box);
  }
  std::erase_if(found.doubtful,
                [&accepted](const DetectedFace& face) { return is_covered(face.box, accepted); });
  found.doubtful = suppress(found.doubtful);
  return found;
}

std::vector<nets::FaceCandidate> DetectFaces::candidates(nets::FaceDetector& detector,
                                                         const View& view) const {
  const std::vector<at::Tensor>& levels = view.pyramid.levels();
  const auto step = static_cast<size_t>(detector.traits().level_step);
  std::vector<nets::FaceCandidate> found;
  // Each step-th level, and always the smallest: there a face that fills the frame is found.
  for (size_t i = view.first_level; i < levels.size(); ++i) {
    if ((i - view.first_level) % step == 0 || i + 1 == levels.size()) {
      search_level(detector, view, i, found);
    }
  }
  return found;
}

void DetectFaces::search_level(nets::FaceDetector& detector, const View& view, size_t index,
                               std::vector<nets::FaceCandidate>& found) const {
  const nets::DetectorTraits& traits = detector.traits();
  const at::Tensor& level = view.pyramid.levels()[index];
  const double scale = core::ImagePyramid::scale(index);
  const int64_t rows = level.size(0), columns = level.size(1);
  for (const auto& [y0, y1] : tile_spans(rows, traits.tile_px, kTileOverlapPx)) {
    for (const auto& [x0, x1] : tile_spans(columns, traits.tile_px, kTileOverlapPx)) {
      const at::Tensor tile = core::view_rect(level, {x0, y0, x1, y1});
      for (const nets::FaceCandidate& face : view.propose(detector, tile, traits.propose_score)) {
        // A box cut by a border between tiles lies whole in the neighbour or in a smaller copy.
        const core::Box& box = face.box;
        const bool is_cut = (x0 > 0 && box.x0 <= 1) || (y0 > 0 && box.y0 <= 1) ||
                            (x1 < columns && box.x1 >= static_cast<double>(x1 - x0 - 1)) ||
                            (y1 < rows && box.y1 >= static_cast<double>(y1 - y0 - 1));
        const nets::FaceCandidate placed = nets::placed(face, static_cast<double>(x0) / scale,
                                                        static_cast<double>(y0) / scale, scale);
        if (!is_cut && is_usable(placed, options_.smallest_face_px) &&
            !is_covered(placed.box, view.masks)) {
          found.push_back(placed);
        }
      }
    }
  }
}

void DetectFaces::judge(nets::FaceDetector& detector, const View& view,
                        const std::vector<nets::FaceCandidate>& proposed, FaceSearch& found) const {
  const nets::DetectorTraits& traits = detector.traits();
  const double accept = options_.threshold >= 0 ? options_.threshold : traits.accept_score;
  const double review = options_.review_threshold >= 0
                            ? options_.review_threshold
                            : std::min<double>(traits.review_score, accept);
  const double sure = std::max<double>(traits.sure_score, accept);
  std::vector<nets::FaceCandidate> judged, unsure;
  for (const nets::FaceCandidate& face : suppress_candidates(proposed, options_.nms_iou)) {
    (face.score >= sure ? judged : unsure).push_back(face);
  }
  // What a sure face covers is obscured with it, whatever it is.
  std::vector<core::Box> covered;
  for (const nets::FaceCandidate& face : judged) {
    covered.push_back(face.box);
  }
  std::erase_if(
      unsure, [&covered](const nets::FaceCandidate& face) { return is_inside(face.box, covered); });
  const auto looks = std::min(unsure.size(), static_cast<size_t>(options_.max_closer_looks));
  for (size_t i = looks; i < unsure.size(); ++i) {
    // Not looked at, so neither accepted nor dropped.
    unsure[i].score = static_cast<float>(review);
    judged.push_back(unsure[i]);
  }
  unsure.resize(looks);
  look_closer(detector, view, unsure);
  judged.insert(judged.end(), unsure.begin(), unsure.end());
  for (const nets::FaceCandidate& face : judged) {
    const DetectedFace result{face.box, face.landmarks, face.score, traits.name};
    if (face.score >= accept) {
      found.faces.push_back(result);
    } else if (face.score >= review) {
      found.doubtful.push_back(result);
    }
  }
}

namespace {

// The surroundings of a candidate, at the size the detector is best at.
struct Look {
  at::Tensor pixels;  // [S, S, 3]; black outside the picture
  double x0, y0;      // of its corner, in the picture
  double scale;       // its size over the size of what it shows
};

// Cut from the smallest copy in which the face is still larger than in the look, so that a large
// face costs no more than a small one.
Look make_look(const core::ImagePyramid& pyramid, const core::Box& face, double face_px) {
  const size_t index = pyramid.level_for(longer_side(face), face_px);
  const at::Tensor& level = pyramid.levels()[index];
  const double to_level = core::ImagePyramid::scale(index);
  const double level_face_px = longer_side(face) * to_level;
  const auto side_px = static_cast<int64_t>(std::ceil(face_px * kLookContext / 32) * 32);
  const double half = level_face_px * kLookContext / 2;
  const core::Point centre{face.centre().x * to_level, face.centre().y * to_level};
  const core::PixelRect rect =
      core::enclosing_rect({centre.x - half, centre.y - half, centre.x + half, centre.y + half},
                           level.size(1), level.size(0));
  const double scale = face_px / level_face_px;
  Look look{at::zeros({side_px, side_px, 3}, at::kByte), static_cast<double>(rect.x0) / to_level,
            static_cast<double>(rect.y0) / to_level, scale * to_level};
  if (rect.empty()) {
    return look;
  }
  const auto scaled = [scale, side_px](int64_t size) {
    return std::clamp<int64_t>(std::llround(static_cast<double>(size) * scale), 1, side_px);
  };
  const int64_t height = scaled(rect.height()), width = scaled(rect.width());
  core::view_rect(look.pixels, {0, 0, width, height})
      .copy_(core::resize_image(core::view_rect(level, rect), width, height));
  return look;
}

// What was seen in place of the candidate: the best box that overlaps it, or the candidate with
// score 0.
nets::FaceCandidate best_match(const nets::FaceCandidate& candidate, const Look& look,
                               const std::vector<nets::FaceCandidate>& seen) {
  nets::FaceCandidate best = candidate;
  best.score = 0.0F;
  for (const nets::FaceCandidate& face : seen) {
    const nets::FaceCandidate placed = nets::placed(face, look.x0, look.y0, look.scale);
    if (is_usable(placed, 1.0) && placed.score > best.score &&
        core::intersection_over_union(placed.box, candidate.box) >= kSameFaceIou) {
      best = placed;
    }
  }
  return best;
}

}  // namespace

void DetectFaces::look_closer(nets::FaceDetector& detector, const View& view,
                              std::vector<nets::FaceCandidate>& faces) const {
  for (size_t first = 0; first < faces.size(); first += kLooksAtATime) {
    const size_t last = std::min(first + kLooksAtATime, faces.size());
    std::vector<Look> looks;
    std::vector<at::Tensor> pictures;
    for (size_t i = first; i < last; ++i) {
      looks.push_back(make_look(view.pyramid, faces[i].box, detector.traits().look_face_px));
      pictures.push_back(view.mirror ? looks.back().pixels.flip(1) : looks.back().pixels);
    }
    const auto seen = detector.propose_batch(pictures, detector.traits().propose_score);
    for (size_t i = first; i < last; ++i) {
      const Look& look = looks[i - first];
      std::vector<nets::FaceCandidate> placed = seen[i - first];
      for (nets::FaceCandidate& face : placed) {
        face = view.mirror ? nets::mirrored(face, static_cast<double>(look.pixels.size(1))) : face;
      }
      faces[i] = best_match(faces[i], look, placed);
    }
  }
}

std::vector<DetectedFace> DetectFaces::suppress(const std::vector<DetectedFace>& faces) const {
  std::vector<core::Box> boxes;
  std::vector<float> scores;
  for (const DetectedFace& face : faces) {
    boxes.push_back(face.box);
    scores.push_back(face.score);
  }
  std::vector<DetectedFace> kept;
  for (const size_t i : kept_by_nms(boxes, scores, options_.nms_iou)) {
    kept.push_back(faces[i]);
    for (const DetectedFace& other : faces) {
      if (other.detector != kept.back().detector &&
          kept.back().detector.find(other.detector) == std::string::npos &&
          core::intersection_over_union(other.box, kept.back().box) > options_.nms_iou) {
        kept.back().detector += "+" + other.detector;
      }
    }
  }
  return kept;
}

}  // namespace guise::stages
