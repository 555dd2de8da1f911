"""Training runs: stopped and started again they end in the same bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

pytest.importorskip("cv2", reason="opencv-python-headless is not installed")

import guise
from guise import _core
from guise.train import detector, detector_scenes, recogniser
from guise.train.__main__ import app
from guise.train.checkpoint import load_checkpoint, save_checkpoint
from guise.train.crop_bank import CROP_PX, Crops
from guise.train.head_bank import HeadBank
from guise.train.shuffled_rows import rows_of_step
from guise.train.training_log import TrainingLog, read_log, write_curve

TINY = recogniser.RecogniserOptions(
    channels=(4, 4, 8, 8),
    blocks=(1, 1, 1, 1),
    dimension=8,
    batch=8,
    steps=4,
    margin_from=0.0,
    margin_full=0.5,
)


def toy_crops(people: int, samples: int, seed: int) -> Crops:
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 255, (people * samples, CROP_PX, CROP_PX, 3)).astype(np.uint8)
    return Crops(pixels, np.repeat(np.arange(people), samples))


@pytest.fixture(scope="module")
def data() -> recogniser.StepData:
    return recogniser.StepData([toy_crops(3, 4, 0), toy_crops(2, 4, 1)], toy_crops(4, 1, 2), TINY)


def test_a_step_has_its_share_of_portraits(data: recogniser.StepData) -> None:
    inputs, labels = data(0)
    assert inputs.shape == (8, 3, 64, 64)
    assert data.classes == 3 + 2 + 4
    assert (labels < 5).sum() == 6
    assert (labels >= 5).sum() == 2


def test_every_picture_comes_once_in_a_pass(data: recogniser.StepData) -> None:
    rows = np.concatenate([rows_of_step(data.options.seed, 0, step, 6, 20) for step in range(10)])
    for start in (0, 20, 40):
        assert sorted(rows[start : start + 20]) == list(range(20))
    assert rows[:20].tolist() != rows[20:40].tolist()


def recognise(work: Path, data: recogniser.StepData, stop_at: int | None = None) -> Path:
    work.mkdir(exist_ok=True)
    torch.set_num_threads(1)
    run = recogniser.Run(TINY, data.classes)
    if (work / "checkpoint.safetensors").is_file():
        run.resume(work / "checkpoint.safetensors")
    recogniser.train(run, data, work, save_every=2, log_every=1, stop_at=stop_at)
    return work / "checkpoint.safetensors"


def test_a_recogniser_goes_on_byte_for_byte(tmp_path: Path, data: recogniser.StepData) -> None:
    whole = recognise(tmp_path / "whole", data)
    recognise(tmp_path / "parts", data, stop_at=2)
    parts = recognise(tmp_path / "parts", data)
    assert whole.read_bytes() == parts.read_bytes()
    log = read_log(tmp_path / "parts" / "log.jsonl")
    assert [row["step"] for row in log] == [1, 2, 3, 4]
    assert all(row["loss"] > 0 for row in log)
    started = recogniser.Run(TINY, data.classes).net.state_dict()
    trained = load_checkpoint(whole)[0]
    assert not torch.equal(started["linear.weight"], trained["net.linear.weight"])


def test_a_checkpoint_of_other_options_is_refused(
    tmp_path: Path, data: recogniser.StepData
) -> None:
    path = recognise(tmp_path, data, stop_at=2)
    other = recogniser.Run(replace(TINY, margin=0.5, rate=0.2), data.classes)
    with pytest.raises(ValueError, match="these differ: rate, margin"):
        other.resume(path)


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "some.safetensors"
    _core.write_safetensors(str(path), {"a": torch.zeros(1)})
    with pytest.raises(guise.CorruptFile, match="must be a checkpoint"):
        load_checkpoint(path)


def test_a_checkpoint_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, {"a": torch.zeros(2)}, {"step": 1})
    with pytest.raises(ValueError):
        save_checkpoint(path, {"a": torch.zeros(2, dtype=torch.complex64)}, {"step": 2})
    tensors, facts = load_checkpoint(path)
    assert facts == {"step": 1}
    assert list(tensors) == ["a"]
    assert [each.name for each in tmp_path.iterdir()] == ["c.safetensors"]


def test_a_log_forgets_what_the_checkpoint_does_not_know(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = TrainingLog(path, 0)
    for step in (1, 2, 3):
        log.write(step=step, loss=1 / step)
    with path.open("a") as file:
        file.write('{"step": 4, "lo')
    TrainingLog(path, 2)
    assert [row["step"] for row in read_log(path)] == [1, 2]
    write_curve(path, tmp_path / "curve.svg", ("loss", "absent"), "toy")
    picture = (tmp_path / "curve.svg").read_text()
    assert "loss" in picture and "absent" not in picture and "<path" in picture


@pytest.fixture(scope="module")
def scenes() -> detector_scenes.SceneSource:
    faces = guise.Renderer(size_px=96, maps=True).sample(identities=6, samples=1, seed=3)
    assert faces.parts is not None
    alpha = torch.where(faces.parts > 0, 255, 0).to(torch.uint8)[..., None]
    bank = HeadBank(
        torch.cat([faces.images, alpha], 3).numpy(), faces.boxes.numpy(), faces.landmarks_5.numpy()
    )
    return detector_scenes.SceneSource(bank, bank, [], size_px=128)


def test_a_scene_follows_from_its_number(scenes: detector_scenes.SceneSource) -> None:
    one, again, other = scenes.draw(1, 5), scenes.draw(1, 5), scenes.draw(1, 6)
    assert np.array_equal(one.image, again.image)
    assert np.array_equal(one.boxes, again.boxes)
    assert not np.array_equal(one.image, other.image)


def test_faces_lie_in_their_boxes(scenes: detector_scenes.SceneSource) -> None:
    counts = []
    for number in range(60):
        scene = scenes.draw(2, number)
        assert scene.image.shape == (128, 128, 3)
        counts.append(len(scene.boxes))
        for box, points, ignored in zip(scene.boxes, scene.landmarks, scene.ignored, strict=True):
            size = box[2:] - box[:2]
            assert (size > 0).all()
            if not ignored:
                middle = points.mean(0)
                assert (middle > box[:2] - 0.2 * size).all()
                assert (middle < box[2:] + 0.2 * size).all()
                # Eyes above the mouth, also in scenes that are mirrored.
                assert points[:2, 1].mean() < points[3:, 1].mean() + 0.2 * size[1]
    assert min(counts) == 0 and max(counts) > 4


def test_mirrored_faces_keep_the_left_eye_left(scenes: detector_scenes.SceneSource) -> None:
    wide = []
    for number in range(80):
        scene = scenes.draw(3, number)
        wide += [
            (p[1, 0] - p[0, 0]) / (b[2] - b[0])
            for b, p in zip(scene.boxes, scene.landmarks, strict=True)
        ]
    # Profiles may cross by a little; a left eye on the right would give -0.4.
    assert min(wide) > -0.25
    assert max(wide) > 0.3


def test_covered_and_tiny_faces_are_ignored(scenes: detector_scenes.SceneSource) -> None:
    builder = detector_scenes._Builder(scenes, np.random.default_rng(0))
    builder.boxes = [
        np.array([10.0, 10, 50, 50]),
        np.array([60.0, 60, 64, 64]),
        np.array([-30.0, 0, 12, 40]),
        np.array([70.0, 10, 110, 50]),
    ]
    builder.points = [np.zeros((5, 2)), None, None, None]
    builder.hidden = [0.0] * 4
    mask = np.zeros((128, 128), bool)
    mask[10:50, 10:45] = True
    builder._cover(mask)
    scene = builder.finish()
    assert scene.ignored.tolist() == [True, True, True, False]
    assert scene.has_landmarks.tolist() == [True, False, False, False]


def test_exposure_follows_from_its_random_numbers() -> None:
    image = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    seen = [detector_scenes.expose(np.random.default_rng(i), image) for i in (1, 1, 2)]
    assert np.array_equal(seen[0], seen[1])
    assert not np.array_equal(seen[0], seen[2])
    assert seen[0].dtype == np.uint8 and seen[0].shape == image.shape


def detect(work: Path, scenes: detector_scenes.SceneSource, stop_at: int | None = None) -> Path:
    work.mkdir(exist_ok=True)
    torch.set_num_threads(1)
    run = detector.Run(detector.DetectorOptions(preset="s", size_px=128, batch=2, steps=4))
    if (work / "checkpoint.safetensors").is_file():
        run.resume(work / "checkpoint.safetensors")
    detector.train(run, scenes, work, save_every=2, log_every=1, stop_at=stop_at)
    return work / "checkpoint.safetensors"


def test_a_detector_goes_on_byte_for_byte(
    tmp_path: Path, scenes: detector_scenes.SceneSource
) -> None:
    whole = detect(tmp_path / "whole", scenes)
    detect(tmp_path / "parts", scenes, stop_at=2)
    assert whole.read_bytes() == detect(tmp_path / "parts", scenes).read_bytes()
    weights = tmp_path / "whole" / "house-detector.safetensors"
    opened = _core.Detector("yunet", path=str(weights), sha256=_core.sha256_file(str(weights)))
    assert opened.name


def test_a_folder_without_portraits_stops_before_anything(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    arguments = ["--panoramas", str(empty), "--portraits", str(empty)]
    arguments += ["--work", str(tmp_path / "work"), "--out", str(tmp_path / "out")]
    answer = CliRunner().invoke(app, ["detector", *arguments])
    assert answer.exit_code == 1
    assert "must hold .jpg or .png" in answer.output
    assert [each.name for each in tmp_path.iterdir()] == ["empty"]


def test_the_margin_grows_and_makes_the_loss_harder(data: recogniser.StepData) -> None:
    inputs, labels = data(0)
    losses = []
    for step, margin in ((0, 0.0), (3, TINY.margin)):
        run = recogniser.Run(TINY, data.classes)
        run.net.train()
        run.step = step
        centres = run.loss.state_dict()["weight"].clone()
        with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
            found = run.net(inputs.contiguous(memory_format=torch.channels_last)).float()
        normalize = torch.nn.functional.normalize
        cosine = normalize(found) @ normalize(centres).T
        cosine[torch.arange(len(labels)), labels] -= margin
        expected = torch.nn.functional.cross_entropy(TINY.scale * cosine, labels)
        losses.append(run.advance(inputs, labels))
        assert losses[-1] == pytest.approx(float(expected), rel=1e-3)
        assert not torch.equal(run.loss.state_dict()["weight"], centres)
    assert losses[1] > losses[0]
