"""Two versions compared unit by unit: every household is accounted for, in each grid and in all."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.comparison import Assigned, compare


def assigned(**units: tuple[int, str | None]) -> Assigned:
    grids = np.array([grid for _, grid in units.values()], object)
    return Assigned(
        np.array(list(units), object),
        np.array([households for households, _ in units.values()], np.int64),
        grids,
        tuple(sorted({grid for grid in grids if grid is not None})),
    )


def test_what_moved_is_told_by_grid_and_by_pair():
    before = assigned(a=(10, "1"), b=(20, "1"), c=(30, "2"), d=(5, None))
    after = assigned(a=(10, "1"), b=(20, "3"), c=(30, "3"), d=(5, "1"))

    found = compare(before, after)

    assert (found.moved_units, found.moved_households) == (2, 50)
    assert found.grids_by_change() == {"kept": 0, "changed": 1, "ended": 1, "new": 1}
    rows = found.grids.set_index("grid_id")
    assert rows.loc["1", ["households_before", "moved_out", "arrived", "households_after"]].tolist() == [
        30, 20, 5, 15,
    ]  # fmt: skip
    assert rows["follows"].to_dict() == {"1": None, "2": "3", "3": "2"}
    assert found.flows.to_numpy().tolist() == [[None, "1", 1, 5], ["1", "3", 1, 20], ["2", "3", 1, 30]]


def test_other_codes_for_the_same_grids_are_told_apart_from_what_moved():
    before = assigned(a=(10, "1"), b=(20, "1"), c=(30, "2"), d=(5, "2"))
    after = assigned(a=(10, "2"), b=(20, "2"), c=(30, "1"), d=(5, "2"))

    found = compare(before, after)

    assert found.moved_households == 60
    assert found.renumbered_households == 55  # 1 and 2 changed names; only d moved


def test_units_that_only_one_has_and_new_counts_are_told():
    before = assigned(a=(10, "1"), b=(20, "1"), torn_down=(40, "2"))
    after = assigned(a=(12, "1"), b=(20, "1"), built=(7, "1"))

    found = compare(before, after)

    assert (found.only_before, found.only_after, found.recounted_units) == ((1, 40), (1, 7), 1)
    assert found.moved_households == 0
    row = found.grids.set_index("grid_id").loc["1"]
    assert row[["households_before", "recounted", "arrived", "households_after"]].tolist() == [30, 2, 7, 39]
    assert found.grids_by_change() == {"kept": 0, "changed": 1, "ended": 1, "new": 0}


def test_a_version_compared_with_itself_moved_nothing():
    version = assigned(a=(10, "1"), b=(20, None))

    found = compare(version, version)

    assert found.moves.empty
    assert found.flows.empty
    assert found.grids_by_change() == {"kept": 1, "changed": 0, "ended": 0, "new": 0}


sides = st.dictionaries(
    st.sampled_from("abcdefghij"),
    st.tuples(st.integers(0, 60), st.sampled_from(["1", "2", "3", None])),
)


# Only the first example waits for the libraries that match grids.
@settings(deadline=None)
@given(before=sides, after=sides)
def test_no_household_is_lost_or_counted_twice(before, after):
    found = compare(assigned(**before), assigned(**after))

    placed = sum(households for households, grid in after.values() if grid is not None)
    assert found.grids["households_after"].sum() == placed
    both = before.keys() & after.keys()
    changed = {
        unit
        for unit in both
        if None not in (before[unit][1], after[unit][1]) and before[unit][1] != after[unit][1]
    }
    assert found.moved_units == len(changed)
    assert found.moved_households == sum(after[unit][0] for unit in changed)
    assert 0 <= found.renumbered_households <= found.moved_households
    assert found.flows["units"].sum() == len(found.moves)
    assert found.grids["moved_in"].sum() == found.grids["moved_out"].sum() == found.moved_households
