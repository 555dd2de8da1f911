"""A folder of photos as hostile as users and attackers make them, each with what must become of it.

The face is that of scikit-image's `astronaut`, taken from its wheel when the tests run; every file
around it is made here. Nothing is stored.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, PngImagePlugin

# In every piece of metadata, so that one search finds any of it in an output.
SECRET = b"SECRET-8d1f"

Pixels = npt.NDArray[np.uint8]


def face_photo() -> Pixels:
    """uint8 [300, 320, 3] with one clear face. Skips where scikit-image is not installed."""
    import pytest

    data = pytest.importorskip(
        "skimage.data", reason="needs scikit-image for its astronaut picture"
    )
    return np.ascontiguousarray(data.astronaut()[0:300, 60:380])


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def jpeg_segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def exif(orientation: int, thumbnail: bytes = b"") -> bytes:
    """The payload of an APP1 segment: a description, the orientation, a GPS place, a thumbnail."""
    text = SECRET + b" description\0"
    entries = 3
    data_at = 8 + 2 + 12 * entries + 4
    gps_at = data_at + len(text) + len(text) % 2
    gps_place = gps_at + 2 + 12 * 2 + 4
    second_at = gps_place + 24
    thumbnail_at = second_at + 2 + 12 * 2 + 4

    def entry(tag: int, kind: int, count: int, value: int) -> bytes:
        inline = struct.pack("<HH", value, 0) if kind == 3 else struct.pack("<I", value)
        return struct.pack("<HHI", tag, kind, count) + inline

    first = struct.pack("<H", entries)
    first += entry(0x010E, 2, len(text), data_at)
    first += entry(0x0112, 3, 1, orientation) + entry(0x8825, 4, 1, gps_at)
    first += struct.pack("<I", second_at if thumbnail else 0)
    gps = struct.pack("<H", 2) + entry(1, 2, 2, ord("N")) + entry(2, 5, 3, gps_place)
    gps += struct.pack("<I", 0) + struct.pack("<6I", 48, 1, 51, 1, 30, 1)
    second = struct.pack("<H", 2) + entry(0x0201, 4, 1, thumbnail_at)
    second += entry(0x0202, 4, 1, len(thumbnail)) + struct.pack("<I", 0)
    body = b"II*\0" + struct.pack("<I", 8) + first + text + b"\0" * (len(text) % 2) + gps
    return b"Exif\0\0" + body + (second + thumbnail if thumbnail else b"")


def png_chunk(kind: bytes, payload: bytes) -> bytes:
    checksum = zlib.crc32(kind + payload)
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", checksum)


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def png_16_bit(pixels: Pixels) -> bytes:
    wide = (pixels.astype(">u2") * 257).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in wide)
    return png(pixels.shape[1], pixels.shape[0], 16, 2, rows)


def huge_jpeg(jpeg: bytes, side: int) -> bytes:
    at = jpeg.index(b"\xff\xc0")
    return jpeg[: at + 5] + struct.pack(">HH", side, side) + jpeg[at + 9 :]


# What a viewer has to do for each EXIF value, undone here so that all of them look alike.
_UNDO = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def _good_kinds(photo: Image.Image) -> dict[str, bytes]:
    transparent = photo.convert("RGBA")
    transparent.putalpha(
        Image.linear_gradient("L").resize(photo.size).point(lambda a: 128 + a // 2)
    )
    files = {
        "cmyk.jpg": encoded(photo.convert("CMYK"), "JPEG", quality=95),
        "grey.jpg": encoded(photo.convert("L"), "JPEG", quality=95),
        "progressive.jpg": encoded(photo, "JPEG", quality=95, progressive=True),
        "bits16.png": png_16_bit(np.asarray(photo)),
        "grey16.png": encoded(
            Image.fromarray(np.asarray(photo.convert("L")).astype("u2") * 257), "PNG"
        ),
        "palette.png": encoded(photo.quantize(256), "PNG"),
        "alpha.png": encoded(transparent, "PNG"),
        "grey-alpha.png": encoded(transparent.convert("LA"), "PNG"),
        "plain.bmp": encoded(photo, "BMP"),
        "lossy.webp": encoded(photo, "WEBP", quality=95),
        "alpha.webp": encoded(transparent, "WEBP", lossless=True),
        "really-a-png.jpg": encoded(photo, "PNG"),
        "no-extension": encoded(photo, "JPEG", quality=95),
        "deep/er/plain.jpg": encoded(photo, "JPEG", quality=95),
    }
    for value, undo in _UNDO.items():
        stored = photo if undo is None else photo.transpose(undo)
        jpeg = encoded(stored, "JPEG", quality=95)
        files[f"orientation-{value}.jpg"] = with_segments(jpeg, jpeg_segment(0xE1, exif(value)))
    return files


def _with_metadata(photo: Image.Image) -> dict[str, bytes]:
    jpeg = encoded(photo, "JPEG", quality=95)
    thumbnail = encoded(photo.resize((160, 150)), "JPEG", quality=95)
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>" + SECRET + b"</x:xmpmeta>"
    resource = b"\x1c\x02\x78" + struct.pack(">H", len(SECRET)) + SECRET
    resource += b"\0" * (len(resource) % 2)
    iptc = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(resource)) + resource
    full = with_segments(
        jpeg,
        jpeg_segment(0xE1, exif(1, thumbnail)),
        jpeg_segment(0xE1, xmp),
        jpeg_segment(0xED, iptc),
        jpeg_segment(0xE5, b"maker " + SECRET),
        jpeg_segment(0xFE, SECRET + b" comment"),
    )
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", SECRET.decode())
    notes.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    tags = {"exif": exif(1, thumbnail), "xmp": xmp}
    return {
        "all-metadata.jpg": full,
        "second-jpeg-behind.jpg": full + jpeg,
        "text-behind.jpg": jpeg + SECRET * 50,
        "all-metadata.png": encoded(photo, "PNG", pnginfo=notes, exif=exif(1, thumbnail)) + SECRET,
        "all-metadata.webp": encoded(photo, "WEBP", quality=95, **tags),
    }


def _broken(photo: Image.Image) -> dict[str, bytes]:
    jpeg = encoded(photo, "JPEG", quality=95)
    files = {
        "empty.jpg": b"",
        "text.jpg": b"this is a text file and no picture\n",
        "huge.jpg": huge_jpeg(jpeg, 60_000),
        "huge.png": png(60_000, 60_000, 8, 2, b"\0" * 1000),
        "animated.webp": encoded(
            photo, "WEBP", save_all=True, append_images=[photo.rotate(180)], duration=100
        ),
        "twin.jpg": encoded(photo, "PNG"),
        "twin.png": encoded(photo, "PNG"),
        "other-kind.gif": encoded(photo, "GIF"),
    }
    whole = {"jpg": jpeg, "png": encoded(photo, "PNG"), "webp": encoded(photo, "WEBP")}
    for extension, content in whole.items():
        for tenth in range(1, 10):
            files[f"cut-{10 * tenth}.{extension}"] = content[: len(content) * tenth // 10]
        files[f"cut-by-one.{extension}"] = content[:-1]
    return files


def make_corpus(folder: Path) -> dict[str, str]:
    """Fills `folder`; the status that each photo must get, by name. Run with --follow-links."""
    photo = Image.fromarray(face_photo())
    statuses: dict[str, str] = {}
    written = {**_good_kinds(photo), **_with_metadata(photo)}
    plain = Image.linear_gradient("L").convert("RGB")
    faceless = {
        "no-face.jpg": encoded(plain, "JPEG"),
        "one-pixel.png": encoded(plain.resize((1, 1)), "PNG"),
    }
    groups = (("written", written), ("failed", _broken(photo)), ("without_face", faceless))
    for status, files in groups:
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
            statuses[name] = status
    (folder / "notes.txt").write_text("not a photo")
    (folder / ".hidden.jpg").write_bytes(written["grey.jpg"])
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "deep/up").symlink_to("..", target_is_directory=True)
    (folder / "circle-a.jpg").symlink_to("circle-b.jpg")
    (folder / "circle-b.jpg").symlink_to("circle-a.jpg")
    (folder / "nowhere.jpg").symlink_to("absent.jpg")
    for name in ("circle-a.jpg", "circle-b.jpg", "nowhere.jpg"):
        statuses[name] = "failed"
    os.mkfifo(folder / "pipe.jpg")
    unreadable = folder / "unreadable.jpg"
    unreadable.write_bytes(written["grey.jpg"])
    unreadable.chmod(0)
    # Permissions do not bind root; there the file is an ordinary photo.
    statuses["unreadable.jpg"] = "written" if os.geteuid() == 0 else "failed"
    return statuses
