"""Layers in: read, recognise, check, mend, and bring to one CRS."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, get_args

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from geopandas import GeoDataFrame
from numpy.typing import NDArray
from pyproj import CRS

from geo.columns import (
    canonical_columns,
    has_control_characters,
    has_personal_name,
    is_personal,
    masked,
    missing,
    recognised,
    without_control_characters,
)
from geo.containers import read_raw, source_of
from geo.coverage import densified, matched_coverage
from geo.crs import (
    WGS84,
    Numbers,
    crs_named,
    known_crs,
    label,
    missing_crs,
    require_fitting_numbers,
    transformer,
    working_crs,
)
from geo.errors import CrsError, InputError
from geo.findings import Finding, Value
from geo.formats.raw import LayerChoiceError, RawTable, placed, several_layers
from geo.overlay import intersection
from geo.plausibility import (
    doubtful_roads,
    gates_without_wall,
    look_like_buildings,
    require_own_kind,
    require_units_within,
    shared_places,
)
from geo.repair import LINES, POINTS, POLYGONS, Place, mended_polygons, require_finite, simple_shapes
from geo.units import ID_COLUMNS, REQUIRED, households, require_ids, row_labels, texts, truths

LayerKind: TypeAlias = Literal[
    "units",
    "communities",
    "roads",
    "water",
    "barriers",
    "gates",
    "compounds",
    "grids",
    "incidents",
    "stations",
    "context",
]
LAYER_KINDS: tuple[LayerKind, ...] = get_args(LayerKind)

# The shapes each kind of layer may have.
_SHAPES: Mapping[str, frozenset[int]] = {
    "units": POINTS | POLYGONS,
    "communities": POLYGONS,
    "roads": LINES | POLYGONS,
    "water": LINES | POLYGONS,
    "barriers": LINES | POLYGONS,
    "gates": POINTS,
    "compounds": POLYGONS,
    "grids": POLYGONS,
    "incidents": POINTS,
    "stations": POINTS,
    "context": POINTS | LINES | POLYGONS | {4},
}

# Names a GeoPackage keeps for itself.
_RESERVED = frozenset({"fid", "ogc_fid", "geom", "geometry"})

# Columns that a plan adds to a layer; the input's own goes on under another name.
_ADDED: Mapping[str, frozenset[str]] = {"units": frozenset({"grid_id"})}

# What a file with several layers (a plan file among them) probably calls the one that is meant.
_LIKELY_NAMES: Mapping[str, tuple[str, ...]] = {"grids": ("micro_grids", "grids")}

# Layers that lie farther apart than this, with no unit inside a community, are in a wrong CRS.
_FAR_M = 1_000.0

# A column is personal by its content when at least this share of its values is.
_PERSONAL_SHARE = 0.3


@dataclass(frozen=True)
class SourceFile:
    """An input.

    Attributes
    ----------
    kind : LayerKind
        What it was used as.
    name : str
        Its name without folder.
    sha256 : str
        Over all parts of a shapefile.
    columns : mapping
        The file's column -> the column it is in the layer, for those that go by another name there.
    """

    kind: LayerKind
    name: str
    sha256: str
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Layer:
    """One layer, checked and mended, in its own CRS.

    Attributes
    ----------
    kind : LayerKind
    frame : GeoDataFrame
        Our columns under our names, then the other columns of the input; RangeIndex, input order.
    crs : CRS or None
        None only for a table without places.
    findings : tuple of Finding
        Their points are in `crs`.
    source : SourceFile or None
        None for a layer that was given as a GeoDataFrame.
    renamed : mapping
        As `SourceFile.columns`.
    """

    kind: LayerKind
    frame: GeoDataFrame
    crs: CRS | None
    findings: tuple[Finding, ...] = ()
    source: SourceFile | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How messages name it."""
        return self.source.name if self.source else self.kind


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


