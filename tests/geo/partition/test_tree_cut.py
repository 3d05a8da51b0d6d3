import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.partition import bench
from geo.partition.bench import Bench
from geo.partition.key import plan_key
from geo.partition.partition import Band
from geo.partition.region import Region, region_of
from geo.partition.weights import Weights
from tests.builders import lattice


def path(households: list[int]) -> Region:
    adjacency, n = lattice(1, len(households)), len(households)
    return region_of(
        np.arange(n),
        np.array(households, np.int64),
        np.full(n, -1, np.int64),
        adjacency.left,
        adjacency.right,
        np.full(len(adjacency), 1000, np.int64),
        adjacency.joins,
        np.zeros(n, np.bool_),
    )


def fewest_out_on_a_path(households: list[int], lower: int, upper: int) -> int:
    best = [0]
    for end in range(1, len(households) + 1):
        totals = [(start, sum(households[start:end])) for start in range(end)]
        best.append(min(best[start] + (0 if lower <= total <= upper else total) for start, total in totals))
    return best[-1]


@settings(max_examples=100, deadline=None)
@given(households=st.lists(st.integers(0, 100), min_size=1, max_size=12), seed=st.integers(1, 2**32 - 1))
def test_a_path_is_cut_with_the_fewest_households_out_of_band(households, seed):
    region, band = path(households), Band(50, 100)

    labels = Bench(region, band, Weights(), seed, large=False).random_cut()

    assert plan_key(region, labels, band, Weights()).households_out == fewest_out_on_a_path(
        households, 50, 100
    )


@pytest.mark.parametrize("limit", ["STEPS", "LARGEST_TABLE"])
def test_a_tree_too_large_to_be_cut_exactly_is_carved(monkeypatch, limit):
    monkeypatch.setattr(bench, limit, 10)
    region, band = path([30] * 12), Band(50, 100)

    labels = Bench(region, band, Weights(), 1, large=False).random_cut()

    total = np.bincount(labels, weights=region.weight)
    assert (total <= 100).all()
    assert (np.diff(np.flatnonzero(np.diff(labels, prepend=-1, append=-1))) > 0).all()
    assert len(np.unique(labels)) == 1 + int((np.diff(labels) != 0).sum())


def test_interpreted_and_compiled_trees_are_the_same():
    region, band = path(list(range(40))), Band(50, 100)

    cuts = [Bench(region, band, Weights(), 7, large=large).random_cut() for large in (False, True)]

    np.testing.assert_array_equal(*cuts)
