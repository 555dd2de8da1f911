// The presets of MobileFaceNet, and where each layout keeps its layers.
#include <map>

#include "core/check.h"
#include "nets/mobilefacenet.h"

namespace guise::nets {

namespace {

using Layout = MobileFaceNetConfig::Layout;

const std::map<std::string, MobileFaceNetConfig> kPresets = {
    {"mbf", {Layout::kInsightface, 2, {1, 4, 6, 2}}},
    {"mbf-large", {Layout::kInsightface, 4, {2, 8, 12, 4}}},
    {"treb1en", {Layout::kTreb1en, 1, {1, 4, 6, 2}}},
    {"xiaoccer", {Layout::kXiaoccer, 1, {1, 4, 6, 2}}},
    {"foamliu", {Layout::kFoamliu, 1, {1, 4, 6, 2}}}};

// Bottlenecks that a layout keeps together: one that halves the size, or a chain that keeps it.
struct Group {
  BottleneckShape shape;
  int64_t count;
  bool is_chain;
};

std::vector<Group> groups_of(const MobileFaceNetConfig& config) {
  const int64_t narrow = 64 * config.scale, wide = 128 * config.scale;
  const auto& [at56, at28, at14, at7] = config.blocks;
  std::vector<Group> groups;
  if (at56 > 1) groups.push_back({{narrow, narrow, 128, 1}, at56, true});
  groups.push_back({{narrow, narrow, 128, 2}, 1, false});
  groups.push_back({{narrow, narrow, 128, 1}, at28, true});
  groups.push_back({{narrow, wide, 256, 2}, 1, false});
  groups.push_back({{wide, wide, 256, 1}, at14, true});
  groups.push_back({{wide, wide, 512, 2}, 1, false});
  groups.push_back({{wide, wide, 256, 1}, at7, true});
  return groups;
}

MobileFaceNetPaths insightface_paths(const MobileFaceNetConfig& config) {
  const auto unit = [](const std::string& path) { return UnitPaths::in_numbers(path + ".layers"); };
  MobileFaceNetPaths paths;
  int64_t layer = 0;
  const auto next_layer = [&] { return "layers." + std::to_string(layer++); };
  paths.stem.push_back(unit(next_layer()));
  if (config.blocks[0] == 1) paths.stem.push_back(unit(next_layer()));
  for (const Group& group : groups_of(config)) {
    const std::string name = next_layer();
    for (int64_t i = 0; i < group.count; ++i) {
      const std::string path =
          (group.is_chain ? name + ".layers." + std::to_string(i) : name) + ".layers.";
      paths.bottlenecks.push_back({unit(path + "0"), unit(path + "1"), unit(path + "2")});
    }
  }
  paths.last = unit("conv_sep");
  paths.pool = unit("features.layers.0");
  paths.linear = {"features.layers.2", "features.layers.3", ""};
  return paths;
}

MobileFaceNetPaths treb1en_paths(const MobileFaceNetConfig& config) {
  const auto unit = [](const std::string& path) { return UnitPaths::in_words(path); };
  const std::array<std::string, 6> names = {"conv_23", "conv_3",  "conv_34",
                                            "conv_4",  "conv_45", "conv_5"};
  MobileFaceNetPaths paths;
  paths.stem = {unit("conv1"), unit("conv2_dw")};
  size_t name = 0;
  for (const Group& group : groups_of(config)) {
    for (int64_t i = 0; i < group.count; ++i) {
      const std::string path =
          group.is_chain ? names[name] + ".model." + std::to_string(i) : names[name];
      paths.bottlenecks.push_back(
          {unit(path + ".conv"), unit(path + ".conv_dw"), unit(path + ".project")});
    }
    ++name;
  }
  paths.last = unit("conv_6_sep");
  paths.pool = unit("conv_6_dw");
  paths.linear = {"linear", "bn", ""};
  return paths;
}

MobileFaceNetPaths xiaoccer_paths(const MobileFaceNetConfig& config) {
  const auto unit = [](const std::string& path) { return UnitPaths::in_words(path); };
  MobileFaceNetPaths paths;
  paths.stem = {unit("conv1"), unit("dw_conv1")};
  for (size_t i = 0; i < bottlenecks_of(config).size(); ++i) {
    const std::string path = "blocks." + std::to_string(i) + ".conv";
    paths.bottlenecks.push_back({UnitPaths::in_numbers(path, 0), UnitPaths::in_numbers(path, 3),
                                 UnitPaths::in_numbers(path, 6)});
  }
  paths.last = unit("conv2");
  paths.pool = unit("linear7");
  paths.linear = unit("linear1");
  return paths;
}

MobileFaceNetPaths foamliu_paths(const MobileFaceNetConfig& config) {
  MobileFaceNetPaths paths;
  paths.stem = {UnitPaths::in_numbers("conv1"),
                {"dw_conv.depthwise", "dw_conv.bn1", ""},
                {"dw_conv.pointwise", "dw_conv.bn2", ""}};
  for (size_t i = 0; i < bottlenecks_of(config).size(); ++i) {
    const std::string path = "features." + std::to_string(i) + ".conv";
    paths.bottlenecks.push_back({UnitPaths::in_numbers(path + ".0"),
                                 UnitPaths::in_numbers(path + ".1"),
                                 UnitPaths::in_numbers(path, 2)});
  }
  paths.last = UnitPaths::in_numbers("conv2");
  paths.pool = {"gdconv.depthwise", "gdconv.bn", ""};
  paths.linear = {"conv3", "bn", ""};
  return paths;
}

}  // namespace

MobileFaceNetConfig MobileFaceNetConfig::preset(const std::string& name) {
  const auto found = kPresets.find(name);
  GUISE_CHECK_ARG(found != kPresets.end(),
                  "a preset of mobilefacenet must be mbf, mbf-large, treb1en, xiaoccer or foamliu; "
                  "got '",
                  name, "'");
  return found->second;
}

std::vector<BottleneckShape> bottlenecks_of(const MobileFaceNetConfig& config) {
  std::vector<BottleneckShape> shapes;
  for (const Group& group : groups_of(config)) {
    shapes.insert(shapes.end(), group.count, group.shape);
  }
  return shapes;
}

MobileFaceNetPaths paths_of(const MobileFaceNetConfig& config) {
  switch (config.layout) {
    case Layout::kInsightface:
      return insightface_paths(config);
    case Layout::kTreb1en:
      return treb1en_paths(config);
    case Layout::kXiaoccer:
      return xiaoccer_paths(config);
    case Layout::kFoamliu:
      return foamliu_paths(config);
  }
  TORCH_INTERNAL_ASSERT(false);
}

}  // namespace guise::nets
