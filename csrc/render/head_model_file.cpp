// Reads and checks a house-head file. Nothing in it is believed: shapes must agree with each other,
// indices must lie in range and every number must be finite.
#include <ATen/ATen.h>

#include <map>

#include "core/check.h"
#include "io/safetensors.h"
#include "render/head_model.h"

namespace guise::render {

namespace {

constexpr const char* kFormat = "guise.house-head";
constexpr const char* kVersion = "1";
constexpr int64_t kJoints = 7;
// More than any head of this layout has; keeps damaged counts from taking memory.
constexpr int64_t kMostPoints = 32'767;

}  // namespace

class HeadModelReader {
 public:
  explicit HeadModelReader(const std::string& path) : path_(path) {
    io::SafetensorsFile file = io::read_safetensors(path);
    require(file.metadata["format"] == kFormat, "its metadata must say format = ", kFormat);
    require(file.metadata["version"] == kVersion, "its version must be ", kVersion, ", but is \"",
            file.metadata["version"], "\"");
    for (auto& [name, tensor] : file.tensors) {
      tensors_.emplace(name, std::move(tensor));
    }
  }

  HeadModel read() {
    read_points();
    read_morphs();
    read_targets();
    read_lids();
    read_topology();
    read_markers();
    require(tensors_.empty(), "it holds a tensor that this version does not know: ",
            tensors_.empty() ? "" : tensors_.begin()->first);
    finish();
    return std::move(model_);
  }

 private:
  template <typename... Parts>
  void require(bool condition, const Parts&... parts) const {
    if (!condition) {
      throw CorruptFile(core::message(path_, " is not a sound house-head file: ", parts...,
                                      "; build it again with 'python -m guise.train head'"));
    }
  }

  // Takes a tensor of `dtype`; -1 in `shape` = any size.
  at::Tensor take(const std::string& name, at::ScalarType dtype, std::vector<int64_t> shape) {
    const auto found = tensors_.find(name);
    require(found != tensors_.end(), "the tensor ", name, " is missing");
    at::Tensor tensor = std::move(found->second);
    tensors_.erase(found);
    require(tensor.scalar_type() == dtype, name, " must be of type ", c10::toString(dtype),
            ", but is ", c10::toString(tensor.scalar_type()));
    bool fits = tensor.dim() == static_cast<int64_t>(shape.size());
    for (size_t i = 0; fits && i < shape.size(); ++i) {
      fits = shape[i] < 0 ? tensor.size(static_cast<int64_t>(i)) > 0
                          : tensor.size(static_cast<int64_t>(i)) == shape[i];
    }
    require(fits, name, " must have the shape ", at::IntArrayRef(shape), " (-1: any), but has ",
            tensor.sizes());
    return tensor;
  }

  // float16 or float32, as finite floats.
  at::Tensor floats(const std::string& name, at::ScalarType dtype, std::vector<int64_t> shape) {
    const at::Tensor values = take(name, dtype, std::move(shape)).to(at::kFloat).contiguous();
    require(values.isfinite().all().item<bool>(), name, " must hold finite numbers");
    return values;
  }

  // Integers in [0, limit).
  at::Tensor indices(const std::string& name, at::ScalarType dtype, std::vector<int64_t> shape,
                     int64_t limit) {
    const at::Tensor values = take(name, dtype, std::move(shape)).to(at::kLong).contiguous();
    const int64_t low = values.min().item<int64_t>(), high = values.max().item<int64_t>();
    require(low >= 0 && high < limit, name, " must lie in 0..", limit - 1, ", but reaches ",
            low < 0 ? low : high);
    return values;
  }

  static std::vector<Vec3> vectors(const at::Tensor& values) {
    const auto* from = values.const_data_ptr<float>();
    std::vector<Vec3> list(static_cast<size_t>(values.numel() / 3));
    for (size_t i = 0; i < list.size(); ++i) {
      list[i] = {from[3 * i], from[3 * i + 1], from[3 * i + 2]};
    }
    return list;
  }

  static std::vector<float> numbers(const at::Tensor& values) {
    const auto* from = values.const_data_ptr<float>();
    return {from, from + values.numel()};
  }

