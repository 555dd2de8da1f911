"""guise.data on datasets that others made: no plan, no manifest, their own habits."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from dataset_twins import (
    add_member,
    image_record,
    labels_record,
    picture,
    read_recordio_like_arcface_torch,
    read_webdataset,
    record,
    write_dataset,
    write_records,
)

import guise
from guise import data
from guise.data import tar_index

SPLIT = b"\x0a\x23\xd7\xce"  # the magic of a record, as bytes


def contents(faces: data.FaceDataset) -> list[tuple[bytes, int]]:
    pictures = [faces.picture_bytes(i) for i in range(len(faces))]
    assert all(faces.metadata(i) == {} for i in range(len(faces)))
    assert faces.plan == {} and faces.identities.equal(faces.labels)
    return list(zip(pictures, faces.labels.tolist(), strict=True))


def test_class_folders_count_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b/2.jpg", "b/10.JPG", "a/deep/1.png", "a/notes.txt", "empty/readme.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(ord(name[0]), len(name), "jpg"))
    (tmp_path / "a" / "1.parts.png").write_bytes(b"a map of `guise render`")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "1.jpg").write_bytes(b"")
    faces = data.open(tmp_path)
    wanted = [("a/deep/1.png", 0), ("b/10.JPG", 1), ("b/2.jpg", 1)]
    assert contents(faces) == [((tmp_path / name).read_bytes(), label) for name, label in wanted]
    assert (faces.format, faces.classes) == ("folder", 2)


def test_what_is_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must hold pictures"):
        data.open(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.jpg").write_bytes(picture(0, 0))
    with pytest.raises(ValueError, match=r"manifest\.jsonl; open it without"):
        data.open(tmp_path, verify=True)
    with pytest.raises(guise.Unavailable, match="folder of a dataset"):
        data.open(tmp_path / "a" / "1.jpg")
    (tmp_path / "train.rec").write_bytes(record(b"hello"))
    with pytest.raises(guise.Unavailable, match=r"train\.idx"):
        data.open(tmp_path)


# ---- WebDataset ----------------------------------------------------------------------------------


def test_tars_of_the_webdataset_package(tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    for shard in range(2):
        with webdataset.TarWriter(str(tmp_path / f"x-{shard}.tar")) as writer:
            for i in range(4):
                key = f"{'folder/' * 20 if i == 2 else ''}ä{shard}{i}"  # a long name, and UTF-8
                sample = {"__key__": key, "jpg": picture(shard, i), "cls": 2 * shard + i % 2}
                writer.write({**sample, "json": {"any": 1}})
    faces = data.open(tmp_path)
    assert contents(faces) == read_webdataset(tmp_path)
    assert (faces.format, len(faces), faces.classes) == ("webdataset", 8, 4)


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_kind_of_tar(tmp_path: Path, format: int) -> None:
    names = ["a.jpg", f"{'long' * 20}/{'name' * 20}.v1.x.jpg", "b/c.PNG", "no_picture.txt"]
    with tarfile.open(tmp_path / "x.tar", "w", format=format) as tar:
        folder = tarfile.TarInfo("b")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for label, name in enumerate(names[:3]):
            parent, _, last = name.rpartition("/")
            stem = f"{parent}/{last.partition('.')[0]}" if parent else last.partition(".")[0]
            add_member(tar, f"{stem}.cls", f"{label}\n".encode())
            add_member(tar, f"{stem}.{last.rpartition('.')[2]}", picture(label, 0))
        link = tarfile.TarInfo("a.link")
        link.type, link.linkname = (
            tarfile.SYMTYPE,
            "far/" * (20 if format == tarfile.USTAR_FORMAT else 40),
        )
        tar.addfile(link)
        add_member(tar, names[3], b"text")
    assert contents(data.open(tmp_path)) == [(picture(i, 0), i) for i in range(3)]
    with tarfile.open(tmp_path / "x.tar") as tar:
        plain = [(m.name, m.offset_data, m.size) for m in tar if m.isreg()]
    whole = (tmp_path / "x.tar").read_bytes()
    found = tar_index.members(lambda at, n: whole[at : at + n], len(whole), "x.tar")
    assert [(m.name, m.offset, m.size) for m in found] == plain


def test_pictures_without_a_class_are_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        add_member(tar, "a.jpg", picture(0, 0))
    with pytest.raises(guise.CorruptFile, match=r"\.cls for a"):
        data.open(tmp_path)
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        add_member(tar, "a.jpg", picture(0, 0))
        add_member(tar, "a.cls", b"cat")
    with pytest.raises(guise.CorruptFile, match=r"whole number as a\.cls; it has b'cat'"):
        data.open(tmp_path)


# ---- RecordIO ------------------------------------------------------------------------------------


def test_records_without_a_header_are_all_pictures(tmp_path: Path) -> None:
    """As im2rec writes them: any keys, labels alone or in a list, pictures that were split."""
    images = [picture(i, 0) for i in range(4)]
    images[2] = images[2] + b"\0" * (-len(images[2]) % 4) + SPLIT + SPLIT + b"end"
    records = [
        (7, image_record(3, 7, images[0])),
        (0, image_record(1, 0, images[1])),
        (3, labels_record([2, 0.5], 3, images[2])),
        (9, image_record(0, 9, images[3])),
    ]
    write_records(tmp_path, records)
    faces = data.open(tmp_path)
    assert contents(faces) == list(zip(images, [3, 1, 2, 0], strict=True))
    assert contents(faces) == read_recordio_like_arcface_torch(tmp_path)
    assert [faces[i][1] for i in range(4)] == [3, 1, 2, 0]
    assert (faces.format, faces.classes) == ("recordio", 4)


def test_a_header_without_identity_records(tmp_path: Path) -> None:
    images = [picture(i, 0) for i in range(3)]
    records = [(0, labels_record([4.0, 4.0], 0))]
    records += [(i, labels_record([i - 1, 9, 9], i, images[i - 1])) for i in (1, 2, 3)]
    write_records(tmp_path, records)
    (tmp_path / "property").write_text("85742,112,112\n")
    faces = data.open(tmp_path)
    assert contents(faces) == [(images[0], 0), (images[1], 1), (images[2], 2)]
    assert contents(faces) == read_recordio_like_arcface_torch(tmp_path)
    assert faces.classes == 85742


@pytest.mark.parametrize(
    "index",
    ["", "0\t0\n1", "0\t0\n1\tx\n", "0 0\n", "0\t0\t0\n", "0\t0\n0\t40\n", "0\t2\n", "0\t-4\n",
     "0\t400000\n", "0\t99999999999999999999\n", "-1\t0\n"],
)  # fmt: skip
def test_a_garbled_index_is_named(tmp_path: Path, index: str) -> None:
    write_records(tmp_path, [(0, image_record(0, 0, picture(0, 0)))])
    (tmp_path / "train.idx").write_text(index)
    with pytest.raises(guise.CorruptFile, match=r"train\.idx"):
        data.open(tmp_path)


@pytest.mark.parametrize("label", [0.0, -3.0, float("nan"), float("inf"), 3e38, 9.0])
def test_a_header_that_promises_nonsense_is_refused(tmp_path: Path, label: float) -> None:
    records = [(0, labels_record([label, label], 0)), (1, image_record(0, 1, picture(0, 0)))]
    write_records(tmp_path, records)
    with pytest.raises(guise.CorruptFile, match=r"train\.(rec|idx)"):
        data.open(tmp_path)


@pytest.mark.parametrize("label", [0.5, -1.0, float("nan"), 3e38])
def test_labels_must_be_classes(tmp_path: Path, label: float) -> None:
    write_records(tmp_path, [(0, image_record(label, 0, picture(0, 0)))])
    faces = data.open(tmp_path)
    for read in (lambda: faces.labels, lambda: faces[0]):
        with pytest.raises(guise.CorruptFile, match="class as label"):
            read()


# ---- Parquet -------------------------------------------------------------------------------------


def test_parquet_of_others(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    wanted = write_dataset(tmp_path / "faces", "parquet")
    for path in (tmp_path / "faces").glob("*.json*"):
        path.unlink()
    faces = data.open(tmp_path / "faces")
    assert contents(faces) == [(stored, label) for stored, label, _ in wanted]
    assert (faces.format, faces.classes) == ("parquet", 6)


def test_parquet_without_pictures_is_refused(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"words": ["a"]}), tmp_path / "x.parquet")
    faces = data.open(tmp_path)
    with pytest.raises(guise.CorruptFile, match="columns image and label"):
        faces.picture_bytes(0)
    with pytest.raises(guise.CorruptFile, match="columns image and label"):
        faces.labels  # noqa: B018
    empty = {"image": [None], "label": pyarrow.array([None], pyarrow.int64())}
    parquet.write_table(pyarrow.table(empty), tmp_path / "x.parquet")
    with pytest.raises(guise.CorruptFile, match=r"x\.parquet"):
        data.open(tmp_path).picture_bytes(0)
