"""`guise audit`: every line flips its verdict when its fault is planted, and nothing leaks out."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from audit_sets import (
    WIDTH,
    audited,
    people_vectors,
    pictures_of,
)

from guise import models
from guise.audit.balance import balance_lines, evenness
from guise.audit.duplicates import exact_line, near_line, thumb_distance
from guise.audit.galleries import Gallery, leak_line
from guise.audit.identities import consistency_line, separation_line
from guise.audit.memorisation import compared_line, memorisation_line
from guise.audit.operating import Thresholds

PEOPLE, EACH = 30, 4
SECRET = "anna-secret-name"


@pytest.fixture(scope="module")
def thresholds() -> Thresholds:
    return Thresholds(models.open_embedder("house-recogniser"))


def labels(people: int = PEOPLE, each: int = EACH) -> torch.Tensor:
    return torch.arange(people).repeat_interleave(each)


# ---- each line, with and without its fault -------------------------------------------------------


def test_two_numbers_of_one_person_are_found(thresholds: Thresholds) -> None:
    centres, vectors = people_vectors(PEOPLE, EACH)
    line = separation_line(audited(vectors, labels()), thresholds, 1)
    assert (line.verdict, line.number) == ("pass", 0)
    centres[7] = centres[3]
    collided = pictures_of(centres.repeat_interleave(EACH, 0))
    line = separation_line(audited(collided, labels()), thresholds, 1)
    assert line.verdict == "fail" and line.number == pytest.approx(2 / PEOPLE)
    assert line.figures["pairs_as_one_person"] == 1
    nearest = line.figures["nearest_pairs"][0]
    assert (nearest["first"], nearest["second"]) == (3, 7)
    assert line.pairs[0].first // EACH == 3 and line.pairs[0].second // EACH == 7


def test_cosines_of_identities_are_those_of_all_pairs_of_pictures(thresholds: Thresholds) -> None:
    _, vectors = people_vectors(5, 3)
    line = separation_line(audited(vectors, labels(5, 3)), thresholds, 1)
    slow = {
        (a, b): float((vectors[3 * a : 3 * a + 3] @ vectors[3 * b : 3 * b + 3].T).mean())
        for a in range(5)
        for b in range(a + 1, 5)
    }
    listed = {(p["first"], p["second"]): p["mean_cosine"] for p in line.figures["nearest_pairs"]}
    assert listed.keys() == slow.keys()
    assert all(listed[pair] == pytest.approx(slow[pair], abs=1e-6) for pair in slow)


def test_the_threshold_grows_with_the_people_and_chance_stays(thresholds: Thresholds) -> None:
    few, many = thresholds.among(10), thresholds.among(1000)
    assert few.cosine < many.cosine and few.fmr == 1e-3
    assert many.expected(1000) == pytest.approx(0.05, abs=0.002)
    assert thresholds.among(1_000_000).expected(1_000_000) > 0.99  # and the page says so


def test_pictures_of_another_person_are_found(thresholds: Thresholds) -> None:
    _, vectors = people_vectors(PEOPLE, EACH)
    good = consistency_line(audited(vectors, labels()), thresholds, 1)
    assert good.verdict == "pass" and good.number == 0
    astray = vectors.clone()
    astray[::EACH] = vectors[torch.arange(0, len(vectors), EACH).roll(1)]
    bad = consistency_line(audited(astray, labels()), thresholds, 1)
    assert bad.verdict == "fail" and bad.number == pytest.approx(1 / EACH)


def test_identities_without_variety_are_a_warning(thresholds: Thresholds) -> None:
    _, vectors = people_vectors(PEOPLE, EACH, inside=0.995)
    line = consistency_line(audited(vectors, labels()), thresholds, 1)
    assert line.verdict == "warn" and "hardly vary" in line.sentence


def test_one_identity_or_one_picture_each_is_not_measured(thresholds: Thresholds) -> None:
    _, vectors = people_vectors(4, 1)
    line = separation_line(audited(vectors, torch.zeros(4)), thresholds, 1)
    assert (line.verdict, line.number) == ("not measured", None)
    line = consistency_line(audited(vectors, torch.arange(4)), thresholds, 1)
    assert (line.verdict, line.number) == ("not measured", None)


@pytest.mark.parametrize(("other", "verdict"), [(1, "fail"), (0, "warn")])
def test_exact_duplicates_across_and_inside(other: int, verdict: str) -> None:
    _, vectors = people_vectors(PEOPLE, EACH)
    dataset = audited(vectors, labels())
    assert exact_line(dataset).verdict == "pass"
    dataset.digests[EACH * other + 1] = dataset.digests[0]
    line = exact_line(dataset)
    assert line.verdict == verdict and line.figures["pictures"] == 1
    assert line.figures["pairs"] == [{"first": "0.jpg", "second": f"{EACH * other + 1}.jpg"}]
    for i in range(2, EACH):
        dataset.digests[i] = dataset.digests[0]
    assert exact_line(dataset).verdict == "fail"


def test_near_duplicates_need_both_cosine_and_pixels() -> None:
    _, vectors = people_vectors(PEOPLE, EACH)
    dataset = audited(vectors, labels())
    dataset.vectors[40] = dataset.vectors[0]
    assert near_line(dataset, 1).verdict == "pass"  # alike to the recogniser alone
    dataset.thumbs[40] = dataset.thumbs[0].flip(1) + 20  # mirrored and brighter
    line = near_line(dataset, 1)
    assert line.verdict == "fail" and line.figures["across_identities"] == 1
    dataset.digests[40] = dataset.digests[0]
    assert near_line(dataset, 1).verdict == "pass"  # an exact one counts there
    assert thumb_distance(dataset.thumbs[0], dataset.thumbs[1]) > 20


def gallery_of(vectors: torch.Tensor, names: list[str] | None = None) -> Gallery:
    return Gallery(vectors, "vectors", False, 0, names)


def test_people_of_a_gallery_are_found(thresholds: Thresholds) -> None:
    centres, vectors = people_vectors(PEOPLE, EACH)
    dataset = audited(vectors, labels())
    _, strangers = people_vectors(50, 1, seed=77)
    clean = leak_line(dataset, gallery_of(strangers), thresholds, 1)
    assert (clean.verdict, clean.number, clean.id) == ("pass", 0, "leak_1")
    same_person = torch.cat([strangers, pictures_of(centres[4:5], inside=0.9)])
    leaked = leak_line(dataset, gallery_of(same_person), thresholds, 2)
    assert leaked.verdict == "fail" and leaked.figures["copies"] == 0
    assert leaked.figures["identities"]["above"] == [4]
    assert clean.figures["identities"]["above"] == []
    assert {each["identity"] for each in leaked.figures["nearest"][:EACH]} == {4}
    one_photo = torch.cat([strangers, vectors[9:10]])
    copied = leak_line(dataset, gallery_of(one_photo), thresholds, 1)
    assert copied.verdict == "fail" and copied.figures["copies"] == 1
    assert copied.figures["nearest"][0]["picture"] == "9.jpg"


def test_memorised_people_are_told_from_chance(thresholds: Thresholds) -> None:
    _, vectors = people_vectors(PEOPLE, EACH)
    dataset = audited(vectors, labels())
    _, seen = people_vectors(60, 1, seed=5)
    _, unseen = people_vectors(60, 1, seed=6)
    clean = compared_line(dataset, seen, unseen, thresholds, 12_000, 0)
    assert clean.verdict == "pass" and clean.figures["chance"] > 0.05
    seen[:PEOPLE] = vectors[::EACH]
    memorised = compared_line(dataset, seen, unseen, thresholds, 12_000, 0)
    assert memorised.verdict == "fail" and memorised.number > 0.5
    assert memorised.figures["chance"] < 0.01
    again = compared_line(dataset, seen, unseen, thresholds, 12_000, 0)
    assert again.figures == memorised.figures


def test_a_few_memorised_people_are_a_warning(thresholds: Thresholds) -> None:
    _, vectors = people_vectors(800, 1)
    _, seen = people_vectors(60, 1, seed=5)
    _, unseen = people_vectors(60, 1, seed=6)
    seen[:8] = vectors[:8]
    line = compared_line(audited(vectors, torch.arange(800)), seen, unseen, thresholds, 12_000, 0)
    assert line.figures["excess"] == pytest.approx(0.01) and line.verdict == "warn"


def test_rendered_datasets_have_no_training_people(thresholds: Thresholds) -> None:
    _, vectors = people_vectors(3, 2)
    dataset = audited(vectors, labels(3, 2), plan={"generator": {"name": "render"}})
    model = models.open_embedder("house-recogniser")
    line = memorisation_line(dataset, thresholds, model, people=None, seed=0)
    assert line.verdict == "not applicable" and line.number is None
    line = memorisation_line(dataset, thresholds, model, people=0, seed=0)
    assert line.verdict == "not measured"


@pytest.mark.parametrize(
    ("id", "attribute", "even", "uneven"),
    [
        ("balance_tone", "monk_tone", [1.2, 2, 3, 4, 5, 6, 7, 8, 9, 10], [2] * 9 + [10]),
        ("balance_age", "age_years", [15, 25, 40, 60, 70] * 2, [25] * 10),
        ("balance_sex", "female", [True, False] * 5, [True] * 9 + [False]),
        ("balance_pose", "yaw_deg", [-60, -20, 0, 20, 60] * 2, [0.0] * 10),
    ],
)
def test_imbalance_is_found(id: str, attribute: str, even: list[Any], uneven: list[Any]) -> None:
    vectors = torch.nn.functional.normalize(torch.rand(10, WIDTH))

    def verdict(values: list[Any]) -> str:
        rows = [{attribute: value} for value in values]
        lines = balance_lines(audited(vectors, labels(5, 2), attributes=rows))
        return next(line.verdict for line in lines if line.id == id)

    assert verdict(even) == "pass"
    assert verdict(uneven) == "fail"
    assert verdict([None, "old", float("nan"), *[None] * 7]) == "not measured"


def test_evenness() -> None:
    assert evenness([5, 5]) == pytest.approx(1) and evenness([9, 0]) == 0
    assert evenness([3, 1]) == pytest.approx(0.811, abs=1e-3)
