"""`guise synthesize OUT`: a dataset of faces of nobody, in a format that trainers read."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from guise import _core
from guise.cli import _console
from guise.cli._console import EXIT_INTERRUPTED, EXIT_OK, note, say
from guise.cli._generator_options import (
    GENERATOR_PARAMETERS,
    refuse_renderer_options,
    take_generator_options,
)
from guise.cli._progress import ctrl_c_sets_a_flag, picture_progress
from guise.cli._render_options import with_recipe_options
from guise.shard_split import parse_shard_range, share_of_environment
from guise.synthesis import AUTO_GATE, GENERATOR_GATE, RENDER_GATE, DatasetJob, plan_dataset

_PLAN = _core.DatasetOptions().as_dict()
_GATE: dict[str, Any] = _PLAN["gate"]
# Parameters of the command that are keywords of `plan_dataset` as they are.
_PLAN_NAMES = tuple((set(_PLAN) | set(_GATE)) - {"size_px", "gate", "enabled"})
_FACES, _FILES, _CHECKS, _WORK = "Faces", "Files", "Checks", "Work"


def _default(name: str) -> str:
    return f"Default: {_PLAN.get(name, _GATE.get(name))}."


def _option(*names: str, help: str, panel: str, metavar: str | None = None) -> Any:
    return typer.Option(
        *names, help=help, metavar=metavar, rich_help_panel=panel, show_default=False
    )


_Out = Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write, or to go on with.")]
_Identities = Annotated[
    int | None,
    _option("--identities", "-n", help=f"People. {_default('identities')}", panel=_FACES),
]
_Images = Annotated[
    int | None,
    _option(
        "--images-per-identity",
        "-m",
        help=f"Pictures of each. {_default('images_per_identity')}",
        panel=_FACES,
    ),
]
_First = Annotated[
    int | None, _option(help="Number of the first person. Default: 0.", panel=_FACES)
]
_Seed = Annotated[int | None, _option(help="Another seed, other people.", panel=_FACES)]
_Engine = Annotated[
    str,
    _option(
        help="What makes the faces: render, house-vec2face, vec2face or vec2face-plus.",
        panel=_FACES,
    ),
]
_Preset = Annotated[
    str,
    _option(
        help="Where the options of the renderer start: default, frontal, passport or clean.",
        panel=_FACES,
    ),
]
_Size = Annotated[
    int | None, _option(help=f"Height and width in px. {_default('size_px')}", panel=_FILES)
]
_Crop = Annotated[
    str | None,
    _option(
        help="arcface: cut out and upright by five landmarks; none: as the engine frames them. "
        f"{_default('crop')}",
        panel=_FILES,
    ),
]
_Format = Annotated[
    str | None,
    _option(help=f"folder, webdataset, recordio or parquet. {_default('format')}", panel=_FILES),
]
_Encoding = Annotated[str | None, _option(help=f"jpg or png. {_default('encoding')}", panel=_FILES)]
_Quality = Annotated[
    int | None, _option(help=f"Of JPEG, 1 to 100. {_default('jpeg_quality')}", panel=_FILES)
]
_PerShard = Annotated[
    int | None,
    _option(help="People in a shard. Default: as make about 2,000 pictures.", panel=_FILES),
]
_Provenance = Annotated[
    str | None,
    _option(
        help="picture: each picture says that it is generated (XMP), and the card; card: the card "
        f"alone. {_default('provenance')}",
        panel=_FILES,
    ),
]
_NoProvenance = Annotated[
    bool, _option("--no-provenance", help="In no picture; the card says so.", panel=_FILES)
]
_Gate = Annotated[
    str,
    _option(
        help=f"Detector that must find each face. Default: {RENDER_GATE} for the renderer, "
        f"{GENERATOR_GATE} for generators.",
        panel=_CHECKS,
    ),
]
_NoGate = Annotated[bool, _option("--no-gate", help="Keep every picture.", panel=_CHECKS)]
_Tolerance = Annotated[
    float | None,
    _option(
        help="Largest mean distance of the detector's landmarks, in sides of the face box. "
        f"{_default('landmark_tolerance')}",
        panel=_CHECKS,
    ),
]
_Attempts = Annotated[
    int | None,
    _option(help=f"Times a picture is drawn at most. {_default('attempts')}", panel=_CHECKS),
]
_GivenUp = Annotated[
    float | None,
    _option(
        help="Share of a shard's pictures that may be left out after the last attempt; more end "
        f"the run. {_default('max_given_up_share')}",
        panel=_CHECKS,
    ),
]
_Workers = Annotated[
    int, _option(help="People at a time. Default: one per processor.", panel=_WORK)
]
_Range = Annotated[
    str | None,
    _option(
        metavar="FIRST:END",
        help="Draw these shards only, merge nothing. Default: RANK and WORLD_SIZE, or "
        "SLURM_ARRAY_TASK_ID, where they are set; else all.",
        panel=_WORK,
    ),
]
_All = Annotated[
    bool,
    _option(
        "--all-shards", help="Draw what is missing and merge, whatever RANK says.", panel=_WORK
    ),
]
_Cluster = Annotated[
    str | None, _option(metavar="ray", help="Draw on a Ray cluster (guise[ray]).", panel=_WORK)
]
_Address = Annotated[str | None, _option(help="Of the cluster. Default: RAY_ADDRESS.", panel=_WORK)]
_Verify = Annotated[
    bool, _option("--verify", help="Read again and compare what is there.", panel=_WORK)
]


@partial(with_recipe_options, more=GENERATOR_PARAMETERS)
def synthesize(
    target: _Out,
    identities: _Identities = None,
    images_per_identity: _Images = None,
    first_identity: _First = None,
    seed: _Seed = None,
    engine: _Engine = "render",
    preset: _Preset = "default",
    size: _Size = None,
    crop: _Crop = None,
    format: _Format = None,
    encoding: _Encoding = None,
    jpeg_quality: _Quality = None,
    identities_per_shard: _PerShard = None,
    provenance: _Provenance = None,
    no_provenance: _NoProvenance = False,
    gate: _Gate = AUTO_GATE,
    no_gate: _NoGate = False,
    landmark_tolerance: _Tolerance = None,
    attempts: _Attempts = None,
    max_given_up_share: _GivenUp = None,
    workers: _Workers = 0,
    shard_range: _Range = None,
    all_shards: _All = False,
    cluster: _Cluster = None,
    ray_address: _Address = None,
    verify: _Verify = False,
    **recipe: Any,
) -> None:
    """Write a dataset of faces of people who never existed into OUT.

    The same command gives the same bytes, on any number of workers or machines; started again
    after a stop, a crash or a full disk it goes on. OUT/plan.json says what the dataset holds, and
    another plan is refused. `guise report OUT` shows it.

    Exit status: 0 done, 2 wrong use, 4 something is missing or full or the gate cannot be met,
    130 stopped.
    """
    given = dict(locals())
    with _console.expected_errors():
        arguments = _plan_arguments(given, recipe)
        if cluster is not None:
            code = _run_on_cluster(target, arguments, cluster, ray_address)
        else:
            job = plan_dataset(**arguments)
            shards = _shards_of_this_process(job, shard_range, all_shards)
            code = _run(job, target, shards, workers=workers, verify=verify)
    raise typer.Exit(code)


def _plan_arguments(given: Mapping[str, Any], recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Keywords of `plan_dataset` from the command's own parameters by name, and the renderer's."""
    if given["no_provenance"] and given["provenance"] is not None:
        raise ValueError("--no-provenance must stand alone; leave --provenance out")
    per_shard = given["identities_per_shard"]
    if per_shard is not None and per_shard < 1:
        raise ValueError(f"--identities-per-shard must be at least 1; got {per_shard}")
    arguments = {name: given[name] for name in _PLAN_NAMES if given[name] is not None}
    if given["size"] is not None:
        arguments["size_px"] = given["size"]
    if given["no_provenance"]:
        arguments["provenance"] = "none"
    arguments["engine"] = given["engine"]
    arguments["gate"] = None if given["no_gate"] else given["gate"]
    own = dict(recipe)
    arguments["generate"] = take_generator_options(own)
    if given["engine"] != "render":
        refuse_renderer_options(own)
        return arguments
    arguments["recipe"] = _core.RecipeOptions.preset(given["preset"])
    for name, value in own.items():
        if value is not None:
            setattr(arguments["recipe"], name, value)
    return arguments


