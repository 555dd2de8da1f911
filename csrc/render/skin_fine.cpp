// Everything finer than the base: learned detail, lips, mottling, pores, veins and wrinkles.
#include <algorithm>
#include <array>
#include <cmath>

#include "render/skin_layers.h"

namespace guise::render {
namespace {

// Bumps per dm; change of melanin and blood for one unit of noise; relief in dm.
struct Octave {
  float frequency, melanin, blood, relief, pore_depth;
};
constexpr std::array<Octave, 5> kOctaves{{{9.0F, 0.050F, 0.060F, 0.0F, 0.0F},
                                          {23.0F, 0.060F, 0.070F, 0.0006F, 0.0F},
                                          {58.0F, 0.065F, 0.060F, 0.0007F, 0.0045F},
                                          {131.0F, 0.055F, 0.040F, 0.0006F, 0.0026F},
                                          {290.0F, 0.03F, 0.02F, 0.0003F, 0.0F}}};
// Fainter octaves than this are not worth their time.
constexpr float kFaintest = 0.2F;
// Above this, noise is a pore.
constexpr float kPoreFrom = 0.22F;
// Bumps per dm across the furrows of the lips.
constexpr float kLipLines = 58.0F;

struct ActiveOctave {
  Lanes along_x, along_y, along_z, shift;  // the noise's place = sum of position times these
  Lanes melanin, blood, relief;            // what channels 0, 1, 3 of the noise add
  Lanes pore;                              // what a pore adds for each unit above kPoreFrom
};

Lanes lanes_of(const Vec3& v) {
  return Lanes{v.x, v.y, v.z, 0.0F};
}

std::vector<ActiveOctave> active_octaves(const SkinPerson& person, int width) {
  std::vector<ActiveOctave> active;
  const Lanes melanin = lanes_of(person.melanin_axis);
  const Lanes blood = lanes_of(person.haemoglobin_axis) * person.blood_shows;
  const float rough = person.recipe->roughness;
  for (size_t i = 0; i < kOctaves.size(); ++i) {
    const Octave& octave = kOctaves[i];
    const float shown = smoothstep(1.6F, 3.2F, 1.0F / (octave.frequency * texel_dm(width)));
    if (shown < kFaintest) continue;
    // Turned, so that the lattices of the octaves do not lie on each other.
    const float a = 0.7F + 1.1F * static_cast<float>(i), c = std::cos(a), s = std::sin(a);
    const float f = octave.frequency;
    ActiveOctave one;
    one.along_x = Lanes{c * f, s * f * 0.8F, -s * f * 0.6F, 0.0F};
    one.along_y = Lanes{-s * f, c * f * 0.8F, -c * f * 0.6F, 0.0F};
    one.along_z = Lanes{0.0F, 0.6F * f, 0.8F * f, 0.0F};
    one.shift = all_lanes(11.9F + 5.3F * static_cast<float>(i));
    one.melanin = melanin * (octave.melanin * shown);
    one.blood = blood * (octave.blood * shown);
    one.relief = Lanes{0, 0, 0, octave.relief * shown * (0.5F + rough)};
    const float pit = octave.pore_depth > 0 ? shown : 0.0F;
    one.pore = (melanin * 0.40F + blood * 0.25F) * pit;
    one.pore[3] = -octave.pore_depth * shown;
    active.push_back(one);
  }
  return active;
}

// What lips have beyond the learned mean: the person's redness, fuller colour in the young.
Lanes lip_colour(const SkinPerson& person) {
  const SkinRecipe& skin = *person.recipe;
  const float red = (skin.lip_redness - 0.36F) * (0.85F - 0.45F * skin.melanin) +
                    0.10F * (0.4F - person.old) - 0.04F * person.male;
  const float dusk = 0.10F * skin.melanin;
  Lanes colour =
      lanes_of(person.haemoglobin_axis) * (0.55F * red) + lanes_of(person.melanin_axis) * dusk;
  colour += Lanes{0.05F * red, 0.0F, 0.03F * red, 0.0F};
  return colour;
}

// One row of one size of the maps.
struct FineRow {
  const Lanes *base, *play, *surface;    // of SkinBase, enlarged
  const Lanes *place, *detail, *traits;  // of FineLevel, enlarged
};

class FinePainter {
 public:
  FinePainter(const SkinTables& tables, const SkinPerson& person, const ValueNoise& noise,
              int width)
      : noise_(noise), level_(level_for(tables, width)), width_(width) {
    octaves_ = active_octaves(person, width);
    melanin_ = lanes_of(person.melanin_axis);
    blood_ = lanes_of(person.haemoglobin_axis) * person.blood_shows;
    lips_ = lip_colour(person);
    // Dark sheets are noisier; old skin shows more of the learned detail.
    contrast_ = 0.9F - 0.2F * person.recipe->melanin;
    age_detail_ = (2.0F * std::min(person.old, 1.1F) - 1.0F) * contrast_;
    lines_shown_ = smoothstep(1.2F, 2.2F, 1.0F / (kLipLines * texel_dm(width)));
    veins_shown_ = smoothstep(1.4F, 3.0F, 1.0F / (30.0F * texel_dm(width)));
    vein_ = Lanes{-0.11F, -0.05F, 0.01F, 0.0F} *
            (veins_shown_ * (1.0F - 0.85F * person.recipe->melanin));
  }

