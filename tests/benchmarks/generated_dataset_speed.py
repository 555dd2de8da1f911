"""Pictures a second of a generated dataset, end to end, beside the bare generator in one run.

End to end means drawn, checked by both gates, encoded with provenance and written; the search for
identities, which comes once for a dataset, is timed by itself. Both take turns, round after round;
a figure is the best of its rounds. On a machine that is busy with other work, `--clock cpu
--threads 1` counts processor time instead.

    python generated_dataset_speed.py
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

import torch
from support import argument_parser, limit_threads, markdown_table, processor, write_json

import guise
from guise.generation import GeneratorOptions
from guise.synthesis import plan_dataset

ENGINE = "house-vec2face"


def main() -> None:
    parser = argument_parser(__doc__ or "")
    parser.set_defaults(threads=2)
    parser.add_argument("--identities", type=int, default=40)
    parser.add_argument("--images", type=int, default=20, help="of each identity")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--clock", default="wall", choices=["wall", "cpu"])
    arguments = parser.parse_args()
    limit_threads(arguments.threads)
    clock = time.perf_counter if arguments.clock == "wall" else time.process_time
    count = arguments.identities * arguments.images
    start = clock()
    job = plan_dataset(
        engine=ENGINE,
        generate=GeneratorOptions(dtype=arguments.dtype),
        identities=arguments.identities,
        images_per_identity=arguments.images,
        seed=11,
    )
    planned = clock() - start
    generator = guise.Vec2Face.from_pretrained(ENGINE, dtype=arguments.dtype)
    vectors = guise.sample_identities(arguments.identities, seed=11, draw=False).vectors
    torch.set_num_threads(arguments.threads)
    generator.sample(vectors[:2], samples=2, seed=1)
    bare, whole, attempts = 0.0, 0.0, 0
    for _ in range(arguments.rounds):
        start = clock()
        generator.sample(vectors, samples=arguments.images, seed=11, threads=arguments.threads)
        bare = max(bare, count / (clock() - start))
        folder = Path(tempfile.mkdtemp())
        try:
            start = clock()
            done = job.run(folder / "faces", workers=arguments.threads)
            whole = max(whole, done.pictures / (clock() - start))
            attempts = done.attempts
        finally:
            shutil.rmtree(folder)
    print(f"{ENGINE}, {arguments.dtype}, {processor()}, {arguments.threads} workers; ", end="")
    print(f"{arguments.clock} time, best of {arguments.rounds} rounds; ", end="")
    print(f"{count} pictures, {attempts} drawn\n")
    rows = [
        ["bare generator", f"{bare:.1f}", "1.00"],
        ["end to end", f"{whole:.1f}", f"{whole / bare:.2f}"],
    ]
    print(markdown_table(["what", "pictures a second", "share"], rows))
    print(f"\nIdentities searched and plan made in {planned:.1f} s.")
    write_json(arguments.json, {"bare": bare, "whole": whole, "planned_s": planned})


if __name__ == "__main__":
    main()