def read_layer(
    source: str,
    kind: LayerKind,
    *,
    fields: Mapping[str, str] = MappingProxyType({}),
    crs: str | None = None,
    id_column: str | None = None,
) -> Layer:
    """Read, check and mend one layer.

    Parameters
    ----------
    source : str
        A file, or `file.gpkg:layer`.
    kind : LayerKind
        What it is used as.
    fields : mapping
        Our column -> the file's column, where the name is not one of `columns.toml`.
    crs : str, optional
        EPSG code for a layer that declares none, or one its numbers contradict.
    id_column : str, optional
        The column with the ids.

    Returns
    -------
    Layer
        In the CRS it declares.

    Raises
    ------
    InputError
        The layer cannot be used; the error names file, layer, field and feature and what would mend it.
    """
    origin = source_of(source)
    try:
        raw, sha256 = read_raw(origin)
    except LayerChoiceError as error:
        likely = (kind, *_LIKELY_NAMES.get(kind, ()))
        raise several_layers(origin.name, error.layers, likely=likely) from error
    layer = _checked(raw, kind, fields=fields, crs=crs, id_column=id_column)
    return replace(layer, source=SourceFile(kind, origin.name, sha256, layer.renamed))


def layer_of(raw: RawTable, kind: LayerKind) -> Layer:
    """Check and mend a layer that was read already; errors as `read_layer`."""
    return _checked(raw, kind)


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
        {kind: _checked(_raw_of(frame, kind), kind) for kind, frame in frames.items() if frame is not None}
    )


def without_own_grids(layers: PlanLayers) -> PlanLayers:
    """Return layers whose units are those of a plan, without the grids that the plan gave them.

    The plan's `grid_id` is not a column of the office: what became of it stands in the ledger.
    """
    units = next((source for source in layers.sources if source.kind == "units"), None)
    if units is None or "grid_id" not in units.columns:
        return layers
    column = units.columns["grid_id"]
    kept = replace(units, columns={name: to for name, to in units.columns.items() if to != column})
    return replace(
        layers,
        units=layers.units.drop(columns=column),
        findings=tuple(finding for finding in layers.findings if finding.code != "column_kept_as"),
        sources=tuple(kept if source is units else source for source in layers.sources),
    )


def require_known_kinds(fields: Mapping[tuple[LayerKind, str], str], sources: Collection[LayerKind]) -> None:
    """Refuse columns of layers that are not given.

    Raises
    ------
    InputError
        `fields` names a kind that is not among `sources`.
    """
    for kind, column in fields:
        if kind not in sources:
            raise InputError(
                "field_layer_unknown",
                f"--field names the layer {kind}, which is not given",
                mend="name one of the layers: " + ", ".join(sources),
                field=f"{kind}.{column}",
                kind=kind,
                names=", ".join(sources),
            )


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


