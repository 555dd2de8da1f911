"""Rough treatment of aligned faces, so that a recogniser learns what photos look like."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from guise.train.crop_size import CROP_PX, INPUT_PX

# Crops of the bank are scaled about the corner of their first pixel, those that the engine aligns
# about its centre: this much further up and left, in half crops.
CENTRE_SHIFT = 0.5 * (INPUT_PX / 112 - 1) / (CROP_PX / 2)


class PhotoAugmenter:
    """Crops uint8 [N, 80, 80, 3] to inputs float32 [N, 3, 64, 64] in -1..1, treated roughly.

    strength: 0 leaves the view as it is but for flips and grey pictures, 1 is rough. A call with
    the same seed and crops gives the same batch.
    """

    STRETCH = 0.3  # of the width, in octaves either way
    LUMINANCE = torch.tensor([0.299, 0.587, 0.114])
    # How coarsely JPEG keeps a frequency grows about linearly from the mean to the finest.
    QUANTISER = 12 + 6.5 * (torch.arange(8)[:, None] + torch.arange(8)[None]).float()

    def __init__(self, strength: float) -> None:
        self.random = torch.Generator()
        self.strength = strength
        steps = torch.arange(8).float()
        self.dct = torch.cos(math.pi / 8 * (steps[None] + 0.5) * steps[:, None]) / 2
        self.dct[0] /= math.sqrt(2)

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Uniform numbers."""
        return low + (high - low) * torch.rand(shape, generator=self.random)

    def chosen(self, count: int, share: float) -> Tensor:
        """Which pictures an operation is done to."""
        picks = torch.rand(count, generator=self.random) < share * min(self.strength, 1)
        return picks.nonzero().flatten()

    def __call__(self, crops: Tensor, seed: int) -> Tensor:
        """A batch as the network sees it."""
        self.random.manual_seed(seed)
        x = self.place(crops.permute(0, 3, 1, 2).float())
        self.light(x)
        self.grey(x)
        self.blur(x)
        self.resample(x)
        self.noise(x)
        self.compress(x)
        self.end(x)
        return x.clamp_(0, 1).mul_(2).sub_(1)

    def place(self, x: Tensor) -> Tensor:
        """Crop, scale, stretch, rotate, flip; 0..255 to 0..1."""
        grid = self.placed_grid(len(x))
        sampled = functional.grid_sample(x, grid, padding_mode="border", align_corners=False)
        return sampled.mul_(1 / 255).clamp_(1e-4, 1)

    def placed_grid(self, count: int) -> Tensor:
        """[count, INPUT_PX, INPUT_PX, 2]: where each pixel of the view lies in the crop, -1..1."""
        s = self.strength
        angle = self.uniform(-10, 10, count) * (s * math.pi / 180)
        scale = INPUT_PX / CROP_PX * torch.exp2(self.uniform(-0.2, 0.2, count) * s)
        stretch = torch.exp2(self.uniform(-1, 1, count) * self.STRETCH * s)
        flip = torch.where(torch.rand(count, generator=self.random) < 0.5, -1.0, 1.0)
        cosine, sine = angle.cos() * scale, angle.sin() * scale
        shift = self.uniform(-0.09, 0.09, 2, count) * s + CENTRE_SHIFT
        rows = [
            torch.stack([cosine * flip * stretch, -sine, shift[0]], 1),
            torch.stack([sine * flip * stretch, cosine, shift[1]], 1),
        ]
        shape = [count, 3, INPUT_PX, INPUT_PX]
        return functional.affine_grid(torch.stack(rows, 1), shape, align_corners=False)

    def light(self, x: Tensor) -> None:
        """Gamma, contrast and brightness of each picture."""
        s, shape = self.strength, (len(x), 1, 1, 1)
        x.pow_(torch.exp2(self.uniform(-0.6, 0.7, *shape) * s))
        middle = x.mean((1, 2, 3), keepdim=True)
        x.sub_(middle).mul_(torch.exp2(self.uniform(-0.7, 0.6, *shape) * s)).add_(middle)
        x.mul_(torch.exp2(self.uniform(-0.45, 0.5, *shape) * s)).clamp_(0, 1)

    def grey(self, x: Tensor) -> None:
        """30 % without colour, the others with more or less of it."""
        share = torch.exp2(self.uniform(-1, 0.4, len(x), 1, 1, 1) * self.strength)
        share[torch.rand(len(x), generator=self.random) < 0.3] = 0
        luminance = torch.einsum("nchw,c->nhw", x, self.LUMINANCE)[:, None]
        x.sub_(luminance).mul_(share).add_(luminance)

    def blur(self, x: Tensor) -> None:
        """Gaussian, up to 1.8 px."""
        picks = self.chosen(len(x), 0.35)
        if len(picks) == 0:
            return
        sigma = self.uniform(0.3, 1.8, len(picks), 1)
        taps = torch.exp(-0.5 * (torch.arange(-4, 5)[None] / sigma) ** 2)
        taps = (taps / taps.sum(1, keepdim=True)).repeat_interleave(3, 0)
        part = x[picks].reshape(1, -1, INPUT_PX, INPUT_PX)
        part = functional.pad(part, (4, 4, 4, 4), mode="replicate")
        part = functional.conv2d(part, taps[:, None, None], groups=len(taps))
        part = functional.conv2d(part, taps[:, None, :, None], groups=len(taps))
        x[picks] = part.reshape(-1, 3, INPUT_PX, INPUT_PX)

    def resample(self, x: Tensor) -> None:
        """Down to 16 to 52 px and up again; two sizes a batch."""
        for picks in self.chosen(len(x), 0.35).chunk(2):
            if len(picks):
                side = int(torch.randint(16, 53, (1,), generator=self.random))
                small = functional.interpolate(x[picks], size=side, mode="area")
                x[picks] = functional.interpolate(small, size=INPUT_PX, mode="bilinear")

    def noise(self, x: Tensor) -> None:
        """Normal, standard deviation up to 0.07."""
        picks = self.chosen(len(x), 0.5)
        part = x[picks]
        level = self.uniform(0, 0.07, len(picks), 1, 1, 1) * self.strength
        x[picks] = part + torch.randn(part.shape, generator=self.random) * level

    def compress(self, x: Tensor) -> None:
        """What JPEG does: frequencies of 8x8 blocks rounded, colour twice as coarsely."""
        picks = self.chosen(len(x), 0.4)
        if len(picks) == 0:
            return
        part = x[picks].clamp_(0, 1)
        luminance = torch.einsum("nchw,c->nhw", part, self.LUMINANCE)[:, None]
        planes = torch.cat([luminance, part[:, ::2] - luminance], 1)  # Y, R - Y, B - Y
        blocks = planes.reshape(-1, 3, 8, 8, 8, 8).transpose(3, 4)
        # blocks: [n, plane, row of blocks, column of blocks, 8, 8]
        step = self.QUANTISER / 255 * torch.exp2(self.uniform(-2.5, 1.0, len(picks), 1, 1, 1, 1, 1))
        step = step * torch.tensor([1.0, 2.0, 2.0]).reshape(3, 1, 1, 1, 1)
        waves = self.dct @ blocks @ self.dct.T
        waves = (waves / step).round_() * step
        planes = (self.dct.T @ waves @ self.dct).transpose(3, 4).flatten(4, 5).flatten(2, 3)
        luminance, red, blue = planes.unbind(1)
        green = -(self.LUMINANCE[0] * red + self.LUMINANCE[2] * blue) / self.LUMINANCE[1]
        x[picks] = torch.stack([red, green, blue], 1) + luminance[:, None]

    def end(self, x: Tensor) -> None:
        """The photo ends within the view: black beyond up to four edges, as alignment leaves it."""
        picks = self.chosen(len(x), 0.5)
        if len(picks) == 0:
            return
        steps = torch.linspace(-1, 1, INPUT_PX)
        turn = self.uniform(-0.2, 0.2, len(picks), 1, 1)
        down = steps[:, None] + turn * steps[None]
        across = steps[None] - turn * steps[:, None]
        is_beyond = torch.zeros(len(picks), INPUT_PX, INPUT_PX, dtype=torch.bool)
        for distance in (down, -down, across, -across):
            is_beyond |= distance > self.uniform(0.6, 1.6, len(picks), 1, 1)
        x[picks] = x[picks].masked_fill(is_beyond[:, None], 0)
