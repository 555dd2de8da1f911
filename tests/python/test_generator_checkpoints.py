"""Vec2Face's checkpoints: plain, with LoRA, with a pose branch; and generators of the registry."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from test_vec2face import seed_weights

import guise
from guise import _core
from guise.models import generator_layouts, store
from guise.models.convert import convert_checkpoint
from guise.models.layouts import recognise
from guise.models.registry import ModelEntry, parse_registry

State = dict[str, torch.Tensor]
WIDTH = 256  # of the preset house, by which the layout knows it


def seeded(net: torch.nn.Module, seed: int) -> State:
    seed_weights(net, seed)
    return {name: value.clone() for name, value in net.state_dict().items()}


@pytest.fixture(scope="module")
def plain() -> State:
    return seeded(_core.nets.Vec2Face("house"), 1)


@pytest.fixture(scope="module")
def pose() -> State:
    return seeded(_core.nets.PoseCondition(WIDTH), 2)


def adapted(layer: str) -> bool:
    return layer.endswith((".attn.qkv", ".attn.proj"))


def with_lora(state: State, rank: int) -> State:
    """The form of the checkpoint of Vec2Face+'s training."""
    generator = torch.Generator().manual_seed(rank)
    made: State = {}
    for name, value in state.items():
        layer, _, kind = name.rpartition(".")
        if not adapted(layer):
            made[name] = value
            continue
        made[f"{layer}.base.{kind}"] = value
        if kind == "weight":
            made[f"{layer}.A"] = torch.randn(rank, value.shape[1], generator=generator) * 0.05
            made[f"{layer}.B"] = torch.randn(value.shape[0], rank, generator=generator) * 0.05
    return made


def convert(folder: Path, content: object, architecture: str | None = None) -> Path:
    source = folder / "given.pth"
    torch.save(content, source)
    return convert_checkpoint(source, folder / "made.safetensors", architecture=architecture)


def opened(path: Path, *, has_pose: bool = False) -> _core.FaceGenerator:
    return _core.open_generator(
        name="toy", preset="house", path=str(path), has_pose_condition=has_pose, vector_norm=8.1
    )


def drawn(generator: _core.FaceGenerator, yaw_deg: list[float] | None = None) -> torch.Tensor:
    vectors = torch.randn(3, 512, generator=torch.Generator().manual_seed(4)) * 0.36
    options = _core.DrawFacesOptions(yaw_targets_deg=yaw_deg or [])
    keys = [(identity, 0) for identity in range(3)]
    return _core.draw_faces(generator, vectors, seed=1, keys=keys, options=options).images


def test_a_published_file_is_converted_and_opened(tmp_path: Path, plain: State) -> None:
    path = convert(tmp_path, {"model_vec2face": plain, "epoch": 3})
    read = _core.read_safetensors(str(path))
    assert sorted(read) == sorted(plain)
    assert all(torch.equal(read[name], value) for name, value in plain.items())
    images = drawn(opened(path))
    assert images.float().std() > 1
    bare = tmp_path / "bare"
    bare.mkdir()
    assert torch.equal(drawn(opened(convert(bare, plain))), images)
    network = recognise(plain, Path("x.pth"))
    assert (network.architecture, network.preset) == ("vec2face", "house")


def test_positions_that_a_file_leaves_out_are_filled_in(tmp_path: Path, plain: State) -> None:
    kept = {name: v for name, v in plain.items() if name != "token_emb.position_ids"}
    assert len(kept) == len(plain) - 1
    read = _core.read_safetensors(str(convert(tmp_path, {"model_vec2face": kept})))
    assert torch.equal(read["token_emb.position_ids"], plain["token_emb.position_ids"])


def test_width_tells_the_preset() -> None:
    for width, preset in ((768, "base"), (1024, "large"), (1280, "huge"), (300, None)):
        state = {"latent_prior_proj_f.weight": torch.zeros(width, 1)}
        assert generator_layouts.preset(state) == preset


@pytest.mark.parametrize("rank", [4, 8])
def test_lora_is_folded_as_a_plain_loop_folds_it(plain: State, rank: int) -> None:
    given = with_lora(plain, rank)
    folded = generator_layouts.folded(given, "x.pth")
    assert sorted(folded) == sorted(plain)
    layers = [name.removesuffix(".A") for name in given if name.endswith(".A")]
    assert len(layers) >= 4
    for layer in layers:
        weight, a, b = plain[f"{layer}.weight"], given[f"{layer}.A"], given[f"{layer}.B"]
        for row, column in ((0, 0), (7, 3), (len(weight) - 1, weight.shape[1] - 1)):
            change = sum(float(b[row, k]) * float(a[k, column]) for k in range(rank))
            wanted = float(weight[row, column]) + 32 / rank * change
            assert float(folded[f"{layer}.weight"][row, column]) == pytest.approx(wanted, abs=1e-5)
        assert not torch.equal(folded[f"{layer}.weight"], weight)
        assert folded[f"{layer}.weight"].dtype == torch.float32
    untouched = [name for name in plain if name.rpartition(".")[0] not in layers]
    assert all(torch.equal(folded[name], plain[name]) for name in untouched)


def test_lora_without_effect_gives_the_plain_pictures(tmp_path: Path, plain: State) -> None:
    given = with_lora(plain, 4)
    still = {n: v * 0 if n.endswith(".B") else v for n, v in given.items()}
    paths = []
    for name, state in (("plain", plain), ("still", still), ("moved", given)):
        (tmp_path / name).mkdir()
        paths.append(convert(tmp_path / name, {"model_vec2face": state}))
    images = [drawn(opened(path)) for path in paths]
    assert torch.equal(images[0], images[1])
    assert not torch.equal(images[0], images[2])


