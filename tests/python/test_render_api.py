"""guise.Renderer: the same bytes in any batch, everything refused that makes no sense."""

from __future__ import annotations

import hashlib
import itertools
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from processes import heed_interrupts

import guise
from guise import _core

PAIRS = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
TENSORS = (
    "images",
    "landmarks_5",
    "landmarks_68",
    "boxes",
    "pose_deg",
    "parts",
    "normals",
    "depth",
)


def small(**values: object) -> guise.Renderer:
    return guise.Renderer(**{"size_px": 64, "maps": True, **values})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def faces() -> guise.RenderedFaces:
    return small(threads=1).sample(identities=2, samples=3, seed=5)


def expect_equal(a: guise.RenderedFaces, b: guise.RenderedFaces, places: list[int]) -> None:
    """Picture i of `a` is picture places[i] of `b`, with all that belongs to it."""
    for name in TENSORS:
        assert torch.equal(getattr(a, name), getattr(b, name)[places]), name
    assert a.parameters == [b.parameters[place] for place in places]


# ---- what comes ----------------------------------------------------------------------------------


def test_shapes_types_and_order(faces: guise.RenderedFaces) -> None:
    assert len(faces) == 6
    assert (faces.images.shape, faces.images.dtype) == ((6, 64, 64, 3), torch.uint8)
    wanted = {
        "landmarks_5": (6, 5, 2),
        "landmarks_68": (6, 68, 2),
        "boxes": (6, 4),
        "pose_deg": (6, 3),
        "normals": (6, 64, 64, 3),
        "depth": (6, 64, 64),
    }
    for name, shape in wanted.items():
        tensor = getattr(faces, name)
        assert (tensor.shape, tensor.dtype) == (shape, torch.float32), name
        assert torch.isfinite(tensor).all(), name
    assert faces.parts is not None
    assert (faces.parts.shape, faces.parts.dtype) == ((6, 64, 64), torch.uint8)
    assert list(zip(faces.identities.tolist(), faces.samples.tolist(), strict=True)) == PAIRS
    assert (faces.boxes[:, 2:] > faces.boxes[:, :2]).all()
    assert set(faces.times_ms) == {"scene", "background", "raster", "shading", "film"}


def test_parameters_say_what_was_drawn(faces: guise.RenderedFaces) -> None:
    for i, (identity, sample) in enumerate(PAIRS):
        person, photo = faces.parameters[i]["identity"], faces.parameters[i]["photo"]
        assert (person["seed"], person["identity"], photo["sample"]) == (5, identity, sample)
        pose = [photo["yaw_deg"], photo["pitch_deg"], photo["roll_deg"]]
        assert torch.allclose(faces.pose_deg[i], torch.tensor(pose), atol=0.05)
    assert faces.parameters[0]["identity"] == faces.parameters[2]["identity"]
    assert faces.parameters[0]["photo"] != faces.parameters[1]["photo"]
    assert faces.parameters is faces.parameters, "decoded once"


def test_without_maps_there_are_none() -> None:
    plain = small(maps=False).sample(identities=1, samples=1)
    assert (plain.parts, plain.normals, plain.depth) == (None, None, None)


def test_frozen_and_short_to_print(faces: guise.RenderedFaces) -> None:
    with pytest.raises(AttributeError):
        faces.images = torch.empty(0)  # type: ignore[misc]
    assert "_engine" not in repr(faces)


# ---- the same bytes ------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [2, 4])
def test_threads_change_nothing(faces: guise.RenderedFaces, threads: int) -> None:
    again = small(threads=threads).sample(identities=2, samples=3, seed=5)
    expect_equal(again, faces, list(range(6)))


@pytest.mark.parametrize("batch", [1, 2, 4, 100])
def test_batches_change_nothing(faces: guise.RenderedFaces, batch: int) -> None:
    parts = list(small().stream(identities=2, samples=3, seed=5, batch=batch))
    assert [len(part) for part in parts[:-1]] == [batch] * (len(parts) - 1)
    start = 0
    for part in parts:
        expect_equal(part, faces, list(range(start, start + len(part))))
        start += len(part)
    assert start == 6


