import numpy as np
import pytest
import shapely

from geo.adjacency import Crossing, adjacency, contact
from geo.arcs import Arcs

IDS = np.array(["a", "b"], object)


def two_cells(*arcs: tuple[float, int]) -> Arcs:
    """Two cells with a border of arcs (length in metres, crossing bits) and an outline."""
    xy = np.array([(0.0, sum(length for length, _ in arcs[:k])) for k in range(len(arcs) + 1)])
    border = np.arange(len(arcs))
    far = np.array([(100.0, 0.0), (100.0, 100.0)])
    points = np.concatenate([xy, far])
    n = len(xy)
    return Arcs(
        points,
        np.append(border, n), np.append(border + 1, n + 1),
        np.append(np.zeros(len(arcs), np.int64), 0), np.append(np.ones(len(arcs), np.int64), -1),
        np.append(np.array([bits for _, bits in arcs], np.int64), 0), np.zeros(3, np.int64), 2,
    )  # fmt: skip


def test_lengths_add_up_and_outlines_relate_nobody():
    pairs = adjacency(two_cells((3, 0), (4, 0)), IDS)

    assert pairs.pairs() == {("a", "b")}
    assert pairs.border_m.tolist() == [7]
    assert pairs.joins.tolist() == [True]


@pytest.mark.parametrize(
    ("arcs", "joins"),
    [
        ([(5, Crossing.WATER), (5, 0)], True),
        ([(40, Crossing.WATER), (0.5, 0)], False),
        ([(10, Crossing.BARRIER)], False),
        ([(10, Crossing.WALL)], True),
        ([(10, Crossing.MAJOR_ROAD)], True),
    ],
)
def test_a_pair_joins_when_a_metre_of_its_border_is_neither_water_nor_barrier(arcs, joins):
    assert adjacency(two_cells(*arcs), IDS).joins.tolist() == [joins]


def test_a_border_crosses_what_most_of_it_runs_along():
    pairs = adjacency(two_cells((6, Crossing.WALL), (4, Crossing.MINOR_ROAD)), IDS)

    assert Crossing(int(pairs.crosses[0])) == Crossing.WALL


def test_a_bridge_joins_only_where_it_meets_the_border():
    arcs = two_cells((50, Crossing.WATER))
    near, far = shapely.LineString([(-20, 25), (20, 25)]), shapely.LineString([(20, 25), (40, 25)])

    assert adjacency(arcs, IDS, bridges=np.array([near], object)).joins.all()
    assert not adjacency(arcs, IDS, bridges=np.array([far], object)).joins.any()


def test_contact_is_the_border_against_the_way_between_the_middles():
    # A square of 10 m beside a strip of 10 by 30 m, along the strip's short side: middles 20 m apart.
    xy = np.array([(0, 0), (10, 0), (10, 10), (0, 10), (40, 0), (40, 10)], float)
    ends = [
        (1, 2, 0, 1),
        (0, 1, 0, -1),
        (2, 3, 0, -1),
        (3, 0, 0, -1),
        (1, 4, -1, 1),
        (4, 5, -1, 1),
        (5, 2, -1, 1),
    ]
    start, end, left, right = (np.array(column) for column in zip(*ends, strict=True))
    arcs = Arcs(xy, start, end, left, right, np.zeros(7, np.int64), np.zeros(2, np.int64), 2)

    assert contact(arcs, adjacency(arcs, IDS)).tolist() == [0.5]
