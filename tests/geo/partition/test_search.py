import numpy as np
import pytest

from geo.partition import search
from geo.partition.bench import Bench, compact
from geo.partition.effort import EFFORTS
from geo.partition.key import plan_key
from geo.partition.partition import Band, components
from geo.partition.region import Region, region_of
from geo.partition.search import COOL_CM, plan_region
from geo.partition.small import window_plan
from geo.partition.weights import Weights
from tests.builders import lattice

BAND = Band(50, 100)


def block(rows: int, columns: int, seed: int, *, most: int = 30) -> Region:
    adjacency, n = lattice(rows, columns), rows * columns
    chance = np.random.default_rng(seed)
    roads = chance.random(len(adjacency)) < 0.2
    return region_of(
        np.arange(n),
        chance.integers(0, most + 1, n),
        chance.integers(-1, 6, n),
        adjacency.left,
        adjacency.right,
        np.where(roads, -3000, 1000),
        adjacency.joins,
        np.zeros(n, np.bool_),
    )


def is_contiguous(region: Region, labels: np.ndarray) -> bool:
    inside = (labels[region.left] == labels[region.right]) & region.joins
    pieces = components(len(region), region.left[inside], region.right[inside])
    return len(np.unique(pieces)) == len(np.unique(labels))


@pytest.mark.parametrize("heat", [EFFORTS["standard"].heat_cm, COOL_CM])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_annealing_keeps_parts_contiguous_and_makes_no_plan_worse(seed, heat):
    region = block(9, 9, seed)
    bench = Bench(region, BAND, Weights(), seed, large=True)
    start = bench.random_cut()

    improved = bench.annealed(start, heat, strict=1000)

    assert is_contiguous(region, improved)
    assert plan_key(region, improved, BAND, Weights()) <= plan_key(region, start, BAND, Weights())


def test_annealing_keeps_account_of_its_cost():
    region = block(9, 9, 4)
    bench = Bench(region, BAND, Weights(), 4, large=True)
    start = bench.random_cut()
    one = bench.annealed(start, [0] * 10)

    again = bench.annealed(one, [0])

    # Nothing but gains is accepted without heat, so the account can only agree with the key.
    keys = [plan_key(region, labels, BAND, Weights()).cost_m for labels in (start, one, again)]
    assert keys == sorted(keys, reverse=True)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_mending_brings_parts_into_the_band(seed):
    region = block(8, 8, seed)
    everything_alone = np.arange(64)

    mended = Bench(region, BAND, Weights(), seed, large=True).mended(everything_alone, 2000, 3)

    assert is_contiguous(region, mended)
    assert plan_key(region, mended, BAND, Weights())[:2] == (0, 0)


def test_a_window_is_chosen_exactly_round_a_part_out_of_band():
    region = block(2, 6, 5, most=40)
    region = region_of(
        region.atoms, np.full(12, 30, np.int64), region.compound, region.left, region.right, region.gain,
        region.joins, region.beside_large,
    )  # fmt: skip
    labels = np.array([0, 0, 0, 1, 1, 2, 3, 3, 4, 4, 5, 5])

    mended = window_plan(region, labels, BAND, Weights(), frozenset(), large=False)

    assert is_contiguous(region, mended)
    assert plan_key(region, mended, BAND, Weights())[:2] == (0, 0)


def test_the_key_counts_what_it_says():
    region = block(1, 4, 6)
    region = region_of(
        region.atoms, np.array([60, 30, 20, 120]), np.array([0, 0, 1, 1]), region.left, region.right,
        np.full(3, 1000, np.int64), region.joins, np.array([False, False, True, False]),
    )  # fmt: skip

    key = plan_key(region, np.array([0, 0, 1, 2]), BAND, Weights(compound_split=300, evenness=0))

    assert key == (140, 1, 20.0 + 300 * 3)


def full_parts() -> Region:
    """Return a region whose plan of fewest parts fills each of them to the brim, in one compound."""
    adjacency, n = lattice(6, 6), 36
    # Six rows of one part each, 100 households; what lies beside a row is cheaper to take than its far end.
    weight = np.tile([17, 16, 17, 16, 17, 17], 6)
    return region_of(
        np.arange(n),
        weight,
        np.zeros(n, np.int64),
        adjacency.left,
        adjacency.right,
        np.full(len(adjacency), 1000),
        adjacency.joins,
        np.zeros(n, np.bool_),
    )


def test_fewer_parts_are_found_where_they_must_be_full(monkeypatch):
    monkeypatch.setattr(search, "list_connected_sets", lambda *args, **options: None)
    region, effort = full_parts(), EFFORTS["standard"]

    plan = plan_region(region, BAND, Weights(), 1, large=True, should_stop=lambda: False, effort=effort)

    assert sorted(np.bincount(compact(plan.labels), weights=region.weight)) == [100] * 6
