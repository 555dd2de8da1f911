"""The committed stub says what the compiled module has."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from guise import _core

ROOT = Path(__file__).resolve().parents[2]
STUB = ROOT / "python/guise/_core.pyi"
SCRIPT = ROOT / "csrc/bindings/generate_stub.py"


def needs(*modules: str) -> None:
    for module in modules:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"needs {module}: pip install 'guise[test]'")


def test_the_stub_is_what_would_be_generated_now() -> None:
    needs("pybind11_stubgen")
    command = [sys.executable, str(SCRIPT), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_check_sees_a_difference() -> None:
    specification = importlib.util.spec_from_file_location("generate_stub", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)
    tree = ast.parse("def f(a: int) -> str:\n    '''One two.'''")
    assert script.same(tree, ast.parse("def f(a: int) -> str: 'One\\n   two.'"))
    assert not script.same(tree, ast.parse("def f(a: float) -> str: 'One two.'"))
    assert not script.same(tree, ast.parse("def f(a: int) -> str: 'One.'"))


def test_every_public_name_is_in_the_stub() -> None:
    names: set[str] = set()
    for node in ast.parse(STUB.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign):
            names.add(ast.unparse(node.target))
    public = {name for name in vars(_core) if not name.startswith("_")} | {"__version__"}
    assert names == public


def test_the_package_is_typed() -> None:
    needs("mypy")
    command = [sys.executable, "-m", "mypy"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout
