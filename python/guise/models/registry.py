"""The model registry: `models/registry.toml`, read strictly into frozen dataclasses.

The file travels inside the package as `guise/_data/registry.toml`. The comment at its top says what
each field means; the classes here repeat only types. Whatever is missing, unknown or ill-formed is
a ValueError naming table, field and value.
"""

from __future__ import annotations

import contextlib
import difflib
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import guise

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from importlib.abc import Traversable

TASKS = ("detect", "landmarks", "recognise", "render")
ROLES = ("engine", "auditor")
RUNTIMES = ("opencv-dnn", "libtorch", "dlib", "renderer")
COMMERCIAL = ("yes", "no", "unknown")
ARCHIVES = ("wheel", "sdist")
SOURCES = ("pypi", "url", "file", "bundled")

# Licences under which a file may be fetched without asking first. Everything else needs --accept-
# licence.
FREE_LICENCES = frozenset(
    {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC-BY-4.0", "CC0-1.0", "ISC", "MIT"}
)

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_URL = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]+)?/\S+")


@dataclass(frozen=True)
class InputContract:
    """What the file expects of its input."""

    colour: str
    low: float
    high: float
    size: str


@dataclass(frozen=True)
class PypiSource:
    """One member of a pinned archive on the Python package index."""

    package: str
    version: str
    archive: str
    archive_sha256: str
    archive_bytes: int
    member: str

    @property
    def requirement(self) -> str:
        """The pinned requirement, as pip reads it."""
        return f"{self.package}=={self.version}"

    def __str__(self) -> str:
        return f"PyPI {self.requirement}, member {self.member}"


@dataclass(frozen=True)
class PinnedFile:
    """A file known by name, size and sha256."""

    file: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class UrlSource:
    """A file behind an https address, or the checkpoint `converted_from` that it is made of."""

    url: str
    converted_from: PinnedFile | None = None

    def __str__(self) -> str:
        return self.url if self.converted_from is None else f"{self.url}, converted here"


@dataclass(frozen=True)
class FileSource:
    """The user's own file."""

    origin: str

    def __str__(self) -> str:
        return f"your own copy of {self.origin}"


@dataclass(frozen=True)
class BundledSource:
    """A house model, which is part of the package. built_by: the command that makes it."""

    built_by: str

    def __str__(self) -> str:
        return f"part of guise, made by {self.built_by}"


Source = PypiSource | UrlSource | FileSource | BundledSource


@dataclass(frozen=True)
class ModelEntry:
    """One model of the registry."""

    name: str
    summary: str
    task: str
    role: str
    architecture: str
    preset: str
    runtime: str
    file: str
    sha256: str
    bytes: int
    companions: tuple[str, ...]
    code_licence: str
    weights_licence: str
    training_data: tuple[str, ...]
    commercial: str
    card: str
    input: InputContract | None
    source: Source

    @property
    def made_from(self) -> PinnedFile | None:
        """The checkpoint that guise converts into `file`, None where `file` comes as it is."""
        return self.source.converted_from if isinstance(self.source, UrlSource) else None

    @property
    def needs_acceptance(self) -> bool:
        """True where the licence must be accepted before the file is fetched."""
        if isinstance(self.source, BundledSource):
            return False
        return self.commercial == "no" or self.weights_licence not in FREE_LICENCES


class Registry(Mapping[str, ModelEntry]):
    """Models by name, in the order of the file."""

    def __init__(self, entries: Mapping[str, ModelEntry]) -> None:
        self._entries = dict(entries)

    def __getitem__(self, name: str) -> ModelEntry:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def lookup(self, name: str) -> ModelEntry:
        """The entry called `name`. Raises ValueError listing the names that come close."""
        try:
            return self._entries[name]
        except KeyError:
            close = difflib.get_close_matches(name, self._entries, n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(close)}?" if close else ""
            known = ", ".join(self._entries)
            text = f"a model must be one of the registry; got {name!r}; {hint or 'known: ' + known}"
            raise ValueError(text) from None


class _Table:
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

    def table(self, key: str) -> _Table:
        return _Table(f"[{self._where.strip('[]')}.{key}]", self._take(key))

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


