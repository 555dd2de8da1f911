"""Every recogniser of the engine against its twin in plain PyTorch, and as a torch.nn.Module."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from mobilefacenet_twins import FoamliuTwin, MbfTwin, TrebMobileTwin, XiaoccerTwin
from recogniser_twins import HouseTwin, InceptionResnetTwin, IrBackboneTwin, IResNetTwin
from torch import nn

from guise import _core
from guise.models.convert import convert_checkpoint

nets: Any = _core.nets
HOUSE: dict[str, Any] = {
    "channels": (8, 16, 24, 40),
    "blocks": (1, 2, 2, 1),
    "dimension": 64,
    "has_quality": True,
}

PAIRS: dict[str, tuple[Callable[[], Any], Callable[[], nn.Module]]] = {
    "r18": (lambda: nets.IResNet("r18"), lambda: IResNetTwin("18")),
    "r50": (lambda: nets.IResNet("r50"), lambda: IResNetTwin("50")),
    "r18-se-fiqa": (
        lambda: nets.IResNet("r18-se-fiqa"),
        lambda: IResNetTwin("18", se=True, quality=True),
    ),
    "treb1en-ir-50": (
        lambda: nets.IrBackbone("treb1en-ir-50"),
        lambda: IrBackboneTwin("50", layout="treb1en"),
    ),
    "treb1en-ir-se-50": (
        lambda: nets.IrBackbone("treb1en-ir-se-50"),
        lambda: IrBackboneTwin("50", layout="treb1en", se=True),
    ),
    "adaface-ir-18": (
        lambda: nets.IrBackbone("adaface-ir-18"),
        lambda: IrBackboneTwin("18", layout="adaface"),
    ),
    "adaface-ir-se-18": (
        lambda: nets.IrBackbone("adaface-ir-se-18"),
        lambda: IrBackboneTwin("18", layout="adaface", se=True),
    ),
    "mbf": (lambda: nets.MobileFaceNet("mbf"), lambda: MbfTwin(2, (1, 4, 6, 2))),
    "mbf-large": (lambda: nets.MobileFaceNet("mbf-large"), lambda: MbfTwin(4, (2, 8, 12, 4))),
    "treb1en": (lambda: nets.MobileFaceNet("treb1en"), TrebMobileTwin),
    "xiaoccer": (lambda: nets.MobileFaceNet("xiaoccer"), XiaoccerTwin),
    "foamliu": (lambda: nets.MobileFaceNet("foamliu"), FoamliuTwin),
    "inception": (lambda: nets.InceptionResnet(), InceptionResnetTwin),
    "house": (lambda: nets.HouseRecogniser(**HOUSE), lambda: HouseTwin(*HOUSE.values())),
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small nets gain nothing from more, and lose much where other work runs beside them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@torch.no_grad()
def randomize(twin: nn.Module, size_px: tuple[int, int], seed: int) -> nn.Module:
    """Random weights, and norms that know the values they meet, as in a trained net; no norm is the
    identity, and what differs between two crops is not lost on the way."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in twin.state_dict().items():
        if not tensor.is_floating_point():
            continue
        if tensor.dim() > 1:
            tensor.normal_(generator=generator).mul_(tensor[0].numel() ** -0.5)
        elif name.endswith("weight"):
            tensor.uniform_(0.5, 1.2, generator=generator)
        else:
            tensor.uniform_(-0.3, 0.3, generator=generator)
    norms = [each for each in twin.modules() if isinstance(each, nn.BatchNorm1d | nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    twin.train()
    twin(torch.rand((4, 3, *size_px), generator=generator) * 2 - 1)
    for norm in norms:
        norm.momentum = 0.1
        norm.running_var.clamp_(min=0.3 * float(norm.running_var.mean()))
    return twin.eval()


def random_crops(net: Any, count: int, seed: int = 5) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand((count, 3, *net.crop_size_px), generator=generator) * 2 - 1


@pytest.mark.parametrize("name", PAIRS)
@torch.no_grad()
def test_the_engines_net_is_its_twin(name: str) -> None:
    make_net, make_twin = PAIRS[name]
    net = make_net()
    twin = randomize(make_twin(), net.crop_size_px, 3)
    assert {key: value.shape for key, value in net.state_dict().items()} == {
        key: value.shape for key, value in twin.state_dict().items()
    }
    net.load_state_dict(twin.state_dict())
    net.eval()
    crops = random_crops(net, 2)
    wanted = twin(crops)
    assert (wanted[0] - wanted[1]).std() > 0.1, "two crops must differ"
    torch.testing.assert_close(net(crops), wanted, atol=1e-4, rtol=0)
    folded = net.folded()
    outputs = folded(crops)
    torch.testing.assert_close(outputs[0], wanted, atol=1e-4, rtol=0)
    if net.has_quality:
        head = twin.qs if name.startswith("r18") else twin.quality
        quality = head(wanted) if name.startswith("r18") else torch.sigmoid(head(wanted))
        torch.testing.assert_close(outputs[1], quality, atol=1e-4, rtol=0)
        torch.testing.assert_close(net.estimate_quality(wanted), quality[:, 0])
    # The check can fail: one weight of the last layer but one, a little off, is seen.
    weight = [tensor for tensor in twin.state_dict().values() if tensor.dim() > 1][-2]
    weight[0] += 0.05
    assert (twin(crops) - wanted).abs().max() > 1e-4


def small_house() -> tuple[Any, nn.Module]:
    net, twin = PAIRS["house"][0](), randomize(PAIRS["house"][1](), (64, 64), 4)
    net.load_state_dict(twin.state_dict())
    return net, twin


def test_training_steps_are_the_twins() -> None:
    net, twin = small_house()
    net.train()
    twin.train()
    optimizers = [torch.optim.SGD(each.parameters(), lr=0.05) for each in (net, twin)]
    for step in range(3):
        crops = random_crops(net, 8, seed=step)
        for each, optimizer in zip((net, twin), optimizers, strict=True):
            optimizer.zero_grad()
            each(crops).pow(2).mean().backward()
            optimizer.step()
    learned, wanted = net.state_dict(), twin.state_dict()
    for name in wanted:
        torch.testing.assert_close(learned[name], wanted[name], atol=1e-4, rtol=1e-4)
    assert int(learned["stem.1.num_batches_tracked"]) == 4


def test_a_net_is_a_module_of_torch() -> None:
    net, _ = small_house()
    assert isinstance(net, nn.Module)
    net.train()
    assert net.training
    net.eval()
    assert not net.training
    crops = random_crops(net, 2)
    with torch.autocast("cpu", torch.bfloat16):
        embedding = net(crops)
        assert embedding.dtype == torch.bfloat16
        embedding.float().sum().backward()
    assert all(
        parameter.grad is not None
        for name, parameter in net.named_parameters()
        if not name.startswith("quality")
    )
    parent = nn.Sequential(net, nn.Linear(64, 2))
    assert parent(crops).shape == (2, 2)
    assert len(parent.state_dict()) == len(net.state_dict()) + 2
    assert "0.stages.1.0.shortcut_bn.running_var" in parent.state_dict()
    seen = []
    hook = net.register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
    net(crops)
    hook.remove()
    assert seen == [(2, 64)]


def test_state_dicts_are_loaded_whole_or_not_at_all() -> None:
    net, twin = small_house()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    state = {name: tensor + 1 for name, tensor in twin.state_dict().items()}
    del state["features.bias"]
    state["head.weight"] = torch.zeros(2)
    state["stem.0.weight"] = torch.zeros(2)
    with pytest.raises(ValueError, match=r"1 missing: features\.bias; 1 unexpected: head\.weight"):
        net.load_state_dict(state)
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())


def test_folded_nets_give_the_same_bytes_in_any_batch() -> None:
    folded = small_house()[0].folded()
    crops = random_crops(small_house()[0], 5)
    together = folded(crops)[0]
    for index in range(5):
        assert torch.equal(folded(crops[index : index + 1])[0], together[index : index + 1])


@pytest.mark.needs_shared
def test_the_published_mobilefacenet(tmp_path: Path, shared: Path) -> None:
    source = shared / "weights/mobilefacenet_foamliu/mobilefacenet.pt"
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    assert digest.startswith("90a00ba1d8b0b688"), "the dossier's file"
    path = convert_checkpoint(source, tmp_path / "foamliu.safetensors")
    state = _core.read_safetensors(str(path))
    twin, net = FoamliuTwin().eval(), nets.MobileFaceNet("foamliu")
    twin.load_state_dict(torch.load(source, map_location="cpu", weights_only=True))
    net.load_state_dict(state)
    net.eval()
    crops = random_crops(net, 2)
    with torch.no_grad():
        wanted = twin(crops)
        torch.testing.assert_close(net(crops), wanted, atol=1e-4, rtol=0)
        torch.testing.assert_close(net.folded()(crops)[0], wanted, atol=1e-4, rtol=0)
