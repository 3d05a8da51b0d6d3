"""A plan file as the store takes it: checked once, ordered by community, in the stored CRS."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from api.grid_cells import require_made_of_cells, require_totals
from api.plan_columns import (
    Ints,
    Shapes,
    count_column,
    ewkb,
    fault,
    frame_of,
    in_stored_crs,
    number_column,
    optional_number_column,
    plan_table,
    polygons_of,
    require,
    require_ids,
    require_valid,
    rows_of,
    text_column,
    turned_back,
)
from api.plan_file import PlanFile
from geo.adjacency import Crossing
from geo.crs import STORED_CRS
from geo.floors import floor_columns
from geo.formats.geopackage import read_stored, stored_layers
from geo.layers import LayerKind, layer_of
from geo.names import shortened
from geo.partition import Band
from geo.units import texts

NEEDED = ("micro_grids", "units", "cells", "adjacency", "communities", "run")
SURROUNDINGS: tuple[LayerKind, ...] = ("roads", "water", "barriers", "gates", "compounds")
STATUSES = ("ok", "too_small", "too_large", "exempt")
SEVERITIES = ("error", "warning", "info")
_CROSSINGS = {str(bit.name).lower(): int(bit) for bit in Crossing}


def read_plan(path: Path) -> PlanFile:
    """Read and check a plan file (docs/plan-file.md).

    Raises
    ------
    InputError
        It is no plan, or contradicts itself: a grid is not made of the cells of its units, grids overlap,
        totals differ from the units, ids are unknown. The first feature concerned is named.
    """
    there = stored_layers(path)
    for name in NEEDED:
        if name not in there:
            raise fault(path, name, "plan_layer_missing", f"the layer {name} is missing", name=name)
    communities, layer_crs = _communities(path)
    band, seed = _run(path)
    grids, polygons = _grids(path, communities, layer_crs, band)
    units, grid_row, outside = _units(path, communities, grids, layer_crs)
    cells = _cells(path, units, layer_crs)
    require_totals(path, grids, units, grid_row)
    require_made_of_cells(path, grids, polygons, units, grid_row, cells)
    pairs = _pairs(path, units)
    findings = _findings(path, communities, grids, units, there)
    stored = turned_back(in_stored_crs(cells, layer_crs, path, "cells"), cells)
    require_valid(path, "cells", stored, units["unit_id"].to_numpy())
    units["cell"] = pd.Series(ewkb(stored), dtype=object)
    stored = turned_back(in_stored_crs(polygons, layer_crs, path, "micro_grids"), polygons)
    require_valid(path, "micro_grids", stored, grids["code"].to_numpy())
    grids["geom"] = pd.Series(ewkb(stored), dtype=object)
    units["grid"] = np.where(grid_row >= 0, grids["number"].to_numpy()[grid_row], -1)
    return PlanFile(
        communities, units, pairs, grids, findings, _surroundings(path, there), band, seed, outside
    )


def _communities(path: Path) -> tuple[pd.DataFrame, CRS]:
    layer = layer_of(read_stored(path, "communities"), "communities")
    assert layer.crs is not None
    frame = layer.frame.sort_values("community_id", ignore_index=True)
    shapes = in_stored_crs(frame.geometry.to_numpy(), layer.crs, path, "communities")
    require_valid(path, "communities", shapes, frame["community_id"].to_numpy())
    name = frame["name"].to_numpy(dtype=object)
    code = frame["community_id"].to_numpy(dtype=object)
    town = frame.get("town", pd.Series(None, index=frame.index, dtype=object))
    towns = np.array([said.strip() or None if isinstance(said, str) else None for said in town], dtype=object)
    return frame_of({"code": code, "name": name, "town": towns, "geom": shapes}), layer.crs


def _run(path: Path) -> tuple[Band, int]:
    frame, _, _ = plan_table(path, "run", ("min_households", "max_households", "seed"))
    if len(frame) != 1:
        raise fault(path, "run", "plan_layer_missing", "it has no row", name="run")
    low, high = (
        int(count_column(frame, name, path, "run")[0]) for name in ("min_households", "max_households")
    )
    if not 1 <= low <= high:
        raise fault(path, "run", "plan_number_missing", "the band is not one", name="min_households")
    return Band(low, high), int(count_column(frame, "seed", path, "run")[0])


def _grids(path: Path, communities: pd.DataFrame, crs: CRS, band: Band) -> tuple[pd.DataFrame, Shapes]:
    layer = "micro_grids"
    needed = ("grid_id", "community_id", "kind", "households", "units", "status", "area_m2")
    frame, polygons, own = plan_table(path, layer, needed)
    polygons = polygons_of(path, layer, polygons, own, crs, text_column(frame, "grid_id"))
    codes = text_column(frame, "grid_id")
    require_ids(path, layer, codes)
    community = rows_of(text_column(frame, "community_id"), communities["code"].to_numpy())
    require(
        path,
        layer,
        community >= 0,
        codes,
        "plan_id_unknown",
        "its community_id is not in communities",
        "community_id",
    )
    kind, status = text_column(frame, "kind"), text_column(frame, "status")
    require(
        path,
        layer,
        np.isin(kind, ("basic", "special")),
        codes,
        "plan_value_unknown",
        "its kind is unknown",
        "kind",
    )
    require(
        path, layer, np.isin(status, STATUSES), codes, "plan_value_unknown", "its status is unknown", "status"
    )
    households = count_column(frame, "households", path, layer)
    judged = np.select([households < band.lower, households > band.upper], ["too_small", "too_large"], "ok")
    agrees = (status == "exempt") | (status == judged)
    require(path, layer, agrees, codes, "plan_status_wrong", "its status contradicts its households")
    measured = {
        name: optional_number_column(frame, name) for name in ("area_m2", "perimeter_m", "compactness")
    }
    table = frame_of(
        {
            "community": community, "code": codes, "name": text_column(frame, "name"), "kind": kind,
            "households": households, "units": count_column(frame, "units", path, layer), "status": status,
            "reason": text_column(frame, "reason"), **measured,
        }
    )  # fmt: skip
    order = np.lexsort((codes.astype(str), community))
    table = table.iloc[order].reset_index(drop=True)
    table.insert(1, "number", table.groupby("community").cumcount())
    inside = shapely.intersects(
        in_stored_crs(shapely.point_on_surface(polygons[order]), crs, path, layer),
        communities["geom"].to_numpy()[table["community"].to_numpy()],
    )
    require(
        path,
        layer,
        inside,
        table["code"].to_numpy(),
        "grid_outside_community",
        "it lies outside its community",
    )
    return table, polygons[order]


def _units(
    path: Path, communities: pd.DataFrame, grids: pd.DataFrame, crs: CRS
) -> tuple[pd.DataFrame, Ints, int]:
    """Return the units in communities, ordered; the row of the grid of each; and how many are outside."""
    layer = "units"
    raw = read_stored(path, "units")
    read = layer_of(raw, "units")
    frame = read.frame
    ids = frame["unit_id"].to_numpy(dtype=object)
    if "grid_id" not in raw.names:
        raise fault(path, layer, "plan_column_missing", "the column grid_id is missing", name="grid_id")
    # As a layer it keeps its rows, but puts a column of that name aside.
    named = texts(raw.values[raw.names.index("grid_id")])
    assert len(named) == len(frame)
    grid_row = rows_of(named, grids["code"].to_numpy())
    filled = np.array([name is not None for name in named], dtype=bool)
    require(
        path,
        layer,
        (grid_row >= 0) | ~filled,
        ids,
        "plan_id_unknown",
        "its grid_id is not in micro_grids",
        "grid_id",
    )
    community = np.where(
        grid_row >= 0,
        grids["community"].to_numpy()[grid_row] if len(grids) else -1,
        rows_of(text_column(frame, "community_id"), communities["code"].to_numpy()),
    )
    kept = np.flatnonzero(community >= 0)
    kept = kept[np.lexsort((ids[kept].astype(str), community[kept]))]
    shapes = in_stored_crs(frame.geometry.to_numpy()[kept], read.crs or crs, path, layer)
    told = ("unit_id", "households", "building_id", "compound_id", "address")
    table = frame_of(
        {
            "community": community[kept],
            **{name: frame[name].to_numpy()[kept] for name in told},
            **{name: values[kept] for name, values in floor_columns(frame).items()},
            "geom": ewkb(shapes),
        }
    )
    table.insert(1, "number", table.groupby("community").cumcount())
    return table, grid_row[kept], len(frame) - len(kept)


def _cells(path: Path, units: pd.DataFrame, crs: CRS) -> Shapes:
    """Return the cell of each unit in the CRS of the file, None where it has none."""
    frame, polygons, own = plan_table(path, "cells", ("unit_id",))
    ids = text_column(frame, "unit_id")
    require_ids(path, "cells", ids)
    polygons = polygons_of(path, "cells", polygons, own, crs, ids)
    row = rows_of(units["unit_id"].to_numpy(), ids)
    cells = np.full(len(units), None, object)
    cells[row >= 0] = polygons[row[row >= 0]]
    homeless = np.flatnonzero((row < 0) & (units["households"].to_numpy() > 0))
    if len(homeless):
        unit = units["unit_id"].iloc[homeless[0]]
        raise fault(path, "cells", "unit_without_cell_in_plan", "it has households but no cell", feature=unit)
    return cells


def _pairs(path: Path, units: pd.DataFrame) -> pd.DataFrame:
    layer = "adjacency"
    frame, _, _ = plan_table(path, layer, ("unit_a", "unit_b", "border_m", "crosses", "joins"))
    known = units["unit_id"].to_numpy()
    ends = [rows_of(text_column(frame, name), known) for name in ("unit_a", "unit_b")]
    first, second = np.minimum(*ends), np.maximum(*ends)
    community = units["community"].to_numpy()
    # Units outside every community have neighbours too; their pairs go with them.
    inside = (first >= 0) & (community[first] == community[second])
    labels = text_column(frame, "unit_a")
    require(path, layer, ~inside | (first < second), labels, "pair_with_itself", "it is paired with itself")
    position, values = pd.factorize(text_column(frame, "crosses"))
    bits = np.array(
        [*(_crossing(str(value), path) for value in values), 0], np.int64
    )  # -1, none, is the last
    border_m, joins = (number_column(frame, name, path, layer) for name in ("border_m", "joins"))
    number = units["number"].to_numpy()
    every = frame_of(
        {
            "community": community[first], "left": number[first], "right": number[second],
            "border_m": border_m.astype(np.float32),
            "crosses": bits[position], "joins": joins != 0,
        }
    )  # fmt: skip
    table: pd.DataFrame = every[inside].sort_values(["community", "left", "right"], ignore_index=True)
    twice = table.duplicated(["community", "left", "right"]).to_numpy()
    if twice.any():
        raise fault(path, layer, "pair_repeated", "a pair of units is there twice", n=int(twice.sum()))
    return table


def _crossing(said: str, path: Path) -> int:
    bits = 0
    for word in filter(None, said.split(";")):
        if word not in _CROSSINGS:
            raise fault(
                path, "adjacency", "plan_value_unknown", f"crosses says {shortened(word)}", name="crosses"
            )
        bits |= _CROSSINGS[word]
    return bits


def _findings(
    path: Path, communities: pd.DataFrame, grids: pd.DataFrame, units: pd.DataFrame, there: frozenset[str]
) -> pd.DataFrame:
    columns = ["community", "code", "severity", "grid_code", "unit_ids", "details", "geom"]
    if "findings" not in there:
        return frame_of({name: np.zeros(0, np.int64 if name == "community" else object) for name in columns})
    layer = "findings"
    frame, spots, crs = plan_table(path, layer, ("code", "severity"))
    rows = np.array([f"#{row}" for row in range(1, len(frame) + 1)], dtype=object)
    severity = text_column(frame, "severity")
    require(
        path,
        layer,
        np.isin(severity, SEVERITIES),
        rows,
        "plan_value_unknown",
        "its severity is unknown",
        "severity",
    )
    try:
        unit_ids = [
            [str(name) for name in json.loads(said or "[]")] for said in text_column(frame, "unit_ids")
        ]
        details = [dict(json.loads(said or "{}")) for said in text_column(frame, "values")]
    except (ValueError, TypeError) as error:
        raise fault(
            path, layer, "plan_value_unknown", "unit_ids or values are not JSON", name="values"
        ) from error
    grid_code = text_column(frame, "grid_id")
    community = rows_of(text_column(frame, "community_id"), communities["code"].to_numpy())
    by_grid = rows_of(grid_code, grids["code"].to_numpy())
    first_unit = np.array([names[0] if names else None for names in unit_ids] or [None], object)[: len(frame)]
    by_unit = rows_of(first_unit, units["unit_id"].to_numpy())
    for place, owner in ((by_grid, grids), (by_unit, units)):
        found = (community < 0) & (place >= 0)
        community[found] = owner["community"].to_numpy()[place[found]]
    shapes = np.full(len(frame), None, object) if spots is None else spots
    at = ewkb(shapes if crs is None else in_stored_crs(shapely.force_2d(shapes), crs, path, layer))
    table = frame_of(
        {
            "community": community, "code": text_column(frame, "code"), "severity": severity,
            "grid_code": grid_code, "unit_ids": pd.Series(unit_ids, dtype=object),
            "details": pd.Series(details, dtype=object), "geom": at,
        }
    )  # fmt: skip
    kept = table[table["community"] >= 0]
    return kept.sort_values("community", kind="stable", ignore_index=True)


def _surroundings(path: Path, there: frozenset[str]) -> dict[str, gpd.GeoDataFrame]:
    frames: dict[str, gpd.GeoDataFrame] = {}
    for kind in SURROUNDINGS:
        if kind not in there:
            continue
        layer = layer_of(read_stored(path, kind), kind)
        shapes = np.array(layer.frame.geometry, dtype=object)
        if layer.crs is not None:
            shapes = in_stored_crs(shapes, layer.crs, path, kind)
        # They were mended when they were read; a sliver may turn over on the way to the stored CRS.
        crossed = ~shapely.is_valid(shapes)
        shapes[crossed] = shapely.make_valid(shapes[crossed])
        frames[kind] = layer.frame.set_geometry(gpd.GeoSeries(shapes, crs=STORED_CRS))
    return frames
