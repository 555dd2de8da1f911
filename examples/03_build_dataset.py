"""A dataset of nobody: writes one in the format of arcface_torch, goes on after a stop, reads it.

    python examples/03_build_dataset.py FOLDER

On the command line:
`guise synthesize FOLDER -n 8 -m 6 --format recordio --seed 1 --identities-per-shard 2
--yaw-limit-deg 45 --mask-share 0`; started again it goes on, with other options it is refused.
"""

from __future__ import annotations

import hashlib
import sys

import guise
from guise import data

SEED, PEOPLE, PHOTOS = 1, 8, 6


def build(folder: str) -> None:
    # What is drawn, and how often; every other number keeps its default.
    recipe = guise.RecipeOptions(yaw_limit_deg=45, mask_share=0)
    job = guise.plan_dataset(
        recipe=recipe,
        identities=PEOPLE,
        images_per_identity=PHOTOS,
        identities_per_shard=2,
        format="recordio",
        seed=SEED,
    )
    print(f"plan: {job.plan.shards} shards, {job.plan.pictures} pictures")

    # Half of the shards, as one of two machines would draw them; nothing is merged yet.
    half = job.run(folder, shards=(0, 2))
    # The rest and the merge. What is there is kept, and the bytes are those of a single run.
    whole = job.run(folder)
    turned_down = whole.no_face + whole.landmarks_disagree
    print(f"{half.new_pictures} + {whole.new_pictures} pictures, {turned_down} drawn again")

    # A torch Dataset: it goes into a DataLoader as it is.
    faces = data.open(folder, verify=True)
    image, label = faces[0]
    print(f"{len(faces)} pictures of {faces.classes} classes, {tuple(image.shape)} {image.dtype}")
    known = faces.metadata(0)
    x, y = known["landmarks"][0]
    yaw = known["attributes"]["yaw_deg"]
    print(f"the first: class {label}, yaw {yaw:.0f}, left eye {x:.1f} {y:.1f}")

    digest = hashlib.sha256()
    for i in range(len(faces)):
        digest.update(faces.picture_bytes(i))
    print("sha256", digest.hexdigest())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} FOLDER")
    build(sys.argv[1])
