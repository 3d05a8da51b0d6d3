import numpy as np
import shapely

from geo.linework import noded, segments
from geo.triangulation import triangulate

WALL = 1


def square_in_square():
    shapes = np.array([shapely.box(0, 0, 10, 10), shapely.box(3, 3, 7, 7)], object)
    parts = [(segments(shapes[:1]), np.full(4, 2)), (segments(shapes[1:]), np.full(4, WALL))]
    return noded(parts, np.empty((0, 2)), origin=(0.0, 0.0), longest_m=1e9)


def test_every_segment_is_an_edge_with_its_kind():
    linework = square_in_square()
    triangles = triangulate(linework)

    kinds = {tuple(ends): kind for ends, kind in zip(triangles.edge_ends, triangles.edge_kinds, strict=True)}
    for ends, kind in zip(linework.ends, linework.kinds, strict=True):
        assert kinds[tuple(ends)] == kind


def test_twins_run_the_other_way_along_the_same_edge():
    triangles = triangulate(square_in_square())

    for half, twin in enumerate(triangles.twin.tolist()):
        if twin < 0:
            continue
        after = half - half % 3 + (half + 1) % 3 if half % 3 < 2 else half - 2
        assert triangles.twin[twin] == half
        assert triangles.edge[twin] == triangles.edge[half]
        assert triangles.corners[twin] == triangles.corners[after]


def test_faces_are_the_regions_between_the_edges_that_bound_them():
    linework = square_in_square()
    triangles = triangulate(linework)
    count, face = triangles.faces((triangles.edge_kinds & WALL) > 0)

    area = np.bincount(face, triangles.double_area, count) / 2 / 2**28
    assert sorted(area) == [16, 84]
    inner = triangles.inner_points(linework.xy, count, face) / 2**14
    held = shapely.contains_xy(shapely.box(3, 3, 7, 7), inner[:, 0], inner[:, 1])
    assert (held == (area == 16)).all()
