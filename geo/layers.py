"""One layer in: read, recognise, check and mend it, in the CRS it declares."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

import numpy as np
from geopandas import GeoDataFrame
from numpy.typing import NDArray
from pyproj import CRS

from geo.columns import missing, recognised
from geo.containers import read_raw, source_of
from geo.control_characters import without_control_characters
from geo.errors import InputError
from geo.findings import Finding
from geo.formats.raw import LayerChoiceError, RawTable, placed, several_layers
from geo.layer_places import in_its_crs, rows_kept, shapes_of_rows
from geo.layer_table import layer_table
from geo.personal import is_personal_content, personal_columns, require_no_persons
from geo.plausibility import require_own_kind
from geo.repair import LINES, POINTS, POLYGONS, Place, mended_polygons, require_finite, simple_shapes
from geo.units import ID_COLUMNS, REQUIRED, households, require_ids, row_labels, texts

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
    "candidates",
    "members",
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
    "candidates": POINTS,
    "members": POINTS,
    "context": POINTS | LINES | POLYGONS | {4},
}

# What a file with several layers (a plan file among them) probably calls the one that is meant.
_LIKELY_NAMES: Mapping[str, tuple[str, ...]] = {"grids": ("micro_grids", "grids")}


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
    place_columns : tuple of str
        The file's columns that say where a row is; none where it has geometries.
    n_placeless : int
        Rows that were left out since they say no place.
    """

    kind: LayerKind
    frame: GeoDataFrame
    crs: CRS | None
    findings: tuple[Finding, ...] = ()
    source: SourceFile | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    place_columns: tuple[str, ...] = ()
    n_placeless: int = 0

    def headed(self, column: str) -> str:
        """Return how the file calls one of our columns."""
        return next((name for name, ours in self.renamed.items() if ours == column), column)

    @property
    def place_field(self) -> str:
        """What messages call the field that says where a row is."""
        return ", ".join(self.place_columns) or "geometry"

    @property
    def name(self) -> str:
        """How messages name it."""
        return self.source.name if self.source else self.kind


def read_layer(
    source: str,
    kind: LayerKind,
    *,
    fields: Mapping[str, str] = MappingProxyType({}),
    crs: str | None = None,
    id_column: str | None = None,
    required: Collection[str] = (),
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
    required : collection of str
        Our columns that it must have beside those that its kind always has.

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
    layer = _checked(raw, kind, fields=fields, crs=crs, id_column=id_column, required=required)
    return replace(layer, source=SourceFile(kind, origin.name, sha256, layer.renamed))


def layer_of(raw: RawTable, kind: LayerKind) -> Layer:
    """Check and mend a layer that was read already; errors as `read_layer`."""
    return _checked(raw, kind)


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


def _checked(
    raw: RawTable,
    kind: LayerKind,
    *,
    fields: Mapping[str, str] = MappingProxyType({}),
    crs: str | None = None,
    id_column: str | None = None,
    required: Collection[str] = (),
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
        for column in (*REQUIRED.get(kind, ()), *required) if len(raw) or raw.names else ():
            if column not in columns:
                raise missing(kind, column, raw.names, is_table=tabular)
    if kind == "members":
        require_no_persons(raw, columns, layer)
    dropped, personal = personal_columns(raw, kind, columns)
    findings += personal
    columns = {column: at for column, at in columns.items() if at not in dropped}
    with placed(file, layer):
        ids, id_findings = _ids(raw, kind, columns)
    findings += id_findings
    place = Place(file, layer, row_labels(None if ids is None else ids.tolist(), len(raw), raw.numbering))
    if ids is not None and kind != "compounds" and not (kind == "grids" and tabular):
        require_ids(ids, place, raw.names[columns[ID_COLUMNS[kind]]] if ID_COLUMNS[kind] in columns else "-")
    counts = None
    if kind == "units" or (kind == "members" and "households" in columns):
        at = columns["households"]
        counts = households(raw.values[at], place, raw.names[at])
    shapes, declared = shapes_of_rows(raw, kind, columns, crs, place)
    if shapes is None:
        _require_units(raw, ids, columns["unit_id"], place)
        frame, renamed = layer_table(
            raw, kind, columns=columns, dropped=dropped, ids=ids, counts=counts, findings=findings
        )
        return Layer(kind, frame, None, tuple(findings), renamed=renamed)
    require_finite(shapes, place)
    shapes = simple_shapes(shapes, _SHAPES[kind], place)
    place_columns = tuple(raw.names[columns[axis]] for axis in ("lon", "lat")) if tabular else ()
    try:
        shapes, chosen = in_its_crs(
            shapes, declared=declared, option=crs, kind=kind, place=place, findings=findings
        )
    except InputError as error:
        error.field = error.field or ", ".join(place_columns) or None
        raise
    if _SHAPES[kind] & POLYGONS:
        needed = np.full(len(shapes), kind in ("communities", "grids")) if counts is None else counts > 0
        named = place.labels if ids is None else ids.tolist()
        shapes, mended = mended_polygons(shapes, chosen, place, named, kind=kind, needed=needed)
        findings += mended
    kept = rows_kept(shapes, kind, place, ids=ids, counts=counts, findings=findings)
    frame, renamed = layer_table(
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
    return Layer(
        kind,
        frame,
        chosen,
        tuple(findings),
        renamed=renamed,
        place_columns=place_columns,
        n_placeless=int((~kept).sum()),
    )


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
    return None if len(told) < len(names) or is_personal_content(values) else names


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
