"""Linked households of one micro-grid: bounds, contiguity, nearest, and what cannot be."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.linking import Hosts, linked
from tests.builders import draw_adjacency, lattice


def row(households, hosts, *, counts=None, lower=10, upper=30, metres=None):
    """Units in a row, 10 m apart; hosts by the unit they live in."""
    n = len(households)
    at = np.arange(n) * 10.0
    far = np.abs(at[:, None] - at[np.array(hosts)][None, :]) if metres is None else np.array(metres, float)
    places = Hosts(np.array(hosts), np.array(counts or [1] * len(hosts)))
    left = np.arange(n - 1)
    return linked(np.array(households), places, far, left, left + 1, lower=lower, upper=upper)


def told(links):
    return {
        (int(u), int(p)): int(h) for u, p, h in zip(links.unit, links.place, links.households, strict=True)
    }


def test_households_go_to_the_nearest_place_within_the_bounds():
    links = row([10, 10, 10, 10], [0, 3])

    assert told(links) == {(0, 0): 10, (1, 0): 10, (2, 1): 10, (3, 1): 10}
    assert links.links.tolist() == [1, 1]
    assert links.proved


def test_a_stairwell_of_more_than_one_can_link_is_shared():
    links = row([50], [0, 0])

    assert sorted(links.of_place().tolist()) in ([20, 30], [25, 25], [21, 29], [22, 28], [23, 27], [24, 26])
    assert links.of_place().sum() == 50


def test_a_place_with_several_member_households_links_as_many_times_more():
    links = row([30, 25], [0], counts=[3])

    assert links.of_place().tolist() == [55]
    assert links.links.tolist()[0] in (2, 3)


def test_the_lower_bound_sends_households_farther_than_the_nearest_place():
    links = row([4, 30, 6], [0, 1])

    assert links.of_place().tolist() == [10, 30]
    assert links.is_contiguous.all()


def test_member_households_that_nobody_needs_stay_in_reserve():
    links = row([12], [0, 0, 0])

    assert sorted(links.links.tolist()) == [0, 0, 1]
    assert links.of_place().sum() == 12


def test_too_few_member_households_link_more_than_the_bound_and_nobody_is_left_out():
    links = row([40, 40], [0])

    assert links.of_place().tolist() == [80]


def test_too_few_households_are_linked_all_the_same():
    links = row([3, 4], [0])

    assert links.of_place().tolist() == [7]


def test_what_one_place_links_is_contiguous_even_where_walks_are_shorter_otherwise():
    # By the metres the ends would go to the first place and the middle to the second.
    metres = [[1, 50], [50, 1], [1, 50]]

    links = row([10, 10, 10], [0, 1], metres=metres)

    assert links.is_contiguous.all()
    assert links.of_place().sum() == 30


@st.composite
def micro_grids(draw):
    rows, columns = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    n = rows * columns
    drawing = " / ".join(" ".join(f"u{r * columns + c:02}" for c in range(columns)) for r in range(rows))
    households = draw(st.lists(st.integers(0, 40), min_size=n, max_size=n))
    hosts = draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=4))
    counts = draw(st.lists(st.integers(1, 2), min_size=len(hosts), max_size=len(hosts)))
    return drawing, households, hosts, counts


@settings(max_examples=60, deadline=None)
@given(grid=micro_grids(), bounds=st.sampled_from([(10, 30), (5, 10), (5, 7)]))
def test_everyone_is_linked_and_within_the_bounds_where_that_can_be(grid, bounds):
    drawing, households, hosts, counts = grid
    lower, upper = bounds
    pairs = draw_adjacency(drawing)
    n = len(households)
    spot = np.array([(int(u[1:]) % 3, int(u[1:]) // 3) for u in pairs.unit_ids], float) * 20
    far = np.hypot(*(spot[:, None] - spot[np.array(hosts)][None]).transpose(2, 0, 1))

    links = linked(
        np.array(households), Hosts(np.array(hosts), np.array(counts)), far, pairs.left, pairs.right,
        lower=lower, upper=upper,
    )  # fmt: skip

    assert np.bincount(links.unit, links.households, n).tolist() == households
    assert (links.links <= counts).all()
    total, able = sum(households), sum(counts)
    of_place = links.of_place()
    if total and -(-total // upper) <= min(able, total // lower):
        assert (of_place >= lower * links.links).all()
        assert (of_place <= upper * links.links).all()
    elif total > upper * able:
        # No more are above the bound than cannot be helped.
        assert int(np.maximum(of_place - upper * links.links, 0).sum()) == total - upper * able
    assert links.is_contiguous.all()


def test_the_shortest_walks_are_found_against_every_division():
    households, hosts = [6, 7, 5, 6], [0, 2]
    links = row(households, hosts, lower=10, upper=14)

    metres = np.abs(np.arange(4)[:, None] * 10.0 - np.array(hosts)[None] * 10.0)
    best = min(
        a * metres[0, 0] + (6 - a) * metres[0, 1] + b * metres[1, 0] + (7 - b) * metres[1, 1]
        + c * metres[2, 0] + (5 - c) * metres[2, 1] + d * metres[3, 0] + (6 - d) * metres[3, 1]
        for a in range(7) for b in range(8) for c in range(6) for d in range(7)
        if 10 <= a + b + c + d <= 14
    )  # fmt: skip
    assert (links.households * metres[links.unit, links.place]).sum() == pytest.approx(best)


OUT = 100_000.0


def cost_of(households, links, lower, upper):
    """What a place with so many households and links is out of bounds."""
    return OUT * max(lower * links - households, households - upper * links, 0)


def cheapest(households, hosts, counts, metres, pairs, lower, upper):
    """The cheapest contiguous links of a few households to two places, over every division of every unit."""
    n, best = len(households), np.inf
    for shares in product(*[range(each + 1) for each in households]):
        cost = 0.0
        for place, mine in enumerate((shares, [w - a for w, a in zip(households, shares, strict=True)])):
            inside = {u for u in range(n) if mine[u] or not households[u]} | {hosts[place]}
            reached, grown = {hosts[place]}, True
            while grown:
                more = {b for a, b in pairs if a in reached and b in inside}
                grown = bool(more - reached)
                reached |= more
            if any(mine[u] and u not in reached for u in range(n)):
                cost = np.inf
                break
            cost += sum(m * metres[u][place] for u, m in enumerate(mine))
            some = range(1, counts[place] + 1) if sum(mine) else range(1)
            cost += min(cost_of(sum(mine), links, lower, upper) for links in some)
        best = min(best, cost)
    return best


@st.composite
def few_households(draw):
    """Two to six units in rows of two or three, and walks that have little to do with where they are."""
    rows, columns = draw(st.sampled_from([(1, 3), (1, 4), (2, 2), (2, 3)]))
    n = rows * columns
    households = draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    hosts = draw(st.lists(st.integers(0, n - 1), min_size=2, max_size=2))
    counts = draw(st.lists(st.integers(1, 2), min_size=2, max_size=2))
    metres = draw(st.lists(st.lists(st.integers(1, 60), min_size=2, max_size=2), min_size=n, max_size=n))
    return lattice(rows, columns), households, hosts, counts, metres


@settings(max_examples=80, deadline=None)
@given(grid=few_households(), bounds=st.sampled_from([(1, 3), (2, 3), (2, 5)]))
def test_links_are_the_shortest_or_tell_how_far_from_it_they_may_be(grid, bounds):
    pairs, households, hosts, counts, metres = grid
    lower, upper = bounds
    both = [*zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)]
    either_way = both + [(b, a) for a, b in both]
    best = cheapest(households, hosts, counts, metres, either_way, lower, upper)

    for small in (500, 0):
        links = linked(
            np.array(households), Hosts(np.array(hosts), np.array(counts)), np.array(metres, float),
            pairs.left, pairs.right, lower=lower, upper=upper, small=small,
        )  # fmt: skip

        out = sum(
            cost_of(*each, lower, upper)
            for each in zip(links.of_place().tolist(), links.links.tolist(), strict=True)
        )
        assert links.is_contiguous.all()
        assert links.metres == (links.households * np.array(metres)[links.unit, links.place]).sum()
        assert out + links.metres >= best - 1e-6
        # The bound is for as many households out of bounds.
        if out == best // OUT * OUT:
            assert out + links.bound <= best + 1e-6
        assert links.proved or small == 0
        if links.proved:
            assert out + links.metres == pytest.approx(best)
            assert links.gap == 0


def test_many_places_are_linked_contiguously_with_a_bound_on_what_could_be_saved():
    pairs = lattice(7, 8)
    n, rng = 56, np.random.default_rng(1)
    # A third of the borders are walls, and units still hang together.
    street = rng.random(len(pairs.left)) > 0.3
    left, right = pairs.left[street], pairs.right[street]
    hosts = np.sort(rng.choice(n, 18, replace=False))
    spot = np.stack(np.divmod(np.arange(n), 8), axis=1) * 15.0
    metres = np.hypot(*(spot[:, None] - spot[hosts][None]).transpose(2, 0, 1)) + rng.uniform(0, 20, (n, 18))
    households = rng.integers(0, 4, n)

    def once():
        return linked(households, Hosts(hosts, np.ones(18, int)), metres, left, right, lower=10, upper=30)

    links = once()

    assert links.is_contiguous.all()
    assert np.bincount(links.unit, links.households, n).tolist() == households.tolist()
    of_place = links.of_place()
    assert (of_place >= 10 * links.links).all()
    assert (of_place <= 30 * links.links).all()
    assert metres.min(axis=1) @ households <= links.bound < links.metres
    assert not links.proved
    assert 0 < links.gap < 0.3
    again = once()
    assert told(again) == told(links)
    assert again.bound == links.bound
