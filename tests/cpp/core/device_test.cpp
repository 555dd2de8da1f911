// Devices by name, without fallback.
#include "core/device.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "core/check.h"

namespace guise::core {
namespace {

TEST(Device, KnowsItsWords) {
  EXPECT_TRUE(resolve_device("cpu").is_cpu());
  EXPECT_EQ(resolve_device("auto").is_cuda(), cuda_is_available());
  for (const char* word : {"", "gpu", "CPU", "cuda:", "cuda:x", "cuda:-1", "cuda:0x", "cuda:1234",
                           "cuda:99999999999999999999", "cuda0", " cpu"}) {
    EXPECT_THROW(resolve_device(word), std::invalid_argument) << "'" << word << "'";
  }
}

TEST(Device, CudaThatIsNotThereIsAnError) {
  if (cuda_is_available()) {
    EXPECT_EQ(resolve_device("cuda"), resolve_device("cuda:0"));
    EXPECT_THROW(resolve_device("cuda:999"), std::invalid_argument);
    GTEST_SKIP() << "needs a machine without CUDA; this one has it";
  }
  for (const char* word : {"cuda", "cuda:0", "cuda:3"}) {
    try {
      resolve_device(word);
      FAIL() << word << " must not fall back";
    } catch (const Unavailable& error) {
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << "names what was asked";
    }
  }
}

TEST(SingleThreadScope, RestoresWhatWasSet) {
  const int before = at::get_num_threads();
  at::set_num_threads(2);
  {
    const SingleThreadScope one;
    EXPECT_EQ(at::get_num_threads(), 1);
    {
      const SingleThreadScope nested;
      EXPECT_EQ(at::get_num_threads(), 1);
    }
    EXPECT_EQ(at::get_num_threads(), 1);
  }
  EXPECT_EQ(at::get_num_threads(), 2);
  at::set_num_threads(before);
}

}  // namespace
}  // namespace guise::core
