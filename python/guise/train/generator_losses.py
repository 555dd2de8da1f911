"""What a generated face is compared by while Vec2Face is trained.

`judged_real` and `judged_generated` are Vec2Face's own adversarial losses, for the published sizes
and discriminator; house-vec2face has those of `feature_adversary`.

Images are float [N, 3, 112, 112] RGB in -1..1. Each loss is a mean over the batch, and has
gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

SSIM_SIDE, SSIM_SIGMA = 11, 1.5
SSIM_C1, SSIM_C2 = 0.01**2, 0.03**2  # for a range of 1


@lru_cache(maxsize=1)
def _window() -> Tensor:
    """float32 [3, 1, 11, 1]: a Gaussian of sum 1 for each channel."""
    offsets = torch.arange(SSIM_SIDE, dtype=torch.float64) - SSIM_SIDE // 2
    bell = torch.exp(-(offsets**2) / (2 * SSIM_SIGMA**2))
    return (bell / bell.sum()).float().view(1, 1, -1, 1).repeat(3, 1, 1, 1)


def _smooth(x: Tensor) -> Tensor:
    column = _window()
    return functional.conv2d(
        functional.conv2d(x, column, groups=3), column.transpose(2, 3), groups=3
    )


def structural_similarity(one: Tensor, other: Tensor) -> Tensor:
    """The mean SSIM of two batches (Wang et al., 2004): a Gaussian window of 11 px with sigma 1.5,
    over the places where it lies inside the picture. In float32 under autocast too: the differences
    below are smaller than what bfloat16 can tell apart."""
    with torch.autocast(one.device.type, enabled=False):
        return _structural_similarity(one.float() / 2 + 0.5, other.float() / 2 + 0.5)


def _structural_similarity(a: Tensor, b: Tensor) -> Tensor:
    mean_a, mean_b = _smooth(a), _smooth(b)
    spread_a, spread_b = _smooth(a * a) - mean_a**2, _smooth(b * b) - mean_b**2
    shared = _smooth(a * b) - mean_a * mean_b
    likeness = (2 * mean_a * mean_b + SSIM_C1) / (mean_a**2 + mean_b**2 + SSIM_C1)
    contrast = (2 * shared + SSIM_C2) / (spread_a + spread_b + SSIM_C2)
    return (likeness * contrast).mean()


def perceptual_distance(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> Tensor:
    """How differently a network sees two batches: over its layers, [N, C, H, W] each, the mean
    squared distance of the features of each place, scaled to length 1 (LPIPS, Zhang et al., CVPR
    2018, with equal weights for all channels)."""
    total = torch.zeros(())
    for a, b in zip(ours, theirs, strict=True):
        difference = functional.normalize(a.float(), dim=1) - functional.normalize(b.float(), dim=1)
        total = total + difference.square().sum(1).mean()
    return total


def pixel_distance(ours: Tensor, theirs: Tensor, side: int) -> Tensor:
    """The mean squared difference of two batches that are averaged down to `side` px."""
    window = ours.shape[-1] // side
    return functional.mse_loss(
        functional.avg_pool2d(ours.float(), window), functional.avg_pool2d(theirs.float(), window)
    )


def identity_distance(ours: Tensor, theirs: Tensor) -> Tensor:
    """The mean of 1 - cosine of two batches of embeddings [N, D]."""
    return (1 - functional.cosine_similarity(ours.float(), theirs.float())).mean()


def judged_real(judgements: Tensor) -> Tensor:
    """Least squares (Mao et al., ICCV 2017): 0 where every patch is judged to be real, 1."""
    return (judgements.float() - 1).square().mean()


def judged_generated(judgements: Tensor) -> Tensor:
    """Least squares: 0 where every patch is judged to be generated, 0."""
    return judgements.float().square().mean()