def _checked(
    raw: RawTable,
    kind: LayerKind,
    *,
    fields: Mapping[str, str] = MappingProxyType({}),
    crs: str | None = None,
    id_column: str | None = None,
) -> Layer:
    """Check one layer by itself."""
    file, layer = raw.file, raw.layer or kind
    if id_column is not None and kind in ID_COLUMNS:
        fields = {**fields, ID_COLUMNS[kind]: id_column}
    findings = list(raw.findings)
    if len(raw) == 0 and kind in ("units", "communities", "grids"):
        raise InputError("layer_empty", "it has no features", mend="check the export", file=file, layer=layer)
    with placed(file, layer):
        tabular = raw.geometry is None
        require_own_kind(kind, raw.names, raw.values, fields)
        columns = recognised(
            kind,
            raw.names,
            fields=fields,
            id_column=None if id_column is None else ID_COLUMNS.get(kind),
            short_names=raw.short_names,
            with_place=tabular,
        )
        # A GeoJSON file without a feature has no properties either.
        for column in REQUIRED.get(kind, ()) if len(raw) or raw.names else ():
            if column not in columns:
                raise missing(kind, column, raw.names)
    dropped, personal = _personal_columns(raw, kind, columns)
    findings += personal
    columns = {column: at for column, at in columns.items() if at not in dropped}
    with placed(file, layer):
        ids, id_findings = _ids(raw, kind, columns)
    findings += id_findings
    place = Place(file, layer, row_labels(None if ids is None else ids.tolist(), len(raw), raw.numbering))
    if ids is not None and kind != "compounds" and not (kind == "grids" and tabular):
        require_ids(ids, place, raw.names[columns[ID_COLUMNS[kind]]] if ID_COLUMNS[kind] in columns else "-")
    counts = None
    if kind == "units":
        at = columns["households"]
        counts = households(raw.values[at], place, raw.names[at])
    shapes, declared = _places(raw, kind, columns, crs, place)
    if shapes is None:
        _require_units(raw, ids, columns["unit_id"], place)
        frame, renamed = _frame(
            raw, kind, columns=columns, dropped=dropped, ids=ids, counts=counts, findings=findings
        )
        return Layer(kind, frame, None, tuple(findings), renamed=renamed)
    require_finite(shapes, place)
    shapes = simple_shapes(shapes, _SHAPES[kind], place)
    shapes, chosen = _in_its_crs(
        shapes, declared=declared, option=crs, kind=kind, place=place, findings=findings
    )
    if _SHAPES[kind] & POLYGONS:
        needed = np.full(len(shapes), kind in ("communities", "grids")) if counts is None else counts > 0
        named = place.labels if ids is None else ids.tolist()
        shapes, mended = mended_polygons(shapes, chosen, place, named, kind=kind, needed=needed)
        findings += mended
    kept = _kept(shapes, kind, place, ids=ids, counts=counts, findings=findings)
    frame, renamed = _frame(
        raw,
        kind,
        columns=columns,
        dropped=dropped,
        ids=ids,
        counts=counts,
        findings=findings,
        shapes=shapes,
        crs=chosen,
    )
    if not kept.all():
        frame = frame[kept].reset_index(drop=True)
    return Layer(kind, frame, chosen, tuple(findings), renamed=renamed)


def _ids(
    raw: RawTable, kind: LayerKind, columns: Mapping[str, int]
) -> tuple[NDArray[np.object_] | None, list[Finding]]:
    """Ids of the rows: the column's, else names of placemarks or row numbers for the kinds that need them."""
    if kind == "compounds":
        return (texts(raw.values[columns["compound_id"]]) if "compound_id" in columns else None), []
    if kind not in ID_COLUMNS:
        return None, []
    column = ID_COLUMNS[kind]
    if column in columns:
        ids = texts(raw.values[columns[column]])
        return np.array([without_control_characters(text) or None for text in ids], dtype=object), []
    if kind == "grids" and raw.geometry is None:
        raise missing(kind, column, raw.names)
    names = _placemark_names(raw) if kind in ("units", "communities", "grids") else None
    if names is not None:
        return names, [Finding("ids_are_names", "warning", values={"layer": kind, "file": raw.file})]
    numbers = np.array([str(row) for row in range(1, len(raw) + 1)], dtype=object)
    return numbers, [Finding("ids_are_row_numbers", "warning", values={"layer": kind, "file": raw.file})]


def _placemark_names(raw: RawTable) -> NDArray[np.object_] | None:
    """Return the names of KML placemarks where each has its own; who draws there writes the id so."""
    if not raw.file.casefold().endswith(".kml") or "name" not in raw.names:
        return None
    values = raw.values[raw.names.index("name")]
    names = np.array([without_control_characters(text) or None for text in texts(values)], dtype=object)
    told = {name for name in names if name is not None}
    return None if len(told) < len(names) or _is_personal_content(values) else names


def _personal_columns(
    raw: RawTable, kind: LayerKind, columns: Mapping[str, int]
) -> tuple[set[int], list[Finding]]:
    """Positions of the columns that hold personal data, and a finding for each.

    The counts, places and, in layers about ground and buildings, our own columns are never taken for it.
    """
    own = set(columns.values()) if kind not in ("incidents", "stations") else set()
    own |= {at for column, at in columns.items() if column in ("lon", "lat")}
    dropped: set[int] = set()
    findings = []
    for at, name in enumerate(raw.names):
        if at in own or not (has_personal_name(name) or _is_personal_content(raw.values[at])):
            continue
        dropped.add(at)
        findings.append(
            Finding(
                "personal_column_dropped", "warning", values={"layer": kind, "file": raw.file, "column": name}
            )
        )
    return dropped, findings


