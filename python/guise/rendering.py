"""Faces of nobody: pictures of people who never existed, with everything that is true about them.

    renderer = guise.Renderer(size_px=224, options=guise.RecipeOptions(female_share=1.0))
    faces = renderer.sample(identities=4, samples=8, seed=1)
    faces.images                    # uint8 [32, 224, 224, 3], the first person's eight photos first
    faces.parameters[0]["identity"]["age_years"]

A picture depends on seed, identity, sample, size and options alone: not on the batch it is in, its
place there, or the number of threads. Defaults live in the engine: `repr(guise.RecipeOptions())`
prints them.
"""

from __future__ import annotations

import itertools
import json
import operator
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypedDict, Union

import torch
from typing_extensions import Unpack

from guise import _core, models
from guise._core import RecipeOptions

# How many (0, 1, 2, ...), or which.
Numbers = Union[int, Iterable[int]]
_Path = Union[str, "os.PathLike[str]"]

# The engine counts in signed 64 bits.
LARGEST_NUMBER = 2**63 - 1
LARGEST_SEED = 2**64 - 1

_open: dict[tuple[str, ...], _core.Renderer] = {}
_open_lock = threading.Lock()


class RenderKeywords(TypedDict, total=False):
    """Keywords of `RenderOptions`."""

    size_px: int
    threads: int
    maps: bool


@dataclass(frozen=True, eq=False, repr=False)
class RenderedFaces:
    """N pictures of height and width S. Pixel (0, 0) has its centre at (0, 0)."""

    images: torch.Tensor
    """uint8 [N, S, S, 3] RGB."""
    landmarks_5: torch.Tensor
    """float32 [N, 5, 2] px: the eye on the left of the picture first, placed as detectors do."""
    landmarks_68: torch.Tensor
    """float32 [N, 68, 2] px, iBUG order, also where something hides them."""
    boxes: torch.Tensor
    """float32 [N, 4] px: x0, y0, x1, y1 (exclusive), from forehead to chin and ear to ear."""
    pose_deg: torch.Tensor
    """float32 [N, 3]: yaw (+ to the right of the picture), pitch (+ up), roll (+ clockwise)."""
    identities: torch.Tensor
    """int64 [N]."""
    samples: torch.Tensor
    """int64 [N]."""
    parts: torch.Tensor | None
    """uint8 [N, S, S]: classes of CelebAMask-HQ, then our own; None without maps."""
    normals: torch.Tensor | None
    """float32 [N, S, S, 3] unit, +x right, +y up, +z to the camera, or 0; None without maps."""
    depth: torch.Tensor | None
    """float32 [N, S, S] dm from the camera; 0 where nothing is; None without maps."""
    _engine: _core.RenderedFaces

    @cached_property
    def parameter_texts(self) -> list[str]:
        """One JSON object a picture, with the keys "identity" and "photo"."""
        return self._engine.recipes

    @cached_property
    def parameters(self) -> list[dict[str, Any]]:
        """Everything that was drawn for each picture: `["identity"]` and `["photo"]`."""
        return [json.loads(text) for text in self.parameter_texts]

    @property
    def times_ms(self) -> dict[str, float]:
        """Milliseconds of each step, added over pictures and threads."""
        return self._engine.times_ms

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        people = len(set(self.identities.tolist()))
        maps = "with" if self.parts is not None else "without"
        return (
            f"RenderedFaces({len(self)} pictures of {self.images.shape[1]} px, {people} people, "
            f"{maps} maps)"
        )


