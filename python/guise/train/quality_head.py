"""The quality that house-recogniser gives beside an embedding: how surely it knows the person.

After CR-FIQA (Boutros et al., CVPR 2023): the target is how much nearer an embedding lies to its
own class centre than to the nearest other one. Here the net is finished and frozen; one linear
layer on the raw embedding learns the target on crops of all qualities.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def certainty(embeddings: Tensor, centres: Tensor, labels: Tensor) -> Tensor:
    """float [N, D], [C, D], int64 [N] -> [N], 0 to 1.

    (1 + cosine to the own centre) / (2 + that + the largest cosine to another one): a half where
    both are as near, more where the own centre is nearer.
    """
    cosine = functional.normalize(embeddings) @ functional.normalize(centres).T
    own = cosine.gather(1, labels[:, None])[:, 0]
    other = cosine.scatter(1, labels[:, None], -1.0).amax(1)
    return (1 + own) / (2 + own + other + 1e-6)


def fit_quality(
    net: Any,
    centres: Tensor,
    draw: Callable[[int], tuple[Tensor, Tensor]],
    *,
    first_step: int,
    batches: int,
    epochs: int = 40,
) -> tuple[Tensor, Tensor, float]:
    """Weight [1, D] and bias [1] of the layer, and the correlation with unseen targets.

    draw: the batch of a step, (float32 [N, 3, 64, 64], int64 [N]); steps from `first_step` on are
    taken. The last fifth of the batches is held out for the correlation.
    """
    embeddings, targets = [], []
    with torch.inference_mode():
        for step in range(first_step, first_step + batches):
            inputs, labels = draw(step)
            raw = net(inputs.contiguous(memory_format=torch.channels_last)).float()
            embeddings.append(raw)
            targets.append(certainty(raw, centres, labels))
    x, y = torch.cat(embeddings).clone(), torch.cat(targets).clone()
    # Stretched so that the sigmoid has room: 1 % and 99 % of the targets come to .05 and .95.
    low, high = torch.quantile(y, 0.01), torch.quantile(y, 0.99)
    y = (0.05 + 0.9 * (y - low) / (high - low)).clamp(0, 1)
    known = len(x) * 4 // 5
    weight = torch.zeros(1, x.shape[1], requires_grad=True)
    bias = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.Adam([weight, bias], lr=0.02)
    for epoch in range(epochs):
        optimiser.param_groups[0]["lr"] = 0.02 * (1 - epoch / epochs)
        for part in torch.split(torch.arange(known), 256):
            given = functional.linear(x[part], weight, bias)[:, 0].sigmoid()
            loss = functional.mse_loss(given, y[part]) + 1e-5 * weight.square().sum()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    with torch.no_grad():
        given = functional.linear(x[known:], weight, bias)[:, 0].sigmoid()
        correlation = torch.corrcoef(torch.stack([given, y[known:]]))[0, 1]
    return weight.detach(), bias.detach(), float(correlation)
