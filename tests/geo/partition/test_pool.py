import highspy
import numpy as np
import pytest

from geo.partition import Band, Weights
from geo.partition.exact import program_of_sets, run_until, same_solver
from geo.partition.key import plan_key
from geo.partition.pool import Pool
from tests.geo.partition.test_exact import block

BAND, WEIGHTS = Band(50, 100), Weights()
# Four columns of four units of 20: the left half is best cut as in ONE, the right half as in TWO.
ONE = np.array([0, 0, 2, 3, 0, 0, 2, 3, 1, 1, 2, 3, 1, 1, 2, 3])
TWO = np.array([0, 1, 2, 2, 0, 1, 2, 2, 0, 1, 3, 3, 0, 1, 3, 3])
BEST = np.array([0, 0, 2, 2, 0, 0, 2, 2, 1, 1, 3, 3, 1, 1, 3, 3])


def cost(region, labels):
    return plan_key(region, labels, BAND, WEIGHTS).cost_m


def parts_of(labels):
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels).tolist()}


def never():
    return False


def test_the_best_halves_of_two_plans_are_put_together():
    region = block(4, 4, [20] * 16)
    pool = Pool(region, BAND, WEIGHTS)
    pool.add(ONE)

    found = pool.best(TWO, never)

    assert parts_of(found) == parts_of(BEST)
    assert cost(region, found) < min(cost(region, ONE), cost(region, TWO))


def test_a_plan_that_is_the_cheapest_stays():
    region = block(4, 4, [20] * 16)
    pool = Pool(region, BAND, WEIGHTS)
    pool.add(ONE)
    pool.add(TWO)

    np.testing.assert_array_equal(pool.best(BEST, never), BEST)


def test_a_part_out_of_band_stays_as_it_is():
    region = block(4, 5, [20, 20, 20, 20, 9] * 4)
    pool = Pool(region, BAND, WEIGHTS)
    pool.add(
        np.insert(ONE, [4, 8, 12, 16], 3)
    )  # its last column of 4 x 9 goes with the fourth part: above the band
    with_rest = np.insert(TWO, [4, 8, 12, 16], 9)

    found = pool.best(with_rest, never)

    assert (found == 9).tolist() == (with_rest == 9).tolist()
    assert cost(region, found) <= cost(region, with_rest)


def test_each_part_is_kept_once():
    pool = Pool(block(4, 4, [20] * 16), BAND, WEIGHTS)
    pool.add(ONE)
    pool.add(ONE[::-1].copy() + 7)

    assert len(pool) <= 8
    before = len(pool)
    pool.add(ONE + 3)
    assert len(pool) == before


@pytest.mark.parametrize("seed", range(4))
def test_what_a_pool_says_parts_cost_is_what_the_plan_costs(seed):
    chance = np.random.default_rng(seed)
    region = block(4, 4, chance.integers(15, 25, 16).tolist())
    pool = Pool(region, BAND, WEIGHTS)
    pool.add(BEST)
    parts = list(pool._parts.values())
    starts = np.concatenate([[0], np.cumsum([len(part) for part in parts])])

    costs = pool._costs(starts, np.concatenate(parts))

    assert costs.sum() == pytest.approx(cost(region, BEST))


def long_program():
    """Return a solver with a choice among 600 sets of 6 of 120 atoms, which takes it hundreds of steps."""
    chance = np.random.default_rng(1)
    sets = [np.sort(chance.choice(120, 6, replace=False)) for _ in range(600)] + [
        [each] for each in range(120)
    ]
    starts = np.concatenate([[0], np.cumsum([len(each) for each in sets])])
    cost = np.concatenate([1 + 3 * chance.random(600), np.full(120, 5.0)])
    once = np.ones(120)
    solver = same_solver()
    solver.passModel(
        program_of_sets(
            cost, starts, np.concatenate(sets), np.ones(starts[-1]), rows=(once, once), most=np.inf
        )
    )
    return solver


def test_a_solver_ends_when_told_to_stop_and_gives_no_answer():
    asked = []
    solver = long_program()

    run_until(solver, lambda: bool(asked.append(1)) or len(asked) > 20)

    assert solver.getModelStatus() == highspy.HighsModelStatus.kInterrupt
    assert 20 < len(asked) < 40


def test_asking_a_solver_changes_nothing_of_what_it_finds():
    asked, plain = long_program(), long_program()

    run_until(asked, never)
    plain.run()

    assert asked.getModelStatus() == highspy.HighsModelStatus.kOptimal
    assert asked.getSolution().col_value == plain.getSolution().col_value


def test_a_second_ctrl_c_comes_through_a_solver():
    def press():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_until(long_program(), press)
