"""What all Python tests share: where published weights are, and a model store of their own."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]


def shared_folder() -> Path:
    """Published weights and data: $GUISE_SHARED, or `../shared` beside the clone."""
    return Path(os.environ.get("GUISE_SHARED", "") or _ROOT.parent / "shared")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs_shared: needs the folder ../shared or $GUISE_SHARED")
    config.addinivalue_line(
        "markers",
        "needs_weights(*names): needs these registry models in the model store; fetched if absent",
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("needs_shared") and not shared_folder().is_dir():
        pytest.skip(f"needs published files: {shared_folder()} is absent (set GUISE_SHARED)")
    weights = item.get_closest_marker("needs_weights")
    for name in weights.args if weights else ():
        reason = why_absent(name)
        if reason:
            pytest.skip(f"needs the model {name}: {reason}")


@cache
def why_absent(name: str) -> str:
    """Brings a model into the user's store, which stays between runs; "" or why that failed.

    Files of ../shared come first, the network second. Asked once per model and session.
    """
    import guise
    from guise import models
    from guise.models.fetch import fetch_model

    entry = models.get(name)
    wanted = entry.made_from or entry
    copies = [path for path in shared_folder().glob(f"weights/*/{wanted.file}") if path.is_file()]
    try:
        fetch_model(name, from_file=copies[0] if copies else None)
    except guise.Unavailable as error:
        return str(error)
    return ""


@pytest.fixture
def shared() -> Path:
    """`../shared`; use with the marker needs_shared."""
    return shared_folder()


@pytest.fixture
def empty_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model store of this test alone, still empty. Returns the folder of the files."""
    monkeypatch.setenv("GUISE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("GUISE_OFFLINE", raising=False)
    return tmp_path / "home" / "models"
