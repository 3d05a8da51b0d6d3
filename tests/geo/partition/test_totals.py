from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.partition.partition import Band
from geo.partition.totals import (
    households_left_over,
    is_narrow,
    nearest_totals,
    part_totals,
    unplaceable_households,
)
from tests.geo.partition.oracle import fewest_faults
from tests.strategies import DrawnMap, drawn_maps

BAND = Band(50, 100)


def array(*households: int) -> np.ndarray:
    return np.array(households, np.int64)


def sums_of(households: list[int]) -> set[int]:
    return {sum(some) for k in range(len(households) + 1) for some in combinations(households, k)}


@settings(deadline=None)
@given(
    households=st.lists(st.integers(0, 30), min_size=1, max_size=8),
    lower=st.integers(1, 60),
    width=st.integers(0, 10),
)
def test_totals_are_the_sums_of_some_units(households, lower, width):
    band, sums = Band(lower, lower + width), sums_of(households)

    assert part_totals(array(*households), band) == sorted(s for s in sums if lower <= s <= lower + width)
    below, above = nearest_totals(array(*households), band)
    assert below == max(s for s in sums if s < lower)
    assert above == min((s for s in sums if lower + width < s), default=0)


@settings(max_examples=100, deadline=None)
@given(drawn=drawn_maps(communities=1), lower=st.integers(20, 90), width=st.integers(0, 12))
def test_never_more_is_left_over_than_the_best_plan_leaves_out(drawn: DrawnMap, lower: int, width: int):
    least = households_left_over(drawn.households, Band(lower, lower + width))

    assert least <= fewest_faults(drawn, lower, lower + width)[0]


@pytest.mark.parametrize(
    ("households", "band", "left_over"),
    [
        ([12] * 100, Band(75, 75), 1200),  # 72 and 84, never 75
        ([12] * 100, Band(70, 73), 48),  # 16 parts of 72
        ([40, 40, 43], Band(75, 80), 43),  # 43 is in no total
        ([25, 25, 25, 25, 25], Band(75, 76), 50),
        ([1] * 70, Band(50, 60), 10),
        ([60, 45, 60], BAND, 45),
        ([30] * 5, BAND, 0),
        ([], BAND, 0),
    ],
)
def test_what_totals_leave_over(households, band, left_over):
    assert households_left_over(array(*households), band) == left_over


def test_a_city_with_a_wide_band_is_only_counted():
    households = np.arange(1, 60_001)

    assert households_left_over(households, Band(500_000, 1_000_000)) == 0


@pytest.mark.parametrize(("band", "narrow"), [(BAND, False), (Band(50, 99), False), (Band(50, 98), True)])
def test_a_band_is_narrow_where_two_of_the_lower_bound_are_too_many(band, narrow):
    assert is_narrow(band) is narrow


@pytest.mark.parametrize(
    ("households", "band", "out"),
    [
        (70, Band(50, 60), 10),
        (100, Band(50, 60), 0),
        (49, BAND, 49),
        (1340, BAND, 0),
        (130, Band(60, 60), 10),
    ],
)
def test_households_that_no_number_of_parts_can_hold(households, band, out):
    assert unplaceable_households(households, band) == out
