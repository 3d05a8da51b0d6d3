"""The community each unit lies in, by its place."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from geopandas import GeoDataFrame
from numpy.typing import NDArray

from geo.errors import CrsError
from geo.findings import Finding
from geo.overlay import intersection

# Layers that lie farther apart than this, with no unit inside a community, are in a wrong CRS.
_FAR_M = 1_000.0


def with_communities(
    units: GeoDataFrame, communities: GeoDataFrame, *, file: str
) -> tuple[GeoDataFrame, list[Finding]]:
    """Place each unit in the community it lies in, whatever its column says."""
    shapes = np.array(units.geometry, dtype=object)
    grounds = np.array(communities.geometry, dtype=object)
    ids = communities["community_id"].to_numpy(dtype=object)
    claimed = units["community_id"].to_numpy(dtype=object)
    at = _community_positions(shapes, grounds, ids, claimed)
    outside = at < 0
    if outside.all():
        _require_near(units, communities, file)
    placed_in = ids[at]
    placed_in[outside] = None
    unit_ids = units["unit_id"].to_numpy(dtype=object)
    anchors = shapely.get_coordinates(
        shapely.point_on_surface(np.where(shapely.is_missing(shapes), shapely.Point(0, 0), shapes))
    )
    findings = []
    for row in np.flatnonzero(outside & ~shapely.is_missing(shapes)).tolist():
        findings.append(
            Finding(
                "unit_outside_communities",
                "warning",
                unit_ids=(unit_ids[row],),
                values={"households": int(units["households"].iloc[row])},
                point=(float(anchors[row, 0]), float(anchors[row, 1])),
            )
        )
    contradicted = ~outside & (claimed != None) & (claimed != placed_in)  # noqa: E711
    for row in np.flatnonzero(contradicted).tolist():
        findings.append(
            Finding(
                "community_contradicts_place",
                "warning",
                community_id=placed_in[row],
                unit_ids=(unit_ids[row],),
                values={"stated": claimed[row], "used": placed_in[row]},
                point=(float(anchors[row, 0]), float(anchors[row, 1])),
            )
        )
    return units.assign(community_id=pd.Series(placed_in, dtype=object)), findings


def _community_positions(
    shapes: NDArray[np.object_],
    grounds: NDArray[np.object_],
    ids: NDArray[np.object_],
    claimed: NDArray[np.object_],
) -> NDArray[np.int64]:
    """Position of the community of each unit, -1 outside all.

    A point counts where it lies; a footprint where most of it lies. On the very edge the unit's own claim
    decides, then the smaller id.
    """
    at = np.full(len(shapes), -1, dtype=np.int64)
    unit, ground = shapely.STRtree(grounds).query(shapes, predicate="intersects")
    if len(unit) == 0:
        return at
    share = np.zeros(len(unit))
    is_area = np.isin(shapely.get_type_id(shapes[unit]), (3, 6))
    alone = np.bincount(unit, minlength=len(shapes))[unit] == 1
    measured = is_area & ~alone
    share[measured] = shapely.area(intersection(shapes[unit[measured]], grounds[ground[measured]]))
    single = is_area & alone
    share[single] = np.where(shapely.touches(shapes[unit[single]], grounds[ground[single]]), 0.0, 1.0)
    share[~is_area] = 1.0
    unclaimed = claimed[unit] != ids[ground]
    rank = np.argsort(np.argsort(ids.astype(str), kind="stable"), kind="stable")
    order = np.lexsort((rank[ground], unclaimed, -share, unit))
    order = order[share[order] > 0]
    first = np.unique(unit[order], return_index=True)[1]
    at[unit[order][first]] = ground[order][first]
    return at


def _require_near(units: GeoDataFrame, communities: GeoDataFrame, file: str) -> None:
    """Refuse layers that lie far apart: one of them declares a wrong CRS."""
    box, other = units.total_bounds, communities.total_bounds
    if not np.isfinite(box).all():
        return
    apart_m = float(np.hypot(*np.maximum(0, np.maximum(box[:2] - other[2:], other[:2] - box[2:]))))
    if apart_m > _FAR_M:
        raise CrsError(
            "layers_far_apart",
            f"no unit lies in a community; the layers are {apart_m / 1000:.0f} km apart",
            mend="check the coordinate reference system that each declares",
            file=file,
            layer="units",
            distance_km=round(apart_m / 1000),
        )
