#include "pipelines/draw_identity_pictures.h"

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "io/write_image.h"
#include "io/xmp.h"
#include "stages/align_face.h"

namespace guise::pipelines {

namespace {

core::Box moved(const core::Box& box, const core::Similarity2D& to) {
  const core::Point corners[4] = {to({box.x0, box.y0}), to({box.x1, box.y0}), to({box.x0, box.y1}),
                                  to({box.x1, box.y1})};
  core::Box around{corners[0].x, corners[0].y, corners[0].x, corners[0].y};
  for (const core::Point& corner : corners) {
    around.x0 = std::min(around.x0, corner.x);
    around.y0 = std::min(around.y0, corner.y);
    around.x1 = std::max(around.x1, corner.x);
    around.y1 = std::max(around.y1, corner.y);
  }
  return around;
}

}  // namespace

DrawIdentityPictures::DrawIdentityPictures(const DatasetPlan& plan,
                                           const stages::SampleGenerator& generator,
                                           const DatasetChecks& checks, std::string xmp,
                                           const std::atomic<bool>* cancel)
    : plan_(plan), generator_(generator), xmp_(std::move(xmp)), cancel_(cancel) {
  checks_.embed = checks.embed;
  checks_.identity = checks.identity;
  if (checks.face) {
    checks_.face.emplace(checks.face->clone());
  }
}

IdentityPictures DrawIdentityPictures::operator()(uint64_t identity) {
  IdentityPictures result;
  std::vector<stages::SampleKey> wanted;
  for (int64_t i = 0; i < plan_.options.images_per_identity; ++i) {
    wanted.push_back({identity, static_cast<uint64_t>(i), 0});
  }
  const int64_t attempts = checks_.any() ? plan_.options.gate.attempts : 1;
  for (int64_t attempt = 0; attempt < attempts && !wanted.empty(); ++attempt) {
    const std::vector<stages::GeneratedSample> samples =
        generator_.generate(plan_.options.seed, wanted, cancel_);
    std::vector<stages::SampleKey> again;
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (accept(samples[i], identity, result.counts)) {
        result.pictures.push_back(encode(wanted[i], samples[i]));
      } else {
        again.push_back({identity, wanted[i].sample, wanted[i].attempt + 1});
      }
    }
    wanted = std::move(again);
  }
  result.counts.given_up = static_cast<int64_t>(wanted.size());
  result.counts.pictures = static_cast<int64_t>(result.pictures.size());
  std::sort(
      result.pictures.begin(), result.pictures.end(),
      [](const DatasetPicture& a, const DatasetPicture& b) { return a.key.sample < b.key.sample; });
  return result;
}

bool DrawIdentityPictures::accept(const stages::GeneratedSample& sample, uint64_t identity,
                                  ShardCounts& counts) {
  ++counts.attempts;
  if (checks_.face) {
    const stages::SampleVerdict verdict = (*checks_.face)(sample);
    counts.no_face += verdict == stages::SampleVerdict::kNoFace ? 1 : 0;
    counts.landmarks += verdict == stages::SampleVerdict::kLandmarksDisagree ? 1 : 0;
    if (verdict != stages::SampleVerdict::kAccepted) {
      return false;
    }
  }
  return !checks_.identity || shows_identity(sample.image, identity, counts);
}

bool DrawIdentityPictures::shows_identity(const at::Tensor& image, uint64_t identity,
                                          ShardCounts& counts) const {
  using stages::IdentityVerdict;
  stages::AlignedFaces face;
  face.crops = image.unsqueeze(0).contiguous();
  face.crop_template = checks_.embed->crop_template();
  const IdentityVerdict verdict = (*checks_.identity)((*checks_.embed)(face), identity);
  counts.other_face += verdict == IdentityVerdict::kOtherFace ? 1 : 0;
  counts.nearer_to_another += verdict == IdentityVerdict::kNearerToAnother ? 1 : 0;
  counts.low_quality += verdict == IdentityVerdict::kLowQuality ? 1 : 0;
  return verdict == IdentityVerdict::kAccepted;
}

DatasetPicture DrawIdentityPictures::encode(const stages::SampleKey& key,
                                            const stages::GeneratedSample& sample) const {
  const DatasetOptions& options = plan_.options;
  at::Tensor image = sample.image;
  core::Landmarks5 landmarks = sample.landmarks;
  core::Box box = sample.box;
  if (options.crop == "arcface") {
    const stages::AlignedFaces aligned =
        stages::AlignFace({options.size_px, "arcface"})(image, {landmarks});
    const core::Similarity2D& to_crop = aligned.image_to_crop.front();
    image = aligned.crops.select(0, 0);
    for (core::Point& point : landmarks) {
      point = to_crop(point);
    }
    box = moved(box, to_crop);
  }
  io::WriteOptions write;
  write.jpeg_quality = options.jpeg_quality;
  write.jpeg_subsample_chroma = false;
  DatasetPicture picture;
  picture.key = key;
  picture.bytes = io::encode_image(image.contiguous(), io::format_named(options.encoding),
                                   /*grey=*/false, /*icc_profile=*/{}, write);
  if (!xmp_.empty()) {
    picture.bytes = io::with_xmp(picture.bytes, xmp_);
  }
  picture.line = metadata_line(options, key, landmarks, box, sample.attributes_json);
  return picture;
}

}  // namespace guise::pipelines
