"""The losses that recognisers learn by, beside slow twins, closed forms and finite differences."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import Any

import margin_twins as twins
import pytest
import torch

from guise import _core

nets = _core.nets
NAMES = ["ArcFace", "CosFace", "CombinedMargin", "AdaFace", "MagFace"]


def make(name: str, classes: int = 7, dimension: int = 5, **options: Any) -> Any:
    chosen = getattr(nets, f"{name}Options")(**options)
    return getattr(nets, f"{name}Loss")(classes=classes, dimension=dimension, options=chosen)


def make_double(name: str, classes: int = 7, dimension: int = 5, **options: Any) -> Any:
    loss = make(name, classes, dimension, **options)
    loss.to(torch.float64)
    return loss


def batch(seed: int, count: int = 12, dimension: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    """Raw embeddings of lengths 0.1 to some hundreds, with gradients, and labels."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, dimension, generator=generator, dtype=torch.float64)
    lengths = 10 ** (3 * torch.rand(count, 1, generator=generator, dtype=torch.float64) - 0.5)
    labels = torch.randint(0, 7, (count,), generator=generator)
    return (x * lengths).requires_grad_(), labels


def twin_loss(name: str, loss: Any, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    given = x, labels, loss.weight
    if name == "ArcFace":
        return twins.loss(*given, twins.arcface())
    if name == "CosFace":
        return twins.loss(*given, twins.cosface())
    if name == "CombinedMargin":
        return twins.loss(*given, twins.combined())
    if name == "AdaFace":
        ada = twins.AdaFace()
        ada.follow(x)
        return twins.loss(*given, ada.target())
    return twins.loss(*given, twins.magface()) + twins.magface_penalty(x)


@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients_are_the_twins(name: str) -> None:
    for seed in range(3):
        loss, (x, labels) = make_double(name, seed=seed), batch(seed)
        got, wanted = loss(x, labels), twin_loss(name, loss, x, labels)
        torch.testing.assert_close(got, wanted, atol=1e-9, rtol=1e-9)
        mine = torch.autograd.grad(got, [x, loss.weight])
        theirs = torch.autograd.grad(wanted, [x, loss.weight])
        torch.testing.assert_close(mine, theirs, atol=1e-9, rtol=1e-7)
    # The check can fail: another margin is seen.
    options = loss.options
    field = next(
        f
        for f in ("margin_rad", "margin", "cosine_margin", "least_margin_rad")
        if hasattr(options, f)
    )
    setattr(options, field, getattr(options, field) * 0.9)
    assert abs(loss(x, labels).item() - wanted.item()) > 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    """arcface_torch would fail: its gradient leaves the margin out."""
    # A small scale: a softmax that is not yet decided.
    loss, (x, labels) = make_double(name, scale=4.0), batch(11)
    loss.eval()
    if name == "AdaFace":
        # Its lengths count as constants: only turning an embedding is a fair comparison.
        def turn(angle: torch.Tensor) -> torch.Tensor:
            cos, sin = angle.cos(), angle.sin()
            first = x[:, 0] * cos - x[:, 1] * sin
            second = x[:, 0] * sin + x[:, 1] * cos
            turned = torch.stack([first, second, *x.unbind(1)[2:]], 1)
            return loss(turned, labels)

        torch.autograd.gradcheck(turn, torch.zeros(1, dtype=torch.float64, requires_grad=True))
        return
    torch.autograd.gradcheck(lambda v: loss(v, labels), x)
    torch.autograd.gradcheck(lambda _: loss(x.detach(), labels), loss.weight)


def two_classes(name: str, degrees: float, length: float = 50.0, **options: Any) -> float:
    """The loss of one embedding at an angle to its class, the other one at a right angle to both,
    at scale 1: log(1 + exp(-target))."""
    loss = make_double(name, 2, 3, scale=1.0, **options)
    loss.eval()
    with torch.no_grad():
        loss.weight.copy_(torch.tensor([[2.0, 0, 0], [0, 0, 3.0]]))
    angle = math.radians(degrees)
    x = length * torch.tensor([[math.cos(angle), math.sin(angle), 0]], dtype=torch.float64)
    return loss(x, torch.tensor([0])).item()


def closed(target: float) -> Any:
    return pytest.approx(math.log1p(math.exp(-target)), abs=1e-9)


def test_closed_forms() -> None:
    third = math.pi / 3
    assert two_classes("ArcFace", 60) == closed(math.cos(third + 0.5))
    assert two_classes("ArcFace", 170) == closed(math.cos(math.radians(170)) - 0.5 * math.sin(0.5))
    assert two_classes("CosFace", 60) == closed(0.5 - 0.35)
    assert two_classes("CombinedMargin", 60) == closed(math.cos(third + 0.3) - 0.2)
    fourfold = {"angle_factor": 4.0, "angle_margin_rad": 0.0, "cosine_margin": 0.0}
    assert two_classes("CombinedMargin", 60, **fourfold) == closed(-math.cos(4 * third) - 2)
    assert two_classes("CombinedMargin", 150, **fourfold) == closed(
        -math.cos(4 * math.radians(150)) - 6
    )
    # AdaFace as made: mean 20, deviation 100; at its mean the margin is on the cosine alone.
    assert two_classes("AdaFace", 60, 20.0) == closed(0.5 - 0.4)
    z = 0.333 * 80 / 100.001
    assert two_classes("AdaFace", 60, 500.0) == closed(math.cos(third - 0.4 * z) - 0.4 - 0.4 * z)
    penalty = 35 * (60 / 110**2 + 1 / 60)
    margin = 0.45 + 0.35 * 0.5
    assert two_classes("MagFace", 60, 60.0) - penalty == closed(math.cos(third + margin))
    assert two_classes("MagFace", 120, 60.0) - penalty == closed(-0.5)
    assert two_classes("MagFace", 120, 60.0, is_easy_margin=False) - penalty == closed(
        math.cos(2 * third + margin)
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_larger_angle_never_costs_less(name: str) -> None:
    options = {"is_easy_margin": False} if name == "MagFace" else {}
    costs = [two_classes(name, degrees, **options) for degrees in range(1, 180)]
    # AdaFace is flat in the first degrees, where its angle would fall below 0.
    assert all(b >= a for a, b in pairwise(costs)) and costs[10] < costs[90] < costs[178]


def test_no_margin_is_the_plain_softmax() -> None:
    x, labels = batch(4)
    loss = make_double("ArcFace", margin_rad=0.0)
    cosines = torch.nn.functional.normalize(x) @ torch.nn.functional.normalize(loss.weight).T
    wanted = torch.nn.functional.cross_entropy(64 * cosines, labels)
    torch.testing.assert_close(loss(x, labels), wanted)
    plain = make_double("CosFace", margin=0.0)
    torch.testing.assert_close(plain(x, labels), wanted)


def test_filtered_classes_do_not_count() -> None:
    x, labels = batch(5)
    loss = make_double("CombinedMargin", filter_above=0.3)
    wanted = twins.loss(x, labels, loss.weight, twins.combined(), filter_above=0.3)
    torch.testing.assert_close(loss(x, labels), wanted)
    assert make_double("CombinedMargin")(x, labels) > wanted


def test_adaface_follows_the_lengths_in_training_mode_only() -> None:
    loss, twin = make_double("AdaFace"), twins.AdaFace()
    for seed in range(5):
        x, labels = batch(seed)
        twin.follow(x)
        loss(x, labels)
        state = loss.state_dict()
        assert state["batch_mean"].item() == pytest.approx(twin.mean)
        assert state["batch_std"].item() == pytest.approx(twin.deviation)
    loss.eval()
    loss(*batch(9))
    assert loss.state_dict()["batch_mean"].item() == pytest.approx(twin.mean)
    # One picture has no deviation.
    loss.train()
    loss(x[:1], labels[:1])
    assert loss.state_dict()["batch_std"].item() == pytest.approx(twin.deviation)


@pytest.mark.parametrize("name", NAMES)
def test_modules_are_modules(name: str) -> None:
    loss = make(name, seed=3)
    assert [tuple(p.shape) for p in loss.parameters()] == [(7, 5)]
    other = make(name, seed=4)
    assert not torch.equal(loss.weight, other.weight)
    other.load_state_dict(loss.state_dict())
    x, labels = batch(6)
    assert torch.equal(other(x.float(), labels), loss(x.float(), labels))
    assert torch.equal(make(name, seed=3).weight, make(name, seed=3).weight)
    loss.eval()
    # Under autocast it stays in the type of its weights.
    with torch.autocast("cpu", torch.bfloat16):
        low = loss(x.float(), labels)
    assert low.dtype == torch.float32
    torch.testing.assert_close(low, loss(x.float(), labels), atol=0, rtol=0)
    # What a network in bfloat16 gives is taken, and gets its gradients.
    short = x.detach().bfloat16().requires_grad_()
    loss(short, labels).backward()
    assert short.grad is not None and short.grad.dtype == torch.bfloat16


def test_an_embedding_without_a_direction_has_a_finite_gradient() -> None:
    for name in NAMES:
        loss = make(name)
        x = torch.zeros(2, 5, requires_grad=True)
        loss(x, torch.tensor([0, 1])).backward()
        assert bool(torch.isfinite(x.grad).all()) and bool(torch.isfinite(loss.weight.grad).all())
        # Nor has one that lies on its class centre an endless one.
        exact = (loss.weight.detach()[:1] * 100).requires_grad_()
        loss(exact, torch.tensor([0])).backward()
        assert bool(torch.isfinite(exact.grad).all())


def test_a_share_of_the_classes_is_a_softmax_over_them() -> None:
    x, labels = batch(7, count=4)
    loss = make_double("CosFace", classes=40, class_share=0.25, seed=5)
    chosen, places = nets.sample_classes(labels, class_count=40, wanted=10, seed=5, step=3)
    got = loss(x, labels, step=3)
    wanted = twins.loss(x, places, loss.weight[chosen], twins.cosface())
    torch.testing.assert_close(got, wanted)
    got.backward()
    touched = (loss.weight.grad != 0).any(1).nonzero().squeeze(1)
    assert torch.equal(touched, chosen)
    assert not torch.equal(loss(x, labels, step=4), got)
    sparse = make_double("CosFace", classes=40, class_share=0.25, seed=5, sparse_gradient=True)
    sparse(x.detach(), labels, step=3).backward()
    assert sparse.weight.grad.is_sparse
    torch.testing.assert_close(sparse.weight.grad.to_dense(), loss.weight.grad)


def test_sampled_classes_hold_the_batch_and_are_even() -> None:
    labels = torch.tensor([7, 3, 7, 19])
    counts: Counter[int] = Counter()
    for step in range(3000):
        classes, places = nets.sample_classes(labels, class_count=20, wanted=8, seed=1, step=step)
        assert classes.tolist() == sorted(set(classes.tolist())) and len(classes) == 8
        assert torch.equal(classes[places], labels)
        counts.update(classes.tolist())
    assert all(counts[label] == 3000 for label in (3, 7, 19))
    others = [counts[k] for k in range(20) if k not in (3, 7, 19)]
    # 5 of 17 each time: 882 +- 25 (one deviation).
    assert len(others) == 17 and min(others) > 882 - 125 and max(others) < 882 + 125
    # Neighbours are not drawn together.
    again = nets.sample_classes(labels, class_count=20, wanted=8, seed=1, step=5)
    assert torch.equal(
        again[0], nets.sample_classes(labels, class_count=20, wanted=8, seed=1, step=5)[0]
    )
    assert not torch.equal(
        again[0], nets.sample_classes(labels, class_count=20, wanted=8, seed=2, step=5)[0]
    )


def test_sampled_classes_at_the_ends() -> None:
    labels = torch.tensor([2, 0])
    classes, places = nets.sample_classes(labels, class_count=3, wanted=3, seed=0, step=0)
    assert classes.tolist() == [0, 1, 2] and places.tolist() == [2, 0]
    classes, places = nets.sample_classes(labels, class_count=3, wanted=1, seed=0, step=0)
    assert classes.tolist() == [0, 2] and places.tolist() == [1, 0]
    with pytest.raises(ValueError, match="not more than all"):
        nets.sample_classes(labels, class_count=3, wanted=4, seed=0, step=0)
    with pytest.raises(ValueError, match=r"labels must be in \[0, 2\)"):
        nets.sample_classes(labels, class_count=2, wanted=1, seed=0, step=0)


@pytest.mark.parametrize("name", NAMES)
def test_wrong_arguments_are_named(name: str) -> None:
    loss = make(name)
    x, labels = torch.ones(3, 5), torch.tensor([0, 1, 6])
    loss(x, labels)
    for wrong in (torch.tensor([0, 1, 7]), torch.tensor([0, -1, 3])):
        with pytest.raises(ValueError, match=r"labels must be in \[0, 7\)"):
            loss(x, wrong)
    for value in (math.nan, math.inf):
        with pytest.raises(ValueError, match="finite"):
            loss(torch.full((3, 5), value), labels)
    with pytest.raises(ValueError, match=r"float \[N, 5\]"):
        loss(torch.ones(3, 4), labels)
    with pytest.raises(ValueError, match="N >= 1"):
        loss(torch.ones(0, 5), labels[:0])
    with pytest.raises(ValueError, match=r"int64 \[3\]"):
        loss(x, labels[:2])
    with pytest.raises(ValueError, match=r"int64 \[3\]"):
        loss(x, labels.float())
    with pytest.raises(ValueError, match="class_share"):
        make(name, class_share=0.0)(x, labels)
    with pytest.raises(ValueError, match="scale"):
        make(name, scale=-1.0)(x, labels)
    with pytest.raises(ValueError, match="a class"):
        make(name, classes=0)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ArcFace", {"margin_rad": 3.2}),
        ("CosFace", {"margin": -0.1}),
        ("CombinedMargin", {"angle_factor": 0.0}),
        ("AdaFace", {"norm_rate": 1.5}),
        ("MagFace", {"least_norm": 0.0}),
        ("MagFace", {"norm_weight": -1.0}),
    ],
)
def test_options_without_a_sense_are_refused(name: str, options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        make(name, **options)(torch.ones(1, 5), torch.tensor([0]))


def test_a_margin_can_grow() -> None:
    loss, (x, labels) = make_double("ArcFace"), batch(8)
    before = loss(x, labels).item()
    loss.options.margin_rad = 0.1
    assert loss(x, labels).item() < before
