"""Builds house-skin: what the skin sheets teach, masks and wrinkle lines, in one file.

Runs in about a minute, without randomness. The layout is in models/house-skin/card.md.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from guise import _core
from guise.train.skin_chart import Floats, read_chart
from guise.train.skin_regions import REGIONS, draw_lips, draw_regions
from guise.train.skin_sheets import (
    Sheet,
    SkinStatistics,
    doubled,
    face_weight,
    halved,
    learn,
    read_sheets,
)
from guise.train.skin_wrinkles import GROUPS, STEP_DM, draw_wrinkles

FORMAT, VERSION = "guise.house-skin", "1"


def quantised(maps: Floats, limit: float) -> tuple[torch.Tensor, torch.Tensor]:
    """[N, ...] to int8 and float32 [N], the value of one step; clipped at +-`limit`."""
    flat = np.clip(maps, -limit, limit).reshape(len(maps), -1)
    step = np.maximum(np.abs(flat).max(axis=1), 1e-6) / 127
    codes = np.rint(flat / step[:, None]).astype(np.int8).reshape(maps.shape)
    return torch.from_numpy(codes), torch.from_numpy(step.astype(np.float32))


def colour_axes(sheets: list[Sheet], statistics: SkinStatistics, lips: Floats) -> Floats:
    """[2, 3]: how log RGB falls with melanin and with haemoglobin, green falling by 1.

    Melanin: from light to dark sheets. Haemoglobin: from skin to lips, in light sheets.
    """
    light = np.mean([np.log(s.tone) for s in sheets if s.dark < 0.3], axis=0)
    dark = np.mean([np.log(s.tone) for s in sheets if s.dark > 0.7], axis=0)
    small = halved(lips[..., None], 1)[..., 0] > 0.98
    blood = (statistics.mean - 0.5 * statistics.dark)[small].mean(axis=0)
    return np.stack([(dark - light) / (light - dark)[1], blood / -blood[1]])


def bytes_of(values: Floats) -> npt.NDArray[np.uint8]:
    """0..1 to 0..255."""
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def build(out: Path, data: Path | None, head: Path) -> Path:
    """Writes `out`/house-skin.safetensors from the skin sheets in `data` and returns its path."""
    if data is None:
        raise ValueError("--data must name the folder with skins.json and its sheets; got none")
    chart = read_chart(head)
    sheets = read_sheets(data, chart)
    statistics = learn(sheets, chart)
    lips = draw_lips(chart, 512)
    heights, groups = draw_wrinkles(chart)
    weight, _ = face_weight(chart, 256)

    effects = [statistics.mean, statistics.sex, statistics.age, statistics.dark]
    low, low_step = quantised(np.concatenate([np.stack(effects), statistics.modes]), 1.2)
    middle = halved(statistics.detail, 1)
    beyond = (statistics.detail - doubled(middle, 1)).mean(axis=-1)
    detail, detail_step = quantised(middle[None], 0.5)
    fine, fine_step = quantised(np.stack([beyond, statistics.age_detail]), 0.4)
    tensors = {
        "low": low,
        "low_step": low_step,
        "detail": detail[0],
        "detail_step": detail_step,
        "fine": fine,
        "fine_step": fine_step,
        "axes": torch.from_numpy(colour_axes(sheets, statistics, lips)).to(torch.float32),
        "lips": torch.from_numpy(bytes_of(lips)),
        "regions": torch.from_numpy(bytes_of(draw_regions(chart, 256)).transpose(2, 0, 1).copy()),
        "face": torch.from_numpy(bytes_of(weight)),
        "wrinkles": torch.from_numpy(
            (np.clip(np.rint(heights / STEP_DM), -128, 127) + 128).astype(np.uint8)
        ),
        "wrinkle_group": torch.from_numpy(groups.astype(np.uint8)),
        "wrinkle_step": torch.tensor([STEP_DM], dtype=torch.float32),
    }
    metadata = {
        "format": FORMAT,
        "version": VERSION,
        "regions": ",".join(REGIONS),
        "groups": ",".join(GROUPS),
        "sheets": ",".join(sheet.name for sheet in sheets),
        "explained": f"{statistics.explained:.4f}",
    }
    out.mkdir(parents=True, exist_ok=True)
    path = out / "house-skin.safetensors"
    _core.write_safetensors(str(path), tensors, metadata=metadata)
    return path
