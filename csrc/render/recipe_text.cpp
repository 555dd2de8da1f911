#include "render/recipe_text.h"

#include <array>
#include <nlohmann/json.hpp>

namespace guise::render {

namespace {

// Floats stay floats, so that 0.3F is written as 0.3; keys stay in the order of the structs.
using Json = nlohmann::basic_json<nlohmann::ordered_map, std::vector, std::string, bool, int64_t,
                                  uint64_t, float>;

template <typename Enum, size_t count>
std::string_view word_of(Enum value, const std::array<std::string_view, count>& words) {
  return words.at(static_cast<size_t>(value));
}

Json to_json(const Vec3& v) {
  return {v.x, v.y, v.z};
}

Json shape_json(const ShapeRecipe& shape) {
  return {{"ancestry", shape.ancestry},
          {"muscle", shape.muscle},
          {"weight", shape.weight},
          {"modes", shape.modes},
          {"asymmetry", shape.asymmetry}};
}

Json skin_json(const SkinRecipe& skin) {
  return {{"melanin", skin.melanin},
          {"haemoglobin", skin.haemoglobin},
          {"yellowness", skin.yellowness},
          {"modes", skin.modes},
          {"freckles", skin.freckles},
          {"moles", skin.moles},
          {"roughness", skin.roughness},
          {"blotches", skin.blotches},
          {"oil", skin.oil},
          {"wrinkles", skin.wrinkles},
          {"dark_circles", skin.dark_circles},
          {"lip_redness", skin.lip_redness}};
}

Json eyes_json(const EyeRecipe& eyes) {
  return {{"melanin", eyes.melanin},
          {"amber", eyes.amber},
          {"grey", eyes.grey},
          {"iris_radius", eyes.iris_radius},
          {"limbal_ring", eyes.limbal_ring},
          {"white_tint", eyes.white_tint}};
}

Json hair_json(const HairRecipe& hair) {
  return {{"melanin", hair.melanin},
          {"redness", hair.redness},
          {"curl", hair.curl},
          {"thickness", hair.thickness},
          {"density", hair.density},
          {"hairline_height", hair.hairline_height},
          {"recession", hair.recession},
          {"grey_age_years", hair.grey_age_years},
          {"brow_thickness", hair.brow_thickness},
          {"brow_arch", hair.brow_arch},
          {"brow_density", hair.brow_density},
          {"brow_length", hair.brow_length},
          {"brow_height", hair.brow_height},
          {"lash_length", hair.lash_length},
          {"beard_density", hair.beard_density}};
}

Json identity_json(const IdentityRecipe& person) {
  return {{"seed", person.seed},
          {"identity", person.identity},
          {"noise_key", person.noise_key},
          {"sex", word(person.sex)},
          {"age_years", person.age_years},
          {"shape", shape_json(person.shape)},
          {"skin", skin_json(person.skin)},
          {"eyes", eyes_json(person.eyes)},
          {"hair", hair_json(person.hair)}};
}

Json cut_json(const HairCut& cut) {
  return {{"style", word(cut.style)}, {"length", cut.length},
          {"volume", cut.volume},     {"fringe", cut.fringe},
          {"parting", cut.parting},   {"messiness", cut.messiness},
          {"beard", word(cut.beard)}, {"beard_length", cut.beard_length},
          {"dye", cut.dye},           {"dye_albedo", to_json(cut.dye_albedo)}};
}

Json wearing_json(const Wearing& wearing) {
  return {{"glasses", word(wearing.glasses)},
          {"frame_shape", wearing.frame_shape},
          {"frame_size", wearing.frame_size},
          {"frame_thickness", wearing.frame_thickness},
          {"frame_albedo", to_json(wearing.frame_albedo)},
          {"frame_metal", wearing.frame_metal},
          {"lens_tint", wearing.lens_tint},
          {"hat", word(wearing.hat)},
          {"hat_albedo", to_json(wearing.hat_albedo)},
          {"occluder", word(wearing.occluder)},
          {"occluder_albedo", to_json(wearing.occluder_albedo)},
          {"occluder_place", wearing.occluder_place},
          {"clothing", word(wearing.clothing)},
          {"cloth_albedo", to_json(wearing.cloth_albedo)},
          {"cloth_second_albedo", to_json(wearing.cloth_second_albedo)},
          {"cloth_pattern", wearing.cloth_pattern},
          {"make_up", wearing.make_up},
          {"lipstick", to_json(wearing.lipstick)},
          {"earrings", wearing.earrings}};
}

Json light_json(const LightRecipe& light) {
  Json lamps = Json::array();
  for (const Lamp& lamp : light.lamps) {
    lamps.push_back({{"direction", to_json(lamp.direction)},
                     {"radiance", to_json(lamp.radiance)},
                     {"size", lamp.size}});
  }
  return {{"environment_a", light.environment_a},
          {"environment_b", light.environment_b},
          {"mix", light.mix},
          {"turn_deg", light.turn_deg},
          {"strength", light.strength},
          {"saturation", light.saturation},
          {"lamps", std::move(lamps)}};
}

Json camera_json(const CameraRecipe& camera) {
  return {{"field_of_view_deg", camera.field_of_view_deg},
          {"frame_height_dm", camera.frame_height_dm},
          {"shift_x", camera.shift_x},
          {"shift_y", camera.shift_y},
          {"background_blur", camera.background_blur},
          {"defocus_px", camera.defocus_px},
          {"motion_px", camera.motion_px},
          {"motion_deg", camera.motion_deg},
          {"exposure_ev", camera.exposure_ev},
          {"white_balance", camera.white_balance},
          {"temperature", camera.temperature},
          {"contrast", camera.contrast},
          {"saturation", camera.saturation},
          {"noise", camera.noise},
          {"sharpening", camera.sharpening},
          {"vignette", camera.vignette},
          {"jpeg_quality", camera.jpeg_quality},
          {"grey", camera.grey}};
}

Json expression_json(const ExpressionWeights& weights) {
  Json units = Json::object();
  for (size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] > 0) {
      units[std::string(kExpressionNames[i])] = weights[i];
    }
  }
  return units;
}