def _is_personal_content(values: NDArray[Any]) -> bool:
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    filled = [text for text in pd.unique(pd.Series(texts(values[:20_000]))) if isinstance(text, str)]
    hits = sum(is_personal(text) for text in filled if 8 <= len(text) <= 24)
    return hits > 0 and hits >= _PERSONAL_SHARE * len(filled)


def _places(
    raw: RawTable, kind: LayerKind, columns: Mapping[str, int], crs: str | None, place: Place
) -> tuple[NDArray[np.object_] | None, CRS | None]:
    """Shapes of the rows and the CRS they declare; None for a table that only relates units to grids."""
    if raw.geometry is not None:
        return raw.geometry.copy(), raw.crs
    if kind == "grids" and "unit_id" in columns and not {"lon", "lat"} <= columns.keys():
        return None, None
    with placed(place.file, place.layer):
        for column in ("lon", "lat"):
            if column not in columns:
                raise missing(kind, column, raw.names)
    x, y = (_numbers(raw, columns[column], place) for column in ("lon", "lat"))
    half = np.flatnonzero(np.isnan(x) != np.isnan(y))
    if len(half):
        error = place.error(
            "coordinate_missing", "one of its two coordinates is missing", int(half[0]), mend="fill in both"
        )
        error.field = raw.names[columns["lon" if np.isnan(x[half[0]]) else "lat"]]
        raise error
    shapes = np.full(len(x), None, dtype=object)
    given = ~np.isnan(x)
    shapes[given] = shapely.points(x[given], y[given])
    # A table without a row is in any CRS.
    in_degrees = bool((np.abs(x[given]) <= 180).all() and (np.abs(y[given]) <= 180).all())
    named = None if crs is None else crs_named(crs)
    if in_degrees:
        return shapes, named if named is not None and named.is_geographic else WGS84
    return shapes, named


def _require_units(raw: RawTable, grid_ids: NDArray[np.object_] | None, at: int, place: Place) -> None:
    """Refuse a table of units and grids with a row that names a grid but no unit; blank rows say nothing."""
    if grid_ids is None:
        return
    rows = np.flatnonzero((texts(raw.values[at]) == None) & (grid_ids != None))  # noqa: E711
    if len(rows):
        by_number = replace(place, labels=row_labels(None, len(raw), raw.numbering))
        error = by_number.error("id_missing", "it has no id", int(rows[0]), mend="fill it in", n=len(rows))
        error.field = raw.names[at]
        raise error


def _numbers(raw: RawTable, at: int, place: Place) -> NDArray[np.float64]:
    as_text = texts(raw.values[at])
    numbers = pd.to_numeric(pd.Series(as_text), errors="coerce").to_numpy(dtype=np.float64)
    empty = as_text == None  # noqa: E711
    wrong = ~np.isfinite(numbers) & ~empty
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        error = place.error(
            "coordinate_unreadable",
            f"the coordinate {as_text[row]!r} is not a number",
            row,
            mend="enter decimal degrees",
            value=str(without_control_characters(as_text[row]))[:40],
        )
        error.field = raw.names[at]
        raise error
    return numbers


