"""Faces from identity vectors: Vec2Face (Wu et al., ICLR 2025) and Vec2Face+ in the engine.

    people = guise.sample_identities(8, seed=1)
    faces = guise.Vec2Face.from_pretrained().sample(people.vectors, samples=5)
    guise.contact_sheet(faces.images)

A vector is a raw embedding of the recogniser that the generator was trained with. A picture depends
on (vector, seed, number of the identity, number of the sample) alone.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Union

import torch

from guise import _core, models
from guise.models.registry import ModelEntry, VectorContract

DEFAULT_GENERATOR = "house-vec2face"
DTYPES = ("float32", "bfloat16")
# A vector shorter or longer than its kind by more than this factor is of another kind.
NORM_FACTOR = 2.0

_Path = Union[str, "os.PathLike[str]"]
_open: dict[tuple[str, str, str], _core.FaceGenerator] = {}
_open_lock = threading.Lock()


@dataclass(frozen=True)
class GeneratedFaces:
    """Pictures of nobody, those of an identity together.

    images: uint8 [N * samples, 112, 112, 3] RGB, aligned by the ArcFace template. identities,
    samples: int64 [N * samples]. noise: the strength in each. refined: what AttrOP made of each
    vector, None where nothing was steered.
    """

    images: torch.Tensor
    identities: torch.Tensor
    samples: torch.Tensor
    noise: tuple[float, ...]
    refined: tuple[_core.RefinedVector | None, ...]

    def __len__(self) -> int:
        return len(self.images)


class Vec2Face:
    """A generator of aligned faces. Made by `from_pretrained`."""

    def __init__(self, entry: ModelEntry, engine: _core.FaceGenerator) -> None:
        assert entry.vectors is not None
        self.entry, self.engine = entry, engine
        self.contract: VectorContract = entry.vectors

    @classmethod
    def from_pretrained(
        cls,
        name: str = DEFAULT_GENERATOR,
        *,
        weights: _Path | None = None,
        dtype: str = "float32",
    ) -> Vec2Face:
        """A generator of the registry.

        weights: the user's own converted file, of the architecture of `name`. dtype: "float32", or
        "bfloat16" where the processor is quick at it. Raises ValueError (no generator of that
        name), Unavailable (the file or bfloat16 is not there), CorruptFile (not this network).
        """
        entry = generator_entry(name)
        return cls(entry, open_generator(entry, weights=weights, dtype=dtype))

    def sample(
        self,
        vectors: torch.Tensor,
        *,
        samples: int = 1,
        seed: int = 0,
        noise: float | Sequence[float] | None = None,
        yaw_deg: float | Sequence[float] | None = None,
        min_quality: float | None = None,
        max_steps: int = 30,
        first_identity: int = 0,
        threads: int = 0,
        cancel: _core.CancelToken | None = None,
    ) -> GeneratedFaces:
        """`samples` pictures of each vector, float [N, size] or [size].

        noise: variation within the identity; one strength (0: none), several drawn alike, or None
        for the published 0.3, 0.5 and 0.7 in 40, 40 and 20 % of the pictures. yaw_deg: turns of the
        head, one picture after the other, + to the right of the picture. min_quality: of the
        recogniser's own quality. Both move the vector by AttrOP, in at most max_steps steps. seed
        and first_identity: the same numbers, the same pictures. threads: 0 for one a processor.

        Raises ValueError (width, NaN, infinity, zero; options), Cancelled. Warns where the vectors
        are not of the length of raw embeddings.
        """
        if vectors.dim() == 1:
            vectors = vectors[None]
        check_vectors(vectors, self.contract, self.entry.name)
        _check_numbers(samples, seed, first_identity)
        options = draw_options(
            noise=noise, yaw_deg=yaw_deg, min_quality=min_quality, max_steps=max_steps
        )
        keys = [
            (first_identity + identity, sample)
            for identity in range(len(vectors))
            for sample in range(samples)
        ]
        drawn = _core.draw_faces(
            self.engine,
            vectors.detach().float().repeat_interleave(samples, 0),
            seed=seed,
            keys=keys,
            options=options,
            threads=threads,
            cancel=cancel,
        )
        numbers = torch.tensor(keys, dtype=torch.int64).reshape(-1, 2)
        return GeneratedFaces(
            drawn.images, numbers[:, 0], numbers[:, 1], tuple(drawn.strengths), tuple(drawn.refined)
        )

    def __repr__(self) -> str:
        return (
            f"Vec2Face({self.entry.name!r}, dtype={self.engine.dtype!r}, "
            f"vectors of {self.contract.recogniser})"
        )


def draw_options(
    *,
    noise: float | Sequence[float] | None = None,
    yaw_deg: float | Sequence[float] | None = None,
    min_quality: float | None = None,
    max_steps: int = 30,
) -> _core.DrawFacesOptions:
    """The engine's options from what `Vec2Face.sample` takes. Raises ValueError."""
    options = _core.DrawFacesOptions()
    if noise is not None:
        strengths = [float(each) for each in _several(noise)]
        shares = [1 / len(strengths)] * len(strengths)
        options.noise = _core.PerturbOptions(strengths=strengths, shares=shares)
    if yaw_deg is not None:
        options.yaw_targets_deg = [float(each) for each in _several(yaw_deg)]
    options.refine = _core.RefineOptions(max_steps=max_steps, min_quality=min_quality)
    if min_quality is not None:
        # House qualities lie from 0 to 1, MagFace's from about 10 to 40.
        options.refine.quality_weight = 30.0 if min_quality <= 1 else 1.0
    options.validate()
    return options


