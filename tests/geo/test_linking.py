"""Linked households of one micro-grid: bounds, contiguity, nearest, and what cannot be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.linking import Hosts, linked
from tests.builders import draw_adjacency


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
