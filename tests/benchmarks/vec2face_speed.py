"""Pictures a second: Vec2Face's form for inference against plain PyTorch, eager, float32.

The same weights in all: random ones in the published size, house-vec2face's own where its file
lies in the repository. Plain PyTorch draws batches with all threads inside each operation, as the
authors' code does. All take turns, round after round; a figure is the best of its rounds. On a
machine that is busy with other work, `--clock cpu --threads 1` counts processor time instead.

With a trained file it also says how far bfloat16 is from float32: levels of 0 to 255 and cosines
of house-recogniser's embeddings.

    python tests/benchmarks/vec2face_speed.py
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import torch
from support import (
    argument_parser,
    import_guise,
    limit_threads,
    markdown_table,
    processor,
    write_json,
)
from torch import Tensor
from torch.nn import functional

Draw = Callable[[Tensor, Tensor, Tensor], Tensor]

PLAIN = "PyTorch, eager float32"
HOUSE = Path(__file__).resolve().parents[2] / "models/house-vec2face/house-vec2face.safetensors"
HEADS = {"base": (12, 16, 32), "house": (8, 8, 8)}  # of encoder and decoder; groups of the norms


class PlainVec2Face:
    """The generator as one would write it, a batch at a time."""

    def __init__(self, state: dict[str, Tensor], preset: str) -> None:
        self.state = state
        self.heads, self.decoder_heads, self.groups = HEADS[preset]

    def linear(self, x: Tensor, name: str) -> Tensor:
        return functional.linear(x, self.state[f"{name}.weight"], self.state[f"{name}.bias"])

    def norm(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self.state[f"{name}.weight"], self.state[f"{name}.bias"]
        return functional.layer_norm(x, weight.shape, weight, bias, 1e-6)

    def activated(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self.state[f"{name}.weight"], self.state[f"{name}.bias"]
        return functional.silu(functional.group_norm(x, self.groups, weight, bias, 1e-6))

    def convolution(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self.state[f"{name}.weight"], self.state.get(f"{name}.bias")
        return functional.conv2d(x, weight, bias, padding=weight.shape[2] // 2)

    def block(self, x: Tensor, name: str, heads: int) -> Tensor:
        parts = self.linear(self.norm(x, f"{name}.norm1"), f"{name}.attn.qkv")
        query, key, value = parts.view(*x.shape[:2], 3, heads, -1).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        x = x + self.linear(mixed.transpose(1, 2).flatten(2), f"{name}.attn.proj")
        hidden = functional.gelu(self.linear(self.norm(x, f"{name}.norm2"), f"{name}.mlp.fc1"))
        return x + self.linear(hidden, f"{name}.mlp.fc2")

    def blocks(self, x: Tensor, root: str, heads: int) -> Tensor:
        number = 0
        while f"{root}.{number}.norm1.weight" in self.state:
            x = self.block(x, f"{root}.{number}", heads)
            number += 1
        return x

    def residual(self, x: Tensor, name: str) -> Tensor:
        y = self.convolution(self.activated(x, f"{name}.norm1"), f"{name}.conv1")
        y = self.convolution(self.activated(y, f"{name}.norm2"), f"{name}.conv2")
        shortcut = f"{name}.nin_shortcut"
        return y + (self.convolution(y, shortcut) if f"{shortcut}.weight" in self.state else x)

    def picture(self, x: Tensor) -> Tensor:
        x = self.convolution(x, "im_decoder.conv_in")
        for number in (1, 2):
            x = self.residual(x, f"im_decoder.mid.block_{number}")
        for level in (4, 3, 2, 1, 0):
            for number in (0, 1):
                x = self.residual(x, f"im_decoder.up.{level}.block.{number}")
            if level:
                x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
                x = self.convolution(x, f"im_decoder.up.{level}.upsample.conv")
        return self.convolution(self.activated(x, "im_decoder.norm_out"), "im_decoder.conv_out")

    def __call__(self, vectors: Tensor, masked: Tensor, dropped: Tensor) -> Tensor:
        own = self.linear(vectors, "latent_prior_proj_f")[:, None]
        grid = self.linear(own.transpose(1, 2), "feature_token").transpose(1, 2)
        x = torch.cat([own, torch.where(masked[:, :, None], own, grid)], 1)
        x = x + self.state["token_emb.position_embeddings.weight"]
        x = self.norm(x, "token_emb.LayerNorm")
        count, tokens, width = x.shape
        first = torch.zeros(count, 1, dtype=torch.bool)
        kept = ~torch.cat([first, dropped], 1)
        x = self.blocks(x[kept].view(count, -1, width), "blocks", self.heads)
        x = self.linear(self.norm(x, "norm"), "decoder_embed")
        filled = x[:, :1].repeat(1, tokens, 1)
        filled[kept] = x.flatten(0, 1)
        x = torch.where(torch.cat([first, masked], 1)[:, :, None], x[:, :1], filled)
        x = self.blocks(
            x + self.state["decoder_pos_embed_learned"], "decoder_blocks", self.decoder_heads
        )
        x = self.linear(self.norm(x, "decoder_norm")[:, 1:], "im_decoder_proj")
        return self.picture(x.view(count, 7, 7, -1).permute(0, 3, 1, 2).contiguous())


def random_weights(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights whose values keep their size."""
    generator = torch.Generator().manual_seed(0)
    for tensor in state.values():
        if tensor.is_floating_point() and tensor.dim() > 1:
            tensor.copy_(torch.randn(tensor.shape, generator=generator))
            tensor.mul_(tensor[0].numel() ** -0.5)
    return state


