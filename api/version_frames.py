"""Versions in the store as the layers of a plan file: what maps, pages and downloads are made from.

Apart from the routes: geopandas takes a second to import, and API workers start without it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import version as program_version
from typing import Any, TypeAlias
from uuid import UUID

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from geopandas.array import from_shapely
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from api.queries import AROUND_DEG
from geo.adjacency import Adjacency
from geo.crs import STORED_CRS
from geo.findings import Finding
from geo.floors import COLUMNS as FLOOR_COLUMNS
from maps.findings import sentence
from maps.plan_file import Frames, adjacency_table

Columns: TypeAlias = dict[str, list[Any]]

# Columns of the layers round a community. Long things end at its box; what is enclosed stays whole, since
# where it is cut there is no wall.
_AROUND = {
    "roads": ("name", "road_class", "bridge"),
    "water": ("name",),
    "barriers": ("name",),
    "compounds": ("compound_id", "name", "walled"),
    "gates": ("name",),
}
_CUT = frozenset({"roads", "water", "barriers"})


def version_frames(session: Session, version_id: UUID) -> Frames:
    """Return the layers of a version that the actor may read, as `maps.export.read_plan_file` does of a file.

    Parameters
    ----------
    session : Session
        Acts for somebody: row-level security holds.
    version_id : UUID
        Of a version that is there for the actor (`api.routes.plans.require_version`).

    Returns
    -------
    dict of name to DataFrame
        The layers of docs/plan-file.md with one community, in EPSG:4490. Units and cells are in the order of
        the units' numbers, grids in that of theirs. Roads, water, barriers, compounds and gates are those
        within `AROUND_DEG` of the community. Findings have two columns more: `id`, and `accepted`.
    """
    return area_frames(session, [version_id])


def area_frames(session: Session, version_ids: Sequence[UUID]) -> Frames:
    """Return the layers of versions of different communities as those of one plan; see `version_frames`.

    Of several versions there is no table `adjacency`: units of different communities are never joined. Where
    two communities have units of one id, each is told by the code of its community too.
    """
    versions = [session.execute(text(_VERSION), {"id": each}).one() for each in version_ids]
    own = [_columns(session, _UNITS, version) for version in versions]
    findings = [_columns(session, _FINDINGS, version) for version in versions]
    if len({unit_id for each in own for unit_id in each["unit_id"]}) < sum(
        len(each["unit_id"]) for each in own
    ):
        for version, units, told in zip(versions, own, findings, strict=True):
            units["unit_id"] = [f"{version.community}/{unit_id}" for unit_id in units["unit_id"]]
            told["unit_ids"] = [[f"{version.community}/{each}" for each in ids] for ids in told["unit_ids"]]
    units = _together(versions, own)
    grids = _together(versions, [_columns(session, _GRIDS, version) for version in versions])
    places, cells = units.pop("geom"), units.pop("cell")
    if not any(units["divided_from"]):
        units = {name: column for name, column in units.items() if name not in FLOOR_COLUMNS}
    frames: Frames = {
        "micro_grids": _located(grids, grids.pop("geom")),
        "units": _located(units, places),
        "cells": _cells(units["unit_id"], cells),
        "communities": _located(
            {
                "community_id": [version.community for version in versions],
                "name": [version.community_name for version in versions],
            },
            [version.outline for version in versions],
        ),
        "findings": _findings(_together(versions, findings)),
        "run": _run(max(versions, key=lambda version: version.changed_at)),
    }
    if len(versions) == 1:
        frames["adjacency"] = adjacency_table(_pairs(versions[0], units["unit_id"]))
    for layer, columns in _AROUND.items():
        around = _rows_of(
            session, _around(layer, columns),
            {"communities": [version.community_id for version in versions], "reach": AROUND_DEG},
        )  # fmt: skip
        frames[layer] = _located(around, around.pop("geom"))
    return frames


_VERSION = """
    SELECT v.id, v.community_id, v.ground_id, v.min_households, v.max_households, v.seed,
           d.code AS community, d.name AS community_name, ST_AsBinary(d.geom) AS outline,
           g.pair_left, g.pair_right, g.border_m, g.crosses, g.joins,
           greatest(v.created_at, (SELECT max(l.at) FROM log l
                                   WHERE l.stream = 'edits' AND l.chain = v.id::text)) AS changed_at
    FROM versions v JOIN divisions d ON d.id = v.community_id JOIN grounds g ON g.id = v.ground_id
    WHERE v.id = :id"""
_UNITS = """
    SELECT u.unit_id, u.households, u.building_id, u.compound_id, u.address, g.code AS grid_id,
           u.divided_from, u.floor_from, u.floor_to,
           ST_AsBinary(u.geom) AS geom, ST_AsBinary(u.cell) AS cell
    FROM units u
    LEFT JOIN assignments a ON a.version_id = :version AND a.unit_number = u.number
    LEFT JOIN grids g ON g.version_id = a.version_id AND g.number = a.grid_number
    WHERE u.ground_id = :ground ORDER BY u.number"""
_GRIDS = """
    SELECT code AS grid_id, name, kind, households, units, status, reason, area_m2, perimeter_m, compactness,
           ST_AsBinary(geom) AS geom
    FROM grids WHERE version_id = :version ORDER BY number"""
_FINDINGS = """
    SELECT id, code, severity, grid_code, unit_ids, details, accepted_at IS NOT NULL AS accepted,
           ST_AsBinary(geom) AS geom
    FROM findings WHERE version_id = :version ORDER BY id"""
# Columns that are not text.
_TYPES = {
    **dict.fromkeys(("households", "units", "id"), np.int64),
    **dict.fromkeys(("area_m2", "perimeter_m", "compactness"), np.float64),
    **dict.fromkeys(("bridge", "walled", "accepted"), np.bool_),
}


def _around(layer: str, columns: Sequence[str]) -> str:
    shape = "ST_ClipByBox2D(l.geom, ST_Expand(d.geom, :reach))" if layer in _CUT else "l.geom"
    return (
        f"SELECT {', '.join(f'l.{name}' for name in columns)}, ST_AsBinary({shape}) AS geom"
        f" FROM {layer} l"
        " JOIN (SELECT ST_Collect(geom) AS geom FROM divisions WHERE id = ANY (:communities)) d"
        " ON l.geom && ST_Expand(d.geom, :reach) AND ST_DWithin(l.geom, d.geom, :reach) ORDER BY l.id"
    )


def _columns(session: Session, statement: str, version: Row[Any]) -> Columns:
    """Return the rows of a statement about a version as columns."""
    return _rows_of(session, statement, {"version": version.id, "ground": version.ground_id})


def _rows_of(session: Session, statement: str, values: dict[str, Any]) -> Columns:
    result = session.execute(text(statement), values)
    names, rows = list(result.keys()), result.all()
    by_column = zip(*rows, strict=True) if rows else [()] * len(names)
    return {name: list(column) for name, column in zip(names, by_column, strict=True)}


def _together(versions: Sequence[Row[Any]], each: Sequence[Columns]) -> Columns:
    """Return the columns of all versions, one after the other, and the community of each row."""
    columns = {name: [value for own in each for value in own[name]] for name in each[0]}
    counts = [len(next(iter(own.values()))) for own in each]
    named = zip(versions, counts, strict=True)
    return {**columns, "community_id": [version.community for version, n in named for _ in range(n)]}


def _located(columns: Columns, wkb: Sequence[bytes | None]) -> gpd.GeoDataFrame:
    """Return columns and shapes as a layer."""
    typed: dict[str, Any] = {
        # Text stays objects, so that nothing is None and not a number.
        name: np.array(values, _TYPES[name]) if name in _TYPES else pd.Series(values, dtype=object)
        for name, values in columns.items()
    }
    typed["geometry"] = from_shapely(shapely.from_wkb(np.array(wkb, object)), crs=STORED_CRS)
    return gpd.GeoDataFrame(typed, geometry="geometry")


def _cells(unit_ids: Sequence[str], wkb: Sequence[bytes | None]) -> gpd.GeoDataFrame:
    there = [(unit_id, cell) for unit_id, cell in zip(unit_ids, wkb, strict=True) if cell is not None]
    return _located({"unit_id": [unit_id for unit_id, _ in there]}, [cell for _, cell in there])


def _pairs(version: Row[Any], unit_ids: Sequence[str]) -> Adjacency:
    return Adjacency(
        np.array(unit_ids, object),
        np.array(version.pair_left, np.int64),
        np.array(version.pair_right, np.int64),
        np.array(version.border_m, np.float64),
        np.array(version.crosses, np.uint8),
        np.array(version.joins, np.bool_),
    )


def _findings(stored: Columns) -> gpd.GeoDataFrame:
    told = (stored[name] for name in ("code", "severity", "community_id", "grid_code", "unit_ids", "details"))
    findings = [
        Finding(code, severity, community, grid_id, tuple(unit_ids), details)
        for code, severity, community, grid_id, unit_ids, details in zip(*told, strict=True)
    ]
    columns = {
        "code": stored["code"],
        "severity": stored["severity"],
        "grid_id": stored["grid_code"],
        "unit_ids": [json.dumps(finding.unit_ids, ensure_ascii=False) for finding in findings],
        "values": [json.dumps(finding.values, ensure_ascii=False) for finding in findings],
        "text_zh": [sentence(finding, "zh_CN") for finding in findings],
        "text_en": [sentence(finding, "en") for finding in findings],
        "id": stored["id"],
        "accepted": stored["accepted"],
        "community_id": stored["community_id"],
    }
    return _located(columns, stored["geom"])


def _run(version: Row[Any]) -> pd.DataFrame:
    """Return how the version came about, as far as the store knows: not from which files."""
    return pd.DataFrame(
        {
            "version": [program_version("weige")],
            "seed": [version.seed],
            "min_households": [version.min_households],
            "max_households": [version.max_households],
            "inputs": ["[]"],
            "options": ["{}"],
            "finished": [version.changed_at.isoformat(timespec="seconds")],
        }
    )
