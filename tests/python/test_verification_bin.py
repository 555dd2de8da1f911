"""Verification sets: whatever Python and numpy write is read, nothing in them is ever run."""

from __future__ import annotations

import io
import os
import pickle
import pickletools
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import guise
from guise import _core

PICTURES = [bytes([0xFF, 0xD8, *range(256)]), b"\x89PNG'\"\n\\", b"third \xe9", b"fourth\x00"]
SAME = [True, False]


def read(path: Path, data: bytes) -> _core.VerificationBin:
    path.write_bytes(data)
    return _core.read_verification_bin(str(path))


def pictures_of(bin: _core.VerificationBin) -> list[bytes]:
    return [bin.picture(i) for i in range(2 * len(bin))]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("form", ["bytes", "arrays", "columns", "writable", "tuples"])
def test_reads_what_python_writes(tmp_path: Path, form: str, protocol: int) -> None:
    arrays: list[Any] = [np.frombuffer(picture, np.uint8) for picture in PICTURES]
    value: Any = {
        "bytes": (PICTURES, SAME),
        "arrays": (arrays, [np.bool_(same) for same in SAME]),
        "columns": ([array.reshape(-1, 1) for array in arrays], np.array(SAME)),
        "writable": [[array.copy() for array in arrays], tuple(np.array(SAME))],
        "tuples": (tuple(PICTURES), tuple(SAME)),
    }[form]
    data = pickle.dumps(value, protocol=protocol)
    for written in (data, pickletools.optimize(data)):
        bin = read(tmp_path / "set.bin", written)
        assert pictures_of(bin) == PICTURES and bin.same == SAME


def python_2(protocol: int) -> bytes:
    """What cPickle of Python 2 makes of (list of str, list of bool)."""
    if protocol == 0:
        quoted = [repr(picture)[1:].encode() for picture in PICTURES]
        pictures = b"".join(b"S" + text + b"\np%d\na" % i for i, text in enumerate(quoted, 2))
        return b"((lp1\n" + pictures + b"(lp8\nI01\naI00\natp9\n."
    short = b"".join(
        (b"U" + bytes([len(p)]) if len(p) < 256 else b"T" + struct.pack("<I", len(p))) + p
        for p in PICTURES
    )
    return b"\x80\x02]q\x01(" + short + b"e]q\x02(\x88\x89e\x86q\x03."


@pytest.mark.parametrize("protocol", [0, 2])
def test_reads_what_python_2_wrote(tmp_path: Path, protocol: int) -> None:
    data = python_2(protocol)
    assert pickle.loads(data, encoding="bytes")[0] == PICTURES, "a pickle as Python sees it"
    assert pictures_of(read(tmp_path / "set.bin", data)) == PICTURES


def load_bin(path: Path) -> tuple[list[bytes], list[bool]]:
    """As insightface's verification.py does."""
    try:
        with open(path, "rb") as f:
            bins, issame_list = pickle.load(f)
    except UnicodeDecodeError:
        with open(path, "rb") as f:
            bins, issame_list = pickle.load(f, encoding="bytes")
    return bins, issame_list


def test_python_reads_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "set.bin"
    _core.write_verification_bin(str(path), PICTURES * 700, SAME * 700)
    assert load_bin(path) == (PICTURES * 700, SAME * 700)
    first = path.read_bytes()
    _core.write_verification_bin(str(path), PICTURES * 700, SAME * 700)
    assert path.read_bytes() == first
    again = _core.read_verification_bin(str(path))
    assert pictures_of(again) == PICTURES * 700 and again.same == SAME * 700
    assert sorted(p.name for p in tmp_path.iterdir()) == ["set.bin"]


class Runs:
    """Leaves a file behind wherever it is unpickled."""

    def __init__(self, call: Any, *arguments: Any) -> None:
        self._reduced = call, arguments

    def __reduce__(self) -> Any:
        return self._reduced


def hostile(marker: Path) -> dict[str, Any]:
    touch = f"touch {marker}"
    open_it = Runs(open, str(marker), "w")
    return {
        "instead of everything": Runs(os.system, touch),
        "instead of the labels": (PICTURES, Runs(os.system, touch)),
        "as a picture": ([*PICTURES[:3], open_it], SAME),
        "as a label": (PICTURES, [True, Runs(eval, f"open({str(marker)!r}, 'w')")]),
        "inside an array": (np.array([open_it, 1], dtype=object), SAME),
        "before the rest": (PICTURES, SAME, open_it),
    }


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_nothing_is_run(tmp_path: Path, protocol: int) -> None:
    marker = tmp_path / "ran"
    for name, value in hostile(marker).items():
        data = pickle.dumps(value, protocol=protocol)
        with pytest.raises(guise.CorruptFile, match=r"set\.bin"):
            read(tmp_path / "set.bin", data)
        assert not marker.exists(), name
    pickle.loads(pickle.dumps(hostile(marker)["as a picture"], protocol=protocol))
    assert marker.exists(), "the pickles are able to run something"


