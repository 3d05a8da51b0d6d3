import numpy as np
import pytest

from geo.errors import InputError
from geo.partition import Band, Partition, Weights
from tests.builders import draw_adjacency


def plan(drawing: str, households: list[int], labels: list[int]) -> Partition:
    adjacency = draw_adjacency(drawing)
    zero = np.zeros(len(households), np.int64)
    return Partition(adjacency, np.array(households), zero, np.array(labels))


@pytest.mark.parametrize(
    ("households", "counts"),
    [(1340, range(14, 27)), (100, range(1, 3)), (49, range(1, 1)), (0, range(1)), (101, range(2, 3))],
)
def test_legal_counts_of_parts(households, counts):
    assert Band().legal_counts(households) == counts


@pytest.mark.parametrize("bounds", [(0, 10), (60, 50), (1.5, 3), (True, 3), (1, 10**7), (-5, 5)])
def test_a_band_that_is_none_is_refused(bounds):
    with pytest.raises(InputError, match="is not possible"):
        Band(*bounds)


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf"), 1e9])
def test_a_weight_that_is_none_is_refused(weight):
    with pytest.raises(InputError, match="the weight cut"):
        Weights(cut=weight)


def test_parts_are_numbered_in_order_of_their_first_unit():
    drawn = plan("A B C D", [1, 2, 3, 4], [7, 3, 7, -1])

    assert drawn.labels.tolist() == [0, 1, 0, -1]
    assert drawn.part_households.tolist() == [4, 2]
    assert drawn.part_units.tolist() == [2, 1]


def test_status_is_the_place_against_the_band():
    drawn = plan("A B C", [49, 50, 101], [0, 1, 2])

    assert [drawn.status(part) for part in range(3)] == ["too_small", "ok", "too_large"]
    assert drawn.out_of_band.tolist() == [0, 2]
    assert drawn.households_out_of_band == 150


def test_a_part_in_two_places_is_not_contiguous():
    drawn = plan("A B C", [1, 1, 1], [0, 1, 0])

    assert not drawn.is_contiguous(0)
    assert drawn.is_contiguous(1)


def test_a_part_held_together_by_a_corner_is_not_contiguous():
    drawn = plan("A B / C D", [1, 1, 1, 1], [0, 1, 1, 0])

    assert drawn.contiguous.tolist() == [False, False]


def test_other_labels_make_another_partition_and_leave_this_one():
    drawn = plan("A B", [60, 60], [0, 1])

    other = drawn.with_labels([0, 0])

    assert drawn.n_parts == 2
    assert other.n_parts == 1
    with pytest.raises(ValueError, match="read-only"):
        drawn.labels[0] = 1


def test_labels_for_other_units_are_refused():
    with pytest.raises(InputError, match="labels should be 2 whole numbers"):
        plan("A B", [1, 1], [0])
