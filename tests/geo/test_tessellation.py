import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.adjacency import Crossing, adjacency
from geo.arcs import Arcs
from geo.boundaries import region_polygons
from geo.linework import COMMUNITY_EDGE, noded, segments
from geo.tessellation import Lines, spread_labels, tessellate
from geo.triangulation import triangulate

# A corner of Danyang in EPSG:4549, so that coordinates are as large as in practice.
EAST, NORTH = 462_000.0, 3_542_000.0


def at(x: float, y: float) -> tuple[float, float]:
    return EAST + x, NORTH + y


def box(min_x: float, min_y: float, max_x: float, max_y: float) -> shapely.Polygon:
    return shapely.box(*at(min_x, min_y), *at(max_x, max_y))


def line(*points: tuple[float, float]) -> shapely.LineString:
    return shapely.LineString([at(*point) for point in points])


def shapes_of(*shapes: shapely.Geometry) -> np.ndarray:
    array = np.empty(len(shapes), object)
    array[:] = shapes
    return array


def divided(units, communities=None, *, community=None, lines=(), water=()) -> Arcs:
    communities = [box(0, 0, 100, 100)] if communities is None else communities
    bounds = [(shape, int(bit)) for shape, bit in lines] + [(shape, int(Crossing.WATER)) for shape in water]
    return tessellate(
        shapes_of(*units),
        np.zeros(len(units), np.int64) if community is None else np.array(community),
        shapes_of(*communities),
        lines=Lines(
            shapes_of(*(shape for shape, _ in bounds)), np.array([bit for _, bit in bounds], np.int64)
        ),
        water=shapes_of(*water),
    )


def cells_of(arcs: Arcs) -> np.ndarray:
    every = len(arcs.cell_community)
    return region_polygons(arcs, np.arange(every), every)


def assert_exact_coverage(arcs: Arcs, communities, n_units: int) -> np.ndarray:
    cells = cells_of(arcs)
    there = cells[~shapely.is_missing(cells)]
    assert shapely.is_valid(there).all()
    assert shapely.coverage_is_valid(there)
    for number, community in enumerate(communities):
        own = cells[(arcs.cell_community == number) & ~shapely.is_missing(cells)]
        assert shapely.area(own).sum() == pytest.approx(shapely.area(community), rel=1e-6)
        assert shapely.area(shapely.difference(shapely.union_all(own), community)) < 1e-2
    return cells[:n_units]


def test_two_parallel_buildings_share_the_ground_half_way():
    left, right = box(20, 20, 30, 80), box(70, 20, 80, 80)
    arcs = divided([left, right])

    cells = assert_exact_coverage(arcs, [box(0, 0, 100, 100)], 2)
    assert shapely.area(cells) == pytest.approx([5000, 5000], rel=0.05)
    assert shapely.covers(cells[0], left)
    middle = shapely.intersection(cells[0], cells[1])
    assert shapely.distance(middle, shapely.Point(at(50, 50))) < 1e-6


def test_a_cell_ends_at_the_road_between_two_buildings_however_near_one_stands():
    road = line((40, -5), (40, 105))
    arcs = divided([box(10, 40, 20, 60), box(80, 40, 90, 60)], lines=[(road, Crossing.MINOR_ROAD)])

    cells = assert_exact_coverage(arcs, [box(0, 0, 100, 100)], 2)
    assert shapely.area(cells[0]) == pytest.approx(4000, rel=1e-4)
    assert shapely.area(cells[1]) == pytest.approx(6000, rel=1e-4)


def test_a_river_is_divided_along_its_middle_and_joins_nobody():
    river = box(40, -10, 60, 110)
    arcs = divided([box(10, 40, 20, 60), box(80, 40, 90, 60)], water=[river])

    cells = assert_exact_coverage(arcs, [box(0, 0, 100, 100)], 2)
    assert shapely.area(cells[0]) == pytest.approx(5000, rel=0.02)
    pairs = adjacency(arcs, np.array(["a", "b"], object))
    assert pairs.pairs() == {("a", "b")}
    assert pairs.crosses[0] & Crossing.WATER
    assert not pairs.joins[0]


