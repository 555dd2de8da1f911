"""A recogniser of the house architecture, small and untrained, as a file and opened."""

from __future__ import annotations

from pathlib import Path

import torch

from guise import _core, embedding
from guise.models import CropContract

SIZE_PX = 64
CROP = CropContract("arcface", SIZE_PX, SIZE_PX, (127.5,) * 3, (127.5,) * 3)
_CHANNELS = (8, 8, 12, 16)


def toy_tensors(
    *, dimension: int = 24, quality: bool = False, seed: int = 0
) -> dict[str, torch.Tensor]:
    """Tensors by the keys of house-recogniser: one block a stage."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        fan = max(1, torch.Size(shape[1:]).numel())
        return torch.randn(shape, generator=generator).mul((2 / fan) ** 0.5)

    tensors: dict[str, torch.Tensor] = {}

    def norm(name: str, count: int) -> None:
        tensors[f"{name}.weight"] = 1 + 0.1 * torch.randn(count, generator=generator)
        tensors[f"{name}.bias"] = 0.1 * torch.randn(count, generator=generator)
        tensors[f"{name}.running_mean"] = 0.1 * torch.randn(count, generator=generator)
        tensors[f"{name}.running_var"] = 1 + torch.rand(count, generator=generator)
        tensors[f"{name}.num_batches_tracked"] = torch.tensor(0)

    tensors["stem.0.weight"] = normal(_CHANNELS[0], 3, 3, 3)
    norm("stem.1", _CHANNELS[0])
    before = _CHANNELS[0]
    for stage, channels in enumerate(_CHANNELS):
        name = f"stages.{stage}.0"
        tensors[f"{name}.conv1.weight"] = normal(channels, before, 3, 3)
        norm(f"{name}.bn1", channels)
        tensors[f"{name}.conv2.weight"] = normal(channels, channels, 3, 3)
        norm(f"{name}.bn2", channels)
        if stage > 0 or channels != before:
            tensors[f"{name}.shortcut_conv.weight"] = normal(channels, before, 1, 1)
            norm(f"{name}.shortcut_bn", channels)
        before = channels
    tensors["head_conv.weight"] = normal(before, 1, 4, 4)
    norm("head_bn", before)
    tensors["linear.weight"] = normal(dimension, before)
    norm("features", dimension)
    if quality:
        tensors["quality.weight"] = normal(1, dimension)
        tensors["quality.bias"] = torch.zeros(1)
    return tensors


def write_toy(path: Path, tensors: dict[str, torch.Tensor]) -> Path:
    """The tensors as a safetensors file."""
    _core.write_safetensors(str(path), tensors, metadata={"architecture": "house-recogniser"})
    return path


def open_toy(folder: Path, *, quality: bool = False, seed: int = 0) -> _core.Embedder:
    """A toy recogniser in `folder`, opened."""
    name = f"toy-{seed}{'-quality' if quality else ''}"
    path = write_toy(folder / f"{name}.safetensors", toy_tensors(quality=quality, seed=seed))
    return embedding.open_file(
        path, architecture="house-recogniser", preset="v1", crop=CROP, name=name
    )
