"""Which shards each of many processes draws: all of them, and none twice."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guise.shard_split import Share, parse_shard_range, share_of_environment


def torchrun(rank: int, world: int) -> dict[str, str]:
    return {"RANK": str(rank), "WORLD_SIZE": str(world)}


def slurm(task: int, count: int, **more: int) -> dict[str, str]:
    """more: min=..., step=..., as SLURM_ARRAY_TASK_MIN and _STEP."""
    variables = {"ID": task, "COUNT": count, **{name.upper(): more[name] for name in more}}
    return {f"SLURM_ARRAY_TASK_{name}": str(value) for name, value in variables.items()}


def place(environ: Mapping[str, str]) -> tuple[int, int]:
    share = share_of_environment(environ)
    assert share is not None
    return share.index, share.count


# ---- shares --------------------------------------------------------------------------------------


@given(total=st.integers(1, 10_000), count=st.integers(1, 300))
def test_shares_cover_every_shard_once(total: int, count: int) -> None:
    ranges = [Share(index, count, "RANK").shards(total) for index in range(count)]
    # Each begins where the one before ends.
    assert [first for first, _ in ranges] == [0, *(end for _, end in ranges[:-1])]
    assert ranges[-1][1] == total
    sizes = [end - first for first, end in ranges]
    assert min(sizes) >= 0 and max(sizes) - min(sizes) <= 1


def test_more_processes_than_shards_leave_some_without() -> None:
    ranges = [Share(index, 5, "RANK").shards(3) for index in range(5)]
    assert sorted(end - first for first, end in ranges) == [0, 0, 1, 1, 1]


def test_a_plan_beyond_32_bits_is_split_exactly() -> None:
    total, count = 10**12, 7
    ends = [Share(index, count, "RANK").shards(total)[1] for index in range(count)]
    assert ends[-1] == total
    assert ends == sorted(set(ends))


# ---- the environment -----------------------------------------------------------------------------


def test_outside_of_such_a_job_there_is_no_share() -> None:
    assert share_of_environment({}) is None
    # A rank alone says nothing, and other variables of SLURM are those of any job.
    assert share_of_environment({"RANK": "3", "SLURM_JOB_ID": "7", "SLURM_PROCID": "2"}) is None


@pytest.mark.parametrize("environ", [torchrun(0, 1), slurm(0, 1), slurm(9, 1, min=9)])
def test_a_single_process_has_all_the_work(environ: dict[str, str]) -> None:
    assert share_of_environment(environ) is None


def test_torchrun() -> None:
    assert [place(torchrun(rank, 3)) for rank in range(3)] == [(0, 3), (1, 3), (2, 3)]
    found = share_of_environment(torchrun(1, 3))
    assert found is not None and found.source == "RANK"


def test_torchrun_inside_of_an_array_goes_first() -> None:
    environ = {**slurm(5, 8), **torchrun(1, 2)}
    assert place(environ) == (1, 2)


@pytest.mark.parametrize(
    "low, step, count",
    [(0, 1, 4), (1, 1, 4), (100, 1, 3), (0, 2, 4), (1, 2, 3), (5, 10, 6)],
)
def test_slurm_arrays_from_any_start_in_any_step(low: int, step: int, count: int) -> None:
    # --array=LOW-HIGH:STEP
    tasks = [low + step * index for index in range(count)]
    found = [place(slurm(task, count, min=low, step=step)) for task in tasks]
    assert found == [(index, count) for index in range(count)]


def test_slurm_without_start_and_step_counts_from_0() -> None:
    assert [place(slurm(task, 3)) for task in range(3)] == [(0, 3), (1, 3), (2, 3)]


@given(
    total=st.integers(1, 500),
    count=st.integers(2, 40),
    low=st.integers(0, 50),
    step=st.integers(1, 9),
)
def test_an_array_covers_every_shard_once(total: int, count: int, low: int, step: int) -> None:
    drawn: list[int] = []
    for index in range(count):
        share = share_of_environment(slurm(low + step * index, count, min=low, step=step))
        assert share is not None
        drawn.extend(range(*share.shards(total)))
    assert drawn == list(range(total))


@pytest.mark.parametrize(
    "environ, name",
    [
        (torchrun(3, 3), "RANK"),
        (torchrun(-1, 3), "RANK"),
        (torchrun(0, 0), "RANK"),
        (torchrun(0, -2), "RANK"),
        ({"WORLD_SIZE": "3"}, "RANK"),
        ({"WORLD_SIZE": "3", "RANK": ""}, "RANK"),
        ({"WORLD_SIZE": "three", "RANK": "0"}, "WORLD_SIZE"),
        ({"WORLD_SIZE": "2.0", "RANK": "0"}, "WORLD_SIZE"),
        # --array=1-4 without MIN, as if it counted from 0
        (slurm(4, 4), "SLURM_ARRAY_TASK_ID"),
        # between the steps, and below the start
        (slurm(4, 3, min=1, step=2), "SLURM_ARRAY_TASK_ID"),
        (slurm(0, 3, min=1), "SLURM_ARRAY_TASK_ID"),
        # --array=1,3,7: a list with gaps has a task beyond its count
        (slurm(7, 3, min=1, step=1), "SLURM_ARRAY_TASK_ID"),
        ({"SLURM_ARRAY_TASK_ID": "0"}, "SLURM_ARRAY_TASK_COUNT"),
        (slurm(0, 2, min=0, step=0), "SLURM_ARRAY_TASK_ID"),
        ({**slurm(0, 2), "SLURM_ARRAY_TASK_MIN": "low"}, "SLURM_ARRAY_TASK_MIN"),
    ],
)
def test_variables_that_contradict_each_other_are_named(environ: dict[str, str], name: str) -> None:
    with pytest.raises(ValueError, match=name) as refused:
        share_of_environment(environ)
    assert "unset it" in str(refused.value)


# ---- a range of one's own ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, wanted",
    [("3:7", (3, 7)), ("3:", (3, 10)), (":4", (0, 4)), (":", (0, 10)), ("5", (5, 6))],
)
def test_a_range_in_words(text: str, wanted: tuple[int, int]) -> None:
    assert parse_shard_range(text, 10) == wanted


@pytest.mark.parametrize(
    "text", ["7:3", "3:3", "10", "0:11", "-1:3", "3:-1", "a:b", "1:2:3", "x", ""]
)
def test_other_ranges_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"0 <= FIRST < END <= 10.*got '"):
        parse_shard_range(text, 10)


@given(total=st.integers(1, 10**6), data=st.data())
def test_a_range_that_is_written_is_read_again(total: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, total - 1))
    end = data.draw(st.integers(first + 1, total))
    assert parse_shard_range(f"{first}:{end}", total) == (first, end)
