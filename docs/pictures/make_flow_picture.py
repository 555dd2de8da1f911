"""Draws docs/pictures/flow.png: a drawn face, found, and obscured in three ways by the engine.

Run: python docs/pictures/make_flow_picture.py
"""

from __future__ import annotations

from pathlib import Path

import numpy
from PIL import Image, ImageDraw

import guise

SIDE, GAP, CAPTION = 260, 16, 26
FACE_BOX = (78.0, 52.0, 182.0, 190.0)


def drawn_portrait() -> Image.Image:
    """A face that belongs to nobody, from ellipses and arcs."""
    big = Image.new("RGB", (4 * SIDE, 4 * SIDE), (176, 196, 214))
    draw = ImageDraw.Draw(big)

    def ellipse(x0: float, y0: float, x1: float, y1: float, fill: tuple[int, int, int]) -> None:
        draw.ellipse([4 * x0, 4 * y0, 4 * x1, 4 * y1], fill=fill)

    for y in range(0, SIDE, 26):
        draw.line([(0, 4 * y), (4 * SIDE, 4 * y + 90)], fill=(160, 182, 204), width=14)
    ellipse(30, 196, 230, 420, (60, 90, 120))
    ellipse(62, 26, 198, 200, (74, 48, 30))
    ellipse(112, 170, 148, 226, (214, 164, 130))
    ellipse(80, 44, 180, 192, (232, 184, 150))
    draw.pieslice([4 * 70, 4 * 22, 4 * 190, 4 * 128], 180, 360, fill=(74, 48, 30))
    for x in (104, 140):
        ellipse(x - 2, 100, x + 22, 116, (250, 250, 248))
        ellipse(x + 5, 101, x + 15, 115, (70, 104, 84))
        ellipse(x + 8, 104, x + 13, 111, (20, 20, 20))
        draw.arc(
            [4 * (x - 4), 4 * 86, 4 * (x + 24), 4 * 110], 200, 340, fill=(60, 40, 26), width=16
        )
    draw.arc([4 * 120, 4 * 112, 4 * 142, 4 * 142], 20, 160, fill=(190, 134, 104), width=12)
    draw.chord([4 * 108, 4 * 140, 4 * 154, 4 * 172], 20, 160, fill=(176, 70, 74))
    return big.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def main() -> None:
    """Writes the picture beside this file."""
    portrait = drawn_portrait()
    face = guise.Face(FACE_BOX)
    found = portrait.copy()
    ImageDraw.Draw(found).rectangle(FACE_BOX, outline=(30, 100, 220), width=3)
    panels = [("photo", portrait), ("detect", found)]
    for method in ("pixelate", "blur", "solid"):
        pixels = guise.obscure(numpy.asarray(portrait), [face], method=method).numpy()
        panels.append((method, Image.fromarray(pixels)))
    width = len(panels) * (SIDE + GAP) + GAP
    sheet = Image.new("RGB", (width, SIDE + CAPTION + 2 * GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for i, (name, picture) in enumerate(panels):
        x = GAP + i * (SIDE + GAP)
        sheet.paste(picture, (x, GAP))
        draw.text((x + 4, SIDE + GAP + 6), name, fill=(60, 60, 60), font_size=16)
    sheet.save(Path(__file__).with_name("flow.png"), optimize=True)


if __name__ == "__main__":
    main()
