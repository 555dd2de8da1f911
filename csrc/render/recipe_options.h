// How recipes are distributed: what share of the pictures, how far, how strong.
//
// Every option is one number, so that C++, Python and the command line know them by one list.
// Shares are probabilities. A share "of the pictures" holds over many identities: within one
// identity habits make it higher or lower (a wearer of glasses wears them on most photos).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace guise::render {

// clang-format off
//  group, name, default, lowest, highest, meaning
#define GUISE_RECIPE_OPTIONS(X)                                                                    \
  X(people, female_share, 0.5, 0, 1, "share of women; the others are men")                         \
  X(people, age_low_years, 18, 18, 85, "youngest; ages are uniform from here")                     \
  X(people, age_high_years, 85, 18, 85, "oldest")                                                  \
  X(people, age_spread_years, 2, 0, 10, "photos of a person lie within so many years of the age")  \
  X(people, tone_low, 1, 1, 10, "lightest skin on the Monk scale; tones are uniform from here")    \
  X(people, tone_high, 10, 1, 10, "darkest skin on the Monk scale")                                \
  X(people, african_share, 1.0 / 3, 0, 1, "mean African ancestry over all tones; the 3 sum to 1")  \
  X(people, asian_share, 1.0 / 3, 0, 1, "mean East Asian ancestry over all tones")                 \
  X(people, caucasian_share, 1.0 / 3, 0, 1, "mean European ancestry over all tones")               \
  X(people, ancestry_concentration, 0.45, 0.05, 100, "of the Dirichlet distribution: small: "      \
    "mostly one ancestry; large: mixed alike")                                                     \
  X(people, ancestry_follows_tone, 0.85, 0, 1, "how much the tone of the skin says of ancestry: "  \
    "0 nothing, 1 as much as it can")                                                              \
  X(shape, shape_strength, 1, 0, 1.5, "individual shape in learned standard deviations")           \
  X(shape, shape_limit, 0.95, 0.05, 0.999, "quantile of the learned distribution beyond which a "  \
    "shape counts as a caricature and is drawn again")                                             \
  X(shape, asymmetry_strength, 1.6, 0, 2, "difference of left and right in standard deviations")     \
  X(pose, yaw_limit_deg, 90, 0, 90, "largest turn to either side")                                 \
  X(pose, yaw_sd_deg, 22, 0, 90, "standard deviation of the bell of turns about 0")                \
  X(pose, yaw_tail_share, 0.2, 0, 1, "share of pictures whose turn is uniform up to the limit")    \
  X(pose, pitch_limit_deg, 40, 0, 60, "largest turn up or down")                                   \
  X(pose, pitch_sd_deg, 11, 0, 60, "standard deviation of turns up and down")                      \
  X(pose, roll_limit_deg, 35, 0, 60, "largest tilt to a shoulder")                                 \
  X(pose, roll_sd_deg, 8, 0, 60, "standard deviation of tilts")                                    \
  X(pose, gaze_at_camera_share, 0.8, 0, 1, "share of pictures whose eyes seek the camera")         \
  X(expression, expression_strength, 1, 0, 1.5, "factor on all expression; 0: every face neutral") \
  X(expression, neutral_share, 0.3, 0, 1, "share of pictures with a calm face")                    \
  X(expression, blink_share, 0.015, 0, 1, "share of pictures with closing or closed eyes")         \
  X(hair, hair_change_share, 0.4, 0, 1, "share of a person's photos with another cut than usual")  \
  X(hair, dye_share, 0.06, 0, 1, "share of persons with dyed hair")                                \
  X(hair, beard_share, 0.45, 0, 1, "share of the pictures of men with stubble, moustache or beard")\
  X(wearing, glasses_share, 0.35, 0, 1, "share of pictures with spectacles or sunglasses")         \
  X(wearing, sunglasses_share, 0.07, 0, 1, "share of pictures with sunglasses, part of "           \
    "glasses_share")                                                                               \
  X(wearing, glasses_habit, 0.75, 0.05, 1, "share of a wearer's photos with the spectacles on")    \
  X(wearing, hat_share, 0.08, 0, 1, "share of pictures with a hat, cap or headscarf")              \
  X(wearing, mask_share, 0.04, 0, 1, "share of pictures with a mask over mouth and nose")          \
  X(wearing, scarf_share, 0.03, 0, 1, "share of pictures with a scarf over the mouth")             \
  X(wearing, hand_share, 0.03, 0, 1, "share of pictures with a hand before the face")              \
  X(wearing, make_up_share, 0.4, 0, 1, "share of the pictures of women with make-up")              \
  X(wearing, earring_share, 0.35, 0, 1, "share of the pictures of women with earrings; of men a "  \
    "tenth of it")                                                                                 \
  X(background, environment_share, 0.15, 0, 1, "share of pictures before the surroundings that "   \
    "light them; the five sum to 1")                                                               \
  X(background, indoor_share, 0.3, 0, 1, "share of pictures before a room")                        \
  X(background, outdoor_share, 0.25, 0, 1, "share of pictures before a street or a landscape")     \
  X(background, studio_share, 0.15, 0, 1, "share of pictures before a studio backdrop")            \
  X(background, plain_share, 0.15, 0, 1, "share of pictures before one colour")                    \
  X(light, environment_strength, 1, 0, 4, "mean strength of the light from all around")            \
  X(light, environment_variation, 0.25, 0, 1, "standard deviation of its logarithm")               \
  X(light, lamp_share, 0.6, 0, 1, "share of the pictures without hard light that have lamps")      \
  X(light, lamp_strength, 0.7, 0, 3, "mean strength of the key lamp")                              \
  X(light, hard_light_share, 0.12, 0, 1, "share of pictures with a small, strong lamp: sun, flash")\
  X(light, dim_share, 0.07, 0, 1, "share of pictures in the evening or at night")                  \
  X(camera, frame_low_dm, 2.7, 1.8, 12, "smallest height of the frame at the head; a face from "   \
    "brow to chin has about 1.5 dm")                                                               \
  X(camera, frame_high_dm, 3.7, 1.8, 12, "largest height of the frame at the head")                \
  X(camera, field_of_view_low_deg, 14, 5, 90, "narrowest angle of view over the height")           \
  X(camera, field_of_view_high_deg, 40, 5, 90, "widest angle of view over the height")             \
  X(camera, shift_sd, 0.02, 0, 0.3, "standard deviation of the head's place, in frame heights")    \
  X(camera, white_balance, 0.75, 0, 1, "how much of the light's colour the camera takes out")      \
  X(camera, exposure_sd_ev, 0.25, 0, 2, "standard deviation of the exposure, in stops")            \
  X(camera, grey_share, 0.1, 0, 1, "share of pictures without colour")                             \
  X(quality, defocus_limit_px, 1.1, 0, 8, "largest blur of a picture 224 px high; most have less") \
  X(quality, motion_share, 0.06, 0, 1, "share of pictures that were moved")                        \
  X(quality, motion_limit_px, 4, 0, 24, "longest motion blur of a picture 224 px high")            \
  X(quality, noise_low, 0.002, 0, 0.3, "least sensor noise at mid grey; 1 is white")               \
  X(quality, noise_high, 0.025, 0, 0.3, "most sensor noise at mid grey")                           \
  X(quality, jpeg_quality_low, 70, 5, 100, "worst JPEG quality a picture went through")            \
  X(quality, jpeg_quality_high, 97, 5, 100, "best JPEG quality; 100: not compressed")
// clang-format on

struct RecipeOptions {
#define GUISE_FIELD(group, name, standard, low, high, meaning) double name = standard;
  GUISE_RECIPE_OPTIONS(GUISE_FIELD)
#undef GUISE_FIELD

  // Faces to the front: yaw up to 30 degrees, pitch 15, roll 10; nothing on or before the face.
  static RecipeOptions frontal();
  // As for a document: frontal within 5 degrees, calm, looking at the camera, even light, plain
  // background, no hat, a good camera.
  static RecipeOptions passport();
  // A perfect camera: sharp, without noise, compression or wrong exposure.
  static RecipeOptions clean();
  // One of these or "default", by name.
  static RecipeOptions preset(std::string_view name);

  // Throws std::invalid_argument that says what must hold, what came and what to do.
  void validate() const;
};

// One option, as lists and command lines need it.
struct RecipeAxis {
  const char* group;
  const char* name;
  double RecipeOptions::*field;
  double low, high;
  const char* meaning;
};

// In the order of the struct.
std::span<const RecipeAxis> recipe_axes();

// Sets an option by its name. Throws std::invalid_argument for an unknown name, naming those that
// come close; the value is checked by validate().
void set_option(RecipeOptions& options, std::string_view name, double value);

}  // namespace guise::render
