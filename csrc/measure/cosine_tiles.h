// Exact cosines of all pairs of rows, tile by tile: nothing of the size of the matrix is kept.
//
// The cosine of two rows is a float32 sum over the dimension in its own order, fused where the
// processor can: it depends on the two rows and the kind of processor alone, not on where in the
// matrix they stand, on the order of the two, or on the number of threads.
#pragma once

#include <cstdint>
#include <functional>

#include "measure/arrays.h"

namespace guise::measure {

inline constexpr int64_t kTileRows = 128;
inline constexpr int64_t kTileColumns = 64;

// cosine of left row `first_row + r` and right row `first_column + c` at values[r * kTileColumns +
// c], for r < rows and c < columns.
struct CosineTile {
  int64_t first_row, rows;
  int64_t first_column, columns;
  const float* values;

  float at(int64_t r, int64_t c) const { return values[r * kTileColumns + c]; }
};

enum class TilePart {
  kAll,
  // Of a matrix of rows with themselves: only tiles that hold a pair with row < column.
  kUpper,
};

struct TileOptions {
  TilePart part = TilePart::kAll;
  int64_t threads = 0;  // 0: one per processor
  // Called on the calling thread now and then with the share that is done, 0 to 1; may throw.
  std::function<void(double)> on_progress = {};
};

// Calls visit(tile, block, worker) for each tile. A block is kTileRows rows of `left`: its tiles
// come one after the other, by rising first_column, and never on two threads at once. finish(block,
// worker), where given, comes after the last tile of a block. `worker` is below core::worker_count
// of the threads. Memory: a copy of `right`, and one tile for each thread. Rows must be checked
// before. Throws std::invalid_argument for different dimensions, or kUpper with two sets of rows.
void visit_cosines(
    const EmbeddingRows& left, const EmbeddingRows& right, const TileOptions& options,
    const std::function<void(const CosineTile&, int64_t block, int64_t worker)>& visit,
    const std::function<void(int64_t block, int64_t worker)>& finish = {});

// Blocks of `rows` rows.
inline int64_t block_count(int64_t rows) {
  return (rows + kTileRows - 1) / kTileRows;
}

// float32 [N (N - 1) / 2]: pairs (0, 1), (0, 2), ... (N - 2, N - 1). For sets whose pairs fit the
// memory. Throws as check_unit_rows does.
xt::xtensor<float, 1> listed_cosines(const EmbeddingRows& rows, const TileOptions& options = {});

}  // namespace guise::measure