def _kept(
    shapes: NDArray[np.object_],
    kind: LayerKind,
    place: Place,
    *,
    ids: NDArray[np.object_] | None,
    counts: NDArray[np.int64] | None,
    findings: list[Finding],
) -> NDArray[np.bool_]:
    """Which rows are kept: those with a shape, and units without households."""
    empty: NDArray[np.bool_] = shapely.is_missing(shapes)
    kept = np.ones(len(shapes), dtype=bool)
    if not empty.any():
        return kept
    rows = np.flatnonzero(empty)
    if kind in ("communities", "grids"):
        raise place.error(
            "geometry_missing", "it has no geometry", int(rows[0]), mend="draw or remove it", n=len(rows)
        )
    if counts is not None and ids is not None:
        homeless = np.flatnonzero(empty & (counts > 0))
        if len(homeless):
            raise place.error(
                "unit_without_geometry",
                f"it has {counts[homeless[0]]} households but no geometry",
                int(homeless[0]),
                mend="draw it or set its households to 0",
                households=int(counts[homeless[0]]),
                n=len(homeless),
            )
        findings += [Finding("unit_without_geometry", "warning", unit_ids=(str(ids[row]),)) for row in rows]
        return kept
    findings.append(
        Finding(
            "features_without_geometry",
            "warning",
            values={"layer": kind, "file": place.file, "n": len(rows), "first": place.labels[int(rows[0])]},
        )
    )
    kept = ~empty
    return kept


def _in_its_crs(
    shapes: NDArray[np.object_],
    *,
    declared: CRS | None,
    option: str | None,
    kind: LayerKind,
    place: Place,
    findings: list[Finding],
) -> tuple[NDArray[np.object_], CRS]:
    """The CRS of a layer: what it declares if its numbers agree, else what the user says."""
    coordinates, rows = shapely.get_coordinates(shapes, return_index=True)
    numbers = Numbers.of(coordinates) if len(coordinates) else None
    with placed(place.file, place.layer):
        named = None if option is None else crs_named(option)
        chosen = declared if declared is not None else named
        if chosen is None and numbers is None and kind in ("incidents", "stations", "context"):
            return shapes, WGS84
        if chosen is None:
            raise missing_crs(numbers)
        if numbers is None:
            return shapes, chosen
        try:
            require_fitting_numbers(chosen, numbers)
        except CrsError:
            if named is None or named == chosen:
                raise
            require_fitting_numbers(named, numbers)
            findings.append(
                Finding(
                    "crs_overridden",
                    "warning",
                    values={
                        "layer": kind,
                        "file": place.file,
                        "declared": label(chosen),
                        "used": label(named),
                    },
                )
            )
            chosen = named
    if chosen.is_geographic:
        outside = (np.abs(coordinates[:, 0]) > 180.0) | (np.abs(coordinates[:, 1]) > 90.0)
        if outside.any():
            raise place.error(
                "coordinates_off_earth",
                "its coordinates are not on the earth",
                int(rows[np.flatnonzero(outside)[0]]),
                mend="correct them",
            )
    return shapes, chosen


