"""As many parts as wanted: within the band, contiguous, and locked and special parts as they were."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import InputError
from geo.partition import Band, Locks, Partition, moved_households, partition, with_wanted_count
from tests.builders import lattice

BAND = Band(50, 100)


def planned(rows: int, columns: int, households: list[int] | int = 6, seed: int = 0) -> Partition:
    n = rows * columns
    hh = np.full(n, households) if isinstance(households, int) else np.asarray(households)
    return partition(lattice(rows, columns), hh, np.zeros(n, np.int64), band=BAND, seed=seed)


def assert_sound(made: Partition, n_parts: int) -> None:
    assert made.n_parts == n_parts
    assert made.contiguous.all()
    assert len(made.out_of_band) == 0


@pytest.mark.parametrize("wanted", [7, 8, 10, 11])
def test_every_number_but_the_tightest_is_reached_and_all_parts_fit(wanted):
    before = planned(10, 10)  # 600 households in units of 6: 7 to 11 parts

    assert_sound(with_wanted_count(before, wanted), wanted)


def test_what_need_not_change_does_not():
    before = planned(20, 20)
    now = before.n_parts

    made = with_wanted_count(before, now + 1)

    assert_sound(made, now + 1)
    moved = moved_households(before.labels, made.labels, before.households)
    assert 50 <= moved <= 3 * 100


def test_locked_parts_and_units_and_special_parts_stay():
    before = planned(20, 20)
    locks = Locks(parts=[0], units=[int(before.members(2)[0]), int(before.members(2)[-1])])

    made = with_wanted_count(before, before.n_parts + 2, special=[1], locks=locks)

    assert made.n_parts == before.n_parts + 3  # one of them special
    for part in (0, 1):
        units = before.members(part)
        label = made.labels[units[0]]
        assert np.array_equal(np.flatnonzero(made.labels == label), units)
    first, second = locks.units
    assert made.labels[first] == made.labels[second]


def test_a_number_that_households_cannot_make_is_refused_with_those_they_can():
    before = planned(10, 10)
    with pytest.raises(InputError) as refused:
        with_wanted_count(before, 13)
    assert refused.value.code == "count_not_legal"
    assert (refused.value.values["least"], refused.value.values["most"]) == (6, 12)
    everything = Locks(parts=list(range(before.n_parts)))
    with pytest.raises(InputError) as refused:
        with_wanted_count(before, before.n_parts + 1, locks=everything)
    assert refused.value.code == "count_not_found"


@settings(max_examples=6, deadline=None)
@given(households=st.lists(st.integers(1, 12), min_size=60, max_size=60), step=st.sampled_from([-1, 1]))
def test_one_more_or_less_is_sound_wherever_it_is_found(households, step):
    before = planned(6, 10, households)
    try:
        made = with_wanted_count(before, before.n_parts + step)
    except InputError as error:
        assert error.code in ("count_not_legal", "count_not_found")  # noqa: PT017
    else:
        assert made.n_parts == before.n_parts + step
        assert set(made.labels.tolist()) == set(range(made.n_parts))
        assert made.contiguous.all()
        assert made.households_out_of_band <= before.households_out_of_band
