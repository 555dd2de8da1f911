// Expressions of photographs: mostly calm or friendly, brows relaxed, never quite symmetric.
#include <algorithm>
#include <cmath>
#include <span>

#include "render/draw_parts.h"

namespace guise::render {

namespace {

// A unit, or a left and right pair of units, and its weight at full expression.
struct Move {
  size_t left, right;  // equal for a unit without sides
  double low, high;
};

consteval size_t unit(std::string_view name) {
  for (size_t i = 0; i < kExpressionNames.size(); ++i) {
    if (kExpressionNames[i] == name) {
      return i;
    }
  }
  throw "no such unit";
}

consteval size_t side_unit(std::string_view base, std::string_view side) {
  for (size_t i = 0; i < kExpressionNames.size(); ++i) {
    const std::string_view name = kExpressionNames[i];
    if (name.size() == base.size() + side.size() && name.starts_with(base) &&
        name.ends_with(side)) {
      return i;
    }
  }
  throw "no such pair";
}

consteval Move both(std::string_view base, double low, double high) {
  return {side_unit(base, "Left"), side_unit(base, "Right"), low, high};
}
consteval Move one(std::string_view name, double low, double high) {
  return {unit(name), unit(name), low, high};
}

constexpr Move kCalm[] = {both("mouthSmile", 0, 0.14), both("mouthPress", 0, 0.1),
                          both("eyeSquint", 0, 0.12), one("browInnerUp", 0, 0.08),
                          one("jawOpen", 0, 0.025)};
constexpr Move kClosedSmile[] = {both("mouthSmile", 0.35, 0.85), both("cheekSquint", 0.1, 0.45),
                                 both("eyeSquint", 0.05, 0.3),   both("mouthDimple", 0, 0.25),
                                 both("mouthPress", 0, 0.15),    one("browInnerUp", 0, 0.12)};
constexpr Move kOpenSmile[] = {both("mouthSmile", 0.5, 0.95),    one("jawOpen", 0.03, 0.14),
                               both("mouthUpperUp", 0.15, 0.45), both("mouthLowerDown", 0.1, 0.35),
                               both("cheekSquint", 0.2, 0.6),    both("eyeSquint", 0.08, 0.35)};
constexpr Move kLaugh[] = {both("mouthSmile", 0.65, 1),     one("jawOpen", 0.18, 0.42),
                           both("mouthUpperUp", 0.3, 0.55), both("mouthLowerDown", 0.2, 0.5),
                           both("cheekSquint", 0.4, 0.8),   both("eyeSquint", 0.3, 0.65),
                           both("mouthStretch", 0, 0.2),    one("browInnerUp", 0, 0.2)};
constexpr Move kTalk[] = {one("jawOpen", 0.06, 0.32),    one("mouthFunnel", 0, 0.3),
                          one("mouthPucker", 0, 0.25),   both("mouthLowerDown", 0, 0.35),
                          both("mouthUpperUp", 0, 0.22), both("mouthSmile", 0, 0.3),
                          both("browOuterUp", 0, 0.2),   one("browInnerUp", 0, 0.25)};
constexpr Move kSurprise[] = {one("browInnerUp", 0.4, 0.9), both("browOuterUp", 0.4, 0.9),
                              both("eyeWide", 0.25, 0.7),   one("jawOpen", 0.1, 0.4),
                              one("mouthFunnel", 0, 0.2),   both("mouthSmile", 0, 0.35)};
constexpr Move kSad[] = {one("browInnerUp", 0.3, 0.7), both("mouthFrown", 0.2, 0.55),
                         one("mouthShrugLower", 0.1, 0.35), both("eyeSquint", 0, 0.2),
                         both("browDown", 0, 0.1)};
constexpr Move kSun[] = {both("eyeSquint", 0.35, 0.75), both("cheekSquint", 0.2, 0.5),
                         both("browDown", 0.1, 0.35),   both("noseSneer", 0, 0.15),
                         both("mouthSmile", 0, 0.4),    both("mouthUpperUp", 0, 0.15)};
constexpr Move kFrown[] = {both("browDown", 0.35, 0.75), both("mouthPress", 0.1, 0.4),
                           both("mouthFrown", 0.05, 0.35), both("eyeSquint", 0.05, 0.3)};
constexpr Move kKiss[] = {one("mouthPucker", 0.4, 0.9), one("mouthFunnel", 0, 0.2),
                          both("browOuterUp", 0, 0.3), both("eyeSquint", 0, 0.2)};
constexpr Move kBrowsUp[] = {both("browOuterUp", 0.3, 0.75), one("browInnerUp", 0.1, 0.45),
                             both("eyeWide", 0, 0.25), both("mouthSmile", 0.05, 0.45)};
constexpr Move kSmirk[] = {both("mouthSmile", 0.35, 0.75), both("mouthDimple", 0.15, 0.45),
                           both("cheekSquint", 0.1, 0.3), both("browOuterUp", 0, 0.4)};
constexpr Move kPensive[] = {one("mouthRollLower", 0, 0.3), both("mouthPress", 0.1, 0.4),
                             one("mouthShrugUpper", 0, 0.2), both("browOuterUp", 0, 0.25),
                             both("mouthStretch", 0, 0.2)};

struct Mood {
  double share;  // among the pictures that are not calm
  std::span<const Move> moves;
  bool one_sided;
};

constexpr Mood kMoods[] = {
    {0.29, kClosedSmile, false}, {0.29, kOpenSmile, false}, {0.09, kLaugh, false},
    {0.09, kTalk, false},        {0.035, kSurprise, false}, {0.025, kSad, false},
    {0.04, kSun, false},         {0.02, kFrown, false},     {0.02, kKiss, false},
    {0.03, kBrowsUp, false},     {0.035, kSmirk, true},     {0.035, kPensive, false},
};

// Units that small noise must leave alone: gaze and lids are drawn elsewhere, mouthClose only means
// something beside jawOpen.
bool takes_noise(std::string_view name) {
  return !name.starts_with("eyeLook") && !name.starts_with("eyeBlink") && name != "mouthClose" &&
         name != "tongueOut";
}

void add_moves(Draws& draws, const Mood& mood, double intensity, ExpressionWeights& weights) {
  // A shared lean to one side, and a little for each move.
  const double side = draws.chance(0.5) ? 1 : -1;
  const double lean = mood.one_sided ? side * draws.uniform(0.45, 0.9) : draws.normal(0, 0.06);
  for (const Move& move : mood.moves) {
    const double weight = intensity * draws.uniform(move.low, move.high);
    const double tilt = std::clamp(lean + draws.normal(0, 0.05), -1.0, 1.0);
    if (move.left == move.right) {
      weights[move.left] += to_float(weight);
    } else {
      weights[move.left] += to_float(weight * (1 + tilt));
      weights[move.right] += to_float(weight * (1 - tilt));
    }
  }
}

void add_lids(Draws& draws, double blink_share, double strength, ExpressionWeights& weights) {
  constexpr Move kLids = both("eyeBlink", 0, 0);
  const bool blink = draws.chance(blink_share);
  const double closed = draws.uniform(0.45, 1), droop = draws.uniform();
  const double drowsy = 0.14 * droop * droop * strength, difference = draws.normal(0, 0.012);
  const double lids = blink ? closed : drowsy;
  weights[kLids.left] += to_float(lids + difference * strength);
  weights[kLids.right] += to_float(lids - difference * strength);
}

}  // namespace

ExpressionWeights draw_expression(const PhotoDraw& photo) {
  Draws draws = photo.photo_draws(Topic::kExpression);
  const double strength = photo.options.expression_strength;
  ExpressionWeights weights{};
  const bool calm = draws.chance(photo.options.neutral_share);
  std::array<double, std::size(kMoods)> shares{};
  for (size_t i = 0; i < shares.size(); ++i) {
    shares[i] = kMoods[i].share;
  }
  const size_t drawn = draws.pick(shares);
  const double intensity = draws.bell(0.55, 1.1);
  const Mood still{1, kCalm, false};
  add_moves(draws, calm ? still : kMoods[drawn], calm ? 1 : intensity, weights);
  for (size_t i = 0; i < weights.size(); ++i) {
    const bool moved = draws.chance(0.25);
    const double noise = std::abs(draws.normal(0, 0.025));
    if (moved && takes_noise(kExpressionNames[i])) {
      weights[i] += to_float(noise);
    }
  }
  for (float& weight : weights) {
    weight *= to_float(strength);
  }
  add_lids(draws, photo.options.blink_share, strength, weights);
  for (float& weight : weights) {
    weight = clamp01(weight);
  }
  return weights;
}

}  // namespace guise::render
