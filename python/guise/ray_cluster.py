"""A dataset drawn by a Ray cluster: each shard is a task, the folder is on shared storage.

The tasks write the same files as a single process; a shard whose worker is lost is drawn again.
Needs Ray, `pip install guise[ray]`.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from guise import _core
from guise.synthesis import DatasetJob, plan_dataset

# A node that is lost takes all its tasks with it; a task that kills its worker must end the run.
_RETRIES = 8
_WAIT_S = 0.2
# Shards handed out beyond what the cluster works on: enough that no worker waits.
_AHEAD = 2

_job: tuple[str, DatasetJob] | None = None


@dataclass(frozen=True)
class ClusterProgress:
    """Where a run stands."""

    shards: int
    total_shards: int
    pictures: int
    """Drawn by this run."""


def synthesize_on_ray(
    output: str | os.PathLike[str],
    arguments: Mapping[str, Any],
    *,
    address: str | None = None,
    on_progress: Callable[[ClusterProgress], object] | None = None,
) -> _core.DatasetSummary:
    """Draws the dataset of `plan_dataset(**arguments)` with every CPU of the cluster.

    output: a folder that every node sees under this path. address: of the cluster, as in
    `ray.init`; None: RAY_ADDRESS, or a cluster of this machine alone.
    Raises what `synthesize_dataset` raises; Unavailable without Ray, and where a shard could not be
    drawn by any worker. What was finished stays, and the same call goes on.
    """
    ray = _load_ray()
    folder = os.path.abspath(os.fspath(output))
    job = plan_dataset(**arguments)
    # The plan lies in the folder before any worker opens it, and a folder of another plan is
    # refused here.
    _core.begin_dataset(folder, job.plan)
    if not os.path.exists(os.path.join(folder, "manifest.jsonl")):
        started = not ray.is_initialized()
        if started:
            ray.init(address=address, log_to_driver=False, include_dashboard=False)
        try:
            _draw_shards(ray, folder, job, dict(arguments), on_progress)
        finally:
            if started:
                ray.shutdown()
    return job.run(folder)


def _draw_shards(
    ray: Any,
    folder: str,
    job: DatasetJob,
    arguments: dict[str, Any],
    on_progress: Callable[[ClusterProgress], object] | None,
) -> None:
    if arguments.get("recipe") is not None:
        arguments["recipe"] = arguments["recipe"].as_dict()
    draw = ray.remote(num_cpus=1, max_retries=_RETRIES)(_draw_shard)
    total, done, pictures = job.plan.shards, 0, 0
    waiting = iter(range(total))
    room = max(1, int(ray.cluster_resources().get("CPU", 1))) * _AHEAD
    running: list[Any] = []
    while True:
        while len(running) < room and (shard := next(waiting, None)) is not None:
            running.append(draw.remote(folder, arguments, job.plan.json, shard))
        if not running:
            return
        ready, running = ray.wait(running, num_returns=1, timeout=_WAIT_S)
        for task in ready:
            try:
                pictures += ray.get(task)
            except ray.exceptions.RayTaskError as error:
                raise error.as_instanceof_cause() from None
            except ray.exceptions.RayError as error:
                raise _core.Unavailable(
                    f"a shard must be drawn by one of {_RETRIES + 1} workers; each was lost: "
                    f"{type(error).__name__}; look at the cluster, then run the same command again"
                ) from None
            done += 1
        if on_progress is not None:
            on_progress(ClusterProgress(done, total, pictures))


def _draw_shard(folder: str, arguments: dict[str, Any], plan_json: str, shard: int) -> int:
    """One task: draws a shard and returns its new pictures."""
    summary = _opened(arguments, plan_json).run(folder, shards=(shard, shard + 1), workers=1)
    return summary.new_pictures


def _opened(arguments: dict[str, Any], plan_json: str) -> DatasetJob:
    """The job of this worker, opened once; its plan must be the driver's to the byte."""
    global _job
    if _job is None or _job[0] != plan_json:
        values = dict(arguments)
        if values.get("recipe") is not None:
            values["recipe"] = _core.RecipeOptions(**values["recipe"])
        job = plan_dataset(**values)
        if job.plan.json != plan_json:
            raise _core.Unavailable(
                "every node must have the same guise, models and libraries; the plan of this "
                "worker differs: install the driver's versions on it"
            )
        _job = plan_json, job
    return _job[1]


def _load_ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ImportError:
        raise _core.Unavailable(
            "a cluster must have Ray, which is not installed; pip install guise[ray]"
        ) from None
