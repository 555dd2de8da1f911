// Are the people of a set apart, and the photos of one person together?
//
// Definitions as published: uniqueness of Vec2Face (arXiv 2409.02979), uniqueness and consistency
// of DCFace (CVPR 2023), each with its own threshold.
#pragma once

#include <cstdint>

#include "measure/arrays.h"

namespace guise::measure {

struct SeparationOptions {
  double unique_cosine = 0.4;    // Vec2Face: unique where no earlier centre has a higher cosine
  double dcface_distance = 0.3;  // DCFace: r, of the cosine distance 1 - cosine
  int64_t threads = 0;           // 0: one per processor
};

// A person's centre is the mean of its rows, brought to length 1. People by rising label.
struct Separation {
  Integers people;             // [C] labels
  Numbers nearest_other;       // [C] cosine of each centre and the nearest other centre
  double inter_class_max = 0;  // the highest of them
  Numbers intra_class;  // [C] mean cosine of the pairs of one person; NaN with one photo only
  double intra_class_mean = 0;  // over the people with two photos or more; NaN without any
  double to_centre_mean = 0;    // mean over people of the mean cosine of their rows and centre
  // |U| / C with U = {i: cosine(centre i, centre j) <= unique_cosine for all j < i}.
  double unique_share = 0;
  // The same with distance(i, j) > dcface_distance for all j < i.
  double dcface_uniqueness = 0;
  // Mean over people of the share of rows with distance to the centre < dcface_distance.
  double dcface_consistency = 0;
};

// Throws std::invalid_argument for fewer than two people, labels that do not match, or rows of one
// person that cancel out.
Separation separation(const EmbeddingRows& rows, const Integers& people,
                      const SeparationOptions& options = {});

}  // namespace guise::measure
