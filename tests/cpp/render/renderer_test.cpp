// Equal bytes in any batch, order and number of threads; refusals.
#include "render/renderer.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/check.h"

namespace guise::render {
namespace {

const Renderer& renderer() {
  static const Renderer loaded(GUISE_MODELS_DIR "/house-head/house-head.safetensors",
                               GUISE_MODELS_DIR "/house-skin/house-skin.safetensors",
                               GUISE_MODELS_DIR "/house-light/house-light.safetensors");
  return loaded;
}

const std::vector<IdentityAndSample> kPictures = {{0, 0}, {0, 1}, {3, 0}, {3, 5}, {9, 2}, {0, 2}};

RenderOptions small() {
  RenderOptions options;
  options.size_px = 48;
  options.maps = true;
  return options;
}

TEST(Renderer, BytesDoNotDependOnThreads) {
  RenderOptions options = small();
  options.threads = 1;
  const RenderedFaces one = renderer().render(7, kPictures, options);
  for (const int64_t threads : {2, 4}) {
    options.threads = threads;
    const RenderedFaces more = renderer().render(7, kPictures, options);
    EXPECT_TRUE(at::equal(one.images, more.images));
    EXPECT_TRUE(at::equal(one.landmarks_68, more.landmarks_68));
    EXPECT_TRUE(at::equal(one.parts, more.parts));
    EXPECT_TRUE(at::equal(one.normals, more.normals));
    EXPECT_TRUE(at::equal(one.depth, more.depth));
  }
}

TEST(Renderer, BytesDoNotDependOnBatchOrOrder) {
  const RenderedFaces together = renderer().render(7, kPictures, small());
  for (size_t i = kPictures.size(); i-- > 0;) {
    const RenderedFaces alone = renderer().render(7, {kPictures[i]}, small());
    EXPECT_TRUE(at::equal(alone.images[0], together.images[static_cast<int64_t>(i)])) << i;
    EXPECT_EQ(together.identities[static_cast<int64_t>(i)].item<int64_t>(),
              static_cast<int64_t>(kPictures[i].first));
  }
}

TEST(Renderer, SeedIdentityAndSampleAllMatter) {
  const RenderedFaces faces = renderer().render(7, {{0, 0}, {0, 1}, {1, 0}}, small());
  const RenderedFaces other = renderer().render(8, {{0, 0}}, small());
  EXPECT_FALSE(at::equal(faces.images[0], faces.images[1]));
  EXPECT_FALSE(at::equal(faces.images[0], faces.images[2]));
  EXPECT_FALSE(at::equal(faces.images[0], other.images[0]));
}

TEST(Renderer, MapsAreLeftOutUnlessAskedFor) {
  RenderOptions options = small();
  options.maps = false;
  const RenderedFaces faces = renderer().render(1, {{0, 0}}, options);
  EXPECT_FALSE(faces.parts.defined());
  EXPECT_EQ(faces.images.sizes(), (at::IntArrayRef{1, 48, 48, 3}));
}

TEST(Renderer, RendersNothingForNothing) {
  EXPECT_EQ(renderer().render(1, {}, small()).images.size(0), 0);
}

TEST(Renderer, RefusesWhatCannotBe) {
  RenderOptions options = small();
  options.size_px = 7;
  EXPECT_THROW(renderer().render(1, kPictures, options), std::invalid_argument);
  options = small();
  options.threads = -1;
  EXPECT_THROW(renderer().render(1, kPictures, options), std::invalid_argument);
  options = small();
  options.recipe.glasses_share = 1.5;
  EXPECT_THROW(renderer().render(1, kPictures, options), std::invalid_argument);
  EXPECT_THROW(renderer().render(1, {{uint64_t{1} << 63, 0}}, small()), std::invalid_argument);
}

TEST(Renderer, StopsWhenCancelled) {
  const std::atomic<bool> cancelled = true;
  EXPECT_THROW(renderer().render(1, kPictures, small(), &cancelled), Cancelled);
}

TEST(Renderer, MissingModelsAreUnavailable) {
  EXPECT_THROW(Renderer("nowhere.safetensors", "nowhere.safetensors", "nowhere.safetensors"),
               Unavailable);
}

}  // namespace
}  // namespace guise::render
