"""The engine's safetensors against the package `safetensors`, in both directions."""

from __future__ import annotations

import json
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import guise
from guise import _core

reference = pytest.importorskip("safetensors.torch", reason="needs safetensors: guise[test]")
hypothesis = pytest.importorskip("hypothesis", reason="needs hypothesis: guise[test]")
st = hypothesis.strategies

DTYPES = (
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
)


@st.composite
def tensors(draw: st.DrawFn) -> torch.Tensor:
    """Any dtype and shape, sides of 0 and no sides at all included; any bits."""
    dtype = draw(st.sampled_from(DTYPES))
    shape = draw(st.lists(st.integers(0, 4), max_size=5))
    count = int(torch.Size(shape).numel()) * dtype.itemsize
    raw = torch.frombuffer(
        bytearray(draw(st.binary(min_size=count, max_size=count)) + b"\0"), dtype=torch.uint8
    )[:count]
    if dtype == torch.bool:
        return (raw > 127).reshape(shape)
    return raw.clone().view(dtype).reshape(shape) if count else torch.empty(shape, dtype=dtype)


# No NUL: the reference parser and ours both refuse it.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
NAMES = TEXTS.filter(lambda name: name != "__metadata__")


def same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Equal dtype, shape and bytes: NaNs with their payload too."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    flat = (each.contiguous().reshape(-1) for each in (a, b))
    first, second = (x if x.dtype == torch.bool else x.view(torch.uint8) for x in flat)
    return torch.equal(first, second)


def assert_same(got: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> None:
    assert sorted(got) == sorted(wanted)
    assert [name for name in wanted if not same_bits(got[name], wanted[name])] == []


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="guise-safetensors-") as path:
        yield Path(path)


@hypothesis.settings(max_examples=150, deadline=None)
@hypothesis.given(
    st.dictionaries(NAMES, tensors(), max_size=4), st.dictionaries(TEXTS, TEXTS, max_size=3)
)
def test_what_one_writes_the_other_reads(
    folder: Path, values: dict[str, torch.Tensor], metadata: dict[str, str]
) -> None:
    ours, theirs = folder / "ours.safetensors", folder / "theirs.safetensors"
    _core.write_safetensors(str(ours), values, metadata=metadata)
    reference.save_file(values, theirs, metadata=metadata or None)
    for path in (ours, theirs):
        assert_same(_core.read_safetensors(str(path)), values)
        assert_same(reference.load_file(path), values)
        with reference.safe_open(path, "pt") as file:
            assert (file.metadata() or {}) == metadata
    # The order of metadata is chance in the reference writer.
    if len(metadata) < 2:
        assert ours.read_bytes() == theirs.read_bytes()


def test_tensors_that_are_not_contiguous(folder: Path) -> None:
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    values = {"turned": base.t(), "every second": base[:, ::2], "expanded": base[:1].expand(3, 6)}
    path = folder / "strided.safetensors"
    _core.write_safetensors(str(path), values)
    assert_same(reference.load_file(path), values)


def header(**entries: object) -> bytes:
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text


def entry(dtype: str = "F32", shape: object = (2,), offsets: object = (0, 8)) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


GOOD = header(a=entry(), b=entry(offsets=[8, 16])) + bytes(16)

CORRUPT = {
    "empty": b"",
    "no header": GOOD[:7],
    "cut in the header": GOOD[:40],
    "cut in the data": GOOD[:-1],
    "more data": GOOD + b"\0",
    "header beyond the file": struct.pack("<Q", 1 << 40) + GOOD[8:],
    "header of 2**64 - 1": b"\xff" * 8 + GOOD[8:],
    "header of no JSON": struct.pack("<Q", 4) + b"{{{{",
    "header that is a list": struct.pack("<Q", 2) + b"[]",
    "header that is not UTF-8": struct.pack("<Q", 7) + b'{"\xff":1}',
    "hole": header(a=entry(), b=entry(offsets=[12, 20])) + bytes(20),
    "overlap": header(a=entry(), b=entry(offsets=[4, 12])) + bytes(12),
    "backwards": header(a=entry(offsets=[8, 0])) + bytes(8),
    "too few bytes for the shape": header(a=entry(shape=[3])) + bytes(8),
    "too many bytes for the shape": header(a=entry(shape=[1])) + bytes(8),
    "shape that overflows": header(a=entry(shape=[1 << 62, 4, 4], offsets=[0, 0])),
    "negative side": header(a=entry(shape=[-2])) + bytes(8),
    "half a side": header(a=entry(shape=[1.5])) + bytes(8),
    "unknown dtype": header(a=entry(dtype="F33")) + bytes(8),
    "no dtype": header(a={"shape": [2], "data_offsets": [0, 8]}) + bytes(8),
    "one offset": header(a=entry(offsets=[0])) + bytes(8),
    "metadata that is no text": header(__metadata__={"a": 1}, a=entry()) + bytes(8),
}


def test_the_good_file_is_good(folder: Path) -> None:
    path = folder / "good.safetensors"
    path.write_bytes(GOOD)
    assert_same(_core.read_safetensors(str(path)), reference.load_file(path))


@pytest.mark.parametrize("name", CORRUPT)
def test_corrupt_files_are_refused_by_both(folder: Path, name: str) -> None:
    path = folder / "corrupt.safetensors"
    path.write_bytes(CORRUPT[name])
    with pytest.raises(guise.CorruptFile, match=r"corrupt\.safetensors"):
        _core.read_safetensors(str(path))
    with pytest.raises(Exception, match=r"."):
        reference.load_file(path)


@hypothesis.settings(max_examples=300, deadline=None)
@hypothesis.given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_we_read_nothing_that_the_reference_refuses(folder: Path, at: int, byte: int) -> None:
    path = folder / "changed.safetensors"
    path.write_bytes(GOOD[:at] + bytes([byte]) + GOOD[at + 1 :])
    try:
        ours = _core.read_safetensors(str(path))
    except guise.CorruptFile:
        return
    assert_same(ours, reference.load_file(path))
