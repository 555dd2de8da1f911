// Small vectors of the renderer: float, right-handed, no alignment tricks.
#pragma once

#include <algorithm>
#include <cmath>

namespace guise::render {

struct Vec2 {
  float x = 0, y = 0;
};

struct Vec3 {
  float x = 0, y = 0, z = 0;

  Vec3& operator+=(const Vec3& o) {
    x += o.x;
    y += o.y;
    z += o.z;
    return *this;
  }
  Vec3& operator*=(float s) {
    x *= s;
    y *= s;
    z *= s;
    return *this;
  }
};

inline Vec2 operator+(Vec2 a, Vec2 b) {
  return {a.x + b.x, a.y + b.y};
}
inline Vec2 operator-(Vec2 a, Vec2 b) {
  return {a.x - b.x, a.y - b.y};
}
inline Vec2 operator*(Vec2 a, float s) {
  return {a.x * s, a.y * s};
}

inline Vec3 operator+(const Vec3& a, const Vec3& b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z};
}
inline Vec3 operator-(const Vec3& a, const Vec3& b) {
  return {a.x - b.x, a.y - b.y, a.z - b.z};
}
inline Vec3 operator-(const Vec3& a) {
  return {-a.x, -a.y, -a.z};
}
inline Vec3 operator*(const Vec3& a, float s) {
  return {a.x * s, a.y * s, a.z * s};
}
inline Vec3 operator*(float s, const Vec3& a) {
  return a * s;
}
// Component by component: light times albedo.
inline Vec3 operator*(const Vec3& a, const Vec3& b) {
  return {a.x * b.x, a.y * b.y, a.z * b.z};
}

inline float dot(const Vec3& a, const Vec3& b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
inline Vec3 cross(const Vec3& a, const Vec3& b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
inline float length(const Vec3& a) {
  return std::sqrt(dot(a, a));
}
// The zero vector stays zero.
inline Vec3 normalized(const Vec3& a) {
  const float l2 = dot(a, a);
  return l2 > 0 ? a * (1.0F / std::sqrt(l2)) : a;
}
inline Vec3 lerp(const Vec3& a, const Vec3& b, float t) {
  return a + (b - a) * t;
}
inline float lerp(float a, float b, float t) {
  return a + (b - a) * t;
}
inline float clamp01(float v) {
  return std::min(1.0F, std::max(0.0F, v));
}
// 0 at and below `low`, 1 at and above `high`, cubic between.
inline float smoothstep(float low, float high, float v) {
  const float t = clamp01((v - low) / (high - low));
  return t * t * (3.0F - 2.0F * t);
}
// Nearest integers; the library's ceil and round are calls on plain x86-64.
inline int floor_int(float v) {
  const int i = static_cast<int>(v);
  return i - (v < static_cast<float>(i) ? 1 : 0);
}
inline int ceil_int(float v) {
  return -floor_int(-v);
}
inline int round_int(float v) {
  return floor_int(v + 0.5F);
}
inline float luminance(const Vec3& linear_rgb) {
  return 0.2126F * linear_rgb.x + 0.7152F * linear_rgb.y + 0.0722F * linear_rgb.z;
}

// Rows of a rotation; `m * v` turns v.
struct Mat3 {
  Vec3 row0{1, 0, 0}, row1{0, 1, 0}, row2{0, 0, 1};
};

inline Vec3 operator*(const Mat3& m, const Vec3& v) {
  return {dot(m.row0, v), dot(m.row1, v), dot(m.row2, v)};
}
inline Mat3 transposed(const Mat3& m) {
  return {{m.row0.x, m.row1.x, m.row2.x},
          {m.row0.y, m.row1.y, m.row2.y},
          {m.row0.z, m.row1.z, m.row2.z}};
}
inline Mat3 operator*(const Mat3& a, const Mat3& b) {
  const Mat3 columns = transposed(b);
  const auto row = [&](const Vec3& r) {
    return Vec3{dot(r, columns.row0), dot(r, columns.row1), dot(r, columns.row2)};
  };
  return {row(a.row0), row(a.row1), row(a.row2)};
}

}  // namespace guise::render
