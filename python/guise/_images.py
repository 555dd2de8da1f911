"""What callers may hand in as an image, turned into the engine's uint8 [H, W, 3] RGB tensor."""

from __future__ import annotations

import os
from typing import Any, TypedDict, Union

import torch
from typing_extensions import Unpack

from guise import _core

# A path, a tensor, or anything with __array_interface__ (a NumPy array, a PIL image).
ImageLike = Union[str, "os.PathLike[str]", torch.Tensor, Any]


class LimitKeywords(TypedDict, total=False):
    """Keywords of `ReadLimits`."""

    max_file_bytes: int
    max_side_px: int
    max_pixels: int
    max_jpeg_scans: int


class WriteKeywords(TypedDict, total=False):
    """Keywords of `WriteOptions`."""

    jpeg_quality: int
    jpeg_subsample_chroma: bool
    png_compression: int
    webp_quality: int
    webp_lossless: bool
    webp_effort: int


def read_image(path: str | os.PathLike[str], **limits: Unpack[LimitKeywords]) -> torch.Tensor:
    """uint8 [H, W, 3] RGB, upright: a JPEG, PNG, WebP or BMP.

    Raises CorruptFile (damaged, or beyond the limits) and Unavailable (cannot be opened).
    """
    return _core.read_image(os.fspath(path), limits=_core.ReadLimits(**limits))


def write_image(
    path: str | os.PathLike[str],
    image: ImageLike,
    *,
    format: str = "",
    **options: Unpack[WriteKeywords],
) -> None:
    """Writes a picture whole or not at all, without metadata.

    format: "jpeg", "png", "webp" or "bmp"; by default what the extension says.
    Raises ValueError for another format or options out of range, Unavailable where it cannot write.
    """
    chosen = _core.WriteOptions(**options)
    _core.write_image(os.fspath(path), to_tensor(image), format=format, options=chosen)


def to_tensor(image: ImageLike) -> torch.Tensor:
    """uint8 [H, W, 3] RGB on the CPU.

    image: a path; a uint8 tensor or NumPy array [H, W, 3] in RGB, or [H, W] in grey; a PIL image
    (converted to RGB; transparency is flattened over white; its EXIF orientation is applied).
    Raises ValueError for anything else, CorruptFile or Unavailable for a path.
    """
    if isinstance(image, (str, os.PathLike)):
        return _core.read_image(os.fspath(image))
    if hasattr(image, "convert") and hasattr(image, "getexif"):
        image = _from_pil(image)
    if not isinstance(image, torch.Tensor):
        if not hasattr(image, "__array_interface__"):
            raise ValueError(
                "an image must be a path, a uint8 tensor or array [H, W, 3] in RGB, or a PIL "
                f"image; got {type(image).__name__}"
            )
        image = _from_array(image)
    if image.dtype == torch.uint8 and image.dim() == 2:
        image = image.unsqueeze(-1).expand(-1, -1, 3)
    if image.dtype != torch.uint8 or image.dim() != 3 or image.shape[-1] != 3:
        raise ValueError(
            f"an image must be uint8 [H, W, 3] in RGB; got {image.dtype} {list(image.shape)}; "
            "convert it with (x * 255).round().to(torch.uint8) and permute it if needed"
        )
    return image.cpu().contiguous()


def _from_array(array: Any) -> torch.Tensor:
    import numpy

    values = numpy.ascontiguousarray(array)
    if values.dtype != numpy.uint8:
        raise ValueError(f"an image must be uint8; got {values.dtype}")
    # A copy: the engine must never write to, or depend on, the caller's memory.
    return torch.from_numpy(values.copy())


def _from_pil(image: Any) -> Any:
    from PIL import Image, ImageOps

    upright = ImageOps.exif_transpose(image)
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        white = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(white, upright.convert("RGBA"))
    return upright.convert("RGB")
