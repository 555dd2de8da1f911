// house-head: a parametric head (head, neck, shoulders, eyes, teeth, tongue) read from one
// safetensors file, and the heads that it makes. Built by `python -m guise.train head` from the
// CC0 MakeHuman mesh and targets; the layout of the file is in models/house-head/card.md.
//
// Two vertex lists: "points" carry the shape (G of them), "vertices" are points split at uv seams
// (V of them), as meshes need. Units: dm.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "render/mesh.h"
#include "render/recipe.h"

namespace guise::render {

struct Eye {
  Vec3 center;
  float radius = 0.14F;
  Vec3 gaze{0, 0, 1};  // unit
};

// One person's head with one expression, before the neck turns it.
struct Head {
  std::vector<Vec3> points;               // [G]
  std::vector<Vec3> point_normals;        // [G], unit, outwards
  std::array<Vec3, 68> landmarks{};       // iBUG order: 0 on the subject's right (image left)
  std::array<Vec3, 5> detector_points{};  // as detectors place them, left eye as seen first
  Eye left_eye, right_eye;                // the subject's left and right
  Vec3 neck_joint, head_joint;            // the head turns about head_joint
  float mouth_gap = 0;                    // dm between the inner lips
};

// What is the same for every head.
struct HeadTopology {
  std::vector<uint32_t> vertex_point;    // [V] point of each vertex
  std::vector<Vec2> uv;                  // [V] skin chart: (0, 0) its upper left corner, v down
  std::vector<Triangle> triangles;       // over vertices; Triangle::surface as in HeadSurface
  std::vector<Vec3> rest_points;         // [G] the mean adult head
  std::vector<Vec3> rest_normals;        // [G]
  std::vector<float> ambient_occlusion;  // [G] 0 closed .. 1 open, baked on the mean head
  std::vector<float> scalp_distance;     // [G] dm inside (+) or outside (-) the usual hairline
  std::vector<float> beard_density;      // [G] 0..1 where a full beard grows
  std::vector<float> moustache_density;  // [G] 0..1
  std::vector<float> pose_weight;        // [G] share of the head's rotation: 0 shoulders .. 1 head
};

// Values of Triangle::surface in HeadTopology.
enum HeadSurface : uint16_t {
  kHeadSkin = 0,
  kHeadLeftEye,
  kHeadRightEye,
  kHeadMouth,
  kHeadTeeth,
  kHeadTongue,
  kHeadSurfaceCount,
};

class HeadModelReader;  // reads the file; head_model_file.cpp

class HeadModel {
 public:
  // Throws Unavailable where the file cannot be read and CorruptFile where it is damaged or is not
  // a house-head file (indices out of range, shapes that disagree, NaN).
  static HeadModel load(const std::string& path);

  const HeadTopology& topology() const { return topology_; }
  int mode_count() const { return mode_count_; }
  int asymmetry_count() const { return asymmetry_count_; }
  // Largest length of ShapeRecipe::modes that counts as a face and not as a caricature.
  float mahalanobis_limit() const { return mahalanobis_limit_; }

  // [G] points of the neutral face at `age_years` (identity and age; no expression). Empty `modes`
  // or `asymmetry` are all zero: the mean face. A length beyond the limit is drawn as it is.
  std::vector<Vec3> neutral(Sex sex, float age_years, const ShapeRecipe& shape) const;

  // Adds the expression and turns the eyes (gaze in degrees, + right of the image, + up; lids
  // follow). The eyeLook units turn the eyes too. mouthClose closes what jawOpen opens and never
  // more.
  Head express(const std::vector<Vec3>& neutral, const ExpressionWeights& expression,
               float gaze_yaw_deg, float gaze_pitch_deg) const;

 private:
  struct Target {  // a sparse morph
    std::vector<uint32_t> points;
    std::vector<Vec3> deltas;
  };
  struct Marker {  // a landmark: weighted points
    std::array<uint32_t, 6> points{};
    std::array<float, 6> weights{};
  };
  struct Lid {  // skin near an eyeball
    uint32_t point = 0;
    float height = 0;  // over the ball at rest, dm
    float hold = 0;    // 0..1, how strongly the height is kept
    bool right = false;
  };
  friend class HeadModelReader;

  void add_macro(Sex sex, float age_years, const ShapeRecipe& shape,
                 std::vector<Vec3>& points) const;
  void add_modes(Sex sex, const ShapeRecipe& shape, std::vector<Vec3>& points) const;
  void place_eyes(const Vec3& left_gaze, const Vec3& right_gaze, Head& head) const;
  static void fit_lid(const Lid& lid, float height, Head& head);
  void finish(Head& head) const;

  HeadTopology topology_;
  int mode_count_ = 0;
  int asymmetry_count_ = 0;
  float mahalanobis_limit_ = 0;
  // The first `morphed_` points are moved by morphs; the last seven of these are the joints: head,
  // neck, jaw, centres of the left and right eye, a point on the rim of each. Eye points follow.
  size_t morphed_ = 0;
  std::vector<Vec3> base_points_;     // [G]
  std::vector<Vec3> eye_directions_;  // of the left eye's points; mirrored for the right one
  std::vector<Vec3> ancestry_;        // [3 ancestries, 2 sexes, young and old, morphed]
  std::vector<Vec3> build_;           // [2 sexes, young and old, 3 muscle, 3 weight, morphed]
  std::vector<Vec3> dense_modes_;     // [dense_count_, morphed]
  std::vector<Target> targets_;       // local, asymmetry, expression
  size_t local_count_ = 0, dense_count_ = 0;
  std::array<std::vector<float>, 2> mode_factors_;  // by sex: [local + dense, mode_count]
  std::array<std::vector<float>, 2> mode_means_;    // by sex: [local + dense]
  std::vector<Lid> lids_;
  std::vector<std::array<uint32_t, 3>> point_triangles_;
  std::array<Marker, 73> markers_{};  // 68 landmarks, five detector points
};

}  // namespace guise::render
