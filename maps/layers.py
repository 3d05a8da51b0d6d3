"""The layers of a plan as the map shows them: in WGS 84, with the columns the page needs and no others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from geopandas.array import from_shapely
from numpy.typing import NDArray

from geo.case_states import is_ended
from geo.grid_counts import grid_counts
from geo.metrics import totals
from geo.moments import CITY_ZONE
from geo.partition import Band
from maps.changes import grid_changes, has_before
from maps.faults import concerned, fault_ground
from maps.findings import reason_text
from maps.meeting import LENGTH_OF_DAY, moments_of
from maps.result_map import COLUMNS as RESULT_COLUMNS
from maps.text import LANGUAGES, one_line

WGS84 = "EPSG:4326"

# How near the true middle a label is put, as a share of the size of its polygon.
_LABEL_TOLERANCE = 0.03

# Columns of each layer of the page, all of them optional but the ids.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "units": (
        "unit_id",
        "households",
        "building_id",
        "compound_id",
        "address",
        "divided_from",
        "floor_from",
        "floor_to",
    ),
    "communities": ("community_id", "name"),
    "roads": ("name", "road_class"),
    "water": ("name",),
    "barriers": (),
    "compounds": ("compound_id", "name", "walled"),
    "gates": (),
    "incidents": ("case_id", "kind", "category", "state", "reported_at", "closed_at", "text"),
    "stations": ("station_id", "name", "type", "facilities", "opening_hours", "site", "gained", "standing"),
}
_GRID_COLUMNS = ("grid_id", "community_id", "name", "kind", "households", "units", "status", "area_m2")
_FINDING_COLUMNS = ("severity", "community_id", "grid_id", "text_zh", "text_en")
_COUNTED = (
    "households", "special_households", "left_out", "micro_grids", "special_grids", "units_too_large",
    "households_too_large", "least", "most",
)  # fmt: skip
_NUMBERS = frozenset(
    {
        "households", "units", "area_m2", "floor_from", "floor_to", "site", "gained", "walk", "links",
        "linked", "member", "department", "moved",
    }
)  # fmt: skip

# More than anyone counts, and still exact in every browser.
_LARGEST = 1e15

# A further piece of a grid carries its number too where it has at least this share of the largest one's area.
_LARGE_PIECE = 0.2

# Layers whose polygons carry a name or a number.
_LABELLED = ("grids", "grids_before", "communities", "compounds", "water")


def page_layers(
    plan: Mapping[str, pd.DataFrame],
    *,
    incidents: gpd.GeoDataFrame | None = None,
    stations: gpd.GeoDataFrame | None = None,
    context: Sequence[gpd.GeoDataFrame] = (),
    walk: gpd.GeoDataFrame | None = None,
    further: Mapping[str, gpd.GeoDataFrame] | None = None,
    zone: tzinfo = CITY_ZONE,
) -> dict[str, pd.DataFrame]:
    """Return the layers of the page by name.

    Parameters
    ----------
    plan : mapping
        Layers of a plan file by name (`maps.plan_file`); missing ones are empty.
    incidents, stations : GeoDataFrame, optional
        Points in any declared CRS.
    context : sequence of GeoDataFrame
        Further layers, drawn thin over the grids.
    walk : GeoDataFrame, optional
        Ground by walking time (`maps.walk_map`).
    further : mapping, optional
        Layers of a result by name (`maps.result_map`).
    zone : tzinfo
        By whose clock times of incidents are told.

    Returns
    -------
    dict
        `grids`, `units`, `communities` and so on, in WGS 84. Units and incidents name their grid by its
        row (`grid`), None outside all; incidents also say when they were reported and closed
        (`reported_min`, `closed_min`: minutes since 1970 by the clock of `zone`, as the times beside them;
        no `closed_min` where no case says when it was closed), and whether they are over (`closed`).
        `<layer>_labels` holds the middle of each polygon and the radius
        of the largest circle round it that stays inside (`radius_m`); `<layer>_pieces` the same of further
        large pieces of a grid (`grid` is its row). Findings name the rows of their
        grids and units and whether they can be mended; `faults` is the ground where grids overlap or
        leave gaps (`maps.faults`). Communities say how many grids their households allow and what stands
        apart (`geo.grid_counts`): `households`, `special_households`, `left_out` (in no grid),
        `micro_grids` besides `special_grids`, `units_too_large`, `households_too_large`, and the `least`
        and `most` legal grids besides special ones (None where no number is legal). A plan with the grids
        before has them as `grids_before`, and what became of each grid as the table `changes`
        (`maps.changes`). Names typed in by people are made harmless everywhere in the same way
        (`maps.text.one_line`).
    """
    grids = _grids(plan)
    row_of = {grid_id: row for row, grid_id in enumerate(grids["grid_id"])}
    layers: dict[str, pd.DataFrame] = {"grids": grids}
    units = _chosen(plan.get("units"), "units")
    source = plan.get("units")
    units["grid"] = _rows(_ids(source, "grid_id"), row_of, len(units))
    layers["units"] = units
    if not have_footprints(units):
        layers["cells"] = _cells(plan)
    for name in ("communities", "roads", "water", "barriers", "compounds", "gates"):
        layers[name] = _chosen(plan.get(name), name)
    layers["communities"] = _counted(layers["communities"], grids, source, _band(plan.get("run")))
    findings = plan.get("findings")
    row_of_unit = {unit_id or "": row for row, unit_id in enumerate(_ids(source, "unit_id"))}
    speaks_of = concerned(findings, row_of, row_of_unit)
    layers["findings"] = _frame(findings, _FINDING_COLUMNS).assign(**speaks_of)
    layers["faults"] = fault_ground(findings, speaks_of, grids.geometry, layers["communities"])
    if has_before(plan):
        layers["grids_before"] = _ordered(_frame(plan["micro_grids_before"], _GRID_COLUMNS))
        layers["changes"] = grid_changes(layers["grids_before"], grids, _ledger(plan))
    for name in (name for name in _LABELLED if name in layers):
        layers[f"{name}_labels"] = _label_points(layers[name].geometry)
    for name in (name for name in ("grids", "grids_before") if name in layers):
        layers[f"{name}_pieces"] = _further_pieces(layers[name].geometry)
    if incidents is not None:
        layers["incidents"] = _chosen(incidents, "incidents")
        # Layers are read with every column they may have; an empty one tells of no closing.
        if "closed_at" in layers["incidents"] and not layers["incidents"]["closed_at"].fillna("").any():
            layers["incidents"] = layers["incidents"].drop(columns="closed_at")
        for column, minute in (("reported_at", "reported_min"), ("closed_at", "closed_min")):
            if column in layers["incidents"]:
                alike, minutes = moments_of(layers["incidents"][column], zone)
                layers["incidents"] = layers["incidents"].assign(**{column: alike, minute: minutes})
        if {"reported_min", "closed_min"} <= {*layers["incidents"]}:
            layers["incidents"]["closed_min"] = _not_before_its_day(layers["incidents"])
        layers["incidents"]["closed"] = _are_closed(layers["incidents"])
        layers["incidents"]["grid"] = _grid_at(layers["incidents"].geometry, grids.geometry)
    if stations is not None:
        layers["stations"] = _chosen(stations, "stations")
    if walk is not None:
        layers["walk"] = _frame(walk, ("walk", "households"))
    for name, layer in (further or {}).items():
        layers[name] = _frame(layer, RESULT_COLUMNS[name])
    if context:
        shapes = pd.concat([_in_wgs84(layer.geometry) for layer in context], ignore_index=True)
        layers["context"] = gpd.GeoDataFrame(geometry=shapes, crs=WGS84)
    return layers


def _in_wgs84(places: gpd.GeoSeries) -> gpd.GeoSeries:
    # Only a layer without any place may lack a CRS.
    return places.set_crs(WGS84) if places.crs is None else places.to_crs(WGS84)


def _frame(layer: pd.DataFrame | None, columns: Sequence[str]) -> gpd.GeoDataFrame:
    """Return some columns of a layer in WGS 84, text as text; an empty layer where there is none."""
    if layer is None or not isinstance(layer, gpd.GeoDataFrame):
        layer = gpd.GeoDataFrame({name: [] for name in columns}, geometry=[], crs=WGS84)
    shapes = _in_wgs84(layer.geometry).to_numpy().copy()
    if shapely.has_z(shapes).any():
        shapes = shapely.force_2d(shapes)
    layer = layer.reset_index(drop=True)
    kept: dict[str, Any] = {}
    for name in columns:
        if name not in layer.columns:
            continue
        if name in _NUMBERS:
            numbers = pd.to_numeric(layer[name], errors="coerce").clip(-_LARGEST, _LARGEST)
            kept[name] = numbers.round().astype("Int64")
        elif name == "walled":
            kept[name] = layer[name].fillna(True).astype(bool)
        else:
            kept[name] = _texts(layer[name])
    # Outside the reach of its projection a place has no longitude.
    shapes[~np.isfinite(shapely.bounds(shapes)).all(axis=1)] = None
    # With its geometry among the columns a frame is made in half the time.
    kept["geometry"] = from_shapely(shapes, crs=WGS84)
    return gpd.GeoDataFrame(kept, geometry="geometry", index=pd.RangeIndex(len(layer)))


def _texts(values: pd.Series[Any]) -> pd.Series[Any]:
    # As objects at once: one by one, texts come out of their column ten times slower.
    told = values.to_numpy(dtype=object)
    texts: list[str | None] = told.tolist()
    if not {*map(type, texts)} <= {str, type(None)}:
        missing = values.isna().to_numpy()
        texts = [None if gone else str(value) for value, gone in zip(told, missing, strict=True)]
    if not "".join(filter(None, texts)).isprintable():  # nearly all are, and stay as they are
        texts = [None if said is None else one_line(said) for said in texts]
    return pd.Series(texts, dtype=object)


def _ids(layer: pd.DataFrame | None, column: str) -> list[str | None]:
    """Return a column of ids as the page's own layers write them."""
    return [] if layer is None or column not in layer else _texts(layer[column]).tolist()


