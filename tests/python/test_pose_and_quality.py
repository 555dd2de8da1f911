"""guise.estimate_pose and guise.assess_quality on rendered faces."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from toy_recogniser import open_toy

import guise
from guise import _core


@pytest.fixture(scope="module")
def rendered() -> guise.RenderedFaces:
    renderer = guise.Renderer(size_px=200, options=guise.RecipeOptions.frontal())
    return renderer.sample(identities=1, samples=1, seed=5)


def face_of(rendered: guise.RenderedFaces) -> guise.Face:
    x0, y0, x1, y1 = rendered.boxes[0].tolist()
    return guise.Face((x0, y0, x1, y1), landmarks=rendered.landmarks_5[0])


def one(model: _core.Embedder, rendered: guise.RenderedFaces) -> guise.Embeddings:
    return guise.embed(rendered.images[0], model=model, faces=[face_of(rendered)])


def test_pose_of_rendered_faces() -> None:
    made = guise.Renderer(size_px=32).sample(identities=40, samples=2, seed=12)
    found = guise.estimate_pose(made.landmarks_5)
    angles = torch.tensor([(p.yaw_deg, p.pitch_deg, p.roll_deg) for p in found])
    error = (angles - made.pose_deg).abs().mean(0)
    # Measured over 2,400: 4.4, 5.2, 1.0 (tests/benchmarks/pose_error.py).
    assert error[0] < 7
    assert error[1] < 8
    assert error[2] < 2.5
    still = made.pose_deg.abs().mean(0)
    assert (still > 2 * error)[0], "better than to say that everybody looks ahead"
    assert not any(pose.is_doubtful for pose in found)


def test_pose_takes_faces_and_options(rendered: guise.RenderedFaces) -> None:
    (pose,) = guise.estimate_pose([face_of(rendered)])
    (same,) = guise.estimate_pose(rendered.landmarks_5[:1])
    assert (pose.yaw_deg, pose.misfit) == (same.yaw_deg, same.misfit)
    assert repr(pose).startswith("HeadPose(yaw_deg=")
    assert guise.estimate_pose([]) == []
    (strict,) = guise.estimate_pose([face_of(rendered)], doubtful_misfit=1e-6)
    assert strict.is_doubtful
    with pytest.raises(ValueError, match="coincide"):
        guise.estimate_pose([guise.Face((0, 0, 5, 5))])
    with pytest.raises(ValueError, match=r"\[N, 5, 2\]"):
        guise.estimate_pose(torch.zeros(5, 2))


def test_quality(tmp_path: Path, rendered: guise.RenderedFaces) -> None:
    model, judge = open_toy(tmp_path), open_toy(tmp_path, quality=True, seed=1)
    plain, judged = one(model, rendered), one(judge, rendered)
    assert judged.quality is not None
    assert torch.equal(guise.assess_quality(judged, measure="learned"), judged.quality)
    norm = plain.norms.item()
    found = guise.assess_quality(plain, norm_low=norm / 2, norm_high=norm * 1.5)
    assert found.item() == pytest.approx(0.5, abs=1e-5)
    with pytest.raises(guise.Unavailable, match="toy-0 was not trained to judge"):
        guise.assess_quality(plain, measure="learned")
    with pytest.raises(guise.Unavailable, match="calibration"):
        guise.assess_quality(plain)
    with pytest.raises(ValueError, match="measure must be 'norm' or 'learned'"):
        guise.assess_quality(plain, measure="beauty")
