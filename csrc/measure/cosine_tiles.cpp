// The product is the pointwise convolution of nets/row_kernels: rows are its pixels, and 64 other
// rows, turned on their side, are its weights. It sums over the dimension in order for every
// output.
#include "measure/cosine_tiles.h"

#include <algorithm>
#include <vector>

#include "core/check.h"
#include "core/run_tasks.h"
#include "nets/row_kernels.h"

namespace guise::measure {
namespace {

static_assert(kTileColumns % nets::kRowChannelMultiple == 0);

// Panel p holds rows kTileColumns * p and on as [dimension, kTileColumns], zeros behind the last.
std::vector<float> panels_of(const EmbeddingRows& rows, int64_t threads) {
  const int64_t panels = (rows.count + kTileColumns - 1) / kTileColumns;
  const int64_t size = rows.dimension * kTileColumns;
  std::vector<float> packed(static_cast<size_t>(panels * size), 0.0F);
  core::run_tasks(panels, threads, [&](int64_t panel, int64_t) {
    float* to = packed.data() + panel * size;
    const int64_t first = panel * kTileColumns;
    const int64_t columns = std::min(kTileColumns, rows.count - first);
    for (int64_t c = 0; c < columns; ++c) {
      const float* from = rows.row(first + c);
      for (int64_t i = 0; i < rows.dimension; ++i) to[i * kTileColumns + c] = from[i];
    }
  });
  return packed;
}

}  // namespace

void visit_cosines(
    const EmbeddingRows& left, const EmbeddingRows& right, const TileOptions& options,
    const std::function<void(const CosineTile&, int64_t block, int64_t worker)>& visit,
    const std::function<void(int64_t block, int64_t worker)>& finish) {
  GUISE_CHECK_ARG(left.dimension == right.dimension,
                  "rows that are compared must have one dimension; got ", left.dimension, " and ",
                  right.dimension);
  const bool upper = options.part == TilePart::kUpper;
  GUISE_CHECK_ARG(!upper || (left.data == right.data && left.count == right.count),
                  "the upper part is that of rows with themselves; got two sets of rows");
  const std::vector<float> panels = panels_of(right, options.threads);
  const std::vector<float> zeros(kTileColumns, 0.0F);
  const int64_t blocks = block_count(left.count), dimension = left.dimension;
  std::vector<std::vector<float>> tiles(
      static_cast<size_t>(core::worker_count(options.threads, blocks)),
      std::vector<float>(kTileRows * kTileColumns));
  const auto block_task = [&](int64_t block, int64_t worker) {
    const int64_t first_row = block * kTileRows;
    const int64_t rows = std::min(kTileRows, left.count - first_row);
    float* const values = tiles[static_cast<size_t>(worker)].data();
    for (int64_t column = upper ? first_row : 0; column < right.count; column += kTileColumns) {
      nets::pointwise_row(left.row(first_row), rows, dimension, panels.data() + column * dimension,
                          zeros.data(), kTileColumns, values);
      const int64_t columns = std::min(kTileColumns, right.count - column);
      visit({first_row, rows, column, columns, values}, block, worker);
    }
    if (finish) finish(block, worker);
  };
  const double count = static_cast<double>(blocks);
  core::run_tasks(blocks, options.threads, block_task, [&](int64_t done) {
    if (!options.on_progress) return;
    const double left_over = 1 - static_cast<double>(done) / count;
    options.on_progress(upper ? 1 - left_over * left_over : 1 - left_over);
  });
}

xt::xtensor<float, 1> listed_cosines(const EmbeddingRows& rows, const TileOptions& options) {
  check_unit_rows(rows);
  const int64_t n = rows.count;
  xt::xtensor<float, 1> list =
      xt::xtensor<float, 1>::from_shape({static_cast<size_t>(n * (n - 1) / 2)});
  TileOptions upper = options;
  upper.part = TilePart::kUpper;
  visit_cosines(rows, rows, upper, [&](const CosineTile& tile, int64_t, int64_t) {
    for (int64_t r = 0; r < tile.rows; ++r) {
      const int64_t i = tile.first_row + r;
      const int64_t start = i * (2 * n - i - 1) / 2 - i - 1;  // of the place of (i, j): + j
      for (int64_t c = std::max(int64_t{0}, i + 1 - tile.first_column); c < tile.columns; ++c) {
        list(static_cast<size_t>(start + tile.first_column + c)) = tile.at(r, c);
      }
    }
  });
  return list;
}

}  // namespace guise::measure