def _ledger(plan: Mapping[str, pd.DataFrame]) -> pd.DataFrame | None:
    ledger = plan.get("ledger")
    if ledger is None:
        return None
    return ledger.assign(from_grid=_texts(ledger["from_grid"]), to_grid=_texts(ledger["to_grid"]))


def _chosen(layer: pd.DataFrame | None, name: str) -> gpd.GeoDataFrame:
    return _frame(layer, _COLUMNS[name])


def _grids(plan: Mapping[str, pd.DataFrame]) -> gpd.GeoDataFrame:
    layer = plan.get("micro_grids")
    grids = _frame(layer, _GRID_COLUMNS)
    for language, suffix in zip(LANGUAGES, ("zh", "en"), strict=True):
        reasons = layer["reason"] if layer is not None and "reason" in layer else [None] * len(grids)
        said = [
            None if pd.isna(reason) or not reason else reason_text(str(reason), language)
            for reason in reasons
        ]
        grids[f"reason_{suffix}"] = pd.Series(said, dtype=object, index=grids.index)
    return _ordered(grids)


def _band(run: pd.DataFrame | None) -> Band:
    row: dict[Any, Any] = {} if run is None or not len(run) else run.iloc[0].to_dict()
    usual = Band()
    return Band(int(row.get("min_households", usual.lower)), int(row.get("max_households", usual.upper)))


