#include <algorithm>
#include <array>
#include <cmath>

#include "render/background_scenes.h"
#include "render/keyed_noise.h"

namespace guise::render {
namespace {

struct Room {
  Canvas& canvas;
  SceneDraws& draw;
  Vec3 wall, wood;
  std::vector<Highlight>& highlights;
};

void add_window(Room& room, float u, float scale) {
  SceneDraws& draw = room.draw;
  Canvas& canvas = room.canvas;
  const float width = draw.range(0.35F, 0.6F) * scale, top = draw.range(-0.15F, 0.15F);
  const float bottom = top + draw.range(0.55F, 0.9F) * scale;
  const float frame = 0.025F * scale, bright = draw.range(1.3F, 2.6F);
  const Vec3 sky = lerp(Vec3{1, 1, 1}, Vec3{0.75F, 0.88F, 1.1F}, draw.range(0, 1)) * bright;
  const Vec3 trim = lerp(Vec3{0.8F, 0.8F, 0.78F}, room.wood, draw.chance(0.4F) ? 1.0F : 0.0F);
  canvas.rectangle(u - frame, top - frame, u + width + frame, bottom + frame, trim);
  canvas.rectangle(u, top, u + width, bottom, sky);
  // Something stands outside.
  const float green = top + draw.range(0.45F, 0.9F) * (bottom - top);
  canvas.rectangle(u, green, u + width, bottom,
                   hue_color(draw.range(0.2F, 0.4F), 0.3F, 0.5F) * bright, 0.6F);
  if (draw.chance(0.3F)) {  // blinds
    const float step = draw.range(0.03F, 0.05F);
    for (float v = top; v < bottom; v += step) {
      canvas.rectangle(u, v, u + width, v + 0.55F * step, trim * 0.8F);
    }
  } else {
    const int panes = 1 + draw.below(3);
    for (int i = 1; i < panes; ++i) {
      const float at = u + width * static_cast<float>(i) / static_cast<float>(panes);
      canvas.rectangle(at - 0.4F * frame, top, at + 0.4F * frame, bottom, trim);
    }
    if (draw.chance(0.5F)) {
      const float at = lerp(top, bottom, draw.range(0.3F, 0.6F));
      canvas.rectangle(u, at - 0.4F * frame, u + width, at + 0.4F * frame, trim);
    }
  }
  if (draw.chance(0.45F)) {  // curtains
    const Vec3 cloth = draw.muted(0.3F, 0.8F);
    for (const float side : {0.0F, 1.0F}) {
      const float edge = u + side * width - 0.06F * scale;
      for (int i = 0; i < 6; ++i) {
        const float at = edge + 0.025F * scale * static_cast<float>(i);
        canvas.rectangle(at, top - 0.2F, at + 0.026F * scale, 1.1F,
                         cloth * (i % 2 == 0 ? 1.0F : draw.range(0.55F, 0.8F)));
      }
    }
  }
  canvas.glow(u + 0.5F * width, 0.5F * (top + bottom), 0.9F * scale, sky * 0.10F);
}

void add_shelves(Room& room, float u, float scale) {
  SceneDraws& draw = room.draw;
  Canvas& canvas = room.canvas;
  const float width = draw.range(0.4F, 0.8F) * scale, top = draw.range(-0.1F, 0.2F);
  const float step = draw.range(0.20F, 0.30F) * scale;
  const int rows = 2 + draw.below(4);
  const Vec3 inside = room.wood * 0.45F;
  canvas.rectangle(u - 0.02F, top - 0.02F, u + width + 0.02F, top + step * static_cast<float>(rows),
                   room.wood);
  const float saturation = draw.range(0.1F, 0.6F);
  for (int row = 0; row < rows; ++row) {
    const float floor = top + step * static_cast<float>(row + 1) - 0.02F * scale;
    canvas.rectangle(u, floor - step + 0.03F * scale, u + width, floor, inside);
    float at = u + 0.01F;
    while (at < u + width - 0.02F) {
      const float thick = draw.range(0.012F, 0.04F) * scale;
      if (draw.chance(0.12F)) {  // a gap, or a vase
        if (draw.chance(0.5F))
          canvas.disc(at + thick, floor - 0.05F * scale, 0.045F * scale, draw.muted(0.3F, 0.8F));
        at += 2.5F * thick;
        continue;
      }
      const float tall = step * draw.range(0.5F, 0.82F);
      const Vec3 spine = draw.color({0, 1}, {saturation, saturation}, {0.08F, 0.65F});
      canvas.rectangle(at, floor - tall, std::min(at + thick, u + width), floor, spine, 1,
                       draw.chance(0.1F) ? -0.15F : 0.0F);
      at += thick + 0.002F;
    }
  }
}

void add_pictures(Room& room, float u, float scale) {
  SceneDraws& draw = room.draw;
  const int count = 1 + draw.below(3);
  for (int i = 0; i < count; ++i) {
    const float width = draw.range(0.15F, 0.35F) * scale, height = width * draw.range(0.7F, 1.4F);
    const float left = u + static_cast<float>(i) * 0.4F * scale, top = draw.range(0.02F, 0.35F);
    const float frame = 0.015F * scale;
    room.canvas.rectangle(left + frame, top + frame, left + width + 2 * frame,
                          top + height + 2 * frame, room.wall * 0.6F, 0.5F);
    room.canvas.rectangle(left - frame, top - frame, left + width + frame, top + height + frame,
                          draw.chance(0.5F) ? Vec3{0.05F, 0.05F, 0.05F} : room.wood);
    room.canvas.rectangle(left, top, left + width, top + height, {0.75F, 0.74F, 0.7F});
    const float mat = draw.range(0.0F, 0.2F) * width;
    // Abstract: bands of colour.
    float v = top + mat;
    while (v < top + height - mat) {
      const float band = draw.range(0.1F, 0.5F) * height;
      room.canvas.rectangle(left + mat, v, left + width - mat,
                            std::min(v + band, top + height - mat), draw.muted(0.1F, 0.7F));
      v += band;
    }
  }
}

void add_door(Room& room, float u, float scale) {
  SceneDraws& draw = room.draw;
  const float width = draw.range(0.40F, 0.55F) * scale, top = draw.range(-0.3F, 0.15F);
  const Vec3 leaf = draw.chance(0.5F) ? room.wood : Vec3{0.72F, 0.71F, 0.68F};
  room.canvas.rectangle(u - 0.04F, top - 0.04F, u + width + 0.04F, 1.1F, leaf * 0.85F);
  room.canvas.rectangle(u, top, u + width, 1.1F, draw.chance(0.3F) ? room.wall * 0.25F : leaf);
  for (int i = 0; i < 2; ++i) {
    const float v = top + 0.08F + 0.45F * static_cast<float>(i);
    room.canvas.rectangle(u + 0.06F * scale, v, u + width - 0.06F * scale, v + 0.36F, leaf * 0.9F,
                          0.7F);
  }
}

void add_lamp(Room& room, float u, float scale) {
  SceneDraws& draw = room.draw;
  const float v = draw.range(0.1F, 0.5F), size = draw.range(0.06F, 0.12F) * scale;
  const Vec3 warm = Vec3{1.0F, 0.78F, 0.50F} * draw.range(1.5F, 3.0F);
  const bool hangs = draw.chance(0.5F);
  room.canvas.rectangle(u - 0.006F, hangs ? -0.1F : v, u + 0.006F, hangs ? v : 1.1F,
                        room.wood * 0.3F);
  room.canvas.glow(u, v, 6 * size, warm * 0.18F);
  room.canvas.rectangle(u - size, v - 0.7F * size, u + size, v + 0.7F * size, warm, 0.95F);
  room.highlights.push_back({u, v, 0.6F * size, warm});
}

void add_furniture(Room& room, float u, float scale) {
  SceneDraws& draw = room.draw;
  const float width = draw.range(0.5F, 1.1F) * scale, top = draw.range(0.55F, 0.85F);
  const Vec3 color = draw.chance(0.5F) ? room.wood : draw.muted(0.1F, 0.6F);
  room.canvas.rectangle(u, top, u + width, 1.1F, color);
  room.canvas.rectangle(u, top, u + width, top + 0.03F, color * 1.35F);
  const int things = draw.below(4);
  for (int i = 0; i < things; ++i) {
    const float at = u + draw.range(0.05F, 0.95F) * width, size = draw.range(0.02F, 0.06F) * scale;
    room.canvas.rectangle(at - size, top - 2.2F * size, at + size, top, draw.muted(0.1F, 0.8F));
  }
}

void add_plant(Room& room, float u, float scale) {
  SceneDraws& draw = room.draw;
  const float v = draw.range(0.45F, 0.8F), size = draw.range(0.16F, 0.3F) * scale;
  const float hue = draw.range(0.22F, 0.38F);
  room.canvas.rectangle(u - 0.3F * size, v + 0.6F * size, u + 0.3F * size, 1.1F,
                        draw.muted(0.2F, 0.7F));
  for (int i = 0; i < 46; ++i) {
    const float a = draw.range(0, 6.283F), r = size * std::sqrt(draw.range(0, 1));
    const float leaf = size * draw.range(0.06F, 0.18F);
    const Vec3 green = draw.color({hue - 0.03F, hue + 0.03F}, {0.6F, 0.6F}, {0.06F, 0.38F});
    room.canvas.disc(u + r * std::cos(a), v + r * std::sin(a), leaf, green, 0.9F);
  }
}

void add_ceiling_lights(Room& room, float, float scale) {
  SceneDraws& draw = room.draw;
  const int count = 2 + draw.below(5);
  for (int i = 0; i < count; ++i) {
    const float u = draw.range(-0.1F, 1.1F) * room.canvas.aspect(), v = draw.range(-0.05F, 0.25F);
    const float bright = draw.range(1.5F, 3.5F), cold = draw.range(0, 1);
    const Vec3 light = lerp(Vec3{1, 0.85F, 0.65F}, Vec3{0.95F, 1, 1.05F}, cold) * bright;
    const float size = draw.range(0.01F, 0.03F) * scale;
    room.canvas.disc(u, v, size, light);
    room.highlights.push_back({u, v, size, light});
  }
}

}  // namespace

void paint_room(Canvas& canvas, uint32_t key, std::vector<Highlight>& highlights) {
  SceneDraws draw(key);
  const float tinted = draw.range(0.06F, 0.30F);
  const Vec3 wall = draw.color({0, 1}, {0, tinted}, {0.22F, 0.8F});
  const Vec3 wood = draw.color({0.04F, 0.10F}, {0.3F, 0.65F}, {0.1F, 0.5F});
  const float above = draw.range(0.85F, 1.1F), below = draw.range(0.6F, 0.95F);
  canvas.fill(wall * above, wall * below);
  const float aspect = canvas.aspect();
  // Light comes from one side.
  const float side = draw.chance(0.5F) ? 1.0F : -1.0F, fall = draw.range(0.45F, 0.9F);
  canvas.shade_side(0.5F * aspect, 0.5F, side, 0.15F, {fall, fall, fall}, 1.6F);
  if (draw.chance(0.55F)) {
    const float corner = draw.range(0.1F, 0.9F) * aspect, other = draw.range(0.5F, 0.85F);
    canvas.shade_side(corner, 0.5F, -side, 0.0F, {other, other, other * 1.02F}, 0.0F);
    if (draw.chance(0.5F)) {
      const float v = draw.range(-0.05F, 0.15F), slope = draw.range(-0.35F, 0.35F);
      const float steep = 1.0F / std::sqrt(1.0F + slope * slope);
      canvas.shade_side(corner, v, slope * steep, -steep, {1.25F, 1.25F, 1.25F}, 0.0F);
    }
  }
  Room room{canvas, draw, wall, wood, highlights};
  using Add = void (*)(Room&, float, float);
  constexpr std::array<Add, 8> kThings{add_window, add_shelves,       add_pictures,
                                       add_door,   add_furniture,     add_lamp,
                                       add_plant,  add_ceiling_lights};
  const float scale = draw.range(0.75F, 1.5F);
  const int count = 2 + draw.below(4);
  for (int i = 0; i < count; ++i) {
    const float u = (draw.range(-0.35F, 0.95F)) * aspect;
    kThings[static_cast<size_t>(draw.below(8))](room, u, scale);
  }
  canvas.mottle(draw.key(), 2.0F, 2.0F, 0.06F);
}

}  // namespace guise::render
