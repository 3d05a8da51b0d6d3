import numpy as np
import pytest

from geo.errors import InputError
from geo.partition import Band, partition
from geo.partition.necks import NECK
from tests.builders import related

BAND = Band(50, 100)
ROW = ["a", "b", "c", "d"]
PAIRS = [(0, 1, 10.0), (1, 2, 10.0), (2, 3, 10.0)]


def row(contact, households=(30, 30, 30, 30)):
    return partition(
        related(ROW, PAIRS), households, np.zeros(4, np.int64), band=BAND, contact=contact, seed=1
    )


def neighbours(plan):
    return [plan.labels[k] == plan.labels[k + 1] for k in range(3)]


def ring(contact):
    """Four units in a ring, each of them half of a grid: two ways to divide them."""
    pairs = [(0, 1, 10.0), (0, 3, 11.0), (1, 2, 11.0), (2, 3, 10.0)]
    return partition(
        related(ROW, pairs), [40, 40, 40, 40], np.zeros(4, np.int64), band=BAND, contact=contact, seed=1
    )


def test_no_grid_hangs_on_a_neck_where_another_way_is_in_band():
    wide = ring([1.0, 1.0, 1.0, 1.0])
    # The longer borders are necks, between units whose middles lie far apart.
    necks = ring([1.0, NECK / 2, NECK / 2, 1.0])

    assert wide.labels[0] == wide.labels[3]
    assert necks.labels[0] == necks.labels[1]
    assert necks.labels[2] == necks.labels[3]
    assert not len(necks.out_of_band)


def test_where_only_a_neck_leads_to_units_that_fit_it_is_taken():
    # Without the neck in the middle the row is held together by it alone.
    plan = row([1.0, NECK / 2, 1.0], households=(20, 30, 30, 20))

    assert not len(plan.out_of_band)


def test_where_every_division_without_necks_leaves_one_out_of_band_they_are_walked():
    # A star: the middle is full with any two of its neighbours; the last two have but a neck between them.
    pairs = [(0, 1, 10.0), (0, 2, 10.0), (0, 3, 10.0), (0, 4, 10.0), (3, 4, 10.0)]
    star = related([*ROW, "e"], pairs)
    households = [20, 40, 40, 30, 30]

    plan = partition(
        star, households, np.zeros(5, np.int64), band=BAND, contact=[1.0, 1.0, 1.0, 1.0, NECK / 2], seed=1
    )

    assert plan.labels[3] == plan.labels[4]
    assert sorted(np.bincount(plan.labels, weights=households)) == [60, 100]


@pytest.mark.parametrize("contact", [[1.0] * 2, [1.0, -1.0, 1.0], [1.0, np.nan, 1.0]])
def test_contact_that_is_not_of_these_pairs_is_refused(contact):
    with pytest.raises(InputError) as caught:
        row(contact)

    assert caught.value.code == "contact_invalid"
