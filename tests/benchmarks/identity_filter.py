"""Time and memory of the search for identity vectors: a million candidates, kept where apart.

    python identity_filter.py                  # house-vec2face's own distribution, cosine 0.3
    python identity_filter.py --isotropic 200000   # 512 directions alike: nearly all are kept

Candidates are drawn and filtered in blocks; nothing of the size of all pairs is kept.
"""

from __future__ import annotations

import argparse
import resource
import time

import torch

from guise import _core
from guise.vec2face import generator_entry, open_generator


def resident_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=1_000_000)
    parser.add_argument("--max-cosine", type=float, default=0.3)
    parser.add_argument("--isotropic", type=int, default=0, help="candidates of a round normal")
    parser.add_argument("--block", type=int, default=8192)
    options = parser.parse_args()
    if options.isotropic:
        people = _core.NormalVectors(torch.zeros(512), torch.eye(512))
        count, what = options.isotropic, "isotropic, 512 directions"
    else:
        engine = open_generator(generator_entry("house-vec2face"))
        mean, basis = engine.extra("identities.mean"), engine.extra("identities.basis")
        assert mean is not None
        assert basis is not None
        people = _core.NormalVectors(mean, basis)
        count, what = options.candidates, f"house-vec2face, {len(basis)} directions"
    before, started = resident_mib(), time.perf_counter()
    vectors = _core.draw_normal_vectors(people, 0, 0, count)
    drawn = time.perf_counter()
    kept = _core.greedily_apart(vectors, options.max_cosine, block=options.block)
    ended = time.perf_counter()
    print("| distribution | candidates | cosine | kept | drawn, s | filtered, s | growth, MiB |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    print(
        f"| {what} | {count:,} | {options.max_cosine} | {len(kept):,} | {drawn - started:.1f} | "
        f"{ended - drawn:.1f} | {resident_mib() - before:,.0f} |"
    )


if __name__ == "__main__":
    main()
