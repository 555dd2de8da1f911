// Philox against the published vectors; streams that depend on nothing but their names.
#include "core/random.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <set>

namespace guise::core {
namespace {

// Random123, examples/kat_vectors, philox 4x32 10.
TEST(Philox, KnownAnswers) {
  const uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, {0, 0}),
            (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32_10({ones, ones, ones, ones}, {ones, ones}),
            (PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(
      philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
      (PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, EveryInputWordMatters) {
  const PhiloxBlock plain = philox4x32_10({1, 2, 3, 4}, {5, 6});
  for (size_t word = 0; word < 4; ++word) {
    PhiloxBlock counter{1, 2, 3, 4};
    counter[word] ^= 0x80000000;
    EXPECT_NE(philox4x32_10(counter, {5, 6}), plain) << "counter word " << word;
  }
  EXPECT_NE(philox4x32_10({1, 2, 3, 4}, {5, 7}), plain);
  EXPECT_NE(philox4x32_10({1, 2, 3, 4}, {4, 6}), plain);
}

TEST(RandomStream, LaysOutKeyAndCounterAsStated) {
  const uint64_t seed = 0x1122334455667788, sample = 0x99aabbccddeeff00;
  RandomStream stream(seed, sample, 7);
  for (uint32_t block = 0; block < 3; ++block) {
    const PhiloxBlock expected =
        philox4x32_10({block, 7, 0xddeeff00, 0x99aabbcc}, {0x55667788, 0x11223344});
    for (const uint32_t word : expected) EXPECT_EQ(stream.next_uint32(), word);
  }
}

TEST(RandomStream, StreamsDiffer) {
  const auto first = [](uint64_t seed, uint64_t sample, uint32_t stream) {
    RandomStream random(seed, sample, stream);
    return (static_cast<uint64_t>(random.next_uint32()) << 32) | random.next_uint32();
  };
  std::set<uint64_t> seen;
  for (const uint64_t high : {0ULL, 1ULL << 32}) {
    for (uint64_t low = 0; low < 4; ++low) {
      for (uint32_t stream = 0; stream < 4; ++stream) {
        seen.insert(first(high + low, 9, stream));
        seen.insert(first(9, high + low, stream + 100));
      }
    }
  }
  EXPECT_EQ(seen.size(), 64U) << "two of (seed, sample, stream) share their numbers";
}

TEST(RandomStream, CopiesGoOnAlike) {
  RandomStream stream(3, 1, 4);
  stream.next_uint32();
  RandomStream copy = stream;
  for (int i = 0; i < 9; ++i) EXPECT_EQ(copy.next_uint32(), stream.next_uint32());
}

TEST(Noise, DoesNotDependOnTheBatch) {
  const at::Tensor whole = normal_noise(1000, 5, 8, 2);
  EXPECT_TRUE(normal_noise(10, 5, 8, 2).equal(whole.slice(0, 0, 10)))
      << "a shorter draw must be the beginning of a longer one";
  EXPECT_TRUE(normal_noise(1000, 5, 8, 2).equal(whole));
  EXPECT_FALSE(normal_noise(1000, 5, 9, 2).equal(whole)) << "this comparison must be able to fail";
  EXPECT_FALSE(normal_noise(1000, 5, 8, 3).equal(whole));
  EXPECT_FALSE(normal_noise(1000, 6, 8, 2).equal(whole));
}

TEST(Noise, UniformMomentsAndRange) {
  const at::Tensor values = uniform_noise(400'000, 1, 2, 3).to(at::kDouble);
  EXPECT_GE(values.min().item<double>(), 0.0);
  EXPECT_LT(values.max().item<double>(), 1.0);
  // Five standard errors of the mean and of the variance.
  EXPECT_NEAR(values.mean().item<double>(), 0.5, 5 * 0.2887 / 632);
  EXPECT_NEAR(values.var().item<double>(), 1.0 / 12, 5 * 0.0745 / 632);
  // 24 random bits and no more: multiples of 2^-24.
  const at::Tensor steps = values * 16777216.0;
  EXPECT_TRUE(steps.equal(steps.round()));
}

TEST(Noise, NormalMoments) {
  const at::Tensor values = normal_noise(400'000, 1, 2, 3).to(at::kDouble);
  EXPECT_TRUE(at::isfinite(values).all().item<bool>());
  EXPECT_NEAR(values.mean().item<double>(), 0.0, 5.0 / 632);
  EXPECT_NEAR(values.var().item<double>(), 1.0, 5 * 1.4142 / 632);
  EXPECT_NEAR(values.pow(3).mean().item<double>(), 0.0, 5 * 3.873 / 632);
  EXPECT_NEAR(values.pow(4).mean().item<double>(), 3.0, 5 * 9.798 / 632);
  EXPECT_NEAR((values.abs() < 1.0).to(at::kDouble).mean().item<double>(), 0.6827, 0.004);
}

TEST(Noise, RefusesANegativeCountAndTakesNone) {
  EXPECT_EQ(normal_noise(0, 1, 1, 1).numel(), 0);
  EXPECT_THROW(normal_noise(-1, 1, 1, 1), std::invalid_argument);
  EXPECT_THROW(uniform_noise(-1, 1, 1, 1), std::invalid_argument);
}

// Multiplying a 32-bit number by 3 * 2^30 without rejection gives every third value twice as often
// as the others: half, a quarter and a quarter of the draws by residue.
TEST(NextBelow, HasNoBiasWhereItWouldShow) {
  const uint32_t bound = 3U << 30;
  RandomStream random(7, 7, 7);
  int by_residue[3] = {0, 0, 0};
  const int draws = 60'000;
  for (int i = 0; i < draws; ++i) {
    const uint32_t value = random.next_below(bound);
    ASSERT_LT(value, bound);
    ++by_residue[value % 3];
  }
  for (const int count : by_residue) EXPECT_NEAR(count, draws / 3, 600);

  int biased[3] = {0, 0, 0};
  for (int i = 0; i < draws; ++i) {
    ++biased[(static_cast<uint64_t>(random.next_uint32()) * bound >> 32) % 3];
  }
  EXPECT_GT(std::abs(biased[0] - draws / 3), 600) << "the check must see the bias it is for";
}

TEST(NextBelow, ReachesEveryValueEvenly) {
  RandomStream random(1, 0, 0);
  int counts[7] = {};
  for (int i = 0; i < 70'000; ++i) ++counts[random.next_below(7)];
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(random.next_below(1), 0U);
  EXPECT_THROW(random.next_below(0), std::invalid_argument);
}

}  // namespace
}  // namespace guise::core
