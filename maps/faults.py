"""Where a finding is on the map: the grids and units it speaks of, the ground where drawn grids fail."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.overlay import difference, intersection, union_all, valid_polygons
from geo.remedies import Remedy
from maps.text import one_line

Mending: TypeAlias = Literal["can", "partly", "replan", "correct", "cannot", "check", "note"]

# Where the remedy is none, its reason says what is to be done; the sentences are in `maps/locale` under
# `remedy.none`, and each group holds those that say the same.
_MENDING_OF_REASON: Mapping[str, Mending] = {
    "after_others": "can",
    "grid_without_units": "can",
    "not_proved": "replan",
    "needs_neighbours": "replan",
    "plan_anew": "replan",
    "redraw": "correct",
    "outside_communities": "correct",
    "locked": "replan",
    "beside_locked": "replan",
    "unit_too_large": "cannot",
    "group_too_large": "cannot",
    "pocket_too_small": "cannot",
    "community_too_small": "cannot",
    "split_by_units_too_large": "cannot",
    "no_total_in_band": "cannot",
    "totals_leave_rest": "cannot",
    "no_legal_division": "cannot",
    "no_legal_count": "cannot",
    "behind_unit": "cannot",
    "community_empty": "note",
}

# Findings for which no change of the grids helps, though they name no remedy.
_UNAVOIDABLE_CODES = frozenset({"no_legal_count"})

# Square degrees of about 1 m2: what is smaller is a sliver of digitising.
_MIN_AREA = 1e-10
# Degrees of about 0.1 m, the width of such a sliver.
_MIN_WIDTH = 1e-6


def concerned(
    findings: pd.DataFrame | None, row_of_grid: Mapping[str, int], row_of_unit: Mapping[str, int]
) -> pd.DataFrame:
    """Return what each finding of a plan file speaks of, as the page looks it up.

    Parameters
    ----------
    findings : DataFrame, optional
        The layer `findings` of a plan file; columns it lacks count as empty.
    row_of_grid, row_of_unit : mapping of id to row
        Rows of the page's grids and units. Ids that are not there are passed over.

    Returns
    -------
    DataFrame
        One row for each finding: `mending`, `grids` and `units` (rows as whole numbers with spaces
        between). `mending` groups by what the remedy says: change the grids (can), change them though
        it does not settle all (partly), divide anew (replan), correct the drawing or the data
        (correct), nothing helps (cannot), look at it (check), worth knowing (note).
    """
    findings = pd.DataFrame() if findings is None else findings
    told = [_values(cell) for cell in _cells(findings, "values")]
    severities, codes = _cells(findings, "severity"), _cells(findings, "code")
    units = [_listed(cell) for cell in _cells(findings, "unit_ids")]
    grids = [
        [grid_id, values.get("other_grid_id"), *_strings(values.get("grids"))]
        for grid_id, values in zip(_cells(findings, "grid_id"), told, strict=True)
    ]
    columns = {
        "mending": [_mending(*each) for each in zip(severities, codes, told, strict=True)],
        "grids": [_rows(ids, row_of_grid) for ids in grids],
        "units": [_rows(ids, row_of_unit) for ids in units],
    }
    return pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns.items()})


def fault_ground(
    findings: pd.DataFrame | None,
    concerned_by: pd.DataFrame,
    grids: gpd.GeoSeries,
    communities: gpd.GeoDataFrame,
) -> gpd.GeoDataFrame:
    """Return the ground where grids overlap, leave a gap or have nobody to link them, as findings say.

    Parameters
    ----------
    findings : DataFrame, optional
        The layer `findings` of a plan file.
    concerned_by : DataFrame
        What `concerned` returned for them.
    grids, communities : GeoSeries, GeoDataFrame
        Those of the page, in WGS 84; communities with `community_id`.

    Returns
    -------
    GeoDataFrame
        `kind` (overlap, gap, unlinked), `finding` (row); polygons in WGS 84. Slivers are left out.
    """
    kinds: list[str] = []
    rows: list[int] = []
    shapes: list[shapely.Geometry] = []
    findings = pd.DataFrame() if findings is None else findings
    codes, community_ids = _cells(findings, "code"), _cells(findings, "community_id")
    usable = grids.to_numpy()
    if {"grids_overlap", "grids_gap"} & set(codes):
        usable = valid_polygons(usable)
    for row, code in enumerate(codes):
        if code == "grids_overlap":
            pair = [int(each) for each in concerned_by["grids"].iloc[row].split()]
            ground = intersection(usable[pair[:1]], usable[pair[1:]])[0] if len(pair) == 2 else None
            kind = "overlap"
        elif code == "grids_gap":
            ground = _open_ground(community_ids[row], usable, communities)
            kind = "gap"
        elif code == "grid_without_members":
            own = [int(each) for each in concerned_by["grids"].iloc[row].split()]
            ground = usable[own[0]] if own else None
            kind = "unlinked"
        else:
            continue
        polygons = _real_polygons(ground)
        if polygons is not None:
            kinds.append(kind)
            rows.append(row)
            shapes.append(polygons)
    return gpd.GeoDataFrame(
        {"kind": pd.Series(kinds, dtype=object), "finding": pd.Series(rows, dtype="Int64")},
        geometry=shapes,
        crs=grids.crs,
    )


def _open_ground(
    community_id: str | None, grids: NDArray[np.object_], communities: gpd.GeoDataFrame
) -> shapely.Geometry:
    """Return what no grid covers of a community; without communities, of the ground that grids enclose."""
    if community_id is None or "community_id" not in communities:
        covered = union_all(grids[~shapely.is_missing(grids)])
        outlines = shapely.get_parts(covered)
        filled = shapely.polygons(shapely.get_exterior_ring(outlines))
        return difference(union_all(filled), covered)
    own = communities.geometry[communities["community_id"] == one_line(community_id)].to_numpy()
    community = union_all(valid_polygons(own))
    return difference(community, union_all(grids[shapely.intersects(grids, community)]))


def _real_polygons(ground: shapely.Geometry | None) -> shapely.Geometry | None:
    """Return the polygons of a geometry that are more than slivers; None where there is none."""
    parts = shapely.get_parts(ground) if ground is not None else np.array([], dtype=object)
    parts = parts[shapely.get_dimensions(parts) == 2]
    area, length = shapely.area(parts), shapely.length(parts)
    parts = parts[(area > _MIN_AREA) & (2 * area > _MIN_WIDTH * length)]
    return union_all(parts) if len(parts) else None


def _mending(severity: str | None, code: str | None, values: Mapping[str, Any]) -> Mending:
    """Return what is to be done about a finding: what its remedy says, where it has one."""
    if severity not in ("error", "warning"):
        return "note"
    if code in _UNAVOIDABLE_CODES:
        return "cannot"
    remedy = Remedy.from_values(values)
    if remedy is None:
        return "check"
    if remedy.kind != "none":
        return "can" if remedy.solves else "partly"
    mending = _MENDING_OF_REASON.get(remedy.reason, "check")
    # After the others' remedies a tower above the maximum still stands.
    stays = _MENDING_OF_REASON.get(str(values.get("reason"))) == "cannot"
    return "partly" if mending == "can" and stays else mending


def _cells(frame: pd.DataFrame, name: str) -> list[Any]:
    if name not in frame.columns:
        return [None] * len(frame)
    return [None if pd.isna(cell) else str(cell) for cell in frame[name]]


def _values(text: str | None) -> Mapping[str, Any]:
    """Return the JSON object of a cell; an empty one for what another program wrote there."""
    try:
        values = json.loads(text or "{}")
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def _listed(text: str | None) -> list[str]:
    try:
        return _strings(json.loads(text or "[]"))
    except ValueError:
        return []


def _strings(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _rows(ids: Sequence[object], row_of: Mapping[str, int]) -> str:
    known = (row_of.get(one_line(each)) for each in ids if each is not None)
    return " ".join(str(row) for row in dict.fromkeys(known) if row is not None)
