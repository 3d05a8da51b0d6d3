"""Many grids into one: the grid layers of several departments over each other, and one base grid for all.

Where the borders of departments cross, no grid can serve both. The base grid is divided by the usual search,
in which a border that departments draw is worth cutting: the more of them draw it, the more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.adjacency import Adjacency, Crossing
from geo.boundaries import region_polygons
from geo.checking import are_polygons
from geo.drawn_grids import grids_from_polygons
from geo.errors import InputError
from geo.findings import Finding, Value
from geo.grid_table import listed_once, require_one_grid_each, units_and_grids
from geo.partition import Band, Partition, Weights, partition
from geo.partition.region import cut_gain_cm
from geo.plan_layers import PlanLayers
from geo.planning import (
    Ground,
    Plan,
    Progress,
    bare_communities,
    compound_names,
    judged,
    region_codes,
    stand,
    standing_shapes,
)

IntArray = NDArray[np.int64]
ObjectArray = NDArray[np.object_]

# Metres of plain border that one metre of a border which every department draws is worth.
BORDER_WEIGHT = 3.0


@dataclass(frozen=True)
class Department:
    """Grids of one department: its name, and `grid_id` with polygons or `unit_id`, in the working CRS.

    Messages name the `file`, where there is one.
    """

    name: str
    grids: gpd.GeoDataFrame
    file: str | None = None


@dataclass(frozen=True)
class Overlaid:
    """Base grids made from the grids of several departments.

    Attributes
    ----------
    plan : Plan
        The base grids.
    grid_ids : mapping of department to (n,) object
        Grid of each unit (in the order of the ground), None for none.
    conflicts : GeoDataFrame
        One row for each two grids of two departments of which neither lies in the other: department_a,
        grid_a, department_b, grid_b, households and units in both, households_a, households_b, `moved`
        (fewest households that would have to change grids in one of the two so that they no longer cross),
        and the ground in both, in the layers' CRS; most households moved first.
    old_to_new : DataFrame
        department, old_grid_id (None for none), grid_id (None outside all communities), units, households;
        for each department the households add up to those of all units.
    departments : DataFrame
        department, grids, households in its grids, households_in_none, border_m between its grids,
        followed_m of it that base grids keep to, followed (its share), and base_grids that lie in one of
        its grids.
    outlines : GeoDataFrame
        department, grid_id and the grid as the department drew it, or the ground of its units where it gave
        a table; in the working CRS.
    """

    plan: Plan
    grid_ids: Mapping[str, ObjectArray]
    conflicts: gpd.GeoDataFrame
    old_to_new: pd.DataFrame
    departments: pd.DataFrame
    outlines: gpd.GeoDataFrame


def overlaid(
    layers: PlanLayers,
    departments: Sequence[Department],
    *,
    band: Band | None = None,
    border_weight: float = BORDER_WEIGHT,
    seed: int = 0,
    on_progress: Progress | None = None,
) -> Overlaid:
    """Lay grids of departments over each other and divide the communities into base grids.

    Parameters
    ----------
    layers : PlanLayers
        Units, communities, and what bounds grids.
    departments : sequence of Department
        At least two, with different names.
    band : Band, default 50 to 100
    border_weight : float
        Metres of plain border that a metre of a border which every department draws is worth.
    seed : int, default 0
    on_progress : callable (stage, done, total), optional

    Raises
    ------
    InputError
        A department's grids hold no household.
    """
    band = band or Band()
    ground = stand(layers, on_progress=on_progress)
    grid_ids: dict[str, ObjectArray] = {}
    findings: list[Finding] = []
    for department in departments:
        grid_ids[department.name], told = _placed(layers, ground, department)
        findings += told
    report = on_progress or (lambda stage, done, total: None)
    drawn = partition(
        _worth(ground.adjacency, list(grid_ids.values()), border_weight, Weights()),
        ground.households,
        ground.community,
        band=band,
        compound=pd.factorize(compound_names(layers, ground.order), sort=True)[0].astype(np.int64),
        seed=seed,
        on_progress=lambda done, total: report("partition", done, total),
    )
    parts = Partition(ground.adjacency, ground.households, ground.community, drawn.labels, band, drawn.proofs)
    bare = bare_communities(layers, ground)
    made = judged(
        layers,
        ground,
        parts,
        region_codes(layers, ground, parts, bare),
        bare,
        seed=seed,
        findings=tuple(findings),
    )
    return Overlaid(
        made, grid_ids, _conflicts(layers, ground, grid_ids), _old_to_new(made, grid_ids),
        _kept_to(made, grid_ids), _outlines(layers, ground, departments, grid_ids),
    )  # fmt: skip


def _placed(layers: PlanLayers, ground: Ground, department: Department) -> tuple[ObjectArray, list[Finding]]:
    """Return the grid of each unit, and what is doubtful about the drawing, with the department's name."""
    grids, findings = department.grids, list[Finding]()
    named_so: dict[str, Value] = {"department": department.name}
    if are_polygons(grids):
        drawn = grids_from_polygons(
            standing_shapes(layers, ground),
            ground.unit_ids,
            grids.geometry.to_numpy(),
            grids["grid_id"].to_numpy(dtype=object),
        )
        placed = drawn.grid_ids
        findings = [
            Finding(
                "department_unit_doubtful",
                "warning",
                unit_ids=each.unit_ids,
                values={**named_so, "grids": each.values["grids"], "chosen": each.grid_id},
                point=each.point,
            )
            for each in drawn.findings
            if each.code in ("unit_in_two_grids", "unit_on_grid_border")
        ]
        findings += [
            Finding(
                "department_grids_overlap",
                "warning",
                values={
                    **named_so,
                    "one": each.grid_id,
                    "other": each.values["other_grid_id"],
                    "area_m2": each.values["area_m2"],
                },
                point=each.point,
            )
            for each in drawn.findings
            if each.code == "grids_overlap"
        ]
    else:
        rows = units_and_grids(grids)
        require_one_grid_each(rows, file=department.file or department.name)
        table = listed_once(rows)
        named = dict(zip(table["unit_id"], table["grid_id"], strict=True))
        unknown = sorted(named.keys() - set(ground.unit_ids))
        if unknown:
            values = {**named_so, "units": len(unknown), "listed": len(named)}
            code = "department_units_unknown"
            findings.append(Finding(code, "warning", unit_ids=tuple(unknown), values=values))
        placed = np.array([*(named.get(unit) for unit in ground.unit_ids), None], object)[:-1]
    if not ground.households[placed != None].sum():  # noqa: E711
        raise InputError(
            "grids_hold_nobody",
            "its grids hold no household of the units",
            mend="check that it is a layer of grids of the same place",
            file=department.file or department.name,
            layer="grids",
        )
    return placed, findings


