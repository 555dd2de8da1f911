// Rank-k rates against every gallery written out.
#include "measure/identification.h"

#include <gtest/gtest.h>

#include <functional>

#include "measure/toy_embeddings.h"

namespace guise::measure {
namespace {

using test::rows_of;
using test::sign_rows;

struct Split {
  std::vector<float> gallery, probes;
  std::vector<int64_t> gallery_people, probe_people;
};

Integers integers(const std::vector<int64_t>& values) {
  Integers result = Integers::from_shape({values.size()});
  std::copy(values.begin(), values.end(), result.begin());
  return result;
}

// Calls each(split) for every choice of one gallery photo a person.
void for_each_choice(const std::vector<float>& values, const std::vector<int64_t>& people,
                     const std::function<void(const Split&)>& each) {
  const int64_t persons = *std::max_element(people.begin(), people.end()) + 1;
  std::vector<std::vector<size_t>> photos(static_cast<size_t>(persons));
  for (size_t i = 0; i < people.size(); ++i) photos[static_cast<size_t>(people[i])].push_back(i);
  std::vector<size_t> choice(photos.size(), 0);
  while (true) {
    Split split;
    for (size_t i = 0; i < people.size(); ++i) {
      const auto person = static_cast<size_t>(people[i]);
      const bool in_gallery = photos[person][choice[person]] == i;
      auto& rows = in_gallery ? split.gallery : split.probes;
      rows.insert(rows.end(), values.begin() + 64 * static_cast<int64_t>(i),
                  values.begin() + 64 * static_cast<int64_t>(i + 1));
      (in_gallery ? split.gallery_people : split.probe_people).push_back(people[i]);
    }
    each(split);
    size_t at = 0;
    while (at < choice.size() && ++choice[at] == photos[at].size()) choice[at++] = 0;
    if (at == choice.size()) return;
  }
}

TEST(Identification, OverChoicesIsTheMeanOfAllOfThem) {
  const std::vector<int64_t> people = {0, 0, 0, 1, 1, 2, 3, 3, 3, 3, 4, 4};
  const auto values = sign_rows(static_cast<int64_t>(people.size()), 4);
  IdentificationOptions options;
  options.ranks = 4;
  Numbers sum = xt::zeros<double>({4});
  double choices = 0;
  for_each_choice(values, people, [&](const Split& split) {
    sum += gallery_identification(rows_of(split.gallery), integers(split.gallery_people),
                                  rows_of(split.probes), integers(split.probe_people), options);
    choices += 1;
  });
  EXPECT_EQ(choices, 3 * 2 * 1 * 4 * 2);
  const Numbers found = identification_over_choices(rows_of(values), integers(people), options);
  for (size_t k = 0; k < 4; ++k) EXPECT_NEAR(found(k), sum(k) / choices, 1e-12) << k;
  EXPECT_GT(found(3), found(0));
  EXPECT_LT(found(0), 1);
}

TEST(Identification, TakesThePersonsBestPhotoAndCountsTiesAgainstIt) {
  // Cosines with the probe (1, 0): person 0 has 0 and 0.8, person 1 has 0.8, person 2 has 0.6.
  const std::vector<float> gallery = {0, 1, 0.8F, 0.6F, 0.8F, -0.6F, 0.6F, 0.8F}, probe = {1, 0};
  const auto rank = [&](int64_t person) {
    const Numbers rates =
        gallery_identification(rows_of(gallery, 2), {0, 0, 1, 2}, rows_of(probe, 2), {person});
    for (size_t k = 0; k < rates.size(); ++k) {
      if (rates(k) == 1) return k + 1;
    }
    return size_t{0};
  };
  EXPECT_EQ(rank(0), 2U) << "person 1 scores the same";
  EXPECT_EQ(rank(1), 2U);
  EXPECT_EQ(rank(2), 3U);
}

TEST(Identification, DoesNotDependOnThreads) {
  const auto values = sign_rows(300, 8);
  IdentificationOptions one, three;
  one.threads = 1;
  three.threads = 3;
  const Integers people = test::labels(300, 3);
  EXPECT_EQ(identification_over_choices(rows_of(values), people, one),
            identification_over_choices(rows_of(values), people, three));
}

TEST(Identification, RefusesWhatHasNoAnswer) {
  const auto values = sign_rows(4, 1);
  const EmbeddingRows rows = rows_of(values);
  EXPECT_THROW(identification_over_choices(rows, {0, 1, 2, 3}), std::invalid_argument);
  EXPECT_THROW(identification_over_choices(rows, {0, 0, 0, 0}), std::invalid_argument);
  EXPECT_THROW(identification_over_choices(rows, {0, 0, 1}), std::invalid_argument);
  EXPECT_THROW(identification_over_choices(rows, {0, 0, 1, 1}, {.ranks = 0}),
               std::invalid_argument);
  EXPECT_THROW(gallery_identification(rows, {0, 1, 2, 3}, rows, {0, 1, 2, 9}),
               std::invalid_argument);
  EXPECT_THROW(gallery_identification(rows, {0, 1, 2, 3}, {values.data(), 0, 64}, {}),
               std::invalid_argument);
}

}  // namespace
}  // namespace guise::measure
