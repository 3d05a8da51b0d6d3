import numpy as np
import pytest

from geo.partition.partition import Band, Partition
from geo.partition.pieces import atoms_of, cut_out, regions_of
from geo.partition.region import Region
from geo.partition.weights import Weights
from geo.partition.whole_parts import with_count
from tests.builders import lattice


def block(rows: int, columns: int) -> Region:
    n = rows * columns
    none, zero = np.full(n, -1, np.int64), np.zeros(n, np.int64)
    atoms = atoms_of(lattice(rows, columns), np.full(n, 10), zero, none, none, Weights())
    (region,) = cut_out(atoms, regions_of(atoms, Band()))
    return region


@pytest.mark.parametrize("wanted", [1, 2, 5, 9, 36, 50])
def test_a_plan_gets_as_many_contiguous_parts_as_asked_or_as_there_are_units(wanted):
    start = np.repeat(np.arange(6), 6)

    labels = with_count(block(6, 6), start, wanted)

    made = Partition(lattice(6, 6), np.full(36, 10), np.zeros(36, int), labels)
    assert made.n_parts == min(wanted, 36)
    assert made.contiguous.all()
    np.testing.assert_array_equal(start, np.repeat(np.arange(6), 6))


def test_the_largest_part_is_halved():
    labels = with_count(block(1, 6), np.array([0, 0, 0, 0, 1, 1]), 3)

    assert labels[0] == labels[1] != labels[2] == labels[3] != labels[4] == labels[5]
