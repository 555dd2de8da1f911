"""Pictures in Parquet files: `image` (bytes and path), `label`, and a column per fact.

A row group is read whole, the last few are kept: pictures in order are fast, a random one costs the
reading of its group.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from guise import _core
from guise.data.manifest import Manifest, Shard
from guise.data.picture_store import ManifestStore, PictureStore, checked_count
from guise.data.shard_files import REMEDY, IntArray, RecentlyUsed, absent
from guise.parquet_shard import FACTS, load_pyarrow

_OPEN_FILES, _KEPT_GROUPS = 16, 4
_Result = TypeVar("_Result")


class _ParquetFiles:
    """Files by number, their footers read on first touch."""

    def __init__(self, files: list[tuple[Path, int | None, int | None]]) -> None:
        """files: path, promised length and promised number of rows of each."""
        load_pyarrow()
        self._files = files
        self._open: RecentlyUsed[Any] = RecentlyUsed(_OPEN_FILES)
        self._groups: RecentlyUsed[Any] = RecentlyUsed(_KEPT_GROUPS)
        self._facts: RecentlyUsed[Any] = RecentlyUsed(_KEPT_GROUPS)
        self._starts: dict[int, IntArray] = {}

    def _checked(self, file: int, action: Callable[[], _Result]) -> _Result:
        """Runs what pyarrow does with a file; its errors are those of a damaged file."""
        path = self._files[file][0]
        arrow, _ = load_pyarrow()
        try:
            return action()
        except FileNotFoundError as error:
            raise absent(path, error) from None
        except (arrow.ArrowException, OSError, ValueError, KeyError) as error:
            raise _core.CorruptFile(
                f"{path} must be a Parquet file with the columns image and label: "
                f"{str(error)[:200]}; {REMEDY}"
            ) from None

    def _file(self, file: int) -> Any:
        return self._open.get(file, lambda: self._checked(file, lambda: self._opened(file)))

    def _opened(self, file: int) -> Any:
        path, size, _ = self._files[file]
        found = path.stat().st_size
        if size is not None and found != size:
            raise _core.CorruptFile(
                f"{path} must have {size} bytes, as manifest.jsonl says; it has {found}; {REMEDY}"
            )
        return load_pyarrow()[1].ParquetFile(path, memory_map=False, pre_buffer=False)

    def starts(self, file: int) -> IntArray:
        """int64 [row groups + 1]: number of the first row of each, and how many there are."""
        found = self._starts.get(file)
        if found is None:
            footer = self._file(file).metadata
            rows = [footer.row_group(group).num_rows for group in range(footer.num_row_groups)]
            found = np.cumsum([0, *rows], dtype=np.int64)
            checked_count(self._files[file][0], int(found[-1]), self._files[file][2])
            self._starts[file] = found
        return found

    def _place(self, file: int, row: int) -> tuple[int, int]:
        starts = self.starts(file)
        group = int(np.searchsorted(starts, row, side="right")) - 1
        return group, row - int(starts[group])

    def _read(self, file: int, group: int, columns: list[str]) -> Any:
        read = self._file(file).read_row_group
        return self._checked(file, lambda: read(group, columns=columns, use_threads=False))

    def picture(self, file: int, row: int) -> tuple[bytes, int]:
        group, place = self._place(file, row)
        columns = ["image.bytes", "label"]
        table = self._groups.get((file, group), lambda: self._read(file, group, columns))

        def values() -> tuple[bytes, int]:
            image, label = table.column("image")[place].as_py(), table.column("label")[place]
            return bytes(image["bytes"]), int(label.as_py())

        try:
            return self._checked(file, values)
        except TypeError:
            raise self._empty(file, row) from None

    def _empty(self, file: int, row: int) -> _core.CorruptFile:
        path = self._files[file][0]
        return _core.CorruptFile(f"{path} must have a picture and a label in row {row}; {REMEDY}")

    def facts(self, file: int, row: int) -> dict[str, Any]:
        """The line of metadata, put together from its columns."""
        group, place = self._place(file, row)
        names = self._file(file).schema_arrow.names
        columns = ["image.path", *(name for name in names if name != "image")]
        table = self._facts.get((file, group), lambda: self._read(file, group, columns))
        values = self._checked(file, lambda: table.slice(place, 1).to_pylist()[0])
        path = (values.pop("image") or {}).get("path")
        line = {"file": path, **{name: values.pop(name) for name in FACTS if name in values}}
        return {**line, "attributes": values}

    def labels(self, file: int) -> IntArray:
        def read() -> IntArray:
            table = self._file(file).read(columns=["label"], use_threads=False)
            return np.asarray(table.column("label").to_numpy(), dtype=np.int64)

        self.starts(file)
        try:
            return self._checked(file, read)
        except TypeError:
            raise self._empty(file, 0) from None


class ParquetStore(ManifestStore):
    """Parquet shards with a manifest."""

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        files = [(manifest.shard_file(shard, ".parquet"), shard) for shard in manifest.shards]
        folder = manifest.folder
        self._files = _ParquetFiles([(folder / f.name, f.bytes, s.pictures) for f, s in files])

    def picture(self, i: int) -> tuple[bytes, int]:
        return self._files.picture(*self.manifest.place(i))

    def metadata(self, i: int) -> dict[str, Any]:
        return self._files.facts(*self.manifest.place(i))

    def shard_labels(self, shard: Shard) -> IntArray:
        return self._files.labels(shard.index)


class ForeignParquetStore(PictureStore):
    """Parquet files of others, in the order of their names. All footers are read at once."""

    def __init__(self, paths: list[Path]) -> None:
        self._files = _ParquetFiles([(path, None, None) for path in paths])
        self._file_count = len(paths)
        counts = [0, *(int(self._files.starts(file)[-1]) for file in range(len(paths)))]
        self._starts = np.cumsum(counts, dtype=np.int64)

    @property
    def count(self) -> int:
        return int(self._starts[-1])

    def picture(self, i: int) -> tuple[bytes, int]:
        file = int(np.searchsorted(self._starts, i, side="right")) - 1
        return self._files.picture(file, i - int(self._starts[file]))

    def labels(self) -> IntArray:
        files = [self._files.labels(file) for file in range(self._file_count)]
        return np.concatenate(files, dtype=np.int64)