def _counted(
    communities: gpd.GeoDataFrame, grids: gpd.GeoDataFrame, units: pd.DataFrame | None, band: Band
) -> gpd.GeoDataFrame:
    """Return communities with their households and grids; as they are where their ids are not known."""
    if "community_id" not in communities or units is None or not {"unit_id", "community_id"} <= {*units}:
        return communities
    numbers = units["households"] if "households" in units else pd.Series(0, index=units.index)
    people = pd.to_numeric(numbers, errors="coerce").fillna(0).clip(0, _LARGEST).round().to_numpy(np.int64)
    names = communities["community_id"].fillna("").tolist()
    number = {name: code for code, name in enumerate(names)}
    kinds = grids["kind"] if "kind" in grids else pd.Series(None, index=grids.index, dtype=object)
    exempt = (kinds == "special").to_numpy(dtype=bool)
    special = set(grids["grid_id"][exempt])
    of_unit = _ids(units, "grid_id") or [None] * len(units)
    home = np.array([number.get(name or "", -1) for name in _ids(units, "community_id")], np.int64)
    counts = grid_counts(
        names,
        unit_ids=[unit or "" for unit in _ids(units, "unit_id")],
        households=people,
        community=home,
        in_special=np.array([grid in special for grid in of_unit], dtype=bool),
        grid_community=np.array(
            [number.get(name or "", -1) for name in _ids(grids, "community_id") or [None] * len(grids)],
            np.int64,
        ),
        exempt=exempt,
        band=band,
    )
    missed = totals(np.where([grid is None for grid in of_unit], home, -1), people, len(names))
    rows = [
        (
            count.households, count.special_households, left_out, count.grids, count.special_grids,
            len(count.too_large), count.too_large_households,
            count.legal.start if count.legal else pd.NA, count.legal.stop - 1 if count.legal else pd.NA,
        )
        for count, left_out in zip((counts[name] for name in names), missed.tolist(), strict=True)
    ]  # fmt: skip
    told = pd.DataFrame(rows, columns=list(_COUNTED), dtype="Int64")
    return communities.assign(**{name: told[name] for name in _COUNTED})


