"""A plan file as the store takes it: checked once, ordered by community, in the stored CRS."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from geo.adjacency import Crossing
from geo.crs import STORED_CRS, transformer
from geo.errors import InputError
from geo.formats.geopackage import read_stored, stored_layers
from geo.layers import LayerKind, layer_of
from geo.names import shortened
from geo.partition import Band
from geo.units import texts

Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]

NEEDED = ("micro_grids", "units", "cells", "adjacency", "communities", "run")
SURROUNDINGS: tuple[LayerKind, ...] = ("roads", "water", "barriers", "gates", "compounds")
STATUSES = ("ok", "too_small", "too_large", "exempt")
SEVERITIES = ("error", "warning", "info")
_CROSSINGS = {str(bit.name).lower(): int(bit) for bit in Crossing}
_POLYGONS = (3, 6)


@dataclass(frozen=True)
class PlanFile:
    """What a plan file holds, ready for the store.

    Attributes
    ----------
    communities : DataFrame, c rows
        `code`, `name` (None where unknown), `geom` (shape); everything else names a community by its row.
    units : DataFrame
        `community`, `number`, `unit_id`, `households`, `building_id`, `compound_id`, `address`, `grid`
        (number of the grid in its community, -1 for none), `geom` and `cell` (EWKB or None); ordered by
        community and number, which counts the unit ids of a community in ascending order from 0.
    pairs : DataFrame
        `community`, `left`, `right` (unit numbers, left < right), `border_m`, `crosses`, `joins`; those
        across community edges are left out.
    grids : DataFrame
        `community`, `number`, `code` and the columns of the store's `grids`; `geom` as EWKB.
    findings : DataFrame
        `community`, `code`, `severity`, `grid_code`, `unit_ids`, `details`, `geom`; notes on the reading
        that belong to no community are left out.
    surroundings : mapping of layer to GeoDataFrame
        Roads, water, barriers, gates and compounds.
    band : Band
    seed : int
    units_outside : int
        Units outside every community, which no ground can hold.
    """

    communities: pd.DataFrame
    units: pd.DataFrame
    pairs: pd.DataFrame
    grids: pd.DataFrame
    findings: pd.DataFrame
    surroundings: Mapping[str, gpd.GeoDataFrame]
    band: Band
    seed: int
    units_outside: int

    def slices(self, frame: pd.DataFrame) -> list[slice]:
        """Return the rows of each community in one of the frames."""
        edges = np.searchsorted(frame["community"].to_numpy(), np.arange(len(self.communities) + 1))
        return [slice(int(start), int(end)) for start, end in pairwise(edges)]

    def ground_digests(self) -> list[bytes]:
        """Return the SHA-256 of the ground of each community: its units, their cells and pairs."""
        units, pairs = self.slices(self.units), self.slices(self.pairs)
        told = ("unit_id", "households", "building_id", "compound_id", "address")
        texts_of = [self.units[name].tolist() for name in told]
        shapes = [self.units[name].to_numpy() for name in ("geom", "cell")]
        relations = [
            np.ascontiguousarray(self.pairs[name].to_numpy())
            for name in ("left", "right", "border_m", "crosses", "joins")
        ]
        digests = []
        for of_units, of_pairs in zip(units, pairs, strict=True):
            digest = hashlib.sha256(_json([column[of_units] for column in texts_of]))
            for column in shapes:
                parts = [wkb or b"" for wkb in column[of_units]]
                digest.update(_json([len(part) for part in parts]))
                digest.update(b"".join(parts))
            for relation in relations:
                digest.update(relation[of_pairs].tobytes())
            digests.append(digest.digest())
        return digests

    def version_digests(self, grounds: Sequence[bytes]) -> list[bytes]:
        """Return the SHA-256 of the plan of each community: its ground, grids, assignment, findings, band."""
        every = zip(
            grounds, self.slices(self.units), self.slices(self.grids), self.slices(self.findings), strict=True
        )
        grids, findings = (
            frame.drop(columns=["geom", "community"]).to_numpy(dtype=object).tolist()
            for frame in (self.grids, self.findings)
        )
        grid_of_unit, shapes = self.units["grid"].to_numpy(), self.grids["geom"].to_numpy()
        digests = []
        for ground, of_units, of_grids, of_findings in every:
            digest = hashlib.sha256(ground + _json([self.band.lower, self.band.upper, self.seed]))
            digest.update(np.ascontiguousarray(grid_of_unit[of_units]).tobytes())
            digest.update(_json([grids[of_grids], findings[of_findings]]))
            digest.update(b"".join(shapes[of_grids]))
            digests.append(digest.digest())
        return digests


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=str).encode()


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
            raise _fault(path, name, "plan_layer_missing", f"the layer {name} is missing", name=name)
    communities, layer_crs = _communities(path)
    band, seed = _run(path)
    grids, polygons = _grids(path, communities, layer_crs, band)
    units, grid_row, outside = _units(path, communities, grids, layer_crs)
    cells = _cells(path, units, layer_crs)
    _require_totals(path, grids, units, grid_row)
    _require_made_of_cells(path, grids, polygons, units, grid_row, cells)
    pairs = _pairs(path, units)
    findings = _findings(path, communities, grids, units, there)
    stored = _stored(cells, layer_crs, path, "cells")
    _require_valid(path, "cells", stored, units["unit_id"].to_numpy())
    units["cell"] = pd.Series(_ewkb(stored), dtype=object)
    stored = _stored(polygons, layer_crs, path, "micro_grids")
    _require_valid(path, "micro_grids", stored, grids["code"].to_numpy())
    grids["geom"] = pd.Series(_ewkb(stored), dtype=object)
    units["grid"] = np.where(grid_row >= 0, grids["number"].to_numpy()[grid_row], -1)
    return PlanFile(
        communities, units, pairs, grids, findings, _surroundings(path, there), band, seed, outside
    )


def _fault(
    path: Path,
    layer: str,
    code: str,
    message: str,
    *,
    mend: str = "give a file written by `weige plan`",
    feature: object = None,
    **values: str | int | float,
) -> InputError:
    named = None if feature is None else shortened(str(feature))
    place: dict[str, Any] = {**values, "file": path.name, "layer": layer, "feature": named}
    return InputError(code, message, mend=mend, **place)


def _table(path: Path, layer: str, needed: Sequence[str]) -> tuple[pd.DataFrame, Shapes | None, CRS | None]:
    raw = read_stored(path, layer)
    for name in needed:
        if name not in raw.names:
            raise _fault(path, layer, "plan_column_missing", f"the column {name} is missing", name=name)
    columns = dict(zip(raw.names, raw.values, strict=True))
    return _frame(columns), raw.geometry, raw.crs


def _frame(columns: Mapping[str, Any]) -> pd.DataFrame:
    """Return arrays as a frame in which text stays objects, so that nothing is None and not a number."""
    return pd.DataFrame({name: pd.Series(values, dtype=values.dtype) for name, values in columns.items()})


def _numbers(frame: pd.DataFrame, name: str, path: Path, layer: str) -> NDArray[np.float64]:
    numbers = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        raise _fault(
            path, layer, "plan_number_missing", f"{name} is not a number", feature=f"#{bad[0] + 1}", name=name
        )
    return numbers


def _counts(frame: pd.DataFrame, name: str, path: Path, layer: str) -> Ints:
    numbers = _numbers(frame, name, path, layer)
    bad = np.flatnonzero((numbers < 0) | (numbers != np.floor(numbers)) | (numbers >= 2**31))
    if len(bad):
        raise _fault(
            path, layer, "plan_number_missing", f"{name} is not a count", feature=f"#{bad[0] + 1}", name=name
        )
    return numbers.astype(np.int64)


def _text(frame: pd.DataFrame, name: str) -> Shapes:
    """Return a column as text or None; all None where the column is missing."""
    if name not in frame:
        return np.full(len(frame), None, object)
    return texts(frame[name].to_numpy(dtype=object))


def _places(ids: Shapes, known: Shapes) -> Ints:
    """Return the row of each id among the known ones, -1 where there is none."""
    return pd.Index(known).get_indexer(pd.Index(ids)).astype(np.int64)


def _communities(path: Path) -> tuple[pd.DataFrame, CRS]:
    layer = layer_of(read_stored(path, "communities"), "communities")
    assert layer.crs is not None
    frame = layer.frame.sort_values("community_id", ignore_index=True)
    shapes = _stored(frame.geometry.to_numpy(), layer.crs, path, "communities")
    _require_valid(path, "communities", shapes, frame["community_id"].to_numpy())
    name = frame["name"].to_numpy(dtype=object)
    code = frame["community_id"].to_numpy(dtype=object)
    return _frame({"code": code, "name": name, "geom": shapes}), layer.crs


def _run(path: Path) -> tuple[Band, int]:
    frame, _, _ = _table(path, "run", ("min_households", "max_households", "seed"))
    if len(frame) != 1:
        raise _fault(path, "run", "plan_layer_missing", "it has no row", name="run")
    low, high = (int(_counts(frame, name, path, "run")[0]) for name in ("min_households", "max_households"))
    if not 1 <= low <= high:
        raise _fault(path, "run", "plan_number_missing", "the band is not one", name="min_households")
    return Band(low, high), int(_counts(frame, "seed", path, "run")[0])


def _grids(path: Path, communities: pd.DataFrame, crs: CRS, band: Band) -> tuple[pd.DataFrame, Shapes]:
    layer = "micro_grids"
    needed = ("grid_id", "community_id", "kind", "households", "units", "status", "area_m2")
    frame, polygons, own = _table(path, layer, needed)
    polygons = _polygons(path, layer, polygons, own, crs, _text(frame, "grid_id"))
    codes = _text(frame, "grid_id")
    _require_ids(path, layer, codes)
    community = _places(_text(frame, "community_id"), communities["code"].to_numpy())
    _require(
        path,
        layer,
        community >= 0,
        codes,
        "plan_id_unknown",
        "its community_id is not in communities",
        "community_id",
    )
    kind, status = _text(frame, "kind"), _text(frame, "status")
    _require(
        path,
        layer,
        np.isin(kind, ("basic", "special")),
        codes,
        "plan_value_unknown",
        "its kind is unknown",
        "kind",
    )
    _require(
        path, layer, np.isin(status, STATUSES), codes, "plan_value_unknown", "its status is unknown", "status"
    )
    households = _counts(frame, "households", path, layer)
    judged = np.select([households < band.lower, households > band.upper], ["too_small", "too_large"], "ok")
    agrees = (status == "exempt") | (status == judged)
    _require(path, layer, agrees, codes, "plan_status_wrong", "its status contradicts its households")
    measured = {name: _optional_numbers(frame, name) for name in ("area_m2", "perimeter_m", "compactness")}
    table = _frame(
        {
            "community": community, "code": codes, "name": _text(frame, "name"), "kind": kind,
            "households": households, "units": _counts(frame, "units", path, layer), "status": status,
            "reason": _text(frame, "reason"), **measured,
        }
    )  # fmt: skip
    order = np.lexsort((codes.astype(str), community))
    table = table.iloc[order].reset_index(drop=True)
    table.insert(1, "number", table.groupby("community").cumcount())
    inside = shapely.intersects(
        _stored(shapely.point_on_surface(polygons[order]), crs, path, layer),
        communities["geom"].to_numpy()[table["community"].to_numpy()],
    )
    _require(
        path,
        layer,
        inside,
        table["code"].to_numpy(),
        "grid_outside_community",
        "it lies outside its community",
    )
    return table, polygons[order]


def _optional_numbers(frame: pd.DataFrame, name: str) -> Shapes:
    """Return numbers as Python floats, None where there is none."""
    if name not in frame:
        return np.full(len(frame), None, object)
    numbers = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=np.float64)
    found = numbers.astype(object)
    found[~np.isfinite(numbers)] = None
    return found


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
        raise _fault(path, layer, "plan_column_missing", "the column grid_id is missing", name="grid_id")
    # As a layer it keeps its rows, but puts a column of that name aside.
    named = texts(raw.values[raw.names.index("grid_id")])
    assert len(named) == len(frame)
    grid_row = _places(named, grids["code"].to_numpy())
    filled = np.array([name is not None for name in named], dtype=bool)
    _require(
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
        _places(_text(frame, "community_id"), communities["code"].to_numpy()),
    )
    kept = np.flatnonzero(community >= 0)
    kept = kept[np.lexsort((ids[kept].astype(str), community[kept]))]
    shapes = _stored(frame.geometry.to_numpy()[kept], read.crs or crs, path, layer)
    told = ("unit_id", "households", "building_id", "compound_id", "address")
    table = _frame(
        {
            "community": community[kept],
            **{name: frame[name].to_numpy()[kept] for name in told},
            "geom": _ewkb(shapes),
        }
    )
    table.insert(1, "number", table.groupby("community").cumcount())
    return table, grid_row[kept], len(frame) - len(kept)


def _cells(path: Path, units: pd.DataFrame, crs: CRS) -> Shapes:
    """Return the cell of each unit in the CRS of the file, None where it has none."""
    frame, polygons, own = _table(path, "cells", ("unit_id",))
    ids = _text(frame, "unit_id")
    _require_ids(path, "cells", ids)
    polygons = _polygons(path, "cells", polygons, own, crs, ids)
    row = _places(units["unit_id"].to_numpy(), ids)
    cells = np.full(len(units), None, object)
    cells[row >= 0] = polygons[row[row >= 0]]
    homeless = np.flatnonzero((row < 0) & (units["households"].to_numpy() > 0))
    if len(homeless):
        unit = units["unit_id"].iloc[homeless[0]]
        raise _fault(
            path, "cells", "unit_without_cell_in_plan", "it has households but no cell", feature=unit
        )
    return cells


def _polygons(
    path: Path, layer: str, shapes: Shapes | None, own: CRS | None, crs: CRS, ids: Shapes
) -> Shapes:
    if shapes is None or (own is not None and own != crs):
        raise _fault(
            path, layer, "plan_crs_differs", "its CRS is not that of the communities",
        )  # fmt: skip
    polygonal = np.isin(shapely.get_type_id(shapes), _POLYGONS) & ~shapely.is_empty(shapes)
    _require(path, layer, polygonal, ids, "plan_not_polygon", "it is not a polygon")
    flat: Shapes = shapely.force_2d(shapes)
    return flat


def _require(
    path: Path, layer: str, holds: NDArray[Any], ids: Shapes, code: str, message: str, name: str = ""
) -> None:
    wrong = np.flatnonzero(~np.asarray(holds, dtype=bool))
    if len(wrong):
        raise _fault(path, layer, code, message, feature=ids[wrong[0]], n=len(wrong), name=name)


def _require_ids(path: Path, layer: str, ids: Shapes) -> None:
    index = pd.Index(ids)
    rows = np.array([f"#{row}" for row in range(1, len(ids) + 1)], dtype=object)
    filled = np.array([name is not None for name in ids], dtype=bool)
    _require(path, layer, filled, rows, "plan_id_missing", "its id is empty")
    _require(path, layer, ~index.duplicated(), ids, "plan_id_repeated", "its id is there twice")


def _require_totals(path: Path, grids: pd.DataFrame, units: pd.DataFrame, grid_row: Ints) -> None:
    placed = grid_row >= 0
    n = len(grids)
    households = np.bincount(grid_row[placed], units["households"].to_numpy()[placed], n).astype(np.int64)
    count = np.bincount(grid_row[placed], minlength=n)
    same = (households == grids["households"].to_numpy()) & (count == grids["units"].to_numpy())
    _require(
        path, "micro_grids", same, grids["code"].to_numpy(), "grid_totals_differ",
        "its households or units are not the sum of its units",
    )  # fmt: skip


def _require_made_of_cells(
    path: Path, grids: pd.DataFrame, polygons: Shapes, units: pd.DataFrame, grid_row: Ints, cells: Shapes
) -> None:
    """Refuse grids that are not exactly the cells of their units, or that overlap.

    A grid whose border is the sum of the borders of its cells, where edges run both ways cancel, is their
    union, and the cells do not overlap inside it. Grids are compared with one another and with the cells
    of units in no grid as a coverage.
    """
    codes = grids["code"].to_numpy()
    _require(
        path, "micro_grids", shapely.is_valid(polygons), codes, "plan_not_valid", "its polygon crosses itself"
    )
    there = ~shapely.is_missing(cells)
    placed = there & (grid_row >= 0)
    salt = np.uint64(secrets.randbits(64))
    made = border_sums(cells[placed], grid_row[placed], len(grids), salt)
    drawn = border_sums(polygons, np.arange(len(grids)), len(grids), salt)
    # A grid of a community without units has no cells to compare with.
    bare = grids["units"].to_numpy() == 0
    _require(
        path, "micro_grids", (made == drawn) | bare, codes, "grid_not_its_cells",
        "its polygon is not the union of the cells of its units",
    )  # fmt: skip
    loose = there & (grid_row < 0)
    together = np.concatenate([polygons, cells[loose]])
    if len(together) and not shapely.coverage_is_valid(together):
        names = np.concatenate([codes, units["unit_id"].to_numpy()[loose]])
        matched = shapely.is_missing(shapely.coverage_invalid_edges(together))
        matched |= shapely.is_empty(shapely.coverage_invalid_edges(together))
        _require(path, "micro_grids", matched, names, "grids_overlap", "it overlaps its neighbour")


def border_sums(polygons: Shapes, owner: Ints, n: int, salt: np.uint64) -> NDArray[np.uint64]:
    """Return for each of n owners the sum over the directed edges of its polygons, modulo 2**64.

    An edge and the same edge backwards sum to nothing, so that two sets of polygons with equal sums have
    equal borders, but for a chance of 2**-64 under a random salt.
    """
    parts, part_of = shapely.get_parts(shapely.orient_polygons(polygons), return_index=True)
    rings, ring_of = shapely.get_rings(parts, return_index=True)
    xy, line = shapely.get_coordinates(rings, return_index=True)
    bits = (xy + 0.0).view(np.uint64)  # no negative zero
    point = _mixed(_mixed(bits[:, 0] ^ salt) + bits[:, 1])
    inner = line[1:] == line[:-1]
    start, end = point[:-1][inner], point[1:][inner]
    swap = np.uint64(0x9E3779B97F4A7C15)
    edge = _mixed(start * swap + end) - _mixed(end * swap + start)
    sums = np.zeros(n, np.uint64)
    np.add.at(sums, owner[part_of[ring_of[line[1:][inner]]]], edge)
    return sums


def _mixed(number: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatter 64-bit numbers (the finaliser of SplitMix64, Steele, Lea and Flood 2014)."""
    number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return number ^ (number >> np.uint64(31))


