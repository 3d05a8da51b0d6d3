import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

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