def _worth(
    adjacency: Adjacency, grid_ids: Sequence[ObjectArray], border_weight: float, weights: Weights
) -> Adjacency:
    """Return the pairs with borders as long as it costs to cut them, where departments' borders count too."""
    known, apart = np.zeros(len(adjacency)), np.zeros(len(adjacency))
    for ids in grid_ids:
        code = pd.factorize(ids)[0]
        one, other = code[adjacency.left], code[adjacency.right]
        both = (one >= 0) & (other >= 0)
        known += both
        apart += both & (one != other)
    share = apart / np.maximum(known, 1)
    cost_m = cut_gain_cm(adjacency.border_m, adjacency.crosses, weights) / 100
    cost_m = cost_m - border_weight * share * adjacency.border_m
    # `cut_gain_cm` reads a border that crosses something as one that is worth cutting.
    gains = cost_m < 0
    border_m = np.where(gains, -cost_m / weights.barrier, cost_m / weights.cut)
    crosses = np.where(gains, np.uint8(Crossing.MINOR_ROAD), np.uint8(0)).astype(np.uint8)
    return replace(adjacency, border_m=border_m, crosses=crosses)


def _conflicts(layers: PlanLayers, ground: Ground, grid_ids: Mapping[str, ObjectArray]) -> gpd.GeoDataFrame:
    rows: list[tuple[str, str, str, str, int, int, int, int, int]] = []
    members: list[IntArray] = []
    for a, b in combinations(grid_ids, 2):
        table = pd.DataFrame({"a": grid_ids[a], "b": grid_ids[b], "households": ground.households})
        both = table.dropna(subset=["a", "b"])
        shared = both.groupby(["a", "b"], sort=True)["households"]
        in_both, units = shared.sum(), shared.groups
        # Ground that only one of the departments has is no conflict between them.
        of_a, of_b = both.groupby("a")["households"].sum(), both.groupby("b")["households"].sum()
        for pair, households in in_both.items():
            one, other = cast("tuple[str, str]", pair)
            rest = min(int(of_a[one] - households), int(of_b[other] - households))
            if households <= 0 or rest <= 0:
                continue
            rows.append(
                (
                    a, str(one), b, str(other), int(households), len(units[one, other]),
                    int(of_a[one]), int(of_b[other]), min(int(households), rest),
                )
            )  # fmt: skip
            members.append(np.asarray(units[one, other], np.int64))
    order = sorted(range(len(rows)), key=lambda row: (-rows[row][-1], rows[row]))
    columns = [
        "department_a", "grid_a", "department_b", "grid_b", "households", "units", "households_a",
        "households_b", "moved",
    ]  # fmt: skip
    table = pd.DataFrame([rows[row] for row in order], columns=columns)
    cells = _cell_polygons(ground)
    grounds = [
        shapely.coverage_union_all(cells[members[row]][~shapely.is_missing(cells[members[row]])])
        for row in order
    ]
    shapes = (
        gpd.GeoSeries(grounds, crs=layers.working_crs)
        if grounds
        else gpd.GeoSeries([], crs=layers.working_crs)
    )
    return gpd.GeoDataFrame(table, geometry=shapes, crs=layers.working_crs).to_crs(layers.layer_crs)


