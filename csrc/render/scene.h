// Everything that stands before the camera of one picture, ready to be drawn.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "render/camera.h"
#include "render/film.h"
#include "render/groom.h"
#include "render/head_model.h"
#include "render/mesh.h"
#include "render/shading.h"
#include "render/skin_model.h"

namespace guise::render {

// The house models, read once and shared by all threads.
struct HouseModels {
  // Throws Unavailable or CorruptFile.
  HouseModels(const std::string& head_path, const std::string& skin_path,
              const std::string& light_path);
  HouseModels(const HouseModels&) = delete;  // `groom` refers to `head`
  HouseModels& operator=(const HouseModels&) = delete;

  HeadModel head;
  SkinModel skin;
  EnvironmentModel light;
  Groom groom;
};

// What all photos of a person at one size share.
struct PersonAssets {
  IdentityRecipe person;
  SkinMaps skin;
};

PersonAssets make_person(const HouseModels& models, const IdentityRecipe& person, int size_px);

// Positions and normals are in camera space.
struct Scene {
  Scene(const CameraRecipe& recipe, const Vec3& center, int size_px)
      : camera(recipe, center, size_px) {}

  Camera camera;
  Mesh mesh;
  Strands strands;
  SkinMaps skin;  // dressed for this photo
  EyeLook left_eye, right_eye;
  Lighting lighting;
  std::vector<std::unique_ptr<ShadowMap>> shadows;  // what `lighting` points to
  Metering metering;
  Mat3 head_turn;
  std::array<Vec3, 68> landmarks{};
  std::array<Vec3, 5> detector_points{};
  std::vector<Vec3> face_outline;  // points that the face box encloses
};

Scene build_scene(const HouseModels& models, const PersonAssets& assets, const PhotoRecipe& photo,
                  int size_px);

}  // namespace guise::render
