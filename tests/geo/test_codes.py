from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.codes import grid_codes

STREET = "320585001001"


def codes(*grids: tuple[str, float, float], area_m2: float = 10_000.0) -> list[str]:
    """Return the codes of grids given as (community, x, y)."""
    community, x, y = (np.array(column) for column in zip(*grids, strict=True))
    return grid_codes(
        community.astype(object), x.astype(float), y.astype(float), np.full(len(grids), area_m2)
    ).tolist()


def test_a_code_is_the_community_code_and_three_digits():
    assert codes((STREET, 0, 0)) == ["320585001001001"]


def test_grids_are_numbered_row_by_row_from_north_to_south_and_west_to_east_within_a_row():
    # Rows are 100 m high.
    found = codes(
        (STREET, 0, -150), (STREET, 100, -60), (STREET, 0, 0), (STREET, 200, -20), (STREET, 50, -199)
    )

    assert [code[-3:] for code in found] == ["004", "002", "001", "003", "005"]


def test_rows_are_counted_from_the_northernmost_point_of_each_community_alone():
    found = codes(("b", 0, 1_050), ("b", -10, 1_000), ("a", 0, 0), ("a", -10, -99), ("a", -20, -100))

    assert found == ["b002", "b001", "a002", "a001", "a003"]


def test_a_community_of_more_than_999_grids_has_longer_serials():
    found = codes(*[(STREET, float(x), 0.0) for x in range(1_000)])

    assert found[0] == STREET + "0001"
    assert found[-1] == STREET + "1000"


def test_grids_at_the_same_x_go_from_north_to_south_and_at_one_point_the_larger_first():
    found = grid_codes(
        np.array(["c"] * 3, dtype=object),
        np.zeros(3),
        np.array([0.0, 5.0, 0.0]),
        np.array([9_000.0, 10_000.0, 11_000.0]),
    )

    assert found.tolist() == ["c003", "c001", "c002"]


def test_no_grids_have_no_codes():
    assert grid_codes(np.array([], dtype=object), *[np.array([])] * 3).tolist() == []


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(-500, 500), st.integers(-500, 500)), min_size=1, max_size=30, unique=True),
    st.randoms(use_true_random=False),
)
def test_codes_do_not_depend_on_the_order_of_the_grids(spots, chance):
    found = dict(zip(spots, codes(*[("c", x, y) for x, y in spots]), strict=True))
    shuffled = chance.sample(spots, len(spots))

    assert dict(zip(shuffled, codes(*[("c", x, y) for x, y in shuffled]), strict=True)) == found
    assert sorted(found.values()) == [f"c{serial:03}" for serial in range(1, len(spots) + 1)]
