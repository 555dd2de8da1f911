"""Channels-last weights for the engine's modules, whose `.to()` knows devices and dtypes only."""

from __future__ import annotations

from typing import Any

import torch


def use_channels_last(net: Any) -> None:
    """Stores the weights of convolutions channels last, in place; values stay as they are."""
    for parameter in net.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
