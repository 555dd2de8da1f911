"""How published Vec2Face checkpoints are laid out, and LoRA brought into the weights it adapts.

The authors save Vec2Face under `model_vec2face`; the checkpoint of Vec2Face+'s pose training holds
that model with LoRA and the pose branch under `pose_model` beside it. Their own loader reads plain
names into the LoRA model without a check, which loads nothing; here every name must fit.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from guise import _core

LORA_ALPHA = 32.0  # of the published runs, whatever the rank
POSE_PREFIX = "pose_condition."
_MODEL, _POSE = "model_vec2face", "pose_model"
_PRESETS = {768: "base", 1024: "large", 1280: "huge", 256: "house"}  # by width
_TOKENS = 50


def joined(content: dict[object, object]) -> dict[object, object]:
    """A checkpoint whose generator and pose branch are one dict of tensors; others as they are."""
    model, pose = content.get(_MODEL), content.get(_POSE)
    if not isinstance(model, dict):
        return content
    branch = pose if isinstance(pose, dict) else {}
    return {**model, **{f"{POSE_PREFIX}{name}": value for name, value in branch.items()}}


def preset(state: Mapping[str, torch.Tensor]) -> str | None:
    """The preset by the width of the tokens."""
    return _PRESETS.get(state["latent_prior_proj_f.weight"].shape[0])


def folded(state: Mapping[str, torch.Tensor], source: str) -> dict[str, torch.Tensor]:
    """The tensors with LoRA added to its base weights, W + alpha / r B A, and the positions there.

    Raises CorruptFile where a base weight lacks its A or B, or their shapes do not fit.
    """
    tensors = dict(state)
    for name in [each for each in state if each.endswith((".A", ".B"))]:
        if f"{name[:-2]}.base.weight" not in state:
            raise _core.CorruptFile(
                f"{source} must hold {name[:-2]}.base.weight beside {name}; it does not"
            )
    for name in [each for each in state if each.endswith(".base.weight")]:
        layer = name.removesuffix(".base.weight")
        base = tensors.pop(name)
        down, up = tensors.pop(f"{layer}.A", None), tensors.pop(f"{layer}.B", None)
        if down is None or up is None:
            raise _core.CorruptFile(f"{source} must hold {layer}.A and .B beside {name}")
        if up.shape != (base.shape[0], down.shape[0]) or down.shape[1] != base.shape[1]:
            raise _core.CorruptFile(
                f"{source}: A and B of {layer} must be [r, {base.shape[1]}] and "
                f"[{base.shape[0]}, r]; got {list(down.shape)} and {list(up.shape)}"
            )
        rank = down.shape[0]
        product = (up.double() @ down.double()) * (LORA_ALPHA / rank)
        tensors[f"{layer}.weight"] = (base.double() + product).to(base.dtype)
        if f"{layer}.base.bias" in tensors:
            tensors[f"{layer}.bias"] = tensors.pop(f"{layer}.base.bias")
    tensors.setdefault("token_emb.position_ids", torch.arange(_TOKENS)[None])
    return tensors
