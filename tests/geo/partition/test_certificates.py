import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from geo.partition.certificates import households_never_placed, proved_parts
from geo.partition.partition import Band
from geo.partition.pieces import atoms_of, cut_out, regions_of
from geo.partition.region import Region
from geo.partition.weights import Weights
from tests.builders import draw_adjacency
from tests.geo.partition.oracle import fewest_faults, least_out
from tests.strategies import DrawnMap, drawn_maps

BAND = Band(50, 100)


def only_region(drawn: DrawnMap) -> Region | None:
    none = np.full(len(drawn), -1, np.int64)
    atoms = atoms_of(drawn.adjacency, drawn.households, drawn.community, none, none, Weights())
    regions = cut_out(atoms, regions_of(atoms, BAND))
    return regions[0] if len(regions) == 1 and len(regions[0]) == len(drawn) else None


def row(*households: int) -> Region:
    n = len(households)
    names = " ".join(chr(65 + i) for i in range(n))
    zero = np.zeros(n, np.int64)
    region = only_region(DrawnMap(draw_adjacency(names), np.array(households), zero, zero - 1))
    assert region is not None
    return region


@settings(max_examples=100, deadline=None)
@given(drawn=drawn_maps(communities=1), picks=st.integers(1, 2**9 - 1))
def test_the_bound_never_exceeds_what_the_best_plan_leaves_out(drawn, picks):
    region = only_region(drawn)
    core = np.array([i for i in range(len(drawn)) if picks >> i & 1], np.int64)
    assume(region is not None and len(core) > 0)

    bound = households_never_placed(region, core, BAND, large=False)

    assert bound == least_out(drawn, sum(1 << int(i) for i in core), 50, 100)


@settings(max_examples=100, deadline=None)
@given(drawn=drawn_maps(communities=1), labels=st.lists(st.integers(-1, 3), min_size=9, max_size=9))
def test_parts_are_called_unavoidable_only_when_no_plan_leaves_less_out(drawn, labels):
    region = only_region(drawn)
    assume(region is not None)
    label = np.array(labels[: len(drawn)], np.int64)
    placed = label >= 0
    total = np.bincount(label[placed], weights=drawn.households[placed])
    out = np.flatnonzero((np.bincount(label[placed]) > 0) & ((total < 50) | (total > 100)))

    proved = proved_parts(region, label, BAND, large=False)

    assert proved <= set(out.tolist())
    assert sum(total[part] for part in proved) <= fewest_faults(drawn, 50, 100)[0]


def test_a_lump_too_small_beside_lumps_too_large_for_it_is_unavoidable():
    assert proved_parts(row(60, 45, 60), np.array([0, 1, 2]), BAND, large=False) == {1}


def test_a_part_that_could_be_in_band_is_not_unavoidable():
    assert proved_parts(row(40, 40, 40, 40), np.array([0, 1, 1, 2]), BAND, large=False) == set()


def test_units_in_no_part_are_never_told_and_prove_nothing():
    in_no_part = np.array([-1, 0, -1])

    assert proved_parts(row(60, 45, 60), in_no_part, BAND, large=False) == {0}
    assert proved_parts(row(40, 40, 20), in_no_part, BAND, large=False) == set()