def test_names_what_it_refuses(tmp_path: Path) -> None:
    data = pickle.dumps((PICTURES, Runs(os.system, "true")))
    with pytest.raises(guise.CorruptFile, match=rf"{os.system.__module__}\.system.*not|run"):
        read(tmp_path / "set.bin", data)
    for value, word in (({"a": 1}, "DICT"), ((PICTURES, [0.5]), "FLOAT")):
        with pytest.raises(guise.CorruptFile, match=word):
            read(tmp_path / "set.bin", pickle.dumps(value))


@pytest.mark.parametrize(
    "value",
    [
        (PICTURES, [True]),
        (PICTURES[:3], SAME),
        ([], []),
        (PICTURES, [1, 0]),
        (PICTURES, ["True", "False"]),
        ([*PICTURES[:3], b""], SAME),
        ([*PICTURES[:3], "text"], SAME),
        ([*PICTURES[:3], None], SAME),
        ([np.zeros((2, 2), np.uint8)] * 4, SAME),
        ([np.zeros(4, np.float32)] * 4, SAME),
        (PICTURES, np.array([1, 0], np.uint8)),
        PICTURES,
        None,
        17,
    ],
    ids=lambda value: str(type(value)),
)
def test_what_is_no_set_of_pairs(tmp_path: Path, value: Any) -> None:
    with pytest.raises(guise.CorruptFile):
        read(tmp_path / "set.bin", pickle.dumps(value))


def test_a_file_that_changed_is_read_or_refused_and_nothing_else(tmp_path: Path) -> None:
    """Random changes; a crash would end the process, a wrong type the test."""
    chance = random.Random(0)
    arrays = [np.frombuffer(picture, np.uint8) for picture in PICTURES]
    whole = [pickle.dumps((arrays, SAME), protocol=p) for p in (2, 4, 5)] + [python_2(0)]
    refused = 0
    for _ in range(600):
        data = bytearray(chance.choice(whole))
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.choice([0, 0xFF, chance.randrange(256)])
        del data[chance.choice([len(data), chance.randrange(len(data))]) :]
        try:
            bin = read(tmp_path / "set.bin", bytes(data))
            assert all(pictures_of(bin)) and len(bin.same) == len(bin)
        except guise.CorruptFile:
            refused += 1
    assert 200 < refused < 600


def test_limits(tmp_path: Path) -> None:
    path = tmp_path / "set.bin"
    _core.write_verification_bin(str(path), PICTURES, SAME)
    for name, most in (("max_pairs", 1), ("max_picture_bytes", 100), ("max_file_bytes", 50)):
        limits = _core.VerificationBinLimits(**{name: most})
        with pytest.raises(guise.CorruptFile):
            _core.read_verification_bin(str(path), limits=limits)
    with pytest.raises(ValueError):
        limits = _core.VerificationBinLimits(max_pairs=0)
        _core.read_verification_bin(str(path), limits=limits)
    bin = _core.read_verification_bin(str(path))
    with pytest.raises(IndexError):
        bin.picture(4)
    with pytest.raises(IndexError):
        bin.picture(-1)
    with pytest.raises(guise.Unavailable):
        _core.read_verification_bin(str(tmp_path / "none.bin"))


def test_a_bomb_costs_nothing(tmp_path: Path) -> None:
    """One picture of a megabyte, in two hundred thousand places of the file's lists."""
    out = io.BytesIO()
    out.write(b"\x80\x04](B" + struct.pack("<I", 1 << 20) + bytes(1 << 20) + b"\x94h\x00" * 1)
    out.write(b"h\x00" * 199_998 + b"e](" + b"\x88" * 100_000 + b"e\x86.")
    bin = read(tmp_path / "set.bin", out.getvalue())
    assert len(bin) == 100_000
    assert bin.picture(199_999) == bytes(1 << 20)


def test_refuses_to_write_what_is_no_set(tmp_path: Path) -> None:
    path = str(tmp_path / "set.bin")
    for pictures, same in ((PICTURES, [True]), ([], []), ([b"", b"a"], [True])):
        with pytest.raises(ValueError):
            _core.write_verification_bin(path, pictures, same)
    with pytest.raises(guise.Unavailable):
        _core.write_verification_bin(str(tmp_path / "no" / "set.bin"), PICTURES, SAME)
    assert list(tmp_path.iterdir()) == []
