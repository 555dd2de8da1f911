"""A dataset of nobody: written in two parts as WebDataset shards, then read with PyTorch.

    python examples/03_build_dataset.py FOLDER

FOLDER is new, or one that an earlier run has begun: it goes on there. The same plan in C++, without
Python: 03_build_dataset.cpp. On the command line: `guise synthesize FOLDER -n 6 -m 4 --no-gate
--preset frontal --identities-per-shard 2 --format webdataset`; a page about it: `guise report`.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import guise
from guise import data


def build(folder: str) -> None:
    # Every byte follows from these numbers and the models. With gate="centerface", the default, a
    # detector looks at each face, and one that it does not find is drawn again.
    job = guise.plan_dataset(
        recipe=guise.RecipeOptions.frontal(),
        identities=6,
        images_per_identity=4,
        identities_per_shard=2,
        format="webdataset",
        gate=None,
    )

    # One shard, as one of several machines would draw it; nothing is merged yet. Then the rest:
    # what is there is kept, and the bytes are those of a single run.
    part = job.run(folder, shards=(0, 1))
    whole = job.run(folder, workers=2)
    print(f"{part.new_pictures} new pictures, then {whole.new_pictures}")
    print(f"{whole.pictures} pictures of 6 people in {whole.shards} shards: {folder}")

    # A torch Dataset: it goes into a DataLoader as it is. verify compares every sha256 first.
    faces = data.open(folder, verify=True)
    image, label = faces[5]
    known = faces.metadata(5)
    x, y = known["landmarks"][0]
    print(
        f"picture 5 is {tuple(image.shape)}, class {label}, "
        f"yaw {known['attributes']['yaw_deg']:.0f}, left eye {x:.1f} {y:.1f}"
    )

    # The manifest names every shard with its sha256, and so stands for all of them.
    manifest = Path(folder, "manifest.jsonl").read_bytes()
    print("sha256", hashlib.sha256(manifest).hexdigest())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} FOLDER")
    build(sys.argv[1])
