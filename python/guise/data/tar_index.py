"""Samples of a tar shard: where each starts, and its members.

Plain ustar, with the records of other tars that change a name or a size (PAX, GNU). Members that
share a name up to the first dot of its last part are one sample, as WebDataset groups them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from guise import _core
from guise.data.shard_files import REMEDY, IntArray, OpenFile

_BLOCK = 512
_MAGIC = slice(257, 262)
_CHECKSUM = slice(148, 156)
# Names and labels; a longer one is damage.
_MOST_TEXT_BYTES = 1 << 20
PICTURE_SUFFIXES = ("jpg", "jpeg", "png", "webp", "bmp")

Read = Callable[[int, int], bytes]


class Member(NamedTuple):
    """A regular file. Its headers begin at `start`, its content at `offset`."""

    name: str
    start: int
    offset: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + -(-self.size // _BLOCK) * _BLOCK

    @property
    def key(self) -> str:
        folder, slash, name = self.name.rpartition("/")
        return folder + slash + name.partition(".")[0]

    @property
    def suffix(self) -> str:
        """Lower case, all behind the first dot: "jpg", "cls", "seg.png"."""
        return self.name.rpartition("/")[2].partition(".")[2].lower()


@dataclass(frozen=True)
class SampleIndex:
    """starts, ends: int64 [N], span of each sample; labels: int64 [N]."""

    starts: IntArray
    ends: IntArray
    labels: IntArray


def members(read: Read, size: int, name: str) -> Iterator[Member]:
    """Regular files of `size` bytes that `read(offset, count)` gives. Raises CorruptFile."""
    position, start = 0, 0
    long_name: str | None = None
    long_size: int | None = None
    while position + _BLOCK <= size:
        header = read(position, _BLOCK)
        if not any(header):
            return
        _check_header(header, position, name)
        length = _number(header[124:136], position, name)
        kind = header[156:157]
        if kind in b"0\x00" and long_size is not None:
            length = long_size
        content = position + _BLOCK
        end = content + -(-length // _BLOCK) * _BLOCK
        if content + length > size:
            raise _damaged(name, position, f"a member of {length} bytes reaches beyond its end")
        if kind in b"xL":
            if length > _MOST_TEXT_BYTES:
                raise _damaged(name, position, f"a name has {length} bytes")
            text = read(content, length)
            if kind == b"L":
                long_name = text.rstrip(b"\0").decode("utf-8", "replace")
            else:
                long_name, long_size = _pax(text, position, name)
        else:
            if kind in b"0\x00":
                yield Member(long_name or _plain_name(header), start, content, length)
            long_name = long_size = None
            start = end
        position = end
    if position != size:
        raise _damaged(name, position, "it ends within a member")


def _damaged(name: str, position: int, what: str) -> _core.CorruptFile:
    return _core.CorruptFile(f"{name} must be a whole tar; at byte {position} {what}; {REMEDY}")


def _check_header(header: bytes, position: int, name: str) -> None:
    """The sum of its bytes, with the sum's own field as spaces; very old tars have no magic."""
    stored = _number(header[_CHECKSUM], position, name)
    field = header[_CHECKSUM]
    if stored != sum(header) - sum(field) + len(field) * ord(" "):
        raise _damaged(name, position, "no header stands, or its checksum is wrong")


def _number(field: bytes, position: int, name: str) -> int:
    """Octal digits, or (GNU, for 8 GiB and more) big-endian behind a byte of 0x80."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    try:
        return int(field.split(b"\0")[0].strip() or b"0", 8)
    except ValueError:
        raise _damaged(name, position, "a number of the header is none") from None


def _plain_name(header: bytes) -> str:
    name = header[:100].split(b"\0")[0].decode("utf-8", "replace")
    prefix = header[345:500].split(b"\0")[0].decode("utf-8", "replace")
    # GNU tars use the prefix for other things, and mark themselves with spaces in the magic.
    is_posix = header[_MAGIC] == b"ustar" and header[262:263] == b"\0"
    return f"{prefix}/{name}" if prefix and is_posix else name


def _pax(text: bytes, position: int, name: str) -> tuple[str | None, int | None]:
    """Name and size, where the records "length key=value\\n" have them."""
    found: dict[bytes, bytes] = {}
    while text:
        digits, _, _ = text.partition(b" ")
        length = int(digits) if digits.isdigit() and len(digits) < 8 else 0
        key, equals, value = text[len(digits) + 1 : length - 1].partition(b"=")
        if not equals or not len(digits) < length <= len(text):
            raise _damaged(name, position, "an extended header is garbled")
        found[key] = value
        text = text[length:]
    size = found.get(b"size")
    if size is not None and not (size.isdigit() and len(size) < 19):
        raise _damaged(name, position, "an extended header has a size that is none")
    path = found.get(b"path")
    return path.decode("utf-8", "replace") if path else None, int(size) if size else None


def index_samples(file: OpenFile) -> SampleIndex:
    """Walks over the headers; of contents only the labels are read. Raises CorruptFile."""
    starts: list[int] = []
    ends: list[int] = []
    labels: list[int] = []
    sample: dict[str, Member] = {}
    key: str | None = None
    for member in members(file.read, file.size, str(file.path)):
        if member.key != key:
            _close_sample(file, sample, (starts, ends, labels))
            key, sample = member.key, {}
        sample[member.suffix] = member
    _close_sample(file, sample, (starts, ends, labels))
    return SampleIndex(*(np.array(part, dtype=np.int64) for part in (starts, ends, labels)))


def _close_sample(
    file: OpenFile, sample: dict[str, Member], to: tuple[list[int], list[int], list[int]]
) -> None:
    """Takes a sample into the index if it has a picture."""
    if not any(suffix in sample for suffix in PICTURE_SUFFIXES):
        return
    starts, ends, labels = to
    starts.append(min(member.start for member in sample.values()))
    ends.append(max(member.end for member in sample.values()))
    labels.append(_label(file, sample))


def _label(file: OpenFile, sample: dict[str, Member]) -> int:
    member = sample.get("cls")
    some = next(iter(sample.values()))
    if member is None:
        raise _core.CorruptFile(f"{file.path} must have a .cls for {some.key}; it has none")
    text = file.read(member.offset, min(member.size, 32)).strip()
    if not text.isdigit() or len(text) > 18:
        raise _core.CorruptFile(
            f"{file.path} must have a whole number as {member.name}; it has {text!r}"
        )
    return int(text)
