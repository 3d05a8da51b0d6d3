"""A version as arrays: its ground, and which unit is in which grid."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from geo.adjacency import Adjacency
from geo.crs import transformer, working_crs
from geo.partition import Band

IntArray = NDArray[np.int64]

STORED_CRS = CRS.from_epsg(4490)


@dataclass
class Grid:
    """A micro-grid of a draft."""

    code: str
    name: str | None
    kind: str


@dataclass
class Draft:
    """A version that is being worked on.

    Attributes
    ----------
    version_id : UUID
    community_id, ground_id : int
    community_code : str
    band : Band
    adjacency : Adjacency
        Of the ground; unit ids in ascending order.
    households : (n,) int64
    compounds : (n,) object
        Compound of each unit, None where it is in none.
    labels : (n,) int64
        Number of the grid of each unit, -1 for none.
    grids : dict of number to Grid
    """

    version_id: UUID
    community_id: int
    community_code: str
    ground_id: int
    band: Band
    adjacency: Adjacency
    households: IntArray
    compounds: NDArray[np.object_]
    labels: IntArray
    grids: dict[int, Grid]

    @cached_property
    def number_of_unit(self) -> dict[str, int]:
        """Number of each unit by its id."""
        return {str(unit): number for number, unit in enumerate(self.adjacency.unit_ids)}

    def grid_ids(self) -> NDArray[np.object_]:
        """Return the code of the grid of each unit, None for none."""
        codes = np.full(len(self.labels), None, object)
        for number, grid in self.grids.items():
            codes[self.labels == number] = grid.code
        return codes

    def special(self) -> frozenset[str]:
        """Return the codes of the grids that are exempt from the band."""
        return frozenset(grid.code for grid in self.grids.values() if grid.kind == "special")


def read_draft(session: Session, version: Row[Any]) -> Draft:
    """Read a version (a row of `queries.version`) with its ground."""
    ground = session.execute(
        text("SELECT pair_left, pair_right, border_m, crosses, joins FROM grounds WHERE id = :id"),
        {"id": version.ground_id},
    ).one()
    units = session.execute(
        text("SELECT unit_id, households, compound_id FROM units WHERE ground_id = :id ORDER BY number"),
        {"id": version.ground_id},
    ).all()
    adjacency = Adjacency(
        np.array([unit.unit_id for unit in units], object),
        np.array(ground.pair_left, np.int64),
        np.array(ground.pair_right, np.int64),
        np.array(ground.border_m, np.float64),
        np.array(ground.crosses, np.uint8),
        np.array(ground.joins, np.bool_),
    )
    labels = np.full(len(units), -1, np.int64)
    for unit, grid in session.execute(
        text("SELECT unit_number, grid_number FROM assignments WHERE version_id = :id"), {"id": version.id}
    ):
        labels[unit] = grid
    grids = {
        row.number: Grid(row.code, row.name, row.kind)
        for row in session.execute(
            text("SELECT number, code, name, kind FROM grids WHERE version_id = :id ORDER BY number"),
            {"id": version.id},
        )
    }
    code = session.execute(
        text("SELECT code FROM divisions WHERE id = :id"), {"id": version.community_id}
    ).scalar_one()
    return Draft(
        version.id, version.community_id, code, version.ground_id,
        Band(version.min_households, version.max_households), adjacency,
        np.array([unit.households for unit in units], np.int64),
        np.array([unit.compound_id for unit in units], object), labels, grids,
    )  # fmt: skip


def union_of_cells(session: Session, ground_id: int, units: Iterable[int]) -> shapely.Geometry | None:
    """Return the ground of some units (numbers) as one polygon in the stored CRS, None for none.

    Cells share every vertex of their borders, so that the union of a coverage is exact.
    """
    rows = session.execute(
        text("SELECT ST_AsBinary(cell) FROM units WHERE ground_id = :ground AND number = ANY (:units)"
             " AND cell IS NOT NULL ORDER BY number"),
        {"ground": ground_id, "units": list(units)},
    ).scalars()  # fmt: skip
    cells = shapely.from_wkb([bytes(wkb) for wkb in rows])
    if len(cells) == 0:
        return None
    joined: shapely.Geometry = shapely.coverage_union_all(cells)
    return joined.geoms[0] if joined.geom_type == "GeometryCollection" else joined


def metric(shape: shapely.Geometry) -> shapely.Geometry:
    """Return a shape of the stored CRS in metres, in the working CRS of its place."""
    min_x, min_y, max_x, max_y = shapely.bounds(shape)
    target = working_crs(STORED_CRS, (min_x, min_y, max_x, max_y))
    shift = transformer(STORED_CRS, target)
    moved: shapely.Geometry = shapely.transform(
        shape, lambda points: np.stack(shift.transform(*points.T), axis=1)
    )
    return moved
