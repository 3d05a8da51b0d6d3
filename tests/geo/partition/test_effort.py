import numpy as np
import pytest

from geo.errors import InputError
from geo.partition import EFFORTS, Band, Partition, Weights, partition, usual_effort
from geo.partition.exact import choose_sets, list_connected_sets, set_costs
from geo.partition.key import plan_key
from geo.partition.pieces import atoms_of, cut_out, regions_of
from tests.builders import lattice


def village(rows: int, columns: int, seed: int, *, most: int = 30) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    return chance.integers(1, most + 1, rows * columns), np.arange(rows * columns) // columns // 4


def planned(rows: int, columns: int, seed: int, **options: object) -> Partition:
    households, compound = village(rows, columns, seed)
    community = np.zeros(rows * columns, int)
    return partition(lattice(rows, columns), households, community, compound=compound, **options)


def region_and_labels(plan: Partition, compound: np.ndarray) -> tuple:
    nowhere = np.full(len(plan.labels), -1)
    atoms = atoms_of(plan.adjacency, plan.households, plan.community, compound, nowhere, Weights())
    (region,) = cut_out(atoms, regions_of(atoms, Band()))
    return region, plan.labels


def cost_m(plan: Partition, rows: int, columns: int, seed: int) -> float:
    region, labels = region_and_labels(plan, village(rows, columns, seed)[1])
    key = plan_key(region, labels, Band(), Weights())
    assert key[:2] == (0, 0)
    return key.cost_m


def test_more_effort_makes_better_plans():
    costs = {
        effort: sum(cost_m(planned(12, 14, seed, effort=effort), 12, 14, seed) for seed in range(3))
        for effort in EFFORTS
    }

    assert costs["thorough"] < costs["standard"] < costs["fast"]


@pytest.mark.parametrize("effort", list(EFFORTS))
def test_every_effort_gives_the_same_plan_again(effort):
    one, two = (planned(10, 10, 1, effort=effort) for _ in range(2))

    np.testing.assert_array_equal(one.labels, two.labels)
    assert (one.search.effort, one.search.rounds, one.search.ended) == (effort, 1, "done")


def test_with_more_time_a_plan_is_no_worse_than_the_fast_one():
    fast, longer = planned(16, 16, 0, effort="fast"), planned(16, 16, 0, time_s=5.0)

    assert longer.search.ended == "time"
    assert longer.search.rounds > 1
    assert cost_m(longer, 16, 16, 0) <= cost_m(fast, 16, 16, 0)


def test_a_search_that_is_asked_to_stop_says_so_and_still_places_every_unit():
    plan = planned(16, 16, 0, should_stop=lambda: True)

    assert plan.search.ended == "stopped"
    assert (plan.labels >= 0).all()
    assert plan.contiguous.all()


@pytest.mark.parametrize("time_s", [0.0, -1.0, float("nan"), float("inf")])
def test_no_time_is_refused(time_s):
    with pytest.raises(InputError, match="seconds"):
        planned(2, 2, 0, time_s=time_s)


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 5])  # the lumps of 4 fit nowhere
def test_lumpy_regions_are_near_the_proven_optimum(seed):
    rows, columns, most = 5, 6, 60
    households, compound = village(rows, columns, seed, most=most)
    plan = partition(lattice(rows, columns), households, np.zeros(30, int), compound=compound)
    region, labels = region_and_labels(plan, compound)
    sets = list_connected_sets(region, 50, 100, limit=100_000)
    cost, everything = set_costs(region, sets, Band(), Weights()), np.ones(30, bool)
    optimum = choose_sets(sets.member, cost, exactly=everything, nodes=10_000)

    assert optimum.proved
    assert plan.proofs == {}
    found = plan_key(region, labels, Band(), Weights()).cost_m
    best = plan_key(region, np.argmax(sets.member[optimum.chosen], axis=0), Band(), Weights()).cost_m
    assert found <= 1.03 * best


@pytest.mark.parametrize(
    ("units", "effort"), [(60, "standard"), (61, "thorough"), (2_000, "thorough"), (2_001, "standard")]
)
def test_where_nobody_says_how_long_small_towns_are_searched_thoroughly(units, effort):
    assert usual_effort(units) == effort