  void read_points() {
    const at::Tensor base = floats("base_points", at::kFloat, {-1, 3});
    const at::Tensor eye = floats("eye_directions", at::kFloat, {-1, 3});
    points_ = base.size(0);
    morphed_ = points_ - 2 * eye.size(0);
    require(points_ <= kMostPoints && morphed_ > kJoints, "base_points and eye_directions have ",
            points_, " and ", eye.size(0), " rows, which leaves no head");
    model_.base_points_ = vectors(base);
    model_.eye_directions_ = vectors(eye);
    model_.morphed_ = static_cast<size_t>(morphed_);
  }

  void read_morphs() {
    model_.ancestry_ = vectors(floats("ancestry", at::kHalf, {12, morphed_, 3}));
    model_.build_ = vectors(floats("build", at::kHalf, {36, morphed_, 3}));
    const at::Tensor dense = floats("dense_modes", at::kHalf, {-1, morphed_, 3});
    model_.dense_modes_ = vectors(dense);
    const at::Tensor factors = floats("mode_factors", at::kFloat, {2, -1, -1});
    const at::Tensor means = floats("mode_means", at::kFloat, {2, factors.size(1)});
    require(factors.size(1) > dense.size(0), "mode_factors must have a row for each of the ",
            dense.size(0), " dense modes and for local targets, but has ", factors.size(1));
    for (int64_t sex = 0; sex < 2; ++sex) {
      model_.mode_factors_[static_cast<size_t>(sex)] = numbers(factors[sex]);
      model_.mode_means_[static_cast<size_t>(sex)] = numbers(means[sex]);
    }
    model_.dense_count_ = static_cast<size_t>(dense.size(0));
    model_.local_count_ = static_cast<size_t>(factors.size(1) - dense.size(0));
    model_.mode_count_ = static_cast<int>(factors.size(2));
    model_.mahalanobis_limit_ = floats("mahalanobis_limit", at::kFloat, {1}).item<float>();
    require(model_.mahalanobis_limit_ > 0, "mahalanobis_limit must be positive");
  }

  void read_targets() {
    const at::Tensor deltas = floats("target_deltas", at::kHalf, {-1, 3});
    const at::Tensor points = indices("target_points", at::kShort, {deltas.size(0)}, morphed_);
    const at::Tensor offsets = indices("target_offsets", at::kInt, {-1}, deltas.size(0) + 1);
    const auto* offset = offsets.const_data_ptr<int64_t>();
    const int64_t count = offsets.size(0) - 1;
    for (int64_t k = 0; k < count; ++k) {
      require(offset[k] <= offset[k + 1], "target_offsets must not fall");
    }
    require(offset[0] == 0 && offset[count] == deltas.size(0), "target_offsets must run from 0 to ",
            deltas.size(0));
    const auto fixed = static_cast<int64_t>(model_.local_count_ + kExpressionNames.size());
    require(count >= fixed, "there must be at least ", fixed, " targets, but there are ", count);
    model_.asymmetry_count_ = static_cast<int>(count - fixed);
    const std::vector<Vec3> all = vectors(deltas);
    const auto* point = points.const_data_ptr<int64_t>();
    model_.targets_.resize(static_cast<size_t>(count));
    for (int64_t k = 0; k < count; ++k) {
      HeadModel::Target& target = model_.targets_[static_cast<size_t>(k)];
      target.points.assign(point + offset[k], point + offset[k + 1]);
      target.deltas.assign(all.begin() + offset[k], all.begin() + offset[k + 1]);
    }
  }

  void read_lids() {
    const at::Tensor points = indices("lid_points", at::kInt, {-1}, morphed_);
    const int64_t count = points.size(0);
    const at::Tensor heights = floats("lid_heights", at::kFloat, {count});
    const at::Tensor holds = floats("lid_holds", at::kFloat, {count});
    const at::Tensor right = indices("lid_right", at::kByte, {count}, 2);
    for (int64_t i = 0; i < count; ++i) {
      const float hold = holds.const_data_ptr<float>()[i];
      require(hold >= 0 && hold <= 1, "lid_holds must lie in 0..1, but reaches ", hold);
      model_.lids_.push_back({static_cast<uint32_t>(points.const_data_ptr<int64_t>()[i]),
                              heights.const_data_ptr<float>()[i], hold,
                              right.const_data_ptr<int64_t>()[i] == 1});
    }
  }