def _parse_input(table: _Table) -> InputContract:
    low, high = table.number_pair("range")
    contract = InputContract(
        colour=table.choice("colour", ("RGB", "BGR")), low=low, high=high, size=table.text("size")
    )
    table.close()
    return contract


def _parse_source(table: _Table) -> Source:
    kind = table.choice("kind", SOURCES)
    source: Source
    if kind == "pypi":
        source = PypiSource(
            package=table.text("package"),
            version=table.text("version"),
            archive=table.choice("archive", ARCHIVES),
            archive_sha256=table.sha256("archive_sha256"),
            archive_bytes=table.size_bytes("archive_bytes"),
            member=table.relative_path("member"),
        )
    elif kind == "url":
        source = UrlSource(
            url=table.matching("url", _URL, "an https:// address"),
            converted_from=_parse_pin(table.table("converted_from"))
            if table.has("converted_from")
            else None,
        )
    elif kind == "file":
        source = FileSource(origin=table.text("origin"))
    else:
        source = BundledSource(built_by=table.text("built_by"))
    table.close()
    return source


def _parse_pin(table: _Table) -> PinnedFile:
    pin = PinnedFile(
        file=table.matching("file", _FILE_NAME, "a plain file name"),
        sha256=table.sha256(),
        bytes=table.size_bytes(),
    )
    table.close()
    return pin


def _parse_entry(name: str, values: object) -> ModelEntry:
    if not _NAME.fullmatch(name):
        must = "lower-case letters and digits, parts joined by single hyphens"
        raise ValueError(f"registry.toml, [{name}]: a model name must be {must}")
    table = _Table(f"[{name}]", values)
    source = _parse_source(table.table("source"))
    task = table.choice("task", TASKS)
    entry = ModelEntry(
        name=name,
        summary=table.text("summary"),
        task=task,
        role=table.choice("role", ROLES),
        architecture=table.text("architecture"),
        preset=table.text("preset"),
        runtime=table.choice("runtime", RUNTIMES),
        file=table.matching("file", _FILE_NAME, "a plain file name"),
        sha256=table.sha256(),
        bytes=table.size_bytes(),
        companions=table.texts("companions") if table.has("companions") else (),
        code_licence=table.text("code_licence"),
        weights_licence=table.text("weights_licence"),
        training_data=table.texts("training_data"),
        commercial=table.choice("commercial", COMMERCIAL),
        card=table.relative_path("card"),
        # The renderer's models take no pictures.
        input=None if task == "render" else _parse_input(table.table("input")),
        source=source,
    )
    table.close()
    return entry


def parse_registry(text: str) -> Registry:
    """Reads the text of a registry file.

    Raises ValueError that names the table and field at fault.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"registry.toml must be valid TOML: {error}") from None
    registry = Registry({name: _parse_entry(name, values) for name, values in tables.items()})
    for entry in registry.values():
        for companion in entry.companions:
            if companion not in registry or companion == entry.name:
                must = "names of other models in the registry"
                raise ValueError(
                    f"registry.toml, [{entry.name}] companions: must be {must}; got {companion!r}"
                )
    return registry


def packaged_text(name: str) -> str:
    """The text of `guise/_data/NAME` of this installation.

    Raises ValueError if the package lacks it.
    """
    for root in _package_roots():
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return root.joinpath("_data").joinpath(name).read_text(encoding="utf-8")
    raise ValueError(f"the package must hold _data/{name}; it is missing; install guise again")


def packaged_model(file: str) -> Path:
    """Where the package holds the model file `file`, or where it should."""
    places = [Path(folder) / "_data" / "models" / file for folder in guise.__path__]
    return next((place for place in places if place.is_file()), places[0])


def _package_roots() -> list[Traversable]:
    # An editable install spreads the package over two folders: the sources, and what the build
    # made.
    return [resources.files("guise"), *(Path(folder) for folder in guise.__path__)]


@lru_cache(maxsize=1)
def load_registry() -> Registry:
    """The registry of this installation, read once per process.

    Raises ValueError if it is missing or ill-formed.
    """
    return parse_registry(packaged_text("registry.toml"))
