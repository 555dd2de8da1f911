#include "render/scene.h"

#include <cmath>

#include "render/accessories.h"

namespace guise::render {
namespace {

constexpr float kShadowRadius = 2.1F;  // dm around the head's centre
// A second lamp throws shadows where it is at least so strong against the first.
constexpr float kShadowedShare = 0.35F;
// Share of the exposure that follows the skin's own brightness, and the albedo it is made for.
constexpr float kFaceShare = 0.55F;
constexpr float kUsualAlbedo = 0.24F;

int skin_map_width(int size_px) {
  return size_px <= 128 ? 256 : size_px <= 288 ? 512 : size_px <= 640 ? 1024 : 2048;
}

int shadow_map_px(int size_px) {
  return size_px <= 128 ? 96 : size_px <= 288 ? 128 : 224;
}

// Brow-to-chin middle: what a photographer puts into the middle of a portrait.
Vec3 face_center(const Head& head) {
  const Vec3 eyes = (head.left_eye.center + head.right_eye.center) * 0.5F;
  const Vec3 chin = head.landmarks[8];
  // A little above the middle between eyes and chin, in the plane of the cheeks.
  Vec3 center = lerp(eyes, chin, 0.32F);
  center.z = 0.5F * (eyes.z + head.head_joint.z);
  return center;
}

void append_head(const HeadTopology& topology, const Head& head, Mesh& mesh) {
  const size_t count = topology.vertex_point.size();
  mesh.positions.resize(count);
  mesh.normals.resize(count);
  mesh.ambient_occlusion.resize(count);
  mesh.keep.assign(count, 1.0F);
  mesh.uv = topology.uv;
  for (size_t v = 0; v < count; ++v) {
    const uint32_t point = topology.vertex_point[v];
    mesh.positions[v] = head.points[point];
    mesh.normals[v] = head.point_normals[point];
    mesh.ambient_occlusion[v] = topology.ambient_occlusion[point];
  }
  mesh.triangles = topology.triangles;
  mesh.surfaces.resize(kHeadSurfaceCount);
  mesh.surfaces[kHeadSkin].kind = SurfaceKind::kSkin;
  mesh.surfaces[kHeadLeftEye].kind = SurfaceKind::kEye;
  mesh.surfaces[kHeadRightEye].kind = SurfaceKind::kEye;
  mesh.surfaces[kHeadMouth].kind = SurfaceKind::kMouth;
  mesh.surfaces[kHeadMouth].albedo = {0.30F, 0.085F, 0.075F};
  mesh.surfaces[kHeadMouth].two_sided = true;
  mesh.surfaces[kHeadTeeth].kind = SurfaceKind::kTeeth;
  mesh.surfaces[kHeadTeeth].albedo = {0.60F, 0.55F, 0.46F};
  mesh.surfaces[kHeadTongue].kind = SurfaceKind::kTongue;
  mesh.surfaces[kHeadTongue].albedo = {0.36F, 0.12F, 0.11F};
}

// The deeper in the mouth, the darker: little light gets past the lips.
void darken_mouth(const HeadTopology& topology, const Head& head, Mesh& mesh) {
  const float lip_z = 0.5F * (head.landmarks[62].z + head.landmarks[66].z);
  const float opening = smoothstep(0.02F, 0.28F, head.mouth_gap);
  for (const Triangle& triangle : topology.triangles) {
    if (triangle.surface != kHeadMouth && triangle.surface != kHeadTeeth &&
        triangle.surface != kHeadTongue) {
      continue;
    }
    const float reach = triangle.surface == kHeadTeeth ? 0.42F : 0.30F;
    for (const uint32_t v : triangle.vertex) {
      const float deep = clamp01((lip_z - mesh.positions[v].z - 0.02F) / reach);
      mesh.ambient_occlusion[v] = lerp(0.35F + 0.45F * opening, 0.03F, deep);
    }
  }
}

// Turns by the neck and moves to camera space.
void pose(Scene& scene, const NeckPose& neck) {
  Mesh& mesh = scene.mesh;
  for (size_t v = 0; v < mesh.positions.size(); ++v) {
    const float w = NeckPose::weight(mesh.positions[v]);
    mesh.positions[v] = scene.camera.to_camera(neck.turn_point(mesh.positions[v], w));
    mesh.normals[v] = neck.turn_direction(mesh.normals[v], w);
  }
  Strands& strands = scene.strands;
  for (size_t s = 0; s + 1 < strands.first.size(); ++s) {
    const uint32_t begin = strands.first[s], end = strands.first[s + 1];
    if (begin == end) continue;
    strands.root_normals[s] =
        neck.turn_direction(strands.root_normals[s], NeckPose::weight(strands.points[begin]));
    for (uint32_t p = begin; p < end; ++p) {
      strands.points[p] = scene.camera.to_camera(
          neck.turn_point(strands.points[p], NeckPose::weight(strands.points[p])));
    }
  }
}

EyeLook look_of(const Eye& eye, const Head& head, bool is_left, const PersonAssets& assets,
                const PhotoRecipe& photo, const NeckPose& neck, const Camera& camera) {
  EyeLook look;
  look.eye = eye;
  look.eye.center = camera.to_camera(neck.turn_point(eye.center, 1));
  look.eye.gaze = neck.turn_direction(eye.gaze, 1);
  look.right = neck.turn_direction({1, 0, 0}, 1);
  look.up = neck.turn_direction({0, 1, 0}, 1);
  // iBUG: 36..41 the subject's right eye, 42..47 the left; upper lid 37 38 and 43 44.
  const size_t first = is_left ? 42 : 36;
  const auto height = [&](size_t a, size_t b) {
    return (0.5F * (head.landmarks[first + a].y + head.landmarks[first + b].y) - eye.center.y) /
           eye.radius;
  };
  look.upper_lid = height(1, 2);
  look.lower_lid = height(4, 5);
  look.recipe = assets.person.eyes;
  look.noise_key = assets.person.noise_key + 0x51;
  look.white_gain = lerp(0.95F, 0.62F, assets.person.skin.melanin);
  // Pupils close in the light.
  look.pupil = std::clamp(0.40F - 0.07F * photo.light.strength, 0.24F, 0.46F);
  return look;
}

void light_scene(Scene& scene, const PhotoRecipe& photo, const EnvironmentModel& model,
                 const Vec3& center, int size_px) {
  scene.lighting.environment = model.mix(photo.light);
  std::vector<Lamp> lamps;
  if (luminance(scene.lighting.environment.key.radiance) > 1e-4F) {
    lamps.push_back(scene.lighting.environment.key);
  }
  lamps.insert(lamps.end(), photo.light.lamps.begin(), photo.light.lamps.end());
  std::stable_sort(lamps.begin(), lamps.end(), [](const Lamp& a, const Lamp& b) {
    return luminance(a.radiance) > luminance(b.radiance);
  });
  for (size_t i = 0; i < lamps.size(); ++i) {
    // Weaker lamps only fill: their shadows would not be seen.
    const float share = luminance(lamps[i].radiance) / luminance(lamps[0].radiance);
    if (i == 0 || (i == 1 && share > kShadowedShare)) {
      auto shadow = std::make_unique<ShadowMap>(lamps[i].direction, lamps[i].size, center,
                                                kShadowRadius, shadow_map_px(size_px));
      shadow->cast(scene.mesh, scene.mesh.positions);
      shadow->cast_hair(scene.strands, scene.strands.points);
      shadow->finish();
      scene.shadows.push_back(std::move(shadow));
      scene.lighting.lamps.push_back({lamps[i], scene.shadows.back().get()});
    } else {
      scene.lighting.lamps.push_back({lamps[i], nullptr});
    }
  }
}

// Mean luminance of the albedo; every 37th texel is enough.
float mean_albedo(const SkinMaps& skin) {
  float sum = 0;
  int count = 0;
  for (size_t i = 0; i + 2 < skin.albedo.size(); i += 3 * 37) {
    sum += luminance({skin.albedo[i], skin.albedo[i + 1], skin.albedo[i + 2]});
    ++count;
  }
  return sum / static_cast<float>(std::max(count, 1));
}

// A white card held at the face, turned three ways; and, as cameras do, partly the face itself:
// dark skin gets more light, fair skin less.
Metering meter(const Lighting& lighting, const Vec3& face_axis, float albedo) {
  Vec3 light;
  const std::array<Vec3, 3> cards = {face_axis, normalized(face_axis + Vec3{0, 0, 1}),
                                     Vec3{0, 0, 1}};
  for (const Vec3& card : cards) {
    light += irradiance(lighting.environment, card);
    for (const LampInScene& lamp : lighting.lamps) {
      light += lamp.lamp.radiance * std::max(0.0F, dot(card, lamp.lamp.direction));
    }
  }
  light *= 1.0F / static_cast<float>(cards.size());
  const float seen = std::pow(std::max(albedo, 0.01F) / kUsualAlbedo, kFaceShare);
  return {luminance(light) * seen, light};
}

// Jaw, brows, nose and a forehead mirrored from the nose: what annotators box as a face.
std::vector<Vec3> outline_of(const std::array<Vec3, 68>& landmarks) {
  std::vector<Vec3> outline(landmarks.begin(), landmarks.begin() + 36);
  const Vec3 brows = (landmarks[19] + landmarks[24]) * 0.5F;
  const Vec3 nose_base = landmarks[33];
  outline.push_back(brows + (brows - nose_base) * 0.55F);
  return outline;
}

}  // namespace

HouseModels::HouseModels(const std::string& head_path, const std::string& skin_path,
                         const std::string& light_path)
    : head(HeadModel::load(head_path)),
      skin(SkinModel::load(skin_path, head)),
      light(EnvironmentModel::load(light_path)),
      groom(head) {}

PersonAssets make_person(const HouseModels& models, const IdentityRecipe& person, int size_px) {
  return {person, models.skin.paint(person, person.age_years, skin_map_width(size_px))};
}

Scene build_scene(const HouseModels& models, const PersonAssets& assets, const PhotoRecipe& photo,
                  int size_px) {
  const IdentityRecipe& person = assets.person;
  const HeadTopology& topology = models.head.topology();
  const Head head = models.head.express(
      models.head.neutral(person.sex, person.age_years + photo.age_offset_years, person.shape),
      photo.expression, photo.gaze_yaw_deg, photo.gaze_pitch_deg);
  const NeckPose neck(head.head_joint, photo.yaw_deg, photo.pitch_deg, photo.roll_deg);
  const Vec3 center = neck.turn_point(face_center(head), 1);
  Scene scene(photo.camera, center, size_px);
  append_head(topology, head, scene.mesh);
  darken_mouth(topology, head, scene.mesh);
  add_clothing(topology, head, photo, scene.mesh);
  add_glasses(head, photo, scene.mesh);
  const std::optional<HairLimit> limit = add_hat(topology, head, photo, scene.mesh);
  add_earrings(topology, head, photo, scene.mesh);
  add_occluder(topology, head, person, photo, scene.mesh);
  scene.strands = models.groom.grow(head, person, photo, size_px, limit);
  pose(scene, neck);
  scene.skin = assets.skin;
  models.skin.dress(scene.skin, person, photo);
  scene.left_eye = look_of(head.left_eye, head, true, assets, photo, neck, scene.camera);
  scene.right_eye = look_of(head.right_eye, head, false, assets, photo, neck, scene.camera);
  light_scene(scene, photo, models.light, scene.camera.to_camera(center), size_px);
  scene.head_turn = head_rotation(photo.yaw_deg, photo.pitch_deg, photo.roll_deg);
  scene.metering = meter(scene.lighting, scene.head_turn * Vec3{0, 0, 1}, mean_albedo(assets.skin));
  const auto posed = [&](const Vec3& p) {
    return scene.camera.to_camera(neck.turn_point(p, NeckPose::weight(p)));
  };
  std::transform(head.landmarks.begin(), head.landmarks.end(), scene.landmarks.begin(), posed);
  std::transform(head.detector_points.begin(), head.detector_points.end(),
                 scene.detector_points.begin(), posed);
  scene.face_outline = outline_of(scene.landmarks);
  return scene;
}

}  // namespace guise::render
