#include "render/draw_picture.h"

#include "core/stopwatch.h"
#include "render/background.h"
#include "render/rasterizer.h"

namespace guise::render {
namespace {

int samples_per_axis(int size_px) {
  return size_px <= 96 ? 3 : 2;
}

Vec2 on_screen(const Camera& camera, const Vec3& point) {
  const Projected at = camera.project(point);
  return {at.x, at.y};
}

std::vector<Projected> project_all(const Camera& camera, const std::vector<Vec3>& points) {
  std::vector<Projected> projected(points.size());
  for (size_t i = 0; i < points.size(); ++i) projected[i] = camera.project(points[i]);
  return projected;
}

PictureTruth truth_of(const Scene& scene, const PhotoRecipe& photo) {
  PictureTruth truth;
  for (size_t i = 0; i < truth.landmarks_68.size(); ++i) {
    truth.landmarks_68[i] = on_screen(scene.camera, scene.landmarks[i]);
  }
  for (size_t i = 0; i < truth.landmarks_5.size(); ++i) {
    truth.landmarks_5[i] = on_screen(scene.camera, scene.detector_points[i]);
  }
  Vec2 low{1e9F, 1e9F}, high{-1e9F, -1e9F};
  for (const Vec3& point : scene.face_outline) {
    const Vec2 at = on_screen(scene.camera, point);
    low = {std::min(low.x, at.x), std::min(low.y, at.y)};
    high = {std::max(high.x, at.x), std::max(high.y, at.y)};
  }
  truth.box = {low.x, low.y, high.x + 1, high.y + 1};
  truth.pose_deg = {photo.yaw_deg, photo.pitch_deg, photo.roll_deg};
  return truth;
}

}  // namespace

PictureTruth draw_picture(const HouseModels& models, const PersonAssets& assets,
                          const PhotoRecipe& photo, int size_px, uint8_t* rgb, PixelTruth* pixels,
                          PictureTimes* times) {
  PictureTimes unwanted;
  PictureTimes& spent = times ? *times : unwanted;
  core::Stopwatch watch;
  const auto lap = [&watch](double& into) { into += watch.lap_ms(); };
  const Scene scene = build_scene(models, assets, photo, size_px);
  lap(spent.scene);
  std::vector<Vec3> picture = paint_background(photo, scene.lighting.environment, size_px, size_px);
  lap(spent.background);
  const std::vector<Projected> corners = project_all(scene.camera, scene.mesh.positions);
  VisibilityBuffer buffer;
  buffer.reset(size_px, samples_per_axis(size_px));
  rasterize_mesh(scene.mesh, corners, buffer);
  rasterize_strands(scene.strands, project_all(scene.camera, scene.strands.points),
                    scene.camera.focal_px(), buffer);
  lap(spent.raster);
  resolve(scene, corners, buffer, picture, pixels);
  lap(spent.shading);
  develop(picture, size_px, photo.camera, scene.metering, photo.noise_key, rgb);
  lap(spent.film);
  return truth_of(scene, photo);
}

}  // namespace guise::render
