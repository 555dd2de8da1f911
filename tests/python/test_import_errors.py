"""What `import guise` says where the compiled module cannot work: one sentence with the cure."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import guise
from guise import _core

RELEASE = torch.__version__.split("+")[0]
MAJOR, MINOR = (int(part) for part in RELEASE.split(".")[:2])


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the installed package that a subprocess finds first, still without the module."""
    copy = tmp_path / "guise"
    # An editable install spreads the package over two folders.
    for folder in guise.__path__:
        ignored = shutil.ignore_patterns("__pycache__", "_core.*.so")
        shutil.copytree(folder, copy, ignore=ignored, dirs_exist_ok=True)
    (copy / "_build_info.py").write_text(f'TORCH_VERSION = "{torch.__version__}"\n')
    return copy


def add_module(package: Path) -> None:
    assert _core.__file__ is not None
    shutil.copy(_core.__file__, package)


def import_error(package: Path) -> str:
    """The last line that `import guise` prints; empty where it works."""
    # The copy comes before everything else, the finder of an editable install included.
    program = """
import sys
sys.path.insert(0, sys.argv[1])
named = [(f"{type(each).__module__}.{type(each).__name__}", each) for each in sys.meta_path]
sys.meta_path[:] = [each for name, each in named if "editable" not in name.lower()]
import guise
assert guise.__file__.startswith(sys.argv[1])
print("imported")
"""
    command = [sys.executable, "-c", program, str(package.parent)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=package.parent)
    if done.returncode == 0:
        assert done.stdout == "imported\n"
        return ""
    assert "Symbol" not in done.stderr
    assert "symbol" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


def test_the_copy_itself_imports(package: Path) -> None:
    add_module(package)
    assert import_error(package) == ""


def test_a_module_that_is_not_built(package: Path) -> None:
    text = import_error(package)
    assert text.startswith("ImportError: guise's compiled module is not built; run 'pip install")
    assert "--no-build-isolation" in text


@pytest.mark.parametrize("built", [f"{MAJOR}.{MINOR + 1}.0+cpu", f"{MAJOR}.{MINOR - 1}.2"])
def test_another_minor_of_torch(package: Path, built: str) -> None:
    add_module(package)
    (package / "_build_info.py").write_text(f'TORCH_VERSION = "{built}"\n')
    text = import_error(package)
    assert text.startswith(f"ImportError: guise was built with torch {built} and cannot work with")
    minor = ".".join(built.split(".")[:2])
    assert f"{torch.__version__}; run 'pip install torch=={minor}.0'" in text


def test_another_patch_of_torch_is_no_reason(package: Path) -> None:
    add_module(package)
    (package / "_build_info.py").write_text(f'TORCH_VERSION = "{MAJOR}.{MINOR}.99+cu130"\n')
    assert import_error(package) == ""
