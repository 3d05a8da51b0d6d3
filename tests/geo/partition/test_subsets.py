import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geo.partition.subsets import cheapest_division


def by_trying_all(member, price, cost):
    best = None
    for size in range(1, member.shape[1] + 1):
        for chosen in itertools.combinations(range(len(member)), size):
            if (member[list(chosen)].sum(axis=0) == 1).all():
                key = (int(price[list(chosen)].sum()), float(cost[list(chosen)].sum()))
                best = key if best is None else min(best, key)
    return best


@given(
    sets=st.lists(st.tuples(st.integers(1, 31), st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=9)
)
def test_the_cheapest_division_is_the_least_of_all(sets):
    member = np.array([[mask >> atom & 1 for atom in range(5)] for mask, _, _ in sets], bool)
    price, cost = np.array([p for _, p, _ in sets]), np.array([float(c) for _, _, c in sets])
    chosen = cheapest_division(member, price, cost)

    wanted = by_trying_all(member, price, cost)
    if wanted is None:
        assert chosen is None
    else:
        assert (member[chosen].sum(axis=0) == 1).all()
        assert (int(price[chosen].sum()), float(cost[chosen].sum())) == wanted


def test_price_counts_before_cost():
    member = np.array([[1, 1], [1, 0], [0, 1]], bool)

    assert cheapest_division(member, np.array([1, 0, 0]), np.array([0.0, 9.0, 9.0])).tolist() == [1, 2]
