"""Mean absolute error of `guise.estimate_pose` on rendered faces, by how far the face is turned.

    python pose_error.py              # 600 people x 4 photos, about half a minute

The landmarks are the renderer's own, and once more moved at random as a detector's are (normal, 2 %
of the distance of the eyes); the last column is the share of poses marked as doubtful. People and
photos are not those from which the stage takes its statistics.
"""

from __future__ import annotations

import argparse
import itertools

import torch
from support import import_guise, markdown_table

guise = import_guise()

SEED = 77
NOISE = 0.02
EDGES = (0, 15, 30, 45, 60, 90)


def faces(people: int, photos: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Landmarks float32 [N, 5, 2] and yaw, pitch, roll float32 [N, 3]."""
    landmarks, poses = [], []
    for batch in guise.Renderer(size_px=32).stream(identities=people, samples=photos, seed=SEED):
        landmarks.append(batch.landmarks_5)
        poses.append(batch.pose_deg)
    return torch.cat(landmarks), torch.cat(poses)


def disturbed(landmarks: torch.Tensor) -> torch.Tensor:
    """The landmarks moved by NOISE of the distance that the eyes would have from the front."""
    generator = torch.Generator().manual_seed(SEED)
    spread = (landmarks - landmarks.mean(1, keepdim=True)).square().sum((1, 2)).sqrt()
    # From the front the eyes lie 0.54 of the points' spread apart.
    noise = (
        torch.randn(landmarks.shape, generator=generator) * (NOISE * 0.54 * spread)[:, None, None]
    )
    return landmarks + noise


def errors(landmarks: torch.Tensor, truth: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Absolute errors [N, 3] in degrees, and whether a pose is doubtful [N]."""
    found = guise.estimate_pose(landmarks)
    angles = torch.tensor([(p.yaw_deg, p.pitch_deg, p.roll_deg) for p in found])
    around = (angles - truth + 180) % 360 - 180
    return around.abs(), torch.tensor([p.is_doubtful for p in found])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=600)
    parser.add_argument("--photos", type=int, default=4)
    options = parser.parse_args()
    landmarks, truth = faces(options.people, options.photos)
    turned = truth[:, 0].abs()
    rows = []
    for name, points in (("true", landmarks), ("moved", disturbed(landmarks))):
        error, doubtful = errors(points, truth)
        ranges = [*itertools.pairwise(EDGES), (EDGES[0], EDGES[-1])]
        for low, high in ranges:
            chosen = (turned >= low) & (turned < high + (high == EDGES[-1]))
            yaw, pitch, roll = error[chosen].mean(0).tolist()
            rows.append(
                [
                    name,
                    f"{low} to {high}",
                    str(int(chosen.sum())),
                    *(f"{value:.1f}" for value in (yaw, pitch, roll, (yaw + pitch + roll) / 3)),
                    f"{100 * doubtful[chosen].float().mean():.1f} %",
                ]
            )
    head = ["landmarks", "yaw, degrees", "faces", "yaw", "pitch", "roll", "mean", "doubtful"]
    print(markdown_table(head, rows))


if __name__ == "__main__":
    main()
