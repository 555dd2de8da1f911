"""Skin sheets as statistics over the chart: means, effects of sex, age and tone, and modes.

All in the logarithm of linear RGB, after the overall tone of each sheet is taken away.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from guise import _core
from guise.train.skin_chart import Bools, Chart, Floats, SpaceFiller, spread_outwards

# Sheets that show each other again, or paint, are left out: the pack's README names near copies.
LEFT_OUT = (
    "goth",
    "special_suit",
    "skalldyrssuppe",
    "darthfurby",
    "young_lightskinned_male_diffuse3",
    "young_lightskinned_female_diffuse3",
    "middleage_lightskinned_male_diffuse2",
)
AGE = {"young": -1.0, "middle": 0.0, "old": 1.0}
# Linear values below this are JPEG noise.
DARKEST = 0.004
# Of the fine chart; low frequencies are kept at a quarter of it.
WIDTH = 1024
MODES = 14
# Share of the broad lightness of means that is taken for painted light and shade.
PAINTED_SHADE = 0.55


@dataclass(frozen=True)
class Sheet:
    """One sheet on the chart. `log_rgb` [H, W, 3] is less its overall tone, `known` [H, W]."""

    name: str
    log_rgb: Floats
    tone: Floats  # [3] linear RGB
    male: float  # -1 female, 1 male
    age: float  # -1 young .. 1 old
    dark: float  # 0 light .. 1 dark


@dataclass(frozen=True)
class SkinStatistics:
    """What the sheets teach. Maps of log RGB, low ones [128, 256, 3]."""

    mean: Floats
    sex: Floats  # added times -1 (female) .. 1 (male)
    age: Floats  # added times -1 (25 years) .. 1 (70)
    dark: Floats  # added times -0.5 (light) .. 0.5 (dark)
    modes: Floats  # [K, 128, 256, 3], each one standard deviation
    explained: float  # share of the variance of the sheets about the above that the modes hold
    detail: Floats  # [512, 1024, 3] what the low mean lacks
    age_detail: Floats  # [512, 1024] the same of `age`, luminance


def linear_from_srgb(byte: Floats) -> Floats:
    """0..255 to linear 0..1."""
    value = byte / 255.0
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def face_weight(chart: Chart, width: int) -> tuple[Floats, Bools]:
    """[H, W] 1 on the face and ears, 0 where sheets paint hair or show nothing; and the skin."""
    values = np.concatenate(
        [chart.positions, chart.sheet_uv, chart.scalp_distance[:, None]], axis=1
    )
    drawn, skin = chart.draw(values, width)
    shown = skin & (drawn[..., 3] > 0.6345) & (drawn[..., 4] < 0.83) & (drawn[..., 4] > 0.13)
    hairless = np.clip((-0.06 - drawn[..., 5]) / 0.22, 0, 1)
    nose_root, chin_end = chart.landmarks[27], chart.landmarks[8]
    side, height = np.abs(drawn[..., 0]), drawn[..., 1] - nose_root[1]
    # Behind the cheeks sheets show hair, but for the ears.
    front = np.clip((drawn[..., 2] - nose_root[2] + 0.95) / 0.25, 0, 1)
    ear = np.clip((side - 0.67) / 0.05, 0, 1) * np.clip((0.14 - height) / 0.1, 0, 1)
    front = np.maximum(front, ear * (drawn[..., 2] > nose_root[2] - 1.6))
    chin = np.clip((drawn[..., 1] - chin_end[1] + 0.1) / 0.25, 0, 1)
    return shown * hairless * front * chin, skin


def read_sheets(folder: Path, chart: Chart) -> list[Sheet]:
    """The different skins of `skins.json` in `folder`, on the chart."""
    listing = json.loads((folder / "skins.json").read_text())
    rect = listing["uv_rect"]
    where, skin = chart.draw(np.concatenate([chart.sheet_uv, chart.positions], 1), WIDTH)
    x, y, z = (where[..., 2 + axis] for axis in range(3))
    root = chart.landmarks[27]
    tone_area = skin & (z > root[2] - 0.55) & (np.abs(y - root[1] + 0.12) < 0.5)
    tone_area &= np.abs(x) < 0.6
    sheets = []
    for entry in listing["skins"]:
        if any(part in entry["file"] for part in LEFT_OUT):
            continue
        image = _core.read_image(str(folder / entry["file"])).numpy().astype(np.float64)
        height, width = image.shape[:2]
        column = (where[..., 0] - rect["u0"]) / (rect["u1"] - rect["u0"]) * width - 0.5
        row = (rect["v1"] - where[..., 1]) / (rect["v1"] - rect["v0"]) * height - 0.5
        linear = linear_from_srgb(image)
        sampled = np.stack(
            [
                ndimage.map_coordinates(linear[..., c], [row, column], order=1, mode="nearest")
                for c in range(3)
            ],
            -1,
        )
        log_rgb = np.log(np.maximum(sampled, DARKEST))
        tone = np.median(log_rgb[tone_area], axis=0)
        sheets.append(
            Sheet(
                name=entry["source_name"],
                log_rgb=log_rgb - tone,
                tone=np.exp(tone),
                male=1.0 if entry["sex"] == "male" else -1.0,
                age=AGE[entry["age_group"]],
                dark=float(np.clip((-0.9 - tone[1]) / 2.0, 0, 1)),
            )
        )
    if len(sheets) < 8:
        raise ValueError(
            f"skins.json must list at least 8 usable skins; {folder} has {len(sheets)}"
        )
    return sheets


def mirrored(values: Floats) -> Floats:
    """[..., H, W, C] as seen in a mirror; the chart is symmetric."""
    return values[..., ::-1, :]


def halved(values: Floats, times: int) -> Floats:
    """[H, W, C] averaged over blocks of 2^times."""
    for _ in range(times):
        values = 0.25 * (
            values[::2, ::2] + values[1::2, ::2] + values[::2, 1::2] + values[1::2, 1::2]
        )
    return values


def doubled(values: Floats, times: int) -> Floats:
    """[H, W, C] enlarged 2^times, bilinear between texel centres."""
    factor = 2**times
    rows = (np.arange(values.shape[0] * factor) + 0.5) / factor - 0.5
    columns = (np.arange(values.shape[1] * factor) + 0.5) / factor - 0.5
    grid = np.meshgrid(rows, columns, indexing="ij")
    return np.stack(
        [
            ndimage.map_coordinates(values[..., c], grid, order=1, mode="nearest")
            for c in range(values.shape[2])
        ],
        -1,
    )


def learn(sheets: list[Sheet], chart: Chart) -> SkinStatistics:
    """Regresses the sheets on sex, age and tone, and finds the modes of what is left."""
    weight, skin = face_weight(chart, WIDTH)
    low_weight = halved(weight[..., None], 2)[..., 0]
    drawn, low_skin = chart.draw(chart.positions, WIDTH // 4)
    fill = SpaceFiller(spread_outwards(drawn, low_skin), low_weight)
    inside = (weight > 0.02) & skin
    low, fine = [], []
    for sheet in sheets:
        clean = np.clip(spread_outwards(sheet.log_rgb, inside), -1.6, 0.8)
        low.append(fill(halved(clean, 2)))
        fine.append(clean)
    stack = np.stack(low + [mirrored(m) for m in low])
    factors = np.array([[1.0, s.male, s.age, s.dark - 0.5] for s in sheets] * 2)
    ridge = np.diag([0.0, 4.0, 4.0, 1.0])
    solve = np.linalg.solve(factors.T @ factors + ridge, factors.T)
    effects = np.einsum("fn,nhwc->fhwc", solve, stack)
    residual = stack - np.einsum("nf,fhwc->nhwc", factors, effects)
    effects = np.stack([without_painted_shade(effect) for effect in effects])
    # Dark sheets have more contrast, JPEG noise included.
    scale = np.sqrt((residual**2 * low_weight[..., None]).mean(axis=(1, 2, 3)))
    residual *= np.minimum(1.0, np.median(scale) * 1.2 / scale)[:, None, None, None]
    modes, explained = principal_modes(residual, low_weight)

    mean_fine = np.mean(fine, axis=0)
    mean_fine = 0.5 * (mean_fine + mirrored(mean_fine))
    ages = np.array([s.age for s in sheets])
    age_fine = np.einsum("n,nhwc->hwc", (ages - ages.mean()) / (ages**2).sum(), np.stack(fine))
    age_fine = 0.5 * (age_fine + mirrored(age_fine))
    detail = (mean_fine - doubled(halved(mean_fine, 2), 2)) * weight[..., None]
    age_detail = (age_fine - doubled(halved(age_fine, 2), 2)).mean(-1) * weight
    return SkinStatistics(
        mean=effects[0],
        sex=effects[1],
        age=effects[2],
        dark=effects[3],
        modes=modes,
        explained=explained,
        detail=detail,
        age_detail=age_detail,
    )


def without_painted_shade(effect: Floats) -> Floats:
    """[H, W, 3] less half of its broad differences in lightness: sheets have brow shadows and
    highlights painted in, which the renderer's light makes anew."""
    lightness = ndimage.gaussian_filter(effect.mean(axis=-1), effect.shape[1] / 40)
    return np.asarray(effect - PAINTED_SHADE * lightness[..., None])


def principal_modes(residual: Floats, weight: Floats) -> tuple[Floats, float]:
    """[N, H, W, 3] to the first MODES principal components, each scaled to one standard deviation,
    and the share of the variance that they hold."""
    count = len(residual)
    flat = (residual * np.sqrt(weight)[..., None]).reshape(count, -1)
    values, vectors = np.linalg.eigh(flat @ flat.T / count)
    order = np.argsort(values)[::-1][:MODES]
    modes = [np.einsum("n,nhwc->hwc", vectors[:, i], residual) / np.sqrt(count) for i in order]
    # A sign that does not depend on the solver: the largest value is positive.
    modes = [m * np.sign(m.reshape(-1)[np.abs(m).argmax()]) for m in modes]
    return np.stack(modes), float(values[order].sum() / values.sum())
