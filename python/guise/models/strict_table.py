"""A table of the registry, read strictly: what is missing, ill-formed or unknown is an error."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

_SHA256 = re.compile(r"[0-9a-f]{64}")


class Table:
    """A TOML table whose fields are taken one by one; `close` refuses what nobody asked for."""

    def __init__(self, where: str, values: object) -> None:
        self._where = where
        if not isinstance(values, dict):
            raise ValueError(f"registry.toml, {where}: must be a table; got {values!r}")
        self._values: dict[str, Any] = dict(values)

    def _fail(self, key: str, must: str, value: object) -> ValueError:
        return ValueError(f"registry.toml, {self._where} {key}: must be {must}; got {value!r}")

    def _take(self, key: str) -> object:
        if key not in self._values:
            raise ValueError(f"registry.toml, {self._where} {key}: must be given; it is missing")
        return self._values.pop(key)

    def has(self, key: str) -> bool:
        return key in self._values

    def text(self, key: str) -> str:
        value = self._take(key)
        if not isinstance(value, str) or not value.strip():
            raise self._fail(key, "a text that is not empty", value)
        return value

    def matching(self, key: str, pattern: re.Pattern[str], must: str) -> str:
        value = self.text(key)
        if not pattern.fullmatch(value):
            raise self._fail(key, must, value)
        return value

    def sha256(self, key: str = "sha256") -> str:
        return self.matching(key, _SHA256, "64 lower-case hexadecimal digits")

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        value = self.text(key)
        if value not in choices:
            raise self._fail(key, "one of " + ", ".join(choices), value)
        return value

    def size_bytes(self, key: str = "bytes") -> int:
        value = self._take(key)
        if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
            raise self._fail(key, "a whole number of bytes above 0", value)
        return value

    def whole(self, key: str, low: int, high: int) -> int:
        value = self._take(key)
        if type(value) is not int or not low <= value <= high:
            raise self._fail(key, f"a whole number from {low} to {high}", value)
        return value

    def number(self, key: str, low: float, high: float) -> float:
        value = self._take(key)
        if type(value) not in (int, float) or not low <= value <= high:  # type: ignore[operator]
            raise self._fail(key, f"a number from {low:g} to {high:g}", value)
        return float(value)  # type: ignore[arg-type]

    def number_triple(self, key: str, low: float, high: float) -> tuple[float, float, float]:
        value = self._take(key)
        if (
            not isinstance(value, list)
            or len(value) != 3
            or not all(type(v) in (int, float) and low <= v <= high for v in value)
        ):
            raise self._fail(key, f"three numbers from {low:g} to {high:g}, one a channel", value)
        return float(value[0]), float(value[1]), float(value[2])

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._take(key)
        if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
            raise self._fail(key, "a list of texts that is not empty", value)
        return tuple(value)

    def relative_path(self, key: str) -> str:
        value = self.text(key)
        path = PurePosixPath(value)
        if path.is_absolute() or ".." in path.parts or "\\" in value or str(path) != value:
            raise self._fail(key, "a plain relative path without '..'", value)
        return value

    def table(self, key: str) -> Table:
        return Table(f"[{self._where.strip('[]')}.{key}]", self._take(key))

    def number_pair(self, key: str) -> tuple[float, float]:
        value = self._take(key)
        numbers = isinstance(value, list) and all(type(v) in (int, float) for v in value)
        if not isinstance(value, list) or not numbers or len(value) != 2 or value[0] >= value[1]:
            raise self._fail(key, "[lowest, highest]", value)
        return float(value[0]), float(value[1])

    def close(self) -> None:
        if self._values:
            names = ", ".join(sorted(self._values))
            raise ValueError(
                f"registry.toml, {self._where}: must hold known fields only; got {names}"
            )
