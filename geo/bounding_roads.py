"""The roads that bound an area (四至): they run along its border, while others meet it or end beside it."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

# The border may run beside a road in place of in its middle: half the width of a main road.
BESIDE_M = 20.0
# Of the border as much is looked at in one step; shorter than any side of a building.
STEP_M = 5.0
# A road that turns further from the border than this leaves it, in degrees.
MOST_TURN_DEG = 30.0
# Roads nearer to each other than this are one road that is drawn twice.
ONE_ROAD_M = 1.0


def followed_m(area: shapely.Geometry, roads: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return along how many metres of the border of an area each road runs.

    A step of the border belongs to the nearest road beside it that has its direction: a lane within the
    area that keeps to a street has none of it, and a road that meets the border has none either.

    Parameters
    ----------
    area : Polygon or MultiPolygon
        In metres; the rims of its holes are border too.
    roads : (n,) lines or polygons
        In the same CRS. Of a road that is a polygon the rim counts.

    Returns
    -------
    (n,) float, metres
    """
    total = np.zeros(len(roads))
    if not len(roads):
        return total
    rims = np.where(shapely.get_dimensions(roads) == 2, shapely.boundary(roads), roads)
    lines, owner = shapely.get_parts(rims, return_index=True)
    tree = shapely.STRtree(lines)
    for ring in shapely.get_parts(shapely.boundary(area)):
        n_steps = max(4, int(np.ceil(ring.length / STEP_M)))
        step_m = ring.length / n_steps
        at = (np.arange(n_steps) + 0.5) * step_m
        middle = shapely.line_interpolate_point(ring, at)
        # A ring goes on where it began.
        border = _way(ring, (at - STEP_M) % ring.length, (at + STEP_M) % ring.length)
        step, line = tree.query(middle, predicate="dwithin", distance=BESIDE_M)
        near, length_m = lines[line], shapely.length(lines[line])
        foot = shapely.line_locate_point(near, middle[step])
        distance = shapely.distance(shapely.line_interpolate_point(near, foot), middle[step])
        road = _way(near, np.maximum(foot - STEP_M, 0.0), np.minimum(foot + STEP_M, length_m))
        # Beyond its end a road is beside nothing, though it may be near and straight ahead.
        goes_on = ((foot > 0.0) & (foot < length_m)) | (distance < ONE_ROAD_M)
        beside = goes_on & (_turn_deg(border[step], road) <= MOST_TURN_DEG)
        nearest = np.full(n_steps, np.inf)
        np.minimum.at(nearest, step[beside], distance[beside])
        beside &= distance <= nearest[step] + ONE_ROAD_M
        followed = np.zeros((len(roads), n_steps), dtype=bool)
        followed[owner[line[beside]], step[beside]] = True
        total += step_m * followed.sum(axis=1)
    return total


def _way(
    line: shapely.Geometry | NDArray[np.object_], start_m: NDArray[np.float64], end_m: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how far east and north it is from one place of a line to another."""
    places = [shapely.line_interpolate_point(line, at_m) for at_m in (start_m, end_m)]
    start, end = (np.stack([shapely.get_x(each), shapely.get_y(each)], axis=-1) for each in places)
    way: NDArray[np.float64] = end - start
    return way


def _turn_deg(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the angle between ways, whichever way each is gone: 0 to 90."""
    along = np.abs(np.sum(one * other, axis=-1))
    across = np.abs(one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0])
    turn: NDArray[np.float64] = np.degrees(np.arctan2(across, along))
    return turn
