#include <algorithm>
#include <array>
#include <cmath>

#include "render/background_scenes.h"
#include "render/keyed_noise.h"

namespace guise::render {
namespace {

using Highlights = std::vector<Highlight>;

void paint_sky(Canvas& canvas, SceneDraws& draw) {
  const float mood = draw.range(0, 1);
  Vec3 top{0.32F, 0.52F, 0.95F}, low{0.85F, 0.93F, 1.05F};
  if (mood < 0.35F) {  // overcast
    top = {0.75F, 0.80F, 0.86F};
    low = {0.95F, 0.96F, 0.97F};
  } else if (mood < 0.5F) {  // evening
    top = {0.35F, 0.40F, 0.65F};
    low = {1.15F, 0.72F, 0.42F};
  }
  const float zenith = draw.range(0.9F, 1.3F), haze = draw.range(1.0F, 1.4F);
  canvas.fill(top * zenith, low * haze);
  const float clouds = draw.range(0.02F, 0.16F);
  canvas.mottle(draw.key(), 1.5F, 4.0F, clouds);
}

// A crown of leaves: dark behind, light in front, gaps of sky.
void add_foliage(Canvas& canvas, SceneDraws& draw, Vec2 at, Vec2 size, int leaves, float hue,
                 Highlights& highlights) {
  const float saturation = draw.range(0.35F, 0.75F), bright = draw.range(0.6F, 1.3F);
  for (int i = 0; i < leaves; ++i) {
    const float t = static_cast<float>(i) / static_cast<float>(leaves);
    const float a = draw.range(0, 6.283F), r = std::sqrt(draw.range(0, 1));
    const float at_u = at.x + size.x * r * std::cos(a), at_v = at.y + size.y * r * std::sin(a);
    const float lit =
        lerp(0.06F, 0.42F, t) * (1.0F - 0.45F * (at_v - at.y) / size.y) * draw.range(0.6F, 1.3F);
    const float leaf = draw.range(0.02F, 0.075F) * (1.15F - 0.6F * t);
    const float tone = hue + draw.range(-0.04F, 0.03F);
    canvas.disc(at_u, at_v, leaf, hue_color(tone, saturation, std::max(0.02F, lit * bright)), 0.9F);
    if (draw.chance(0.05F)) {
      highlights.push_back({at_u, at_v, draw.range(0.004F, 0.012F),
                            Vec3{1.3F, 1.3F, 1.1F} * draw.range(0.5F, 1.3F)});
    }
  }
}

void paint_park(Canvas& canvas, SceneDraws& draw, Highlights& highlights) {
  paint_sky(canvas, draw);
  const float aspect = canvas.aspect(), horizon = draw.range(0.35F, 0.75F);
  const float hue = draw.chance(0.15F) ? draw.range(0.05F, 0.12F) : draw.range(0.20F, 0.33F);
  const Vec3 far = draw.color({hue, hue}, {0.35F, 0.35F}, {0.15F, 0.4F});
  const float woods = horizon - draw.range(0.05F, 0.3F);
  canvas.ground(draw.key(), woods, 0.08F, 4.0F, far, far * 0.5F);
  const int trees = 2 + draw.below(3);
  for (int i = 0; i < trees; ++i) {
    const float u = draw.range(-0.1F, 1.1F) * aspect, v = horizon - draw.range(0.1F, 0.5F);
    const float trunk = draw.range(0.008F, 0.03F);
    const Vec3 bark = hue_color(0.07F, 0.4F, draw.range(0.04F, 0.16F));
    canvas.rectangle(u - trunk, v, u + trunk, horizon + 0.05F, bark, 1, draw.range(-0.1F, 0.1F));
    const Vec2 crown{draw.range(0.2F, 0.5F), draw.range(0.15F, 0.4F)};
    add_foliage(canvas, draw, {u, v}, crown, 70, hue, highlights);
  }
  const Vec3 grass = draw.color({0.16F, 0.28F}, {0.3F, 0.65F}, {0.15F, 0.45F});
  canvas.ground(draw.key(), horizon + 0.02F, 0.01F, 3.0F, grass * 1.2F, grass * 0.75F);
  if (draw.chance(0.4F)) {  // a path
    const float u = draw.range(0.1F, 0.9F) * aspect;
    const float wide = draw.range(0.1F, 0.3F);
    canvas.rectangle(u, horizon + 0.03F, u + wide, 1.1F, {0.45F, 0.41F, 0.35F}, 0.8F,
                     draw.range(-1.0F, 1.0F));
  }
  canvas.mottle(draw.key(), 14, 20, 0.12F);
}

void add_house(Canvas& canvas, SceneDraws& draw, float u, float width, float top, float base) {
  const Vec3 wall = draw.color({0.0F, 0.16F}, {0.05F, 0.5F}, {0.15F, 0.65F});
  canvas.rectangle(u, top, u + width, base, wall);
  const float step_u = draw.range(0.07F, 0.14F), step_v = draw.range(0.10F, 0.18F);
  const Vec3 glass = draw.chance(0.25F) ? Vec3{0.9F, 0.7F, 0.4F} : Vec3{0.10F, 0.13F, 0.17F};
  for (float v = top + 0.04F; v < base - 0.1F; v += step_v) {
    for (float at = u + 0.03F; at + 0.5F * step_u < u + width; at += step_u) {
      canvas.rectangle(at, v, at + 0.55F * step_u, v + 0.6F * step_v,
                       glass * draw.range(0.5F, 1.8F));
    }
  }
}

void paint_street(Canvas& canvas, SceneDraws& draw, Highlights& highlights) {
  paint_sky(canvas, draw);
  const float aspect = canvas.aspect(), horizon = draw.range(0.55F, 0.85F);
  float u = draw.range(-0.3F, 0.0F) * aspect;
  while (u < aspect) {
    const float width = draw.range(0.2F, 0.6F);
    add_house(canvas, draw, u, width, draw.range(-0.3F, 0.4F), horizon + 0.05F);
    u += width + (draw.chance(0.25F) ? draw.range(0.05F, 0.25F) : 0.0F);
  }
  const float shade = draw.range(0.15F, 0.35F);
  canvas.rectangle(-0.1F, horizon, aspect + 0.1F, 1.1F, {shade, shade, 1.05F * shade});
  canvas.rectangle(-0.1F, horizon, aspect + 0.1F, horizon + 0.03F, Vec3{0.45F, 0.44F, 0.42F});
  if (draw.chance(0.5F)) {
    const Vec2 tree{draw.range(0, 1) * aspect, draw.range(0.0F, 0.4F)};
    add_foliage(canvas, draw, tree, {0.25F, 0.2F}, 60, draw.range(0.22F, 0.3F), highlights);
  }
  const int cars = draw.below(4);
  for (int i = 0; i < cars; ++i) {
    const float at = draw.range(-0.1F, 1.0F) * aspect, length = draw.range(0.2F, 0.4F);
    const Vec3 paint = draw.color({0, 1}, {0, 0.7F}, {0.05F, 0.7F});
    const float v = horizon + draw.range(-0.06F, 0.04F);
    canvas.rectangle(at + 0.2F * length, v - 0.06F, at + 0.8F * length, v,
                     Vec3{0.08F, 0.1F, 0.12F});
    canvas.rectangle(at, v, at + length, v + 0.08F, paint);
    const Vec3 lamp = draw.chance(0.5F) ? Vec3{2.2F, 0.3F, 0.2F} : Vec3{2.0F, 1.9F, 1.5F};
    highlights.push_back({at + 0.04F, v + 0.03F, 0.012F, lamp});
    highlights.push_back({at + length - 0.04F, v + 0.03F, 0.012F, lamp});
  }
}

void paint_open_land(Canvas& canvas, SceneDraws& draw, Highlights& highlights) {
  paint_sky(canvas, draw);
  const float horizon = draw.range(0.3F, 0.75F);
  const int hills = 1 + draw.below(3);
  for (int i = 0; i < hills; ++i) {
    const float near = static_cast<float>(i + 1) / static_cast<float>(hills);
    const Vec3 hill =
        lerp(Vec3{0.55F, 0.65F, 0.78F}, hue_color(draw.range(0.1F, 0.4F), 0.35F, 0.25F), near);
    const float crest = horizon - draw.range(0.05F, 0.25F) * (1.2F - near);
    const float bumps = draw.range(1.2F, 3.5F);
    canvas.ground(draw.key(), crest, 0.07F, bumps, hill, hill * 0.8F);
  }
  if (draw.chance(0.5F)) {  // water, then sand
    const Vec3 sea = draw.color({0.48F, 0.6F}, {0.3F, 0.6F}, {0.25F, 0.6F});
    canvas.rectangle(-0.1F, horizon, canvas.aspect() + 0.1F, 1.1F, sea);
    const Vec3 sand = draw.color({0.09F, 0.09F}, {0.3F, 0.3F}, {0.45F, 0.75F});
    const float shore = horizon + draw.range(0.1F, 0.35F);
    canvas.ground(draw.key(), shore, 0.02F, 2.0F, sand, sand * 0.85F);
    for (int i = 0; i < 12; ++i) {
      highlights.push_back({draw.range(0, 1) * canvas.aspect(),
                            horizon + draw.range(0.01F, 0.1F),
                            0.004F,
                            {1.4F, 1.4F, 1.35F}});
    }
  } else {
    const Vec3 field = draw.color({0.11F, 0.26F}, {0.3F, 0.6F}, {0.25F, 0.5F});
    canvas.ground(draw.key(), horizon, 0.012F, 3.0F, field, field * 0.7F);
  }
  canvas.mottle(draw.key(), 8, 26, 0.10F);
}

// Right behind the person: bricks, planks, concrete, a hedge.
void paint_outer_wall(Canvas& canvas, SceneDraws& draw, Highlights& highlights) {
  const int kind = draw.below(4);
  const float aspect = canvas.aspect();
  if (kind == 3) {
    const float hue = draw.range(0.20F, 0.33F);
    canvas.fill(hue_color(hue, 0.5F, 0.10F), hue_color(hue, 0.5F, 0.07F));
    add_foliage(canvas, draw, {0.5F * aspect, 0.5F}, {0.85F * aspect, 0.8F}, 330, hue, highlights);
    return;
  }
  const Vec2 hues = kind == 0 ? Vec2{0.0F, 0.06F} : Vec2{0.03F, 0.15F};
  const Vec2 saturations = kind == 2 ? Vec2{0.0F, 0.12F} : Vec2{0.25F, 0.6F};
  const Vec3 base = draw.color(hues, saturations, {0.2F, 0.6F});
  canvas.fill(base * 1.05F, base * 0.9F);
  const float tall = draw.range(0.035F, 0.06F), wide = 2.8F * tall;
  if (kind == 0) {
    int row = 0;
    for (float v = -tall; v < 1; v += tall, ++row) {
      for (float u = (row % 2 == 0 ? -0.5F : 0.0F) * wide; u < aspect; u += wide) {
        canvas.rectangle(u + 0.04F * wide, v + 0.1F * tall, u + 0.96F * wide, v + 0.92F * tall,
                         base * draw.range(0.6F, 1.15F));
      }
    }
  } else if (kind == 1) {
    for (float u = -0.05F; u < aspect; u += 2.2F * tall) {
      canvas.rectangle(u, -0.1F, u + 2.1F * tall, 1.1F, base * draw.range(0.75F, 1.1F));
      canvas.rectangle(u + 2.1F * tall, -0.1F, u + 2.2F * tall, 1.1F, base * 0.3F);
    }
    canvas.mottle(draw.key(), 40, 3, 0.12F);
  } else {
    canvas.mottle(draw.key(), 3, 3, 0.10F);
    canvas.mottle(draw.key(), 14, 14, 0.06F);
  }
  const float fall = draw.range(0.4F, 0.85F);
  const Vec2 towards{draw.range(-1, 1), draw.range(-0.6F, 0.6F)};
  canvas.shade_side(0.5F * aspect, 0.5F, towards.x, towards.y, {fall, fall, fall},
                    draw.chance(0.3F) ? 0.02F : 1.2F);
}

void paint_night(Canvas& canvas, SceneDraws& draw, Highlights& highlights) {
  const float aspect = canvas.aspect();
  canvas.fill(Vec3{0.03F, 0.035F, 0.06F}, Vec3{0.08F, 0.06F, 0.05F} * draw.range(0.6F, 1.8F));
  float u = draw.range(-0.3F, 0.0F);
  while (u < aspect) {
    const float width = draw.range(0.2F, 0.5F), top = draw.range(-0.2F, 0.5F);
    canvas.rectangle(u, top, u + width, 1.1F, Vec3{0.05F, 0.05F, 0.06F} * draw.range(0.4F, 2.0F));
    u += width;
  }
  const int lights = 25 + draw.below(40);
  const float band = draw.range(0.3F, 0.7F);
  for (int i = 0; i < lights; ++i) {
    const float hue = draw.chance(0.6F) ? draw.range(0.06F, 0.13F) : draw.range(0, 1);
    const float narrow = draw.range(0.2F, 1), bright = draw.range(0.6F, 3.0F);
    const Vec3 light = hue_color(hue, draw.range(0.2F, 0.8F), 1.0F) * bright;
    highlights.push_back({draw.range(0, 1) * aspect, band + draw.range(-0.45F, 0.35F) * narrow,
                          draw.range(0.004F, 0.016F), light});
  }
}

}  // namespace

void paint_open_air(Canvas& canvas, uint32_t key, std::vector<Highlight>& highlights) {
  SceneDraws draw(key);
  const float kind = draw.range(0, 1);
  if (kind < 0.32F) {
    paint_park(canvas, draw, highlights);
  } else if (kind < 0.58F) {
    paint_street(canvas, draw, highlights);
  } else if (kind < 0.74F) {
    paint_open_land(canvas, draw, highlights);
  } else if (kind < 0.91F) {
    paint_outer_wall(canvas, draw, highlights);
  } else {
    paint_night(canvas, draw, highlights);
  }
}

}  // namespace guise::render
