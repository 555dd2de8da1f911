#include "stages/embed_faces.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "core/check.h"
#include "core/geometry.h"

namespace guise::stages {

namespace {

// Whether landmarks lie at the same share of both crops' sides: the 128 layout of "arcface" has a
// wider border than the 112 one.
bool same_layout(const std::string& crop_template, int64_t size_px, int64_t other_px) {
  if (crop_template != "arcface") {
    return true;
  }
  const auto eye = [](int64_t size) {
    return core::arcface_template(size)[0].x / static_cast<double>(size);
  };
  return std::abs(eye(size_px) - eye(other_px)) < 1e-9;
}

// [out, in] float32, rows add up to 1: row x covers (x -+ 1/2) * in / out of the input's pixels, as
// far as they exist.
at::Tensor box_weights(int64_t in_px, int64_t out_px) {
  at::Tensor weights = at::zeros({out_px, in_px}, at::kFloat);
  auto rows = weights.accessor<float, 2>();
  const double step = static_cast<double>(in_px) / static_cast<double>(out_px);
  for (int64_t x = 0; x < out_px; ++x) {
    const double low = (static_cast<double>(x) - 0.5) * step;
    const double first = std::max(low, -0.5);
    const double last = std::min(low + step, static_cast<double>(in_px) - 0.5);
    for (auto i = static_cast<int64_t>(std::floor(first + 0.5)); i < in_px; ++i) {
      const double centre = static_cast<double>(i);
      const double covered = std::min(last, centre + 0.5) - std::max(first, centre - 0.5);
      if (covered <= 0) {
        break;
      }
      rows[x][i] = static_cast<float>(covered / (last - first));
    }
  }
  return weights;
}

}  // namespace

double source_px(const core::Similarity2D& image_to_crop, int64_t size_px) {
  return static_cast<double>(size_px) / image_to_crop.scale();
}

at::Tensor shrink_crops(const at::Tensor& crops, int64_t size_px) {
  GUISE_CHECK_ARG(crops.dim() == 4 && crops.scalar_type() == at::kByte &&
                      crops.size(1) == crops.size(2) && size_px >= 1 && size_px <= crops.size(1),
                  "crops must be uint8 [N, S, S, 3] with S >= ", size_px, "; got ",
                  crops.scalar_type(), " ", crops.sizes());
  if (crops.size(1) == size_px) {
    return crops.contiguous();
  }
  const at::Tensor weights = box_weights(crops.size(1), size_px);
  const at::Tensor planes = crops.permute({0, 3, 1, 2}).to(at::kFloat);
  const at::Tensor means = at::matmul(at::matmul(weights, planes), weights.t());
  return (means + 0.5F).clamp(0, 255).to(at::kByte).permute({0, 2, 3, 1}).contiguous();
}

EmbedFaces::EmbedFaces(std::shared_ptr<const nets::FaceEmbedder> embedder,
                       const EmbedOptions& options)
    : embedder_(std::move(embedder)), options_(options) {
  GUISE_CHECK_ARG(embedder_ != nullptr, "a recogniser is needed; got none");
  GUISE_CHECK_ARG(options_.batch_size >= 1 && options_.batch_size <= 4096,
                  "batch_size must be 1 to 4096; got ", options_.batch_size);
  GUISE_CHECK_ARG(options_.smallest_source_px >= 0 && options_.smallest_source_px <= 1e5,
                  "smallest_source_px must be 0 to 100000; got ", options_.smallest_source_px);
}

int64_t EmbedFaces::crop_size_px() const {
  return std::max(traits().crop.height_px, traits().crop.width_px);
}

Embeddings EmbedFaces::operator()(const AlignedFaces& faces) const {
  const at::Tensor crops = checked_crops(faces);
  check_sources(faces);
  const int64_t count = crops.size(0);
  std::vector<at::Tensor> vectors, qualities;
  for (int64_t first = 0; first < count; first += options_.batch_size) {
    const at::Tensor batch = crops.slice(0, first, std::min(first + options_.batch_size, count));
    nets::RawEmbeddings raw = embed_batch(batch);
    if (options_.flip) {
      const nets::RawEmbeddings mirrored = embed_batch(batch.flip(2));
      raw.vectors = (raw.vectors + mirrored.vectors) * 0.5F;
      raw.quality = traits().has_quality ? (raw.quality + mirrored.quality) * 0.5F : at::Tensor();
    }
    vectors.push_back(raw.vectors);
    qualities.push_back(raw.quality);
  }
  Embeddings result;
  const at::Tensor raw =
      count > 0 ? at::cat(vectors) : at::empty({0, traits().dimension}, at::kFloat);
  result.norms = raw.norm(2, 1);
  if (count > 0 && !(result.norms.min().item<float>() > 0)) {
    throw not_sound("a vector of length 0");
  }
  result.vectors = options_.normalise ? raw / result.norms.unsqueeze(1) : raw;
  if (traits().has_quality) {
    result.quality = count > 0 ? at::cat(qualities) : at::empty({0}, at::kFloat);
  }
  return result;
}

at::Tensor EmbedFaces::checked_crops(const AlignedFaces& faces) const {
  const nets::CropContract& contract = traits().crop;
  const at::Tensor& crops = faces.crops;
  GUISE_CHECK_ARG(
      crops.defined() && crops.dim() == 4 && crops.size(3) == 3 && crops.scalar_type() == at::kByte,
      "crops must be uint8 [N, S, S, 3] in RGB, a grey face as three equal channels; "
      "got ",
      crops.defined() ? core::message(crops.scalar_type(), " ", crops.sizes()) : "none",
      "; cut faces out with guise.align");
  GUISE_CHECK_ARG(faces.crop_template == contract.crop_template, "the model ", traits().name,
                  " needs crops of the template '", contract.crop_template, "'; got '",
                  faces.crop_template, "'; align the faces again");
  const int64_t wanted_px = crop_size_px(), size_px = crops.size(1);
  GUISE_CHECK_ARG(crops.size(1) == crops.size(2) && size_px >= wanted_px &&
                      same_layout(contract.crop_template, size_px, wanted_px),
                  "the model ", traits().name, " needs square crops of ", wanted_px,
                  " px, or larger ones of the same layout; got ", crops.size(1), " x ",
                  crops.size(2), " px; align the faces again with size_px=", wanted_px);
  const at::Tensor square = shrink_crops(crops.cpu(), wanted_px);
  // A crop that is not square is the middle of the square one.
  return square.slice(1, (wanted_px - contract.height_px) / 2)
      .slice(1, 0, contract.height_px)
      .slice(2, (wanted_px - contract.width_px) / 2)
      .slice(2, 0, contract.width_px)
      .contiguous();
}

void EmbedFaces::check_sources(const AlignedFaces& faces) const {
  const std::vector<core::Similarity2D>& maps = faces.image_to_crop;
  GUISE_CHECK_ARG(maps.empty() || static_cast<int64_t>(maps.size()) == faces.crops.size(0),
                  "image_to_crop must hold a map for each crop or none; got ", maps.size(), " for ",
                  faces.crops.size(0));
  for (size_t i = 0; i < maps.size(); ++i) {
    const double seen_px = source_px(maps[i], faces.crops.size(1));
    GUISE_CHECK_ARG(seen_px >= options_.smallest_source_px, "face ", i, " must fill at least ",
                    options_.smallest_source_px, " px of the picture; its crop shows ", seen_px,
                    " px, in which people cannot be told apart; leave it out, or set "
                    "smallest_source_px");
  }
}

nets::RawEmbeddings EmbedFaces::embed_batch(const at::Tensor& crops) const {
  nets::RawEmbeddings raw = embedder_->embed(crops.contiguous());
  TORCH_INTERNAL_ASSERT(raw.vectors.dim() == 2 && raw.vectors.size(0) == crops.size(0) &&
                        raw.vectors.size(1) == traits().dimension);
  TORCH_INTERNAL_ASSERT(raw.quality.defined() == traits().has_quality);
  const bool is_sound = raw.vectors.isfinite().all().item<bool>() &&
                        (!traits().has_quality || raw.quality.isfinite().all().item<bool>());
  if (!is_sound) {
    throw not_sound("NaN or infinity");
  }
  return raw;
}

CorruptFile EmbedFaces::not_sound(const char* what) const {
  return CorruptFile(core::message("the model ", traits().name,
                                   " must give finite embeddings that are not 0; it gave ", what,
                                   ": its weights are damaged or of another architecture; fetch or "
                                   "convert it again"));
}

}  // namespace guise::stages
