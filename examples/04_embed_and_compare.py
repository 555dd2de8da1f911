"""Who is who: embeds photos of six people of nobody and measures how well that tells them apart.

    python examples/04_embed_and_compare.py [WEIGHTS.safetensors]

WEIGHTS: a house-recogniser file of your own; without it the model that guise carries. The same in
C++: 04_embed_and_compare.cpp; both print the same figures. Two photos with a sentence about what
their cosine is worth: `guise.compare("a.jpg", "b.jpg")`.
"""

from __future__ import annotations

import sys

import torch

import guise
from guise import embedding

SEED, PEOPLE, PHOTOS = 4, 6, 3
# What house-recogniser was trained on; guise knows it of its own models.
CROP = guise.models.CropContract("arcface", 64, 64, (127.5,) * 3, (127.5,) * 3)


def open_model(weights: str | None) -> embedding.Recogniser:
    if weights is None:
        return "house-recogniser"
    return embedding.open_file(
        weights, architecture="house-recogniser", preset="v1", crop=CROP, name="house-recogniser"
    )


def measure(weights: str | None) -> None:
    options = guise.RecipeOptions.frontal()
    photos = guise.Renderer(size_px=160, options=options).sample(
        identities=PEOPLE, samples=PHOTOS, seed=SEED
    )
    model = open_model(weights)

    # Landmarks say where a face is and how it is turned. For a photo of your own they come from
    # guise.detect, which guise.embed calls where no faces are given.
    poses = guise.estimate_pose(photos.landmarks_5)
    print(f"photo 0 looks {poses[0].yaw_deg:.1f} to the right, {poses[0].pitch_deg:.1f} up")

    # Cut out as the model wants it, embedded together with the mirror image, of length 1.
    rows = []
    for image, box, points in zip(photos.images, photos.boxes, photos.landmarks_5, strict=True):
        face = guise.Face(tuple(box.tolist()), landmarks=points)
        rows.append(guise.embed(image, model=model, faces=[face]).vectors)
    vectors = torch.cat(rows)
    print(f"{len(vectors)} embeddings of {vectors.shape[1]} numbers")

    # All pairs of photos: of one person, and of two.
    cosines = vectors @ vectors.T
    first, second = torch.triu_indices(len(vectors), len(vectors), offset=1)
    same = photos.identities[first] == photos.identities[second]
    genuine, impostor = cosines[first, second][same], cosines[first, second][~same]
    print(f"{len(genuine)} pairs of one person: mean cosine {genuine.mean():.3f}")
    print(f"{len(impostor)} pairs of two: mean {impostor.mean():.3f}, highest {impostor.max():.3f}")

    # A threshold means something with its false match rate alone: here one pair in twenty.
    threshold = impostor.sort(descending=True).values[len(impostor) // 20]
    accepted = int((genuine > threshold).sum())
    print(f"above {threshold:.3f}, which 5 % of these reach: {accepted} of {len(genuine)}")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit(f"usage: {sys.argv[0]} [WEIGHTS.safetensors]")
    measure(sys.argv[1] if len(sys.argv) == 2 else None)
