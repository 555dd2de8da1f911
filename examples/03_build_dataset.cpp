// A data set of faces of nobody, ready for training: WebDataset shards without any Python.
//
//   example_03_build_dataset MODELS OUT
//
// MODELS: the folder `models` of guise's source, which holds house-head, house-skin, house-light.
// OUT: a new folder, or one that an earlier run of this program has begun: it goes on there. The
// same bytes come out whatever happened in between, so the sum that it prints is always the same.
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <string>

#include "io/sha256.h"
#include "pipelines/synthesize_dataset.h"
#include "stages/render_samples.h"

namespace {

namespace pipelines = guise::pipelines;
namespace stages = guise::stages;

// One file of a house model.
std::string model_file(const std::string& models, const std::string& name) {
  return models + "/" + name + "/" + name + ".safetensors";
}

// Where the pictures come from; anything that implements stages::SampleGenerator would do.
stages::RenderSamples open_renderer(const std::string& models, int64_t size_px) {
  const auto renderer = std::make_shared<const guise::render::Renderer>(
      model_file(models, "house-head"), model_file(models, "house-skin"),
      model_file(models, "house-light"));
  stages::RenderSamplesOptions options;
  options.render.size_px = size_px;
  options.render.recipe = stages::framed_for_crop(guise::render::RecipeOptions::frontal());
  for (const std::string name : {"house-head", "house-skin", "house-light"}) {
    options.models[name] = guise::io::sha256_file(model_file(models, name));
  }
  return {renderer, options};
}

void build(const std::string& models, const std::string& output) {
  // What the data set shall hold. Every byte of it follows from these numbers and the models.
  pipelines::DatasetOptions options;
  options.identities = 6;
  options.images_per_identity = 4;
  options.identities_per_shard = 2;
  options.format = "webdataset";
  options.gate.enabled =
      false;  // with a detector at hand, a stages::CheckSample looks at each face
  const stages::RenderSamples source = open_renderer(models, pipelines::generated_size_px(options));
  const pipelines::DatasetPlan plan =
      pipelines::make_plan(options, source.facts_json(), /*detector_name=*/"",
                           /*detector_sha256=*/"", /*writer=*/"");

  // How it is drawn decides about no byte.
  pipelines::SynthesizeOptions how;
  how.workers = 2;
  pipelines::DatasetHooks hooks;
  hooks.on_progress = [](const pipelines::DatasetSummary& so_far) {
    std::fprintf(stderr, "\r%lld of %lld pictures", static_cast<long long>(so_far.new_pictures),
                 static_cast<long long>(so_far.total_pictures));
  };
  const pipelines::DatasetSummary summary =
      pipelines::synthesize_dataset(output, plan, source, /*checks=*/{}, how, hooks);
  std::printf("\n%lld pictures of %lld people in %lld shards: %s\n",
              static_cast<long long>(summary.counts.pictures),
              static_cast<long long>(options.identities), static_cast<long long>(summary.shards),
              output.c_str());
  // The manifest names every shard with its sha256, and so stands for all of them.
  std::printf("sha256 %s\n", guise::io::sha256_file(output + "/manifest.jsonl").c_str());
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "usage: %s MODELS OUT\n", arguments[0]);
    return 2;
  }
  try {
    build(arguments[1], arguments[2]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 4;
  }
}
