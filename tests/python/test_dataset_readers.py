"""guise.data against datasets that twins write, and the twins' readers against each other."""

from __future__ import annotations

import io
import json
import multiprocessing
import pickle
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from dataset_twins import (
    FORMATS,
    READERS,
    picture,
    recordio_identity_ranges,
    write_dataset,
)
from torch.utils.data import DataLoader

import guise
from guise import data

every_format = pytest.mark.parametrize("format", FORMATS)
GIVEN_UP = frozenset({(40, 1), (44, 0), (44, 1), (44, 2)})
DATA_FILES = {
    "folder": "000042/001.jpg",
    "webdataset": "shard-000001.tar",
    "recordio": "train.rec",
    "parquet": "data/train-00001-of-00003.parquet",
}


@pytest.fixture(autouse=True)
def packages(request: pytest.FixtureRequest) -> None:
    if "parquet" in request.node.name:
        pytest.importorskip("pyarrow")


def decoded(data: bytes) -> torch.Tensor:
    image = PIL.Image.open(io.BytesIO(data)).convert("RGB")
    return torch.from_numpy(np.array(image))


# ---- what a dataset gives ------------------------------------------------------------------------


@every_format
@pytest.mark.parametrize("encoding", ["jpg", "png"])
@pytest.mark.parametrize("absent", [frozenset(), GIVEN_UP], ids=["whole", "given_up"])
def test_every_picture_comes_back(
    tmp_path: Path, format: str, encoding: str, absent: frozenset[tuple[int, int]]
) -> None:
    wanted = write_dataset(tmp_path / "faces", format, encoding=encoding, absent=absent)
    faces = data.open(tmp_path / "faces")
    assert len(faces) == len(wanted) == 18 - len(absent)
    assert (faces.format, faces.classes, faces.path) == (format, 6, tmp_path / "faces")
    assert faces.plan["generator"] == {"name": "twin"}
    assert faces.labels.dtype == torch.int64
    assert faces.labels.tolist() == [label for _, label, _ in wanted]
    assert faces.identities.tolist() == [values["identity"] for _, _, values in wanted]
    for i in random.Random(1).sample(range(len(wanted)), len(wanted)):
        stored, label, values = wanted[i]
        image, found = faces[i]
        assert (faces.picture_bytes(i), found) == (stored, label)
        assert faces.metadata(i) == values
        assert list(faces.metadata(i)) == list(values)
        assert image.dtype == torch.uint8 and image.shape == (24, 24, 3)
        # Two JPEG decoders may differ by a rounding.
        bound = 0 if encoding == "png" else 3
        assert (image.int() - decoded(stored).int()).abs().max() <= bound


@every_format
def test_others_read_the_same(tmp_path: Path, format: str) -> None:
    if format == "webdataset":
        pytest.importorskip("webdataset")
    wanted = write_dataset(tmp_path / "faces", format)
    others = READERS[format](tmp_path / "faces")
    assert others == [(stored, label) for stored, label, _ in wanted]
    faces = data.open(tmp_path / "faces", verify=True)
    assert others == [(faces.picture_bytes(i), faces[i][1]) for i in range(len(faces))]


def test_identity_records_give_the_keys_of_each_person(tmp_path: Path) -> None:
    write_dataset(tmp_path / "faces", "recordio", absent=GIVEN_UP)
    ranges = recordio_identity_ranges(tmp_path / "faces")
    assert [len(keys) for keys in ranges] == [2, 3, 3, 3, 0, 3]
    assert [key for keys in ranges for key in keys] == list(range(1, 15))


@every_format
def test_numbers_count_from_both_ends(tmp_path: Path, format: str) -> None:
    write_dataset(tmp_path / "faces", format)
    faces = data.open(tmp_path / "faces")
    assert faces.picture_bytes(-1) == faces.picture_bytes(17)
    assert faces.metadata(np.int64(-18)) == faces.metadata(0)
    for wrong in (18, -19, 10**30):
        with pytest.raises(IndexError, match="from -18 to 17"):
            faces[wrong]
    with pytest.raises(TypeError):
        faces[0.5]  # type: ignore[index]


