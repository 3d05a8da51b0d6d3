import numpy as np
import pytest

from geo.partition.exact import choose_sets, divisions, find_sets, list_connected_sets, set_costs
from geo.partition.partition import Band
from geo.partition.region import Region, region_of
from geo.partition.weights import Weights
from tests.builders import lattice


def block(rows: int, columns: int, weight: list[int] | None = None) -> Region:
    adjacency, n = lattice(rows, columns), rows * columns
    none = np.full(n, -1, np.int64)
    return region_of(
        np.arange(n),
        np.ones(n, np.int64) if weight is None else np.array(weight, np.int64),
        none,
        adjacency.left,
        adjacency.right,
        np.full(len(adjacency), 1000, np.int64),
        adjacency.joins,
        np.zeros(n, np.bool_),
    )


@pytest.mark.parametrize(
    ("side", "band", "count"),
    [(2, Band(2, 2), 2), (3, Band(3, 3), 10), (4, Band(4, 4), 117), (4, Band(2, 2), 36), (4, Band(8, 8), 70)],
)
def test_square_blocks_have_the_known_number_of_divisions(side, band, count):
    assert sum(1 for _ in divisions(block(side, side), band)) == count


def test_divisions_cover_every_atom_once():
    for parts in divisions(block(3, 3), Band(2, 5)):
        assert sorted(atom for part in parts for atom in part) == list(range(9))


@pytest.mark.parametrize(("side", "count"), [(1, 1), (2, 13), (3, 218)])
def test_square_blocks_have_the_known_number_of_connected_sets(side, count):
    sets = list_connected_sets(block(side, side), 1, side * side)

    assert sets is not None
    assert len(sets) == count


@pytest.mark.parametrize("large", [False, True])
def test_connected_sets_are_the_same_compiled_and_interpreted(large):
    region = block(4, 4, [7, 0, 3, 9, 4, 4, 0, 1, 8, 2, 6, 5, 3, 3, 0, 7])

    one = list_connected_sets(region, 10, 20, large=False)
    two = list_connected_sets(region, 10, 20, large=large)

    assert one is not None
    assert two is not None
    np.testing.assert_array_equal(one.member, two.member)


def test_sets_that_hold_an_atom_of_the_core_are_the_only_ones_listed():
    region = block(1, 4)

    sets = list_connected_sets(region, 1, 2, core=np.array([1, 2]))

    assert sets is not None
    found = {tuple(np.flatnonzero(row).tolist()) for row in sets.member}
    assert found == {(1,), (2,), (0, 1), (1, 2), (2, 3)}


def test_too_many_sets_are_not_listed():
    assert list_connected_sets(block(3, 3), 1, 9, limit=217) is None
    assert list_connected_sets(block(8, 8), 1, 2) is None


def test_the_cheapest_choice_is_found():
    region = block(2, 4)
    sets = list_connected_sets(region, 4, 4)
    assert sets is not None

    choice = choose_sets(
        sets.member, set_costs(region, sets, Band(4, 4), Weights()), exactly=np.ones(8, bool), nodes=100
    )

    assert choice is not None
    assert choice.proved
    assert {tuple(np.flatnonzero(sets.member[i])) for i in choice.chosen} == {(0, 1, 4, 5), (2, 3, 6, 7)}


def test_a_choice_that_does_not_exist_is_none():
    sets = list_connected_sets(block(1, 3), 2, 2)
    assert sets is not None

    assert choose_sets(sets.member, np.zeros(2), exactly=np.ones(3, bool), nodes=100) is None


def test_parts_of_a_plan_are_found_among_the_sets():
    sets = list_connected_sets(block(1, 4), 2, 2)
    assert sets is not None

    found = find_sets(sets, np.array([5, 5, 1, 1]))

    assert found is not None
    assert sets.member[found].sum() == 4
    assert find_sets(sets, np.array([0, 1, 1, 1])) is None