def _shards_of_this_process(
    job: DatasetJob, given: str | None, all_shards: bool
) -> tuple[int, int] | None:
    """The range to draw; None for all of them and the merge."""
    if given is not None:
        if all_shards:
            raise ValueError("--shard-range and --all-shards contradict each other; give one")
        return parse_shard_range(given, job.plan.shards)
    share = None if all_shards else share_of_environment(os.environ)
    if share is None:
        return None
    first, end = share.shards(job.plan.shards)
    note(
        f"guise: {share.source} says process {share.index} of {share.count}: shards {first} to "
        f"{end - 1} of {job.plan.shards}"
    )
    return first, end


def _run(
    job: DatasetJob,
    target: Path,
    shards: tuple[int, int] | None,
    *,
    workers: int,
    verify: bool,
) -> int:
    if shards is not None and shards[0] == shards[1]:
        say(f"{target}: more processes than shards; nothing to draw here")
        return EXIT_OK
    cancel = _core.CancelToken()
    started = time.monotonic()
    with ctrl_c_sets_a_flag("the pictures in hand") as stopped:
        show = picture_progress(_planned(job, shards))
        with show:

            def tell(so_far: _core.DatasetSummary) -> None:
                if stopped.is_set():
                    cancel.cancel()
                before = so_far.pictures - so_far.new_pictures
                done = max(before, 0) + so_far.new_pictures
                show.update(done, so_far.new_pictures, time.monotonic() - started)

            summary = job.run(
                target,
                shards=shards,
                workers=workers,
                verify=verify,
                on_progress=tell,
                cancel=cancel,
            )
    return _ended(target, job, summary, shards)


