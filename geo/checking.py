"""Judge grids drawn by others: units into grids, cells for who touches whom, then the balancer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geo.balancer import review
from geo.columns import words
from geo.drawn_grids import grids_from_polygons, grids_reaching_over
from geo.findings import Finding, Value
from geo.grid_table import listed_once, require_one_grid_each, units_and_grids
from geo.overlay import intersection
from geo.partition import Band
from geo.plan_layers import PlanLayers
from geo.planning import Ground, Progress, compound_names, inner_points, stand, standing_shapes, told_once
from geo.remedies import Remedy
from geo.review import Review

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
        Those of reading, `doubts` and those of the review.
    band : Band
    doubts : tuple of Finding
        `table_units_unknown`: units that a table lists and the layer of units does not have;
        `table_units_differ_by_case`: those of them that it has in upper or lower case.
    """

    layers: PlanLayers
    ground: Ground
    grid_ids: NDArray[np.object_]
    review: Review
    findings: tuple[Finding, ...]
    band: Band
    doubts: tuple[Finding, ...] = ()


def check(layers: PlanLayers, *, band: Band | None = None, on_progress: Progress | None = None) -> Checked:
    """Flag what is wrong with the grids of some layers, and propose remedies.

    Parameters
    ----------
    layers : PlanLayers
        With `grids`: polygons with `grid_id`, or a table of `unit_id` and `grid_id`.
    band : Band, default 50 to 100
    on_progress : callable (stage, done, total), optional

    Raises
    ------
    InputError
        A table lists a unit in several grids, or names no unit.
    """
    table = None if are_polygons(layers.grids) else _table(layers)
    band = band or Band()
    known = len(layers.communities) > 0
    ground = stand(layers if known else _with_one_community(layers), on_progress=on_progress)
    units = layers.units.iloc[ground.order]
    shapes = standing_shapes(layers, ground)
    grids = layers.grids
    doubts: tuple[Finding, ...] = ()
    drawn_findings: tuple[Finding, ...] = ()
    if table is None:
        drawn = grids_from_polygons(
            shapes,
            ground.unit_ids,
            grids.geometry.to_numpy(),
            grids["grid_id"].to_numpy(dtype=object),
            communities=layers.communities.geometry.to_numpy() if known else None,
            community_ids=layers.communities["community_id"].to_numpy(dtype=object) if known else None,
        )
        grid_ids, drawn_findings = drawn.grid_ids, drawn.findings
    else:
        grid_ids = np.array([table.get(unit) for unit in ground.unit_ids], object)
        doubts = _unknown(table, ground)
    empty = _empty(layers, grid_ids)
    if known and table is None:
        drawn_findings = (*drawn_findings, *_nowhere(layers, empty))
    home = units["community_id"].to_numpy(dtype=object) if known else None
    if home is not None and table is None:
        drawn_findings = (
            *drawn_findings,
            *grids_reaching_over(
                grids.geometry.to_numpy(),
                grids["grid_id"].to_numpy(dtype=object),
                layers.communities.geometry.to_numpy(),
                layers.communities["community_id"].to_numpy(dtype=object),
                at_home={*zip(grid_ids, home, strict=True), *empty.items()},
            ),
        )
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
        communities=layers.communities["community_id"].tolist() if known else (),
    )
    told = told_once((*layers.findings, *doubts, *found.findings))
    return Checked(layers, ground, grid_ids, found, told, band, doubts)


def _table(layers: PlanLayers) -> dict[str, str | None]:
    """Return the grid of each unit that a table lists."""
    rows = units_and_grids(layers.grids)
    file = next((source.name for source in layers.sources if source.kind == "grids"), None)
    require_one_grid_each(rows, file=file)
    once = listed_once(rows)
    return dict(zip(once["unit_id"], once["grid_id"], strict=True))


def _unknown(table: Mapping[str, str | None], ground: Ground) -> tuple[Finding, ...]:
    unknown = sorted(table.keys() - set(ground.unit_ids))
    if not unknown:
        return ()
    values: dict[str, Value] = {"units": len(unknown), "listed": len(table)}
    findings = [Finding("table_units_unknown", "warning", unit_ids=tuple(unknown), values=values)]
    meant = {unit.casefold(): unit for unit in sorted(ground.unit_ids)}
    twins = {unit: meant[unit.casefold()] for unit in unknown if unit.casefold() in meant}
    if twins:
        values = {"units": len(twins), "first": next(iter(twins)), "meant": next(iter(twins.values()))}
        findings.append(Finding("table_units_differ_by_case", "info", unit_ids=tuple(twins), values=values))
    return tuple(findings)


def _empty(layers: PlanLayers, grid_ids: NDArray[np.object_]) -> dict[str, str | None]:
    """Return the grids that hold no unit with their community, None for none."""
    names = [*layers.communities["community_id"], None]  # -1, in no community, is the last
    return {grid: names[row] for grid, row in empty_grids(layers, grid_ids).items()}


def _nowhere(layers: PlanLayers, empty: Mapping[str, str | None]) -> list[Finding]:
    """Tell of drawn grids that hold no unit and lie outside all communities."""
    shapes = layers.grids.drop_duplicates("grid_id").set_index("grid_id").geometry
    values = {"households": 0, "units": 0, **Remedy("none", reason="outside_communities").values()}
    found = []
    for grid in sorted(grid for grid, community in empty.items() if community is None):
        spot = shapes[grid].representative_point()
        at = (float(spot.x), float(spot.y))
        found.append(Finding("grid_outside_communities", "warning", grid_id=grid, values=values, point=at))
    return found


def are_polygons(grids: gpd.GeoDataFrame) -> bool:
    """Whether grids came as polygons, not as a table of units and grids."""
    return bool(grids.geometry.notna().any())


def empty_grids(layers: PlanLayers, grid_ids: Iterable[str | None]) -> dict[str, int]:
    """Return the grids that hold no unit, with the row of the community they lie in, -1 for none.

    Parameters
    ----------
    layers : PlanLayers
        With `grids`, as polygons or as a table (whose grids without units lie nowhere).
    grid_ids : iterable of str or None
        The grids that hold one.
    """
    rows = layers.grids.drop_duplicates("grid_id")
    rows = rows[rows["grid_id"].notna() & ~rows["grid_id"].isin(set(grid_ids) - {None})]
    if not are_polygons(layers.grids):
        return dict.fromkeys(sorted(rows["grid_id"]), -1)
    tree = shapely.STRtree(layers.communities.geometry.to_numpy())
    home = {}
    for grid, shape in sorted(zip(rows["grid_id"], rows.geometry, strict=True)):
        near = tree.query(shape, predicate="intersects")
        shared_m2 = shapely.area(intersection(tree.geometries[near], np.full(len(near), shape, dtype=object)))
        home[str(grid)] = int(near[np.argmax(shared_m2)]) if shared_m2.any() else -1
    return home


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