def check_vectors(vectors: torch.Tensor, contract: VectorContract, name: str) -> None:
    """Raises ValueError for vectors that `name` cannot take; warns where their length is odd."""
    if vectors.dim() != 2 or vectors.shape[1] != contract.size or len(vectors) == 0:
        raise ValueError(
            f"identity vectors for {name} must be float [N, {contract.size}], raw embeddings of "
            f"{contract.recogniser}; got {list(vectors.shape)}"
        )
    if not vectors.is_floating_point() or not bool(vectors.isfinite().all()):
        raise ValueError(
            f"identity vectors must be floats, all finite; got {vectors.dtype}"
            + (" with NaN or infinity" if vectors.is_floating_point() else "")
        )
    norms = vectors.detach().float().norm(dim=1)
    if bool((norms == 0).any()):
        raise ValueError(f"identity vectors must not be zero; row {int(norms.argmin())} is")
    median = float(norms.median())
    if not contract.norm / NORM_FACTOR <= median <= contract.norm * NORM_FACTOR:
        warnings.warn(
            f"{name} takes raw embeddings of {contract.recogniser}, of length about "
            f"{contract.norm:g}; these have {median:.3g}"
            + (": they were brought to length 1; give raw ones" if abs(median - 1) < 0.01 else ""),
            UserWarning,
            stacklevel=3,
        )


def generator_entry(name: str) -> ModelEntry:
    """The registry's entry of a generator. Raises ValueError that lists the generators."""
    entry = models.get(name)
    if entry.task != "generate":
        known = [each.name for each in models.list() if each.task == "generate"]
        raise ValueError(
            f"a generator must be one of {', '.join(known)}; got {name!r} ({entry.task})"
        )
    return entry


def generator_weights(entry: ModelEntry, weights: _Path | None) -> tuple[Path, str]:
    """The file of a generator and its sha256. Raises Unavailable, CorruptFile."""
    if weights is None:
        path = models.path(entry.name)
        return path, entry.sha256 or _core.sha256_file(str(path))
    path = Path(weights)
    if not path.is_file():
        raise _core.Unavailable(f"weights must be a .safetensors file; {path} is none")
    return path, _core.sha256_file(str(path))


def open_generator(
    entry: ModelEntry, *, weights: _Path | None = None, dtype: str = "float32"
) -> _core.FaceGenerator:
    """The engine's generator, with its recogniser where that is there; opened once per process."""
    if dtype not in DTYPES:
        raise ValueError(f"dtype must be {' or '.join(map(repr, DTYPES))}; got {dtype!r}")
    assert entry.vectors is not None
    path, sha256 = generator_weights(entry, weights)
    key = (str(path), sha256, dtype)
    with _open_lock:
        if key not in _open:
            _open[key] = _core.open_generator(
                name=entry.name,
                preset=entry.preset,
                path=str(path),
                sha256=sha256,
                has_pose_condition=entry.architecture == "vec2face-plus",
                vector_norm=entry.vectors.norm,
                dtype=dtype,
                recogniser=_recogniser_if_there(entry.vectors.recogniser),
            )
        return _open[key]


def _recogniser_if_there(name: str) -> _core.Embedder | None:
    # Without it faces are drawn all the same; only targets and gates need it, and they say so.
    try:
        models.path(name, fetch=False)
    except _core.Unavailable:
        return None
    return models.open_embedder(name)


def _check_numbers(samples: int, seed: int, first_identity: int) -> None:
    if samples < 1:
        raise ValueError(f"samples must be at least 1; got {samples}")
    for name, value in (("seed", seed), ("first_identity", first_identity)):
        if value < 0:
            raise ValueError(f"{name} must be at least 0; got {value}")


def _several(value: float | Sequence[float]) -> Sequence[float]:
    several = value if isinstance(value, Sequence) else [value]
    if not several:
        raise ValueError("a list of strengths or turns must not be empty")
    return several
