// A build without CUDA refuses CUDA tensors and says what to do. The tensors here only claim to be
// on a GPU: their memory is the processor's, and no op may come as far as to touch it.
#include "ops/cuda_support.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>

#include "core/check.h"
#include "ops/feather_blend.h"
#include "ops/gaussian_blur.h"
#include "ops/nms.h"
#include "ops/pixelate.h"
#include "ops/warp_affine.h"

namespace guise {
namespace {

const at::Device kGpu(at::kCUDA, 0);

at::Tensor claim_gpu(at::IntArrayRef sizes, at::ScalarType dtype) {
  static std::vector<double> memory(4096);
  return at::from_blob(
      memory.data(), sizes, [](void*) {}, at::device(kGpu).dtype(dtype), kGpu);
}

TEST(NoCuda, EveryOpRefusesCudaTensors) {
  if (ops::built_with_cuda()) GTEST_SKIP() << "needs a build without CUDA";
  const at::Tensor image = claim_gpu({8, 8, 3}, at::kByte);
  EXPECT_THROW(ops::warp_affine(image, claim_gpu({1, 2, 3}, at::kDouble), 4, 4), Unavailable);
  EXPECT_THROW(ops::feather_blend(image, image, claim_gpu({8, 8}, at::kFloat)), Unavailable);
  EXPECT_THROW(ops::pixelate(image, 2), Unavailable);
  EXPECT_THROW(ops::gaussian_blur(image, claim_gpu({8, 8}, at::kBool), 1.0), Unavailable);
  EXPECT_THROW(ops::nms(claim_gpu({2, 4}, at::kFloat), claim_gpu({2}, at::kFloat), 0.5),
               Unavailable);
  EXPECT_THROW(ops::current_cuda_stream(kGpu), Unavailable);
}

TEST(NoCuda, EmptyCudaTensorsAreRefusedAsWell) {
  if (ops::built_with_cuda()) GTEST_SKIP() << "needs a build without CUDA";
  EXPECT_THROW(ops::pixelate(claim_gpu({0, 8, 3}, at::kByte), 2), Unavailable);
}

TEST(NoCuda, MessageSaysWhatToDo) {
  if (ops::built_with_cuda()) GTEST_SKIP() << "needs a build without CUDA";
  try {
    ops::pixelate(claim_gpu({8, 8, 3}, at::kByte), 2);
    FAIL() << "a CUDA tensor was accepted";
  } catch (const Unavailable& error) {
    EXPECT_NE(std::string(error.what()).find("move it to the CPU"), std::string::npos);
  }
}

TEST(Devices, ArgumentsOnTwoDevicesAreAWrongArgument) {
  const at::Tensor image = at::zeros({8, 8, 3}, at::kByte);
  EXPECT_THROW(ops::gaussian_blur(image, claim_gpu({8, 8}, at::kBool), 1.0), std::invalid_argument);
}

}  // namespace
}  // namespace guise
