"""The plan as one GeoPackage: everything that maps, checks and later plans need, in the communities' CRS."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from geo.adjacency import Adjacency, Crossing
from geo.boundaries import region_polygons
from geo.checking import Checked, are_polygons, special_grids
from geo.files import replacing
from geo.findings import Finding
from geo.metrics import shapes
from geo.partition import Band
from geo.plan_layers import PlanLayers
from geo.planning import Plan
from geo.replanning import Replanned
from maps.findings import sentence

Frames = dict[str, pd.DataFrame]


def plan_frames(plan: Plan, run: Mapping[str, str]) -> Frames:
    """Return the layers and tables of a plan's file by name, in the communities' CRS.

    Parameters
    ----------
    plan : Plan
    run : mapping
        Further columns of the table `run`: when it started and finished, the options.
    """
    return {
        "micro_grids": plan.micro_grids(),
        "units": _units(plan.layers, plan.unit_grid_ids()),
        "cells": plan.cells(),
        **_as_used(plan.layers),
        "findings": findings_layer(plan.findings, plan.layers.working_crs, plan.layers.layer_crs),
        "adjacency": adjacency_table(plan.ground.adjacency),
        "run": _run_table(plan.layers, plan.partition.band, plan.seed, run),
    }


def replanned_frames(made: Replanned, run: Mapping[str, str]) -> Frames:
    """Return the same layers for a rebalanced plan, with the grids before, what moved, and retired codes."""
    ledger = made.ledger
    return {
        **plan_frames(made.plan, run),
        "micro_grids_before": made.micro_grids_before(),
        "ledger": ledger.moves,
        "retired": ledger.retired,
    }


def checked_frames(checked: Checked, run: Mapping[str, str]) -> Frames:
    """Return the same layers for drawn grids, so that they can be put on a map."""
    layers = checked.layers
    by_unit = np.full(len(checked.grid_ids), None, object)
    by_unit[checked.ground.order] = checked.grid_ids
    # As many as the workbook lists.
    told = (*checked.findings, *checked.review.grid_counts_told(checked.band))
    return {
        "micro_grids": _drawn(checked),
        "units": _units(layers, by_unit),
        **_as_used(layers),
        "findings": findings_layer(told, layers.working_crs, layers.layer_crs),
        "adjacency": adjacency_table(checked.ground.adjacency),
        "run": _run_table(layers, checked.band, 0, run),
    }


def write_frames(frames: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write layers and tables to one GeoPackage; an existing file is replaced once the new one is whole.

    Raises
    ------
    InputError
        The folder is missing or cannot be written, or the disk is full.
    """
    with replacing(path) as temporary:
        for name, frame in frames.items():
            _append(temporary, name, frame)


def adjacency_table(pairs: Adjacency) -> pd.DataFrame:
    """Return the pairs as a table: unit_a, unit_b, border_m, crosses, joins (0 or 1)."""
    names = {int(bit): str(bit.name).lower() for bit in Crossing}
    words = {
        bits: ";".join(name for bit, name in names.items() if bits & bit) or None
        for bits in np.unique(pairs.crosses).tolist()
    }
    return pd.DataFrame(
        {
            "unit_a": pairs.unit_ids[pairs.left],
            "unit_b": pairs.unit_ids[pairs.right],
            "border_m": np.round(pairs.border_m, 3),
            "crosses": [words[bits] for bits in pairs.crosses.tolist()],
            "joins": pairs.joins.astype(np.int64),
        }
    )


def _units(layers: PlanLayers, grid_ids: NDArray[np.object_]) -> gpd.GeoDataFrame:
    return layers.units.assign(grid_id=grid_ids).to_crs(layers.layer_crs)


def _as_used(layers: PlanLayers) -> Frames:
    others = {
        name: getattr(layers, name).to_crs(layers.layer_crs)
        for name in ("roads", "water", "barriers", "compounds", "gates")
    }
    return {"communities": layers.communities_original, **others}


