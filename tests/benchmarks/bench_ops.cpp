// Times each op beside OpenCV's own where there is one, both in this run and on one thread each, so
// that the kernels are compared and not two thread pools competing for the same processors.
// Counters are medians. "times_opencv" is OpenCV's time divided by ours: above 1, guise is faster.
// OpenCV's warp reads at 1/32 px in 16-bit integers, its blur sums in 16-bit integers; guise works
// in float32 throughout.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "ops/feather_blend.h"
#include "ops/gaussian_blur.h"
#include "ops/nms.h"
#include "ops/pixelate.h"
#include "ops/warp_affine.h"
#include "support/naive_ops.h"

namespace guise {
namespace {

using Clock = std::chrono::steady_clock;

double seconds(const std::function<void()>& work) {
  const Clock::time_point start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

// Alternates the two, so that a busy machine slows both alike; reports our time and the ratio.
void compare(benchmark::State& state, const std::function<void()>& ours,
             const std::function<void()>& opencv) {
  std::vector<double> our_times;
  std::vector<double> opencv_times;
  opencv();
  for (auto _ : state) {
    our_times.push_back(seconds(ours));
    state.SetIterationTime(our_times.back());
    opencv_times.push_back(seconds(opencv));
  }
  state.counters["guise_us"] = median(our_times) * 1e6;
  state.counters["opencv_us"] = median(opencv_times) * 1e6;
  state.counters["times_opencv"] = median(opencv_times) / median(our_times);
}

cv::Mat as_mat(const at::Tensor& image) {
  return cv::Mat(static_cast<int>(image.size(0)), static_cast<int>(image.size(1)), CV_8UC3,
                 image.data_ptr());
}

void warp_affine(benchmark::State& state) {
  const int64_t count = state.range(0);
  const int64_t side_px = state.range(1);
  const at::Tensor image = testing::random_image(1080, 1920, /*seed=*/1);
  at::Tensor maps = at::empty({count, 2, 3}, at::kDouble);
  std::vector<cv::Mat> opencv_maps;
  for (int64_t n = 0; n < count; ++n) {
    const double scale = 180.0 / static_cast<double>(side_px);
    const double cell_x = 100.0 + static_cast<double>(n % 8) * 200.0;
    const double cell_y = 100.0 + static_cast<double>(n / 8 % 4) * 200.0;
    maps[n].copy_(
        at::tensor({scale * 0.97, -scale * 0.2, cell_x, scale * 0.2, scale * 0.97, cell_y},
                   at::kDouble)
            .view({2, 3}));
    opencv_maps.emplace_back(2, 3, CV_64F, maps[n].data_ptr());
  }
  std::vector<cv::Mat> crops(count);
  compare(
      state, [&] { benchmark::DoNotOptimize(ops::warp_affine(image, maps, side_px, side_px)); },
      [&] {
        const cv::Size size(static_cast<int>(side_px), static_cast<int>(side_px));
        for (int64_t n = 0; n < count; ++n) {
          cv::warpAffine(as_mat(image), crops[n], opencv_maps[n], size,
                         cv::INTER_LINEAR | cv::WARP_INVERSE_MAP, cv::BORDER_CONSTANT);
        }
      });
}
BENCHMARK(warp_affine)
    ->Args({1, 112})
    ->Args({32, 112})
    ->Args({1, 512})
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

// OpenCV blurs the bounding box of the face and copies it in under the mask, as a user would.
void gaussian_blur(benchmark::State& state) {
  const double face_px = static_cast<double>(state.range(0));
  const double sigma_px = static_cast<double>(state.range(1));
  const at::Tensor image = testing::random_image(1080, 1920, /*seed=*/2);
  const at::Tensor mask = testing::ellipse_mask(1080, 1920, 500, 900, face_px / 2, face_px * 0.4);
  const cv::Rect box(900 - static_cast<int>(face_px * 0.4), 500 - static_cast<int>(face_px / 2),
                     static_cast<int>(face_px * 0.8) + 1, static_cast<int>(face_px) + 1);
  const cv::Mat opencv_mask(1080, 1920, CV_8U, mask.data_ptr());
  compare(
      state, [&] { benchmark::DoNotOptimize(ops::gaussian_blur(image, mask, sigma_px)); },
      [&] {
        cv::Mat out = as_mat(image).clone();
        cv::Mat blurred;
        cv::GaussianBlur(as_mat(image)(box), blurred, cv::Size(), sigma_px, sigma_px,
                         cv::BORDER_REPLICATE);
        blurred.copyTo(out(box), opencv_mask(box));
        benchmark::DoNotOptimize(out.data);
      });
}
BENCHMARK(gaussian_blur)
    ->Args({200, 10})
    ->Args({200, 30})
    ->Args({800, 10})
    ->Args({800, 60})
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

// INTER_AREA down and INTER_NEAREST up is OpenCV's mosaic; it is exact where blocks divide the
// image, as here.
void pixelate(benchmark::State& state) {
  const int block_px = static_cast<int>(state.range(0));
  const at::Tensor image = testing::random_image(960, 1920, /*seed=*/3);
  compare(
      state, [&] { benchmark::DoNotOptimize(ops::pixelate(image, block_px)); },
      [&] {
        cv::Mat small;
        cv::Mat out;
        cv::resize(as_mat(image), small, cv::Size(1920 / block_px, 960 / block_px), 0, 0,
                   cv::INTER_AREA);
        cv::resize(small, out, cv::Size(1920, 960), 0, 0, cv::INTER_NEAREST);
        benchmark::DoNotOptimize(out.data);
      });
}
BENCHMARK(pixelate)->Arg(8)->Arg(32)->UseManualTime()->Unit(benchmark::kMicrosecond);

// OpenCV has no blend by one weight map; its nearest is blendLinear with a second, inverted map.
void feather_blend(benchmark::State& state) {
  const int64_t side_px = state.range(0);
  const at::Tensor background = testing::random_image(side_px, side_px, /*seed=*/4);
  const at::Tensor foreground = testing::random_image(side_px, side_px, /*seed=*/5);
  const at::Tensor weight = testing::random_floats({side_px, side_px}, 0.f, 1.f, /*seed=*/6);
  const at::Tensor rest = 1.0 - weight;
  const int side = static_cast<int>(side_px);
  const cv::Mat opencv_weight(side, side, CV_32F, weight.data_ptr());
  const cv::Mat opencv_rest(side, side, CV_32F, rest.data_ptr());
  compare(
      state, [&] { benchmark::DoNotOptimize(ops::feather_blend(background, foreground, weight)); },
      [&] {
        cv::Mat out;
        cv::blendLinear(as_mat(background), as_mat(foreground), opencv_rest, opencv_weight, out);
        benchmark::DoNotOptimize(out.data);
      });
}
BENCHMARK(feather_blend)->Arg(256)->Arg(1024)->UseManualTime()->Unit(benchmark::kMicrosecond);

// OpenCV's own suppression lives in its dnn module and rounds differently; no ratio is given.
void nms(benchmark::State& state) {
  const int64_t count = state.range(0);
  const at::Tensor corner = testing::random_floats({count, 2}, 0.f, 1000.f, /*seed=*/7);
  const at::Tensor size = testing::random_floats({count, 2}, 20.f, 200.f, /*seed=*/8);
  const at::Tensor boxes = at::cat({corner, corner + size}, /*dim=*/1);
  const at::Tensor scores = testing::random_floats({count}, 0.f, 1.f, /*seed=*/9);
  for (auto _ : state) benchmark::DoNotOptimize(ops::nms(boxes, scores, /*iou_threshold=*/0.4));
}
BENCHMARK(nms)->Arg(100)->Arg(1000)->Arg(10000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace guise

int main(int argc, char** argv) {
  at::set_num_threads(1);
  cv::setNumThreads(1);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
