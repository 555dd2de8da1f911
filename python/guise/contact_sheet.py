"""Many pictures as one: rows and columns with white gaps."""

from __future__ import annotations

import torch


def contact_sheet(
    images: torch.Tensor, *, columns: int, gap_px: int = 4, tile_px: int | None = None
) -> torch.Tensor:
    """uint8 [H, W, 3]: the pictures row by row, the last row filled up with white.

    images: uint8 [N, h, w, 3]. columns: pictures in a row; for `RenderedFaces` the number of
    samples, so that each row is one person. gap_px: width of the white lines between and around.
    tile_px: shrink the pictures to this height, where they are larger, by area.
    Raises ValueError for no pictures or other shapes.
    """
    if images.dtype != torch.uint8 or images.dim() != 4 or images.shape[-1] != 3 or not len(images):
        raise ValueError(
            f"images must be uint8 [N, H, W, 3] with N at least 1; got {images.dtype} "
            f"{list(images.shape)}"
        )
    if columns < 1 or gap_px < 0 or (tile_px is not None and tile_px < 1):
        raise ValueError(
            f"columns and tile_px must be at least 1 and gap_px at least 0; got {columns}, "
            f"{tile_px} and {gap_px}"
        )
    if tile_px is not None and images.shape[1] > tile_px:
        images = _shrunk(images, tile_px)
    count, height, width = images.shape[:3]
    rows = -(-count // columns)
    sheet = torch.full(
        (rows * (height + gap_px) + gap_px, columns * (width + gap_px) + gap_px, 3),
        255,
        dtype=torch.uint8,
    )
    for i, image in enumerate(images):
        top = gap_px + i // columns * (height + gap_px)
        left = gap_px + i % columns * (width + gap_px)
        sheet[top : top + height, left : left + width] = image
    return sheet


def _shrunk(images: torch.Tensor, height_px: int) -> torch.Tensor:
    width_px = max(1, round(images.shape[2] * height_px / images.shape[1]))
    planes = images.permute(0, 3, 1, 2).float()
    small = torch.nn.functional.interpolate(planes, size=(height_px, width_px), mode="area")
    return small.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()
