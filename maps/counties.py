"""Plans of many counties, one job for each: layers in as GeoParquet by county, plans out likewise.

The folders `county=CODE` are Hive partitions, as Spark, DuckDB, pyarrow and Dask read and write them. A
micro-grid lies in one community and a community in one county, so no job needs another: the largest county
decides what memory a worker needs.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import numpy as np
import pyarrow.parquet as pq

from geo.errors import GeoError, InputError
from geo.files import written
from geo.layers import LAYER_KINDS, LayerKind
from geo.partition import Band
from geo.plan_layers import PlanLayers, read_plan_layers
from geo.planning import Plan, plan
from maps.plan_file import Frames, plan_frames

_NEEDED: tuple[LayerKind, ...] = ("units", "communities")
# What was made; the layers that it was made from stay where they are.
_WRITTEN = ("micro_grids", "units", "cells", "findings", "adjacency", "run")


@dataclass(frozen=True)
class County:
    """The layers of a county.

    Attributes
    ----------
    name : str
        Of its folder, `county=320706`.
    sources : tuple of (kind, file)
    units : int
    """

    name: str
    sources: tuple[tuple[LayerKind, str], ...]
    units: int


@dataclass(frozen=True)
class Refused:
    """A community that could not be planned, and why; `error` is what was raised."""

    county: str
    community: str
    error: Exception


@dataclass(frozen=True)
class CountyPlan:
    """What became of a county.

    Attributes
    ----------
    name : str
    communities, units, households, micro_grids, out_of_band, not_proved : int
        Of what was planned; `not_proved` are grids out of band that may be avoidable.
    refused : tuple of Refused
        Communities that are not in the plan.
    cpu_s : float
        Of the worker.
    """

    name: str
    communities: int
    units: int
    households: int
    micro_grids: int
    out_of_band: int
    not_proved: int
    refused: tuple[Refused, ...]
    cpu_s: float


def counties_of(folder: Path) -> list[County]:
    """Return the counties of a folder (`county=CODE/units.parquet`, `communities.parquet`, …), largest first.

    Raises
    ------
    InputError
        There is no county, or one lacks a layer that a plan needs.
    """
    found = [_county(each) for each in sorted(folder.glob("county=*")) if each.is_dir()]
    if not found:
        raise InputError(
            "no_counties", "it has no folder of a county",
            mend="name them county=CODE, each with units.parquet and communities.parquet", file=str(folder),
        )  # fmt: skip
    return sorted(found, key=lambda county: (-county.units, county.name))


def _county(folder: Path) -> County:
    files: dict[LayerKind, Path] = {kind: folder / f"{kind}.parquet" for kind in LAYER_KINDS}
    for kind in _NEEDED:
        if not files[kind].is_file():
            raise InputError(
                "county_incomplete", f"{kind}.parquet is missing", mend="export it as GeoParquet",
                file=folder.name, layer=kind, name=f"{kind}.parquet",
            )  # fmt: skip
    sources = tuple((kind, str(file)) for kind, file in files.items() if file.is_file())
    try:
        units = int(pq.read_metadata(files["units"]).num_rows)
    except (OSError, ValueError):
        units = 0  # whoever reads it says what is wrong
    return County(folder.name, sources, units)


def is_planned(county: County, into: Path) -> bool:
    """Return whether the plan of a county is there."""
    return (into / county.name).is_dir()


def plan_county(county: County, *, into: Path, band: Band, seed: int, crs: str | None = None) -> CountyPlan:
    """Plan a county and write it to `into/county=…`: micro_grids, units, cells, findings, adjacency, run.

    The folder is there once all of it is. The same layers, band and seed give the same bytes on every worker.
    Where a community makes the plan impossible, it is left out and told, and the others are planned.

    Raises
    ------
    InputError
        A layer cannot be read, or the folder cannot be written.
    """
    started = time.process_time()
    layers = read_plan_layers(dict(county.sources), crs=crs)
    made, refused = _planned(layers, county.name, band, seed)
    if made is not None:
        _write(plan_frames(made, {}), into / county.name)
    return _told(county.name, made, refused, time.process_time() - started)


def _planned(
    layers: PlanLayers, county: str, band: Band, seed: int
) -> tuple[Plan | None, tuple[Refused, ...]]:
    try:
        return plan(layers, band=band, seed=seed), ()
    except Exception:  # whatever it is: one community may be at fault, and the others are planned
        refused = _refused(layers, county, band, seed)
        if not refused:
            raise  # none is at fault alone: the layers are
        names = layers.communities["community_id"].to_numpy(dtype=object)
        sound = [str(name) for name in names if name not in {one.community for one in refused}]
        return (plan(_only(layers, sound), band=band, seed=seed) if sound else None), refused


def _refused(layers: PlanLayers, county: str, band: Band, seed: int) -> tuple[Refused, ...]:
    """Try each community alone."""
    refused = []
    for name in layers.communities["community_id"].tolist():
        try:
            plan(_only(layers, [name]), band=band, seed=seed)
        except Exception as error:  # whatever it is, the others are planned
            told = error if isinstance(error, GeoError) else RuntimeError(f"{type(error).__name__}: {error}")
            refused.append(Refused(county, str(name), told))
    return tuple(refused)


def _only(layers: PlanLayers, communities: Sequence[str]) -> PlanLayers:
    """Return the layers of some communities; lines and surfaces stay, as they cut what they cross alone."""
    kept = layers.communities["community_id"].isin(communities).to_numpy()
    return replace(
        layers,
        communities=layers.communities[kept].reset_index(drop=True),
        communities_original=layers.communities_original[kept].reset_index(drop=True),
        units=layers.units[layers.units["community_id"].isin(communities)].reset_index(drop=True),
    )


def _told(name: str, made: Plan | None, refused: tuple[Refused, ...], cpu_s: float) -> CountyPlan:
    if made is None:
        return CountyPlan(name, 0, 0, 0, 0, 0, 0, refused, cpu_s)
    parts = made.partition
    return CountyPlan(
        name,
        communities=len(made.layers.communities),
        units=len(made.layers.units),
        households=int(np.sum(made.ground.households)),
        micro_grids=len(made.grid_ids),
        out_of_band=len(parts.out_of_band),
        not_proved=sum(proof.code == "not_proved" for proof in parts.proofs.values()),
        refused=refused,
        cpu_s=cpu_s,
    )


def _write(frames: Frames, folder: Path) -> None:
    temporary = folder.with_name(f".{folder.name}-{uuid4().hex[:8]}")
    try:
        with written(folder):
            temporary.mkdir(parents=True)
            for name in _WRITTEN:
                frames[name].to_parquet(temporary / f"{name}.parquet", index=False)
            if folder.exists():  # of a worker that was taken for lost
                shutil.rmtree(folder)
            os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
