"""Renders docs/pictures/contact_sheet.png and portrait_1.png to portrait_6.png.

    python docs/pictures/make_render_pictures.py
    python docs/pictures/make_render_pictures.py --candidates 60 --out build

Sheet: six people, eight photos each, at 112 px, with every option at its default: what a training
set is made of. Portraits: 512 px, to the front, by a good camera. People and photos were picked by
eye from the first sixty; `--candidates` writes the sheets that they were picked from.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import guise

SEED = 4
# People of the sheet, and (person, photo) of each portrait.
SHEET_PEOPLE, SHEET_PHOTOS, SHEET_PX = (37, 38, 26, 58, 47, 31), 8, 112
PORTRAITS, PORTRAIT_PX = ((37, 5), (31, 5), (33, 5), (58, 5), (47, 4), (26, 5)), 512


def portrait_options() -> guise.RecipeOptions:
    """Frontal, and a camera without great faults."""
    options = guise.RecipeOptions.frontal()
    options.defocus_limit_px = 0.4
    options.motion_share = options.grey_share = options.dim_share = 0
    options.noise_high = 0.008
    options.jpeg_quality_low = 95
    options.exposure_sd_ev = 0.12
    return options


def write_pictures(out: Path) -> None:
    """The sheet and the portraits."""
    faces = guise.Renderer(size_px=SHEET_PX).sample(
        identities=SHEET_PEOPLE, samples=SHEET_PHOTOS, seed=SEED
    )
    sheet = guise.contact_sheet(faces.images, columns=SHEET_PHOTOS)
    guise.write_image(out / "contact_sheet.png", sheet)
    renderer = guise.Renderer(size_px=PORTRAIT_PX, options=portrait_options())
    portraits = renderer.render(PORTRAITS, seed=SEED)
    for number, image in enumerate(portraits.images, start=1):
        guise.write_image(out / f"portrait_{number}.png", image)


def write_candidates(people: int, out: Path) -> None:
    """A row a person, twelve rows a sheet, with the options of the portraits."""
    renderer = guise.Renderer(size_px=160, options=portrait_options())
    rows = renderer.stream(identities=people, samples=SHEET_PHOTOS, seed=SEED, batch=96)
    for number, faces in enumerate(rows):
        first = 12 * number
        last = first + len(faces) // SHEET_PHOTOS - 1
        sheet = guise.contact_sheet(faces.images, columns=SHEET_PHOTOS)
        guise.write_image(out / f"candidates_{first:03d}_to_{last:03d}.png", sheet)


def main() -> None:
    """Writes beside this file, or where --out says."""
    parser = argparse.ArgumentParser(description="Render the pictures of the docs.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    parser.add_argument("--candidates", type=int, metavar="PEOPLE", help="only sheets to pick from")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.candidates is None:
        write_pictures(arguments.out)
    else:
        write_candidates(arguments.candidates, arguments.out)


if __name__ == "__main__":
    main()
