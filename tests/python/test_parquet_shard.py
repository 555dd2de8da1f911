"""A shard as Parquet: what pyarrow and Hugging Face's `datasets` find in it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from dataset_twins import line, picture

import guise
from guise.parquet_shard import parquet_bytes, writer_version

KINDS = {"yaw_deg": "number", "hat": "bool", "occluder": "string"}


def opened(data: bytes) -> Any:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    return parquet.ParquetFile(pyarrow.BufferReader(data))


def rows(count: int, first: int = 5) -> tuple[list[bytes], list[str]]:
    keys = [(first + i // 4, i % 4) for i in range(count)]
    return [picture(*key) for key in keys], [line(*key, first) for key in keys]


def test_columns_hold_pictures_and_lines() -> None:
    pictures, lines = rows(6)
    table = opened(parquet_bytes(pictures, lines)).read().to_pylist()
    for row, stored, text in zip(table, pictures, lines, strict=True):
        values = json.loads(text)
        assert row.pop("image") == {"bytes": stored, "path": values.pop("file")}
        assert row == {**values.pop("attributes"), **values}


def test_datasets_would_show_pictures() -> None:
    """The features that `datasets` reads must name every column with its type."""
    schema = opened(parquet_bytes(*rows(3))).schema_arrow
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert list(features) == schema.names
    assert features["image"] == {"_type": "Image"}
    assert [str(field.type) for field in schema.field("image").type] == ["binary", "string"]
    for name in ("label", "identity", "sample", "attempt"):
        assert features[name] == {"dtype": "int64", "_type": "Value"}
        assert str(schema.field(name).type) == "int64"
    assert features["box"]["feature"] == {"dtype": "float64", "_type": "Value"}
    assert features["landmarks"]["feature"] == features["box"]
    kinds = {name: features[name]["dtype"] for name in KINDS}
    assert kinds == {"yaw_deg": "float64", "hat": "bool", "occluder": "string"}


def test_the_same_bytes_and_schema_for_every_shard() -> None:
    pictures, lines = rows(6)
    data = parquet_bytes(pictures, lines)
    assert data == parquet_bytes(tuple(pictures), lines, attributes=KINDS)
    shards = [parquet_bytes(pictures[:1], lines[:1]), parquet_bytes([], [], attributes=KINDS)]
    for shard in shards:
        assert opened(shard).schema_arrow.equals(opened(data).schema_arrow, check_metadata=True)
        assert opened(shard).schema.equals(opened(data).schema)
    assert opened(shards[1]).metadata.num_rows == 0


def test_groups_of_500_rows_with_pictures_as_they_are() -> None:
    pictures, lines = rows(1001)
    footer = opened(parquet_bytes(pictures, lines)).metadata
    groups = [footer.row_group(i) for i in range(footer.num_row_groups)]
    assert [group.num_rows for group in groups] == [500, 500, 1]
    for i in range(groups[0].num_columns):
        column = groups[0].column(i)
        bare = column.path_in_schema == "image.bytes"
        assert column.compression == ("UNCOMPRESSED" if bare else "ZSTD"), column.path_in_schema
        assert not (bare and column.is_stats_set)


def changed(change: Callable[[dict[str, Any]], Any]) -> str:
    values = json.loads(line(5, 0, 5))
    change(values)
    return json.dumps(values)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("{", "line 1 must be a JSON object"),
        ("[]", "line 1 must be a JSON object"),
        (changed(lambda v: v.pop("box")), "attempt, attributes, box"),
        (changed(lambda v: v.update(extra=1)), "line 1 must be a JSON object with"),
        (changed(lambda v: v["attributes"].pop("hat")), "must have the attributes"),
        (changed(lambda v: v["attributes"].update(hat=1)), "must have the attributes"),
        (changed(lambda v: v["attributes"].update(hat=None)), "attribute hat must be a number"),
        (changed(lambda v: v.update(label="x")), "label must be int64"),
        (changed(lambda v: v.update(box=3)), "box must be list"),
    ],
)
def test_lines_of_another_shape_are_refused(bad: str, words: str) -> None:
    pytest.importorskip("pyarrow")
    with pytest.raises(ValueError, match=words):
        parquet_bytes([b"a", b"b"], [line(5, 1, 5), bad])


def test_arguments_that_do_not_fit_are_refused() -> None:
    pytest.importorskip("pyarrow")
    with pytest.raises(ValueError, match="a line for each picture; got 1 and 0"):
        parquet_bytes([b"a"], [])
    with pytest.raises(ValueError, match="number, bool, string; got 'float'"):
        parquet_bytes([], [], attributes={"yaw_deg": "float"})
    for name in ("label", "image", "file", "a.b", ""):
        with pytest.raises(ValueError, match="must not be called"):
            parquet_bytes([], [], attributes={name: "number"})


def test_the_writer_is_named() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    assert writer_version() == f"pyarrow {pyarrow.__version__}"


def test_without_pyarrow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for call in (writer_version, lambda: parquet_bytes([], [])):
        with pytest.raises(guise.Unavailable, match=r"pip install guise\[parquet\]"):
            call()
