"""Write a small seed corpus for the fuzz targets: drawn patterns and toy tensors, nothing else.

    python make_seeds.py FOLDER      fills FOLDER/image, FOLDER/safetensors and so on

Needs Pillow and numpy. The safetensors seeds are put together by hand, so that odd but legal
headers are among them.
"""

from __future__ import annotations

import io
import json
import pickle
import struct
import sys
from pathlib import Path

import numpy as np
from PIL import Image


def pattern(height: int, width: int) -> np.ndarray:
    """A [height, width, 3] uint8 picture that differs in every corner."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 255 // width, y * 255 // height, (x + y) % 256], axis=2).astype(np.uint8)


def exif_bytes(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def icc_bytes(space: bytes) -> bytes:
    """A profile header with an empty tag table and some padding."""
    profile = bytearray(400)
    profile[0:4] = struct.pack(">I", len(profile))
    profile[8:12] = bytes([2, 16, 0, 0])
    profile[12:24] = b"mntr" + space + b"XYZ "
    profile[36:40] = b"acsp"
    profile[68:80] = bytes.fromhex("0000f6d6000100000000d32d")
    profile[140:] = bytes(i * 31 % 256 for i in range(len(profile) - 140))
    return bytes(profile)


def image_seeds() -> dict[str, bytes]:
    rgb = Image.fromarray(pattern(24, 40))
    alpha = np.dstack([pattern(24, 40), pattern(24, 40)[:, :, 0]])
    rgba = Image.fromarray(alpha)
    sixteen = Image.fromarray(pattern(16, 16)[:, :, 0].astype(np.uint16) * 257)
    exif, icc = exif_bytes(6), icc_bytes(b"RGB ")
    cases = {
        "baseline.jpg": (rgb, {"quality": 80}),
        "full_chroma.jpg": (rgb, {"quality": 95, "subsampling": 0}),
        "progressive.jpg": (rgb, {"quality": 80, "progressive": True}),
        "restart.jpg": (rgb, {"quality": 80, "restart_marker_blocks": 2}),
        "grey.jpg": (rgb.convert("L"), {}),
        "cmyk.jpg": (rgb.convert("CMYK"), {}),
        "turned.jpg": (rgb, {"exif": exif, "icc_profile": icc}),
        "colour.png": (rgb, {}),
        "alpha.png": (rgba, {}),
        "grey.png": (rgb.convert("L"), {}),
        "grey_alpha.png": (rgba.convert("LA"), {}),
        "bilevel.png": (rgb.convert("1"), {}),
        "palette.png": (rgb.quantize(13), {"bits": 4}),
        "palette_clear.png": (rgb.quantize(13), {"transparency": 3}),
        "sixteen.png": (sixteen, {}),
        "turned.png": (rgb, {"exif": exif, "icc_profile": icc}),
        "lossy.webp": (rgb, {"quality": 60}),
        "lossless.webp": (rgb, {"lossless": True}),
        "alpha.webp": (rgba, {"quality": 60}),
        "alpha_lossless.webp": (rgba, {"lossless": True, "exact": True}),
        "turned.webp": (rgb, {"exif": exif, "icc_profile": icc}),
        "colour.bmp": (rgb, {}),
        "grey.bmp": (rgb.convert("L"), {}),
        "bilevel.bmp": (rgb.convert("1"), {}),
        "alpha.bmp": (rgba, {}),
    }
    kinds = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "bmp": "BMP"}
    seeds = {}
    for name, (image, options) in cases.items():
        buffer = io.BytesIO()
        image.save(buffer, kinds[name.rsplit(".", 1)[1]], **options)
        seeds[name] = buffer.getvalue()
    return seeds


def safetensors_file(header: dict | str, data: bytes) -> bytes:
    text = header if isinstance(header, str) else json.dumps(header)
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw + data


def safetensors_seeds() -> dict[str, bytes]:
    sizes = {
        "F64": 8,
        "F32": 4,
        "F16": 2,
        "BF16": 2,
        "I64": 8,
        "I32": 4,
        "I16": 2,
        "I8": 1,
        "U8": 1,
        "BOOL": 1,
    }
    header: dict = {"__metadata__": {"format": "pt", "note": "\u00e9"}}
    at = 0
    for dtype, size in sizes.items():
        header[f"t.{dtype}"] = {
            "dtype": dtype,
            "shape": [2, 1],
            "data_offsets": [at, at + 2 * size],
        }
        at += 2 * size
    odd = {
        "scalar": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]},
        "empty": {"dtype": "I8", "shape": [0, 7], "data_offsets": [4, 4]},
    }
    return {
        "every_dtype": safetensors_file(header, bytes(at)),
        "odd": safetensors_file(odd, bytes(4)),
        "spaces": safetensors_file("   \n{}    ", b""),
        "escapes": safetensors_file({"__metadata__": {'a"\\\n': "\U0001f600"}}, b""),
    }


def verification_bin_seeds() -> dict[str, bytes]:
    """Pickles as insightface, numpy, Python 2 and others write them."""
    pictures, same = [b"\xff\xd8ab", b"\x89PNG", b"cd", b"e'\n\\"], [True, False]
    arrays = [np.frombuffer(picture, np.uint8) for picture in pictures]
    forms = {
        "bytes": (pictures, same),
        "arrays": (arrays, [np.bool_(value) for value in same]),
        "writable": ([array.copy() for array in arrays], np.array(same)),
        "tuples": (tuple(pictures), tuple(same)),
        "column": ([array.reshape(-1, 1) for array in arrays], same),
        "repeated": (pictures[:1] * 4, same),
        "hostile": (pictures, [print, same]),
    }
    seeds = {
        f"{name}.{protocol}": pickle.dumps(value, protocol=protocol)
        for name, value in forms.items()
        for protocol in range(6)
    }
    seeds["python2.2"] = b"\x80\x02]q\x01(U\x02abq\x02T\x02\0\0\0cde]q\x03\x88a\x86."
    seeds["python2.0"] = b"((lp0\nS'a\\x00\\n'\naS\"b'\"\na(lp1\nI01\natp2\n."
    return seeds


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit("usage: make_seeds.py FOLDER")
    kinds = {
        "image": image_seeds(),
        "safetensors": safetensors_seeds(),
        "verification_bin": verification_bin_seeds(),
    }
    for kind, seeds in kinds.items():
        folder = Path(sys.argv[1]) / kind
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in seeds.items():
            (folder / name).write_bytes(data)
        print(f"{folder}: {len(seeds)} seeds")


if __name__ == "__main__":
    main()
