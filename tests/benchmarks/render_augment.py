"""Rough treatment of aligned faces: guise's own, as the figures of this benchmark were taken."""

from __future__ import annotations

from torch import Tensor

from guise.train.photo_augment import PhotoAugmenter


class Augmenter(PhotoAugmenter):
    """Crops [N, 80, 80, 3] uint8 to inputs [N, 3, 64, 64] float32 in -1..1; a new draw a call."""

    STRETCH = 0.08

    def __init__(self, seed: int, strength: float) -> None:
        super().__init__(strength)
        self.next_seed = seed << 32

    def __call__(self, crops: Tensor, seed: int | None = None) -> Tensor:
        """A batch as the network sees it."""
        self.next_seed += 1
        return super().__call__(crops, self.next_seed if seed is None else seed)
