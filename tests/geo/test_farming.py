"""The same job for many items, wherever it is done: all come back, and what is lost is tried again."""

from __future__ import annotations

import os
import pickle
import signal
from functools import partial
from pathlib import Path

import pytest

from geo.errors import CoverageError, InputError
from geo.farming import LOST_AT_MOST, WorkerLostError, farmed


def squared(number: int) -> int:
    if number == 13:
        raise CoverageError("overlap", "they overlap", mend="cut them", feature="13", metres=2.5)
    return number * number


def dies_once(number: int, *, marks: Path) -> int:
    """End the worker of number 3 the first time, as the system does that runs out of memory."""
    mark = marks / str(number)
    if number == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def dies_always(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_item_comes_back_and_an_error_is_its_own(jobs: int):
    found = {each.item: each for each in farmed(squared, [5, 13, 2, 9], jobs=jobs)}
    assert {item: each.made for item, each in found.items()} == {5: 25, 13: None, 2: 4, 9: 81}
    error = found[13].error
    assert isinstance(error, CoverageError)
    assert (error.feature, error.values["metres"], error.mend) == ("13", 2.5, "cut them")


def test_an_item_whose_worker_ended_is_tried_again(tmp_path: Path):
    found = list(farmed(partial(dies_once, marks=tmp_path), [1, 2, 3, 4, 5], jobs=2))
    assert sorted(each.item for each in found) == [1, 2, 3, 4, 5]
    assert all(each.made == each.item for each in found)


def test_an_item_that_ends_every_worker_is_told_and_the_others_are_done():
    found = {each.item: each for each in farmed(dies_always, [1, 2, 3, 4], jobs=2)}
    assert isinstance(found[3].error, WorkerLostError)
    assert str(LOST_AT_MOST) in str(found[3].error)
    assert {item for item, each in found.items() if each.made is not None} == {1, 2, 4}


def test_an_error_is_the_same_in_another_process():
    error = InputError("c", "is wrong", mend="mend it", file="a.shp", layer="units", field="户数", lower=3)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is InputError
    assert str(again) == str(error)
    assert dict(again.values) == {"lower": 3}


def test_without_a_scheduler_one_line_says_so():
    with pytest.raises(InputError, match="no Dask scheduler answers") as found:
        list(farmed(squared, [1], scheduler="tcp://127.0.0.1:9"))
    assert found.value.code == "scheduler_away"
