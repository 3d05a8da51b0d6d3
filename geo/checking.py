"""Judge grids drawn by others: units into grids, cells for who touches whom, then the balancer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geo.balancer import Review, review
from geo.columns import words
from geo.drawn_grids import grids_from_polygons
from geo.findings import Finding
from geo.layers import PlanLayers
from geo.partition import Band
from geo.planning import Ground, Progress, compound_names, inner_points, stand

# Without communities, the ground that is divided reaches this far beyond units and grids.
MARGIN_M = 30.0


@dataclass(frozen=True)
class Checked:
    """Drawn grids, judged.

    Attributes
    ----------
    layers : PlanLayers
        With the grids as read.
    ground : Ground
    grid_ids : (n,) object
        Grid of each unit in the ground's order, None for none.
    review : Review
    findings : tuple of Finding
        Those of reading and those of the review.
    band : Band
    """

    layers: PlanLayers
    ground: Ground
    grid_ids: NDArray[np.object_]
    review: Review
    findings: tuple[Finding, ...]
    band: Band


def check(layers: PlanLayers, *, band: Band | None = None, on_progress: Progress | None = None) -> Checked:
    """Flag what is wrong with the grids of some layers, and propose remedies.

    Parameters
    ----------
    layers : PlanLayers
        With `grids`: polygons with `grid_id`, or a table of `unit_id` and `grid_id`.
    band : Band, default 50 to 100
    on_progress : callable (stage, done, total), optional
    """
    band = band or Band()
    known = len(layers.communities) > 0
    ground = stand(layers if known else _with_one_community(layers), on_progress=on_progress)
    units = layers.units.iloc[ground.order]
    shapes = units.geometry.to_numpy()
    empty: dict[str, str | None] = {}
    drawn_findings: tuple[Finding, ...] = ()
    grids = layers.grids
    if are_polygons(grids):
        drawn = grids_from_polygons(
            shapes,
            ground.unit_ids,
            grids.geometry.to_numpy(),
            grids["grid_id"].to_numpy(dtype=object),
            communities=layers.communities.geometry.to_numpy() if known else None,
            community_ids=layers.communities["community_id"].to_numpy(dtype=object) if known else None,
        )
        grid_ids, empty, drawn_findings = drawn.grid_ids, dict(drawn.empty), drawn.findings
    else:
        table = dict(zip(grids["unit_id"], grids["grid_id"], strict=True))
        grid_ids = np.array([table.get(unit) for unit in ground.unit_ids], object)
    home = units["community_id"].to_numpy(dtype=object) if known else None
    found = review(
        ground.adjacency,
        ground.households,
        home,
        grid_ids,
        band=band,
        special=special_grids(grids),
        compounds=compound_names(layers, ground.order),
        overlaps=drawn_findings,
        points=inner_points(shapes),
        empty=empty,
    )
    return Checked(layers, ground, grid_ids, found, (*layers.findings, *found.findings), band)


def are_polygons(grids: gpd.GeoDataFrame) -> bool:
    """Whether grids came as polygons, not as a table of units and grids."""
    return bool(grids.geometry.notna().any())


def special_grids(grids: gpd.GeoDataFrame) -> frozenset[str]:
    """Return the grids whose kind says that they are special: exempt from the band."""
    if "kind" not in grids:
        return frozenset()
    accepted = words("special")
    told = np.array([str(kind).strip().casefold() in accepted for kind in grids["kind"]], dtype=bool)
    return frozenset(grids.loc[told, "grid_id"].dropna())


def _with_one_community(layers: PlanLayers) -> PlanLayers:
    """Let all units stand in one community round them and the grids."""
    shapes = layers.units.geometry.to_numpy()
    shapes = shapes[~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)]
    if are_polygons(layers.grids):
        shapes = np.concatenate([shapes, layers.grids.geometry.to_numpy()])
    round_all = shapely.buffer(shapely.convex_hull(shapely.geometrycollections(shapes)), MARGIN_M)
    communities = gpd.GeoDataFrame(
        {"community_id": [""], "name": [None]}, geometry=[round_all], crs=layers.working_crs
    )
    there = ~layers.units.geometry.isna().to_numpy()
    homes = np.full(len(there), None, object)
    homes[there] = ""
    units = layers.units.assign(community_id=homes)
    return replace(layers, communities=communities, units=units)
