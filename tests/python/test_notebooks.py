"""Every notebook runs from top to bottom."""

from __future__ import annotations

from pathlib import Path

import pytest

from guise.embedding import DEFAULT_RECOGNISER

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
# What each must have printed when it is through.
PRINTED = {
    "01_anonymize": "1 written, 1 without a face, 1 failed",
    "02_faces_of_nobody": "byte for byte the same: True",
    "03_dataset_report": "byte for byte the same: True",
    "04_measuring_faces": "measured: 48 faces of 12 people",
    "05_dataset_audit": "audited: 9 lines",
}


@pytest.mark.needs_weights("centerface", DEFAULT_RECOGNISER)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path, tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    pytest.importorskip("skimage", reason="scikit-image is not installed")
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute()
    printed = "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])
    )
    assert PRINTED[path.stem] in printed
