"""Ground truth agrees with the pictures: masks, depth, normals, landmarks and pose."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

import guise

SIZE_PX = 320
BACKGROUND, SKIN, LEFT_EYE, RIGHT_EYE, NOSE = 0, 1, 4, 5, 10
FACE_PARTS = {1, 2, 3, 4, 5, 7, 8, 10, 11, 12, 13}
# Of the 68: the nose, the corners of the eyes and of the mouth, which no hair covers.
STEADY = [27, 28, 29, 30, 31, 33, 35, 36, 39, 42, 45, 48, 51, 54, 57]
# Of these, on smooth skin that neither lids nor the gaze move.
RIGID = [27, 28, 29, 30, 33, 48, 51, 54, 57]

Floats = npt.NDArray[np.float64]


def bare_faces() -> guise.RecipeOptions:
    """Nothing in front of the face, nothing moves, a perfect camera."""
    options = guise.RecipeOptions.clean()
    options.yaw_limit_deg, options.pitch_limit_deg, options.roll_limit_deg = 28, 14, 10
    options.mask_share = options.scarf_share = options.hand_share = options.hat_share = 0
    options.glasses_share = options.sunglasses_share = options.beard_share = 0
    options.expression_strength = options.blink_share = options.age_spread_years = 0
    return options


@pytest.fixture(scope="module")
def faces() -> guise.RenderedFaces:
    renderer = guise.Renderer(size_px=SIZE_PX, maps=True, options=bare_faces())
    return renderer.sample(identities=6, samples=4, seed=11)


def maps_of(faces: guise.RenderedFaces) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    assert faces.parts is not None
    assert faces.normals is not None
    assert faces.depth is not None
    return faces.parts, faces.normals, faces.depth


# ---- pixels --------------------------------------------------------------------------------------


def test_maps_agree_with_each_other(faces: guise.RenderedFaces) -> None:
    parts, normals, depth = maps_of(faces)
    something = parts != BACKGROUND
    assert torch.equal(something, depth > 0)
    lengths = normals.norm(dim=-1)
    assert (lengths[~something] == 0).all()
    assert (lengths[something] - 1).abs().max() < 1e-3
    assert something.float().mean() > 0.2
    assert parts.max() <= 20
    for part in (SKIN, LEFT_EYE, RIGHT_EYE, NOSE):
        assert ((parts == part).flatten(1).sum(1) > 0).sum() >= 0.9 * len(faces), part


def test_the_picture_changes_where_the_mask_ends(faces: guise.RenderedFaces) -> None:
    """Across the border of the mask neighbours differ more than beside it."""
    parts, _, _ = maps_of(faces)
    something = parts != BACKGROUND
    grey = faces.images.float().mean(-1)
    step = (grey[:, :, 1:] - grey[:, :, :-1]).abs()
    border = something[:, :, 1:] != something[:, :, :-1]
    outside = ~(something[:, :, 1:] | something[:, :, :-1])
    better = 0
    for i in range(len(faces)):
        better += bool(step[i][border[i]].mean() > 2 * step[i][outside[i]].mean())
    assert better >= 0.9 * len(faces)


def test_depth_is_that_of_a_head(faces: guise.RenderedFaces) -> None:
    parts, _, depth = maps_of(faces)
    for i in range(len(faces)):
        camera = faces.parameters[i]["photo"]["camera"]
        half = math.tan(math.radians(camera["field_of_view_deg"]) / 2)
        distance = camera["frame_height_dm"] / 2 / half
        skin = depth[i][parts[i] == SKIN]
        assert (skin - distance).abs().max() < 2.5, "within the head, in dm"
        nose = depth[i][parts[i] == NOSE]
        assert nose.median() < skin.median(), "the nose is nearer"


def test_normals_face_the_camera(faces: guise.RenderedFaces) -> None:
    parts, normals, _ = maps_of(faces)
    z = normals[..., 2][parts == SKIN]
    assert z.mean() > 0.4
    # Hair and lashes are left out: their normals are those of tubes.
    assert (z > -0.2).float().mean() > 0.995


# ---- landmarks -----------------------------------------------------------------------------------


def test_landmarks_lie_on_the_face(faces: guise.RenderedFaces) -> None:
    parts, _, _ = maps_of(faces)
    on_face = total = 0
    for i in range(len(faces)):
        for k in STEADY:
            x, y = (round(v) for v in faces.landmarks_68[i, k].tolist())
            if 0 <= x < SIZE_PX and 0 <= y < SIZE_PX:
                total += 1
                on_face += int(parts[i, y, x]) in FACE_PARTS
    assert total > 0.98 * len(faces) * len(STEADY)
    assert on_face > 0.97 * total


def test_eye_landmarks_surround_the_eyes(faces: guise.RenderedFaces) -> None:
    """The visible part of an eye lies within its six points, a little more at most."""
    parts, _, _ = maps_of(faces)
    # Subject's right first: image left.
    for part, points in ((RIGHT_EYE, range(36, 42)), (LEFT_EYE, range(42, 48))):
        for i in range(len(faces)):
            rows, columns = torch.where(parts[i] == part)
            if len(rows) < 40:
                continue  # behind hair, or turned away
            lid = faces.landmarks_68[i, list(points)]
            width = (lid[:, 0].max() - lid[:, 0].min()).item()
            middle = torch.tensor([columns.float().mean(), rows.float().mean()])
            assert (middle - lid.mean(0)).norm() < 0.25 * width


def test_five_points_are_left_to_right(faces: guise.RenderedFaces) -> None:
    left_eye, right_eye, nose, left_mouth, right_mouth = faces.landmarks_5.unbind(1)
    assert (left_eye[:, 0] < right_eye[:, 0]).all()
    assert (left_mouth[:, 0] < right_mouth[:, 0]).all()
    assert (nose[:, 1] > torch.minimum(left_eye[:, 1], right_eye[:, 1])).all()
    assert (left_mouth[:, 1] > left_eye[:, 1]).all()


def test_boxes_hold_the_face(faces: guise.RenderedFaces) -> None:
    for i in range(len(faces)):
        x0, y0, x1, y1 = faces.boxes[i].tolist()
        inner = faces.landmarks_68[i, 17:]
        slack = 0.06 * (y1 - y0)
        assert inner[:, 0].min() > x0 - slack
        assert inner[:, 0].max() < x1 + slack
        assert inner[:, 1].min() > y0 - slack
        assert inner[:, 1].max() < y1 + slack
        brow_to_chin = inner[:10, 1].min() - faces.landmarks_68[i, 8, 1]
        assert 0.3 * SIZE_PX < brow_to_chin.abs() < 0.65 * SIZE_PX, "framed as a portrait"


# ---- pose ----------------------------------------------------------------------------------------


def rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> Floats:
    """Roll, then pitch, then yaw; + turns to the right of the image, up, and clockwise."""
    a, b, c = (math.radians(angle) for angle in (yaw_deg, -pitch_deg, -roll_deg))
    turn = np.array([[math.cos(a), 0, math.sin(a)], [0, 1, 0], [-math.sin(a), 0, math.cos(a)]])
    nod = np.array([[1, 0, 0], [0, math.cos(b), -math.sin(b)], [0, math.sin(b), math.cos(b)]])
    tilt = np.array([[math.cos(c), -math.sin(c), 0], [math.sin(c), math.cos(c), 0], [0, 0, 1]])
    return np.asarray(turn @ nod @ tilt)


def points_in_space(faces: guise.RenderedFaces, i: int) -> dict[int, Floats]:
    """Camera-space positions, dm, of the rigid landmarks that are seen, through the depth map."""
    parts, _, depth = maps_of(faces)
    camera: dict[str, Any] = faces.parameters[i]["photo"]["camera"]
    middle = (SIZE_PX - 1) / 2
    focal_px = SIZE_PX / 2 / math.tan(math.radians(camera["field_of_view_deg"]) / 2)
    points = {}
    for k in RIGID:
        x, y = faces.landmarks_68[i, k].tolist()
        column, row = round(x), round(y)
        if not (0 <= column < SIZE_PX and 0 <= row < SIZE_PX):
            continue
        if int(parts[i, row, column]) not in FACE_PARTS:
            continue
        z = float(depth[i, row, column])
        points[k] = np.array([(x - middle) / focal_px * z, (middle - y) / focal_px * z, -z])
    return points


def angle_between(a: Floats, b: Floats) -> float:
    cosine = (np.trace(a.T @ b) - 1) / 2
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


def fitted_rotation(before: Floats, after: Floats) -> Floats:
    """The rotation that takes `before` to `after` with the least squared error (Kabsch)."""
    left, _, right = np.linalg.svd((before - before.mean(0)).T @ (after - after.mean(0)))
    sign = np.diag([1, 1, np.sign(np.linalg.det(right.T @ left.T))])
    return np.asarray(right.T @ sign @ left.T)


def pose_errors(faces: guise.RenderedFaces, poses: torch.Tensor) -> list[float]:
    """Degrees between the turn from one photo of a person to the next, told and recovered."""
    errors = []
    for i in range(len(faces) - 1):
        if faces.identities[i] != faces.identities[i + 1]:
            continue
        first, second = points_in_space(faces, i), points_in_space(faces, i + 1)
        shared = sorted(first.keys() & second.keys())
        assert len(shared) >= 6
        found = fitted_rotation(
            np.stack([first[k] for k in shared]), np.stack([second[k] for k in shared])
        )
        told = rotation(*poses[i + 1].tolist()) @ rotation(*poses[i].tolist()).T
        errors.append(angle_between(found, told))
    return errors


def test_the_pose_is_recovered_from_landmarks_and_depth(faces: guise.RenderedFaces) -> None:
    errors = pose_errors(faces, faces.pose_deg)
    assert len(errors) == 18
    assert max(errors) < 2, errors
    assert np.median(errors) < 0.8


def test_the_recovery_sees_a_wrong_pose(faces: guise.RenderedFaces) -> None:
    for wrong in (faces.pose_deg * torch.tensor([-1.0, 1, 1]), faces.pose_deg[:, [1, 0, 2]]):
        assert np.median(pose_errors(faces, wrong)) > 4


def test_limits_of_the_pose_hold(faces: guise.RenderedFaces) -> None:
    limits = torch.tensor([28.0, 14.0, 10.0])
    assert (faces.pose_deg.abs() <= limits + 0.01).all()
    assert (faces.pose_deg.abs().max(0).values > 0.5 * limits).all()
