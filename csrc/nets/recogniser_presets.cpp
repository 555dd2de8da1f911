#include "nets/recogniser_presets.h"

#include "core/check.h"
#include "nets/house_recogniser.h"
#include "nets/inception_resnet.h"
#include "nets/ir_backbone.h"
#include "nets/iresnet.h"
#include "nets/mobilefacenet.h"

namespace guise::nets {

namespace {

void check_only_preset(const std::string& architecture, const std::string& preset) {
  GUISE_CHECK_ARG(preset == "v1", "the only preset of ", architecture, " is v1; got '", preset,
                  "'");
}

}  // namespace

std::shared_ptr<RecogniserNet> make_recogniser(
    const std::string& architecture, const std::string& preset,
    const std::vector<std::pair<std::string, at::Tensor>>& tensors, const std::string& source) {
  if (architecture == "iresnet") {
    return std::make_shared<IResNetImpl>(IResNetConfig::preset(preset));
  }
  if (architecture == "ir-backbone") {
    return std::make_shared<IrBackboneImpl>(IrBackboneConfig::preset(preset));
  }
  if (architecture == "mobilefacenet") {
    return std::make_shared<MobileFaceNetImpl>(MobileFaceNetConfig::preset(preset));
  }
  if (architecture == "inception-resnet") {
    check_only_preset(architecture, preset);
    return std::make_shared<InceptionResnetImpl>();
  }
  GUISE_CHECK_ARG(architecture == "house-recogniser",
                  "a recogniser's architecture must be iresnet, ir-backbone, mobilefacenet, "
                  "inception-resnet or house-recogniser; got '",
                  architecture, "'");
  check_only_preset(architecture, preset);
  return std::make_shared<HouseRecogniserImpl>(HouseRecogniserConfig::of(tensors, source));
}

}  // namespace guise::nets
