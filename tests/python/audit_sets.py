"""Datasets to audit: embeddings with planted faults, and folders of rendered faces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

import guise
from guise import _core
from guise._core import RecipeOptions
from guise.audit.audited import AuditedDataset
from guise.data import FaceDataset

WIDTH = 512
CLEAN = RecipeOptions.preset("frontal")


def people_vectors(
    people: int, each: int, *, inside: float = 0.65, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Centres [people, D], pictures float32 [people x each, D]. inside: cosine of one person's."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.nn.functional.normalize(torch.randn(people, WIDTH, generator=generator))
    return centres, pictures_of(centres.repeat_interleave(each, 0), inside=inside, seed=seed + 1)


def pictures_of(centres: torch.Tensor, *, inside: float = 0.65, seed: int = 9) -> torch.Tensor:
    """float32 [N, D], unit norm: a picture around each centre."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.nn.functional.normalize(torch.randn(centres.shape, generator=generator))
    return torch.nn.functional.normalize(inside**0.5 * centres + (1 - inside) ** 0.5 * noise)


class _Faces:
    """What the lines ask of an open dataset."""

    path = Path("toy")

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan


def audited(
    vectors: torch.Tensor,
    people: torch.Tensor,
    *,
    attributes: list[dict[str, Any]] | None = None,
    plan: dict[str, Any] | None = None,
) -> AuditedDataset:
    """A dataset as the lines see it; every picture has pixels of its own."""
    count = len(vectors)
    faces: Any = _Faces(plan or {})
    given: FaceDataset = faces
    return AuditedDataset(
        faces=given,
        places=np.arange(count),
        people=people.numpy().astype(np.int64),
        vectors=vectors.float(),
        digests=[bytes([i // 256, i % 256]) for i in range(count)],
        thumbs=torch.rand(count, 16, 16, generator=torch.Generator().manual_seed(1)) * 255,
        lines=[
            {"file": f"{i}.jpg", "attributes": (attributes or [{}] * count)[i]}
            for i in range(count)
        ],
        without_face=0,
    )


def rendered_crops(
    people: int | list[int], samples: list[int], *, seed: int, options: RecipeOptions = CLEAN
) -> list[tuple[int, int, torch.Tensor]]:
    """(person, sample, uint8 [112, 112, 3]) of rendered people, cut out by their landmarks."""
    faces = guise.Renderer(options=options, size_px=160, threads=1).sample(
        identities=people, samples=samples, seed=seed
    )
    rows = zip(
        faces.identities.tolist(),
        faces.samples.tolist(),
        faces.images,
        faces.landmarks_5,
        strict=True,
    )
    return [
        (
            person,
            sample,
            _core.align_faces(image, points[None], size_px=112, template="arcface", smooth=True)[0],
        )
        for person, sample, image, points in rows
    ]


def write_crops(folder: Path, crops: list[tuple[int, int, torch.Tensor]]) -> Path:
    """A folder a person, PNG: a dataset of others."""
    for person, sample, crop in crops:
        path = folder / f"{person:06d}" / f"{sample:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        guise.write_image(path, crop)
    return folder
