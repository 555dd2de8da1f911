"""RepVGG: the form that is trained, to the form that is used.

In training each block is a 3 x 3 convolution, a 1 x 1 convolution and the input itself, each with
its BatchNorm, added up ("RepVGG: Making VGG-style ConvNets Great Again", Ding et al. 2021). All
three are linear, so their sum is one 3 x 3 convolution with a bias.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from guise import _core

Tensors = Mapping[str, torch.Tensor]

_DENSE = ".rbr_dense.conv.weight"
_NORM_EPS = 1e-5
_NORM_PARTS = ("weight", "bias", "running_mean", "running_var")


def is_training_form(tensors: Tensors) -> bool:
    """Whether any block still has its branches."""
    return any(name.endswith(_DENSE) for name in tensors)


def fold_repvgg(tensors: Tensors, source: str) -> dict[str, torch.Tensor]:
    """Every block `P.rbr_dense`, `P.rbr_1x1`, `P.rbr_identity` as `P.rbr_reparam`.

    Other tensors stay as they are. Computed in float64; the result has the type of the weights.

    Raises CorruptFile naming `source` where a branch is not whole.
    """
    left = dict(tensors)
    folded: dict[str, torch.Tensor] = {}
    for name in [name for name in tensors if name.endswith(_DENSE)]:
        block = name[: -len(_DENSE)]
        weight, bias = _folded_block(left, block, source)
        dtype = tensors[name].dtype
        folded[f"{block}.rbr_reparam.weight"] = weight.to(dtype)
        folded[f"{block}.rbr_reparam.bias"] = bias.to(dtype)
    unknown = [name for name in left if ".rbr_" in name and ".rbr_reparam." not in name]
    if unknown:
        raise _core.CorruptFile(
            f"{source} must hold whole RepVGG blocks; these belong to none: {unknown[:5]}"
        )
    return {**left, **folded}


def _folded_block(
    left: dict[str, torch.Tensor], block: str, source: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Takes the block's tensors out of `left`."""

    def take(name: str) -> torch.Tensor:
        if name not in left:
            raise _core.CorruptFile(f"{source} must hold whole RepVGG blocks; {name} is missing")
        return left.pop(name).double()

    def take_norm(name: str) -> tuple[torch.Tensor, torch.Tensor]:
        """What the norm multiplies by and what it adds."""
        weight, bias, mean, variance = (take(f"{name}.{part}") for part in _NORM_PARTS)
        left.pop(f"{name}.num_batches_tracked", None)
        scale = weight / (variance + _NORM_EPS).sqrt()
        return scale, bias - mean * scale

    dense = take(f"{block}.rbr_dense.conv.weight")
    point = take(f"{block}.rbr_1x1.conv.weight")
    outputs, inputs = dense.shape[:2]  # `inputs` of one group
    if dense.shape[2:] != (3, 3) or point.shape != (outputs, inputs, 1, 1):
        raise _core.CorruptFile(
            f"{source} must hold a 3 x 3 and a 1 x 1 convolution in {block}; got "
            f"{tuple(dense.shape)} and {tuple(point.shape)}"
        )
    branches = [
        (dense, take_norm(f"{block}.rbr_dense.bn")),
        (torch.nn.functional.pad(point, (1, 1, 1, 1)), take_norm(f"{block}.rbr_1x1.bn")),
    ]
    if f"{block}.rbr_identity.weight" in left:
        identity = torch.zeros_like(dense)
        own = torch.arange(outputs)
        identity[own, own % inputs, 1, 1] = 1
        branches.append((identity, take_norm(f"{block}.rbr_identity")))
    weight = sum((w * scale.reshape(-1, 1, 1, 1) for w, (scale, _) in branches), 0 * dense)
    return weight, torch.stack([shift for _, (_, shift) in branches]).sum(0)