@every_format
def test_workers_read_what_the_process_itself_reads(tmp_path: Path, format: str) -> None:
    write_dataset(tmp_path / "faces", format)
    faces = data.open(tmp_path / "faces", transform=lambda image: image.float().mean())
    alone = [faces[i] for i in range(len(faces))]  # opens the files that the fork must not share
    loader = DataLoader(faces, batch_size=4, num_workers=2, multiprocessing_context="fork")
    batches = list(loader)
    assert [x for images, _ in batches for x in images.tolist()] == [x.item() for x, _ in alone]
    assert [y for _, labels in batches for y in labels.tolist()] == [y for _, y in alone]


def test_spawned_workers_take_pickled_datasets(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    for format in FORMATS:
        wanted = write_dataset(tmp_path / format, format)
        faces = data.open(tmp_path / format)
        assert faces.picture_bytes(5) == wanted[5][0]
        copy = pickle.loads(pickle.dumps(faces))
        assert copy.picture_bytes(5) == wanted[5][0]
    sets = [data.open(tmp_path / format) for format in FORMATS]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.map(_picture_five, sets)
    assert found == [wanted[5][0]] * len(FORMATS)


def _picture_five(faces: data.FaceDataset) -> bytes:
    return faces.picture_bytes(5)


def test_a_thousand_shards_open_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "faces"
    write_dataset(folder, "webdataset", identities=1000, images=1, per_shard=1)
    for tar in sorted(folder.glob("*.tar"))[:-1]:
        tar.unlink()  # none is looked at
    start = time.perf_counter()
    faces = data.open(folder)
    assert (len(faces), faces.classes) == (1000, 1000)
    assert faces.picture_bytes(-1) == picture(1039, 0)
    assert time.perf_counter() - start < 1
    assert faces.labels.tolist() == list(range(1000))


# ---- damage --------------------------------------------------------------------------------------


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def changed_entry(path: Path, line: int, **values: Any) -> None:
    lines = [json.loads(text) for text in path.read_text().splitlines()]
    lines[line].update(values)
    path.write_text("".join(json.dumps(entry) + "\n" for entry in lines))


def test_an_unfinished_dataset_is_no_dataset(tmp_path: Path) -> None:
    folder = tmp_path / "faces"
    write_dataset(folder, "folder")
    rewrite(folder / "manifest.jsonl", lambda text: b"\n".join(text.splitlines()[:-1]) + b"\n")
    with pytest.raises(guise.Unavailable, match=r"run the same `guise synthesize` again"):
        data.open(folder)
    (folder / "manifest.jsonl").unlink()
    with pytest.raises(guise.Unavailable, match="finished"):
        data.open(folder)
    with pytest.raises(guise.Unavailable, match="there is none"):
        data.open(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "damage",
    [
        lambda to: rewrite(to / "manifest.jsonl", lambda text: text[: len(text) // 2]),
        lambda to: rewrite(to / "manifest.jsonl", lambda text: text[:-5]),
        lambda to: rewrite(to / "manifest.jsonl", lambda text: b"\xff\x00" + text),
        lambda to: rewrite(to / "manifest.jsonl", lambda text: b"[" * 100_000),
        lambda to: rewrite(to / "plan.json", lambda text: text[:-5]),
        lambda to: rewrite(to / "plan.json", lambda text: text + b" "),
        lambda to: rewrite(to / "plan.json", lambda text: text.replace(b'"folder"', b'"zip"')),
        lambda to: changed_entry(to / "manifest.jsonl", 0, shards=4),
        lambda to: changed_entry(to / "manifest.jsonl", 2, shard=7),
        lambda to: changed_entry(to / "manifest.jsonl", 2, pictures=-1),
        lambda to: changed_entry(to / "manifest.jsonl", 2, pictures="6"),
        lambda to: changed_entry(to / "manifest.jsonl", 2, pictures=5),
        lambda to: changed_entry(to / "manifest.jsonl", 2, pictures=700),
        lambda to: changed_entry(to / "manifest.jsonl", 2, identities=3),
        lambda to: changed_entry(to / "manifest.jsonl", 2, files=[3]),
        lambda to: changed_entry(
            to / "manifest.jsonl", 2, files=[{"name": "../x", "bytes": 1, "sha256": ""}]
        ),
        lambda to: changed_entry(to / "manifest.jsonl", 4, pictures=19),
    ],
)
def test_a_garbled_manifest_is_named(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    write_dataset(tmp_path / "faces", "folder")
    damage(tmp_path / "faces")
    with pytest.raises(guise.CorruptFile, match=r"manifest\.jsonl|plan\.json"):
        data.open(tmp_path / "faces")


@every_format
def test_absent_and_cut_files_are_named(tmp_path: Path, format: str) -> None:
    write_dataset(tmp_path / "faces", format)
    path = tmp_path / "faces" / DATA_FILES[format]
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(guise.CorruptFile, match=f"{path.name}|picture 7"):
        data.open(tmp_path / "faces")[7]
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :])
    with pytest.raises(guise.CorruptFile, match=f"{path.name}|000042"):
        data.open(tmp_path / "faces", verify=True)
    path.unlink()
    with pytest.raises(guise.Unavailable, match=path.name):
        data.open(tmp_path / "faces")[7]
    with pytest.raises(guise.Unavailable, match=path.name):
        data.open(tmp_path / "faces", verify=True)


@pytest.mark.parametrize("format", ["folder", "recordio"])
def test_damaged_metadata_is_named(tmp_path: Path, format: str) -> None:
    write_dataset(tmp_path / "faces", format, absent=GIVEN_UP)
    lines = tmp_path / "faces" / "metadata.jsonl"
    whole = lines.read_bytes()
    lines.write_bytes(whole[:-30])
    with pytest.raises(guise.CorruptFile, match=r"metadata\.jsonl"):
        data.open(tmp_path / "faces").metadata(0)
    lines.write_bytes(b"?" + whole[1:])
    with pytest.raises(guise.CorruptFile, match="line 1"):
        data.open(tmp_path / "faces").metadata(0)
    lines.write_bytes(whole.replace(b'"identity": 40', b'"identity": 91'))
    if format == "folder":
        with pytest.raises(guise.CorruptFile, match="line 1"):
            data.open(tmp_path / "faces").picture_bytes(0)
    lines.unlink()
    with pytest.raises(guise.Unavailable, match=r"metadata\.jsonl"):
        data.open(tmp_path / "faces").metadata(0)


@pytest.mark.parametrize("format", ["webdataset", "recordio", "parquet"])
def test_no_damage_escapes_as_another_error(tmp_path: Path, format: str) -> None:
    """Without a manifest nothing promises a length: the parsers stand alone."""
    folder, chance, refused = tmp_path / "faces", random.Random(5), 0
    write_dataset(folder, format, identities=2, images=2)
    (folder / "plan.json").unlink()
    (folder / "manifest.jsonl").unlink()
    paths = [p for p in folder.rglob("*") if p.suffix in (".tar", ".rec", ".idx", ".parquet")]
    for _ in range(150):
        path = chance.choice(paths)
        whole = path.read_bytes()
        broken = bytearray(whole)
        if chance.random() < 0.5:
            del broken[chance.randrange(len(broken)) :]
        else:
            for _ in range(3):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
        path.write_bytes(broken)
        try:
            faces = data.open(folder)
            assert len(faces.labels) == len(faces)
            for i in range(len(faces)):
                faces.picture_bytes(i)
        except (guise.CorruptFile, guise.Unavailable, ValueError) as error:
            assert str(folder) in str(error)
            refused += 1
        path.write_bytes(whole)
    assert refused > 30
