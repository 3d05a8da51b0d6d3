from __future__ import annotations

import numpy as np
import shapely

from api.grid_cells import border_sums


def test_border_sums_are_equal_for_a_union_and_differ_for_anything_else():
    squares = np.array([shapely.box(x, y, x + 1, y + 1) for x in range(3) for y in range(3)], object)
    ring = np.array([k for k in range(9) if k != 4])
    salt, zero = np.uint64(7), np.zeros(9, np.int64)

    def total(shapes) -> int:
        return int(border_sums(np.array(shapes, object), zero[: len(shapes)], 1, salt)[0])

    hollow = shapely.Polygon(
        [(0, 0), (1, 0), (2, 0), (3, 0), (3, 1), (3, 2), (3, 3), (2, 3), (1, 3), (0, 3), (0, 2), (0, 1)],
        [[(1, 1), (1, 2), (2, 2), (2, 1)]],
    )
    assert total(squares[ring]) == total([hollow]) == total([shapely.reverse(hollow)])
    assert total(squares[ring]) != total(squares)
    assert total(squares[ring]) != total([*squares[ring], squares[0]])
    assert total(squares[ring]) != total([shapely.box(0, 0, 3, 3)])
