#include "render/film.h"

#include <array>
#include <cmath>
#include <numbers>

#include "render/jpeg_artifacts.h"

namespace guise::render {
namespace {

// Sizes in recipes are of a picture this high.
constexpr float kRecipeSize = 224.0F;

// Linear 0..1 -> sRGB, by table; fine enough that 8-bit steps are exact to half a level.
class DisplayCurve {
 public:
  DisplayCurve() {
    for (size_t i = 0; i < table_.size(); ++i) {
      const float v = static_cast<float>(i) / static_cast<float>(table_.size() - 1);
      table_[i] = v <= 0.0031308F ? 12.92F * v : 1.055F * std::pow(v, 1 / 2.4F) - 0.055F;
    }
  }
  float operator()(float linear) const {
    const float at = clamp01(linear) * static_cast<float>(table_.size() - 1);
    const auto i = std::min(static_cast<size_t>(at), table_.size() - 2);
    return lerp(table_[i], table_[i + 1], at - static_cast<float>(i));
  }

 private:
  std::array<float, 4097> table_{};
};

// A shoulder for what is brighter than white, straight below it (Reinhard et al., SIGGRAPH 2002,
// with white at 4).
float shoulder(float v) {
  return v * (1 + v / 16.0F) / (1 + v * 0.62F) * 1.28F;
}

Vec3 balance_of(const CameraRecipe& camera, const Metering& metering) {
  const float grey = std::max(luminance(metering.light_colour), 1e-4F);
  const auto gain = [&](float channel) {
    return std::pow(std::max(channel, 0.02F * grey) / grey, -camera.white_balance);
  };
  Vec3 balance{gain(metering.light_colour.x), gain(metering.light_colour.y),
               gain(metering.light_colour.z)};
  balance.x *= 1 + 0.14F * camera.temperature;
  balance.z *= 1 - 0.18F * camera.temperature;
  return balance * (1 / luminance(balance));
}

void expose(std::vector<Vec3>& light, int size_px, const CameraRecipe& camera,
            const Metering& metering) {
  const Vec3 gain = balance_of(camera, metering) *
                    (0.92F * std::exp2(camera.exposure_ev) / std::max(metering.face_light, 1e-3F));
  const float middle = static_cast<float>(size_px - 1) / 2;
  for (int y = 0; y < size_px; ++y) {
    for (int x = 0; x < size_px; ++x) {
      Vec3& v =
          light[static_cast<size_t>(y) * static_cast<size_t>(size_px) + static_cast<size_t>(x)];
      const float dx = (static_cast<float>(x) - middle) / middle;
      const float dy = (static_cast<float>(y) - middle) / middle;
      v = v * gain * (1 - 0.3F * camera.vignette * (dx * dx + dy * dy));
    }
  }
}

// One axis of a symmetric blur; writes transposed.
void blur_axis(const std::vector<Vec3>& from, std::vector<Vec3>& to, int size,
               const std::vector<float>& half_kernel) {
  const int reach = static_cast<int>(half_kernel.size()) - 1;
  for (int y = 0; y < size; ++y) {
    const Vec3* row = from.data() + static_cast<size_t>(y) * static_cast<size_t>(size);
    for (int x = 0; x < size; ++x) {
      Vec3 sum = row[x] * half_kernel[0];
      for (int k = 1; k <= reach; ++k) {
        sum += (row[std::max(x - k, 0)] + row[std::min(x + k, size - 1)]) *
               half_kernel[static_cast<size_t>(k)];
      }
      to[static_cast<size_t>(x) * static_cast<size_t>(size) + static_cast<size_t>(y)] = sum;
    }
  }
}

void gaussian(std::vector<Vec3>& picture, int size, float sigma) {
  if (sigma < 0.2F) return;
  const int reach = std::max(1, static_cast<int>(std::ceil(2.6F * sigma)));
  std::vector<float> kernel(static_cast<size_t>(reach) + 1);
  float sum = 0;
  for (int k = 0; k <= reach; ++k) {
    const auto d = static_cast<float>(k);
    kernel[static_cast<size_t>(k)] = std::exp(-0.5F * d * d / (sigma * sigma));
    sum += kernel[static_cast<size_t>(k)] * (k == 0 ? 1.0F : 2.0F);
  }
  for (float& k : kernel) k /= sum;
  std::vector<Vec3> other(picture.size());
  blur_axis(picture, other, size, kernel);
  blur_axis(other, picture, size, kernel);
}

// Mean along a straight way of `length_px`.
void smear(std::vector<Vec3>& picture, int size, float length_px, float direction_deg) {
  if (length_px < 0.7F) return;
  const int steps = static_cast<int>(std::ceil(length_px)) + 1;
  const float angle = direction_deg * std::numbers::pi_v<float> / 180.0F;
  const std::vector<Vec3> still = picture;
  std::vector<std::array<int, 2>> way;
  for (int i = 0; i < steps; ++i) {
    const float t = (static_cast<float>(i) / static_cast<float>(steps - 1) - 0.5F) * length_px;
    way.push_back({static_cast<int>(std::lround(t * std::cos(angle))),
                   static_cast<int>(std::lround(-t * std::sin(angle)))});
  }
  const float share = 1.0F / static_cast<float>(steps);
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      Vec3 sum;
      for (const auto& [dx, dy] : way) {
        const int sx = std::clamp(x + dx, 0, size - 1), sy = std::clamp(y + dy, 0, size - 1);
        sum += still[static_cast<size_t>(sy) * static_cast<size_t>(size) + static_cast<size_t>(sx)];
      }
      picture[static_cast<size_t>(y) * static_cast<size_t>(size) + static_cast<size_t>(x)] =
          sum * share;
    }
  }
}

