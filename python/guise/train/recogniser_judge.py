"""house-recogniser as what it is to a generator: embeddings and features, never trained."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from guise import _core
from guise.train.memory_format import use_channels_last

RECOGNISER_PX = 64


class RecogniserJudge:
    """What house-recogniser sees in pictures, with gradients for the pictures."""

    def __init__(self, path: Path) -> None:
        tensors = _core.read_safetensors(str(path))
        channels = [tensors[f"stages.{s}.0.conv1.weight"].shape[0] for s in range(4)]
        blocks = [
            len({k.split(".")[2] for k in tensors if k.startswith(f"stages.{s}.")})
            for s in range(4)
        ]
        self.net = _core.nets.HouseRecogniser(
            channels=channels,
            blocks=blocks,
            dimension=tensors["linear.weight"].shape[0],
            has_quality="quality.weight" in tensors,
        )
        self.net.load_state_dict(
            {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}
        )
        use_channels_last(self.net)
        self.net.eval()
        for parameter in self.net.parameters():
            parameter.requires_grad_(False)

    def embed(self, images: Tensor) -> Tensor:
        """float [N, 3, 112, 112] in -1..1 -> raw embeddings [N, 512]."""
        small = functional.interpolate(
            images.float(), size=RECOGNISER_PX, mode="bilinear", antialias=True
        )
        raw: Tensor = self.net(small.contiguous(memory_format=torch.channels_last))
        return raw.float()

    def last_stage(self, images: Tensor) -> Tensor:
        """float [N, 3, 112, 112] in -1..1 -> [N, F]: what pose is read from."""
        small = functional.interpolate(images, size=RECOGNISER_PX, mode="bilinear", antialias=True)
        last: Tensor = self.net.stage_features(small)[-1]
        return last.contiguous().flatten(1)

    def features(self, images: Tensor) -> list[Tensor]:
        """What the layers down to 14 px see at the picture's own size: the stem, then 3 stages."""
        found: list[Tensor] = self.net.stage_features(images)
        return found[:4]
