#include "render/recipe_options.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "core/check.h"

namespace guise::render {

namespace {

constexpr RecipeAxis kAxes[] = {
#define GUISE_AXIS(group, name, standard, low, high, meaning) \
  {#group, #name, &RecipeOptions::name, low, high, meaning},
    GUISE_RECIPE_OPTIONS(GUISE_AXIS)
#undef GUISE_AXIS
};

// Sums of shares written with three decimals are accepted.
constexpr double kSumTolerance = 0.002;

void check_order(const char* low_name, double low, const char* high_name, double high) {
  GUISE_CHECK_ARG(low <= high, low_name, " must not exceed ", high_name, "; got ", low, " and ",
                  high, "; give both");
}

using Shares = std::vector<std::pair<const char*, double>>;

std::string sum_text(const Shares& shares) {
  std::string text;
  for (const auto& [name, share] : shares) {
    text += (text.empty() ? "" : " + ") + std::string(name);
  }
  return text;
}

double sum_of(const Shares& shares) {
  double sum = 0;
  for (const auto& [name, share] : shares) {
    sum += share;
  }
  return sum;
}

void check_sum_is_one(const Shares& shares) {
  const double sum = sum_of(shares);
  GUISE_CHECK_ARG(std::abs(sum - 1) <= kSumTolerance, sum_text(shares),
                  " must sum to 1; they sum to ", sum, "; give all of them");
}

void check_sum_at_most_one(const Shares& shares) {
  const double sum = sum_of(shares);
  GUISE_CHECK_ARG(sum <= 1 + 1e-9, sum_text(shares), " must sum to at most 1; they sum to ", sum,
                  "; lower one of them");
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) {
    row[j] = j;
  }
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

// The three names nearest to a wrong one.
std::string near_names(std::string_view wrong) {
  std::vector<const RecipeAxis*> axes;
  for (const RecipeAxis& axis : kAxes) {
    axes.push_back(&axis);
  }
  std::stable_sort(axes.begin(), axes.end(), [&](const RecipeAxis* a, const RecipeAxis* b) {
    return edit_distance(wrong, a->name) < edit_distance(wrong, b->name);
  });
  return core::message(axes[0]->name, ", ", axes[1]->name, " or ", axes[2]->name);
}

}  // namespace

std::span<const RecipeAxis> recipe_axes() {
  return kAxes;
}

void set_option(RecipeOptions& options, std::string_view name, double value) {
  for (const RecipeAxis& axis : kAxes) {
    if (name == axis.name) {
      options.*axis.field = value;
      return;
    }
  }
  GUISE_CHECK_ARG(false, "an option of the recipe must be one of ", std::size(kAxes),
                  " names; got '", name, "'; did you mean ", near_names(name), "?");
}

void RecipeOptions::validate() const {
  for (const RecipeAxis& axis : kAxes) {
    const double value = this->*axis.field;
    GUISE_CHECK_ARG(value >= axis.low && value <= axis.high, axis.name, " must lie from ", axis.low,
                    " to ", axis.high, "; got ", value, " (", axis.meaning, ")");
  }
  check_order("age_low_years", age_low_years, "age_high_years", age_high_years);
  check_order("tone_low", tone_low, "tone_high", tone_high);
  check_order("frame_low_dm", frame_low_dm, "frame_high_dm", frame_high_dm);
  check_order("field_of_view_low_deg", field_of_view_low_deg, "field_of_view_high_deg",
              field_of_view_high_deg);
  check_order("noise_low", noise_low, "noise_high", noise_high);
  check_order("jpeg_quality_low", jpeg_quality_low, "jpeg_quality_high", jpeg_quality_high);
  check_order("sunglasses_share", sunglasses_share, "glasses_share", glasses_share);
  check_sum_is_one({{"african_share", african_share},
                    {"asian_share", asian_share},
                    {"caucasian_share", caucasian_share}});
  check_sum_is_one({{"environment_share", environment_share},
                    {"indoor_share", indoor_share},
                    {"outdoor_share", outdoor_share},
                    {"studio_share", studio_share},
                    {"plain_share", plain_share}});
  check_sum_at_most_one(
      {{"mask_share", mask_share}, {"scarf_share", scarf_share}, {"hand_share", hand_share}});
}

RecipeOptions RecipeOptions::frontal() {
  RecipeOptions options;
  options.yaw_limit_deg = 30;
  options.pitch_limit_deg = 15;
  options.roll_limit_deg = 10;
  options.mask_share = options.scarf_share = options.hand_share = options.hat_share = 0;
  options.glasses_share = options.sunglasses_share = 0;
  return options;
}

RecipeOptions RecipeOptions::clean() {
  RecipeOptions options;
  options.defocus_limit_px = options.motion_share = 0;
  options.noise_low = options.noise_high = 0;
  options.jpeg_quality_low = options.jpeg_quality_high = 100;
  options.exposure_sd_ev = 0;
  options.grey_share = 0;
  return options;
}

RecipeOptions RecipeOptions::passport() {
  RecipeOptions options = clean();
  options.yaw_limit_deg = options.pitch_limit_deg = options.roll_limit_deg = 5;
  options.yaw_tail_share = 0;
  options.yaw_sd_deg = options.pitch_sd_deg = options.roll_sd_deg = 2;
  options.gaze_at_camera_share = 1;
  options.neutral_share = 1;
  options.blink_share = 0;
  options.mask_share = options.scarf_share = options.hand_share = options.hat_share = 0;
  options.glasses_share = options.sunglasses_share = 0;
  options.environment_share = options.indoor_share = options.outdoor_share = 0;
  options.studio_share = 0;
  options.plain_share = 1;
  options.lamp_share = options.hard_light_share = options.dim_share = 0;
  options.white_balance = 1;
  return options;
}

RecipeOptions RecipeOptions::preset(std::string_view name) {
  if (name == "default") {
    return {};
  }
  if (name == "frontal") {
    return frontal();
  }
  if (name == "passport") {
    return passport();
  }
  GUISE_CHECK_ARG(name == "clean",
                  "a preset must be 'default', 'frontal', 'passport' or 'clean'; got '", name, "'");
  return clean();
}

}  // namespace guise::render
