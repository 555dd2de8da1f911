"""The search for identity vectors: distributions, exact separation, packing, variation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from guise import _core


def vectors(count: int, width: int, seed: int) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


def plain_greedy(rows: torch.Tensor, limit: float) -> list[int]:
    units = functional.normalize(rows.double(), dim=1)
    kept: list[int] = []
    for i in range(len(units)):
        if all(float(units[i] @ units[j]) <= limit for j in kept):
            kept.append(i)
    return kept


def distribution(width: int = 12, seed: int = 0) -> _core.NormalVectors:
    return _core.fit_normal_vectors(vectors(500, width, seed) * torch.arange(1, width + 1))


def test_a_normal_distribution_is_recovered() -> None:
    mixing, centre = vectors(6, 6, 1), torch.arange(6.0)
    rows = vectors(20_000, 6, 2) @ mixing + centre
    fitted = _core.fit_normal_vectors(rows)
    torch.testing.assert_close(fitted.mean, rows.mean(0), atol=1e-4, rtol=1e-4)
    covariance = fitted.basis.T @ fitted.basis
    torch.testing.assert_close(covariance, torch.cov(rows.T), atol=1e-3, rtol=1e-3)
    lengths = fitted.basis.norm(dim=1)
    assert bool((lengths[:-1] >= lengths[1:]).all())
    drawn = _core.draw_normal_vectors(fitted, 3, 0, 20_000)
    torch.testing.assert_close(torch.cov(drawn.T), covariance, atol=0.35, rtol=0.06)
    assert _core.fit_normal_vectors(rows[:4]).basis.shape[0] == 3


def test_variation_is_that_about_each_persons_mean() -> None:
    people = torch.arange(400).repeat_interleave(5)
    inside = vectors(2000, 4, 5) * torch.tensor([0.1, 0.2, 0.3, 0.4])
    rows = vectors(400, 4, 4)[people] * 10 + inside
    variation = _core.fit_variation(rows, people)
    assert not variation.mean.any()
    lengths = variation.basis.norm(dim=1)
    torch.testing.assert_close(lengths, torch.tensor([0.4, 0.3, 0.2, 0.1]), atol=0.02, rtol=0)


def test_a_vector_depends_on_its_number_alone() -> None:
    people = distribution()
    whole = _core.draw_normal_vectors(people, 7, 0, 3000)
    for first, count in ((0, 1), (1000, 60), (1023, 2), (2999, 1)):
        part = _core.draw_normal_vectors(people, 7, first, count)
        assert torch.equal(part, whole[first : first + count])
    assert not torch.equal(_core.draw_normal_vectors(people, 8, 0, 5), whole[:5])


@pytest.mark.parametrize("limit", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("block", [1, 7, 64, 1000])
def test_what_is_kept_is_what_the_plain_loop_keeps(limit: float, block: int) -> None:
    rows = vectors(300, 8, 9)
    kept = _core.greedily_apart(rows, limit, block=block)
    assert kept.tolist() == plain_greedy(rows, limit)
    assert 1 < len(kept) < 300


def test_pairs_at_the_limit_are_decided_exactly() -> None:
    # Many rows at the same angle to one row, some a hair inside and some outside.
    angles = torch.linspace(-4e-8, 4e-8, 41, dtype=torch.float64) + np.arccos(0.5)
    rows = torch.stack([angles.cos(), angles.sin()], 1)
    rows = torch.cat([torch.tensor([[1.0, 0.0]], dtype=torch.float64), rows]).float()
    units = functional.normalize(rows.double(), dim=1).float().double()
    wanted = [i for i in range(1, 42) if float(units[i] @ units[0]) <= 0.5]
    assert 0 < len(wanted) < 41
    alone = [i for i in range(1, 42) if len(_core.greedily_apart(rows[[0, i]], 0.5)) == 2]
    assert alone == wanted


def test_the_highest_cosine_is_found_across_blocks() -> None:
    rows = vectors(5000, 16, 3)
    rows[4990] = rows[17] * 2 + 0.01
    units = functional.normalize(rows.double(), dim=1)
    products = units @ units.T
    products.fill_diagonal_(-2)
    assert _core.highest_cosine(rows) == pytest.approx(float(products.max()), abs=1e-6)


def test_sampled_identities_are_apart_and_the_first_are_the_same() -> None:
    people = distribution(32)
    many = _core.sample_identities(people, 60, seed=4, max_cosine=0.4)
    few = _core.sample_identities(people, 10, seed=4, max_cosine=0.4)
    assert torch.equal(few.vectors, many.vectors[:10])
    assert few.numbers == many.numbers[:10]
    assert _core.highest_cosine(many.vectors) <= 0.4
    assert many.near_another > 0
    candidates = _core.draw_normal_vectors(people, 4, 0, many.tried)
    assert plain_greedy(candidates, 0.4)[:60] == many.numbers
    assert torch.equal(candidates[torch.tensor(many.numbers)], many.vectors)
    assert many.faces is None


def test_identities_keep_away_from_a_gallery() -> None:
    people = distribution(16)
    gallery = _core.draw_normal_vectors(people, 1, 500, 20)
    found = _core.sample_identities(
        people, 5, seed=1, max_cosine=0.9, gallery=gallery, max_gallery_cosine=0.3
    )
    cosines = functional.normalize(found.vectors, dim=1) @ functional.normalize(gallery, dim=1).T
    assert cosines.max() <= 0.3
    assert found.near_gallery > 0


def test_a_space_that_is_full_is_refused_with_what_it_has_room_for() -> None:
    people = distribution(3)
    with pytest.raises(ValueError, match=r"cosine of at most -0\.2; \d+ of 30 were found") as told:
        _core.sample_identities(people, 30, seed=0, max_cosine=-0.2, max_tried=3000)
    reachable = float(str(told.value).split("cosine of at least ")[1].split(",")[0])
    assert -0.2 < reachable < 1
    found = _core.sample_identities(people, 30, seed=0, max_cosine=reachable)
    assert len(found.numbers) == 30


def test_a_search_can_be_stopped() -> None:
    stop = _core.CancelToken()

    def tell(kept: int) -> None:
        if kept:
            stop.cancel()

    with pytest.raises(_core.Cancelled, match="search for identities was stopped"):
        _core.sample_identities(
            distribution(), 10_000, seed=0, max_cosine=0.1, cancel=stop, on_progress=tell
        )


def test_packing_pushes_vectors_apart_and_keeps_them_near_the_gallery() -> None:
    people = distribution(24)
    start = _core.draw_normal_vectors(people, 2, 0, 80)
    gallery = _core.draw_normal_vectors(people, 3, 0, 2000)
    units, highest, before = _core.pack_vectors(start, gallery)
    torch.testing.assert_close(units.norm(dim=1), torch.ones(80))
    assert highest == pytest.approx(_core.highest_cosine(units), abs=1e-6)
    assert before == pytest.approx(_core.highest_cosine(start), abs=1e-6)
    assert highest < before - 0.2

    def nearest(rows: torch.Tensor) -> float:
        faces = functional.normalize(gallery, dim=1)
        return float((functional.normalize(rows, dim=1) @ faces.T).amax(1).mean())

    free, _, _ = _core.pack_vectors(start, gallery, _core.PackOptions(gallery_weight=0.0))
    assert nearest(units) > nearest(free) + 0.01
    again, _, _ = _core.pack_vectors(start, gallery)
    assert torch.equal(again, units)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: _core.fit_normal_vectors(torch.zeros(1, 4)), "N of at least 2"),
        (lambda: _core.fit_normal_vectors(torch.ones(3, 4)), "vectors must differ"),
        (lambda: _core.fit_variation(torch.ones(3, 4), torch.arange(3)), "has only one"),
        (lambda: _core.greedily_apart(torch.zeros(2, 4), 0.5), "row 0 is zero"),
        (lambda: _core.greedily_apart(torch.full((2, 4), np.nan), 0.5), "row 0 has NaN"),
        (lambda: _core.greedily_apart(torch.ones(2, 4), 1.5), "from -1 to 1; got 1.5"),
        (
            lambda: _core.sample_identities(distribution(), 0, seed=0, max_cosine=0.5),
            "identities must be at least 1; got 0",
        ),
        (lambda: _core.pack_vectors(torch.ones(1, 4), torch.ones(1, 4)), "two vectors or more"),
        (lambda: _core.pack_vectors(torch.ones(3, 4), torch.ones(2, 5)), r"must be \[G, 4\]"),
        (
            lambda: _core.pack_vectors(
                torch.ones(3, 4), torch.ones(2, 4), _core.PackOptions(rate=0.0)
            ),
            "a rate above 0",
        ),
    ],
)
def test_wrong_input_is_refused(call: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        call()  # type: ignore[operator]
