"""Datasets drawn from identity vectors: what `guise.plan_dataset` does for the generators."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

import torch

from guise import _core, models
from guise.identities import (
    MAX_COSINE,
    PUBLISHED_MAX_COSINE,
    identities_from_images,
    sample_identities,
)
from guise.models.registry import ModelEntry
from guise.plan_words import FROM_PHOTOS, FROM_VECTORS, SAMPLED
from guise.vec2face import (
    check_vectors,
    draw_options,
    generator_entry,
    generator_weights,
    open_generator,
)

ENGINES: tuple[str, ...] = ("house-vec2face", "vec2face", "vec2face-plus")
SIZE_PX = 112
# How far a picture may be from the face of its identity where nothing is given: further than this
# and trainers learn wrong labels.
MAX_INTRA_DISTANCE = 0.6


class GeneratorKeywords(TypedDict, total=False):
    """Keywords of `plan_dataset` for these engines; `GeneratorOptions` says what they mean."""

    weights: str | None
    dtype: str
    from_images: str | None
    vectors: torch.Tensor | None
    min_separation: float | None
    max_intra_distance: float
    min_quality: float
    noise: list[float] | None
    yaw_targets: list[float] | None
    steer_quality: float | None
    identity_gate: bool


@dataclass(frozen=True)
class GeneratorOptions:
    """What a dataset of generated faces is drawn from, and what its pictures must pass.

    weights: the user's own file of the engine. dtype: float32 or bfloat16. from_images: a folder of
    the user's own consented photos, one a person, in the place of people who do not exist. vectors:
    float [identities, size], raw, given as they are. min_separation: least 1 - cosine of any two
    identities, as vectors and as faces; None: the engine's own. max_intra_distance: of a picture
    and the face of its identity. min_quality: of a picture, 0: any. noise, yaw_targets,
    steer_quality: as noise, yaw_deg and min_quality of `Vec2Face.sample`. identity_gate: False
    keeps pictures whatever face they show.
    """

    weights: str | None = None
    dtype: str = "float32"
    from_images: str | None = None
    vectors: torch.Tensor | None = None
    min_separation: float | None = None
    max_intra_distance: float = MAX_INTRA_DISTANCE
    min_quality: float = 0.0
    noise: list[float] | None = None
    yaw_targets: list[float] | None = None
    steer_quality: float | None = None
    identity_gate: bool = True


@dataclass(frozen=True)
class _People:
    vectors: torch.Tensor  # [I, size], of the identities of the plan
    facts: dict[str, object]  # where they come from, for the plan


def check_size(options: _core.DatasetOptions, engine: str) -> None:
    """Raises ValueError where the pictures of the plan are not the engine's."""
    if options.size_px != SIZE_PX or options.crop != "arcface":
        raise ValueError(
            f"engine {engine} draws aligned faces of {SIZE_PX} px; size_px must be {SIZE_PX} and "
            f"crop 'arcface'; got {options.size_px} and {options.crop!r}"
        )


def open_samples(
    engine: str,
    wanted: _core.DatasetOptions,
    given: GeneratorOptions,
    on_progress: Callable[[int], object] | None = None,
) -> tuple[_core.SampleGenerator, _core.CheckIdentity | None]:
    """The source of a plan's pictures, and what holds them against the faces of all identities.

    Raises what `sample_identities` and `Vec2Face.from_pretrained` raise.
    """
    entry = generator_entry(engine)
    assert entry.vectors is not None
    check_size(wanted, engine)
    draw = draw_options(
        noise=given.noise, yaw_deg=given.yaw_targets, min_quality=given.steer_quality
    )
    generator = open_generator(entry, weights=given.weights, dtype=given.dtype)
    sums = {engine: generator_weights(entry, given.weights)[1]}
    people = _people(engine, entry, wanted, given, on_progress)
    facts = people.facts
    recogniser = entry.vectors.recogniser
    is_steered = given.yaw_targets is not None or given.steer_quality is not None
    if given.identity_gate or is_steered:
        sums[recogniser] = _core.sha256_file(str(models.path(recogniser)))
    check = None
    if given.identity_gate:
        embedder = models.open_embedder(recogniser)
        # Without a detector the plan has no gate, and this one draws again all the same.
        facts["gate"] = {
            "recogniser": recogniser,
            "max_intra_distance": given.max_intra_distance,
            "min_quality": given.min_quality,
            "attempts": wanted.gate.attempts,
            "max_given_up_share": wanted.gate.max_given_up_share,
        }
        check = _core.CheckIdentity(
            embedder,
            _core.reference_faces(generator, embedder, people.vectors)[0],
            first_identity=wanted.first_identity,
            max_intra_distance=given.max_intra_distance,
            min_quality=given.min_quality,
        )
    samples = _core.GenerateSamples(
        generator,
        people.vectors,
        first_identity=wanted.first_identity,
        options=draw,
        identities_json=json.dumps(facts),
        models=sums,
    )
    return samples, check


def _people(
    engine: str,
    entry: ModelEntry,
    wanted: _core.DatasetOptions,
    given: GeneratorOptions,
    on_progress: Callable[[int], object] | None,
) -> _People:
    assert entry.vectors is not None
    if given.vectors is not None and given.from_images is not None:
        raise ValueError("vectors and from_images contradict each other; give one")
    separation = given.min_separation
    if separation is None:
        separation = 1 - MAX_COSINE.get(engine, PUBLISHED_MAX_COSINE)
    if not 0 <= separation <= 2:
        raise ValueError(f"min_separation must lie from 0 to 2; got {separation}")
    limit = 1 - separation
    if given.vectors is None and given.from_images is None:
        found = sample_identities(
            wanted.first_identity + wanted.identities,
            generator=engine,
            weights=given.weights,
            dtype=given.dtype,
            max_cosine=limit,
            draw=given.identity_gate,
            min_quality=given.min_quality,
            seed=wanted.seed,
            on_progress=on_progress,
        )
        own = found.vectors[wanted.first_identity :]
        return _People(own, {"source": SAMPLED, "min_separation": separation})
    if given.from_images is not None:
        vectors = identities_from_images(given.from_images, generator=engine)
        source, what = FROM_PHOTOS, "photos"
    else:
        assert given.vectors is not None
        vectors, source, what = given.vectors, FROM_VECTORS, "vectors"
        check_vectors(vectors, entry.vectors, engine)
    end = wanted.first_identity + wanted.identities
    if end > len(vectors):
        raise ValueError(
            f"there must be an identity vector for each of the identities {wanted.first_identity} "
            f"to {end - 1}; the {what} give {len(vectors)}; set identities"
        )
    own = vectors[wanted.first_identity : end].float()
    if given.min_separation is not None and len(own) > 1:
        highest = _core.highest_cosine(own)
        if highest > limit:
            raise ValueError(
                f"identities must be apart by at least {given.min_separation}; two of the {what} "
                f"are apart by {1 - highest:.3f}; take one of them out or allow "
                f"{math.floor(100 * (1 - highest)) / 100:.2f}"
            )
    facts: dict[str, object] = {"source": source}
    if given.min_separation is not None:
        facts["min_separation"] = separation
    return _People(own, facts)
