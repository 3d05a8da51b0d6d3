import numpy as np
import shapely

from geo.arcs import Arcs
from geo.boundaries import region_polygons, ring_order


def lattice_arcs(drawing: str) -> tuple[Arcs, list[str]]:
    """Arcs of a drawing of single letters, each a square of one metre; a dot is nothing."""
    rows = [line.split() for line in drawing.strip().splitlines()]
    height, width = len(rows), len(rows[0])
    names = sorted({name for row in rows for name in row} - {"."})

    def cell(r: int, c: int) -> int:
        inside = 0 <= r < height and 0 <= c < width and rows[r][c] != "."
        return names.index(rows[r][c]) if inside else -1

    def point(r: int, c: int) -> int:
        return r * (width + 1) + c

    start, end, left, right = [], [], [], []
    for r in range(height + 1):
        for c in range(width + 1):
            if c < width and cell(r - 1, c) != cell(r, c):  # an edge to the east: north is on its left
                start, end = [*start, point(r, c)], [*end, point(r, c + 1)]
                left, right = [*left, cell(r - 1, c)], [*right, cell(r, c)]
            if r < height and cell(r, c - 1) != cell(r, c):  # an edge to the south: east is on its left
                start, end = [*start, point(r, c)], [*end, point(r + 1, c)]
                left, right = [*left, cell(r, c)], [*right, cell(r, c - 1)]
    xy = np.array([(c, -r) for r in range(height + 1) for c in range(width + 1)], float)
    columns = (np.array(column, np.int64) for column in (start, end, left, right))
    arcs = Arcs(xy, *columns, np.zeros(len(start), np.int64), np.zeros(len(names), np.int64), len(names))
    return arcs, names


def polygons_of(drawing: str, *, together: str = "") -> dict[str, shapely.Geometry]:
    arcs, names = lattice_arcs(drawing)
    regions = [0 if name in together else names.index(name) for name in names]
    shapes = region_polygons(arcs, np.array(regions), len(names))
    assert shapely.is_valid(shapes[~shapely.is_missing(shapes)]).all()
    return dict(zip(names, shapes, strict=True))


def test_neighbours_share_their_border():
    shapes = polygons_of("""
        A A B
        A C B
    """)

    assert {name: shape.area for name, shape in shapes.items()} == {"A": 3, "B": 2, "C": 1}
    assert shapely.coverage_is_valid(np.array(list(shapes.values())))


def test_a_region_round_another_has_a_hole():
    shapes = polygons_of("""
        A A A
        A B A
        A A A
    """)

    assert len(shapes["A"].interiors) == 1
    assert shapes["A"].area == 8


def test_a_region_that_closes_on_itself_in_a_point_has_a_hole_there():
    shapes = polygons_of("""
        A A B
        A B A
        A A A
    """)

    assert shapes["A"].geom_type == "Polygon"
    assert shapes["A"].area == 7


def test_two_lobes_that_meet_in_a_point_are_two_polygons():
    shapes = polygons_of("""
        A B
        B A
    """)

    assert shapes["A"].geom_type == shapes["B"].geom_type == "MultiPolygon"


def test_a_region_in_two_places_is_a_multipolygon_with_its_holes_where_they_belong():
    shapes = polygons_of("""
        A A A . A
        A B A . A
        A A A . A
    """)

    assert sorted(part.area for part in shapes["A"].geoms) == [3, 8]
    assert sum(len(part.interiors) for part in shapes["A"].geoms) == 1


def test_cells_of_one_region_melt_together():
    shapes = polygons_of("""
        A B C
        D D C
    """, together="AB")  # fmt: skip

    assert shapes["A"].equals(shapely.box(0, -1, 2, 0))
    assert shapes["B"] is None


def test_ring_order_runs_the_same_interpreted_and_compiled():
    following = np.array([1, 2, 0, 4, 3, 5])

    for large in (False, True):
        ring, place = ring_order(following, large=large)
        assert ring.tolist() == [0, 0, 0, 1, 1, 2]
        assert place.tolist() == [0, 1, 2, 0, 1, 0]