  void read_topology() {
    HeadTopology& topology = model_.topology_;
    const at::Tensor vertex_point = indices("vertex_point", at::kInt, {-1}, points_);
    const int64_t vertices = vertex_point.size(0);
    const auto* point = vertex_point.const_data_ptr<int64_t>();
    topology.vertex_point.assign(point, point + vertices);
    const std::vector<float> uv = numbers(floats("uv", at::kFloat, {vertices, 2}));
    floats("sheet_uv", at::kFloat, {vertices, 2});  // for `guise.train skin` only
    for (size_t i = 0; i < uv.size(); i += 2) {
      topology.uv.push_back({uv[i], uv[i + 1]});
    }
    const at::Tensor triangles = indices("triangles", at::kInt, {-1, 3}, vertices);
    const int64_t count = triangles.size(0);
    const at::Tensor surface = indices("triangle_surface", at::kByte, {count}, kHeadSurfaceCount);
    const at::Tensor part =
        indices("triangle_part", at::kByte, {count}, static_cast<int64_t>(Part::kOccluder) + 1);
    const auto* corner = triangles.const_data_ptr<int64_t>();
    for (int64_t t = 0; t < count; ++t, corner += 3) {
      Triangle triangle;
      std::array<uint32_t, 3> points{};
      for (size_t k = 0; k < 3; ++k) {
        triangle.vertex[k] = static_cast<uint32_t>(corner[k]);
        points[k] = topology.vertex_point[triangle.vertex[k]];
      }
      triangle.surface = static_cast<uint16_t>(surface.const_data_ptr<int64_t>()[t]);
      triangle.part = static_cast<Part>(part.const_data_ptr<int64_t>()[t]);
      topology.triangles.push_back(triangle);
      if (points[0] < model_.morphed_) {  // normals of the eyes are known
        require(points[1] < model_.morphed_ && points[2] < model_.morphed_, "triangle ", t,
                " joins an eye to the head");
        model_.point_triangles_.push_back(points);
      }
    }
    const auto field = [&](const char* name) {
      return numbers(floats(name, at::kHalf, {points_}));
    };
    topology.ambient_occlusion = field("ambient_occlusion");
    topology.scalp_distance = field("scalp_distance");
    topology.beard_density = field("beard_density");
    topology.moustache_density = field("moustache_density");
    topology.pose_weight = field("pose_weight");
  }

  void read_markers() {
    const auto count = static_cast<int64_t>(model_.markers_.size());
    const at::Tensor points = indices("marker_points", at::kInt, {count, 6}, points_);
    const at::Tensor weights = floats("marker_weights", at::kFloat, {count, 6});
    for (size_t k = 0; k < model_.markers_.size(); ++k) {
      for (size_t i = 0; i < 6; ++i) {
        model_.markers_[k].points[i] =
            static_cast<uint32_t>(points.const_data_ptr<int64_t>()[6 * k + i]);
        model_.markers_[k].weights[i] = weights.const_data_ptr<float>()[6 * k + i];
      }
    }
  }

  // The mean adult: both sexes, all ancestries alike, 35 years.
  void finish() {
    ShapeRecipe shape;
    shape.ancestry.fill(1.0F / 3.0F);
    std::vector<Vec3> mean = model_.neutral(Sex::kFemale, 35, shape);
    const std::vector<Vec3> male = model_.neutral(Sex::kMale, 35, shape);
    for (size_t i = 0; i < mean.size(); ++i) {
      mean[i] = lerp(mean[i], male[i], 0.5F);
    }
    Head rest = model_.express(mean, ExpressionWeights{}, 0, 0);
    model_.topology_.rest_points = std::move(rest.points);
    model_.topology_.rest_normals = std::move(rest.point_normals);
  }

  std::string path_;
  std::map<std::string, at::Tensor> tensors_;
  HeadModel model_;
  int64_t points_ = 0, morphed_ = 0;
};

HeadModel HeadModel::load(const std::string& path) {
  return HeadModelReader(path).read();
}

}  // namespace guise::render
