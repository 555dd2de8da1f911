#include "render/skin_tables.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "io/safetensors.h"

namespace guise::render {
namespace {

// Tensors of one file, each with the dtype and sizes that it must have.
class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path), file_(io::read_safetensors(path)) {
    const auto format = file_.metadata.find("format");
    if (format == file_.metadata.end() || format->second != "guise.house-skin") {
      fail("its metadata must name the format guise.house-skin");
    }
  }

  // Sizes of -1 may be any, but not 0.
  at::Tensor take(const std::string& name, at::ScalarType type,
                  const std::vector<int64_t>& sizes) const {
    for (const auto& [key, tensor] : file_.tensors) {
      if (key != name) continue;
      bool fits = tensor.scalar_type() == type && tensor.numel() > 0 &&
                  tensor.dim() == static_cast<int64_t>(sizes.size());
      for (size_t d = 0; fits && d < sizes.size(); ++d) {
        fits = sizes[d] < 0 || tensor.size(static_cast<int64_t>(d)) == sizes[d];
      }
      if (fits && (!tensor.is_floating_point() || at::isfinite(tensor).all().item<bool>())) {
        return tensor;
      }
      fail(core::message("\"", name, "\" must be finite ", type, " with sizes ",
                         at::IntArrayRef(sizes), " (-1: any); got ", tensor.scalar_type(), " ",
                         tensor.sizes()));
    }
    fail(core::message("it has no \"", name, "\""));
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw CorruptFile(core::message(path_, " must be a house-skin file: ", what,
                                    ". Build house-skin again or fetch it again."));
  }

 private:
  std::string path_;
  io::SafetensorsFile file_;
};

// One channel, [width / 2][width].
struct Plane {
  explicit Plane(int w) : width(w), values(static_cast<size_t>(w) * static_cast<size_t>(w) / 2) {}
  float& at(int x, int y) {
    return values[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)];
  }
  float at(int x, int y) const { return const_cast<Plane*>(this)->at(x, y); }

  int width;
  std::vector<float> values;
};

// Every `stride`-th number from `first` on, as `gain` * (number + shift).
template <typename Number>
Plane plane(int width, const Number* first, size_t stride, float gain, float shift = 0) {
  Plane result(width);
  for (size_t i = 0; i < result.values.size(); ++i) {
    result.values[i] = gain * (static_cast<float>(first[i * stride]) + shift);
  }
  return result;
}

// Averaged over blocks of 2x2.
Plane halved(const Plane& from) {
  Plane to(from.width / 2);
  for (int y = 0; y < to.width / 2; ++y) {
    for (int x = 0; x < to.width; ++x) {
      to.at(x, y) = 0.25F * (from.at(2 * x, 2 * y) + from.at(2 * x + 1, 2 * y) +
                             from.at(2 * x, 2 * y + 1) + from.at(2 * x + 1, 2 * y + 1));
    }
  }
  return to;
}

// Bilinear between texel centres.
Plane doubled(const Plane& from) {
  Plane to(from.width * 2);
  const int last_x = from.width - 1, last_y = from.width / 2 - 1;
  for (int y = 0; y < to.width / 2; ++y) {
    const int y0 = y / 2, y1 = std::clamp(y0 + (y % 2 ? 1 : -1), 0, last_y);
    for (int x = 0; x < to.width; ++x) {
      const int x0 = x / 2, x1 = std::clamp(x0 + (x % 2 ? 1 : -1), 0, last_x);
      to.at(x, y) = 0.75F * (0.75F * from.at(x0, y0) + 0.25F * from.at(x1, y0)) +
                    0.25F * (0.75F * from.at(x0, y1) + 0.25F * from.at(x1, y1));
    }
  }
  return to;
}

// 1 within `reach` texels (a square) of anything that is not 0.
Plane near_something(const Plane& from, int reach) {
  Plane to(from.width);
  const int height = from.width / 2;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < from.width; ++x) {
      if (from.at(x, y) == 0) continue;
      for (int v = std::max(0, y - reach); v <= std::min(height - 1, y + reach); ++v) {
        for (int u = std::max(0, x - reach); u <= std::min(from.width - 1, x + reach); ++u) {
          to.at(u, v) = 1.0F;
        }
      }
    }
  }
  return to;
}

std::vector<Lanes> lanes(const std::array<Plane, 4>& planes) {
  std::vector<Lanes> result(planes[0].values.size());
  for (size_t i = 0; i < result.size(); ++i) {
    result[i] =
        Lanes{planes[0].values[i], planes[1].values[i], planes[2].values[i], planes[3].values[i]};
  }
  return result;
}

