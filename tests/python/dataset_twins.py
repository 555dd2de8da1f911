"""Datasets of faces written and read without guise: from the layouts, by the standard library,
`webdataset` and pyarrow.

The readers give [(picture bytes, label)] in the dataset's order, as other people's trainers would
see them.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import PIL.Image

FORMATS = ("folder", "webdataset", "recordio", "parquet")
_MAGIC = 0xCED7230A
_MAGIC_BYTES = struct.pack("<I", _MAGIC)
_HEADER = struct.Struct("<IfQQ")  # flag, label, id, id2

Pictures = list[tuple[bytes, int]]
Absent = frozenset[tuple[int, int]]


# ---- pictures and their lines --------------------------------------------------------------------


def picture(identity: int, sample: int, format: str = "jpg", side: int = 24) -> bytes:
    """A coloured ramp, another one for each identity and sample."""
    image = PIL.Image.new("RGB", (side, side))
    pixels = [
        ((x * 9 + identity * 37) % 256, (y * 9 + sample * 53) % 256, (x * y + identity) % 256)
        for y in range(side)
        for x in range(side)
    ]
    image.putdata(pixels)
    to = io.BytesIO()
    image.save(to, {"jpg": "JPEG", "png": "PNG"}[format])
    return to.getvalue()


def line(identity: int, sample: int, first: int, format: str = "jpg") -> str:
    """Metadata as guise writes it; not in the order of the alphabet."""
    at = identity + sample / 4
    values = {
        "file": f"{identity:06d}/{sample:03d}.{format}",
        "label": identity - first,
        "identity": identity,
        "sample": sample,
        "attempt": sample % 2,
        "landmarks": [[at + i, 2.25 * i] for i in range(5)],
        "box": [0.5, 1, at, 20.75],
        "attributes": {"yaw_deg": at if sample else 0, "hat": sample == 1, "occluder": "none"},
    }
    return json.dumps(values)


# ---- writers -------------------------------------------------------------------------------------


def write_dataset(
    to: Path,
    format: str,
    *,
    identities: int = 6,
    images: int = 3,
    per_shard: int = 2,
    first: int = 40,
    encoding: str = "jpg",
    absent: Absent = frozenset(),
) -> list[tuple[bytes, int, dict[str, Any]]]:
    """A finished dataset; `absent`: (identity, sample) that were given up. Returns its pictures."""
    plan = {
        "guise": "0.1.0",
        "generator": {"name": "twin"},
        "seed": 7,
        "first_identity": first,
        "identities": identities,
        "images_per_identity": images,
        "size_px": 24,
        "format": format,
        "encoding": {"format": encoding},
        "identities_per_shard": per_shard,
    }
    to.mkdir(parents=True)
    (to / "plan.json").write_text(json.dumps(plan, sort_keys=True))
    shards = []
    for start in range(first, first + identities, per_shard):
        people = range(start, min(start + per_shard, first + identities))
        keys = [(p, s) for p in people for s in range(images) if (p, s) not in absent]
        rows = [(picture(p, s, encoding), p - first, line(p, s, first, encoding)) for p, s in keys]
        shards.append((people, rows))
    shard_files = _WRITERS[format](to, [rows for _, rows in shards])
    end_files: list[str] = []
    if format in ("folder", "recordio"):
        texts = [text for _, rows in shards for _, _, text in rows]
        (to / "metadata.jsonl").write_text("".join(text + "\n" for text in texts))
        end_files = ["metadata.jsonl"]
    if format == "recordio":
        write_recordio_index(to, identities)
        end_files += ["train.rec", "train.idx", "train.lst", "property"]
    write_manifest(to, shards, shard_files, end_files)
    return [(data, label, json.loads(text)) for _, rows in shards for data, label, text in rows]


def listed(folder: Path, name: str) -> dict[str, Any]:
    data = (folder / name).read_bytes()
    return {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def write_manifest(to: Path, shards: Any, shard_files: list[Any], end_files: list[str]) -> None:
    plan = hashlib.sha256((to / "plan.json").read_bytes()).hexdigest()
    lines: list[dict[str, Any]] = [{"guise": "0.1.0", "plan": plan, "shards": len(shards)}]
    for number, ((people, rows), files) in enumerate(zip(shards, shard_files, strict=True)):
        counts = {"first_identity": people[0], "identities": len(people), "pictures": len(rows)}
        lines.append({"shard": number, **counts, "given_up": 0, "files": files})
    total = sum(len(rows) for _, rows in shards)
    files = [listed(to, name) for name in end_files]
    lines.append({"end": True, "pictures": total, "files": files})
    (to / "manifest.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in lines))


def _write_folder(to: Path, shards: list[Any]) -> list[Any]:
    listing = []
    for rows in shards:
        for data, _, text in rows:
            path = to / json.loads(text)["file"]
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        whole = b"".join(data for data, _, _ in rows)
        digest = hashlib.sha256(whole).hexdigest()
        ends = [f"{json.loads(text)['identity']:06d}/" for _, _, text in (rows[0], rows[-1])]
        listing.append([{"name": " .. ".join(ends), "bytes": len(whole), "sha256": digest}])
    return listing


def _write_webdataset(to: Path, shards: list[Any]) -> list[Any]:
    for number, rows in enumerate(shards):
        with tarfile.open(to / f"shard-{number:06d}.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
            for data, label, text in rows:
                name, _, suffix = json.loads(text)["file"].replace("/", "_").rpartition(".")
                parts = {suffix: data, "cls": str(label).encode(), "json": text.encode()}
                for kind, content in parts.items():
                    add_member(tar, f"{name}.{kind}", content)
    return [[listed(to, f"shard-{number:06d}.tar")] for number in range(len(shards))]


def add_member(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _write_parquet(to: Path, shards: list[Any]) -> list[Any]:
    import pyarrow
    import pyarrow.parquet

    (to / "data").mkdir()
    names = [f"data/train-{i:05d}-of-{len(shards):05d}.parquet" for i in range(len(shards))]
    for name, rows in zip(names, shards, strict=True):
        lines = [json.loads(text) for _, _, text in rows]
        attributes = [values.pop("attributes") for values in lines]
        images = [
            {"bytes": data, "path": values.pop("file")}
            for (data, _, _), values in zip(rows, lines, strict=True)
        ]
        columns = [
            {"image": image, **values, **more}
            for image, values, more in zip(images, lines, attributes, strict=True)
        ]
        table = pyarrow.Table.from_pylist(columns)
        pyarrow.parquet.write_table(table, to / name, row_group_size=4)
    return [[listed(to, name)] for name in names]


def record(payload: bytes) -> bytes:
    """One record: split at each magic that stands at a multiple of 4, the magic left out."""
    parts, start = [], 0
    for place in range(0, len(payload) - 3, 4):
        if payload[place : place + 4] == _MAGIC_BYTES:
            parts.append(payload[start:place])
            start = place + 4
    parts.append(payload[start:])
    flags = [0] if len(parts) == 1 else [1, *[2] * (len(parts) - 2), 3]
    return b"".join(
        struct.pack("<II", _MAGIC, flag << 29 | len(part)) + part + b"\0" * (-len(part) % 4)
        for flag, part in zip(flags, parts, strict=True)
    )


def image_record(label: float, key: int, data: bytes) -> bytes:
    return record(_HEADER.pack(0, label, key, 0) + data)


def labels_record(labels: list[float], key: int, data: bytes = b"") -> bytes:
    packed = struct.pack(f"<{len(labels)}f", *labels)
    return record(_HEADER.pack(len(labels), 0.0, key, 0) + packed + data)


def write_records(to: Path, records: list[tuple[int, bytes]]) -> None:
    """train.rec and train.idx of (key, record)."""
    offset, lines = 0, []
    for key, data in records:
        lines.append(f"{key}\t{offset}\n")
        offset += len(data)
    (to / "train.rec").write_bytes(b"".join(data for _, data in records))
    (to / "train.idx").write_text("".join(lines))


def _write_recordio(to: Path, shards: list[Any]) -> list[Any]:
    rows = [row for shard in shards for row in shard]
    identities = json.loads((to / "plan.json").read_text())["identities"]
    end = len(rows) + 1
    records = [(0, labels_record([end, end + identities], 0))]
    records += [(k, image_record(label, k, d)) for k, (d, label, _) in enumerate(rows, start=1)]
    labels = [label for _, label, _ in rows]
    for person in range(identities):
        low = sum(label < person for label in labels) + 1
        span = [low, low + labels.count(person)]
        records.append((end + person, labels_record([float(key) for key in span], end + person)))
    write_records(to, records)
    lst = [f"{k}\t{label}\t{k}.jpg\n" for k, label in enumerate(labels, start=1)]
    (to / "train.lst").write_text("".join(lst))
    return [[] for _ in shards]


def write_recordio_index(to: Path, identities: int) -> None:
    (to / "property").write_text(f"{identities},24,24\n")


_WRITERS: dict[str, Callable[[Path, list[Any]], list[Any]]] = {
    "folder": _write_folder,
    "webdataset": _write_webdataset,
    "recordio": _write_recordio,
    "parquet": _write_parquet,
}


# ---- readers -------------------------------------------------------------------------------------


def read_payload(data: bytes, offset: int) -> tuple[bytes, int]:
    """Payload of the record at `offset`, and where the next one begins."""
    payload, flag = b"", 2
    while flag in (1, 2):
        magic, word = struct.unpack_from("<II", data, offset)
        assert magic == _MAGIC, f"no record at {offset}"
        flag, length = word >> 29, word & ((1 << 29) - 1)
        part = data[offset + 8 : offset + 8 + length]
        assert len(part) == length, f"the record at {offset} is cut off"
        payload += (_MAGIC_BYTES if flag in (2, 3) else b"") + part
        offset += 8 + length + -length % 4
    return payload, offset


def unpack(payload: bytes) -> tuple[int, float, tuple[float, ...], int, bytes]:
    """flag, label, labels, id and picture."""
    flag, label, number, _ = _HEADER.unpack_from(payload)
    labels = struct.unpack_from(f"<{flag}f", payload, _HEADER.size)
    return flag, label, labels, number, payload[_HEADER.size + 4 * flag :]


def read_recordio_like_arcface_torch(folder: Path) -> Pictures:
    """The order of a trainer that asks record 0 how many pictures there are."""
    offsets = dict(
        tuple(int(word) for word in entry.split("\t"))
        for entry in (folder / "train.idx").read_text().splitlines()
    )
    data = (folder / "train.rec").read_bytes()
    flag, _, labels, _, _ = unpack(read_payload(data, offsets[0])[0])
    keys = range(1, int(labels[0])) if flag > 0 else list(offsets)
    found = []
    for key in keys:
        flag, label, labels, _, image = unpack(read_payload(data, offsets[key])[0])
        PIL.Image.open(io.BytesIO(image)).convert("RGB").load()
        found.append((image, int(labels[0] if flag > 0 else label)))
    return found


def recordio_identity_ranges(folder: Path) -> list[range]:
    """Keys of each identity's pictures, as the records behind the pictures say."""
    offsets = dict(
        tuple(int(word) for word in entry.split("\t"))
        for entry in (folder / "train.idx").read_text().splitlines()
    )
    data = (folder / "train.rec").read_bytes()
    _, _, ends, _, _ = unpack(read_payload(data, offsets[0])[0])
    records = (unpack(read_payload(data, offsets[k])[0]) for k in range(int(ends[0]), int(ends[1])))
    return [range(int(labels[0]), int(labels[1])) for _, _, labels, _, _ in records]


