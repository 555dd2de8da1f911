"""The learned spread of head shapes: standard-normal modes for each sex.

The ICT model's 100 identity modes come from scans of real heads, so a person is N(0, I) there. Two
things are taken out, since house-head has axes of its own for them: what sex, age, ancestry, weight
and muscle explain is shrunk to the spread inside such a group, and the mean is moved from
MakeHuman's towards the scans'. The leading principal modes of what is left are kept. Ears, lid
folds, nostrils and lips, which scans show badly, get modes of their own from MakeHuman's targets.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from guise.train.head_ict import face_weight, load_ict, neck_fade, transferred_modes
from guise.train.head_lids import carry_eyes
from guise.train.head_mesh import HeadMesh
from guise.train.head_parts import landmark_positions_on
from guise.train.head_rest import REST_YEARS, RestHead
from guise.train.head_source import Floats
from guise.train.head_targets import Signed

LEARNED = 52
# Standard deviation along an axis that the recipe sets itself, of 1 for the whole population.
_WITHIN_SEX, _WITHIN_AGE, _WITHIN_ANCESTRY, _WITHIN_BUILD = 0.60, 0.60, 0.70, 0.60
# Share of the way from MakeHuman's mean face to the scans' mean.
_TOWARDS_SCANS = 0.9
# Strength of the learned modes; 1 = the spread of the scans inside a group. What dlib's recogniser
# tells apart asks for more: its EER on 60 x 5 fell from 4.4 % at 1.12 to 2.3 % at 1.6 and 1.9 % at
# 1.9, where some faces became caricatures.
_STRENGTH = 1.6
# The same of the details.
_DETAIL_STRENGTH = 1.6
# Details: target and standard deviation of its weight before that factor.
DETAILS: dict[str, float] = {
    "ears/l-ear-flap-incr": 0.30, "ears/l-ear-lobe-incr": 0.40, "ears/l-ear-rot-forward": 0.35,
    "ears/l-ear-scale-incr": 0.30, "ears/l-ear-scale-depth-incr": 0.35,
    "ears/l-ear-scale-vert-incr": 0.35, "ears/l-ear-shape-round": 0.30,
    "ears/l-ear-shape-square": 0.30, "ears/l-ear-trans-up": 0.12, "ears/l-ear-trans-forward": 0.12,
    "ears/l-ear-wing-incr": 0.40,
    "eyes/l-eye-bag-incr": 0.35, "eyes/l-eye-bag-out": 0.30, "eyes/l-eye-epicanthus-out": 0.35,
    "eyes/l-eye-eyefold-angle-up": 0.40, "eyes/l-eye-eyefold-convex": 0.45,
    "eyes/l-eye-eyefold-up": 0.45, "eyes/l-eye-height1-incr": 0.30, "eyes/l-eye-height3-incr": 0.30,
    "eyes/l-eye-corner1-up": 0.45,
    "nose/nose-nostrils-angle-up": 0.35, "nose/nose-nostrils-width-incr": 0.35,
    "nose/nose-flaring-incr": 0.35, "nose/nose-septumangle-incr": 0.35,
    "nose/nose-point-width-incr": 0.40,
    "mouth/mouth-cupidsbow-incr": 0.50, "mouth/mouth-cupidsbow-width-incr": 0.40,
    "mouth/mouth-philtrum-volume-incr": 0.45, "mouth/mouth-laugh-lines-out": 0.25,
    "chin/chin-cleft-incr": 0.30,
}  # fmt: skip


@dataclass(frozen=True)
class Modes:
    """Weights = means + factors z. Rows: local targets, then dense fields; M columns."""

    dense: Floats  # [R, P, 3]; the last is the same for all heads
    factors: Floats  # [2, L + R, M] by sex
    means: Floats  # [2, L + R]
    limit: float
    names: list[str]


def learn(
    mesh: HeadMesh, rest: RestHead, details: list[Signed], ict: Path
) -> tuple[Modes, dict[str, float]]:
    """The modes, and figures for the card (mm)."""
    mean = rest.mean(mesh)
    skin = mesh.vertex_point[mesh.triangles[mesh.surface == 0]]
    scans = load_ict(ict, mean, skin, landmark_positions_on(mesh.kept, mean))
    fields = np.concatenate([scans.modes, (scans.points - scans.warped)[None]])
    moved = transferred_modes(mesh, mean, scans, fields)
    carry_eyes(mesh, mean, moved)
    spread, shift = moved[:-1], moved[-1]
    face = face_weight(mean[: mesh.morphed])
    axes = _macro_axes(rest)
    shift = _without(shift, np.array([axes[k] for k in _ANCESTRY_AXES]), face)
    shift *= _TOWARDS_SCANS * neck_fade(mean[: mesh.morphed])[:, None]

    narrowed = _narrowing(spread, axes, face)
    within = np.einsum("kpc,kj->jpc", spread, narrowed)
    basis, scale = _principal(within, face, LEARNED)
    dense = np.concatenate([basis * scale[:, None, None], shift[None]])
    rows = len(details) + len(dense)
    count = LEARNED + len(details)
    factors, means = np.zeros((2, rows, count)), np.zeros((2, rows))
    for k, one in enumerate(details):
        factors[:, k, LEARNED + k] = _DETAIL_STRENGTH * DETAILS[one.name]
    for k in range(LEARNED):
        factors[:, len(details) + k, k] = _STRENGTH
    means[:, -1] = 1.0
    names = [f"learned-{k + 1}" for k in range(LEARNED)] + [one.name for one in details]
    figures = {
        "rms_scans_mm": _rms(spread, face),
        "rms_within_mm": _rms(within, face),
        "rms_kept_mm": _rms(dense[:-1] * _STRENGTH, face),
        "shift_mm": _rms(shift[None], face),
    }
    return Modes(dense, factors, means, _chi_limit(count), names), figures


def _macro_axes(rest: RestHead) -> dict[str, Floats]:
    """Displacements [P, 3] along what the recipe sets: half the distance between the ends."""
    third = np.full(3, 1 / 3)
    female, male = (rest.macro(sex, REST_YEARS, third) for sex in (0, 1))
    by_kind = [
        sum(rest.macro(sex, REST_YEARS, np.eye(3)[k]) for sex in (0, 1)) / 2 for k in range(3)
    ]
    young = sum(rest.macro(sex, 25, third) for sex in (0, 1)) / 2
    old = sum(rest.macro(sex, 80, third) for sex in (0, 1)) / 2
    build = rest.build.reshape(2, 2, 3, 3, *rest.build.shape[1:])[:, 0].mean(0)
    return {
        "sex": (male - female) / 2,
        "age": (old - young) / 2,
        "ancestry 1": by_kind[0] - (by_kind[1] + by_kind[2]) / 2,
        "ancestry 2": (by_kind[1] - by_kind[2]) / 2,
        "weight": (build[1, 2] - build[1, 0]) / 2,
        "muscle": (build[2, 1] - build[0, 1]) / 2,
    }


_ANCESTRY_AXES = ("ancestry 1", "ancestry 2")
_WITHIN = {
    "sex": _WITHIN_SEX, "age": _WITHIN_AGE, "ancestry 1": _WITHIN_ANCESTRY,
    "ancestry 2": _WITHIN_ANCESTRY, "weight": _WITHIN_BUILD, "muscle": _WITHIN_BUILD,
}  # fmt: skip


def _weighted(fields: Floats, weight: Floats) -> Floats:
    return (fields * np.sqrt(weight)[:, None]).reshape(len(fields), -1)


def _without(field: Floats, axes: Floats, weight: Floats) -> Floats:
    """`field` less its least-squares share along `axes`, in which the face as a whole stays."""
    centred = axes - (np.einsum("kpc,p->kc", axes, weight) / weight.sum())[:, None]
    flat, along = _weighted(field[None], weight)[0], _weighted(centred, weight)
    share = np.linalg.lstsq(along.T, flat, rcond=None)[0]
    return np.asarray(field - np.einsum("k,kpc->pc", share, centred))


def _narrowing(spread: Floats, axes: dict[str, Floats], weight: Floats) -> Floats:
    """[100, 100]: shrinks standard-normal weights along the axes that the recipe sets."""
    modes = _weighted(spread, weight)
    result = np.eye(len(modes))
    for name, axis in axes.items():
        # How far a head lies along the axis is linear in its weights: this is the gradient.
        centred = axis - (weight @ axis) / weight.sum()
        along = modes @ _weighted(centred[None], weight)[0]
        along /= np.linalg.norm(along)
        shrink = np.eye(len(modes)) - (1 - _WITHIN[name]) * np.outer(along, along)
        result = shrink @ result
    return result


def _principal(fields: Floats, weight: Floats, count: int) -> tuple[Floats, Floats]:
    """The leading fields [count, P, 3] of unit weighted rms, and their standard deviations, dm."""
    flat = _weighted(fields, weight + 0.05)
    values, vectors = np.linalg.eigh(flat @ flat.T)
    order = np.argsort(values)[::-1][:count]
    vectors = vectors[:, order] * signs(vectors[:, order])
    rotated = np.einsum("kj,kpc->jpc", vectors, fields)
    scale = np.sqrt((rotated**2).sum(2) @ weight / weight.sum())
    return rotated / scale[:, None, None], scale


def signs(vectors: Floats) -> Floats:
    """[1, K] that make the largest number of each column positive: libraries choose it freely."""
    largest = np.abs(vectors).argmax(0)[None]
    return np.sign(np.take_along_axis(vectors, largest, 0))


def _rms(fields: Floats, weight: Floats) -> float:
    """Root mean square displacement of face points when all weights are standard normal, mm."""
    return float(100 * np.sqrt((fields**2).sum((0, 2)) @ weight / weight.sum()))


def _chi_limit(count: int) -> float:
    """99th percentile of the length of `count` standard normals (Wilson and Hilferty)."""
    ninth = 2 / (9 * count)
    return float(np.sqrt(count * (1 - ninth + 2.3263 * np.sqrt(ninth)) ** 3))
