"""Identity vectors: of people who do not exist, or of the user's own consented photos."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Union

import torch

from guise import _core, models
from guise.embedding import embed
from guise.vec2face import DEFAULT_GENERATOR, check_vectors, generator_entry, open_generator

# The highest cosine of two identities where none is given. Published: 0.4, for embeddings whose
# people spread over hundreds of directions; house-recogniser's lie closer together.
MAX_COSINE = {"house-vec2face": 0.5}
PUBLISHED_MAX_COSINE = 0.4
METHODS = ("gaussian", "hyperface")
_PHOTOS = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".webp"})
# Distance of a drawn face from its vector beyond which a candidate is not drawn as that person.
MAX_DRAWN_DISTANCE = 0.5

_Path = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class IdentityVectors:
    """Vectors of people that are apart.

    vectors: float32 [N, size], raw, for `generator`. faces: float32 [N, size] of length 1,
    embeddings of the face that each is drawn as, None where none was drawn. max_cosine: the limit
    that holds for any two. tried: candidates that were looked at.
    """

    vectors: torch.Tensor
    faces: torch.Tensor | None
    generator: str
    max_cosine: float
    tried: int
    near_another: int
    near_gallery: int
    not_drawn: int

    def __len__(self) -> int:
        return len(self.vectors)


def sample_identities(
    count: int,
    *,
    generator: str = DEFAULT_GENERATOR,
    weights: _Path | None = None,
    dtype: str = "float32",
    distribution: _core.NormalVectors | None = None,
    method: str = "gaussian",
    max_cosine: float | None = None,
    gallery: torch.Tensor | None = None,
    max_gallery_cosine: float = 0.4,
    draw: bool = True,
    min_quality: float = 0.0,
    seed: int = 0,
    max_tried: int = 0,
    threads: int = 0,
    cancel: _core.CancelToken | None = None,
    on_progress: Callable[[int], object] | None = None,
) -> IdentityVectors:
    """`count` identity vectors, every two of them at most `max_cosine` alike, exactly.

    Candidates come from `distribution`, by default that of the generator's file, and are kept in
    order: the first are the same for any count. gallery: float [G, size], people that must not come
    near. draw: each is drawn once; its face must show it (cosine of 0.5 or more, `min_quality`) and
    be apart from the other faces. method: "gaussian" (Vec2Face), or "hyperface": such vectors
    pushed apart while they stay near the distribution; no faces are drawn.

    Raises ValueError (options; a space too full, with the largest separation found), Unavailable
    (a file without a distribution, a missing recogniser), Cancelled.
    """
    contract = generator_entry(generator).vectors
    assert contract is not None
    if method not in METHODS:
        raise ValueError(f"method must be {' or '.join(map(repr, METHODS))}; got {method!r}")
    limit = _limit(generator, max_cosine)
    if gallery is not None:
        check_vectors(gallery, contract, generator)
    engine = open_generator(generator_entry(generator), weights=weights, dtype=dtype)
    is_drawn = draw and method == "gaussian"
    people = distribution or _distribution_of(engine, generator)
    found = _core.sample_identities(
        people,
        count,
        seed=seed,
        max_cosine=limit if method == "gaussian" else 1.0,
        gallery=gallery,
        max_gallery_cosine=max_gallery_cosine,
        max_tried=max_tried,
        generator=engine if is_drawn else None,
        embedder=models.open_embedder(contract.recogniser) if is_drawn else None,
        max_identity_distance=MAX_DRAWN_DISTANCE,
        min_quality=min_quality,
        threads=threads,
        cancel=cancel,
        on_progress=on_progress,
    )
    if method == "hyperface":
        return _counted(found, _packed(found, people, seed, limit, cancel), generator, limit)
    return _counted(found, found.vectors, generator, limit)


def identities_from_images(
    folder: _Path,
    *,
    generator: str = DEFAULT_GENERATOR,
    on_progress: Callable[[int], object] | None = None,
) -> torch.Tensor:
    """float32 [N, size]: raw vectors of the faces in the user's own photos, one photo a person.

    Photos are taken by name; each must show exactly one face. Vectors of real people are personal
    data: nothing is written, nothing is kept. Raises ValueError (no photo; a photo with no face or
    several, by name), Unavailable (no recogniser), CorruptFile.
    """
    entry = generator_entry(generator)
    assert entry.vectors is not None
    root = Path(folder)
    photos = sorted(path for path in root.rglob("*") if path.suffix.lower() in _PHOTOS)
    if not photos:
        raise ValueError(f"the folder of photos must hold pictures; {root} holds none")
    rows = []
    for number, path in enumerate(photos):
        found = embed(path, model=entry.vectors.recogniser, flip=False, normalise=False)
        if len(found) != 1:
            raise ValueError(
                f"each photo must show one face large enough to be told apart; {path.name} shows "
                f"{len(found)}; crop it or take it out"
            )
        rows.append(found.vectors)
        if on_progress is not None:
            on_progress(number + 1)
    return torch.cat(rows)


def _distribution_of(engine: _core.FaceGenerator, name: str) -> _core.NormalVectors:
    mean, basis = engine.extra("identities.mean"), engine.extra("identities.basis")
    if mean is None or basis is None:
        raise _core.Unavailable(
            f"the file of {name} must hold the distribution of its identity vectors; published "
            "ones do not; give distribution=_core.fit_normal_vectors(vectors) of mean embeddings "
            "of people, or take house-vec2face"
        )
    return _core.NormalVectors(mean, basis)


def _limit(generator: str, given: float | None) -> float:
    limit = MAX_COSINE.get(generator, PUBLISHED_MAX_COSINE) if given is None else given
    if not -1 <= limit <= 1:
        raise ValueError(f"max_cosine must lie from -1 to 1; got {limit}")
    return limit


def _counted(
    found: _core.SampledIdentities, vectors: torch.Tensor, generator: str, limit: float
) -> IdentityVectors:
    counts = (found.tried, found.near_another, found.near_gallery, found.not_drawn)
    return IdentityVectors(vectors, found.faces, generator, limit, *counts)


def _packed(
    found: _core.SampledIdentities,
    people: _core.NormalVectors,
    seed: int,
    limit: float,
    cancel: _core.CancelToken | None,
) -> torch.Tensor:
    if len(found.vectors) < 2:
        return found.vectors
    gallery = _core.draw_normal_vectors(
        people, seed, found.tried, max(4 * len(found.vectors), 2000)
    )
    units, highest, start = _core.pack_vectors(found.vectors, gallery, cancel=cancel)
    if highest > limit:
        raise ValueError(
            f"identities must be apart by a cosine of at most {limit}; packing "
            f"{len(found.vectors)} of them reached {highest:.3f} (from {start:.3f}); allow a "
            f"cosine of at least {math.ceil(100 * highest) / 100:.2f} or ask for fewer"
        )
    raw: torch.Tensor = units * found.vectors.norm(dim=1, keepdim=True)
    return raw