def read_webdataset(folder: Path) -> Pictures:
    """By the package `webdataset`, shards in the order of their names."""
    import webdataset

    shards = sorted(str(path) for path in folder.glob("*.tar"))
    samples: Iterator[dict[str, Any]] = iter(webdataset.WebDataset(shards, shardshuffle=False))
    return [(s["jpg"] if "jpg" in s else s["png"], int(s["cls"])) for s in samples]


def read_parquet(folder: Path) -> Pictures:
    import pyarrow.parquet

    found: Pictures = []
    for path in sorted(folder.glob("data/*.parquet")):
        table = pyarrow.parquet.read_table(path, columns=["image", "label"])
        images, labels = table.column("image").to_pylist(), table.column("label").to_pylist()
        found += [(image["bytes"], label) for image, label in zip(images, labels, strict=True)]
    return found


def read_folder(folder: Path) -> Pictures:
    """A folder per class; classes and pictures in the order of their names."""
    classes = sorted(path for path in folder.iterdir() if path.is_dir() and path.name != "parts")
    return [
        (path.read_bytes(), label)
        for label, folder in enumerate(classes)
        for path in sorted(folder.iterdir())
        if path.suffix in (".jpg", ".png")
    ]


READERS: dict[str, Callable[[Path], Pictures]] = {
    "folder": read_folder,
    "webdataset": read_webdataset,
    "recordio": read_recordio_like_arcface_torch,
    "parquet": read_parquet,
}
