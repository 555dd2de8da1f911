"""Figures and charts of a dataset's report against known sets and simple twins."""

from __future__ import annotations

import itertools
import math
import re
from typing import Any

import numpy as np
import pytest
import torch
from toy_dataset import ColourRecogniser

import guise
from guise.dataset_report.attributes import attribute_sections, measured_quality
from guise.dataset_report.charts import histogram, number
from guise.dataset_report.page import choose
from guise.dataset_report.similarity import (
    DlibRecogniser,
    accepted_at,
    compare,
    decidability,
    equal_error,
    equal_error_spread,
    face_chip,
    nearest_pairs,
)

# ---- figures -------------------------------------------------------------------------------------


def test_equal_error_of_known_sets() -> None:
    apart = equal_error(np.array([0.1, 0.2]), np.array([0.5, 0.9]))
    assert apart[0] == 0 and 0.2 <= apart[1] <= 0.5
    # At any threshold from 0.4 on and below 0.5, one of four is wrong on either side.
    genuine, impostor = np.array([0.1, 0.2, 0.3, 0.6]), np.array([0.4, 0.5, 0.7, 0.8])
    rate, threshold = equal_error(genuine, impostor)
    assert rate == pytest.approx(0.25) and threshold == pytest.approx(0.4)
    same = np.linspace(0, 1, 1000)
    assert equal_error(same, same)[0] == pytest.approx(0.5, abs=0.001)
    turned = equal_error(np.array([0.9]), np.array([0.1]))
    assert turned[0] == pytest.approx(1)


def test_equal_error_against_a_twin() -> None:
    rng = np.random.default_rng(5)
    genuine, impostor = rng.normal(0.5, 0.1, 700), rng.normal(0.7, 0.1, 2000)
    limits = np.linspace(0, 1.5, 30_001)
    gaps = [abs((genuine > t).mean() - (impostor <= t).mean()) for t in limits]
    best = limits[int(np.argmin(gaps))]
    twin = ((genuine > best).mean() + (impostor <= best).mean()) / 2
    rate, threshold = equal_error(genuine, impostor)
    assert rate == pytest.approx(twin, abs=0.002) and threshold == pytest.approx(best, abs=0.002)


def test_the_standard_error_is_that_of_many_draws_of_people() -> None:
    def draw(seed: int, count: int) -> tuple[Any, Any]:
        rng = np.random.default_rng(seed)
        people = np.repeat(np.arange(count), 4)
        return rng.normal(size=(count, 3))[people] + 0.5 * rng.normal(size=(4 * count, 3)), people

    def rate(vectors: Any, people: Any) -> float:
        return compare(vectors, people, ColourRecogniser()).equal_error

    spread = np.std([rate(*draw(seed, 40)) for seed in range(60)])
    claimed = [equal_error_spread(*draw(seed, 40)) for seed in range(30)]
    assert np.mean(claimed) == pytest.approx(spread, rel=0.35)
    assert equal_error_spread(*draw(0, 19)) is None


def test_accepted_at_and_decidability_of_known_sets() -> None:
    impostor = np.arange(1, 101) / 100
    genuine = np.array([0.005, 0.015, 0.019, 0.5])
    assert accepted_at(genuine, impostor, 0.01) == 0.75  # 0.01 is let in, 0.02 is not
    assert accepted_at(genuine, impostor, 0.0) == 0.25
    assert accepted_at(genuine, impostor, 1.0) == 1
    assert decidability(np.array([0.0, 2.0]), np.array([5.0, 7.0])) == pytest.approx(5)


def toy_vectors(seed: int = 3) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    people = np.repeat(np.array([3, 4, 9, 11, 20, 21]), [4, 1, 6, 2, 3, 5])
    centres = rng.normal(size=(30, 7))
    return centres[people] + 0.8 * rng.normal(size=(len(people), 7)), people


def test_nearest_pairs_are_the_nearest() -> None:
    vectors, people = toy_vectors()
    best: dict[tuple[int, int], tuple[float, int, int]] = {}
    for a, b in itertools.combinations(range(len(people)), 2):
        if people[a] != people[b]:
            distance = math.dist(vectors[a], vectors[b])
            key = (int(people[a]), int(people[b]))
            best[key] = min(best.get(key, (math.inf, 0, 0)), (distance, a, b))
    twin = sorted(best.values())
    for count in (1, 5, 40):
        found = nearest_pairs(vectors, people, count)
        assert [(p.first, p.second) for p in found] == [(a, b) for _, a, b in twin[:count]]
        assert [p.distance for p in found] == pytest.approx([d for d, _, _ in twin[:count]])
    first = nearest_pairs(vectors, people, 1)[0]
    a, b = vectors[first.first], vectors[first.second]
    cosine = float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    assert first.cosine == pytest.approx(cosine)


