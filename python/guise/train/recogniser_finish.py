"""What house-recogniser gets when its training is over: a centre among photos, and a quality.

Both are closed forms or one linear layer on the finished, frozen net.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from guise.train.crop_bank import Crops
from guise.train.photo_augment import PhotoAugmenter

Draw = Callable[[int], tuple[Tensor, Tensor]]
MORPH_AUGMENTATION = 0.3
MORPH_BATCH = 128


def embed_raw(net: Any, inputs: Tensor) -> Tensor:
    """float32 [N, 3, 64, 64] in -1..1 -> raw embeddings [N, D], of a net in eval mode."""
    with torch.inference_mode():
        raw: Tensor = net(inputs.contiguous(memory_format=torch.channels_last))
    return raw.float().clone()


def mean_of_strangers(net: Any, portraits: Crops, *, seed: int, batches: int = 16) -> Tensor:
    """float32 [D]: the mean raw embedding of photo-like people whom no training has seen.

    A net trained mostly on renders puts all photos on one side of its space, so that strangers look
    alike to it; taking away that mean undoes it. The people of training have been pushed apart, so
    the mean is taken over morphs: two aligned portraits, half and half, treated as photos are.
    """
    augment = PhotoAugmenter(MORPH_AUGMENTATION)
    random = torch.Generator().manual_seed(seed)
    pixels = torch.from_numpy(portraits.pixels).float()
    means = []
    for batch in range(batches):
        one, other = torch.randint(len(portraits), (2, MORPH_BATCH), generator=random)
        morphs = ((pixels[one] + pixels[other]) / 2).to(torch.uint8)
        inputs = augment(morphs, (seed << 32) + batch)
        means.append(embed_raw(net, torch.cat([inputs, inputs.flip(3)])).mean(0))
    return torch.stack(means).mean(0)


def certainty(embeddings: Tensor, centres: Tensor, labels: Tensor) -> Tensor:
    """float [N, D], [C, D], int64 [N] -> [N], 0 to 1; what CR-FIQA learns to predict.

    (1 + cosine to the own class centre) / (2 + that + the largest cosine to another one), a half
    where both are as near (after Boutros et al., CVPR 2023, whose ratio may be negative).
    """
    cosine = functional.normalize(embeddings) @ functional.normalize(centres).T
    own = cosine.gather(1, labels[:, None])[:, 0]
    other = cosine.scatter(1, labels[:, None], -1.0).amax(1)
    return (1 + own) / (2 + own + other + 1e-6)


def fit_quality(
    net: Any, centres: Tensor, draw: Draw, *, batches: int, first_step: int = 0, epochs: int = 40
) -> tuple[Tensor, Tensor, float]:
    """Weight [1, D] and bias [1] of the layer, and the correlation with targets held out.

    draw: the batch of a step, (float32 [N, 3, 64, 64], int64 [N]); steps from `first_step` on are
    taken. The last fifth of them is held out.
    """
    embeddings, targets = [], []
    for step in range(first_step, first_step + batches):
        inputs, labels = draw(step)
        raw = embed_raw(net, inputs)
        embeddings.append(raw)
        targets.append(certainty(raw, centres, labels))
    x, y = torch.cat(embeddings), _spread(torch.cat(targets))
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


def _spread(targets: Tensor) -> Tensor:
    """Stretched so that the sigmoid has room: 1 % and 99 % of them come to 0.05 and 0.95."""
    low, high = torch.quantile(targets, 0.01), torch.quantile(targets, 0.99)
    return (0.05 + 0.9 * (targets - low) / (high - low)).clamp(0, 1)


def finished_weights(
    net: Any, centres: Tensor, draw: Draw, portraits: Crops | None, *, seed: int, batches: int = 150
) -> tuple[dict[str, Tensor], float]:
    """The net's weights, centred on photos where there are portraits, and with a quality layer.

    Also gives the correlation of the quality with its target, on crops held out from the layer.
    """
    net.eval()
    weight, bias, correlation = fit_quality(net, centres, draw, batches=batches)
    state = {name: value.clone() for name, value in net.state_dict().items()}
    if portraits is not None:
        mean = mean_of_strangers(net, portraits, seed=seed)
        state["features.bias"] -= mean
        bias += weight[0] @ mean
    state["quality.weight"], state["quality.bias"] = weight, bias
    return state, correlation
