"""The layers of a plan together: checked against one another and brought to one CRS in metres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from geopandas import GeoDataFrame
from numpy.typing import NDArray
from pyproj import CRS

from geo.columns import canonical_columns
from geo.coverage import densified, matched_coverage
from geo.crs import known_crs, label, transformer, working_crs
from geo.errors import CrsError, InputError
from geo.findings import Finding
from geo.formats.raw import RawTable, placed
from geo.layers import LAYER_KINDS, Layer, LayerKind, SourceFile, layer_of, read_layer, require_known_kinds
from geo.plausibility import (
    damaged_ids,
    doubtful_kinds,
    doubtful_roads,
    gates_without_wall,
    look_like_buildings,
    require_units_within,
    shared_places,
)
from geo.unit_communities import with_communities
from geo.units import texts


@dataclass(frozen=True)
class PlanLayers:
    """Everything a plan is made from, in one CRS in metres.

    Attributes
    ----------
    units : GeoDataFrame
        `unit_id`, `households`, `building_id`, `compound_id`, `community_id` (by place; None outside all),
        `address`, then the other columns; points, polygons, or None.
    communities : GeoDataFrame
        `community_id`, `name`, then others; a coverage with vertices at most 15 m apart in `layer_crs`.
    roads, water, barriers, gates, compounds : GeoDataFrame
        Empty where not given.
    findings : tuple of Finding
        Points in `working_crs`.
    working_crs, layer_crs : CRS
        The CRS of the frames, and that of the communities as given.
    sources : tuple of SourceFile
    communities_original : GeoDataFrame
        The cleaned communities without added vertices, in `layer_crs`; same rows.
    grids : GeoDataFrame
        For `check`: `grid_id` and polygons, or `grid_id` and `unit_id` without geometry. Empty otherwise.
    """

    units: GeoDataFrame
    communities: GeoDataFrame
    roads: GeoDataFrame
    water: GeoDataFrame
    barriers: GeoDataFrame
    gates: GeoDataFrame
    compounds: GeoDataFrame
    findings: tuple[Finding, ...]
    working_crs: CRS
    layer_crs: CRS
    sources: tuple[SourceFile, ...]
    communities_original: GeoDataFrame
    grids: GeoDataFrame = field(default_factory=lambda: GeoDataFrame({"grid_id": []}, geometry=[]))


def read_plan_layers(
    sources: Mapping[LayerKind, str],
    *,
    fields: Mapping[tuple[LayerKind, str], str] = MappingProxyType({}),
    crs: str | None = None,
    id_column: str | None = None,
) -> PlanLayers:
    """Read all layers of a plan or check, check them together and bring them to one CRS in metres.

    Parameters
    ----------
    sources : mapping
        Kind of layer -> file. `units` is needed; without `communities` (for `check`) their frame is empty.
    fields : mapping
        (kind, our column) -> the file's column.
    crs : str, optional
        EPSG code for layers that declare none, or one their numbers contradict.
    id_column : str, optional
        The column of the units with their ids.

    Raises
    ------
    InputError
        A layer cannot be used, communities overlap, or the layers do not lie in one place.
    """
    require_known_kinds(fields, sources)
    layers = {
        kind: read_layer(
            sources[kind],
            kind,
            fields={column: name for (owner, column), name in fields.items() if owner == kind},
            crs=crs,
            id_column=id_column if kind == "units" else None,
        )
        for kind in LAYER_KINDS
        if kind in sources
    }
    return _together(layers)


def plan_layers(
    *,
    units: GeoDataFrame,
    communities: GeoDataFrame | None = None,
    roads: GeoDataFrame | None = None,
    water: GeoDataFrame | None = None,
    barriers: GeoDataFrame | None = None,
    gates: GeoDataFrame | None = None,
    compounds: GeoDataFrame | None = None,
    grids: GeoDataFrame | None = None,
) -> PlanLayers:
    """Check GeoDataFrames together as `read_plan_layers` does with files.

    Raises
    ------
    InputError
        As `read_plan_layers`; the layer is named by its kind.
    """
    frames: dict[LayerKind, GeoDataFrame | None] = {
        "units": units,
        "communities": communities,
        "roads": roads,
        "water": water,
        "barriers": barriers,
        "gates": gates,
        "compounds": compounds,
        "grids": grids,
    }
    return _together(
        {kind: layer_of(_raw_of(frame, kind), kind) for kind, frame in frames.items() if frame is not None}
    )


def without_own_grids(layers: PlanLayers) -> PlanLayers:
    """Return layers whose units are those of a plan, without the grids that the plan gave them.

    The plan's `grid_id` is not a column of the office: what became of it stands in the ledger.
    """
    units, column = _own_grids(layers)
    if units is None or column is None:
        return layers
    kept = replace(units, columns={name: to for name, to in units.columns.items() if to != column})
    return replace(
        layers,
        units=layers.units.drop(columns=column),
        findings=tuple(finding for finding in layers.findings if finding.code != "column_kept_as"),
        sources=tuple(kept if source is units else source for source in layers.sources),
    )


def own_grid_ids(layers: PlanLayers) -> NDArray[np.object_]:
    """Return the grid that a plan gave each of its units, (n,), None for none."""
    _, column = _own_grids(layers)
    if column is None:
        return np.full(len(layers.units), None, object)
    return texts(layers.units[column].to_numpy(dtype=object))


def _own_grids(layers: PlanLayers) -> tuple[SourceFile | None, str | None]:
    """Return the file of the units, and the column of it that names their grids."""
    units = next((source for source in layers.sources if source.kind == "units"), None)
    return units, None if units is None else units.columns.get("grid_id")


def _together(layers: Mapping[LayerKind, Layer]) -> PlanLayers:
    """Bring checked layers to one CRS and check them against one another."""
    if "units" not in layers:
        raise InputError("layer_missing", "a plan needs units", mend="give --units", layer="units")
    base = next(
        layer
        for kind in ("communities", "grids", "units")
        if (layer := layers.get(kind)) and layer.crs is not None
    )
    layer_crs = base.crs
    assert layer_crs is not None
    bounds = tuple(float(number) for number in base.frame.total_bounds)
    if not np.isfinite(bounds).all():
        raise InputError(
            "layer_empty", "it has no features", mend="check the export", layer=base.kind, file=base.name
        )
    with placed(base.name, base.kind):
        target = working_crs(layer_crs, (bounds[0], bounds[1], bounds[2], bounds[3]))
    findings: list[Finding] = []
    original, communities = _communities(layers.get("communities"), layer_crs, target, findings)
    frames: dict[str, GeoDataFrame] = {"communities": communities}
    for kind in LAYER_KINDS:
        if kind in ("communities", "incidents", "stations", "candidates", "members", "context"):
            continue
        layer = layers.get(kind)
        frames[kind] = _empty(kind, target) if layer is None else _projected(layer, target)
        if layer is not None:
            findings += [_moved(finding, layer.crs, target) for finding in layer.findings]
    for kind, columns in (
        ("units", ("unit_id",)), ("communities", ("community_id",)), ("grids", ("grid_id", "unit_id")),
    ):  # fmt: skip
        if (layer := layers.get(kind)) is not None:
            findings += damaged_ids(frames[kind], columns, file=layer.name)
    units = frames["units"]
    findings += shared_places(units)
    if (given := layers.get("communities")) is not None:
        require_units_within(units, communities, file=layers["units"].name)
        units, placing = with_communities(units, communities, file=layers["units"].name)
        findings += [*placing, *look_like_buildings(communities, file=given.name)]
    if (roads := layers.get("roads")) is not None:
        findings += doubtful_roads(frames["roads"], file=roads.name)
    if (grids := layers.get("grids")) is not None:
        findings += doubtful_kinds(frames["grids"], file=grids.name)
    if (gates := layers.get("gates")) is not None:
        findings += gates_without_wall(
            frames["gates"], frames["barriers"], frames["compounds"], file=gates.name
        )
    return PlanLayers(
        units=units,
        communities=communities,
        roads=frames["roads"],
        water=frames["water"],
        barriers=frames["barriers"],
        gates=frames["gates"],
        compounds=frames["compounds"],
        findings=tuple(findings),
        working_crs=target,
        layer_crs=layer_crs,
        sources=tuple(layer.source for layer in layers.values() if layer.source is not None),
        communities_original=original,
        grids=frames["grids"],
    )


def _empty(kind: LayerKind, crs: CRS) -> GeoDataFrame:
    columns: dict[str, Any] = {column: np.array([], dtype=object) for column in canonical_columns(kind)}
    columns.pop("gated", None)
    for column in columns.keys() & {"bridge", "walled"}:
        columns[column] = np.array([], dtype=bool)
    return GeoDataFrame(columns, geometry=[], crs=crs)


def _communities(
    layer: Layer | None, layer_crs: CRS, target: CRS, findings: list[Finding]
) -> tuple[GeoDataFrame, GeoDataFrame]:
    """Communities as an edge-matched coverage: as given, and densified in the working CRS."""
    if layer is None:
        return _empty("communities", layer_crs), _empty("communities", target)
    frame = layer.frame
    ids: Sequence[str] = frame["community_id"].tolist()
    polygons, mended = matched_coverage(
        np.array(frame.geometry, dtype=object), layer_crs, ids, file=layer.name, layer=layer.kind
    )
    findings += [_moved(finding, layer_crs, target) for finding in (*layer.findings, *mended)]
    original = frame.set_geometry(gpd.GeoSeries(polygons, crs=layer_crs))
    dense = frame.set_geometry(gpd.GeoSeries(densified(polygons, layer_crs), crs=layer_crs))
    return original, _in_crs(dense, target, layer)


def _projected(layer: Layer, target: CRS) -> GeoDataFrame:
    if layer.crs is None:
        return layer.frame.set_crs(target)
    return _in_crs(layer.frame, target, layer)


def _in_crs(frame: GeoDataFrame, target: CRS, layer: Layer) -> GeoDataFrame:
    if frame.crs == target:
        return frame
    moved = frame.to_crs(target)
    coordinates, rows = shapely.get_coordinates(moved.geometry.array, return_index=True)
    lost = ~np.isfinite(coordinates).all(axis=1)
    if lost.any():
        raise CrsError(
            "coordinates_outside_crs",
            f"its coordinates have no place in {label(target)}",
            mend="check the coordinate reference system it declares",
            file=layer.name,
            layer=layer.kind,
            feature=f"#{int(rows[np.flatnonzero(lost)[0]]) + 1}",
            crs=label(target),
        )
    return moved


def _moved(finding: Finding, source: CRS | None, target: CRS) -> Finding:
    if finding.point is None or source is None or source == target:
        return finding
    x, y = transformer(source, target).transform(*finding.point)
    return replace(finding, point=(float(x), float(y)))


def _raw_of(frame: GeoDataFrame, kind: LayerKind) -> RawTable:
    plain = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    with placed(kind):
        crs = None if frame.crs is None else known_crs(frame.crs)
    return RawTable(
        kind,
        None,
        tuple(str(name) for name in plain.columns),
        tuple(_plain_array(plain.iloc[:, at]) for at in range(plain.shape[1])),
        np.array(frame.geometry, dtype=object),
        crs,
    )


def _plain_array(series: Any) -> NDArray[Any]:
    array: NDArray[Any] = series.to_numpy()
    return (
        array if array.dtype.kind in "biuf" else series.astype(object).where(series.notna(), None).to_numpy()
    )
