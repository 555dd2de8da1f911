"""plan.json and manifest.jsonl of a finished dataset: what it holds, and where.

Both are read whole when a dataset is opened, and nothing else is: a thousand shards are a file of
half a megabyte.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from guise import _core
from guise.data.shard_files import REMEDY, IntArray, absent, json_object, whole_number

PLAN, MANIFEST = "plan.json", "manifest.jsonl"
FORMATS = ("folder", "webdataset", "recordio", "parquet")


@dataclass(frozen=True)
class ListedFile:
    """A file as the manifest lists it. `name`: path below the dataset's folder."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Shard:
    """Consecutive identities with all their pictures."""

    index: int
    first_identity: int
    identities: int
    pictures: int
    files: tuple[ListedFile, ...]


@dataclass(frozen=True)
class Manifest:
    """A finished dataset. `files`: those that belong to no single shard."""

    folder: Path
    plan: dict[str, Any]
    shards: tuple[Shard, ...]
    files: tuple[ListedFile, ...]

    @property
    def format(self) -> str:
        return str(self.plan["format"])

    @cached_property
    def starts(self) -> IntArray:
        """int64 [shards + 1]: number of the first picture of each shard, and how many there are."""
        return np.cumsum([0, *(shard.pictures for shard in self.shards)], dtype=np.int64)

    def __len__(self) -> int:
        return int(self.starts[-1])

    def place(self, i: int) -> tuple[int, int]:
        """Shard of picture i, and the picture's number in it."""
        shard = int(np.searchsorted(self.starts, i, side="right")) - 1
        return shard, i - int(self.starts[shard])

    def is_complete(self, shard: Shard) -> bool:
        """Whether no picture was given up, so that identity and sample follow from the number."""
        return shard.pictures == shard.identities * int(self.plan["images_per_identity"])

    def complete_labels(self, shard: Shard) -> IntArray:
        """int64 [pictures of a complete shard]."""
        first = shard.first_identity - int(self.plan["first_identity"])
        classes = np.arange(first, first + shard.identities, dtype=np.int64)
        return np.repeat(classes, int(self.plan["images_per_identity"]))

    def listed(self, name: str) -> ListedFile | None:
        return next((file for file in self.files if file.name == name), None)

    def bytes_of(self, name: str) -> int | None:
        """Promised length of a file of the whole dataset; None where the manifest has none."""
        file = self.listed(name)
        return file.bytes if file else None

    def shard_file(self, shard: Shard, suffix: str) -> ListedFile:
        """The one file of a shard. Raises CorruptFile where the manifest names another number."""
        files = [file for file in shard.files if file.name.endswith(suffix)]
        if len(files) != 1:
            raise _core.CorruptFile(
                f"{self.folder / MANIFEST} must list one {suffix} file for shard {shard.index}; "
                f"it lists {len(files)}; {REMEDY}"
            )
        return files[0]


def read_manifest(folder: Path) -> Manifest:
    """Raises Unavailable (not there, or unfinished) and CorruptFile naming file and line."""
    plan_bytes = _content(folder / PLAN)
    plan = _checked_plan(json_object(plan_bytes, str(folder / PLAN)), str(folder / PLAN))
    path = folder / MANIFEST
    if not path.exists():
        raise _unfinished(folder, f"{MANIFEST} is not there yet")
    lines = _content(path).split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    entries = [json_object(line, f"{path} line {i}") for i, line in enumerate(lines, start=1)]
    if not entries:
        raise _unfinished(folder, f"{MANIFEST} is empty")
    header, *rest = entries
    if header.get("plan") != hashlib.sha256(plan_bytes).hexdigest():
        raise _core.CorruptFile(
            f"{path} must belong to {PLAN}; {PLAN} has another sha256 than its first line says, "
            "so one of the two was changed; fetch the dataset anew"
        )
    if not rest or rest[-1].get("end") is not True:
        raise _unfinished(folder, f"the last line of {MANIFEST} is missing")
    shards = tuple(_shard(entry, f"{path} line {i}") for i, entry in enumerate(rest[:-1], start=2))
    end = _listed_files(rest[-1], f"{path} line {len(entries)}")
    manifest = Manifest(folder, plan, shards, end)
    _check_sums(manifest, header, rest[-1], str(path))
    return manifest


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise absent(path, error) from None


def _unfinished(folder: Path, reason: str) -> _core.Unavailable:
    return _core.Unavailable(
        f"{folder} must be a finished dataset: {reason}; run the same `guise synthesize` again, "
        "it goes on"
    )


