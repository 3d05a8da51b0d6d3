"""Siting against enumeration of every choice, on small instances; bounds and gaps on larger ones."""

from itertools import combinations

import highspy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.reach import Walks
from geo.siting import Nearby, best_next, fewest, gains_table, in_order_of_gain, most_reached, nearest


def near(minutes, households, *, standing=0, limit=15.0):
    """Units in rows, places in columns, the first of them standing; None: not reached."""
    table = np.array([[np.inf if cell is None else cell for cell in row] for row in minutes], float)
    doors = [np.flatnonzero(np.isfinite(column)) for column in table.T]
    walks = Walks(
        doors,
        [table[rows, place] for place, rows in enumerate(doors)],
        np.empty(0, int),
        np.empty(0, int),
        False,
    )
    return Nearby.of(
        walks, np.array(households, np.int64), np.arange(table.shape[1]) < standing,
        limit_minutes=limit, metres_per_minute=1.0,
    )  # fmt: skip


@st.composite
def instances(draw, most_places=7, most_units=9):
    m, n = draw(st.integers(1, most_places)), draw(st.integers(1, most_units))
    cell = st.one_of(st.none(), st.integers(0, 18))
    minutes = draw(st.lists(st.lists(cell, min_size=m, max_size=m), min_size=n, max_size=n))
    households = draw(st.lists(st.integers(0, 12), min_size=n, max_size=n))
    return near(minutes, households, standing=draw(st.integers(0, min(2, m))))


def choices(nearby, k):
    return [np.array(each, np.int64) for each in combinations(nearby.candidates.tolist(), k)]


def reached(nearby, places):
    opened = np.concatenate([np.flatnonzero(nearby.is_standing), places]).astype(np.int64)
    return int(nearby.households[np.isfinite(nearby.minutes_to(opened))].sum())


def walked(nearby, places, capacity=None):
    """Household-minutes, counted by sending households one at a time along cheapest ways (no program)."""
    opened = np.concatenate([np.flatnonzero(nearby.is_standing), places]).astype(int)
    far = np.full((nearby.n_units, nearby.n_places), np.inf)
    far[nearby.unit, nearby.place] = nearby.minutes
    if capacity is None:
        least = np.minimum(far[:, opened].min(axis=1, initial=np.inf), nearby.limit_minutes)
        return float(least @ nearby.households)
    return cheapest_flow(far[:, opened], nearby.households, capacity, nearby.limit_minutes)


def cheapest_flow(far, households, capacity, limit):
    """Successive shortest paths over source, units, places and a way out that costs the limit."""
    n, k = far.shape
    source, sink, nowhere = n + k, n + k + 1, n + k + 2
    ways = {}
    for unit in range(n):
        ways[source, unit] = [int(households[unit]), 0.0]
        ways[unit, nowhere] = [10**9, limit]
        for place in range(k):
            if far[unit, place] < limit:
                ways[unit, n + place] = [10**9, float(far[unit, place])]
    for place in range(k):
        ways[n + place, sink] = [capacity, 0.0]
    ways[nowhere, sink] = [10**9, 0.0]
    for (a, b), (_, cost) in list(ways.items()):
        ways.setdefault((b, a), [0, -cost])
    total = 0.0
    for _ in range(int(households.sum())):
        best, before = {source: 0.0}, {}
        for _ in range(n + k + 3):
            for (a, b), (room, cost) in ways.items():
                if room > 0 and a in best and best[a] + cost < best.get(b, np.inf) - 1e-9:
                    best[b], before[b] = best[a] + cost, a
        node = sink
        while node != source:
            ways[before[node], node][0] -= 1
            ways[node, before[node]][0] += 1
            node = before[node]
        total += best[sink]
    return total


@settings(max_examples=60, deadline=None)
@given(nearby=instances(), k=st.integers(1, 4))
def test_no_choice_of_k_places_reaches_more(nearby, k):
    answer = most_reached(nearby, k)

    k = min(k, len(nearby.candidates))
    best = max((reached(nearby, places) for places in choices(nearby, k)), default=reached(nearby, []))
    before = reached(nearby, np.empty(0, np.int64))
    assert answer.proved
    assert answer.value == answer.bound == best - before == reached(nearby, answer.places) - before
    assert len(answer.places) <= k


@settings(max_examples=60, deadline=None)
@given(nearby=instances())
def test_no_fewer_places_reach_everyone_who_can_be_reached(nearby):
    answer = fewest(nearby)

    can = int(nearby.households[nearby.reached_by_any].sum())
    assert answer.proved
    assert reached(nearby, answer.places) == can
    for k in range(len(answer.places)):
        assert all(reached(nearby, places) < can for places in choices(nearby, k))


@settings(max_examples=60, deadline=None)
@given(nearby=instances(), k=st.integers(1, 3))
def test_no_choice_of_k_places_makes_shorter_walks(nearby, k):
    answer = nearest(nearby, k)

    k = min(k, len(nearby.candidates))
    best = min(walked(nearby, places) for places in choices(nearby, k))
    assert answer.proved
    assert answer.value == pytest.approx(best)
    assert walked(nearby, answer.places) == pytest.approx(best)
    assert answer.bound == pytest.approx(best)


@settings(max_examples=25, deadline=None)
@given(nearby=instances(most_places=5, most_units=5), k=st.integers(1, 2), capacity=st.integers(1, 20))
def test_no_choice_of_k_places_with_room_for_so_many_makes_shorter_walks(nearby, k, capacity):
    answer = nearest(nearby, k, capacity=capacity)

    k = min(k, len(nearby.candidates))
    best = min(walked(nearby, places, capacity) for places in choices(nearby, k))
    assert answer.proved
    assert answer.value == pytest.approx(best, abs=1e-4)
    told = answer.served
    assert (np.bincount(told.place, told.households, nearby.n_places) <= capacity).all()
    assert (np.bincount(told.unit, told.households, nearby.n_units) <= nearby.households).all()
    left = nearby.households - np.bincount(told.unit, told.households, nearby.n_units)
    assert told.households @ told.minutes + left.sum() * 15 == pytest.approx(answer.value, abs=1e-4)