def _pairs(path: Path, units: pd.DataFrame) -> pd.DataFrame:
    layer = "adjacency"
    frame, _, _ = _table(path, layer, ("unit_a", "unit_b", "border_m", "crosses", "joins"))
    known = units["unit_id"].to_numpy()
    ends = [_places(_text(frame, name), known) for name in ("unit_a", "unit_b")]
    first, second = np.minimum(*ends), np.maximum(*ends)
    community = units["community"].to_numpy()
    # Units outside every community have neighbours too; their pairs go with them.
    inside = (first >= 0) & (community[first] == community[second])
    labels = _text(frame, "unit_a")
    _require(path, layer, ~inside | (first < second), labels, "pair_with_itself", "it is paired with itself")
    position, values = pd.factorize(_text(frame, "crosses"))
    bits = np.array(
        [*(_crossing(str(value), path) for value in values), 0], np.int64
    )  # -1, none, is the last
    border_m, joins = (_numbers(frame, name, path, layer) for name in ("border_m", "joins"))
    number = units["number"].to_numpy()
    every = _frame(
        {
            "community": community[first], "left": number[first], "right": number[second],
            "border_m": border_m.astype(np.float32),
            "crosses": bits[position], "joins": joins != 0,
        }
    )  # fmt: skip
    table: pd.DataFrame = every[inside].sort_values(["community", "left", "right"], ignore_index=True)
    twice = table.duplicated(["community", "left", "right"]).to_numpy()
    if twice.any():
        raise _fault(path, layer, "pair_repeated", "a pair of units is there twice", n=int(twice.sum()))
    return table


