#include "pipelines/draw_identities.h"

#include <ATen/ATen.h>

#include <vector>

#include "core/check.h"
#include "core/device.h"
#include "core/run_tasks.h"

namespace guise::pipelines {

namespace {

constexpr int64_t kSizePx = 112;

search::DrawFacesOptions as_it_is() {
  search::DrawFacesOptions options;
  options.noise = {{0.0}, {1.0}};
  return options;
}

}  // namespace

search::DrawnFaces draw_in_parallel(const search::DrawFaces& draw, const at::Tensor& vectors,
                                    uint64_t seed, const std::vector<search::FaceKey>& keys,
                                    int64_t threads, const std::atomic<bool>* cancel) {
  GUISE_CHECK_ARG(vectors.dim() == 2 && vectors.size(0) == static_cast<int64_t>(keys.size()),
                  "there must be a row of vectors for each of the ", keys.size(), " keys; got ",
                  vectors.sizes());
  std::vector<search::DrawnFaces> each(keys.size());
  const core::SingleThreadScope one_thread_each;
  core::run_tasks(static_cast<int64_t>(keys.size()), threads, [&](int64_t i, int64_t) {
    const core::SingleThreadScope one_thread;
    const auto place = static_cast<size_t>(i);
    each[place] = draw(vectors.narrow(0, i, 1), seed, {keys[place]}, cancel);
  });
  search::DrawnFaces all;
  std::vector<at::Tensor> images = {at::empty({0, kSizePx, kSizePx, 3}, at::kByte)};
  for (search::DrawnFaces& one : each) {
    images.push_back(one.images);
    all.strengths.push_back(one.strengths[0]);
    all.refined.push_back(std::move(one.refined[0]));
    all.yaw_targets_deg.push_back(one.yaw_targets_deg[0]);
  }
  all.images = at::cat(images);
  return all;
}

DrawReferenceFaces::DrawReferenceFaces(std::shared_ptr<const nets::FaceGenerator> generator,
                                       std::shared_ptr<const nets::FaceEmbedder> embedder)
    : draw_(std::move(generator), nullptr, as_it_is()),
      embed_(std::move(embedder),
             stages::EmbedOptions{.flip = false, .batch_size = 1, .smallest_source_px = 0}) {
  GUISE_CHECK_ARG(embed_.traits().dimension == draw_.generator().vector_size(),
                  draw_.generator().file().name, " takes embeddings of width ",
                  draw_.generator().vector_size(), "; ", embed_.traits().name, " gives ",
                  embed_.traits().dimension);
}

ReferenceFaces DrawReferenceFaces::operator()(const at::Tensor& vectors, int64_t threads,
                                              const std::atomic<bool>* cancel) const {
  const at::Tensor identities = search::unit_rows(vectors, "identity vectors");
  std::vector<stages::Embeddings> each(static_cast<size_t>(vectors.size(0)));
  const core::SingleThreadScope one_thread_each;
  core::run_tasks(vectors.size(0), threads, [&](int64_t i, int64_t) {
    const core::SingleThreadScope one_thread;
    stages::AlignedFaces face;
    face.crops = draw_(vectors.narrow(0, i, 1), 0, {search::FaceKey{}}, cancel).images;
    face.crop_template = embed_.crop_template();
    each[static_cast<size_t>(i)] = embed_(face);
  });
  std::vector<at::Tensor> units, quality;
  for (const stages::Embeddings& one : each) {
    units.push_back(one.vectors);
    if (one.quality.defined()) quality.push_back(one.quality);
  }
  ReferenceFaces faces;
  faces.units = at::cat(units);
  faces.cosines = (faces.units * identities).sum(1);
  if (!quality.empty()) faces.quality = at::cat(quality);
  return faces;
}

}  // namespace guise::pipelines
