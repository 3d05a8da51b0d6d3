import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import linework
from geo.linework import COMMUNITY_EDGE, STEPS_PER_M, Linework, noded, segments

ROAD = 2
ORIGIN = (462_000.0, 3_542_000.0)


def work(*lines, kinds=None, sites=(), longest_m=1e9) -> Linework:
    parts = []
    for line, kind in zip(lines, kinds or [ROAD] * len(lines), strict=True):
        ends = segments(np.array([shapely.LineString(np.array(line) + ORIGIN)], object))
        parts.append((ends, np.full(len(ends), kind)))
    spots = np.array(sites, float).reshape(-1, 2) + ORIGIN
    return noded(parts, spots, origin=ORIGIN, longest_m=longest_m)


def drawn(linework: Linework) -> set[tuple[tuple[float, float], tuple[float, float]]]:
    places = np.round(linework.metres() - ORIGIN, 3)
    return {(tuple(places[a]), tuple(places[b])) for a, b in linework.ends}


def test_crossing_lines_are_split_where_they_cross():
    assert drawn(work([(0, 0), (2, 2)], [(0, 2), (2, 0)])) == {
        ((0, 0), (1, 1)), ((1, 1), (2, 2)), ((0, 2), (1, 1)), ((1, 1), (2, 0)),
    }  # fmt: skip


def test_a_line_that_ends_on_another_splits_it():
    assert drawn(work([(0, 0), (4, 0)], [(1, 0), (1, 3)])) == {
        ((0, 0), (1, 0)), ((1, 0), (4, 0)), ((1, 0), (1, 3)),
    }  # fmt: skip


def test_lines_that_overlap_become_one_with_both_kinds():
    made = work([(0, 0), (4, 0)], [(1, 0), (6, 0)], kinds=[1, 4])

    kinds = dict(zip(sorted(drawn(made)), made.kinds.tolist(), strict=True))
    assert kinds == {((0, 0), (1, 0)): 1, ((1, 0), (4, 0)): 5, ((4, 0), (6, 0)): 4}


def test_a_wall_that_almost_touches_a_road_touches_it():
    made = work([(0, 0), (4, 0)], [(2, 0.006), (2, 3)])

    assert len(made.ends) == 3


def test_community_edges_keep_their_place_when_something_almost_touches_them():
    made = work([(0, 0), (4, 0)], [(2, 0.006), (2, 3)], kinds=[COMMUNITY_EDGE, ROAD])

    assert drawn(made) == {((0, 0), (2, 0)), ((2, 0), (4, 0)), ((2, 0), (2, 3))}


def test_long_lines_are_divided_evenly():
    made = work([(0, 0), (10, 0)], longest_m=4)

    assert sorted(drawn(made)) == [((0, 0), (3.333, 0)), ((3.333, 0), (6.667, 0)), ((6.667, 0), (10, 0))]


def test_sites_are_vertices_in_their_order_and_share_one_where_they_coincide():
    made = work([(0, 0), (4, 0)], sites=[(2, 2), (1, 1), (2, 2)])

    places = made.metres()[made.sites] - ORIGIN
    assert places.tolist() == [[2, 2], [1, 1], [2, 2]]


numbers = st.integers(0, 30).map(lambda n: n / 10)
strokes = st.lists(st.tuples(numbers, numbers), min_size=2, max_size=4, unique=True)


@settings(deadline=None)
@given(lines=st.lists(strokes, min_size=1, max_size=6), seed=st.integers(0, 5))
def test_noded_segments_meet_only_at_shared_ends(lines, seed):
    jitter = np.random.default_rng(seed)
    made = work(*[np.array(line) + jitter.normal(0, 0.003, (len(line), 2)) for line in lines])

    shapes = shapely.linestrings(made.xy[made.ends].astype(float))
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    for a, b in zip(one, other, strict=True):
        if a < b:
            shared = set(made.ends[a]) & set(made.ends[b])
            assert len(shared) == 1
            meeting = shapely.intersection(shapes[a], shapes[b])
            assert meeting.geom_type == "Point"
            assert (shapely.get_coordinates(meeting)[0] == made.xy[shared.pop()]).all()
    assert STEPS_PER_M == 2**14


def tangled(seed: int) -> tuple[list[list[tuple[float, float]]], list[int], list[tuple[float, float]]]:
    """Make lines of every length that cross, touch and almost touch each other, kinds, and sites."""
    rng = np.random.default_rng(seed)
    starts = rng.uniform(0, 900, (160, 2))
    runs = rng.normal(0, 1, (160, 2)) * rng.choice([3, 40, 400], (160, 1))
    lines = [[tuple(a), tuple(a + run)] for a, run in zip(starts, runs, strict=True)]
    for at in range(0, 80, 2):  # ends within a centimetre of other lines and of their ends
        a, b = np.array(lines[at])
        lines.append(
            [tuple(a + (b - a) * rng.uniform() + rng.normal(0, 0.004, 2)), tuple(rng.uniform(0, 900, 2))]
        )
        lines.append([tuple(b + rng.normal(0, 0.004, 2)), tuple(b + rng.normal(0, 5, 2))])
    kinds = rng.choice([COMMUNITY_EDGE, 2, 4, 8], len(lines)).tolist()
    return lines, kinds, rng.uniform(0, 900, (20, 2)).tolist()


@pytest.mark.parametrize("seed", range(12))
def test_what_was_tested_and_stayed_is_left_out_without_a_trace(seed: int, monkeypatch: pytest.MonkeyPatch):
    lines, kinds, sites = tangled(seed)
    rows = []
    beside = linework._beside

    def counted(boxes, fresh):
        near = beside(boxes, fresh)
        rows.append((int(near.sum()), len(near)))
        return near

    monkeypatch.setattr(linework, "_beside", counted)
    quick = work(*lines, kinds=kinds, sites=sites)
    monkeypatch.setattr(linework, "_beside", lambda boxes, fresh: np.ones(len(boxes), bool))
    full = work(*lines, kinds=kinds, sites=sites)

    assert any(near < every for near, every in rows[3:])
    for name in ("xy", "ends", "kinds", "sites"):
        assert np.array_equal(getattr(quick, name), getattr(full, name)), name


@pytest.mark.parametrize("seed", range(5))
def test_boxes_beside_fresh_ones_are_never_missed(seed: int):
    rng = np.random.default_rng(seed)
    corner = rng.integers(-(10**9), 10**9, (400, 2))
    wide = rng.integers(0, 10 ** rng.integers(3, 9, (400, 1)), (400, 2))
    boxes = np.hstack([corner, corner + wide])
    fresh = rng.uniform(size=400) < 0.02

    near = linework._beside(boxes, fresh)

    shapes = shapely.box(*boxes.T.astype(float))
    touching = shapely.STRtree(shapes[fresh]).query(shapes, predicate="intersects")[0]
    assert near[touching].all()
    assert near[fresh].all()


def test_places_too_far_apart_for_one_number_are_told_apart_as_others_are():
    rng = np.random.default_rng(1)
    xy = rng.integers(-3, 3, (200, 2))
    for scale in (1, 2**40):
        places, position = linework._places(xy * scale)
        expected, at = np.unique(xy * scale, axis=0, return_inverse=True)
        assert np.array_equal(places, expected)
        assert np.array_equal(position, at.ravel())
