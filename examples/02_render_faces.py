"""Faces of nobody: opens the house models, renders a few people and says where their eyes are.

    python examples/02_render_faces.py SHEET.png

The same in C++: 02_render_faces.cpp; both print the same SHA-256, as the pictures depend on seed,
identity, sample, size and options alone. A folder with ground truth: `guise render OUT --sheet`.
"""

from __future__ import annotations

import hashlib
import sys

import guise

SEED, PEOPLE, PHOTOS = 1, 4, 6


def render(sheet: str) -> None:
    # What is drawn, and how often. Every other number keeps its default.
    options = guise.RecipeOptions.frontal()
    options.glasses_share = 0.2
    renderer = guise.Renderer(size_px=160, options=options)

    # Every sample of every identity; `renderer.render` takes any pairs in any order.
    faces = renderer.sample(identities=PEOPLE, samples=PHOTOS, seed=SEED)

    # What was drawn stands beside each picture, and where things are in it.
    for i in range(0, len(faces), PHOTOS):
        person, photo = faces.parameters[i]["identity"], faces.parameters[i]["photo"]
        x, y = faces.landmarks_5[i, 0].tolist()
        print(
            f"person {faces.identities[i]}: {person['sex']} of {person['age_years']:.0f} years, "
            f"the first photo: yaw {photo['yaw_deg']:.0f}, left eye {x:.1f} {y:.1f}"
        )
    print("sha256", hashlib.sha256(faces.images.numpy().tobytes()).hexdigest())
    guise.write_image(sheet, guise.contact_sheet(faces.images, columns=PHOTOS, gap_px=0))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} SHEET.png")
    render(sys.argv[1])
