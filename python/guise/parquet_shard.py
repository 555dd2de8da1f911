"""One shard of a dataset as a Parquet file that Hugging Face `datasets` shows as pictures.

Columns: image (bytes and path), label, then each field of a picture's line of metadata; attributes
have a column each. Needs pyarrow, `pip install guise[parquet]`.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from guise import _core

# Fields of a line beside its file and its attributes, in order; their types in Parquet and what
# `datasets` calls them.
_WHOLE, _NUMBER, _BOOL, _TEXT = "int64", "float64", "bool", "string"
_FACT_TYPES: dict[str, tuple[str, int]] = {
    "label": (_WHOLE, 0),
    "identity": (_WHOLE, 0),
    "sample": (_WHOLE, 0),
    "attempt": (_WHOLE, 0),
    "landmarks": (_NUMBER, 2),  # lists in lists
    "box": (_NUMBER, 1),
}
FACTS = tuple(_FACT_TYPES)
_ROWS_PER_GROUP = 500
_KINDS = {"number": _NUMBER, "bool": _BOOL, "string": _TEXT}


def load_pyarrow() -> tuple[Any, Any]:
    """The modules pyarrow and pyarrow.parquet. Raises Unavailable naming the extra."""
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise _core.Unavailable(
            "Parquet must have pyarrow, which is not installed; pip install guise[parquet]"
        ) from None


def writer_version() -> str:
    """ "pyarrow 26.0.1": another version may write other bytes. Raises Unavailable."""
    return f"pyarrow {load_pyarrow()[0].__version__}"


def parquet_bytes(
    pictures: Sequence[bytes],
    lines: Sequence[str],
    *,
    attributes: Mapping[str, str] | None = None,
) -> bytes:
    """The same bytes for the same pictures and version of pyarrow.

    pictures: encoded, [N]. lines: their metadata, JSON, [N]. attributes: name -> "number", "bool"
    or "string", in the order of the columns; None: what the first line has. A shard without
    pictures has the columns of the others only if they are given.
    Raises ValueError (lines that are no metadata, or of another shape) and Unavailable.
    """
    arrow, parquet = load_pyarrow()
    if len(pictures) != len(lines):
        raise ValueError(
            f"there must be a line for each picture; got {len(pictures)} and {len(lines)}"
        )
    rows = [_row(line, number) for number, line in enumerate(lines)]
    if attributes is None:
        attributes = _kinds(rows[0]["attributes"]) if rows else {}
    types = _column_types(attributes)
    for number, row in enumerate(rows):
        if _kinds(row["attributes"]) != dict(attributes):
            raise ValueError(
                f"every picture must have the attributes {dict(attributes)}; line {number} has "
                f"{_kinds(row['attributes'])}"
            )
    schema = _schema(arrow, types)
    sink = arrow.BufferOutputStream()
    with parquet.ParquetWriter(sink, schema, **_writer_options(types)) as writer:
        for start in range(0, len(rows), _ROWS_PER_GROUP):
            part = slice(start, start + _ROWS_PER_GROUP)
            table = _table(arrow, schema, pictures[part], rows[part])
            writer.write_table(table, row_group_size=_ROWS_PER_GROUP)
    return bytes(sink.getvalue().to_pybytes())


def _row(line: str, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    wanted = {"file", *FACTS, "attributes"}
    if not isinstance(row, dict) or set(row) != wanted or not isinstance(row["attributes"], dict):
        raise ValueError(
            f"line {number} must be a JSON object with {', '.join(sorted(wanted))}; it is "
            f"{line[:80]!r}"
        )
    return row


def _kinds(attributes: Mapping[str, Any]) -> dict[str, str]:
    return {name: _kind(name, value) for name, value in attributes.items()}


def _kind(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    raise ValueError(f"attribute {name} must be a number, a bool or a string; got {value!r}")


def _column_types(attributes: Mapping[str, str]) -> dict[str, tuple[str, int]]:
    """Type and depth of lists of every column but the image."""
    for name, kind in attributes.items():
        if kind not in _KINDS:
            raise ValueError(f"{name} must be one of {', '.join(_KINDS)}; got {kind!r}")
        if name in _FACT_TYPES or name in ("image", "file") or not name or "." in name:
            raise ValueError(
                f"an attribute must not be called {name!r}: it would be mistaken for another column"
            )
    return {**_FACT_TYPES, **{name: (_KINDS[kind], 0) for name, kind in attributes.items()}}


def _schema(arrow: Any, types: Mapping[str, tuple[str, int]]) -> Any:
    image = arrow.struct([("bytes", arrow.binary()), ("path", arrow.string())])
    fields, features = [("image", image)], {"image": {"_type": "Image"}}
    of_name = {_WHOLE: arrow.int64(), _NUMBER: arrow.float64(), _BOOL: arrow.bool_()}
    for name, (kind, depth) in types.items():
        column = of_name.get(kind, arrow.string())
        feature: dict[str, Any] = {"dtype": kind, "_type": "Value"}
        for _ in range(depth):
            # "Sequence" is read by every version of `datasets`, "List" by newer ones only.
            column, feature = arrow.list_(column), {"feature": feature, "_type": "Sequence"}
        fields.append((name, column))
        features[name] = feature
    about = json.dumps({"info": {"features": features}})
    return arrow.schema(fields, metadata={"huggingface": about})


def _writer_options(types: Mapping[str, tuple[str, int]]) -> dict[str, Any]:
    """Pictures are compressed already; everything else by zstd. Nothing is left to defaults."""
    leaves = [name + ".list.element" * depth for name, (_, depth) in types.items()]
    texts = ["image.path", *(name for name, (kind, _) in types.items() if kind == _TEXT)]
    return {
        "version": "2.6",
        "data_page_version": "1.0",
        "compression": {"image.bytes": "NONE", **dict.fromkeys(["image.path", *leaves], "ZSTD")},
        "compression_level": dict.fromkeys(["image.path", *leaves], 3),
        "use_dictionary": texts,
        "write_statistics": leaves,
        "use_compliant_nested_type": True,
        "store_schema": True,
    }


def _table(
    arrow: Any, schema: Any, pictures: Sequence[bytes], rows: Sequence[dict[str, Any]]
) -> Any:
    images = [
        {"bytes": picture, "path": row["file"]} for picture, row in zip(pictures, rows, strict=True)
    ]
    columns = [arrow.array(images, schema.field("image").type)]
    for field in list(schema)[1:]:
        values = [
            row[field.name] if field.name in FACTS else row["attributes"][field.name]
            for row in rows
        ]
        columns.append(_column(arrow, field, values))
    return arrow.Table.from_arrays(columns, schema=schema)


def _column(arrow: Any, field: Any, values: list[Any]) -> Any:
    try:
        return arrow.array(values, field.type)
    except (arrow.ArrowException, TypeError) as error:
        raise ValueError(f"{field.name} must be {field.type}: {error}") from None
