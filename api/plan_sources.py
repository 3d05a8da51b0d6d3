"""What commands that go on from a plan read: its layers, points beside it, numbers within their range."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from api.sources import Sources
from geo.containers import source_of
from geo.errors import InputError
from geo.layers import Layer, LayerKind, read_layer
from geo.names import shortened
from geo.plan_layers import PlanLayers, read_plan_layers
from geo.reached import obstacle_named
from geo.standing_files import EarlierPlan
from geo.units import ID_COLUMNS

# Layers of points that stand beside a plan and are no part of it.
_BESIDE = ("stations", "candidates", "members")
# A layer that begins farther than this from all units is of another place.
FARTHEST_M = 5_000.0


def plan_sources(plan_file: Path) -> tuple[EarlierPlan, dict[LayerKind, str]]:
    """Return a plan file and the layers it was made from, without its grids.

    Raises
    ------
    InputError
        It is no plan, or holds no units.
    """
    earlier = EarlierPlan(plan_file)
    sources = earlier.sources()
    del sources["grids"]
    if "units" not in sources:
        raise InputError(
            "plan_without_units",
            "holds no units",
            mend="give a file written by `weige plan`",
            file=plan_file.name,
        )
    return earlier, sources


def walked_layers(sources: Mapping[LayerKind, str], given: Sources) -> PlanLayers:
    """Read the layers of a plan, some given in place of its own: `roads` with `--paths`, and `gates`.

    Raises
    ------
    InputError
        A layer cannot be used; `--paths` is named so and not by what it stands for.
    """
    instead = {kind: source for kind, source in given.layers.items() if kind not in _BESIDE}
    fields = {(kind, column): name for (kind, column), name in given.fields.items() if kind not in _BESIDE}
    try:
        layers = read_plan_layers({**sources, **instead}, fields=fields, crs=given.crs)
        for kind, source in instead.items():
            _require_there(getattr(layers, kind), kind, source, layers.units)
    except InputError as error:
        if error.layer == "roads" and "roads" in instead:
            error.layer = "paths"
        if error.code == "layer_is_another" and error.values.get("kind") == "roads" and "roads" in instead:
            error.values = MappingProxyType({**error.values, "kind": "paths"})
            error.mend = "give --paths the layer of streets and paths"
        raise
    return layers


def _require_there(frame: gpd.GeoDataFrame, kind: LayerKind, source: str, units: gpd.GeoDataFrame) -> None:
    """Refuse a layer that was given and would leave everybody without ways, or without gates."""
    file = source_of(source).name
    if not len(frame):
        raise InputError(
            "layer_empty", "it has no features", mend="check the export", file=file, layer=kind
        )  # fmt: skip
    if kind == "roads" and not frame.geometry.geom_type.isin(("LineString", "MultiLineString")).any():
        raise InputError(
            "paths_without_lines", "it has no lines", mend="give streets and paths as lines",
            file=file, layer=kind,
        )  # fmt: skip
    if kind == "roads":
        origin = source_of(source)
        obstacle = obstacle_named(origin.layer or origin.path.stem, frame)
        if obstacle is not None:
            raise InputError(
                "paths_are_obstacles", f"it holds what nobody walks along ({shortened(obstacle)})",
                mend="give streets and paths with --paths; those of the plan are used without it",
                file=file, layer=kind, word=shortened(obstacle),
            )  # fmt: skip
    _require_near(shapely.box(*frame.total_bounds), units, file=file, kind=kind)


def _require_near(
    shapes: shapely.Geometry | NDArray[np.object_], units: gpd.GeoDataFrame, *, file: str, kind: LayerKind
) -> None:
    """Refuse shapes that are all of another place than the units, both in the CRS of the units."""
    away_m = float(np.nanmin(shapely.distance(shapely.box(*units.total_bounds), shapes)))
    if away_m > FARTHEST_M:
        raise InputError(
            "layer_elsewhere", f"it lies {away_m / 1000:.0f} km from the units",
            mend="check its CRS, or whether it is the right file",
            file=file, layer=kind, km=round(away_m / 1000),
        )  # fmt: skip


def points_beside(
    given: Sources, kind: LayerKind, units: gpd.GeoDataFrame, *, required: Collection[str] = ()
) -> Layer:
    """Read points near some units, with ids: numbers where they have none.

    Raises
    ------
    InputError
        The layer cannot be used, has no feature, is of another place, or lacks a `required` column.
    """
    own = {column: name for (owner, column), name in given.fields.items() if owner == kind}
    layer = read_layer(given.layers[kind], kind, fields=own, crs=given.crs, required=required)
    if not len(layer.frame):
        raise InputError(
            "layer_empty", "it has no features", mend="check the export", layer=kind, file=layer.name
        )
    _require_near(layer.frame.geometry.to_crs(units.crs).to_numpy(), units, file=layer.name, kind=kind)
    column, frame = ID_COLUMNS[kind], layer.frame
    numbered = pd.Series([f"#{row + 1}" for row in range(len(frame))], index=frame.index, dtype=object)
    ids = frame[column].astype(object).fillna(numbered) if column in frame else numbered
    return replace(layer, frame=frame.assign(**{column: ids}))


def cells_of(earlier: EarlierPlan, layers: PlanLayers) -> NDArray[np.object_]:
    """Return the ground of each unit in the working CRS, None where the plan has none."""
    found = np.full(len(layers.units), None, object)
    if "cells" in earlier.layers:
        cells = gpd.read_file(earlier.path, layer="cells").to_crs(layers.working_crs)
        by_unit = dict(zip(cells["unit_id"], cells.geometry, strict=True))
        for row, unit in enumerate(layers.units["unit_id"]):
            found[row] = by_unit.get(unit)
    return found


def required_range(value: float, option: str, *, example: str) -> None:
    """Refuse minutes and speeds that no walk can be measured with.

    Raises
    ------
    InputError
    """
    if not 0 < value <= 240:
        raise InputError(
            "option_out_of_range", f"{option} {value:g} is not more than 0 and at most 240",
            mend=f"for example {option} {example}", option=option, value=f"{value:g}", example=example,
        )  # fmt: skip


def required_count(value: int | None, option: str, *, most: int = 1_000_000) -> None:
    """Refuse counts below 1 and beyond all sense.

    Raises
    ------
    InputError
    """
    if value is not None and not 1 <= value <= most:
        raise InputError(
            "option_not_counted", f"{option} {value} is not between 1 and {most}",
            mend=f"for example {option} 3", option=option, value=value, most=most,
        )  # fmt: skip