def _frame(
    raw: RawTable,
    kind: LayerKind,
    *,
    columns: Mapping[str, int],
    dropped: set[int],
    ids: NDArray[np.object_] | None,
    counts: NDArray[np.int64] | None,
    findings: list[Finding],
    shapes: NDArray[np.object_] | None = None,
    crs: CRS | None = None,
) -> tuple[GeoDataFrame, dict[str, str]]:
    """Our columns under our names, then the others; and which go by another name than in the file."""
    table: dict[str, Any] = {}
    for column in canonical_columns(kind):
        values = raw.values[columns[column]] if column in columns else None
        if ID_COLUMNS.get(kind) == column or (kind == "compounds" and column == "compound_id"):
            table[column] = ids if ids is not None else np.full(len(raw), None, dtype=object)
        elif column == "households":
            table[column] = counts
        elif column in ("bridge", "walled", "gated"):
            default = column != "bridge"
            table[column], strange = (
                (np.full(len(raw), default), []) if values is None else truths(values, default=default)
            )
            if strange:
                findings.append(
                    Finding(
                        "value_not_understood",
                        "warning",
                        values={
                            "layer": kind,
                            "file": raw.file,
                            "column": raw.names[columns[column]],
                            "examples": ", ".join(strange[:5]),
                        },
                    )
                )
        else:
            table[column] = np.full(len(raw), None, dtype=object) if values is None else texts(values)
    if kind == "compounds":
        table["walled"] = table["walled"] & table.pop("gated")
    if kind == "roads":
        table["road_class"] = np.array(
            [None if text is None else text.lower() for text in table["road_class"]], dtype=object
        )
    renamed = {raw.names[at]: column for column, at in columns.items() if column in table}
    used = set(columns.values()) | dropped
    others = [at for at, name in enumerate(raw.names) if at not in used and name != raw.row_number]
    added = _ADDED.get(kind, frozenset())
    taken = {name.casefold() for name in table} | _RESERVED | added
    # A free name goes to the column that bears it before another is given it.
    for at in sorted(others, key=lambda at: raw.names[at].strip().casefold() in added):
        name = raw.names[at]
        clashes = name.strip().casefold() in added
        chosen = _free_name(f"{name.strip()}_input" if clashes else name, taken)
        table[chosen] = raw.values[at]
        if clashes:
            told: dict[str, Value] = {"layer": kind, "file": raw.file, "column": name, "kept_as": chosen}
            findings.append(Finding("column_kept_as", "warning", values=told))
        renamed[name] = chosen
    if kind in ("incidents", "stations"):
        _mask(table, kind, raw, findings)
    _strip_controls(table, kind, raw, findings)
    # Text stays objects, so that nothing is None and not a number.
    columns_made = {
        name: pd.Series(values, dtype=values.dtype, index=pd.RangeIndex(len(raw)), copy=False)
        for name, values in table.items()
    }
    frame = pd.DataFrame(columns_made, index=pd.RangeIndex(len(raw)))
    placed_frame = GeoDataFrame(
        frame, geometry=np.full(len(raw), None, dtype=object) if shapes is None else shapes, crs=crs
    )
    return placed_frame, {name: column for name, column in renamed.items() if name != column}


def _free_name(name: str, taken: set[str]) -> str:
    """A column name that no other has, in any case."""
    base = str(without_control_characters(name)).strip() or "column"
    chosen, n = base, 0
    while chosen.casefold() in taken:
        n += 1
        chosen = f"{base}_{n}"
    taken.add(chosen.casefold())
    return chosen


def _mask(table: dict[str, Any], kind: LayerKind, raw: RawTable, findings: list[Finding]) -> None:
    """Replace telephone and identity numbers within texts."""
    for column, values in table.items():
        if values.dtype != object:
            continue
        clean = [masked(value) if isinstance(value, str) and len(value) >= 8 else value for value in values]
        changed = sum(one is not other and one != other for one, other in zip(clean, values, strict=True))
        if changed:
            table[column] = np.array([*clean, None], dtype=object)[:-1]
            findings.append(
                Finding(
                    "personal_text_masked",
                    "warning",
                    values={"layer": kind, "file": raw.file, "column": column, "n": changed},
                )
            )


def _strip_controls(table: dict[str, Any], kind: LayerKind, raw: RawTable, findings: list[Finding]) -> None:
    """Take control characters out of texts."""
    for column, values in table.items():
        if values.dtype != object or not has_control_characters(values):
            continue
        clean = [without_control_characters(value) for value in values]
        changed = sum(one is not other and one != other for one, other in zip(clean, values, strict=True))
        if changed:
            table[column] = np.array([*clean, None], dtype=object)[:-1]
            findings.append(
                Finding(
                    "control_characters_removed",
                    "warning",
                    values={"layer": kind, "file": raw.file, "column": column, "n": changed},
                )
            )


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
        if kind in ("communities", "incidents", "stations", "context"):
            continue
        layer = layers.get(kind)
        frames[kind] = _empty(kind, target) if layer is None else _projected(layer, target)
        if layer is not None:
            findings += [_moved(finding, layer.crs, target) for finding in layer.findings]
    units = frames["units"]
    findings += shared_places(units)
    if (given := layers.get("communities")) is not None:
        require_units_within(units, communities, file=layers["units"].name)
        units, placing = _with_communities(units, communities, layers["units"])
        findings += [*placing, *look_like_buildings(communities, file=given.name)]
    if (roads := layers.get("roads")) is not None:
        findings += doubtful_roads(frames["roads"], file=roads.name)
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