class Renderer:
    """Renders faces of nobody. Opening reads the house models; all renderers share them.

    options: distributions of everything that is drawn, `guise.RecipeOptions`; its presets are
    `frontal()`, `passport()` and `clean()`.
    size_px: height and width of the pictures. threads: 0 for one a processor. maps: also give
    `parts`, `normals` and `depth`.
    head, skin, light: files of your own instead of house-head, house-skin and house-light.
    Raises ValueError (options that contradict themselves), TypeError (an option that is not there),
    Unavailable and CorruptFile (a model file is missing or damaged).
    """

    def __init__(
        self,
        *,
        options: RecipeOptions | None = None,
        head: _Path | None = None,
        skin: _Path | None = None,
        light: _Path | None = None,
        **render: Unpack[RenderKeywords],
    ) -> None:
        values: dict[str, Any] = dict(render)
        if options is not None:
            values["recipe"] = options
        self._options = _core.RenderOptions(**values)
        self._options.validate()
        self._engine = _open_engine(head, skin, light)

    @property
    def options(self) -> dict[str, Any]:
        """All options as they are used, nested."""
        return self._options.as_dict()

    def sample(self, *, identities: Numbers, samples: Numbers, seed: int = 0) -> RenderedFaces:
        """Every sample of every identity, all photos of the first identity first.

        identities, samples: how many, counted from 0, or which ones. Ctrl-C stops it.
        Raises ValueError where there is nothing to render or a number is out of range.
        """
        people = _numbers("identities", identities)
        photos = _numbers("samples", samples)
        return self.render(itertools.product(people, photos), seed=seed)

    def stream(
        self, *, identities: Numbers, samples: Numbers, seed: int = 0, batch: int = 64
    ) -> Iterator[RenderedFaces]:
        """The pictures of `sample` in batches of at most `batch`, made when they are asked for.

        Memory stays flat: `identities` may be endless (`itertools.count()`).
        """
        if batch < 1:
            raise ValueError(f"batch must be at least 1; got {batch}")
        people = _endless_numbers("identities", identities)
        photos = _numbers("samples", samples)
        return self._batches(((who, which) for who in people for which in photos), seed, batch)

    def _batches(
        self, pictures: Iterator[tuple[int, int]], seed: int, batch: int
    ) -> Iterator[RenderedFaces]:
        while part := list(itertools.islice(pictures, batch)):
            yield self.render(part, seed=seed)

    def render(self, pictures: Iterable[tuple[int, int]], *, seed: int = 0) -> RenderedFaces:
        """The pictures of these (identity, sample) pairs, in their order: for shuffled batches."""
        pairs = [(_number("identities", i), _number("samples", s)) for i, s in pictures]
        if not pairs:
            raise ValueError("pictures must hold at least one (identity, sample); got none")
        if not 0 <= seed <= LARGEST_SEED:
            raise ValueError(f"seed must lie from 0 to {LARGEST_SEED}; got {seed}")
        made = self._engine.render(pairs, seed=seed, options=self._options)
        return RenderedFaces(
            images=made.images,
            landmarks_5=made.landmarks_5,
            landmarks_68=made.landmarks_68,
            boxes=made.boxes,
            pose_deg=made.pose_deg,
            identities=made.identities,
            samples=made.samples,
            parts=made.parts,
            normals=made.normals,
            depth=made.depth,
            _engine=made,
        )


def open_house_renderer() -> _core.Renderer:
    """The engine's renderer with the house models; opened once a process."""
    return _open_engine(None, None, None)


def _open_engine(head: _Path | None, skin: _Path | None, light: _Path | None) -> _core.Renderer:
    """The engine's renderer over these files; with house models alone, opened once a process."""
    given = {"house-head": head, "house-skin": skin, "house-light": light}
    paths = tuple(os.fspath(path or models.path(name)) for name, path in given.items())

    def opened() -> _core.Renderer:
        return _core.Renderer(head=paths[0], skin=paths[1], light=paths[2])

    if any(given.values()):  # the user's files may change between two calls
        return opened()
    with _open_lock:
        if paths not in _open:
            _open[paths] = opened()
        return _open[paths]


def _number(name: str, value: object) -> int:
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise ValueError(f"{name} must be whole numbers; got {value!r}") from None
    if not 0 <= number <= LARGEST_NUMBER:
        raise ValueError(f"{name} must lie from 0 to 2^63 - 1; got {number}")
    return number


def _endless_numbers(name: str, value: Numbers) -> Iterable[int]:
    if isinstance(value, Iterable):
        return (_number(name, each) for each in value)
    count = _number(name, value)
    if count < 1:
        raise ValueError(f"{name} must be at least 1, or the numbers themselves; got {count}")
    return range(count)


def _numbers(name: str, value: Numbers) -> list[int]:
    numbers = list(_endless_numbers(name, value))
    if not numbers:
        raise ValueError(f"{name} must hold at least one number; got none")
    return numbers