def test_order_changes_nothing(faces: guise.RenderedFaces) -> None:
    order = [4, 0, 5, 2]
    again = small().render([PAIRS[place] for place in order], seed=5)
    expect_equal(again, faces, order)


def test_numbers_may_be_named(faces: guise.RenderedFaces) -> None:
    again = small().sample(identities=[1], samples=range(1, 3), seed=5)
    expect_equal(again, faces, [4, 5])
    named = torch.tensor([1])
    expect_equal(small().sample(identities=named, samples=[2], seed=5), faces, [5])


def test_the_seed_matters(faces: guise.RenderedFaces) -> None:
    other = small().sample(identities=1, samples=1, seed=6)
    assert not torch.equal(other.images[0], faces.images[0])


def test_a_stream_may_be_endless() -> None:
    endless = small(maps=False).stream(identities=itertools.count(2**40), samples=2, batch=3)
    first, second = itertools.islice(endless, 2)
    assert first.identities.tolist() == [2**40, 2**40, 2**40 + 1]
    assert second.samples.tolist() == [1, 0, 1]


def test_options_are_taken_over_and_copied() -> None:
    options = guise.RecipeOptions(female_share=1.0, grey_share=1.0)
    renderer = small(options=options, maps=False)
    options.female_share = 0.0
    faces = renderer.sample(identities=5, samples=1)
    assert {each["identity"]["sex"] for each in faces.parameters} == {"female"}
    red, green, blue = faces.images.unbind(-1)
    assert torch.equal(red, green)
    assert torch.equal(green, blue)
    assert renderer.options["recipe"]["female_share"] == 1.0


def test_presets() -> None:
    for name in ("default", "frontal", "passport", "clean"):
        guise.RecipeOptions.preset(name).validate()
    assert guise.RecipeOptions.frontal().yaw_limit_deg == 30
    faces = small(options=guise.RecipeOptions.passport()).sample(identities=6, samples=1)
    assert faces.pose_deg.abs().max() <= 5.01
    with pytest.raises(ValueError, match="'frontal'"):
        guise.RecipeOptions.preset("sideways")


# ---- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"size_px": 7}, "size_px must .*32 .*1024.* 7"),
        ({"size_px": 4096}, "size_px"),
        ({"threads": -1}, "threads"),
        ({"options": guise.RecipeOptions(yaw_limit_deg=-1)}, "yaw_limit_deg must lie from 0 to 90"),
        ({"options": guise.RecipeOptions(glasses_share=1.5)}, "glasses_share must lie from 0 to 1"),
        ({"options": guise.RecipeOptions(plain_share=0.9)}, "must sum to 1; they sum to 1.75"),
        ({"options": guise.RecipeOptions(age_low_years=50, age_high_years=30)}, "age_low_years"),
        ({"options": guise.RecipeOptions(age_low_years=5)}, "age_low_years must lie from 18"),
        ({"options": guise.RecipeOptions(mask_share=0.9, hand_share=0.9)}, "at most 1"),
        ({"options": guise.RecipeOptions(noise_low=float("nan"))}, "noise_low"),
    ],
)
def test_wrong_options_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        guise.Renderer(**values)  # type: ignore[arg-type]


