"""house-light: ten environments as small maps, spherical harmonics and one key light each.

The panoramas are Radiance RGBE files, equirectangular, row 0 up. Nothing of them is kept but
blurred colour at 128x64. Directions: +x right, +y up, +z to the viewer; the middle column is -z
(what the camera sees behind the head), columns grow to the right.

Of each map the brightest lobe becomes a key light, which a renderer can give a shadow; the
spherical harmonics and the maps for glossy reflections hold the rest.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from guise import _core

Floats = npt.NDArray[np.float64]

WIDTH, HEIGHT = 128, 64
GLOSSY_WIDTH, GLOSSY_HEIGHT = 32, 16
# GGX alpha is the square of these.
GLOSSY_ROUGHNESS = (0.35, 0.6)
# Suns are clipped at this many times the 99.5th percentile of luminance.
CLIP = 4.0
# Gains of the bands of order 0, 1, 2: less ringing behind strong lights.
WINDOW = (1.0, 0.85, 0.5)
# A key light is the excess over its surroundings, fading out between these angles.
KEY_INNER_DEG, KEY_OUTER_DEG = 16.0, 34.0
# Name in the file -> indoors. venice_sunset and potsdamer_platz are left out: people are in view.
PANORAMAS: dict[str, bool] = {
    "adams_place_bridge_1k": False,
    "dikhololo_night_1k": False,
    "empty_warehouse_01_1k": True,
    "forest_slope_1k": False,
    "immenstadter_horn_1k": False,
    "kiara_1_dawn_1k": False,
    "lebombo_1k": True,
    "rooitou_park_1k": False,
    "st_fagans_interior_1k": True,
    "studio_small_03_1k": True,
}


def read_radiance(path: Path) -> Floats:
    """[H, W, 3] linear radiance of an RGBE file with run lengths. Raises CorruptFile."""
    try:
        return _decode_radiance(path)
    except (IndexError, ValueError) as cause:
        raise _core.CorruptFile(f"{path.name}: cut short or not a Radiance picture") from cause


def _decode_radiance(path: Path) -> Floats:
    data = path.read_bytes()
    end = data.find(b"\n\n")
    line_end = data.find(b"\n", end + 2)
    words = data[end + 2 : line_end].split()
    if not data.startswith(b"#?") or len(words) != 4 or words[0] != b"-Y" or words[2] != b"+X":
        raise _core.CorruptFile(f"{path.name}: not a Radiance picture stored from the top")
    height, width = int(words[1]), int(words[3])
    at = line_end + 1
    rows = np.zeros((height, 4, width), np.uint8)
    for y in range(height):
        if data[at : at + 2] != b"\x02\x02" or data[at + 2] * 256 + data[at + 3] != width:
            raise _core.CorruptFile(f"{path.name}: row {y} is not run-length encoded")
        at += 4
        for channel in range(4):
            x = 0
            while x < width:
                count = data[at]
                if count > 128:
                    rows[y, channel, x : x + count - 128] = data[at + 1]
                    x, at = x + count - 128, at + 2
                else:
                    rows[y, channel, x : x + count] = np.frombuffer(data, np.uint8, count, at + 1)
                    x, at = x + count, at + 1 + count
    mantissa = rows[:, :3].transpose(0, 2, 1).astype(np.float64)
    scale = np.where(rows[:, 3] > 0, np.exp2(rows[:, 3].astype(np.float64) - 136.0), 0.0)
    return np.asarray(mantissa * scale[..., None])


def luminance(rgb: Floats) -> Floats:
    """[..., 3] linear RGB to [...]."""
    return np.asarray(rgb @ np.array([0.2126, 0.7152, 0.0722]))


def directions(width: int, height: int) -> tuple[Floats, Floats]:
    """[H, W, 3] unit directions of the texel centres and [H, W] solid angles (sum 4 pi)."""
    theta = (np.arange(height) + 0.5) / height * np.pi
    phi = ((np.arange(width) + 0.5) / width - 0.5) * 2 * np.pi
    x = np.sin(theta)[:, None] * np.sin(phi)[None]
    y = np.broadcast_to(np.cos(theta)[:, None], x.shape)
    z = -np.sin(theta)[:, None] * np.cos(phi)[None]
    edges = np.cos(np.arange(height + 1) / height * np.pi)
    solid = np.broadcast_to(((edges[:-1] - edges[1:]) * 2 * np.pi / width)[:, None], x.shape)
    return np.stack([x, y, z], -1), solid.copy()


def area_average(image: Floats, width: int, height: int) -> Floats:
    """[H, W, 3] to [height, width, 3]; sizes must divide."""
    h, w, _ = image.shape
    blocks = image.reshape(height, h // height, width, w // width, 3)
    return np.asarray(blocks.mean(axis=(1, 3)))


def basis(direction: Floats) -> Floats:
    """[..., 3] to the nine real spherical harmonics [..., 9], polar axis y so that a turn about the
    vertical only mixes (1, 3), (4, 6) and (7, 8): 1, z, y, x, yz, 3y^2-1, yx, z^2-x^2, zx."""
    x, y, z = np.moveaxis(direction, -1, 0)
    c1, c2 = np.sqrt(3 / (4 * np.pi)), np.sqrt(15 / (4 * np.pi))
    return np.stack(
        [
            np.full_like(x, np.sqrt(1 / (4 * np.pi))),
            c1 * z,
            c1 * y,
            c1 * x,
            c2 * y * z,
            np.sqrt(5 / (16 * np.pi)) * (3 * y * y - 1),
            c2 * y * x,
            c2 / 2 * (z * z - x * x),
            c2 * z * x,
        ],
        -1,
    )


def irradiance_harmonics(image: Floats) -> Floats:
    """[9, 3]: irradiance / pi of a map, convolved with the cosine and windowed, such that the value
    for a normal n is basis(n) @ result."""
    direction, solid = directions(image.shape[1], image.shape[0])
    projected = np.einsum("hwk,hw,hwc->kc", basis(direction), solid, image)
    cosine = np.array([1.0] + [2 / 3] * 3 + [1 / 4] * 5)
    window = np.array([WINDOW[0]] + [WINDOW[1]] * 3 + [WINDOW[2]] * 5)
    return np.asarray(projected * (cosine * window)[:, None])


def split_key(image: Floats) -> tuple[Floats, Floats, Floats, float]:
    """Takes the brightest lobe of the upper hemisphere out of a map.

    Gives the rest [H, W, 3], the lobe's unit direction [3], its irradiance / pi at normal incidence
    [3] and its angular radius in radians.
    """
    direction, solid = directions(image.shape[1], image.shape[0])
    light = luminance(image)
    coarse, _ = directions(WIDTH // 4, HEIGHT // 4)
    cosines = coarse.reshape(-1, 3) @ direction.reshape(-1, 3).T
    inside = (cosines > np.cos(np.deg2rad(KEY_INNER_DEG))) * solid.reshape(-1)
    gathered = inside @ light.reshape(-1) / inside.sum(1)
    peak = int(np.argmax(np.where(coarse[..., 1].reshape(-1) > 0.05, gathered, 0.0)))
    angle = np.arccos(np.clip(cosines[peak], -1, 1)).reshape(light.shape)
    ring = ((angle > np.deg2rad(KEY_OUTER_DEG)) & (angle < np.deg2rad(55.0))) * solid
    ground = (ring * light).sum() / ring.sum()
    fade = np.clip(
        (np.deg2rad(KEY_OUTER_DEG) - angle) / np.deg2rad(KEY_OUTER_DEG - KEY_INNER_DEG), 0, 1
    )
    share = fade * np.clip(1 - ground / np.maximum(light, 1e-9), 0, 1)
    excess = image * share[..., None]
    weight = luminance(excess) * solid
    towards = np.einsum("hw,hwc->c", weight, direction)
    towards /= np.linalg.norm(towards)
    spread = np.arccos(np.clip(direction @ towards, -1, 1))
    radius = float(np.sqrt(2 * (weight * spread**2).sum() / max(weight.sum(), 1e-9)))
    irradiance = np.einsum("hw,hwc->c", solid, excess) / np.pi
    return image - excess, towards, irradiance, radius


def glossy_maps(rest: Floats) -> Floats:
    """[levels, 16, 32, 3]: what a mirror of each roughness shows, without the key light."""
    source_direction, solid = directions(WIDTH // 2, HEIGHT // 2)
    source = area_average(rest, WIDTH // 2, HEIGHT // 2).reshape(-1, 3)
    towards, _ = directions(GLOSSY_WIDTH, GLOSSY_HEIGHT)
    cosines = towards.reshape(-1, 3) @ source_direction.reshape(-1, 3).T
    maps = []
    for roughness in GLOSSY_ROUGHNESS:
        # The half vector lies between view and light, both near the mirror direction.
        half2 = np.clip((1 + cosines) / 2, 0, 1)
        alpha2 = roughness**4
        lobe = alpha2 / (half2 * (alpha2 - 1) + 1) ** 2 * np.clip(cosines, 0, 1)
        weights = lobe * solid.reshape(-1)
        weights /= weights.sum(1, keepdims=True)
        maps.append((weights @ source).reshape(GLOSSY_HEIGHT, GLOSSY_WIDTH, 3))
    return np.stack(maps)


def reduce_panorama(panorama: Floats) -> Floats:
    """[H, W, 3] to [64, 128, 3]: suns clipped, blurred by area, mean luminance 1."""
    light = luminance(panorama)
    limit = CLIP * np.percentile(light, 99.5)
    clipped = panorama * np.minimum(1.0, limit / np.maximum(light, 1e-9))[..., None]
    small = area_average(clipped, WIDTH, HEIGHT)
    _, solid = directions(WIDTH, HEIGHT)
    return np.asarray(small * (4 * np.pi / (luminance(small) * solid).sum()))


def build(out: Path, data: Path | None) -> Path:
    """Builds house-light from the folder `data` of panoramas into the folder `out`."""
    if data is None:
        raise ValueError("--data must name the folder with the *.hdr panoramas; got none")
    maps, harmonics, glossy, keys = [], [], [], []
    for name in PANORAMAS:
        small = reduce_panorama(read_radiance(data / f"{name}.hdr"))
        small = small.astype(np.float16).astype(np.float64)
        rest, towards, strength, radius = split_key(small)
        maps.append(small)
        harmonics.append(irradiance_harmonics(rest))
        glossy.append(glossy_maps(rest))
        keys.append(np.concatenate([towards, strength, [radius]]))
        print(
            f"{name:24s} key towards ({towards[0]:+.2f} {towards[1]:+.2f} {towards[2]:+.2f}), "
            f"{luminance(strength):.2f}, radius {np.rad2deg(radius):.0f} deg; "
            f"rest {luminance(harmonics[-1][0]) * 0.2821:.2f}"
        )
    tensors = {
        "maps": torch.from_numpy(np.stack(maps)).to(torch.float16),
        "glossy": torch.from_numpy(np.stack(glossy)).to(torch.float16),
        "glossy_roughness": torch.tensor(GLOSSY_ROUGHNESS, dtype=torch.float32),
        "irradiance": torch.from_numpy(np.stack(harmonics)).to(torch.float32),
        "key": torch.from_numpy(np.stack(keys)).to(torch.float32),
        "indoor": torch.tensor(list(PANORAMAS.values()), dtype=torch.uint8),
    }
    metadata = {"kind": "house-light", "version": "1", "names": ",".join(PANORAMAS)}
    out.mkdir(parents=True, exist_ok=True)
    path = out / "house-light.safetensors"
    _core.write_safetensors(str(path), tensors, metadata=metadata)
    return path