def scattered(n, m, *, seed, limit=15.0, standing=0):
    """Units and places strewn over 3 km by 3 km, walked in straight lines."""
    chance = np.random.default_rng(seed)
    units, places = chance.uniform(0, 3000, (n, 2)), chance.uniform(0, 3000, (m, 2))
    far = np.hypot(*(units[:, None] - places[None]).transpose(2, 0, 1)) / (4000 / 60)
    table = np.where(far <= limit, far, np.inf)
    doors = [np.flatnonzero(np.isfinite(column)) for column in table.T]
    walks = Walks(
        doors,
        [table[rows, place] for place, rows in enumerate(doors)],
        np.empty(0, int),
        np.empty(0, int),
        True,
    )
    return Nearby.of(
        walks, chance.integers(1, 40, n), np.arange(m) < standing, limit_minutes=limit, metres_per_minute=1.0
    )


def test_sixty_candidates_are_proved():
    nearby = scattered(400, 60, seed=1, standing=3)

    for answer in (most_reached(nearby, 4), fewest(nearby), nearest(nearby, 6)):
        assert answer.proved
        assert answer.gap == 0


def test_a_bound_is_never_crossed_by_a_solver_that_is_given_the_whole_program():
    nearby = scattered(60, 90, seed=2)

    answer = nearest(nearby, 5)

    # The textbook program, without any reduction.
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    opened = [solver.addBinary() for _ in range(nearby.n_places)]
    solver.addConstr(sum(opened[1:], opened[0]) <= 5)
    cost = 0
    goes = {}
    for unit, place, minutes in zip(nearby.unit, nearby.place, nearby.minutes, strict=True):
        goes[unit, place] = solver.addVariable(0, 1)
        solver.addConstr(goes[unit, place] <= opened[place])
        cost = cost + float(nearby.households[unit] * (minutes - 15)) * goes[unit, place]
    for unit in range(nearby.n_units):
        own = [goes[pair] for pair in goes if pair[0] == unit]
        if own:
            solver.addConstr(sum(own[1:], own[0]) <= 1)
    solver.minimize(cost)
    best = solver.getObjectiveValue() + 15 * float(nearby.households.sum())
    assert answer.bound <= best + 1e-6 <= answer.value + 1e-3
    assert answer.gap <= 0.03


def test_gains_add_up_and_never_grow():
    nearby = scattered(300, 40, seed=3, standing=2)
    order = best_next(nearby, 10)

    table = gains_table(nearby, order)

    assert table["reached"].iloc[0] + table["gained"].sum() == table["reached"].iloc[-1]
    assert table["gained"].iloc[1:].is_monotonic_decreasing
    assert table["mean_minutes"].is_monotonic_decreasing
    assert table["reached"].tolist() == [reached(nearby, order[:n]) for n in range(len(order) + 1)]


@settings(max_examples=25, deadline=None)
@given(nearby=instances(most_places=5, most_units=5), k=st.integers(1, 3), capacity=st.integers(1, 20))
def test_gains_under_capacity_are_those_of_the_answer_and_come_largest_first(nearby, k, capacity):
    answer = nearest(nearby, k, capacity=capacity)
    order = in_order_of_gain(nearby, answer.places, capacity=capacity)

    table = gains_table(nearby, order, capacity=capacity)

    total = max(int(nearby.households.sum()), 1)
    assert table["reached"].iloc[-1] == answer.served.households.sum()
    assert table["mean_minutes"].iloc[-1] == pytest.approx(answer.value / total, abs=1e-3)
    for n in range(len(order)):
        costs = [walked(nearby, np.array([*order[:n], place]), capacity) for place in order[n:].tolist()]
        assert costs[0] == pytest.approx(min(costs), abs=1e-4)
        saved = walked(nearby, order[:n], capacity) - costs[0]
        assert table["saved"].iloc[n + 1] == pytest.approx(saved, abs=0.051)
        assert table["reached"].iloc[n + 1] - table["reached"].iloc[n] == table["gained"].iloc[n + 1]


def test_a_full_station_leaves_the_next_one_something_to_add():
    nearby = near([[1, 2], [1, 2]], [30, 30], standing=1)

    table = gains_table(nearby, np.array([1]), capacity=40)

    # Of 60 households 40 find room before and all after; 20 walked the limit of 15 minutes.
    assert table["reached"].tolist() == [40, 60]
    assert table["share"].tolist() == [0.6667, 1.0]
    assert table["saved"].tolist() == [0.0, 20 * 13.0]
    assert gains_table(nearby, np.array([1]))["gained"].tolist() == [0, 0]


def test_chosen_places_are_put_in_the_order_of_what_they_add():
    nearby = near([[5, None, 5], [None, 5, None], [None, 5, None], [5, None, None]], [3, 4, 4, 1])

    assert in_order_of_gain(nearby, np.array([0, 1, 2])).tolist() == [1, 0, 2]


def test_whoever_no_place_is_near_is_no_reason_to_build():
    nearby = near([[None, None], [5, None]], [9, 1])

    assert most_reached(nearby, 2).places.tolist() == [0]
    assert fewest(nearby).places.tolist() == [0]


def test_a_place_that_stands_is_not_built_again():
    nearby = near([[5, 5], [5, None]], [9, 1], standing=1)

    assert most_reached(nearby, 1).value == 0
    assert fewest(nearby).places.tolist() == []