  static const FineLevel& level_for(const SkinTables& tables, int width) {
    size_t i = 0;
    while (i + 1 < tables.fine.size() && tables.fine[i].width < width) ++i;
    return tables.fine[i];
  }

  void paint(const FineRow& row, int y, Lanes* colour, float* oil) const {
    for (int x = 0; x < width_; ++x) {
      Lanes c = row.base[x];
      const float fold_gain = c[3];
      c[3] = 0.0F;
      oil[x] = clamp01(row.surface[x][0]);
      const Lanes place = row.place[x];
      if (place[3] > 0) {
        const Lanes detail = row.detail[x], traits = row.traits[x], play = row.play[x];
        const float age = detail[3] * age_detail_;
        c += detail * Lanes{contrast_, contrast_, contrast_, 0.0F} + Lanes{age, age, age, 0.0F};
        c += mottling(place, row.surface[x][1] * (1.0F - 0.5F * traits[0]), play[3]);
        if (traits[0] > 0) {
          c += lips_ * traits[0] + lip_lines(place, traits[0]);
          oil[x] = clamp01(oil[x] + 0.22F * traits[0]);
        }
        if (traits[2] > 0.02F && veins_shown_ > 0) c += veins(place, traits[2]);
        if (traits[1] > 0) c += wrinkles(x, y, play, fold_gain);
      }
      colour[x] = c;
    }
  }

 private:
  Lanes mottling(Lanes place, float gain, float pores) const {
    Lanes sum{}, pits{};
    const Lanes x = all_lanes(place[0]), y = all_lanes(place[1]), z = all_lanes(place[2]);
    for (const ActiveOctave& o : octaves_) {
      const Lanes n = noise_.at(x * o.along_x + y * o.along_y + z * o.along_z + o.shift);
      sum += o.melanin * n[0] + o.blood * n[1] + o.relief * n[3];
      pits += o.pore * std::max(0.0F, n[2] - kPoreFrom);
    }
    return sum * gain + pits * pores;
  }

  // Fine furrows from edge to edge of the lips.
  Lanes lip_lines(Lanes place, float lips) const {
    if (lines_shown_ <= 0) return Lanes{};
    const Lanes bend = noise_.at(place * 9.0F + 23.7F);
    const Lanes across{kLipLines, 11.0F, 9.0F, 0.0F};
    const Lanes at = place * across + Lanes{1.8F * bend[0], bend[1], bend[2], 0.0F} + 31.3F;
    const Lanes wide = noise_.at(at), thin = noise_.at(at * Lanes{1.9F, 1.3F, 1.3F, 0.0F});
    const float furrow = std::max(0.0F, 0.6F * wide[2] + thin[3]) * lips * lines_shown_;
    Lanes result = (melanin_ * 0.16F + blood_ * 0.24F) * furrow +
                   blood_ * (0.12F * lips * (bend[3] + 0.5F * wide[0]));
    result[3] = -0.0040F * furrow;
    return result;
  }

  // Where noise passes through zero lies a vein.
  Lanes veins(Lanes place, float region) const {
    const Lanes n = noise_.at(place * 5.3F + 47.9F);
    const float thin = std::max(0.0F, 1.0F - 9.0F * std::abs(n[0] + 0.35F * n[1]));
    return vein_ * (region * thin * clamp01(0.5F + 2.0F * n[2]));
  }

