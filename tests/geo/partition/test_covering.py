import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.partition import Band, Weights, covering
from geo.partition.covering import FEW_LAID, cheapest_cover
from geo.partition.exact import divisions, list_connected_sets, set_costs
from tests.geo.partition.test_exact import block

FAR = 1e6
PLENTY = 10**7


def sets_of(region, band):
    sets = list_connected_sets(region, band.lower, band.upper, limit=PLENTY)
    return sets.member, set_costs(region, sets, band, Weights())


@given(weight=st.lists(st.integers(1, 9), min_size=9, max_size=9), lower=st.integers(8, 16))
def test_the_cheapest_cover_is_the_least_of_all_divisions(weight, lower):
    region, band = block(3, 3, weight), Band(lower, 2 * lower)
    member, cost = sets_of(region, band)
    where = {row.tobytes(): i for i, row in enumerate(member)}
    every = []
    for parts in divisions(region, band):
        rows = np.zeros((len(parts), 9), bool)
        for row, part in zip(rows, parts, strict=True):
            row[part] = True
        every.append(sum(cost[where[row.tobytes()]] for row in rows))

    found = cheapest_cover(member, cost, FAR, laid=PLENTY, large=False)

    assert found.proved
    if not every:
        assert not len(found.chosen)
        return
    assert (member[found.chosen].sum(axis=0) == 1).all()
    assert cost[found.chosen].sum() == pytest.approx(min(every), abs=1e-3)


def test_a_cover_no_cheaper_than_the_known_one_is_not_told():
    member, cost = sets_of(block(3, 4), Band(3, 6))
    least = cost[cheapest_cover(member, cost, FAR, laid=PLENTY, large=False).chosen].sum()

    at_its_cost = cheapest_cover(member, cost, float(least), laid=PLENTY, large=False)
    just_above = cheapest_cover(member, cost, float(least) + 0.01, laid=PLENTY, large=False)

    assert at_its_cost.proved
    assert not len(at_its_cost.chosen)
    assert cost[just_above.chosen].sum() == pytest.approx(least)


def hard():
    chance = np.random.default_rng(3)
    return sets_of(block(5, 6, chance.integers(5, 30, 30).tolist()), Band(50, 100))


def test_a_search_gives_the_same_interpreted_and_compiled():
    member, cost = hard()

    one, two = (cheapest_cover(member, cost, FAR, laid=FEW_LAID, large=large) for large in (False, True))

    assert len(one.chosen)
    np.testing.assert_array_equal(one.chosen, two.chosen)


def test_a_search_that_ends_early_proves_nothing():
    member, cost = hard()
    least = cheapest_cover(member, cost, FAR, laid=PLENTY, large=True)

    few, none = (cheapest_cover(member, cost, FAR, laid=laid, large=False) for laid in (20, 1))

    assert least.proved
    assert not few.proved
    assert cost[few.chosen].sum() >= cost[least.chosen].sum()
    assert none is None


def test_where_an_atom_is_in_no_set_nothing_is_chosen():
    member = np.array([[True, False, False], [False, True, False]])

    assert not len(cheapest_cover(member, np.ones(2), FAR, laid=10, large=False).chosen)


def test_the_cheapest_cover_is_the_same_with_a_few_columns_at_a_time(monkeypatch):
    member, cost = hard()
    at_once = cheapest_cover(member, cost, FAR, laid=PLENTY, large=True)
    monkeypatch.setattr(covering, "FEW_COLUMNS", 10)
    monkeypatch.setattr(covering, "FIRST_COLUMNS", 1)
    monkeypatch.setattr(covering, "MORE_COLUMNS", 5)

    by_turns = cheapest_cover(member, cost, FAR, laid=PLENTY, large=True)

    assert by_turns.proved
    assert cost[by_turns.chosen].sum() == pytest.approx(cost[at_once.chosen].sum())


def test_where_sets_cannot_hold_every_atom_once_nothing_is_chosen_by_turns_either(monkeypatch):
    monkeypatch.setattr(covering, "FEW_COLUMNS", 1)
    member = np.array([[True, True, False], [False, True, True], [True, False, True]])

    assert not len(cheapest_cover(member, np.ones(3), FAR, laid=10, large=False).chosen)