FIRST = "blocks.0.attn.qkv"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({f"{FIRST}.A": None}, rf"must hold {FIRST}\.A and \.B beside {FIRST}\.base\.weight"),
        ({f"{FIRST}.B": None}, rf"must hold {FIRST}\.A and \.B beside"),
        ({f"{FIRST}.base.weight": None}, rf"must hold {FIRST}\.base\.weight beside {FIRST}\.[AB]"),
        ({f"{FIRST}.A": torch.zeros(4, 99)}, rf"A and B of {FIRST} must be \[r, 256\].*\[4, 99\]"),
        ({f"{FIRST}.B": torch.zeros(768, 5)}, rf"A and B of {FIRST} must be .*\[768, 5\]"),
        ({f"{FIRST}.C": torch.zeros(4)}, rf"1 unexpected: {FIRST}\.C"),
        ({"norm.weight": None}, r"missing.*norm\.weight"),
    ],
)
def test_lora_that_does_not_fit_is_refused_by_name(
    tmp_path: Path, plain: State, changes: dict[str, torch.Tensor | None], reason: str
) -> None:
    state = {**with_lora(plain, 4), **changes}
    kept = {name: value for name, value in state.items() if value is not None}
    with pytest.raises(guise.CorruptFile, match=reason):
        convert(tmp_path, {"model_vec2face": kept})
    assert not (tmp_path / "made.safetensors").exists()


def test_a_pose_checkpoint_turns_heads(tmp_path: Path, plain: State, pose: State) -> None:
    path = convert(tmp_path, {"model_vec2face": with_lora(plain, 8), "pose_model": pose})
    read = _core.read_safetensors(str(path))
    assert len(read) == len(plain) + len(pose)
    assert torch.equal(read["pose_condition.linear.weight"], pose["linear.weight"])
    network = recognise(read, path)
    assert (network.architecture, network.preset) == ("vec2face-plus", "house")
    generator = opened(path, has_pose=True)
    right, left = drawn(generator, [40.0]), drawn(generator, [-40.0])
    assert torch.equal(drawn(generator, [40.0]), right)
    assert not torch.equal(right, left)
    assert not torch.equal(drawn(generator), right)
    with pytest.raises(guise.CorruptFile, match=r"unexpected: .*pose_condition\."):
        opened(path)


def test_a_file_without_its_pose_branch_is_not_vec2face_plus(tmp_path: Path, plain: State) -> None:
    with pytest.raises(guise.CorruptFile, match="its names are those of vec2face"):
        convert(tmp_path, {"model_vec2face": plain}, "vec2face-plus")
    path = convert(tmp_path, {"model_vec2face": plain}, "vec2face")
    with pytest.raises(guise.CorruptFile, match=r"10 missing: .*conv1\.bias"):
        opened(path, has_pose=True)
    with pytest.raises(ValueError, match="yaw"):  # nothing there measures a turn
        drawn(opened(path), [20.0])


GENERATOR = """
[toy]
summary = "a toy"
task = "generate"
role = "engine"
architecture = "vec2face"
preset = "house"
runtime = "libtorch"
file = "toy.safetensors"
code_licence = "MIT"
weights_licence = "MIT"
training_data = ["drawn shapes"]
commercial = "yes"
card = "toy/card.md"

[toy.vectors]
recogniser = "toy"
size = 512
norm = 8.1

[toy.source]
kind = "file"
origin = "the toy shop"
"""


def only(text: str) -> ModelEntry:
    return parse_registry(text)["toy"]


def test_a_generator_of_the_registry_states_its_vectors() -> None:
    entry = only(GENERATOR)
    assert entry.input is None and entry.vectors is not None
    assert (entry.vectors.recogniser, entry.vectors.size, entry.vectors.norm) == ("toy", 512, 8.1)
    assert not entry.is_pinned
    pinned = f'file = "toy.safetensors"\nsha256 = "{"0" * 64}"\nbytes = 12'
    assert only(GENERATOR.replace('file = "toy.safetensors"', pinned)).is_pinned


def test_the_users_own_file_is_taken_as_it_is(empty_store: Path) -> None:
    entry = only(GENERATOR)
    assert store.verified_path(entry) is None
    with store.workspace(10) as folder:
        (folder / "mine").write_bytes(b"whatever it is")
        path = store.put(entry, folder / "mine", "mine")
    assert path == empty_store / "own-toy.safetensors"
    assert store.verified_path(entry) == path
    path.write_bytes(b"something else")
    assert store.inspect(entry).state == "present"


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('recogniser = "toy"', 'recogniser = "nobody"', r"\[toy\.vectors\] recogniser.*nobody"),
        ('recogniser = "toy"', 'recogniser = "No Body"', r"\[toy\.vectors\] recogniser"),
        ("size = 512", "size = 0", r"\[toy\.vectors\] size"),
        ("size = 512", 'size = "512"', r"\[toy\.vectors\] size"),
        ("norm = 8.1", "norm = -1.0", r"\[toy\.vectors\] norm"),
        ("norm = 8.1", "", r"\[toy\.vectors\] norm: must be given"),
        ("norm = 8.1", "norm = 8.1\nsd = 1", r"\[toy\.vectors\].*got sd"),
        ("[toy.vectors]", "[toy.vector]", r"\[toy\.vectors\]|\[toy\] vectors"),
        ('task = "generate"', 'task = "render"', r"\[toy\].*vectors"),
        ('kind = "file"\norigin', 'kind = "bundled"\nbuilt_by', r"\[toy\] sha256: must be given"),
    ],
)
def test_whatever_is_wrong_with_its_vectors_is_named(old: str, new: str, named: str) -> None:
    assert old in GENERATOR
    with pytest.raises(ValueError, match=named):
        parse_registry(GENERATOR.replace(old, new, 1))