std::vector<float> floats(const at::Tensor& tensor) {
  const float* data = tensor.const_data_ptr<float>();
  return {data, data + tensor.numel()};
}

Plane magnitude(const Plane& a, const Plane& b) {
  Plane result(a.width);
  for (size_t i = 0; i < result.values.size(); ++i) {
    result.values[i] = std::abs(a.values[i]) + std::abs(b.values[i]);
  }
  return result;
}

std::array<Plane, 4> read_detail(const Reader& file) {
  constexpr int64_t w = kFineWidth, h = w / 2;
  const float step = file.take("detail_step", at::kFloat, {1}).item<float>();
  const std::vector<float> fine_step = floats(file.take("fine_step", at::kFloat, {2}));
  const at::Tensor half = file.take("detail", at::kChar, {h / 2, w / 2, 3});
  const at::Tensor fine = file.take("fine", at::kChar, {2, h, w});
  const int8_t* colours = half.const_data_ptr<int8_t>();
  const int8_t* beyond = fine.const_data_ptr<int8_t>();
  std::array<Plane, 4> detail{Plane(kFineWidth), Plane(kFineWidth), Plane(kFineWidth),
                              plane(kFineWidth, beyond + w * h, 1, fine_step[1])};
  for (size_t c = 0; c < 3; ++c) {
    detail[c] = doubled(plane(kFineWidth / 2, colours + c, 3, step));
    for (size_t i = 0; i < detail[c].values.size(); ++i) {
      detail[c].values[i] += fine_step[0] * static_cast<float>(beyond[i]);
    }
  }
  return detail;
}

void read_fine_levels(const Reader& file, const Plane& veins, const Plane& face,
                      SkinTables& tables) {
  constexpr int64_t w = kFineWidth, h = w / 2;
  std::array<Plane, 4> detail = read_detail(file);
  const at::Tensor heights = file.take("wrinkles", at::kByte, {2, h, w});
  const float step = file.take("wrinkle_step", at::kFloat, {1}).item<float>();
  const uint8_t* codes = heights.const_data_ptr<uint8_t>();
  Plane folds = plane(kFineWidth, codes, 1, step, -128);
  Plane lines = plane(kFineWidth, codes + w * h, 1, step, -128);
  const at::Tensor lips = file.take("lips", at::kByte, {h / 2, w / 2});
  // Warping moves wrinkles by less than 13 texels.
  const Plane near = near_something(halved(halved(magnitude(folds, lines))), 3);
  std::array<Plane, 4> traits{
      doubled(plane(kFineWidth / 2, lips.const_data_ptr<uint8_t>(), 1, 1.0F / 255)),
      doubled(doubled(near)), doubled(doubled(veins)), doubled(doubled(face))};
  for (size_t level = tables.fine.size(); level-- > 0;) {
    FineLevel& to = tables.fine[level];
    to.detail = lanes(detail);
    to.traits = lanes(traits);
    to.wrinkles = folds.values;
    to.wrinkles.insert(to.wrinkles.end(), lines.values.begin(), lines.values.end());
    for (Plane* one : {&detail[0], &detail[1], &detail[2], &detail[3], &traits[0], &traits[1],
                       &traits[2], &traits[3], &folds, &lines}) {
      *one = halved(*one);
    }
  }
}

// [height, width, 3] averaged over blocks of 2x2.
std::vector<int8_t> halved(const std::vector<int8_t>& map, int width) {
  std::vector<int8_t> result;
  for (int y = 0; y < width / 2; y += 2) {
    for (int x = 0; x < width; x += 2) {
      for (int c = 0; c < 3; ++c) {
        const int8_t* p = &map[static_cast<size_t>((y * width + x) * 3 + c)];
        const int sum = p[0] + p[3] + p[3 * width] + p[3 * width + 3];
        result.push_back(static_cast<int8_t>(std::lround(0.25 * sum)));
      }
    }
  }
  return result;
}