def test_compare_sees_every_pair_once(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, people = toy_vectors()
    pairs = list(itertools.combinations(range(len(people)), 2))
    genuine = [math.dist(vectors[a], vectors[b]) for a, b in pairs if people[a] == people[b]]
    impostor = [math.dist(vectors[a], vectors[b]) for a, b in pairs if people[a] != people[b]]
    firsts = [vectors[np.flatnonzero(people == person)[0]] for person in np.unique(people)]
    nearest = [min(math.dist(v, w) for w in firsts if w is not v) for v in firsts]
    judge = ColourRecogniser()
    judge.look_alike = float(np.median(nearest))
    for rows in (1000, 7, 1):
        monkeypatch.setitem(compare.__globals__, "_ROWS", rows)
        found = compare(vectors, people, judge)
        assert np.sort(found.genuine) == pytest.approx(np.sort(genuine))
        assert np.sort(found.impostor) == pytest.approx(np.sort(impostor))
        assert found.look_alikes == np.mean(np.array(nearest) < judge.look_alike)


def test_the_choice_of_people_depends_on_seed_and_labels_alone() -> None:
    labels = np.arange(40).repeat(15)
    one, again, other = (choose(labels, 8, 10, seed) for seed in (1, 1, 2))
    assert one.places == again.places != other.places
    assert len(one.places) == 80 and (labels[one.places] == one.people).all()
    assert len(np.unique(one.people)) == 8 and one.places == sorted(one.places)
    assert choose(labels, 100, 20, 0).places == list(range(600))
    mixed = np.array([1, 0, 1, 0])
    assert choose(mixed, 5, 5, 0).places == [1, 3, 0, 2]


def test_face_chip_puts_landmarks_where_the_recogniser_expects_them() -> None:
    for scale in (1.0, 4.0):
        side = round(120 * scale)
        turn = scale * 0.9 * np.array([[0.96, -0.28], [0.28, 0.96]]) * 0.5
        wanted = np.array([[47.0, 45.2], [101.5, 45.2], [74.2, 78.7], [51.5, 101.9], [96.8, 101.9]])
        points = (wanted - 75) @ turn.T + side / 2
        y, x = np.mgrid[:side, :side]
        gap = (x - points[1][0]) ** 2 + (y - points[1][1]) ** 2
        spot = 255 * np.exp(-gap / (2 * (3 * scale) ** 2))
        image = torch.from_numpy(spot).to(torch.uint8).unsqueeze(-1).repeat(1, 1, 3)
        chip = face_chip(image, points.tolist()).double()[..., 0].numpy()
        assert chip.shape == (150, 150)
        y, x = np.mgrid[:150, :150]
        middle = np.array([(chip * x).sum(), (chip * y).sum()]) / chip.sum()
        assert middle == pytest.approx(wanted[1], abs=0.3)


def test_dlib_tells_rendered_people_apart() -> None:
    pytest.importorskip("dlib")
    try:
        judge = DlibRecogniser()
    except guise.Unavailable as error:
        pytest.skip(str(error))
    renderer = guise.Renderer(size_px=160, options=guise.RecipeOptions.frontal())
    faces = renderer.sample(identities=5, samples=2, seed=4)
    vectors = np.array(
        [
            judge.embed(image, points.tolist())
            for image, points in zip(faces.images, faces.landmarks_5, strict=True)
        ]
    )
    assert vectors.shape == (10, 128)
    found = compare(vectors, faces.identities.numpy(), judge)
    assert found.genuine.mean() < found.impostor.mean() - 0.1


def test_sharpness_and_brightness_of_known_pictures() -> None:
    flat = torch.full((9, 9, 3), 100, dtype=torch.uint8)
    assert measured_quality(flat) == pytest.approx((0, 100))
    board = (torch.arange(10)[:, None] + torch.arange(10)) % 2 * 255
    checks = board.to(torch.uint8).unsqueeze(-1).repeat(1, 1, 3)
    sharpness, brightness = measured_quality(checks)
    assert sharpness == pytest.approx((4 * 255) ** 2) and brightness == pytest.approx(127.5)


# ---- charts --------------------------------------------------------------------------------------


def test_histograms_count_every_picture_once() -> None:
    rng = np.random.default_rng(0)
    for values in (rng.normal(size=500), np.full(7, 3.25), np.zeros(3), rng.exponential(1, 900)):
        chart = histogram(values, title="t", quantity="q", unit="px")
        shares = re.findall(r": ([0-9.]+) % of the pictures", chart.svg)
        assert sum(map(float, shares)) == pytest.approx(100, abs=0.5)
        assert f"{len(values):,} pictures" in chart.text and chart.axis == "q, px"
    rounded = histogram(np.arange(25) * 0.001, title="t", quantity="q", unit="px")
    bars = re.findall(r": ([0-9.]+) % of the pictures", rounded.svg)
    assert set(bars) == {"4"} or set(bars[:-1]) == {"4"}
    far = histogram(np.append(np.linspace(0, 1, 999), 1e6), title="t", quantity="q", unit="px")
    assert "The last bar holds all above" in far.text


def test_whatever_a_generator_notes_gets_a_chart() -> None:
    lines = [
        {"attributes": {"odd": i % 3 == 0, "kind": f"k{i % 14}", "dial": i * 0.37, "n": i % 4}}
        for i in range(60)
    ] + [{"attributes": {"dial": math.nan}}, {}]
    ((heading, charts),) = attribute_sections(lines, {})
    assert heading == "Other attributes"
    assert {chart.title for chart in charts} == {"Kind", "Dial", "N", "True of"}
    words = next(chart for chart in charts if chart.title == "Kind")
    assert "14 different values" in words.text and "4 others" in words.svg
    whole = next(chart for chart in charts if chart.title == "N")
    assert whole.svg.count('class="bar"') == 4 and whole.axis == "N, no unit stated".lower()


def test_numbers_in_words() -> None:
    cases = {0.0: "0", -1.5: "−1.5", 1234567.0: "1,234,567", 0.012345: "0.0123", 20.0: "20"}
    assert {value: number(value) for value in cases} == cases