def _drawn(checked: Checked) -> gpd.GeoDataFrame:
    """Return the drawn grids with their totals and status; units of a table as their cells' union."""
    layers, statuses = checked.layers, checked.review.statuses
    special = special_grids(layers.grids)
    if are_polygons(layers.grids):
        drawn = layers.grids[["grid_id", "geometry"]].dissolve("grid_id").reindex(list(statuses))
        polygons = drawn.geometry.to_numpy()
    else:
        number = {grid_id: k for k, grid_id in enumerate(statuses)}
        region = np.full(len(checked.ground.arcs.cell_community), -1)
        region[: len(checked.grid_ids)] = [number.get(grid_id, -1) for grid_id in checked.grid_ids]
        polygons = region_polygons(checked.ground.arcs, region, len(number))
    measured = shapes(polygons)
    rows = list(statuses.values())
    frame = gpd.GeoDataFrame(
        {
            "grid_id": list(statuses),
            "community_id": [row.community_id for row in rows],
            "name": [None] * len(rows),
            "kind": ["special" if grid_id in special else "basic" for grid_id in statuses],
            "households": [row.households for row in rows],
            "units": [row.units for row in rows],
            "status": [row.status for row in rows],
            "reason": [row.reason or None for row in rows],
            "area_m2": measured.area_m2,
            "perimeter_m": measured.perimeter_m,
            "compactness": measured.compactness,
        },
        geometry=polygons,
        crs=layers.working_crs,
    )
    return frame.to_crs(layers.layer_crs)


def findings_layer(findings: Sequence[Finding], found_in: CRS, crs: CRS) -> gpd.GeoDataFrame:
    """Return findings as points with their sentences in both languages."""
    spots = [None if finding.point is None else shapely.Point(finding.point) for finding in findings]
    frame = gpd.GeoDataFrame(
        {
            "code": [finding.code for finding in findings],
            "severity": [finding.severity for finding in findings],
            "community_id": _text([finding.community_id for finding in findings]),
            "grid_id": _text([finding.grid_id for finding in findings]),
            "unit_ids": _text([json.dumps(finding.unit_ids, ensure_ascii=False) for finding in findings]),
            "values": _text([json.dumps(dict(finding.values), ensure_ascii=False) for finding in findings]),
            "text_zh": _text([sentence(finding, "zh_CN") for finding in findings]),
            "text_en": _text([sentence(finding, "en") for finding in findings]),
        },
        geometry=gpd.GeoSeries(spots, crs=found_in),
    )
    return frame.to_crs(crs)


def _text(values: Sequence[str | None]) -> pd.Series:
    return pd.Series(values, dtype=object)


def _run_table(layers: PlanLayers, band: Band, seed: int, run: Mapping[str, str]) -> pd.DataFrame:
    sources = [
        {
            "kind": source.kind,
            "name": source.name,
            "sha256": source.sha256,
            "columns": dict(source.columns),
        }
        for source in layers.sources
    ]
    return pd.DataFrame(
        {
            "version": [version("weige")],
            "seed": [seed],
            "min_households": [band.lower],
            "max_households": [band.upper],
            "inputs": [json.dumps(sources, ensure_ascii=False)],
            "working_crs": [layers.working_crs.to_string()],
            "options": [run.get("options", "{}")],
            **{name: [value] for name, value in run.items() if name != "options"},
        }
    )


def _append(path: Path, name: str, frame: pd.DataFrame) -> None:
    """Add a layer or, for a frame without geometry, a table."""
    frame = _storable(frame)
    if not isinstance(frame, gpd.GeoDataFrame):
        pyogrio.write_dataframe(frame, path, layer=name, driver="GPKG", append=False)
        return
    kinds = np.unique(shapely.get_type_id(frame.geometry.to_numpy()[~frame.geometry.isna().to_numpy()]))
    single = {0: "Point", 1: "LineString", 3: "Polygon", 6: "MultiPolygon"}
    geometry_type = single.get(int(kinds[0]), "Unknown") if len(kinds) == 1 else "Unknown"
    pyogrio.write_dataframe(
        frame, path, layer=name, driver="GPKG", geometry_type=geometry_type, promote_to_multi=False
    )


def _storable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with column names and types that a GeoPackage can hold; nothing is dropped."""
    names: dict[str, str] = {}
    taken = {"fid", "geom"}
    for column in frame.columns:
        if isinstance(frame, gpd.GeoDataFrame) and column == frame.geometry.name:
            continue
        name = str(column)
        while name.lower() in taken:
            name += "_"
        taken.add(name.lower())
        names[str(column)] = name
    return frame.rename(columns=names)
