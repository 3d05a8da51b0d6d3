"""Towns of square houses, 30 m apart, for tests of standing grids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import geopandas as gpd
import numpy as np
import shapely

from geo.plan_layers import PlanLayers, plan_layers

CRS = "EPSG:4549"
EAST_M, NORTH_M = 462_000.0, 3_542_000.0
STEP_M, HOUSE_M = 30.0, 15.0


def box(left: float, bottom: float, right: float, top: float) -> shapely.Polygon:
    """Return a rectangle given in steps of houses: house (x, y) lies in (x, y, x + 1, y + 1)."""
    margin = (STEP_M - HOUSE_M) / 2
    x, y = EAST_M - margin, NORTH_M - margin
    return shapely.box(x + STEP_M * left, y + STEP_M * bottom, x + STEP_M * right, y + STEP_M * top)


def houses(households: Mapping[str, int]) -> gpd.GeoDataFrame:
    """Return houses named by their place, `x-y`, with their households."""
    spots = [tuple(map(int, name.split("-")[:2])) for name in households]
    shapes = [
        shapely.box(
            EAST_M + STEP_M * x,
            NORTH_M + STEP_M * y,
            EAST_M + STEP_M * x + HOUSE_M,
            NORTH_M + STEP_M * y + HOUSE_M,
        )
        for x, y in spots
    ]
    return gpd.GeoDataFrame(
        {"unit_id": list(households), "households": list(households.values())}, geometry=shapes, crs=CRS
    )


def block(columns: int, rows: int, households: int = 10) -> dict[str, int]:
    """Return the households of a block of houses, column by column."""
    return {f"{x}-{y}": households for x in range(columns) for y in range(rows)}


def communities(**shapes: shapely.Geometry) -> gpd.GeoDataFrame:
    """Return communities by name."""
    return gpd.GeoDataFrame(
        {"community_id": list(shapes)}, geometry=np.array(list(shapes.values()), object), crs=CRS
    )


def grids(kinds: Mapping[str, str] | None = None, **shapes: shapely.Geometry) -> gpd.GeoDataFrame:
    """Return drawn grids by name."""
    frame = gpd.GeoDataFrame(
        {"grid_id": list(shapes)}, geometry=np.array(list(shapes.values()), object), crs=CRS
    )
    return frame if kinds is None else frame.assign(kind=[kinds.get(name) for name in shapes])


def listed(rows: Sequence[tuple[str, str | None]]) -> gpd.GeoDataFrame:
    """Return a table of units and grids."""
    return gpd.GeoDataFrame(
        {"unit_id": [unit or None for unit, _ in rows], "grid_id": [grid for _, grid in rows]},
        geometry=[None] * len(rows),
    )


def town(units: gpd.GeoDataFrame, homes: gpd.GeoDataFrame, standing: gpd.GeoDataFrame) -> PlanLayers:
    """Check the layers of a town together; a table of units and grids goes with them as it is."""
    if standing.geometry.notna().any():
        return plan_layers(units=units, communities=homes, grids=standing)
    return replace(plan_layers(units=units, communities=homes), grids=standing)
