"""YuNet's published ONNX graph, back to the names of the training repository's checkpoint.

The exporter kept the names of most weights. Where a BatchNorm was folded into the convolution
before it, it gave a number instead; such a convolution is known by its place: it reads what the
unit's first one wrote. The folded BatchNorm comes back as one that changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from guise import _core

_STEM = "backbone.model0"
_STEM_CHANNELS = 16
# Convolutions of the two presets, s and n: a stem, and two to each unit.
_CONVOLUTIONS = (53, 59)
# BatchNorm divides by sqrt(running_var + eps); in float32 this makes it exactly 1.
_BATCH_NORM_EPS = 1e-5


@dataclass(frozen=True)
class _Conv:
    """A convolution of the graph, its tensors looked up."""

    source: str
    target: str
    weight_name: str
    weight: torch.Tensor
    bias: torch.Tensor
    attributes: dict[str, Any]


def read_yunet_onnx(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of the graph under the names of the training repository's checkpoint.

    Raises Unavailable without the package onnx, CorruptFile for any other graph.
    """
    convolutions = list(_convolutions(path, _load(path)))
    if len(convolutions) not in _CONVOLUTIONS:
        counts = " or ".join(map(str, _CONVOLUTIONS))
        raise _wrong(path, f"hold {counts} convolutions", str(len(convolutions)))
    tensors: dict[str, torch.Tensor] = {}
    units: dict[str, str] = {}  # what a unit's first convolution writes: the unit's name
    for index, conv in enumerate(convolutions):
        if index == 0:
            _check(path, conv, kernel=3, stride=2, groups=1)
            if conv.weight.shape != (_STEM_CHANNELS, 3, 3, 3):
                raise _wrong(path, "begin with 3 x 3 over 3 channels", str(conv.weight.shape))
            name = f"{_STEM}.conv1"
            tensors.update(_neutral_batch_norm(f"{_STEM}.bn1", _STEM_CHANNELS))
        elif conv.weight_name.endswith(".conv1.weight"):
            _check(path, conv, kernel=1, stride=1, groups=1)
            name = conv.weight_name.removesuffix(".weight")
            units[conv.target] = name.removesuffix(".conv1")
        else:
            channels = int(conv.weight.shape[0])
            _check(path, conv, kernel=3, stride=1, groups=channels)
            unit = units.pop(conv.source, None)
            if unit is None:
                raise _wrong(path, "pair each 3 x 3 with a 1 x 1", f"{conv.weight_name} alone")
            name = f"{unit}.conv2"
            if conv.weight_name.isdigit():
                tensors.update(_neutral_batch_norm(f"{unit}.bn", channels))
            elif conv.weight_name != f"{name}.weight":
                raise _wrong(path, f"hold {name}.weight after its 1 x 1", conv.weight_name)
        if f"{name}.weight" in tensors:
            raise _wrong(path, f"hold {name} once", "two of them")
        tensors[f"{name}.weight"] = conv.weight
        tensors[f"{name}.bias"] = conv.bias
    if units:
        raise _wrong(path, "pair each 1 x 1 with a 3 x 3", f"{min(units.values())}.conv1 alone")
    return tensors


def _wrong(path: Path, must: str, got: str) -> _core.CorruptFile:
    return _core.CorruptFile(f"{path} must {must}, as the graph of YuNet does; got {got}")


def _load(path: Path) -> Any:
    try:
        import onnx
    except ImportError:
        raise _core.Unavailable(
            f"{path} must be read with the package onnx; it is absent; run: pip install onnx "
            '(or "guise[convert]")'
        ) from None
    try:
        model = onnx.load(str(path), load_external_data=False)
        onnx.checker.check_model(model)
    # protobuf's DecodeError has no base class of its own that onnx promises.
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise _core.CorruptFile(f"{path} must be an ONNX graph; it is not: {reason}") from None
    return model.graph


def _convolutions(path: Path, graph: Any) -> Iterator[_Conv]:
    from onnx import helper

    initializers = {each.name: each for each in graph.initializer}
    for node in graph.node:
        if node.op_type != "Conv":
            continue
        if len(node.input) != 3 or any(name not in initializers for name in node.input[1:]):
            raise _wrong(path, "give each convolution a weight and a bias", node.output[0])
        weight, bias = (_tensor(path, initializers[name]) for name in node.input[1:])
        if weight.dim() != 4 or bias.shape != weight.shape[:1]:
            raise _wrong(path, "convolve in two dimensions", f"{node.input[1]} {weight.shape}")
        attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        yield _Conv(node.input[0], node.output[0], node.input[1], weight, bias, attributes)


def _tensor(path: Path, initializer: Any) -> torch.Tensor:
    from onnx import TensorProto, numpy_helper

    # Data kept in another file is not followed.
    if initializer.data_type != TensorProto.FLOAT or initializer.data_location != 0:
        raise _wrong(path, "hold float32 weights in the file itself", initializer.name)
    return torch.from_numpy(numpy_helper.to_array(initializer).copy())


def _check(path: Path, conv: _Conv, *, kernel: int, stride: int, groups: int) -> None:
    """Raises CorruptFile unless the convolution is the one the engine would compute."""
    pad = kernel // 2
    wanted: dict[str, Any] = {
        "kernel_shape": [kernel, kernel],
        "strides": [stride, stride],
        "pads": [pad] * 4,
        "dilations": [1, 1],
        "group": groups,
    }
    per_group = 1 if groups > 1 else int(conv.weight.shape[1])
    shape = (int(conv.weight.shape[0]), per_group, kernel, kernel)
    if conv.attributes != wanted or tuple(conv.weight.shape) != shape:
        got = f"{conv.attributes} over {tuple(conv.weight.shape)} in {conv.weight_name}"
        raise _wrong(path, f"convolve with {wanted}", got)


def _neutral_batch_norm(name: str, channels: int) -> dict[str, torch.Tensor]:
    """A BatchNorm that gives back what it gets."""
    return {
        f"{name}.weight": torch.ones(channels),
        f"{name}.bias": torch.zeros(channels),
        f"{name}.running_mean": torch.zeros(channels),
        f"{name}.running_var": torch.full((channels,), 1 - _BATCH_NORM_EPS),
        f"{name}.num_batches_tracked": torch.tensor(0),
    }
