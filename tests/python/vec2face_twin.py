"""Vec2Face's generator in plain PyTorch, sample by sample and token by token where it can be."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

TOKENS = 49
# (in, out) of the first block of each level, 112 px first.
LEVELS = ((128, 128), (256, 128), (256, 256), (512, 256), (512, 512))


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.heads = heads

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.qkv(x).chunk(3, dim=1)
        size = query.shape[1] // self.heads
        found = []
        for head in range(self.heads):
            part = slice(head * size, (head + 1) * size)
            scores = query[:, part] @ key[:, part].T / size**0.5
            found.append(scores.softmax(1) @ value[:, part])
        return self.proj(torch.cat(found, 1))


class Mlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.fc1(x)
        return self.fc2(y * 0.5 * (1 + torch.erf(y / 2**0.5)))


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ResBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(32, inputs, eps=1e-6)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.GroupNorm(32, outputs, eps=1e-6)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        if inputs != outputs:
            self.nin_shortcut = nn.Conv2d(outputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(x)
        y = self.conv1(y * y.sigmoid())
        y = self.norm2(y)
        y = self.conv2(y * y.sigmoid())
        return self.nin_shortcut(y) + y if hasattr(self, "nin_shortcut") else x + y


def group(**children: nn.Module) -> nn.Module:
    module = nn.Module()
    for name, child in children.items():
        module.add_module(name, child)
    return module


class Vec2FaceTwin(nn.Module):
    def __init__(
        self,
        width: int = 768,
        blocks: int = 12,
        heads: int = 12,
        decoder_blocks: int = 8,
        decoder_heads: int = 16,
    ) -> None:
        super().__init__()
        self.latent_prior_proj_f = nn.Linear(512, width)
        self.feature_token = nn.Linear(1, TOKENS)
        self.center_token = nn.Linear(width, TOKENS)
        self.patch_embed = group(proj=nn.Conv2d(3, width, 16, 16))
        self.token_emb = group(
            position_embeddings=nn.Embedding(TOKENS + 1, width),
            LayerNorm=nn.LayerNorm(width, eps=1e-6),
        )
        self.token_emb.register_buffer("position_ids", torch.arange(TOKENS + 1)[None])
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(blocks))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.decoder_embed = nn.Linear(width, width)
        self.decoder_pos_embed_learned = nn.Parameter(torch.zeros(1, TOKENS + 1, width))
        self.decoder_blocks = nn.ModuleList(
            Block(width, decoder_heads) for _ in range(decoder_blocks)
        )
        self.decoder_norm = nn.LayerNorm(width, eps=1e-6)
        self.im_decoder_proj = nn.Linear(width, 256)
        up = []
        for level, (inputs, outputs) in enumerate(LEVELS):
            two = nn.ModuleList([ResBlock(inputs, outputs), ResBlock(outputs, outputs)])
            up.append(group(block=two))
            if level:
                conv = nn.Conv2d(outputs, outputs, 3, padding=1)
                up[-1].add_module("upsample", group(conv=conv))
        self.im_decoder = group(
            conv_in=nn.Conv2d(256, 512, 3, padding=1),
            mid=group(block_1=ResBlock(512, 512), block_2=ResBlock(512, 512)),
            up=nn.ModuleList(up),
            norm_out=nn.GroupNorm(32, 128, eps=1e-6),
            conv_out=nn.Conv2d(128, 3, 3, padding=1),
        )

    def one(
        self, vector: Tensor, masked: Tensor, dropped: Tensor, condition: Tensor | None
    ) -> Tensor:
        """[512], bool [49] twice, [width] or None -> [3, 112, 112]."""
        own = self.latent_prior_proj_f(vector)
        scale, shift = self.feature_token.weight[:, 0], self.feature_token.bias
        rows = [own] + [own if masked[j] else scale[j] * own + shift[j] for j in range(TOKENS)]
        x = torch.stack(rows) + self.token_emb.position_embeddings.weight
        x = self.token_emb.LayerNorm(x)
        kept = [0] + [j + 1 for j in range(TOKENS) if not dropped[j]]
        x = x[kept]
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        if condition is None:
            x = self.decoder_embed(x)
        filling = x[0] if condition is None else condition
        rows = [x[0]]
        for j in range(TOKENS):
            rows.append(filling if masked[j] else x[kept.index(j + 1)])
        x = torch.stack(rows) + self.decoder_pos_embed_learned[0]
        for block in self.decoder_blocks:
            x = block(x)
        x = self.im_decoder_proj(self.decoder_norm(x)[1:])
        return self.picture(x.T.reshape(1, 256, 7, 7))[0]

    def picture(self, x: Tensor) -> Tensor:
        decoder = self.im_decoder
        x = decoder.mid.block_2(decoder.mid.block_1(decoder.conv_in(x)))
        for level in (4, 3, 2, 1, 0):
            for block in decoder.up[level].block:
                x = block(x)
            if level:
                x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
                x = decoder.up[level].upsample.conv(x)
        x = decoder.norm_out(x)
        return decoder.conv_out(x * x.sigmoid())