def test_a_bridge_joins_both_banks():
    river, bridge = box(40, -10, 60, 110), line((30, 50), (70, 50))
    arcs = divided(
        [box(10, 40, 20, 60), box(80, 40, 90, 60)], water=[river], lines=[(bridge, Crossing.MINOR_ROAD)]
    )

    pairs = adjacency(arcs, np.array(["a", "b"], object), bridges=shapes_of(bridge))
    assert pairs.joins.all()


def test_a_gate_opens_a_barrier_and_takes_the_wall_off_a_border():
    rail, wall = line((50, -5), (50, 105)), line((-5, 50), (105, 50))
    units = [box(20, 20, 30, 30), box(70, 20, 80, 30), box(20, 70, 30, 80), box(70, 70, 80, 80)]
    arcs = divided(units, lines=[(rail, Crossing.BARRIER), (wall, Crossing.WALL)])
    ids = np.array(["sw", "se", "nw", "ne"], object)

    closed = adjacency(arcs, ids)
    opened = adjacency(arcs, ids, gates=shapes_of(shapely.Point(at(50, 20)), shapely.Point(at(20, 50))))

    def joined(pairs):
        return {pair for pair, joins in zip(sorted(pairs.pairs()), pairs.joins, strict=True) if joins}

    position = {name: k for k, name in enumerate(ids)}
    of = {(int(a), int(b)): k for k, (a, b) in enumerate(zip(closed.left, closed.right, strict=True))}
    rail_south = of[position["sw"], position["se"]]
    wall_west = of[position["sw"], position["nw"]]
    assert not closed.joins[rail_south]
    assert opened.joins[rail_south]
    assert closed.joins[wall_west]
    assert closed.crosses[wall_west] == Crossing.WALL
    assert opened.crosses[wall_west] == 0


def test_no_cell_edge_crosses_a_building_of_one_unit():
    generator = np.random.default_rng(3)
    units = [box(x, y, x + 14, y + 9) for x in range(4, 90, 22) for y in range(4, 90, 17)]
    units = [shapely.affinity.rotate(unit, generator.uniform(-8, 8)) for unit in units]
    roads = [(line((0, 37), (100, 39)), Crossing.MINOR_ROAD), (line((46, 0), (48, 100)), Crossing.MAJOR_ROAD)]
    arcs = divided(units, lines=roads)

    cells = assert_exact_coverage(arcs, [box(0, 0, 100, 100)], len(units))
    for cell, unit in zip(cells, units, strict=True):
        assert shapely.covers(shapely.buffer(cell, 0.001), unit)


def test_stairwell_units_of_one_footprint_divide_it_in_strips():
    slab = box(20, 40, 80, 50)
    arcs = divided([slab, slab, slab])

    cells = assert_exact_coverage(arcs, [box(0, 0, 100, 100)], 3)
    inside = shapely.area(shapely.intersection(cells, slab))
    assert inside == pytest.approx([200, 200, 200], rel=0.01)
    pairs = adjacency(arcs, np.array(["1", "2", "3"], object)).pairs()
    assert {("1", "2"), ("2", "3")} <= pairs


def test_many_units_at_one_point_each_get_ground():
    spot = shapely.Point(at(50, 50))
    arcs = divided([spot] * 12 + [box(80, 80, 90, 90)])

    cells = assert_exact_coverage(arcs, [box(0, 0, 100, 100)], 13)
    assert (shapely.area(cells) > 0).all()
    pairs = adjacency(arcs, np.array([f"{k:02}" for k in range(13)], object))
    from geo.partition.partition import components

    assert len(set(components(13, pairs.left[pairs.joins], pairs.right[pairs.joins]))) == 1