def _crossing(said: str, path: Path) -> int:
    bits = 0
    for word in filter(None, said.split(";")):
        if word not in _CROSSINGS:
            raise _fault(
                path, "adjacency", "plan_value_unknown", f"crosses says {shortened(word)}", name="crosses"
            )
        bits |= _CROSSINGS[word]
    return bits


def _findings(
    path: Path, communities: pd.DataFrame, grids: pd.DataFrame, units: pd.DataFrame, there: frozenset[str]
) -> pd.DataFrame:
    columns = ["community", "code", "severity", "grid_code", "unit_ids", "details", "geom"]
    if "findings" not in there:
        return _frame({name: np.zeros(0, np.int64 if name == "community" else object) for name in columns})
    layer = "findings"
    frame, spots, crs = _table(path, layer, ("code", "severity"))
    rows = np.array([f"#{row}" for row in range(1, len(frame) + 1)], dtype=object)
    severity = _text(frame, "severity")
    _require(
        path,
        layer,
        np.isin(severity, SEVERITIES),
        rows,
        "plan_value_unknown",
        "its severity is unknown",
        "severity",
    )
    try:
        unit_ids = [[str(name) for name in json.loads(said or "[]")] for said in _text(frame, "unit_ids")]
        details = [dict(json.loads(said or "{}")) for said in _text(frame, "values")]
    except (ValueError, TypeError) as error:
        raise _fault(
            path, layer, "plan_value_unknown", "unit_ids or values are not JSON", name="values"
        ) from error
    grid_code = _text(frame, "grid_id")
    community = _places(_text(frame, "community_id"), communities["code"].to_numpy())
    by_grid = _places(grid_code, grids["code"].to_numpy())
    first_unit = np.array([names[0] if names else None for names in unit_ids] or [None], object)[: len(frame)]
    by_unit = _places(first_unit, units["unit_id"].to_numpy())
    for place, owner in ((by_grid, grids), (by_unit, units)):
        found = (community < 0) & (place >= 0)
        community[found] = owner["community"].to_numpy()[place[found]]
    shapes = np.full(len(frame), None, object) if spots is None else spots
    at = _ewkb(shapes if crs is None else _stored(shapely.force_2d(shapes), crs, path, layer))
    table = _frame(
        {
            "community": community, "code": _text(frame, "code"), "severity": severity,
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
            shapes = _stored(shapes, layer.crs, path, kind)
        # They were mended when they were read; a sliver may turn over on the way to the stored CRS.
        crossed = ~shapely.is_valid(shapes)
        shapes[crossed] = shapely.make_valid(shapes[crossed])
        frames[kind] = layer.frame.set_geometry(gpd.GeoSeries(shapes, crs=STORED_CRS))
    return frames


def _stored(shapes: Shapes, crs: CRS, path: Path, layer: str) -> Shapes:
    """Return shapes in the stored CRS; a vertex that several share stays shared."""
    flat: Shapes = shapely.force_2d(shapes)
    if crs == STORED_CRS:
        return flat
    shift = transformer(crs, STORED_CRS)
    moved: Shapes = shapely.transform(flat, lambda xy: np.stack(shift.transform(xy[:, 0], xy[:, 1]), axis=1))
    if not np.isfinite(shapely.get_coordinates(moved)).all():
        raise _fault(
            path,
            layer,
            "coordinates_outside_crs",
            "its coordinates have no place in EPSG:4490",
            crs="EPSG:4490",
        )
    return moved


def _require_valid(path: Path, layer: str, shapes: Shapes, ids: Shapes) -> None:
    good = shapely.is_valid(shapes) | shapely.is_missing(shapes)
    _require(path, layer, good, ids, "plan_not_valid", "its polygon crosses itself")


def _ewkb(shapes: Shapes) -> Shapes:
    wkb: Shapes = shapely.to_wkb(shapely.set_srid(shapes, 4490), include_srid=True, byte_order=1)
    return wkb
