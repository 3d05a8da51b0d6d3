"""The plan as one GeoPackage: everything that maps, checks and later plans need, in the communities' CRS."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyproj import CRS

from geo.files import replacing
from geo.findings import Finding
from geo.planning import Plan
from maps.findings import sentence


@dataclass(frozen=True)
class Run:
    """What is written about a run.

    Attributes
    ----------
    options : mapping
        Options of the command, JSON values.
    started, finished : str
        ISO 8601 with the offset from UTC.
    """

    options: Mapping[str, object]
    started: str
    finished: str


def write_plan(plan: Plan, path: Path, run: Run) -> None:
    """Write a plan; an existing file is replaced only once the new one is whole.

    Raises
    ------
    InputError
        The folder is missing or cannot be written.
    """
    layers = plan.layers
    crs = layers.layer_crs
    units = layers.units.assign(grid_id=plan.unit_grid_ids()).to_crs(crs)
    frames: dict[str, gpd.GeoDataFrame] = {
        "micro_grids": plan.micro_grids(),
        "units": units,
        "cells": plan.cells(),
        "communities": layers.communities_original,
        "roads": layers.roads.to_crs(crs),
        "water": layers.water.to_crs(crs),
        "barriers": layers.barriers.to_crs(crs),
        "compounds": layers.compounds.to_crs(crs),
        "gates": layers.gates.to_crs(crs),
        "findings": findings_layer(plan.findings, layers.working_crs, crs),
    }
    with replacing(path) as temporary:
        for name, frame in frames.items():
            _append(temporary, name, frame)
        _append(temporary, "adjacency", plan.adjacency_table())
        _append(temporary, "run", _run_table(plan, run))


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


def _run_table(plan: Plan, run: Run) -> pd.DataFrame:
    sources = [
        {"kind": source.kind, "name": source.name, "sha256": source.sha256} for source in plan.layers.sources
    ]
    band = plan.partition.band
    return pd.DataFrame(
        {
            "version": [version("weige")],
            "seed": [plan.seed],
            "min_households": [band.lower],
            "max_households": [band.upper],
            "options": [json.dumps(dict(run.options), ensure_ascii=False)],
            "inputs": [json.dumps(sources, ensure_ascii=False)],
            "working_crs": [plan.layers.working_crs.to_string()],
            "started": [run.started],
            "finished": [run.finished],
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