void read_base_levels(const Reader& file, std::vector<Plane> regions, Plane face,
                      SkinTables& tables) {
  constexpr int64_t w = kBaseWidth, h = w / 2;
  tables.low_step = floats(file.take("low_step", at::kFloat, {-1}));
  const auto maps = static_cast<int64_t>(tables.low_step.size());
  if (maps <= kLowMapCount) file.fail("it must have at least one mode");
  const at::Tensor low = file.take("low", at::kChar, {maps, h, w, 3});
  const at::Tensor group = file.take("wrinkle_group", at::kByte, {h / 2, w / 2});
  const uint8_t* groups = group.const_data_ptr<uint8_t>();
  for (int64_t i = 0; i < group.numel(); ++i) {
    if (groups[i] >= kWrinkleGroupCount) {
      file.fail(core::message("wrinkle groups must be below ", int{kWrinkleGroupCount}));
    }
  }
  tables.mode_count = static_cast<int>(maps) - kLowMapCount;
  BaseLevel &large = tables.base[1], &small = tables.base[0];
  for (int64_t k = 0; k < maps; ++k) {
    const int8_t* map = low.const_data_ptr<int8_t>() + k * w * h * 3;
    large.low.emplace_back(map, map + w * h * 3);
    small.low.push_back(halved(large.low.back(), kBaseWidth));
  }
  small.group.assign(groups, groups + group.numel());
  for (int64_t i = 0; i < w * h; ++i) {
    large.group.push_back(groups[(i / w / 2) * (w / 2) + i % w / 2]);
  }
  for (BaseLevel* base : {&large, &small}) {
    for (size_t k = 0; k < kSkinRegionCount; ++k) {
      base->regions[k] = regions[k].values;
      regions[k] = halved(regions[k]);
    }
    base->face = face.values;
    face = halved(face);
  }
}

// `weight` at a triangle's middle gives its share beside its area.
template <typename Weight>
Scatter scatter_over(const SkinTables& tables, const Weight& weight) {
  const BaseLevel& base = tables.base.back();
  Scatter sums;
  float sum = 0;
  for (const SkinTriangle& t : tables.triangles) {
    const Vec2 middle = (t.uv[0] + t.uv[1] + t.uv[2]) * (1.0F / 3.0F);
    const auto x = static_cast<size_t>(clamp01(middle.x) * (kBaseWidth - 1));
    const auto y = static_cast<size_t>(clamp01(middle.y) * (kBaseWidth / 2 - 1));
    const Vec3 normal = cross(t.position[1] - t.position[0], t.position[2] - t.position[0]);
    sum += 0.5F * length(normal) * weight(base, y * kBaseWidth + x);
    sums.push_back(sum);
  }
  return sums;
}

void prepare_scatters(SkinTables& tables) {
  const auto bare = [](const BaseLevel& base, size_t i) {
    return base.scalp[i] < -0.05F && base.place[i][3] > 0.9F ? 1.0F : 0.0F;
  };
  // The neck has its share of moles; the face is looked at.
  tables.scatter_moles = scatter_over(tables, [&](const BaseLevel& base, size_t i) {
    return bare(base, i) * (0.25F + base.face[i]);
  });
  tables.scatter_freckles = scatter_over(tables, [&](const BaseLevel& base, size_t i) {
    return bare(base, i) * base.regions[kFreckle][i];
  });
  tables.scatter_age_spots = scatter_over(tables, [&](const BaseLevel& base, size_t i) {
    return bare(base, i) * (0.06F + base.regions[kAgeSpot][i]);
  });
  tables.scatter_blemishes = scatter_over(tables, [&](const BaseLevel& base, size_t i) {
    return bare(base, i) *
           (base.regions[kFlush][i] + base.regions[kOilZone][i] + 0.6F * base.beard[i]);
  });
}

}  // namespace

SkinTables load_skin_tables(const std::string& path, const HeadTopology& head) {
  const Reader file(path);
  SkinTables tables;
  place_head_in_chart(head, tables);
  constexpr int64_t w = kBaseWidth, h = w / 2;
  const at::Tensor bytes = file.take("regions", at::kByte, {kSkinRegionCount, h, w});
  std::vector<Plane> regions;
  for (int64_t k = 0; k < kSkinRegionCount; ++k) {
    regions.push_back(
        plane(kBaseWidth, bytes.const_data_ptr<uint8_t>() + k * w * h, 1, 1.0F / 255));
  }
  const at::Tensor face_bytes = file.take("face", at::kByte, {h, w});
  const Plane face = plane(kBaseWidth, face_bytes.const_data_ptr<uint8_t>(), 1, 1.0F / 255);
  read_base_levels(file, regions, face, tables);
  read_fine_levels(file, regions[kVein], face, tables);
  const std::vector<float> axes = floats(file.take("axes", at::kFloat, {2, 3}));
  tables.melanin_axis = {axes[0], axes[1], axes[2]};
  tables.haemoglobin_axis = {axes[3], axes[4], axes[5]};
  prepare_scatters(tables);
  if (tables.triangles.empty() || tables.scatter_moles.back() <= 0) {
    throw std::invalid_argument("the head of a house-skin must have skin with a chart; got none");
  }
  return tables;
}

}  // namespace guise::render