def test_a_community_without_units_is_one_bare_cell():
    communities = [box(0, 0, 50, 100), box(50, 0, 100, 100)]
    arcs = divided([box(10, 10, 20, 20)], communities, community=[0])

    cells = cells_of(arcs)
    assert shapely.area(cells[0]) == pytest.approx(5000, rel=1e-6)
    assert cells[1] is None
    assert shapely.area(cells[2]) == pytest.approx(5000, rel=1e-6)


def test_a_building_across_a_community_edge_keeps_only_its_side():
    communities = [box(0, 0, 50, 100), box(50, 0, 100, 100)]
    arcs = divided([box(40, 40, 60, 60), box(80, 10, 90, 20)], communities, community=[0, 1])

    cells = assert_exact_coverage(arcs, communities, 2)
    assert shapely.area(cells[0]) == pytest.approx(5000, rel=1e-6)


def test_a_unit_outside_every_community_has_no_cell():
    arcs = divided([box(10, 10, 20, 20), box(200, 10, 220, 20)], community=[0, -1])

    assert cells_of(arcs)[1] is None


def test_a_park_goes_whole_to_the_cell_it_shares_most_border_with():
    roads = [
        (line((30, -5), (30, 105)), Crossing.MINOR_ROAD),
        (line((60, -5), (60, 105)), Crossing.MINOR_ROAD),
        (line((60, 80), (105, 80)), Crossing.MINOR_ROAD),
    ]
    west, south_east, north_east = box(10, 40, 20, 60), box(80, 30, 90, 40), box(80, 90, 90, 95)
    arcs = divided([west, south_east, north_east], lines=roads)

    cells = assert_exact_coverage(arcs, [box(0, 0, 100, 100)], 3)
    assert shapely.area(cells) == pytest.approx([6000, 3200, 800], rel=1e-4)


def test_a_detached_piece_of_a_community_belongs_to_its_nearest_unit():
    exclave = shapely.union_all([box(0, 0, 40, 40), box(60, 60, 100, 100)])
    arcs = divided([box(10, 10, 20, 20)], [exclave])

    cells = cells_of(arcs)
    assert shapely.area(cells[0]) == pytest.approx(3200, rel=1e-6)
    assert shapely.get_num_geometries(cells[0]) == 2


def test_walls_that_almost_touch_and_roads_along_a_community_edge_make_no_slivers():
    communities = [box(0, 0, 50, 100), box(50, 0, 100, 100)]
    road = line((50.004, -5), (49.997, 30), (50.003, 60), (50.0, 105))
    units = [box(10, 10, 20, 20), box(20.003, 12, 30, 18), box(70, 10, 80, 20)]
    arcs = divided(units, communities, community=[0, 0, 1], lines=[(road, Crossing.MINOR_ROAD)])

    assert_exact_coverage(arcs, communities, 3)
    edge = arcs.left != arcs.right
    across = (
        edge & np.isin(np.minimum(arcs.left, arcs.right), (0, 1)) & (np.maximum(arcs.left, arcs.right) == 2)
    )
    assert (arcs.crossing[across] & Crossing.MINOR_ROAD > 0).all()
    assert arcs.length_m[across].sum() == pytest.approx(100, abs=0.1)


rectangles = st.tuples(
    st.floats(1, 80), st.floats(1, 80), st.floats(2, 30), st.floats(2, 30), st.floats(-45, 45)
).map(lambda r: shapely.affinity.rotate(box(r[0], r[1], r[0] + r[2], r[1] + r[3]), r[4]))
spots = st.tuples(st.integers(1, 99), st.integers(1, 99)).map(lambda p: shapely.Point(at(*p)))
strokes = st.lists(
    st.tuples(st.integers(-5, 105), st.integers(-5, 105)), min_size=2, max_size=4, unique=True
).map(lambda points: line(*points))


