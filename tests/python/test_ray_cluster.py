"""Datasets drawn by Ray on this machine. The loss of a node: tests/benchmarks/dataset_ray.py."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

import guise

ray = pytest.importorskip("ray")
PLAN = {
    "identities": 6,
    "images_per_identity": 2,
    "size_px": 64,
    "identities_per_shard": 2,
    "gate": None,
}


def tree(folder: Path) -> dict[str, str]:
    """sha256 of every file but the log of the runs."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "run.jsonl"
    }


def test_a_cluster_writes_the_same_bytes(tmp_path: Path) -> None:
    from guise.ray_cluster import synthesize_on_ray

    ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False)
    try:
        seen: list[int] = []
        summary = synthesize_on_ray(
            tmp_path / "ray", PLAN, on_progress=lambda so_far: seen.append(so_far.shards)
        )
        with pytest.raises(ValueError, match="identities: 6 there, 7 asked for"):
            synthesize_on_ray(tmp_path / "ray", {**PLAN, "identities": 7})
    finally:
        ray.shutdown()
    assert summary.pictures == 12 and seen[-1] == 3
    guise.synthesize_dataset(tmp_path / "alone", **PLAN)
    assert tree(tmp_path / "ray") == tree(tmp_path / "alone")
