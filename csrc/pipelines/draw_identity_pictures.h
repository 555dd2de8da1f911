// One identity of a dataset: its pictures drawn, checked, drawn again where they fail, cut out and
// encoded.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipelines/dataset_plan.h"
#include "pipelines/dataset_shard.h"
#include "stages/check_identity.h"
#include "stages/check_sample.h"
#include "stages/embed_faces.h"
#include "stages/hand_overs.h"

namespace guise::pipelines {

// What a picture must pass; each may be missing.
struct DatasetChecks {
  std::optional<stages::CheckSample> face;  // is there one, and where it should be?
  // Is it the right one's? Both or none.
  std::shared_ptr<const stages::EmbedFaces> embed;
  std::shared_ptr<const stages::CheckIdentity> identity;

  bool any() const { return face.has_value() || identity != nullptr; }
};

struct IdentityPictures {
  std::vector<DatasetPicture> pictures;  // by sample
  ShardCounts counts;
};

// One object a thread.
class DrawIdentityPictures {
 public:
  // xmp: packet that goes into each picture; empty: none.
  DrawIdentityPictures(const DatasetPlan& plan, const stages::SampleGenerator& generator,
                       const DatasetChecks& checks, std::string xmp,
                       const std::atomic<bool>* cancel);

  IdentityPictures operator()(uint64_t identity);

 private:
  DatasetPicture encode(const stages::SampleKey& key, const stages::GeneratedSample& sample) const;
  bool accept(const stages::GeneratedSample& sample, uint64_t identity, ShardCounts& counts);
  bool shows_identity(const at::Tensor& image, uint64_t identity, ShardCounts& counts) const;

  const DatasetPlan& plan_;
  const stages::SampleGenerator& generator_;
  DatasetChecks checks_;
  std::string xmp_;
  const std::atomic<bool>* cancel_;
};

}  // namespace guise::pipelines
