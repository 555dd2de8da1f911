// Lets a test named Cuda... run only where it can. FAIL_WITHOUT_CUDA=1 turns the skip into a
// failure, for a machine that is supposed to have a GPU.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "ops/cuda_support.h"

namespace guise::testing {

inline bool cuda_can_run() {
  return ops::built_with_cuda() && at::hasCUDA();
}

}  // namespace guise::testing

#define GUISE_SKIP_WITHOUT_CUDA()                                                \
  do {                                                                           \
    if (!::guise::testing::cuda_can_run()) {                                     \
      if (std::getenv("FAIL_WITHOUT_CUDA") != nullptr) {                         \
        FAIL() << "needs a build with CUDA and a GPU; FAIL_WITHOUT_CUDA is set"; \
      }                                                                          \
      GTEST_SKIP() << "needs a build with CUDA and a GPU";                       \
    }                                                                            \
  } while (false)