def _checked_plan(plan: dict[str, Any], name: str) -> dict[str, Any]:
    for key in ("identities", "images_per_identity"):
        whole_number(plan, key, name, least=1)
    whole_number(plan, "first_identity", name)
    if plan.get("format") not in FORMATS:
        raise _core.CorruptFile(
            f"{name} must have a format out of {', '.join(FORMATS)}; it has "
            f"{str(plan.get('format'))[:60]!r}; a newer guise may read it"
        )
    encoding = plan.get("encoding")
    if not isinstance(encoding, dict) or encoding.get("format") not in ("jpg", "png"):
        raise _core.CorruptFile(f"{name} must have an encoding with format jpg or png; {REMEDY}")
    return plan


def _shard(entry: dict[str, Any], name: str) -> Shard:
    index, first, identities, pictures = (
        whole_number(entry, key, name)
        for key in ("shard", "first_identity", "identities", "pictures")
    )
    return Shard(index, first, identities, pictures, _listed_files(entry, name))


def _listed_files(entry: dict[str, Any], name: str) -> tuple[ListedFile, ...]:
    files = entry.get("files", [])
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise _core.CorruptFile(f"{name} must have a list of files; {REMEDY}")
    return tuple(_listed_file(file, name) for file in files)


def _listed_file(file: dict[str, Any], name: str) -> ListedFile:
    path, digest = file.get("name"), file.get("sha256")
    if not isinstance(path, str) or not isinstance(digest, str):
        raise _core.CorruptFile(f"{name} must give each file a name and its sha256; {REMEDY}")
    parts = PurePosixPath(path)
    if not parts.parts or parts.is_absolute() or ".." in parts.parts or "\0" in path:
        raise _core.CorruptFile(
            f"{name} must name files inside the dataset's folder; it names {path[:200]!r}"
        )
    return ListedFile(path, whole_number(file, "bytes", name), digest)


def _check_sums(manifest: Manifest, header: dict[str, Any], end: dict[str, Any], name: str) -> None:
    """Shards must be there, in order, without gaps, and add up to what the last line says."""
    count = whole_number(header, "shards", f"{name} line 1", least=1)
    if len(manifest.shards) != count:
        raise _core.CorruptFile(
            f"{name} must have {count} shards, as its first line says; it has "
            f"{len(manifest.shards)}; {REMEDY}"
        )
    plan, identity = manifest.plan, int(manifest.plan["first_identity"])
    for number, shard in enumerate(manifest.shards):
        most = shard.identities * int(plan["images_per_identity"])
        if (shard.index, shard.first_identity) != (number, identity) or shard.pictures > most:
            raise _core.CorruptFile(
                f"{name} line {number + 2} must be shard {number} from identity {identity} on "
                f"with at most {most} pictures; it is not; {REMEDY}"
            )
        identity += shard.identities
    pictures = whole_number(end, "pictures", f"{name} last line")
    if pictures != len(manifest) or identity != plan["first_identity"] + plan["identities"]:
        raise _core.CorruptFile(
            f"{name} must have shards for {plan['identities']} identities and {pictures} pictures; "
            f"they have {identity - plan['first_identity']} and {len(manifest)}; {REMEDY}"
        )


def check_files(manifest: Manifest) -> None:
    """Compares every listed file with its length and sha256, folders of pictures left out.

    Records are merged from parts that are gone, so shards of RecordIO list nothing that is there.
    Raises Unavailable (absent) and CorruptFile (another content).
    """
    of_shards = [] if manifest.format in ("recordio", "folder") else list(manifest.shards)
    files = [*manifest.files, *(file for shard in of_shards for file in shard.files)]
    for file in dict.fromkeys(files):
        if not _is_range(file):
            _check_file(manifest.folder / file.name, file)


def _is_range(file: ListedFile) -> bool:
    """ "000000/ .. 000019/": the pictures of a shard in folders, in order."""
    return "/ .. " in file.name


def _check_file(path: Path, file: ListedFile) -> None:
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
                size += len(block)
    except OSError as error:
        raise absent(path, error) from None
    if size != file.bytes or digest.hexdigest() != file.sha256:
        raise _core.CorruptFile(
            f"{path} must have {file.bytes} bytes with the sha256 {file.sha256[:16]}…, as "
            f"{MANIFEST} says; it has {size} with {digest.hexdigest()[:16]}…; {REMEDY}"
        )
