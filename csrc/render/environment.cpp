#include "render/environment.h"

#include <ATen/ATen.h>

#include <cstddef>

#include "core/check.h"
#include "io/safetensors.h"

namespace guise::render {
namespace {

constexpr float kPi = 3.14159265F;
// Factors of the bands of order 0, 1, 2: convolution with the cosine / pi, times the window that
// `guise.train.light` gave the maps.
constexpr std::array<float, 3> kBand{1.0F, 2.0F / 3.0F * 0.85F, 0.25F * 0.5F};
constexpr std::array<int, 9> kOrder{0, 1, 1, 1, 2, 2, 2, 2, 2};

std::array<float, 9> harmonics_at(const Vec3& d) {
  constexpr float c0 = 0.28209479F, c1 = 0.48860251F, c2 = 1.09254843F, c20 = 0.31539157F;
  return {c0,
          c1 * d.z,
          c1 * d.y,
          c1 * d.x,
          c2 * d.y * d.z,
          c20 * (3.0F * d.y * d.y - 1.0F),
          c2 * d.y * d.x,
          0.5F * c2 * (d.z * d.z - d.x * d.x),
          c2 * d.z * d.x};
}

// atan2 / (2 pi) within 2e-5.
float turns_of(float y, float x) {
  const float ax = std::abs(x), ay = std::abs(y);
  const float t = std::min(ax, ay) / std::max(std::max(ax, ay), 1e-20F);
  const float t2 = t * t;
  float a =
      t * (0.999866F + t2 * (-0.3302995F + t2 * (0.180141F + t2 * (-0.085133F + t2 * 0.0208351F))));
  if (ay > ax) a = 0.5F * kPi - a;
  if (x < 0) a = kPi - a;
  return (y < 0 ? -a : a) * (0.5F / kPi);
}

Vec3 sample_map(const Vec3* map, int width, int height, const Vec3& direction) {
  const float u = (turns_of(direction.x, -direction.z) + 0.5F) * static_cast<float>(width) - 0.5F;
  const float flat = std::sqrt(direction.x * direction.x + direction.z * direction.z);
  const float v = 2.0F * turns_of(flat, direction.y) * static_cast<float>(height) - 0.5F;
  const float floor_u = std::floor(u), floor_v = std::floor(v);
  const float fu = u - floor_u, fv = v - floor_v;
  const int x0 = (static_cast<int>(floor_u) + width) % width, x1 = x0 + 1 < width ? x0 + 1 : 0;
  const int y0 = std::clamp(static_cast<int>(floor_v), 0, height - 1);
  const int y1 = std::clamp(static_cast<int>(floor_v) + 1, 0, height - 1);
  const Vec3 *upper = map + static_cast<ptrdiff_t>(y0) * width,
             *lower = map + static_cast<ptrdiff_t>(y1) * width;
  return lerp(lerp(upper[x0], upper[x1], fu), lerp(lower[x0], lower[x1], fu), fv);
}

// A unit vector turned about the vertical; positive turns move -z towards +x.
Vec3 turned(const Vec3& d, float radians) {
  const float c = std::cos(radians), s = std::sin(radians);
  return {d.x * c - d.z * s, d.y, d.z * c + d.x * s};
}

Harmonics turned(const Harmonics& h, float radians) {
  const float c = std::cos(radians), s = std::sin(radians);
  const float c2 = c * c - s * s, s2 = 2 * s * c;
  Harmonics r = h;
  r[3] = h[3] * c - h[1] * s;
  r[1] = h[1] * c + h[3] * s;
  r[6] = h[6] * c - h[4] * s;
  r[4] = h[4] * c + h[6] * s;
  r[7] = h[7] * c2 + h[8] * s2;
  r[8] = h[8] * c2 - h[7] * s2;
  return r;
}

// out += gain * (map shifted to the right by `shift` columns, 0 <= shift < width), linear between.
void add_turned(const std::vector<Vec3>& map, int width, float shift, float gain,
                std::vector<Vec3>& out) {
  const int whole = static_cast<int>(shift);
  const float right = gain * (shift - static_cast<float>(whole)), left = gain - right;
  for (size_t row = 0; row < map.size(); row += static_cast<size_t>(width)) {
    const Vec3* from = map.data() + row;
    Vec3* to = out.data() + row;
    for (int x = 0; x < width; ++x) {
      // Column x shows what stood `shift` columns to its left.
      int b = x - whole - 1;
      b += b < 0 ? width : 0;
      const int a = b + 1 < width ? b + 1 : 0;
      to[x] += from[a] * left + from[b] * right;
    }
  }
}

Vec3 saturated(const Vec3& colour, float saturation) {
  const float grey = luminance(colour);
  return lerp(Vec3{grey, grey, grey}, colour, saturation);
}

void saturate_all(std::vector<Vec3>& colours, float saturation) {
  if (saturation == 1.0F) return;
  for (Vec3& colour : colours) colour = saturated(colour, saturation);
}

void add_to_harmonics(const Lamp& lamp, Harmonics& irradiance) {
  const std::array<float, 9> y = harmonics_at(lamp.direction);
  for (size_t k = 0; k < 9; ++k) {
    irradiance[k] += lamp.radiance * (kPi * y[k] * kBand[static_cast<size_t>(kOrder[k])]);
  }
}

// Adds the lamp as a lobe as wide as the roughness and the lamp together.
void add_to_glossy(const Lamp& lamp, GlossyMaps& maps) {
  const size_t texels = static_cast<size_t>(maps.width) * static_cast<size_t>(maps.height);
  std::vector<float> lobe(texels);
  for (size_t level = 0; level < maps.roughness.size(); ++level) {
    const float alpha = maps.roughness[level] * maps.roughness[level] + 0.25F * lamp.size;
    const float alpha2 = alpha * alpha;
    float sum = 0;
    for (int y = 0; y < maps.height; ++y) {
      const float theta = (static_cast<float>(y) + 0.5F) / static_cast<float>(maps.height) * kPi;
      const float sine = std::sin(theta), up = std::cos(theta);
      const float solid = sine * 2.0F * kPi * kPi / static_cast<float>(texels);
      for (int x = 0; x < maps.width; ++x) {
        const float phi =
            2 * kPi * ((static_cast<float>(x) + 0.5F) / static_cast<float>(maps.width) - 0.5F);
        const float cosine = dot({sine * std::sin(phi), up, -sine * std::cos(phi)}, lamp.direction);
        const float slope = 0.5F * (1.0F + cosine) * (alpha2 - 1.0F) + 1.0F;
        const float value = alpha2 / (slope * slope) * std::max(0.0F, cosine);
        lobe[static_cast<size_t>(y * maps.width + x)] = value;
        sum += value * solid;
      }
    }
    const float gain = kPi / std::max(sum, 1e-6F);
    for (size_t i = 0; i < texels; ++i) {
      maps.texels[level * texels + i] += lamp.radiance * (lobe[i] * gain);
    }
  }
}

// The tensor `name` as float32 with `sizes` (-1: any); every value finite.
at::Tensor take(const io::SafetensorsFile& file, const std::string& path, const std::string& name,
                const std::vector<int64_t>& sizes) {
  for (const auto& [key, tensor] : file.tensors) {
    if (key != name) continue;
    bool fits = tensor.dim() == static_cast<int64_t>(sizes.size()) && tensor.numel() > 0;
    for (size_t d = 0; fits && d < sizes.size(); ++d) {
      fits = sizes[d] < 0 || tensor.size(static_cast<int64_t>(d)) == sizes[d];
    }
    const at::Tensor values = tensor.to(at::kFloat).contiguous();
    if (fits && at::isfinite(values).all().item<bool>()) return values;
    throw CorruptFile(core::message(path, ": \"", name, "\" must be finite with sizes ",
                                    at::IntArrayRef(sizes), " (-1: any); got ", tensor.sizes(),
                                    ". Build house-light again or fetch it again."));
  }
  throw CorruptFile(core::message(path, " must be a house-light file; it has no \"", name, "\""));
}

void require(bool condition, const std::string& path, const char* what) {
  if (!condition) throw CorruptFile(core::message(path, " must be a house-light file: ", what));
}

std::vector<Vec3> colours(const float* values, int64_t count) {
  std::vector<Vec3> result(static_cast<size_t>(count));
  for (size_t i = 0; i < result.size(); ++i) {
    result[i] = {values[3 * i], values[3 * i + 1], values[3 * i + 2]};
  }
  return result;
}

void check_light(const LightRecipe& light, int count) {
  for (const int index : {light.environment_a, light.environment_b}) {
    GUISE_CHECK_ARG(0 <= index && index < count, "an environment must be 0..", count - 1, "; got ",
                    index);
  }
  GUISE_CHECK_ARG(0 <= light.mix && light.mix <= 1, "mix must be in 0..1; got ", light.mix);
  GUISE_CHECK_ARG(std::isfinite(light.strength) && light.strength >= 0,
                  "strength must be finite and >= 0; got ", light.strength);
  GUISE_CHECK_ARG(0 <= light.saturation && light.saturation <= 2,
                  "saturation must be in 0..2; got ", light.saturation);
  GUISE_CHECK_ARG(std::isfinite(light.turn_deg), "turn_deg must be finite; got ", light.turn_deg);
}

}  // namespace

Vec3 radiance(const Environment& environment, const Vec3& direction) {
  return sample_map(environment.map.data(), environment.width, environment.height, direction);
}

Vec3 irradiance(const Environment& environment, const Vec3& normal, float band_gain) {
  const std::array<float, 9> y = harmonics_at(normal);
  Vec3 sum{};
  for (size_t k = 1; k < 9; ++k) sum += environment.irradiance[k] * y[k];
  sum = environment.irradiance[0] * y[0] + sum * band_gain;
  return {std::max(0.0F, sum.x), std::max(0.0F, sum.y), std::max(0.0F, sum.z)};
}

Vec3 glossy(const Environment& environment, const Vec3& direction, float roughness) {
  const GlossyMaps& maps = environment.glossy_maps;
  const auto level = [&](size_t i) {
    return sample_map(maps.texels.data() + i * maps.texels.size() / 2, maps.width, maps.height,
                      direction);
  };
  const float low = maps.roughness[0], high = maps.roughness[1];
  if (roughness >= high) {
    return lerp(level(1), irradiance(environment, direction),
                clamp01((roughness - high) / (1.0F - high)));
  }
  if (roughness >= low) return lerp(level(0), level(1), (roughness - low) / (high - low));
  return lerp(radiance(environment, direction), level(0), clamp01(roughness / low));
}

EnvironmentModel EnvironmentModel::load(const std::string& path) {
  const io::SafetensorsFile file = io::read_safetensors(path);
  const at::Tensor maps = take(file, path, "maps", {-1, -1, -1, 3});
  const int64_t count = maps.size(0), height = maps.size(1), width = maps.size(2);
  const at::Tensor glossy_texels = take(file, path, "glossy", {count, 2, -1, -1, 3});
  const at::Tensor roughness = take(file, path, "glossy_roughness", {2});
  const at::Tensor harmonics = take(file, path, "irradiance", {count, 9, 3});
  const at::Tensor keys = take(file, path, "key", {count, 7});
  const at::Tensor indoor = take(file, path, "indoor", {count});
  require(maps.ge(0).all().item<bool>() && glossy_texels.ge(0).all().item<bool>(), path,
          "radiance must not be negative");
  const float* rough = roughness.const_data_ptr<float>();
  require(0 < rough[0] && rough[0] < rough[1] && rough[1] < 1, path,
          "glossy_roughness must rise between 0 and 1");
  EnvironmentModel model;
  model.width_ = static_cast<int>(width);
  model.height_ = static_cast<int>(height);
  model.glossy_height_ = static_cast<int>(glossy_texels.size(2));
  model.glossy_width_ = static_cast<int>(glossy_texels.size(3));
  model.glossy_roughness_ = {rough[0], rough[1]};
  const int64_t glossy_count = glossy_texels.numel() / count / 3;
  for (int64_t i = 0; i < count; ++i) {
    Source source;
    source.map = colours(maps[i].const_data_ptr<float>(), width * height);
    source.glossy = colours(glossy_texels[i].const_data_ptr<float>(), glossy_count);
    const std::vector<Vec3> bands = colours(harmonics[i].const_data_ptr<float>(), 9);
    std::copy(bands.begin(), bands.end(), source.irradiance.begin());
    const float* key = keys[i].const_data_ptr<float>();
    source.key = {{key[0], key[1], key[2]}, {key[3], key[4], key[5]}, key[6]};
    require(std::abs(length(source.key.direction) - 1.0F) < 1e-3F && key[3] >= 0 && key[4] >= 0 &&
                key[5] >= 0 && key[6] > 0 && key[6] < kPi,
            path, "a key light must have a unit direction, light and a size");
    source.indoor = indoor[i].item<float>() != 0;
    model.sources_.push_back(std::move(source));
  }
  return model;
}

Environment EnvironmentModel::mix(const LightRecipe& light) const {
  check_light(light, count());
  Environment result;
  result.width = width_;
  result.height = height_;
  result.glossy_maps = {glossy_width_, glossy_height_, glossy_roughness_, {}};
  result.map.resize(sources_[0].map.size());
  result.glossy_maps.texels.resize(sources_[0].glossy.size());
  const float turns = light.turn_deg / 360.0F - std::floor(light.turn_deg / 360.0F);
  const float share_of_turn = turns < 1.0F ? turns : 0.0F;
  const float radians = share_of_turn * 2 * kPi;
  std::array<Lamp, 2> keys;
  for (size_t i = 0; i < 2; ++i) {
    const float gain = light.strength * (i == 0 ? 1.0F - light.mix : light.mix);
    const int index = i == 0 ? light.environment_a : light.environment_b;
    const Source& source = sources_[static_cast<size_t>(index)];
    keys[i] = {turned(source.key.direction, radians), source.key.radiance * gain, source.key.size};
    if (gain == 0) continue;
    add_turned(source.map, width_, share_of_turn * static_cast<float>(width_), gain, result.map);
    add_turned(source.glossy, glossy_width_, share_of_turn * static_cast<float>(glossy_width_),
               gain, result.glossy_maps.texels);
    for (size_t k = 0; k < 9; ++k) result.irradiance[k] += source.irradiance[k] * gain;
  }
  result.irradiance = turned(result.irradiance, radians);
  const size_t main = luminance(keys[1].radiance) > luminance(keys[0].radiance) ? 1 : 0;
  const Lamp& other = keys[1 - main];
  result.key = keys[main];
  if (light.environment_a == light.environment_b) {
    result.key.radiance += other.radiance;
  } else if (luminance(other.radiance) > 0) {
    add_to_harmonics(other, result.irradiance);
    add_to_glossy(other, result.glossy_maps);
  }
  saturate_all(result.map, light.saturation);
  saturate_all(result.glossy_maps.texels, light.saturation);
  for (Vec3& band : result.irradiance) band = saturated(band, light.saturation);
  result.key.radiance = saturated(result.key.radiance, light.saturation);
  return result;
}

}  // namespace guise::render
