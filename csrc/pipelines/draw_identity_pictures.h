// One identity of a dataset: its pictures drawn, checked, drawn again where they fail, cut out and
// encoded.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "pipelines/dataset_plan.h"
#include "pipelines/dataset_shard.h"
#include "stages/check_sample.h"
#include "stages/hand_overs.h"

namespace guise::pipelines {

struct IdentityPictures {
  std::vector<DatasetPicture> pictures;  // by sample
  ShardCounts counts;
};

// One object a thread.
class DrawIdentityPictures {
 public:
  // xmp: packet that goes into each picture; empty: none.
  DrawIdentityPictures(const DatasetPlan& plan, const stages::SampleGenerator& generator,
                       const std::optional<stages::CheckSample>& check, std::string xmp,
                       const std::atomic<bool>* cancel);

  IdentityPictures operator()(uint64_t identity);

 private:
  DatasetPicture encode(const stages::SampleKey& key, const stages::GeneratedSample& sample) const;
  bool accept(const stages::GeneratedSample& sample, ShardCounts& counts);

  const DatasetPlan& plan_;
  const stages::SampleGenerator& generator_;
  std::optional<stages::CheckSample> check_;
  std::string xmp_;
  const std::atomic<bool>* cancel_;
};

}  // namespace guise::pipelines
