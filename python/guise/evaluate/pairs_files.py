"""Lists of pairs: LFW's pairs.txt, and a plain one.

LFW: a first line "10 300" (folds, pairs of a kind in a fold) or "300", then lines
"NAME  I  J" (one person) and "NAME_A  I  NAME_B  J" (two), for NAME/NAME_0001.jpg and so on.
Plain: lines "PATH_A PATH_B 0|1", 1 for one person; tabs, commas or blanks between, "#" begins a
comment. Paths are below the folder of images unless they are absolute.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from guise import _core

_LARGEST_BYTES = 256 << 20
_SUFFIXES = (".jpg", ".png", ".jpeg", ".webp", ".bmp", ".JPG", ".PNG")


@dataclass(frozen=True)
class PairLine:
    """Two files that are there, and whether they show one person."""

    first: Path
    second: Path
    same: bool


def read_pairs_file(path: Path, images: Path) -> list[PairLine]:
    """The pairs in their order.

    Raises ValueError (a line that is no pair, named by number; a header that counts otherwise; no
    pair) and Unavailable (no such file or photo, or no text).
    """
    lines = _lines(path)
    if not lines:
        raise ValueError(f"{path} must hold pairs, a line each; it is empty")
    if not images.is_dir():
        raise _core.Unavailable(f"{images} must be the folder of the photos; there is none")
    fields = lines[0][1]
    if len(fields) <= 2 and all(field.isdecimal() for field in fields):
        pairs = [_lfw(path, number, line, images) for number, line in lines[1:]]
        _check_header(path, [int(field) for field in fields], pairs)
    elif _is_lfw(fields):
        pairs = [_lfw(path, number, line, images) for number, line in lines]
    else:
        pairs = [_plain(path, number, line, images) for number, line in lines]
    if not pairs:
        raise ValueError(f"{path} must hold pairs, a line each; it has none")
    return pairs


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise _core.CorruptFile(f"{path} must be a list of pairs; it has over 256 MB")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise _core.Unavailable(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _core.CorruptFile(f"{path} must be a list of pairs in UTF-8; it is no text") from None
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.strip()
        if content and not content.startswith("#"):
            found.append((number, _fields(content)))
    return found


def _fields(line: str) -> list[str]:
    """Blanks may be part of names where tabs or commas separate them."""
    for separator in ("\t", ","):
        if separator in line:
            return [field.strip() for field in line.split(separator)]
    return line.split()


def _is_lfw(fields: list[str]) -> bool:
    return len(fields) in (3, 4) and fields[1].isdecimal() and fields[-1].isdecimal()


def _check_header(path: Path, header: list[int], pairs: list[PairLine]) -> None:
    folds, each = header if len(header) == 2 else (1, header[0])
    if len(pairs) != 2 * folds * each:
        raise ValueError(
            f"{path} must hold {2 * folds * each} pairs, as its first line says; it has "
            f"{len(pairs)}"
        )


def _lfw(path: Path, number: int, fields: list[str], images: Path) -> PairLine:
    if not _is_lfw(fields):
        raise ValueError(
            f"{path} line {number} must be 'NAME I J' or 'NAME_A I NAME_B J'; it has "
            f"{len(fields)} fields"
        )
    same = len(fields) == 3
    second = fields[0] if same else fields[2]
    return PairLine(
        _lfw_photo(path, number, images, fields[0], int(fields[1])),
        _lfw_photo(path, number, images, second, int(fields[-1])),
        same,
    )


def _lfw_photo(path: Path, number: int, images: Path, name: str, index: int) -> Path:
    stem = images / name / f"{name}_{index:04d}"
    for suffix in _SUFFIXES:
        photo = stem.with_name(stem.name + suffix)
        if photo.is_file():
            return photo
    raise _core.Unavailable(
        f"{path} line {number} must name photos below {images}; there is no {name}/{stem.name}.jpg"
    )


def _plain(path: Path, number: int, fields: list[str], images: Path) -> PairLine:
    if len(fields) != 3 or fields[2] not in ("0", "1"):
        raise ValueError(
            f"{path} line {number} must be 'PATH_A PATH_B 1' (one person) or '... 0' (two); it has "
            f"{len(fields)} fields; separate names that hold blanks by tabs"
        )
    photos = [images / field for field in fields[:2]]
    for photo in photos:
        if not photo.is_file():
            raise _core.Unavailable(
                f"{path} line {number} must name photos below {images}; there is no {photo}"
            )
    return PairLine(photos[0], photos[1], fields[2] == "1")