// Linear light -> display values 0..1 with the camera's contrast and colourfulness.
void print(std::vector<Vec3>& picture, const CameraRecipe& camera) {
  static const DisplayCurve curve;
  for (Vec3& v : picture) {
    Vec3 shown{curve(shoulder(v.x)), curve(shoulder(v.y)), curve(shoulder(v.z))};
    const float grey = 0.299F * shown.x + 0.587F * shown.y + 0.114F * shown.z;
    shown = lerp(Vec3{grey, grey, grey}, shown, camera.grey ? 0.0F : camera.saturation);
    const auto contrast = [&](float c) { return 0.45F + (c - 0.45F) * camera.contrast; };
    v = {contrast(shown.x), contrast(shown.y), contrast(shown.z)};
  }
}

void sharpen(std::vector<Vec3>& picture, int size, float amount, float sigma) {
  if (amount <= 0.01F) return;
  std::vector<Vec3> soft = picture;
  gaussian(soft, size, sigma);
  for (size_t i = 0; i < picture.size(); ++i) picture[i] += (picture[i] - soft[i]) * amount;
}

uint32_t mixed(uint64_t key, uint32_t index) {
  uint64_t h = key + 0x9E3779B97F4A7C15ULL * (static_cast<uint64_t>(index) + 1);
  h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9ULL;
  h = (h ^ (h >> 27)) * 0x94D049BB133111EBULL;
  return static_cast<uint32_t>((h ^ (h >> 31)) & 0xFFFFFFFFU);
}

// About normal, mean 0, variance 1: four bytes added up (Irwin and Hall).
float grain(uint64_t key, uint32_t index) {
  const uint32_t h = mixed(key, index);
  const auto sum = static_cast<float>((h & 255) + (h >> 8 & 255) + (h >> 16 & 255) + (h >> 24));
  return (sum - 510.0F) * (1.0F / 147.8F);
}

// Shot noise grows with the root of the light; the rest is the sensor's own.
void quantise(const std::vector<Vec3>& picture, const CameraRecipe& camera, uint64_t noise_key,
              uint8_t* rgb) {
  const auto level = [](float v) {
    return static_cast<uint8_t>(std::clamp(v * 255.0F + 0.5F, 0.0F, 255.0F));
  };
  for (size_t i = 0; i < picture.size(); ++i) {
    const Vec3& v = picture[i];
    const auto index = static_cast<uint32_t>(3 * i);
    const float strength = camera.noise * (0.45F + 0.75F * std::sqrt(clamp01(v.y)));
    if (camera.grey) {
      const float n = grain(noise_key, index) * strength;
      rgb[3 * i] = rgb[3 * i + 1] = rgb[3 * i + 2] = level(v.x + n);
    } else {
      rgb[3 * i] = level(v.x + strength * grain(noise_key, index));
      rgb[3 * i + 1] = level(v.y + strength * 0.8F * grain(noise_key, index + 1));
      rgb[3 * i + 2] = level(v.z + strength * 1.15F * grain(noise_key, index + 2));
    }
  }
}

}  // namespace

void develop(std::vector<Vec3>& light, int size_px, const CameraRecipe& camera,
             const Metering& metering, uint64_t noise_key, uint8_t* rgb) {
  const float scale = static_cast<float>(size_px) / kRecipeSize;
  expose(light, size_px, camera, metering);
  smear(light, size_px, camera.motion_px * scale, camera.motion_deg);
  gaussian(light, size_px, camera.defocus_px * scale);
  print(light, camera);
  sharpen(light, size_px, camera.sharpening, std::max(0.7F, 0.9F * scale));
  quantise(light, camera, noise_key, rgb);
  if (camera.jpeg_quality < 100) add_jpeg_artifacts(rgb, size_px, camera.jpeg_quality);
}

}  // namespace guise::render