def _ordered(grids: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return grids in the order of their codes."""
    grids = grids.assign(grid_id=grids["grid_id"].fillna(""))
    order = grids["grid_id"].argsort(kind="stable").to_numpy()
    return grids.iloc[order].reset_index(drop=True)


def _cells(plan: Mapping[str, pd.DataFrame]) -> gpd.GeoDataFrame:
    return _frame(plan.get("cells"), ())


def have_footprints(units: gpd.GeoDataFrame) -> bool:
    """Tell whether most units have an extent of their own, so that their cells need not be drawn."""
    return bool((shapely.get_dimensions(units.geometry.to_numpy()) == 2).sum() * 2 > len(units))


def _rows(ids: Sequence[str | None], row_of: Mapping[str, int], count: int) -> pd.Series[Any]:
    if not ids:
        return pd.Series([pd.NA] * count, dtype="Int64")
    return pd.Series([row_of.get(grid_id or "", pd.NA) for grid_id in ids], dtype="Int64")


def _grid_at(places: gpd.GeoSeries, grids: gpd.GeoSeries) -> pd.Series[Any]:
    """Return the row of the grid each place lies in."""
    place, grid = grids.sindex.query(places.to_numpy(), predicate="intersects")
    found = pd.Series([pd.NA] * len(places), dtype="Int64")
    # On a shared border the first grid wins.
    found.iloc[place[::-1]] = grid[::-1]
    return found


def _not_before_its_day(cases: gpd.GeoDataFrame) -> pd.Series[Any]:
    """Return the minutes of closing; a day alone is not before a report of that day."""
    reported, closed = cases["reported_min"], cases["closed_min"]
    is_that_day = cases["closed_at"].str.len().le(LENGTH_OF_DAY) & (closed // 1440).eq(reported // 1440)
    minutes: pd.Series[Any] = closed.where(~is_that_day.fillna(False).astype(bool), reported)
    return minutes


def _are_closed(cases: gpd.GeoDataFrame) -> pd.Series[Any]:
    """Tell which cases say when they were closed, or are in a state of those that are over."""
    over = pd.Series(False, index=cases.index)
    if "state" in cases:
        over |= cases["state"].isin([state for state in cases["state"].unique() if is_ended(state)])
    if "closed_min" in cases:
        over |= cases["closed_min"].notna()
    return over


def _label_points(polygons: gpd.GeoSeries) -> gpd.GeoDataFrame:
    shapes = _largest_parts(polygons)
    middles = np.full(len(shapes), None, dtype=object)
    radius_m = np.zeros(len(shapes))
    has_area = shapely.area(shapes) > 0
    # Longitudes shrink with the latitude: a circle on the ground is one after this stretch.
    stretch = float(np.cos(np.radians(polygons.total_bounds[1]))) if has_area.any() else 1.0
    if has_area.any():
        ground = shapely.transform(shapes[has_area], lambda points: points * [stretch, 1.0])
        low_x, low_y, high_x, high_y = shapely.bounds(ground).T
        tolerance = np.maximum(high_x - low_x, high_y - low_y) * _LABEL_TOLERANCE
        radii = shapely.maximum_inscribed_circle(ground, tolerance=tolerance)
        centres = shapely.get_point(radii, 0)
        middles[has_area] = shapely.transform(centres, lambda points: points / [stretch, 1.0])
        radius_m[has_area] = shapely.length(radii) * 111_320.0
    radius = pd.Series(np.rint(radius_m).astype(np.int64))
    return gpd.GeoDataFrame({"radius_m": radius}, geometry=middles, crs=WGS84)


def _further_pieces(polygons: gpd.GeoSeries) -> gpd.GeoDataFrame:
    """Return where the large pieces of each grid, but for the largest, carry its number."""
    parts, owner = shapely.get_parts(polygons.to_numpy(), return_index=True)
    area = shapely.area(parts)
    largest = np.zeros(len(polygons))
    np.maximum.at(largest, owner, area)
    order = np.lexsort((-area, owner))
    is_further = np.ones(len(parts), np.bool_)
    is_further[np.unique(owner[order], return_index=True)[1]] = False
    chosen = order[is_further]
    chosen = chosen[(area[chosen] > 0) & (area[chosen] >= _LARGE_PIECE * largest[owner[chosen]])]
    points = _label_points(gpd.GeoSeries(parts[chosen], crs=polygons.crs))
    return points.assign(grid=pd.Series(owner[chosen], dtype="Int64"))


def _largest_parts(polygons: gpd.GeoSeries) -> NDArray[np.object_]:
    """Return of each feature the polygon of the largest area; None where it has none."""
    parts, owner = shapely.get_parts(polygons.to_numpy(), return_index=True)
    area = shapely.area(parts)
    largest = np.full(len(polygons), None, dtype=object)
    order = np.argsort(area, kind="stable")
    order = order[shapely.get_dimensions(parts[order]) == 2]
    largest[owner[order]] = parts[order]
    return largest