@settings(max_examples=60, deadline=None)
@given(
    units=st.lists(st.one_of(rectangles, spots), min_size=1, max_size=9),
    roads=st.lists(strokes, max_size=3),
    rails=st.lists(strokes, max_size=1),
    ponds=st.lists(rectangles, max_size=2),
)
def test_whatever_overlaps_the_cells_cover_the_communities_exactly(units, roads, rails, ponds):
    communities = [box(0, 0, 55, 100), box(55, 0, 100, 100)]
    inner = [shapely.point_on_surface(unit) for unit in units]
    community = [
        0 if shapely.covers(communities[0], point) else 1 if shapely.covers(communities[1], point) else -1
        for point in inner
    ]
    bounds = [(road, Crossing.MINOR_ROAD) for road in roads] + [(rail, Crossing.BARRIER) for rail in rails]
    arcs = divided(units, communities, community=community, lines=bounds, water=ponds)

    cells = assert_exact_coverage(arcs, communities, len(units))
    for cell, home in zip(cells, community, strict=True):
        assert (cell is not None and shapely.area(cell) > 0) == (home >= 0)


@settings(max_examples=20, deadline=None)
@given(units=st.lists(rectangles, min_size=2, max_size=8), order=st.randoms(use_true_random=False))
def test_the_order_of_roads_does_not_matter(units, order):
    roads = [(line((0, y), (100, y + 3)), Crossing.MINOR_ROAD) for y in (20, 50, 80)]
    shuffled = list(roads)
    order.shuffle(shuffled)
    inside = [
        0 if shapely.covers(box(0, 0, 100, 100), shapely.point_on_surface(unit)) else -1 for unit in units
    ]

    one = cells_of(divided(units, community=inside, lines=roads))
    other = cells_of(divided(units, community=inside, lines=shuffled))
    assert [cell and cell.wkb for cell in one] == [cell and cell.wkb for cell in other]


def test_interpreted_and_compiled_labels_agree():
    generator = np.random.default_rng(5)
    outline = segments(shapes_of(box(0, 0, 100, 100)))
    spread = generator.uniform(1, 99, (60, 2)) + np.array([EAST, NORTH])
    work = noded(
        [(outline, np.full(len(outline), COMMUNITY_EDGE))], spread, origin=(EAST, NORTH), longest_m=5.0
    )
    triangles = triangulate(work)
    label = np.full(3 * triangles.n, -1)
    at_site = np.full(len(work.xy), -1)
    at_site[work.sites] = np.arange(60) // 6
    label = at_site[triangles.corners]
    open_corner = np.ones(len(label), bool)
    blocked = generator.random(len(label)) < 0.1
    length = generator.uniform(1, 9, len(label))

    sources = np.flatnonzero(label >= 0)
    groups = np.array([0, len(sources)])
    arguments = (label, open_corner, sources, groups, triangles.twin, blocked, length, 1e-6)
    assert (spread_labels(*arguments, large=False) == spread_labels(*arguments, large=True)).all()


def test_a_verge_between_wall_and_road_is_shared_by_the_cells_behind_the_wall():
    wall, road = box(30, 30, 70, 70), line((20, 0), (20, 20), (80, 20), (80, 80), (20, 80), (20, 20))
    inside = [box(35, 35, 40, 65), box(60, 35, 65, 65)]
    arcs = divided([*inside, box(5, 40, 10, 60)], lines=[(wall, Crossing.WALL), (road, Crossing.MINOR_ROAD)])

    cells = assert_exact_coverage(arcs, [box(0, 0, 100, 100)], 3)
    assert shapely.area(cells[:2]) == pytest.approx([1800, 1800], rel=0.05)


def test_ground_that_only_water_connects_to_a_cell_joins_nobody_to_it():
    river = box(40, -10, 60, 110)
    wall = line((80, -5), (80, 105))
    arcs = divided(
        [box(10, 40, 20, 60), box(90, 40, 95, 60)], water=[river], lines=[(wall, Crossing.BARRIER)]
    )

    assert_exact_coverage(arcs, [box(0, 0, 100, 100)], 2)
    assert not adjacency(arcs, np.array(["west", "east"], object)).joins.any()
