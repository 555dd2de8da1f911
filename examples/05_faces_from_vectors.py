"""Faces from identity vectors: four people of nobody, six pictures of each, on one sheet.

    python examples/05_faces_from_vectors.py SHEET.png

The same in C++: 05_faces_from_vectors.cpp; both print the same SHA-256, as a picture depends on
vector, seed, identity and sample alone. A dataset: `guise synthesize OUT --engine house-vec2face`.
"""

from __future__ import annotations

import hashlib
import sys

import torch.nn.functional as F

import guise

SEED, PEOPLE, PICTURES = 5, 4, 6


def draw(sheet: str) -> None:
    # Vectors that are apart, and whose faces are apart and show them, as house-recogniser sees it.
    people = guise.sample_identities(PEOPLE, max_cosine=0.5, seed=SEED)
    print(f"{len(people)} people of {people.tried} candidates")

    # Each vector is drawn with noise on it: that is how pictures of one person differ.
    generator = guise.Vec2Face.from_pretrained("house-vec2face")
    faces = generator.sample(people.vectors, samples=PICTURES, seed=SEED)

    # The face that stands for a person, and the vector it was drawn from.
    assert people.faces is not None
    for number, cosine in enumerate(F.cosine_similarity(people.faces, people.vectors).tolist()):
        print(f"person {number}: face and vector have a cosine of {cosine:.2f}")
    print("sha256", hashlib.sha256(faces.images.numpy().tobytes()).hexdigest())
    guise.write_image(sheet, guise.contact_sheet(faces.images, columns=PICTURES, gap_px=0))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} SHEET.png")
    draw(sys.argv[1])
