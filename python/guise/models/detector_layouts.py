"""How published checkpoints of detectors and head pose networks are laid out: facts for `convert`.

Names are those after `strip` was taken from their beginning, where it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from guise.models.repvgg_fold import fold_repvgg, is_training_form


def _fold_if_needed(tensors: Mapping[str, torch.Tensor], source: str) -> Mapping[str, torch.Tensor]:
    return fold_repvgg(tensors, source) if is_training_form(tensors) else tensors


@dataclass(frozen=True)
class DetectorLayout:
    """A network as its authors publish it."""

    prefixes: tuple[str, ...]  # every name begins with one of these, and each occurs
    landmark: str  # a tensor that tells this architecture from others ...
    shape: tuple[int, ...]  # ... and its shape
    preset: str  # the registry's word; several presets may have the same tensors
    holders: tuple[str, ...] = ("", "state_dict")  # keys of the file's dict; "": the dict itself
    strip: str = "module."
    # Brings other forms of the tensors to the engine's: (tensors, name of the file) -> tensors.
    mend: Callable[[Mapping[str, torch.Tensor], str], Mapping[str, torch.Tensor]] | None = None


_RETINAFACE = (
    "body.",
    "fpn.",
    "ssh1.",
    "ssh2.",
    "ssh3.",
    "ClassHead.",
    "BboxHead.",
    "LandmarkHead.",
)


def _retinaface_mobilenet(preset: str) -> DetectorLayout:
    return DetectorLayout(
        prefixes=_RETINAFACE,
        landmark="body.stage1.0.0.weight",
        shape=(8, 3, 3, 3),
        preset=preset,
    )


# By the word that open_face_detector takes; "six-d-rep-net" is no detector.
LAYOUTS: Mapping[str, DetectorLayout] = {
    # These two have the same names and shapes: the caller must know which one a file is.
    "retinaface-mnet025-leaky": _retinaface_mobilenet("mnet025-leaky"),
    "retinaface-mnet025-relu": _retinaface_mobilenet("mnet025-relu"),
    "retinaface-r50": DetectorLayout(
        prefixes=_RETINAFACE,
        landmark="body.conv1.weight",
        shape=(64, 3, 7, 7),
        preset="r50",
    ),
    "six-d-rep-net": DetectorLayout(
        prefixes=("layer0.", "layer1.", "layer2.", "layer3.", "layer4.", "linear_reg."),
        landmark="linear_reg.weight",
        shape=(6, 2048),
        preset="repvgg-b1g2",
        holders=("", "state_dict", "model_state_dict"),
        mend=_fold_if_needed,
    ),
}
