"""Vec2Face's generator: the published keys and shapes, and the pictures of a plain twin."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from vec2face_twin import Vec2FaceTwin

from guise import _core

SMALL = {"width": 48, "blocks": 2, "heads": 4, "decoder_blocks": 2, "decoder_heads": 3}


def elements(state: dict[str, torch.Tensor]) -> int:
    return sum(v.numel() for name, v in state.items() if v.is_floating_point())


@torch.no_grad()
def seed_weights(net: torch.nn.Module, seed: int) -> None:
    """Norms that are not neutral, and positions that differ."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in net.named_parameters():
        noise = torch.randn(value.shape, generator=generator)
        if value.dim() > 1 and "pos" not in name:
            value.copy_(noise / value[0].numel() ** 0.5)
        elif name.endswith("weight"):
            value.copy_((0.2 * noise).exp())
        else:
            value.copy_(0.2 * noise)


def masks(count: int, seed: int, dropped: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    """The `dropped` smallest numbers of each row, and as many again and more."""
    random = torch.rand(count, 49, generator=torch.Generator().manual_seed(seed))
    rank = random.argsort(1).argsort(1)
    return rank < dropped + 3 + torch.arange(count)[:, None], rank < dropped


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Vec2FaceTwin, _core.nets.Vec2Face]]:
    twin = Vec2FaceTwin(**SMALL).eval()
    seed_weights(twin, 3)
    net = _core.nets.Vec2Face(**SMALL)
    net.load_state_dict(twin.state_dict())
    net.eval()
    yield twin, net


def test_names_and_shapes_are_the_published_ones() -> None:
    state = _core.nets.Vec2Face("base").state_dict()
    twin = Vec2FaceTwin().state_dict()
    assert {k: (v.shape, v.dtype) for k, v in state.items()} == {
        k: (v.shape, v.dtype) for k, v in twin.items()
    }
    assert (len(state), elements(state)) == (349, 174_126_998)
    decoder = {k: v for k, v in state.items() if k.startswith("im_decoder.")}
    assert elements(decoder) == 30_478_339
    assert torch.equal(state["token_emb.position_ids"], torch.arange(50)[None])


@pytest.mark.parametrize("has_condition", [False, True])
@torch.no_grad()
def test_pictures_are_the_twins(
    pair: tuple[Vec2FaceTwin, _core.nets.Vec2Face], has_condition: bool
) -> None:
    twin, net = pair
    generator = torch.Generator().manual_seed(5)
    vectors = torch.randn(3, 512, generator=generator)
    masked, dropped = masks(3, 6)
    condition = torch.randn(3, 1, 48, generator=generator) if has_condition else None
    images, tokens, targets = net(vectors, masked, dropped, condition)
    assert images.shape == (3, 3, 112, 112)
    assert tokens.shape == targets.shape == (3, 49, 48)
    for i in range(3):
        own = None if condition is None else condition[i, 0]
        wanted = twin.one(vectors[i], masked[i], dropped[i], own)
        assert wanted.std() > 0.1
        torch.testing.assert_close(images[i], wanted, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_the_published_size_draws_what_the_twin_draws() -> None:
    twin = Vec2FaceTwin().eval()
    seed_weights(twin, 1)
    net = _core.nets.Vec2Face("base")
    net.load_state_dict(twin.state_dict())
    net.eval()
    vector = torch.randn(1, 512, generator=torch.Generator().manual_seed(2))
    masked, dropped = masks(1, 3)
    image = net(vector, masked, dropped)[0][0]
    torch.testing.assert_close(
        image, twin.one(vector[0], masked[0], dropped[0], None), atol=1e-4, rtol=1e-4
    )


@torch.no_grad()
def test_no_vectors_give_no_pictures(pair: tuple[Vec2FaceTwin, _core.nets.Vec2Face]) -> None:
    nothing = torch.zeros(0, 49, dtype=torch.bool)
    images, tokens, targets = pair[1](torch.zeros(0, 512), nothing, nothing)
    assert images.shape == (0, 3, 112, 112)
    assert tokens.shape == targets.shape == (0, 49, 48)


@torch.no_grad()
def test_masks_matter_and_dropped_tokens_do_not(
    pair: tuple[Vec2FaceTwin, _core.nets.Vec2Face],
) -> None:
    _, net = pair
    vectors = torch.randn(1, 512, generator=torch.Generator().manual_seed(5))
    masked, dropped = masks(1, 6)
    first = net(vectors, masked, dropped)[0]
    assert torch.equal(first, net(vectors, masked, dropped)[0])
    assert not torch.allclose(first, net(vectors, torch.ones_like(masked), dropped)[0], atol=1e-3)
    assert not torch.allclose(first, net(vectors, masked, torch.zeros_like(dropped))[0], atol=1e-3)


def test_training_reaches_every_weight_that_is_used(
    pair: tuple[Vec2FaceTwin, _core.nets.Vec2Face],
) -> None:
    net = _core.nets.Vec2Face(**SMALL, has_unused_layers=False)
    seed_weights(net, 4)
    net.train()
    masked, dropped = masks(2, 1)
    images, tokens, targets = net(torch.randn(2, 512), masked, dropped)
    assert not targets.requires_grad
    (images.square().mean() + (tokens - targets).square().mean()).backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in net.parameters())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"vectors": torch.zeros(2, 128)}, r"vectors must be \[N, 512\]; got \[2, 128\]"),
        ({"masked": torch.zeros(2, 50, dtype=torch.bool)}, r"masks must be bool \[2, 49\]"),
        ({"dropped": torch.zeros(2, 49)}, r"masks must be bool \[2, 49\]; got Float"),
        ({"masked": torch.zeros(2, 49, dtype=torch.bool)}, "dropped token must be masked too"),
        ({"dropped": masks(2, 6)[1] & torch.tensor([[True], [False]])}, "as many dropped tokens"),
        ({"condition": torch.zeros(2, 48)}, r"condition must be \[2, 1, 48\]; got \[2, 48\]"),
    ],
)
def test_wrong_inputs_say_what_must_hold(
    pair: tuple[Vec2FaceTwin, _core.nets.Vec2Face], change: dict[str, torch.Tensor], reason: str
) -> None:
    masked, dropped = masks(2, 6)
    given = {"vectors": torch.zeros(2, 512), "masked": masked, "dropped": dropped, **change}
    with pytest.raises(ValueError, match=reason):
        pair[1](**given)


def test_wrong_configs_and_weights_are_refused() -> None:
    for arguments, reason in (
        ({"preset": "tiny"}, "preset must be 'base', 'large', 'huge' or 'house'"),
        ({**SMALL, "heads": 5}, "heads must divide the width"),
        ({**SMALL, "decoder_heads": 0}, "must be 1 or more; got 0"),
        ({**SMALL, "channels": [128, 128, 256, 256, 500]}, "multiples of the groups, 32; got 500"),
    ):
        with pytest.raises(ValueError, match=reason):
            _core.nets.Vec2Face(**arguments)
    state = Vec2FaceTwin(**SMALL).state_dict()
    del state["norm.bias"]
    state["blocks.0.attn.qkv.A"] = torch.zeros(8, 48)
    with pytest.raises(ValueError, match=r"1 missing: norm\.bias"):
        _core.nets.Vec2Face(**SMALL).load_state_dict(state)
