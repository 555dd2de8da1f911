"""Which network a set of named tensors is, told by its names, and whether the engine takes it.

Published checkpoints wrap the same tensors in different ways; `named_tensors` unwraps them. The
names that remain are the engine's own, exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from guise import _core
from guise.models import generator_layouts
from guise.models.detector_layouts import LAYOUTS, DetectorLayout

State = dict[str, torch.Tensor]

# Where trainers keep the network's tensors; a plain dict of tensors will do too.
_HOLDERS = ("state_dict", "net_state_dict", "model_state_dict", "state_dict_backbone")
# What wrappers put before every name: DataParallel, Lightning, torch.compile.
_WRAPPERS = ("module.", "model.", "_orig_mod.")


@dataclass(frozen=True)
class Network:
    """A network that was recognised. tensors: under the engine's names."""

    architecture: str
    preset: str
    tensors: State
    judge: Callable[[str, Path], None]

    def check(self, file: Path) -> None:
        """Has the engine open `file`, which holds this network: it knows every name and shape.

        Raises CorruptFile that lists what is missing, unexpected or of another shape.
        """
        self.judge(self.preset, file)


@dataclass(frozen=True)
class Layout:
    """How to tell an architecture, and how to ask the engine about a file of it."""

    fits: Callable[[State], bool]  # whether a network has the names of this one
    preset: Callable[[State], str | None]  # None: no preset of this architecture
    judge: Callable[[str, Path], None]  # (preset, file); raises what the engine raises
    heads: tuple[str, ...] = ()  # names that begin so are classifiers of the training set, dropped
    # Brings another form of the network to the engine's: (tensors, name of the file).
    mend: Callable[[Mapping[str, torch.Tensor], str], Mapping[str, torch.Tensor]] | None = None


def _with(*names: str) -> Callable[[State], bool]:
    return lambda state: all(name in state for name in names)


def _count(state: State, path: str) -> int:
    """How many of path + "0.", path + "1.", ... occur."""
    count = 0
    while any(name.startswith(f"{path}{count}.") for name in state):
        count += 1
    return count


def _yunet_preset(state: State) -> str:
    return "n" if any(".multi_level_share_convs." in name for name in state) else "s"


_IRESNETS: dict[tuple[int, ...], str] = {
    (2, 2, 2, 2): "r18",
    (3, 4, 6, 3): "r34",
    (3, 4, 14, 3): "r50",
    (3, 13, 30, 3): "r100",
    (6, 26, 60, 6): "r200",
}


def _iresnet_preset(state: State) -> str | None:
    depth = _IRESNETS.get(tuple(_count(state, f"layer{i}.") for i in (1, 2, 3, 4)))
    if depth is None:
        return None
    gates = "-se" if "layer1.0.se_block.fc1.weight" in state else ""
    return depth + gates + ("-fiqa" if "qs.weight" in state else "")


_IR_DEPTHS = {
    ("adaface", 8): "18",
    ("adaface", 16): "34",
    ("adaface", 24): "50",
    ("adaface", 49): "101",
    ("treb1en", 24): "50",
    ("treb1en", 49): "100",
}


def _ir_backbone_preset(state: State) -> str | None:
    # Where TreB1eN has the second convolution, AdaFace has the slopes of a PReLU.
    third = state.get("body.0.res_layer.3.weight")
    layout = "adaface" if third is not None and third.dim() == 1 else "treb1en"
    depth = _IR_DEPTHS.get((layout, _count(state, "body.")))
    kind = "ir-se" if any(".fc1." in name for name in state) else "ir"
    return None if depth is None else f"{layout}-{kind}-{depth}"


def _insightface_mobile_preset(state: State) -> str | None:
    return {128: "mbf", 256: "mbf-large"}.get(state["layers.0.layers.0.weight"].shape[0])


def _detector(architecture: str) -> Callable[[str, Path], None]:
    def judge(_preset: str, file: Path) -> None:
        _core.Detector(architecture, path=str(file), sha256="")

    return judge


def _recogniser(
    architecture: str, height_px: int, width_px: int | None = None
) -> Callable[[str, Path], None]:
    def judge(preset: str, file: Path) -> None:
        crop = _core.CropContract(height_px=height_px, width_px=width_px or height_px)
        _core.Embedder(
            architecture, preset=preset, path=str(file), sha256="", name=file.name, crop=crop
        )

    return judge


def _generator(has_pose_condition: bool) -> Callable[[str, Path], None]:
    def judge(preset: str, file: Path) -> None:
        _core.open_generator(
            name=file.name,
            preset=preset,
            path=str(file),
            has_pose_condition=has_pose_condition,
        )

    return judge


def _vec2face_layout(has_pose_condition: bool) -> Layout:
    def fits(state: State) -> bool:
        has_pose = any(name.startswith(generator_layouts.POSE_PREFIX) for name in state)
        known = "latent_prior_proj_f.weight" in state and "im_decoder.conv_in.weight" in state
        return known and has_pose == has_pose_condition

    return Layout(
        fits,
        generator_layouts.preset,
        _generator(has_pose_condition),
        mend=generator_layouts.folded,
    )


def _pose(_preset: str, file: Path) -> None:
    try:
        _core.nets.SixDRepNet().load_state_dict(_core.read_safetensors(str(file)))
    except ValueError as error:
        raise _core.CorruptFile(f"{file}: {error}") from None


def _detector_layout(architecture: str, layout: DetectorLayout) -> Layout:
    def fits(state: State) -> bool:
        landmark = state.get(layout.landmark)
        return landmark is not None and tuple(landmark.shape) == layout.shape

    judge = _pose if architecture == "six-d-rep-net" else _detector(architecture)
    return Layout(fits, _always(layout.preset), judge, mend=layout.mend)