def _planned(job: DatasetJob, shards: tuple[int, int] | None) -> int:
    if shards is None:
        return job.plan.pictures
    options = job.plan.options
    people = min(shards[1] * options.identities_per_shard, options.identities)
    return (people - shards[0] * options.identities_per_shard) * options.images_per_identity


def _ended(
    target: Path,
    job: DatasetJob,
    summary: _core.DatasetSummary,
    shards: tuple[int, int] | None,
) -> int:
    rate = (
        f"{summary.new_pictures / summary.seconds:.1f} pictures/s"
        if summary.new_pictures and summary.seconds
        else "all were there"
    )
    reasons = {
        "no face": summary.no_face,
        "landmarks": summary.landmarks_disagree,
        "another face": summary.other_face,
        "nearer to another identity": summary.nearer_to_another,
        "low quality": summary.low_quality,
    }
    rejected = sum(reasons.values())
    why = ", ".join(f"{count} {reason}" for reason, count in reasons.items() if count)
    say(
        f"{target}: {summary.pictures} of {summary.total_pictures} pictures, "
        f"{summary.new_pictures} new, {summary.seconds:.1f} s, {rate}; {rejected} drawn again"
        + (f" ({why})" if why else "")
        + (f", {summary.given_up} left out" if summary.given_up else "")
    )
    if summary.cancelled:
        note("guise: stopped; run the same command to go on")
        return EXIT_INTERRUPTED
    if shards is not None and not summary.complete:
        note(
            f"guise: shards {shards[0]} to {shards[1] - 1} of {job.plan.shards} are there; when "
            "all are, run the same command with --all-shards to merge them"
        )
    return EXIT_OK


def _run_on_cluster(
    target: Path, arguments: dict[str, Any], cluster: str, address: str | None
) -> int:
    if cluster != "ray":
        raise ValueError(f"--cluster must be ray; got {cluster!r}")
    from guise.ray_cluster import ClusterProgress, synthesize_on_ray

    started = time.monotonic()
    last = [started]

    def tell(so_far: ClusterProgress) -> None:
        now = time.monotonic()
        if now - last[0] >= 5:
            last[0] = now
            rate = so_far.pictures / (now - started)
            note(f"guise: {so_far.shards}/{so_far.total_shards} shards, {rate:.1f} pictures/s")

    summary = synthesize_on_ray(target, arguments, address=address, on_progress=tell)
    say(
        f"{target}: {summary.pictures} of {summary.total_pictures} pictures, "
        f"{time.monotonic() - started:.1f} s on Ray"
    )
    return EXIT_OK
