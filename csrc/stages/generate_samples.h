// Faces from identity vectors as samples of a dataset.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "search/draw_faces.h"
#include "stages/hand_overs.h"

namespace guise::stages {

struct GenerateSamplesOptions {
  search::DrawFacesOptions draw;
  std::string identities_json = "{}";         // where the vectors come from, for the plan
  std::map<std::string, std::string> models;  // file that decides about a picture -> its sha256
};

class GenerateSamples : public SampleGenerator {
 public:
  // vectors: float [I, D], raw, of identities first_identity, first_identity + 1, ... Throws
  // ValueError for vectors that the generator does not take.
  GenerateSamples(std::shared_ptr<const nets::FaceGenerator> generator,
                  std::shared_ptr<const nets::MeasureFaces> measure, const at::Tensor& vectors,
                  uint64_t first_identity, GenerateSamplesOptions options);

  std::string facts_json() const override;

  // Pictures of 112 px. Attributes: noise (strength), yaw_target_deg, steered (whether AttrOP met
  // its targets) and, of steered ones, yaw_deg and quality as the recogniser measures them. The
  // landmarks are those of the template (of the target, where there is one), as trainers take them.
  std::vector<GeneratedSample> generate(uint64_t seed, const std::vector<SampleKey>& keys,
                                        const std::atomic<bool>* cancel) const override;

 private:
  search::DrawFaces draw_;
  at::Tensor vectors_;
  uint64_t first_identity_;
  GenerateSamplesOptions options_;
};

}  // namespace guise::stages
