from itertools import permutations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geo.partition import matching, moved_households
from geo.partition.matching import _assigned


@st.composite
def relabelled(draw: st.DrawFn):
    n = draw(st.integers(1, 8))
    parts = st.lists(st.integers(-1, 3), min_size=n, max_size=n)
    households = draw(st.lists(st.integers(0, 20), min_size=n, max_size=n))
    return np.array(draw(parts)), np.array(draw(parts)), np.array(households)


@given(relabelled())
def test_the_matching_keeps_as_many_households_as_any(case):
    old, new, households = case
    both = (old >= 0) & (new >= 0)
    most = max(
        sum(int(households[both & (old == part) & (new == now)].sum()) for now, part in enumerate(follows))
        for follows in permutations(range(4))
    )
    assert moved_households(old, new, households) == households[both].sum() - most
    follows = matching(old, new, households)
    used = follows[follows >= 0].tolist()
    assert len(used) == len(set(used))


def test_a_part_without_households_is_followed_by_its_units():
    assert matching([0, 0, 1], [1, 1, 0], [0, 0, 5]).tolist() == [1, 0]


def test_held_units_keep_their_part_against_all_households():
    old, new, households = [0, 0, 1], [0, 1, 1], [50, 1, 9]

    assert matching(old, new, households).tolist() == [0, 1]
    assert matching(old, new, households, held=[False, True, False]).tolist() == [-1, 0]


@given(relabelled())
def test_large_blocks_are_matched_as_sparse_graphs_with_the_same_worth(case):
    old, new, households = case
    both = (old >= 0) & (new >= 0)
    if not both.any():
        return
    table = np.zeros((4, 4))
    np.add.at(table, (old[both], new[both]), households[both] + 1)
    row, column = np.nonzero(table)
    dense = _assigned(row, column, table[row, column], 4, 4)
    sparse = _assigned(row, column, table[row, column], 4, 4, largest_table=0)
    assert table[dense].sum() == table[sparse].sum()