def eight_bit(images: Tensor) -> Tensor:
    """float [N, 3, H, W] -> uint8 [N, H, W, 3]."""
    return ((images + 1) * 127.5).clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous()


def difference(images: Tensor, wanted: Tensor) -> str:
    """In levels of 0 to 255 and in cosine, of trained weights."""
    from guise.embedding import embed_crops

    a, b = eight_bit(images), eight_bit(wanted)
    levels = (a.int() - b.int()).abs()
    cosines = (embed_crops(a) * embed_crops(b)).sum(1)
    return (
        f"levels: mean {levels.float().mean():.3f}, most {int(levels.max())}; cosine: mean "
        f"{cosines.mean():.5f}, least {cosines.min():.5f}"
    )


def best_of(
    tools: dict[str, Draw], given: tuple[Tensor, ...], rounds: int, clock: Callable[[], float]
) -> dict[str, float]:
    """Pictures a second, in turns."""
    best = dict.fromkeys(tools, 0.0)
    for _ in range(rounds):
        for tool, draw in tools.items():
            start = clock()
            draw(*given)
            best[tool] = max(best[tool], len(given[0]) / (clock() - start))
    return best


def measure(preset: str, batch: int, rounds: int, clock: Callable[[], float]) -> list[list[str]]:
    """The rows of one size."""
    core = import_guise()._core
    net = core.nets.Vec2Face(preset)
    state, trained = net.state_dict(), preset == "house" and HOUSE.is_file()
    generator = torch.Generator().manual_seed(1)
    if trained:
        read = core.read_safetensors(str(HOUSE))
        state = {name: read[name].to(tensor.dtype) for name, tensor in state.items()}
        basis = read["identities.basis"]
        vectors = torch.randn(batch, len(basis), generator=generator) @ basis
        vectors += read["identities.mean"]
    else:
        state = random_weights(state)
        vectors = torch.randn(batch, 512, generator=generator)
    net.load_state_dict(state)
    given = (vectors, *core.nets.draw_masks(1, list(range(batch))))
    tools: dict[str, Draw] = {PLAIN: PlainVec2Face(state, preset), "float32": net.folded()}
    try:
        tools["bfloat16"] = net.folded("bfloat16")
    except core.Unavailable as reason:
        print(reason)
    wanted = tools[PLAIN](*given)  # and warm up
    torch.testing.assert_close(tools["float32"](*given), wanted, atol=1e-4, rtol=1e-4)
    best = best_of(tools, given, rounds, clock)
    rows = [
        [preset, tool, f"{rate:.1f}", f"{rate / best[PLAIN]:.2f}"] for tool, rate in best.items()
    ]
    if trained and "bfloat16" in tools:
        print("house, bfloat16 beside float32,", difference(tools["bfloat16"](*given), wanted))
    return rows


def main() -> None:
    """Time both sizes and print the table."""
    parser = argument_parser(__doc__ or "")
    parser.set_defaults(threads=2)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--presets", nargs="+", default=list(HEADS), choices=list(HEADS))
    parser.add_argument("--clock", default="wall", choices=["wall", "cpu"])
    arguments = parser.parse_args()
    limit_threads(arguments.threads)
    torch.set_num_threads(arguments.threads)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.threads])
    clock = time.perf_counter if arguments.clock == "wall" else time.process_time
    rows: list[list[str]] = []
    with torch.inference_mode():
        for preset in arguments.presets:
            rows += measure(preset, arguments.batch, arguments.rounds, clock)
    print(
        f"Vec2Face, {processor()}, {arguments.threads} thread(s), {arguments.clock} time, ", end=""
    )
    print(f"best of {arguments.rounds} rounds, batch {arguments.batch}, pictures a second\n")
    print(markdown_table(["size", "drawn by", "pictures a second", "beside PyTorch"], rows))
    write_json(arguments.json, {"rows": rows})


if __name__ == "__main__":
    main()