  Lanes wrinkles(int x, int y, Lanes play, float fold_gain) const {
    if (fold_gain < 0.02F) return Lanes{};
    const float scale = static_cast<float>(level_.width) / static_cast<float>(width_);
    const float shift = static_cast<float>(level_.width) / static_cast<float>(kFineWidth);
    const float u = (static_cast<float>(x) + 0.5F) * scale - 0.5F + play[0] * shift;
    const float v = (static_cast<float>(y) + 0.5F) * scale - 0.5F + play[1] * shift;
    const int width = level_.width, height = width / 2;
    const int ix = std::clamp(static_cast<int>(u), 0, width - 2);
    const int iy = std::clamp(static_cast<int>(v), 0, height - 2);
    const float fu = clamp01(u - static_cast<float>(ix)), fv = clamp01(v - static_cast<float>(iy));
    const auto bilinear = [&](const float* p) {
      return lerp(lerp(p[0], p[1], fu), lerp(p[width], p[width + 1], fu), fv);
    };
    const float* folds = &level_.wrinkles[static_cast<size_t>(iy) * static_cast<size_t>(width) +
                                          static_cast<size_t>(ix)];
    const float* lines = folds + static_cast<size_t>(width) * static_cast<size_t>(height);
    const float height_dm = bilinear(folds) * fold_gain + bilinear(lines) * play[2];
    // The bottom of a furrow gathers pigment and blood, and less light reaches it.
    const float dark = std::min(0.22F, std::max(0.0F, -height_dm) * 15.0F);
    Lanes result = melanin_ * (0.8F * dark) + blood_ * (0.25F * dark);
    result[3] = height_dm;
    return result;
  }

  const ValueNoise& noise_;
  const FineLevel& level_;
  int width_;
  std::vector<ActiveOctave> octaves_;
  Lanes melanin_, blood_, lips_, vein_;
  float contrast_ = 1, age_detail_ = 0, lines_shown_ = 0, veins_shown_ = 0;
};

}  // namespace

RowEnlarger::RowEnlarger(const std::vector<Lanes>& map, int map_width, int width)
    : map_(&map), map_width_(map_width), ratio_(width / map_width) {
  if (ratio_ == 1) return;
  mixed_.resize(static_cast<size_t>(map_width));
  row_.resize(static_cast<size_t>(width));
  for (int x = 0; x < width; ++x) {
    const float at = (static_cast<float>(x) + 0.5F) / static_cast<float>(ratio_) - 0.5F;
    const float left = std::floor(at);
    left_.push_back(std::clamp(static_cast<int>(left), 0, map_width - 1));
    right_.push_back(std::clamp(static_cast<int>(left) + 1, 0, map_width - 1));
    share_.push_back(at - left);
  }
}

const Lanes* RowEnlarger::row(int y) {
  const size_t map_width = static_cast<size_t>(map_width_);
  if (ratio_ == 1) return map_->data() + static_cast<size_t>(y) * map_width;
  const int last = map_width_ / 2 - 1;
  const float at = (static_cast<float>(y) + 0.5F) / static_cast<float>(ratio_) - 0.5F;
  const float above = std::floor(at);
  const Lanes* a =
      map_->data() + static_cast<size_t>(std::clamp(static_cast<int>(above), 0, last)) * map_width;
  const Lanes* b =
      map_->data() +
      static_cast<size_t>(std::clamp(static_cast<int>(above) + 1, 0, last)) * map_width;
  for (size_t x = 0; x < map_width; ++x) mixed_[x] = mix_lanes(a[x], b[x], at - above);
  for (size_t x = 0; x < row_.size(); ++x) {
    row_[x] = mix_lanes(mixed_[static_cast<size_t>(left_[x])],
                        mixed_[static_cast<size_t>(right_[x])], share_[x]);
  }
  return row_.data();
}

SkinCanvas paint_fine(const SkinTables& tables, const SkinPerson& person, const ValueNoise& noise,
                      const SkinBase& base, int width) {
  SkinCanvas canvas{width, width / 2, {}, {}};
  const size_t texels = static_cast<size_t>(width) * static_cast<size_t>(width) / 2;
  canvas.colour.resize(texels);
  canvas.oil.resize(texels);
  const FineLevel& level = FinePainter::level_for(tables, width);
  RowEnlarger colour(base.colour, base.width, width), play(base.play, base.width, width);
  RowEnlarger surface(base.surface, base.width, width), place(level.place, level.width, width);
  RowEnlarger detail(level.detail, level.width, width), traits(level.traits, level.width, width);
  const FinePainter painter(tables, person, noise, width);
  for (int y = 0; y < canvas.height; ++y) {
    const FineRow row{colour.row(y), play.row(y),   surface.row(y),
                      place.row(y),  detail.row(y), traits.row(y)};
    const size_t start = static_cast<size_t>(y) * static_cast<size_t>(width);
    painter.paint(row, y, &canvas.colour[start], &canvas.oil[start]);
  }
  return canvas;
}

}  // namespace guise::render