def _cell_polygons(ground: Ground) -> NDArray[np.object_]:
    n = ground.arcs.n_units
    own = np.full(len(ground.arcs.cell_community), -1)
    own[:n] = np.arange(n)
    return region_polygons(ground.arcs, own, n)


def _outlines(
    layers: PlanLayers,
    ground: Ground,
    departments: Sequence[Department],
    grid_ids: Mapping[str, ObjectArray],
) -> gpd.GeoDataFrame:
    frames = []
    cells = _cell_polygons(ground)
    for department in departments:
        grids = department.grids
        if are_polygons(grids):
            ids, shapes = grids["grid_id"].to_numpy(dtype=object), grids.geometry.to_numpy()
        else:
            code, names = pd.factorize(grid_ids[department.name], sort=True)
            there = ~shapely.is_missing(cells)
            ids = np.asarray(names, object)
            shapes = np.array(
                [
                    *(shapely.coverage_union_all(cells[(code == row) & there]) for row in range(len(ids))),
                    None,
                ],
                object,
            )[:-1]
        frames.append(pd.DataFrame({"department": department.name, "grid_id": ids, "geometry": shapes}))
    table = pd.concat(frames, ignore_index=True)
    return gpd.GeoDataFrame(table, geometry="geometry", crs=layers.working_crs)


def _old_to_new(made: Plan, grid_ids: Mapping[str, ObjectArray]) -> pd.DataFrame:
    new = _new_ids(made)
    tables = []
    for name, old in grid_ids.items():
        table = pd.DataFrame({"old_grid_id": old, "grid_id": new, "households": made.ground.households})
        summed = table.groupby(["old_grid_id", "grid_id"], dropna=False, sort=True)["households"]
        rows = summed.agg(["size", "sum"]).reset_index()
        rows.columns = ["old_grid_id", "grid_id", "units", "households"]
        tables.append(rows.assign(department=name))
    told = pd.concat(tables, ignore_index=True)
    told = told.astype({"old_grid_id": object, "grid_id": object})
    told[["old_grid_id", "grid_id"]] = told[["old_grid_id", "grid_id"]].where(
        told[["old_grid_id", "grid_id"]].notna(), None
    )
    return told[["department", "old_grid_id", "grid_id", "units", "households"]]


def _new_ids(made: Plan) -> ObjectArray:
    """Return the base grid of each unit in the order of the ground."""
    labels = made.partition.labels
    new: ObjectArray = np.full(len(labels), None, object)
    new[labels >= 0] = made.grid_ids[labels[labels >= 0]]
    return new


def _kept_to(made: Plan, grid_ids: Mapping[str, ObjectArray]) -> pd.DataFrame:
    pairs, labels = made.ground.adjacency, made.partition.labels
    households = made.ground.households
    rows = []
    for name, ids in grid_ids.items():
        code, names = pd.factorize(ids)
        one, other = code[pairs.left], code[pairs.right]
        border = (one >= 0) & (other >= 0) & (one != other)
        kept = border & (labels[pairs.left] != labels[pairs.right])
        border_m, followed_m = float(pairs.border_m[border].sum()), float(pairs.border_m[kept].sum())
        inside = (code >= 0) & (labels >= 0)
        held = np.unique(np.stack([labels[inside], code[inside]]), axis=1)[0]
        whole = int((np.bincount(held, minlength=made.partition.n_parts) == 1).sum())
        rows.append(
            (
                name, len(names), int(households[code >= 0].sum()), int(households[code < 0].sum()),
                round(border_m, 1), round(followed_m, 1),
                round(followed_m / border_m, 4) if border_m else 1.0, whole,
            )
        )  # fmt: skip
    columns = [
        "department", "grids", "households", "households_in_none", "border_m", "followed_m", "followed",
        "base_grids",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)