def _always(preset: str) -> Callable[[State], str]:
    return lambda state: preset


# (architecture, layout). Several may fit one network: only its file's origin tells them apart.
_KNOWN: tuple[tuple[str, Layout], ...] = (
    (
        "yunet",
        Layout(
            _with("backbone.model0.conv1.weight", "bbox_head.multi_level_cls.0.conv1.weight"),
            _yunet_preset,
            _detector("yunet"),
        ),
    ),
    (
        "iresnet",
        Layout(
            _with("layer1.0.bn1.weight", "fc.weight"), _iresnet_preset, _recogniser("iresnet", 112)
        ),
    ),
    (
        "ir-backbone",
        Layout(
            _with("input_layer.0.weight", "body.0.res_layer.1.weight"),
            _ir_backbone_preset,
            _recogniser("ir-backbone", 112),
            heads=("head.",),
        ),
    ),
    (
        "mobilefacenet",
        Layout(
            _with("layers.0.layers.0.weight", "conv_sep.layers.0.weight"),
            _insightface_mobile_preset,
            _recogniser("mobilefacenet", 112),
        ),
    ),
    (
        "mobilefacenet",
        Layout(
            _with("conv2_dw.conv.weight", "conv_6_dw.conv.weight"),
            _always("treb1en"),
            _recogniser("mobilefacenet", 112),
        ),
    ),
    (
        "mobilefacenet",
        Layout(
            _with("dw_conv1.conv.weight", "linear7.conv.weight"),
            _always("xiaoccer"),
            _recogniser("mobilefacenet", 112, 96),
        ),
    ),
    (
        "mobilefacenet",
        Layout(
            _with("dw_conv.depthwise.weight", "gdconv.depthwise.weight"),
            _always("foamliu"),
            _recogniser("mobilefacenet", 112),
        ),
    ),
    (
        "inception-resnet",
        Layout(
            _with("repeat_1.0.conv2d.weight", "last_linear.weight"),
            _always("v1"),
            _recogniser("inception-resnet", 160),
            heads=("logits.",),
        ),
    ),
    (
        "house-recogniser",
        Layout(
            _with("stages.0.0.conv1.weight", "head_conv.weight"),
            _always("v1"),
            _recogniser("house-recogniser", 64),
        ),
    ),
    ("vec2face", _vec2face_layout(has_pose_condition=False)),
    ("vec2face-plus", _vec2face_layout(has_pose_condition=True)),
    *(
        (architecture, _detector_layout(architecture, each))
        for architecture, each in LAYOUTS.items()
    ),
)

# Names that --architecture takes.
ARCHITECTURES = tuple(dict.fromkeys(architecture for architecture, _ in _KNOWN))


def recognise(state: State, path: Path, architecture: str | None = None) -> Network:
    """The network that `state` holds, without the classifiers of its training.

    Raises CorruptFile where no layout fits, what fits is another architecture's, or the
    architecture has no preset like it; ValueError where several fit and none was named.
    """
    fitting = [(name, layout) for name, layout in _KNOWN if layout.fits(state)]
    if not fitting:
        first = ", ".join(sorted(state)[:5])
        raise _core.CorruptFile(
            f"{path} must hold a network of one of: {', '.join(ARCHITECTURES)}; its {len(state)} "
            f"tensors have none of their names; they begin with: {first}"
        )
    found = ", ".join(name for name, _ in fitting)
    chosen = [each for each in fitting if architecture in (None, each[0])]
    if not chosen:
        raise _core.CorruptFile(
            f"{path} must hold the network of {architecture}; its names are those of {found}"
        )
    if len(chosen) > 1:
        raise ValueError(
            f"--architecture must say which network {path} holds; its names fit {found}, which "
            "differ in what no tensor tells; ask where the file is from"
        )
    actual, layout = chosen[0]
    preset = layout.preset(state)
    if preset is None:
        raise _core.CorruptFile(
            f"{path} must hold a preset of {actual} that the engine has; its depth or width is "
            "none of theirs"
        )
    kept = {name: value for name, value in state.items() if not name.startswith(layout.heads)}
    tensors = kept if layout.mend is None else dict(layout.mend(kept, str(path)))
    return Network(actual, preset, tensors, layout.judge)


def named_tensors(content: object, path: Path) -> State:
    """The tensors of a checkpoint, unwrapped, each with memory of its own.

    Raises CorruptFile where `content` is anything but dense, finite tensors by name.
    """

    def fail(must: str, got: str) -> _core.CorruptFile:
        return _core.CorruptFile(f"{path} must {must}; got {got}")

    if not isinstance(content, dict):
        raise fail("be a dict of tensors", type(content).__name__)
    content = generator_layouts.joined(content)
    holder = next((name for name in _HOLDERS if name in content), None)
    state = content if holder is None else content[holder]
    where = "by name" if holder is None else f"by name under {holder!r}"
    if not isinstance(state, dict) or not state:
        raise fail(f"hold tensors {where}", type(state).__name__ if state else "nothing")
    result: State = {}
    for name, value in state.items():
        if not isinstance(name, str):
            raise fail(f"hold tensors {where}", repr(name))
        if (
            not isinstance(value, torch.Tensor)
            or value.layout != torch.strided
            or value.is_quantized
        ):
            raise fail(f"hold a dense tensor as {name}", type(value).__name__)
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise fail(f"hold finite values in {name}", "NaN or infinity")
        bare = _unwrapped(name)
        if bare in result:
            raise fail(f"hold {bare} once", f"{name} beside it")
        result[bare] = value.detach().clone().contiguous()
    return result


def _unwrapped(name: str) -> str:
    while name.startswith(_WRAPPERS):
        name = name.split(".", 1)[1]
    return name
