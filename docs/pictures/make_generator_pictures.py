"""Pictures of what identity vectors become, for the documentation; faces of nobody.

    python docs/pictures/make_generator_pictures.py [--out docs/pictures]

generator_noise.png: rows of one identity, each with noise 0.3, 0.5 and 0.7. generator_walk.png:
from one identity to another. generator_pose.png: turns of the head from -60 to 60 degrees by
AttrOP. generator_attrop.png: faces as they are drawn, and with their quality raised.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from PIL import Image

import guise

SEED = 12
TURNS = (-60.0, -40.0, -20.0, 0.0, 20.0, 40.0, 60.0)


def save(rows: list[torch.Tensor], path: Path) -> None:
    """rows of uint8 [n, 112, 112, 3], one below the other."""
    sheet = torch.cat([torch.cat(list(row), 1) for row in rows])
    Image.fromarray(sheet.numpy()).save(path, optimize=True)


def noise_rows(generator: guise.Vec2Face, vectors: torch.Tensor) -> list[torch.Tensor]:
    rows = []
    for person, vector in enumerate(vectors):
        parts = [generator.sample(vector, noise=0.0, first_identity=person).images]
        for strength in (0.3, 0.5, 0.7):
            made = generator.sample(
                vector, samples=3, noise=strength, seed=SEED, first_identity=person
            )
            parts.append(made.images)
        rows.append(torch.cat(parts))
    return rows


def walk_rows(generator: guise.Vec2Face, vectors: torch.Tensor) -> list[torch.Tensor]:
    shares = torch.linspace(0, 1, 9)[:, None]
    rows = []
    for one, other in zip(vectors[0::2], vectors[1::2], strict=True):
        between = (1 - shares) * one + shares * other
        length = (1 - shares) * one.norm() + shares * other.norm()
        between = between / between.norm(dim=1, keepdim=True) * length
        # The same number for all: the same tokens are masked.
        faces = [generator.sample(vector, noise=0.0).images for vector in between]
        rows.append(torch.cat(faces))
    return rows


def pose_rows(generator: guise.Vec2Face, vectors: torch.Tensor) -> list[torch.Tensor]:
    return [
        generator.sample(vector, samples=len(TURNS), noise=0.0, yaw_deg=TURNS, max_steps=30).images
        for vector in vectors
    ]


def quality_rows(generator: guise.Vec2Face, vectors: torch.Tensor) -> list[torch.Tensor]:
    plain = generator.sample(vectors, noise=0.0)
    raised = generator.sample(vectors, noise=0.0, min_quality=0.8, max_steps=30)
    return [plain.images, raised.images]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    out = parser.parse_args().out
    generator = guise.Vec2Face.from_pretrained()
    vectors = guise.sample_identities(8, seed=SEED).vectors
    save(noise_rows(generator, vectors[:6]), out / "generator_noise.png")
    save(walk_rows(generator, vectors), out / "generator_walk.png")
    save(pose_rows(generator, vectors[:5]), out / "generator_pose.png")
    save(quality_rows(generator, vectors), out / "generator_attrop.png")


if __name__ == "__main__":
    main()
