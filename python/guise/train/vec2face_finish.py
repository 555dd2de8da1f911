"""What house-vec2face brings along beside its weights, once its training is over.

Where the embeddings of people lie and how those of one person vary (`search::NormalVectors`), from
the crops it was trained on; and a head that reads the pose from house-recogniser's last stage, by
ridge regression on people it was not trained on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

import guise
from guise import _core
from guise.train.crop_bank import CropLayout, Crops, PeopleGroup, crop_face

Embed = Callable[[Tensor], Tensor]  # float [N, 3, 112, 112] in -1..1 -> [N, D]

KEPT_VARIANCE = 0.995  # axes beyond it are left out
POSE_PEOPLE = 4000
POSE_SEED = 1000  # further than the seed of training
RIDGE = 1e-3  # of the mean square of the features
BATCH = 128


def in_range(pixels: np.ndarray) -> Tensor:
    """uint8 [N, 112, 112, 3] -> float32 [N, 3, 112, 112] in -1..1."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div(127.5).sub(1)


@torch.inference_mode()
def embed_all(embed: Embed, crops: Crops) -> Tensor:
    """float32 [N, D]: raw embeddings of every crop."""
    rows = [
        embed(in_range(np.array(crops.pixels[first : first + BATCH]))).clone()
        for first in range(0, len(crops), BATCH)
    ]
    return torch.cat(rows)


def leading(basis: Tensor) -> Tensor:
    """The first rows of a basis, which hold nearly all of the variance."""
    share = basis.square().sum(1).cumsum(0) / basis.square().sum()
    return basis[: int((share < KEPT_VARIANCE).sum()) + 1]


def vector_statistics(vectors: Tensor, people: Tensor) -> dict[str, Tensor]:
    """float32 [N, D], int64 [N] -> identities.mean, identities.basis, variation.basis."""
    count = int(people.max()) + 1
    sums = torch.zeros(count, vectors.shape[1]).index_add_(0, people, vectors)
    means = sums / torch.bincount(people, minlength=count)[:, None]
    identities = _core.fit_normal_vectors(means)
    return {
        "identities.mean": identities.mean,
        "identities.basis": leading(identities.basis),
        "variation.basis": leading(_core.fit_variation(vectors, people).basis),
    }


@torch.inference_mode()
def pose_head(
    last_stage: Embed, group: PeopleGroup, layout: CropLayout, *, people: int = POSE_PEOPLE
) -> tuple[dict[str, Tensor], float]:
    """pose_head.weight [2, F] and .bias [2] (yaw, pitch in degrees), and the mean error of yaw.

    last_stage: the features [N, F] of crops. Fitted on 9 of 10 people and their mirror images; the
    error is that on the others.
    """
    options = replace(group, people=people, samples=1, seed=group.seed + POSE_SEED)
    renderer = guise.Renderer(options=options.options, size_px=layout.render_px)
    features, poses = [], []
    for batch in renderer.stream(
        identities=range(people), samples=1, seed=options.seed, batch=BATCH
    ):
        crops = np.stack(
            [
                crop_face(image, points, layout.crop_px, layout.inner_px / layout.crop_px)
                for image, points in zip(
                    batch.images.numpy(), batch.landmarks_5.numpy(), strict=True
                )
            ]
        )
        x = in_range(crops)
        pose = torch.tensor(
            [[each["photo"]["yaw_deg"], each["photo"]["pitch_deg"]] for each in batch.parameters]
        )
        features += [last_stage(x).clone(), last_stage(x.flip(3)).clone()]
        poses += [pose, pose * torch.tensor([-1.0, 1.0])]
    held_out = len(features) // 10 // 2 * 2
    weight, bias = _ridge(torch.cat(features[held_out:]), torch.cat(poses[held_out:]))
    guessed = torch.cat(features[:held_out]) @ weight.T + bias
    error = (guessed - torch.cat(poses[:held_out]))[:, 0].abs().mean()
    return {"pose_head.weight": weight, "pose_head.bias": bias}, float(error)


def _ridge(features: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    x, y = features.double(), targets.double()
    mean_x, mean_y = x.mean(0), y.mean(0)
    x, y = x - mean_x, y - mean_y
    covariance = x.T @ x
    strength = RIDGE * covariance.diagonal().mean()
    eye = torch.eye(len(covariance), dtype=torch.float64)
    weight = torch.linalg.solve(covariance + strength * eye, x.T @ y).T
    return weight.float().contiguous(), (mean_y - weight @ mean_x).float()
