// Faces of nobody, in batches: draws recipes and renders them on all cores.
#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "render/draw_picture.h"
#include "render/recipe.h"
#include "render/recipe_options.h"

namespace guise::render {

struct RenderOptions {
  int64_t size_px = 224;  // height and width of the pictures, 32..1024
  int64_t threads = 0;    // 0: one for each core. The bytes do not depend on it
  bool maps = false;      // also part masks, normals and depth
  RecipeOptions recipe;

  // Throws std::invalid_argument that says what must hold, what came and what to do.
  void validate() const;
};

// N pictures of height and width S. Coordinates in pixels, (0, 0) the centre of the first.
struct RenderedFaces {
  at::Tensor images;        // uint8 [N, S, S, 3] RGB
  at::Tensor landmarks_5;   // float32 [N, 5, 2], left eye as seen first, as detectors place them
  at::Tensor landmarks_68;  // float32 [N, 68, 2], iBUG order, also where hidden
  at::Tensor boxes;         // float32 [N, 4] x0, y0, x1, y1 (exclusive)
  at::Tensor pose_deg;      // float32 [N, 3] yaw, pitch, roll
  at::Tensor identities;    // int64 [N]
  at::Tensor samples;       // int64 [N]
  at::Tensor parts;         // uint8 [N, S, S] render::Part; undefined without maps, as the next two
  at::Tensor normals;       // float32 [N, S, S, 3] camera space, unit; 0 where nothing is
  at::Tensor depth;         // float32 [N, S, S] dm from the camera; 0 where nothing is
  std::vector<IdentityRecipe> persons;  // [N]
  std::vector<PhotoRecipe> photos;      // [N]
  PictureTimes times;                   // of all pictures together, added over threads
};

using IdentityAndSample = std::pair<uint64_t, uint64_t>;

// Thread safe: rendering does not change it.
class Renderer {
 public:
  // Paths of house-head, house-skin and house-light. Throws Unavailable or CorruptFile.
  Renderer(const std::string& head_path, const std::string& skin_path,
           const std::string& light_path);

  // One picture for each pair, in their order; a picture depends on (seed, identity, sample,
  // options.size_px, options.recipe) alone. Throws std::invalid_argument for bad options or
  // numbers above 2^63 - 1, Cancelled when `cancel` becomes true.
  RenderedFaces render(uint64_t seed, const std::vector<IdentityAndSample>& pictures,
                       const RenderOptions& options,
                       const std::atomic<bool>* cancel = nullptr) const;

  const HouseModels& models() const { return *models_; }

 private:
  std::unique_ptr<const HouseModels> models_;
};

}  // namespace guise::render
