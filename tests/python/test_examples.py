"""Every example runs as its first lines say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hostile_corpus import face_photo
from PIL import Image
from toy_recogniser import toy_tensors, write_toy

import guise

_ROOT = Path(__file__).resolve().parents[2]
_EXAMPLES = _ROOT / "examples"

needs_centerface = pytest.mark.needs_weights("centerface")


def built_example(name: str) -> Path:
    """The program where the build put it: $GUISE_BUILD, or a folder below build/."""
    folders = [Path(os.environ["GUISE_BUILD"])] if "GUISE_BUILD" in os.environ else []
    folders += sorted((_ROOT / "build").glob("*"))
    for folder in folders:
        if (folder / "examples" / name).is_file():
            return folder / "examples" / name
    pytest.skip(f"needs the program {name}: build with -DGUISE_TESTS=ON and set GUISE_BUILD")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    Image.fromarray(face_photo()).save(path, quality=95)
    return path


def expect_anonymised(photo: Path, target: Path) -> None:
    before, after = guise.read_image(str(photo)), guise.read_image(str(target))
    (face,) = guise.detect(photo, detectors=["centerface"])
    x0, y0, x1, y1 = (round(value) for value in face.box)
    difference = (before.int() - after.int()).abs().float()
    assert difference[y0:y1, x0:x1].mean() > 10, "the face is as it was"
    assert difference[:, : x0 - 60].mean() < 3, "what is far from it is not"


@needs_centerface
def test_python_anonymizes_a_photo(photo: Path) -> None:
    target = photo.with_name("out.jpg")
    command = [sys.executable, str(_EXAMPLES / "01_anonymize_photo.py"), str(photo), str(target)]
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    assert "1 face(s) obscured" in process.stdout
    expect_anonymised(photo, target)


@needs_centerface
def test_cpp_anonymizes_a_photo(photo: Path) -> None:
    program = built_example("example_01_anonymize_photo")
    target = photo.with_name("out.jpg")
    weights = guise.models.path("centerface")
    process = subprocess.run(
        [str(program), str(photo), str(target), str(weights)], capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    assert "1 face(s) obscured" in process.stdout
    expect_anonymised(photo, target)


@needs_centerface
def test_cpp_says_what_is_wrong(photo: Path) -> None:
    program = built_example("example_01_anonymize_photo")
    wrong_use = subprocess.run([str(program)], capture_output=True, text=True)
    assert wrong_use.returncode == 2
    assert "usage" in wrong_use.stderr
    target = photo.with_name("out.jpg")
    no_model = subprocess.run(
        [str(program), str(photo), str(target), str(photo)], capture_output=True, text=True
    )
    assert no_model.returncode == 4
    assert "ONNX" in no_model.stderr
    assert not target.exists()


def printed_sum(command: list[str], sheet: Path) -> str:
    """The SHA-256 that a run of the second example prints; it also writes a sheet."""
    process = subprocess.run([*command, str(sheet)], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    assert process.stdout.count("person ") == 4
    assert guise.read_image(sheet).shape == (4 * 160, 6 * 160, 3)
    return process.stdout.split("sha256 ")[1].strip()


def test_python_and_cpp_render_the_same_bytes(tmp_path: Path) -> None:
    program = [str(built_example("example_02_render_faces")), str(_ROOT / "models")]
    script = [sys.executable, str(_EXAMPLES / "02_render_faces.py")]
    from_python = printed_sum(script, tmp_path / "python.png")
    assert printed_sum(program, tmp_path / "cpp.png") == from_python
    assert (tmp_path / "python.png").read_bytes() == (tmp_path / "cpp.png").read_bytes()


def test_python_renders_faces(tmp_path: Path) -> None:
    script = [sys.executable, str(_EXAMPLES / "02_render_faces.py")]
    assert len(printed_sum(script, tmp_path / "sheet.png")) == 64


def test_cpp_without_the_models_says_so(tmp_path: Path) -> None:
    program = str(built_example("example_02_render_faces"))
    command = [program, str(tmp_path), str(tmp_path / "sheet.png")]
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode == 4
    assert "house-head" in process.stderr
    assert not (tmp_path / "sheet.png").exists()


def test_python_and_cpp_build_the_same_dataset(tmp_path: Path) -> None:
    program = [str(built_example("example_03_build_dataset")), str(_ROOT / "models")]
    script = [sys.executable, str(_EXAMPLES / "03_build_dataset.py")]
    sums = []
    for name, command in (("python", script), ("cpp", program)):
        process = subprocess.run([*command, str(tmp_path / name)], capture_output=True, text=True)
        assert process.returncode == 0, process.stderr
        sums.append(process.stdout.split("sha256 ")[1].strip())
    assert sums[0] == sums[1]
    for shard in ("shard-000000.tar", "shard-000002.tar", "plan.json", "manifest.jsonl"):
        written = [(tmp_path / name / shard).read_bytes() for name in ("python", "cpp")]
        assert written[0] == written[1], shard


def test_python_and_cpp_tell_people_apart_alike(tmp_path: Path) -> None:
    weights = write_toy(tmp_path / "toy.safetensors", toy_tensors())
    program = [str(built_example("example_04_embed_and_compare")), str(_ROOT / "models")]
    script = [sys.executable, str(_EXAMPLES / "04_embed_and_compare.py")]
    printed = []
    for command in (script, program):
        process = subprocess.run([*command, str(weights)], capture_output=True, text=True)
        assert process.returncode == 0, process.stderr
        printed.append(process.stdout)
    assert printed[0] == printed[1]
    assert "18 embeddings of 24 numbers\n18 pairs of one person" in printed[0]
    assert "135 pairs of two" in printed[0]
    wrong = subprocess.run([*program, str(_ROOT / "README.md")], capture_output=True, text=True)
    assert wrong.returncode == 4
    assert "README.md" in wrong.stderr


def test_python_and_cpp_draw_the_same_faces(tmp_path: Path) -> None:
    names = ("house-vec2face", "house-recogniser")
    weights = [str(_ROOT / "models" / name / f"{name}.safetensors") for name in names]
    program = [str(built_example("example_05_faces_from_vectors")), *weights]
    script = [sys.executable, str(_EXAMPLES / "05_faces_from_vectors.py")]
    printed = []
    for name, command in (("python.png", script), ("cpp.png", program)):
        process = subprocess.run([*command, str(tmp_path / name)], capture_output=True, text=True)
        assert process.returncode == 0, process.stderr
        printed.append(process.stdout)
    assert printed[0] == printed[1]
    assert printed[0].count("person ") == 4
    assert guise.read_image(tmp_path / "python.png").shape == (4 * 112, 6 * 112, 3)
    assert (tmp_path / "python.png").read_bytes() == (tmp_path / "cpp.png").read_bytes()


def test_cpp_without_a_generator_says_so(tmp_path: Path) -> None:
    program = str(built_example("example_05_faces_from_vectors"))
    command = [program, str(tmp_path / "none"), str(tmp_path / "none"), str(tmp_path / "sheet.png")]
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode == 4
    assert "none" in process.stderr
    assert not (tmp_path / "sheet.png").exists()