Json photo_json(const PhotoRecipe& photo) {
  return {{"sample", photo.sample},
          {"noise_key", photo.noise_key},
          {"age_offset_years", photo.age_offset_years},
          {"yaw_deg", photo.yaw_deg},
          {"pitch_deg", photo.pitch_deg},
          {"roll_deg", photo.roll_deg},
          {"gaze_yaw_deg", photo.gaze_yaw_deg},
          {"gaze_pitch_deg", photo.gaze_pitch_deg},
          {"expression", expression_json(photo.expression)},
          {"hair", cut_json(photo.hair)},
          {"wearing", wearing_json(photo.wearing)},
          {"light", light_json(photo.light)},
          {"camera", camera_json(photo.camera)},
          {"background", word(photo.background)}};
}

}  // namespace

std::string_view word(Sex value) {
  static constexpr std::array<std::string_view, 2> kWords{"female", "male"};
  return word_of(value, kWords);
}

std::string_view word(HairStyle value) {
  static constexpr std::array<std::string_view, kHairStyleCount> kWords{
      "shaved", "buzz",      "crew_cut",   "side_part",     "slick_back", "spiky",      "curly_top",
      "afro",   "short_bob", "long_bob",   "long_straight", "long_wavy",  "long_curly", "ponytail",
      "bun",    "pixie",     "fringe_bob", "undercut",      "dreadlocks", "bald"};
  return word_of(value, kWords);
}

std::string_view word(BeardStyle value) {
  static constexpr std::array<std::string_view, 6> kWords{"none",   "stubble",     "moustache",
                                                          "goatee", "short_beard", "full_beard"};
  return word_of(value, kWords);
}

std::string_view word(Glasses value) {
  static constexpr std::array<std::string_view, 3> kWords{"none", "spectacles", "sunglasses"};
  return word_of(value, kWords);
}

std::string_view word(Hat value) {
  static constexpr std::array<std::string_view, 5> kWords{"none", "beanie", "cap", "brimmed",
                                                          "headscarf"};
  return word_of(value, kWords);
}

std::string_view word(Occluder value) {
  static constexpr std::array<std::string_view, 4> kWords{"none", "mask", "scarf", "hand"};
  return word_of(value, kWords);
}

std::string_view word(Clothing value) {
  static constexpr std::array<std::string_view, 6> kWords{"crew_neck",  "v_neck", "shirt_collar",
                                                          "turtleneck", "hoodie", "jacket"};
  return word_of(value, kWords);
}

std::string_view word(Background value) {
  static constexpr std::array<std::string_view, 5> kWords{"environment", "indoor", "outdoor",
                                                          "studio", "plain"};
  return word_of(value, kWords);
}

std::string recipe_json(const IdentityRecipe& person, const PhotoRecipe& photo) {
  const Json recipe = {{"identity", identity_json(person)}, {"photo", photo_json(photo)}};
  return recipe.dump();
}

}  // namespace guise::render
