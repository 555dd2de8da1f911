"""The measures against slow twins in numpy, and what they refuse."""

from __future__ import annotations

import math
from typing import Any

import measure_twins as twins
import numpy as np
import pytest
import torch

from guise import _core


def drawn_scores(seed: int, genuine: int = 60, impostor: int = 200) -> tuple[Any, Any]:
    """Scores with ties, genuine ones higher."""
    rng = np.random.default_rng(seed)
    return np.round(rng.normal(0.6, 0.2, genuine), 2), np.round(rng.normal(0.2, 0.2, impostor), 2)


def drawn_vectors(people: int, each: int, seed: int = 0, spread: float = 0.6) -> tuple[Any, Any]:
    """float32 [N, 16] of length 1 around a centre for each person, and labels."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(people), each)
    rows = rng.normal(size=(people, 16))[labels] + spread * rng.normal(size=(people * each, 16))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32), labels


def curve(genuine: Any, impostor: Any) -> _core.ErrorCurve:
    return _core.error_curve(torch.from_numpy(genuine), torch.from_numpy(impostor))


@pytest.mark.parametrize("seed", range(5))
def test_the_curve_and_its_figures(seed: int) -> None:
    genuine, impostor = drawn_scores(seed)
    found = curve(genuine, impostor)
    for threshold, fmr, fnmr in zip(found.thresholds, found.fmr, found.fnmr, strict=True):
        assert (float(fmr), float(fnmr)) == twins.rates(genuine, impostor, float(threshold))
    error = found.equal_error()
    assert (error.rate, error.threshold) == pytest.approx(twins.equal_error(genuine, impostor))
    for far in (0.1, 0.05, 0.01, 0.001):
        point = found.at_fmr(far)
        assert 1 - point.fnmr == pytest.approx(twins.tar_at_far(genuine, impostor, far))
        assert point.carried == (far * len(impostor) >= 1)
    pair = torch.from_numpy(genuine), torch.from_numpy(impostor)
    assert _core.d_prime(*pair) == pytest.approx(twins.d_prime(genuine, impostor))


def test_the_curve_from_counts_is_that_of_the_scores() -> None:
    genuine, impostor = drawn_scores(1)
    values = np.unique(np.concatenate([genuine, impostor]))
    counts = [np.array([(scores == v).sum() for v in values]) for scores in (genuine, impostor)]
    of_counts = _core.error_curve_of_counts(*map(torch.from_numpy, (values, *counts)))
    listed = curve(genuine, impostor)
    assert of_counts.fmr.equal(listed.fmr) and of_counts.fnmr.equal(listed.fnmr)


def test_det_points_are_deviates_of_the_rates() -> None:
    points = curve(*drawn_scores(2)).det_points(least_change=0)
    normal = torch.distributions.Normal(0.0, 1.0)
    assert len(points.fmr) > 10
    assert normal.cdf(points.fmr_deviate).numpy() == pytest.approx(points.fmr.numpy())
    assert normal.cdf(points.fnmr_deviate).numpy() == pytest.approx(points.fnmr.numpy())


def test_the_bootstrap_draws_people() -> None:
    """Its interval holds what a plain bootstrap with lists of repeated pairs gives."""
    rng = np.random.default_rng(3)
    people, first, second, genuine, scores = 12, [], [], [], []
    for i in range(people):
        for j in range(i, people):
            first.append(i)
            second.append(-1 if i == j else j)
            genuine.append(i == j)
            scores.append(float(np.round(rng.normal(0.6 if i == j else 0.2, 0.25), 3)))
    slow = [
        twins.bootstrap_rate(
            np.array(scores), genuine, first, second, rng.integers(people, size=people).tolist()
        )
        for _ in range(300)
    ]
    found = _core.bootstrap_intervals(
        torch.tensor(scores),
        torch.tensor(genuine),
        torch.tensor(first),
        torch.tensor(second),
        torch.ones(len(scores)),
        people,
        [0.1],
    )
    assert found.equal_error_spread == pytest.approx(np.std(slow), rel=0.15)
    low, high = np.percentile(slow, [2.5, 97.5])
    assert found.equal_error.low == pytest.approx(low, abs=0.04)
    assert found.equal_error.high == pytest.approx(high, abs=0.04)
    assert found.resamples <= 1000 and 0 <= found.fnmr[0].low <= found.fnmr[0].high <= 1


def test_ten_folds_are_the_protocol() -> None:
    vectors, labels = drawn_vectors(60, 4, seed=4, spread=1.0)
    rng = np.random.default_rng(5)
    first = rng.integers(len(labels), size=503)
    second = np.where(rng.random(503) < 0.5, first ^ 1, rng.integers(len(labels), size=503))
    same = labels[first] == labels[second]
    exact = vectors.astype(np.float64)
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    accuracies, thresholds, vals = twins.lfw_protocol(exact[first], exact[second], same, 0.01)
    pairs = torch.from_numpy(first), torch.from_numpy(second)
    distances = _core.pair_distances(torch.from_numpy(vectors), *pairs)
    assert distances.numpy() == pytest.approx(np.square(exact[first] - exact[second]).sum(1))
    options = _core.FoldOptions(target_far=0.01)
    found = _core.verify_in_folds(distances, torch.from_numpy(same), options)
    assert found.accuracies.tolist() == accuracies
    assert found.thresholds.tolist() == thresholds
    assert found.accuracy == pytest.approx(np.mean(accuracies))
    assert found.accuracy_spread == pytest.approx(np.std(accuracies))
    assert (found.val, found.val_spread) == pytest.approx((np.mean(vals), np.std(vals)))


def test_val_is_that_of_scipys_interpolation() -> None:
    interpolate = pytest.importorskip("scipy.interpolate")
    rng = np.random.default_rng(6)
    same = rng.random(400) < 0.5
    distance = np.clip(rng.normal(np.where(same, 1.0, 1.5), 0.3), 0, 4)
    vals = []
    for test in np.array_split(np.arange(400), 10):
        train = np.setdiff1d(np.arange(400), test)
        fine = np.arange(0, 4, 0.001)
        far = np.array([np.mean(distance[train][~same[train]] < t) for t in fine])
        at = float(interpolate.interp1d(far, fine, kind="linear")(0.033))
        vals.append(np.mean(distance[test][same[test]] < at))
    options = _core.FoldOptions(target_far=0.033)
    found = _core.verify_in_folds(torch.from_numpy(distance), torch.from_numpy(same), options)
    assert found.val == pytest.approx(np.mean(vals))


@pytest.mark.parametrize("threads", [1, 2])
def test_all_pairs_are_those_of_a_matrix(threads: int) -> None:
    vectors, labels = drawn_vectors(70, 3, seed=7)
    matrix = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    a, b = np.triu_indices(len(labels), 1)
    cosines, impostor = matrix[a, b], labels[a] != labels[b]
    options = _core.AllPairsOptions(
        bins=50, thresholds=[0.3, 0.5], nearest=9, nearest_each=2, threads=threads
    )
    found = _core.all_pairs(torch.from_numpy(vectors), torch.from_numpy(labels), options=options)
    edges = np.linspace(-1, 1, 51)
    for counts, kind in ((found.impostor, impostor), (found.genuine, ~impostor)):
        near_an_edge = np.abs(cosines[kind][:, None] - edges[None]).min(1) < 1e-6
        expected = np.histogram(cosines[kind], edges)[0]
        assert np.abs(counts.bins.numpy() - expected).sum() <= 2 * near_an_edge.sum()
        assert counts.above.tolist() == [int((cosines[kind] >= t).sum()) for t in (0.3, 0.5)]
        assert (counts.pairs, counts.mean) == pytest.approx((kind.sum(), cosines[kind].mean()))
        assert counts.variance == pytest.approx(cosines[kind].var())
    assert found.d_prime() == pytest.approx(twins.d_prime(cosines[~impostor], cosines[impostor]))
    order = np.argsort(-cosines[impostor], kind="stable")[:9]
    expected_pairs = list(zip(a[impostor][order], b[impostor][order], strict=True))
    assert [(pair.first, pair.second) for pair in found.nearest] == expected_pairs
    others = np.where(labels[:, None] != labels[None], matrix, -9)
    assert found.neighbours.numpy().tolist() == np.argsort(-others, axis=1)[:, :2].tolist()


def test_listed_cosines_come_in_the_order_of_triu_indices() -> None:
    vectors, labels = drawn_vectors(41, 5, seed=8)
    a, b = torch.triu_indices(len(labels), len(labels), 1)
    rows = torch.from_numpy(vectors)
    listed, exact = _core.listed_cosines(rows), _core.pair_cosines(rows, a, b)
    assert listed.numpy() == pytest.approx(exact.numpy(), abs=1e-6)
    assert listed.dtype == torch.float32 and exact.dtype == torch.float64


def test_all_pairs_tell_their_progress_and_pass_an_exception_on() -> None:
    vectors, _ = drawn_vectors(200, 3)
    shares: list[float] = []
    one = _core.AllPairsOptions(threads=1)
    _core.all_pairs(torch.from_numpy(vectors), options=one, on_progress=shares.append)
    assert shares == sorted(shares) and shares[-1] == 1

    def stop(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _core.all_pairs(torch.from_numpy(vectors), on_progress=stop)


def test_identification_is_the_mean_over_every_gallery() -> None:
    vectors, labels = drawn_vectors(4, 3, seed=9, spread=1.2)
    vectors, labels = vectors[:-1], labels[:-1]
    options = _core.IdentificationOptions(ranks=3)
    people = torch.from_numpy(labels)
    found = _core.identification_over_choices(torch.from_numpy(vectors), people, options)
    slow = twins.identification(vectors.astype(np.float64), labels, 3)
    assert found.tolist() == pytest.approx(slow)
    assert slow[0] < slow[2], "a set without errors would show nothing"


def test_separation_follows_its_definitions() -> None:
    vectors, labels = drawn_vectors(40, 4, seed=10, spread=0.9)
    exact = vectors.astype(np.float64)
    options = _core.SeparationOptions(unique_cosine=0.25, dcface_distance=0.35)
    people = torch.from_numpy(labels)
    found = _core.separation(torch.from_numpy(vectors), people, options)
    centres = twins.centres(exact, labels)
    between = centres @ centres.T - 9 * np.eye(40)
    assert found.nearest_other.numpy() == pytest.approx(between.max(1), abs=1e-6)
    assert found.inter_class_max == pytest.approx(between.max(), abs=1e-6)
    own = [exact[labels == p] @ exact[labels == p].T for p in range(40)]
    intra = [block[np.triu_indices(4, 1)].mean() for block in own]
    assert found.intra_class.numpy() == pytest.approx(np.array(intra), abs=1e-6)
    assert found.intra_class_mean == pytest.approx(np.mean(intra), abs=1e-6)
    assert found.unique_share == twins.unique_share(centres, 0.25)
    assert found.dcface_uniqueness == twins.unique_share(centres, 0.65)
    assert found.dcface_consistency == pytest.approx(twins.consistency(exact, labels, 0.35))
    assert 0 < found.unique_share < 1 and 0 < found.dcface_consistency < 1


def test_wilson_and_probit() -> None:
    interval = _core.wilson_interval(81, 263)
    assert (interval.low, interval.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert _core.probit(0.975) == pytest.approx(1.959963984540054)


def test_what_is_refused() -> None:
    vectors = torch.from_numpy(drawn_vectors(3, 2)[0])
    some = torch.tensor([0.5])
    broken = vectors.clone()
    broken[2, 3] = math.nan
    wrong = [
        lambda: _core.error_curve(torch.empty(0), some),
        lambda: _core.error_curve(some, torch.tensor([math.inf])),
        lambda: _core.error_curve(some.unsqueeze(0), some),
        lambda: _core.all_pairs(broken),
        lambda: _core.all_pairs(2 * vectors),
        lambda: _core.all_pairs(vectors.double()),
        lambda: _core.all_pairs(vectors, torch.tensor([0, 1])),
        lambda: _core.all_pairs(vectors, torch.rand(6)),
        lambda: _core.pair_cosines(vectors, torch.tensor([0]), torch.tensor([6])),
        lambda: _core.separation(vectors, torch.zeros(6, dtype=torch.int64)),
        lambda: _core.identification_over_choices(vectors, torch.arange(6)),
        lambda: _core.verify_in_folds(torch.rand(5), torch.ones(5, dtype=torch.bool)),
        lambda: _core.wilson_interval(1, 0),
        lambda: _core.probit(1.0),
    ]
    for call in wrong:
        with pytest.raises(ValueError):
            call()