def test_unknown_options_are_refused() -> None:
    with pytest.raises(TypeError, match=r"no option 'age_limit'; it has .*age_low_years"):
        guise.RecipeOptions(age_limit=3)
    with pytest.raises(TypeError, match="no option 'width_px'"):
        guise.Renderer(width_px=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        guise.RecipeOptions(female_share="many")


@pytest.mark.parametrize(
    ("identities", "samples", "message"),
    [
        (0, 1, "identities must be at least 1"),
        (1, 0, "samples must be at least 1"),
        (-3, 1, "identities must lie from 0"),
        ([], 1, "identities must hold at least one"),
        ([1, -1], 1, "identities must lie from 0"),
        ([2**63], 1, "identities must lie from 0"),
        (1.5, 1, "identities must be whole numbers"),
        (1, ["a"], "samples must be whole numbers"),
    ],
)
def test_wrong_numbers_are_refused(identities: object, samples: object, message: str) -> None:
    renderer = small()
    with pytest.raises(ValueError, match=message):
        renderer.sample(identities=identities, samples=samples)  # type: ignore[arg-type]


def test_wrong_calls_are_refused() -> None:
    renderer = small()
    with pytest.raises(ValueError, match="seed must lie from 0"):
        renderer.sample(identities=1, samples=1, seed=-1)
    with pytest.raises(ValueError, match="at least one"):
        renderer.render([])
    with pytest.raises(ValueError, match="batch must be at least 1"):
        next(renderer.stream(identities=1, samples=1, batch=0))


# ---- model files ---------------------------------------------------------------------------------


def house(name: str) -> Path:
    return guise.models.path(name)


def other_bytes(data: bytes, kind: str) -> bytes:
    return {
        "empty": b"",
        "cut": data[: len(data) // 2],
        "grown": data + b"\0",
        "text": b"hello" * 100,
        "header": data[:8] + b"#" + data[9:],
    }[kind]


@pytest.mark.parametrize("kind", ["empty", "cut", "grown", "text", "header"])
@pytest.mark.parametrize("name", ["head", "skin", "light"])
def test_a_damaged_model_is_refused(tmp_path: Path, name: str, kind: str) -> None:
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(other_bytes(house(f"house-{name}").read_bytes(), kind))
    with pytest.raises(guise.CorruptFile, match=r"damaged\.safetensors"):
        guise.Renderer(**{name: damaged})  # type: ignore[arg-type]


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    for name, other in (("head", "light"), ("skin", "head"), ("light", "skin")):
        with pytest.raises(guise.CorruptFile):
            guise.Renderer(**{name: house(f"house-{other}")})  # type: ignore[arg-type]
    foreign = tmp_path / "foreign.safetensors"
    _core.write_safetensors(str(foreign), {"weight": torch.zeros(3)})
    with pytest.raises(guise.CorruptFile):
        guise.Renderer(head=foreign)


def test_not_a_number_in_a_model_is_refused(tmp_path: Path) -> None:
    tensors = _core.read_safetensors(str(house("house-head")))
    name = next(name for name, tensor in tensors.items() if tensor.is_floating_point())
    tensors[name].view(-1)[0] = float("nan")
    poisoned = tmp_path / "poisoned.safetensors"
    _core.write_safetensors(str(poisoned), tensors)
    with pytest.raises(guise.CorruptFile):
        guise.Renderer(head=poisoned)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(guise.Unavailable, match="nowhere"):
        guise.Renderer(light=tmp_path / "nowhere.safetensors")


def test_own_files_are_read_again(tmp_path: Path) -> None:
    mine = tmp_path / "head.safetensors"
    mine.write_bytes(house("house-head").read_bytes())
    faces = small(head=mine).sample(identities=1, samples=1, seed=5)
    again = small().sample(identities=1, samples=1, seed=5)
    digests = [hashlib.sha256(each.images.numpy().tobytes()).digest() for each in (faces, again)]
    assert digests[0] == digests[1]
    mine.write_bytes(b"")
    with pytest.raises(guise.CorruptFile):
        small(head=mine)


# ---- stopping ------------------------------------------------------------------------------------


def test_ctrl_c_stops_a_long_call() -> None:
    """In a notebook as in a script: KeyboardInterrupt while the engine is at work."""
    program = (
        "import guise\n"
        "renderer = guise.Renderer(size_px=64)\n"
        "print('started', flush=True)\n"
        "try:\n"
        "    renderer.sample(identities=3000, samples=4)\n"
        "except KeyboardInterrupt:\n"
        "    print('stopped')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_interrupts,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (0, "stopped\n"), errors
