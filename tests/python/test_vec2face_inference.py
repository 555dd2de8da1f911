"""Vec2Face's form for inference: the module's pictures, and equal bytes in any company."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from test_vec2face import SMALL, masks, seed_weights

from guise import Unavailable, _core

# Nothing that is a multiple of 16.
ODD: dict[str, Any] = {
    "vector_size": 100,
    "width": 60,
    "blocks": 2,
    "heads": 5,
    "decoder_blocks": 1,
    "decoder_heads": 2,
    "picture_channels": 36,
    "channels": [12, 20, 28, 36, 44],
    "groups": 4,
}
PRESETS: dict[str, dict[str, Any]] = {"small": SMALL, "odd": ODD}
BFLOAT16_RMS, BFLOAT16_MOST = 0.03, 0.4  # random weights; rms found 0.012 to 0.017


def make(name: str) -> _core.nets.Vec2Face:
    net = _core.nets.Vec2Face(**PRESETS[name]) if name in PRESETS else _core.nets.Vec2Face(name)
    seed_weights(net, 1)
    net.eval()
    return net


def inputs(net: _core.nets.Vec2Face, count: int, dropped: int = 5) -> tuple[torch.Tensor, ...]:
    size = net.state_dict()["latent_prior_proj_f.weight"].shape[1]
    vectors = torch.randn(count, size, generator=torch.Generator().manual_seed(2))
    masked, gone = masks(40, 3, dropped)
    places = torch.arange(count) % 40
    return vectors, masked[places], gone[places]


def folded_bfloat16(net: _core.nets.Vec2Face) -> _core.nets.Vec2FaceInference:
    try:
        return net.folded("bfloat16")
    except Unavailable as reason:
        # Skipped where torch finds none either, and nowhere else.
        assert not torch.cpu.get_capabilities().get("avx512_bf16", False), reason
        pytest.skip("the processor does not multiply bfloat16")


@pytest.fixture(scope="module")
def house() -> Iterator[_core.nets.Vec2Face]:
    yield make("house")


@pytest.mark.parametrize(("name", "count"), [("small", 2), ("odd", 2), ("house", 3), ("base", 1)])
@torch.no_grad()
def test_pictures_are_the_modules(name: str, count: int) -> None:
    net = make(name)
    given = inputs(net, count)
    wanted = net(*given)[0]
    assert wanted.std() > 0.1
    found = net.folded()(*given)
    assert found.shape == wanted.shape
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["odd", "house"])
@torch.no_grad()
def test_bfloat16_stays_close(name: str) -> None:
    net = make(name)
    given = inputs(net, 2)
    difference = folded_bfloat16(net)(*given) - net(*given)[0]
    assert 0 < difference.square().mean().sqrt() < BFLOAT16_RMS
    assert difference.abs().max() < BFLOAT16_MOST


@pytest.mark.parametrize("dropped", [0, 41])
@torch.no_grad()
def test_a_condition_and_other_masks_do_what_they_do_in_the_module(dropped: int) -> None:
    net = make("odd")
    vectors, masked, gone = inputs(net, 3, dropped)
    condition = torch.randn(3, 1, 60, generator=torch.Generator().manual_seed(7))
    wanted = net(vectors, masked, gone, condition)[0]
    folded = net.folded()
    found = folded(vectors, masked, gone, condition)
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(found, folded(vectors, masked, gone), atol=1e-2)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["house", "odd"])
@torch.no_grad()
def test_bytes_do_not_depend_on_the_batch_or_the_threads(name: str, dtype: str) -> None:
    net = make(name)
    folded = net.folded() if dtype == "float32" else folded_bfloat16(net)
    vectors, masked, gone = inputs(net, 64)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        together = folded(vectors, masked, gone)
        for start, size, count in (
            (0, 1, 1),
            (63, 1, 2),
            (0, 7, 1),
            (20, 7, 2),
            (57, 7, 4),
            (0, 64, 1),
            (0, 64, 4),
        ):
            torch.set_num_threads(count)
            part = slice(start, start + size)
            found = folded(vectors[part], masked[part], gone[part])
            assert torch.equal(found, together[part]), (start, size, count)
    finally:
        torch.set_num_threads(threads)


@torch.no_grad()
def test_bytes_do_not_depend_on_neighbours_or_memory(house: _core.nets.Vec2Face) -> None:
    folded = house.folded()
    vectors, masked, gone = inputs(house, 6)
    order = torch.tensor([3, 3, 0, 5, 1, 3, 4, 2])
    found = folded(vectors[order], masked[order], gone[order])
    assert torch.equal(found, folded(vectors, masked, gone)[order])
    turned = folded(vectors.T.contiguous().T, masked.T.contiguous().T, gone.T.contiguous().T)
    assert torch.equal(turned[order], found)


@torch.no_grad()
def test_bytes_do_not_depend_on_what_memory_held() -> None:
    net = make("odd")
    folded, given = net.folded(), inputs(net, 7)
    wanted = net(*given)[0]
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        for _ in range(4):
            used = [torch.full((n,), torch.nan) for n in (1000, 60_000, 200_000, 500_000) * 3]
            del used
            torch.testing.assert_close(folded(*given), wanted, atol=1e-4, rtol=1e-4)
    finally:
        torch.set_num_threads(threads)


@torch.no_grad()
def test_a_condition_leaves_bytes_alone_too() -> None:
    net = make("odd")
    folded = net.folded()
    vectors, masked, gone = inputs(net, 7)
    condition = torch.randn(7, 1, 60, generator=torch.Generator().manual_seed(7))
    together = folded(vectors, masked, gone, condition)
    for i in range(7):
        one = slice(i, i + 1)
        assert torch.equal(
            folded(vectors[one], masked[one], gone[one], condition[one]), together[one]
        )


@torch.no_grad()
def test_later_weights_do_not_reach_the_copy() -> None:
    net = make("odd")
    given = inputs(net, 1)
    folded = net.folded()
    before = folded(*given)
    seed_weights(net, 9)
    assert torch.equal(folded(*given), before)
    assert not torch.allclose(net.folded()(*given), before, atol=1e-2)


@torch.no_grad()
def test_no_vectors_give_no_pictures(house: _core.nets.Vec2Face) -> None:
    assert house.folded()(*inputs(house, 0)).shape == (0, 3, 112, 112)


def test_what_it_gives_may_be_used_with_gradients() -> None:
    net = make("odd")
    images = net.folded()(*inputs(net, 1))
    weight = torch.ones(1, requires_grad=True)
    (images * weight).sum().backward()
    assert weight.grad is not None


def test_wrong_arguments_say_what_must_hold() -> None:
    net = make("odd")
    folded = net.folded()
    vectors, masked, gone = inputs(net, 2)
    for given, reason in (
        ((vectors[:, :9], masked, gone), r"vectors must be \[N, 100\]; got \[2, 9\]"),
        ((vectors, masked[:1], gone), r"masks must be bool \[2, 49\]"),
        ((vectors, gone, masked), "every dropped token must be masked too"),
        ((vectors, masked, gone, torch.zeros(2, 60)), r"condition must be \[2, 1, 60\]"),
        ((vectors.double(), masked, gone), "must be float32 on the CPU; got Double"),
        ((vectors, masked, gone, torch.zeros(2, 1, 60).half()), "must be float32 on the CPU"),
    ):
        with pytest.raises(ValueError, match=reason):
            folded(*given)
    with pytest.raises(ValueError, match="dtype must be 'float32' or 'bfloat16'; got 'float16'"):
        net.folded("float16")