def _with_communities(
    units: GeoDataFrame, communities: GeoDataFrame, layer: Layer
) -> tuple[GeoDataFrame, list[Finding]]:
    """Place each unit in the community it lies in, whatever its column says."""
    shapes = np.array(units.geometry, dtype=object)
    grounds = np.array(communities.geometry, dtype=object)
    ids = communities["community_id"].to_numpy(dtype=object)
    claimed = units["community_id"].to_numpy(dtype=object)
    at = _community_positions(shapes, grounds, ids, claimed)
    outside = at < 0
    if outside.all():
        _require_near(units, communities, layer)
    placed_in = ids[at]
    placed_in[outside] = None
    unit_ids = units["unit_id"].to_numpy(dtype=object)
    anchors = shapely.get_coordinates(
        shapely.point_on_surface(np.where(shapely.is_missing(shapes), shapely.Point(0, 0), shapes))
    )
    findings = []
    for row in np.flatnonzero(outside & ~shapely.is_missing(shapes)).tolist():
        findings.append(
            Finding(
                "unit_outside_communities",
                "warning",
                unit_ids=(unit_ids[row],),
                values={"households": int(units["households"].iloc[row])},
                point=(float(anchors[row, 0]), float(anchors[row, 1])),
            )
        )
    contradicted = ~outside & (claimed != None) & (claimed != placed_in)  # noqa: E711
    for row in np.flatnonzero(contradicted).tolist():
        findings.append(
            Finding(
                "community_contradicts_place",
                "warning",
                community_id=placed_in[row],
                unit_ids=(unit_ids[row],),
                values={"stated": claimed[row], "used": placed_in[row]},
                point=(float(anchors[row, 0]), float(anchors[row, 1])),
            )
        )
    return units.assign(community_id=pd.Series(placed_in, dtype=object)), findings


def _community_positions(
    shapes: NDArray[np.object_],
    grounds: NDArray[np.object_],
    ids: NDArray[np.object_],
    claimed: NDArray[np.object_],
) -> NDArray[np.int64]:
    """Position of the community of each unit, -1 outside all.

    A point counts where it lies; a footprint where most of it lies. On the very edge the unit's own claim
    decides, then the smaller id.
    """
    at = np.full(len(shapes), -1, dtype=np.int64)
    unit, ground = shapely.STRtree(grounds).query(shapes, predicate="intersects")
    if len(unit) == 0:
        return at
    share = np.zeros(len(unit))
    is_area = np.isin(shapely.get_type_id(shapes[unit]), (3, 6))
    alone = np.bincount(unit, minlength=len(shapes))[unit] == 1
    measured = is_area & ~alone
    share[measured] = shapely.area(intersection(shapes[unit[measured]], grounds[ground[measured]]))
    single = is_area & alone
    share[single] = np.where(shapely.touches(shapes[unit[single]], grounds[ground[single]]), 0.0, 1.0)
    share[~is_area] = 1.0
    unclaimed = claimed[unit] != ids[ground]
    rank = np.argsort(np.argsort(ids.astype(str), kind="stable"), kind="stable")
    order = np.lexsort((rank[ground], unclaimed, -share, unit))
    order = order[share[order] > 0]
    first = np.unique(unit[order], return_index=True)[1]
    at[unit[order][first]] = ground[order][first]
    return at


def _require_near(units: GeoDataFrame, communities: GeoDataFrame, layer: Layer) -> None:
    """Refuse layers that lie far apart: one of them declares a wrong CRS."""
    box, other = units.total_bounds, communities.total_bounds
    if not np.isfinite(box).all():
        return
    apart_m = float(np.hypot(*np.maximum(0, np.maximum(box[:2] - other[2:], other[:2] - box[2:]))))
    if apart_m > _FAR_M:
        raise CrsError(
            "layers_far_apart",
            f"no unit lies in a community; the layers are {apart_m / 1000:.0f} km apart",
            mend="check the coordinate reference system that each declares",
            file=layer.name,
            layer=layer.kind,
            distance_km=round(apart_m / 1000),
        )
