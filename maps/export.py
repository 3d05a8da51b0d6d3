"""One self-contained HTML file that opens with no network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.errors import InputError
from geo.files import replacing
from geo.findings import Finding
from geo.formats.geopackage import read_geopackage
from geo.layers import Layer, LayerKind, read_layer, require_known_kinds
from maps.changes import changes_note, has_before
from maps.layers import page_layers
from maps.pack import pack
from maps.page import compose
from maps.styles import page_styles
from maps.text import LANGUAGES, Language, printable, words

# Layers of a plan file that the map shows. Only the first must be there.
_PLAN_LAYERS = (
    "micro_grids",
    "units",
    "cells",
    "communities",
    "roads",
    "water",
    "barriers",
    "compounds",
    "gates",
    "findings",
    "run",
    "micro_grids_before",
    "ledger",
)
_GRID_COLUMNS = frozenset({"grid_id", "households", "status"})
_LEDGER_COLUMNS = frozenset({"households", "from_grid", "to_grid", "cause"})

# Borders keep every bend a person could see from the ground: 4e-6 degrees is less than half a metre.
_SMOOTH_DEGREES = 4e-6
_SMOOTHED = ("grids", "grids_before", "cells", "communities")

# Where a map of nothing stands: the middle of Jiangsu.
_NOWHERE = (119.6, 32.0)


def write_map(
    plan: Path,
    output: Path,
    *,
    incidents: str | None = None,
    stations: str | None = None,
    context: Sequence[str] = (),
    fields: Mapping[tuple[LayerKind, str], str] = MappingProxyType({}),
    crs: str | None = None,
    language: Language = "zh_CN",
) -> list[Finding]:
    """Write the map of a plan file.

    Parameters
    ----------
    plan : Path
        A plan file (`maps.plan_file`), in any CRS.
    output : Path
        The HTML file. It is replaced once the new one is whole.
    incidents, stations : str, optional
        Layers of points: a file, or `file.gpkg:layer`.
    context : sequence of str
        Further layers, drawn thin.
    fields : mapping
        (kind, our column) -> the file's column, for incidents, stations and context.
    crs : str, optional
        EPSG code for those layers that declare none, or one their numbers contradict.
    language : Language, default zh_CN
        The language the page opens in; it holds both.

    Returns
    -------
    list of Finding
        What was noticed and mended in incidents, stations and context.

    Raises
    ------
    InputError
        The plan or a layer cannot be used, or the output cannot be written.
    """
    given = _given(incidents, stations)
    around: list[LayerKind] = ["context"] if context else []
    require_known_kinds(fields, [*(kind for kind, _ in given), *around])
    frames = read_plan_file(plan)
    read = {kind: _read(source, kind, fields, crs) for kind, source in given}
    further = [_read(source, "context", fields, crs) for source in context]
    page = map_page(
        frames,
        incidents=_frame(read.get("incidents")),
        stations=_frame(read.get("stations")),
        context=[layer.frame for layer in further],
        language=language,
    )
    with replacing(output) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return [finding for layer in [*read.values(), *further] for finding in layer.findings]


class PageData(NamedTuple):
    """What a page of a plan is made from.

    Attributes
    ----------
    pack : bytes
        The layers (`maps.pack`).
    settings : dict
        Language, words, styles and the plan's note, as `maps/web/src/schema.ts` declares them.
    title : str
        Title of the window; plain text.
    middle : (lon, lat)
        Where the map stands before it is fitted to the plan.
    """

    pack: bytes
    settings: dict[str, Any]
    title: str
    middle: tuple[float, float]


def page_data(
    plan: Mapping[str, pd.DataFrame],
    *,
    incidents: gpd.GeoDataFrame | None = None,
    stations: gpd.GeoDataFrame | None = None,
    context: Sequence[gpd.GeoDataFrame] = (),
    language: Language = "zh_CN",
) -> PageData:
    """Return what the page of a plan's layers is made from (see `write_map`)."""
    layers = page_layers(plan, incidents=incidents, stations=stations, context=context)
    households = layers["units"].get("households", pd.Series([], dtype="Int64"))
    settings = {
        "language": language,
        "words": {each: page_words(each) for each in LANGUAGES},
        "styles": page_styles(households.fillna(0).to_numpy(dtype=np.int64)),
        "plan": plan_note(plan.get("run")),
        "households": households_note(layers, plan.get("units")),
    }
    if has_before(plan):
        settings["changes"] = changes_note(layers["changes"], plan.get("ledger"))
    return PageData(
        pack(layers, smooth=dict.fromkeys(_SMOOTHED, _SMOOTH_DEGREES)),
        settings,
        _title(layers["communities"], language),
        _middle(layers["grids"]),
    )


def map_page(
    plan: Mapping[str, pd.DataFrame],
    *,
    incidents: gpd.GeoDataFrame | None = None,
    stations: gpd.GeoDataFrame | None = None,
    context: Sequence[gpd.GeoDataFrame] = (),
    language: Language = "zh_CN",
) -> str:
    """Return the map of a plan's layers as the text of one HTML file (see `write_map`)."""
    data = page_data(plan, incidents=incidents, stations=stations, context=context, language=language)
    return compose(pack=data.pack, settings=data.settings, title=data.title, middle=data.middle)


def read_plan_file(path: Path) -> dict[str, pd.DataFrame]:
    """Return the layers of a plan file that the map shows.

    Raises
    ------
    InputError
        No plan file, or one that cannot be read.
    """
    frames: dict[str, pd.DataFrame] = {}
    for name in _PLAN_LAYERS:
        try:
            table, _ = read_geopackage(path, name)
        except InputError as error:
            if error.code != "layer_not_found":
                raise
            if name == "micro_grids":
                raise _not_a_plan(path) from error
            continue
        columns = dict(zip(table.names, table.values, strict=True))
        if table.geometry is None:
            frames[name] = pd.DataFrame(columns)
        else:
            columns.pop("geometry", None)
            frames[name] = gpd.GeoDataFrame(columns, geometry=list(table.geometry), crs=table.crs)
            if table.crs is None and not shapely.is_missing(table.geometry).all():
                raise _not_a_plan(path, layer=name)
    for name in ("micro_grids", "micro_grids_before"):
        grids = frames.get(name)
        if grids is None:
            continue
        if not isinstance(grids, gpd.GeoDataFrame) or not _GRID_COLUMNS.issubset(grids.columns):
            raise _not_a_plan(path, layer=name)
    if "ledger" in frames and not _LEDGER_COLUMNS.issubset(frames["ledger"].columns):
        raise _not_a_plan(path, layer="ledger")
    try:
        plan_note(frames.get("run"))
    except (KeyError, TypeError, ValueError) as error:
        raise _not_a_plan(path, layer="run") from error
    return frames


def plan_note(run: pd.DataFrame | None) -> dict[str, Any]:
    """Return what the page says about how the plan was made."""
    row: dict[Any, Any] = {} if run is None or not len(run) else run.iloc[0].to_dict()
    sources = json.loads(row.get("inputs") or "[]")
    return {
        "band": [int(row.get("min_households", 50)), int(row.get("max_households", 100))],
        "version": str(row.get("version", "")),
        "seed": str(row.get("seed", "")),
        "finished_at": str(row.get("finished") or ""),
        "sources": [{"name": printable(str(each["name"])), "sha256": each["sha256"]} for each in sources],
    }


def households_note(layers: Mapping[str, pd.DataFrame], units: pd.DataFrame | None) -> dict[str, int]:
    """Return the households of a page, counted as the command line and the workbook count them.

    Parameters
    ----------
    layers : mapping
        What `page_layers` returned.
    units : DataFrame, optional
        The layer `units` of the plan, in its own order.

    Returns
    -------
    dict
        Households `in_grids`, `left_out` of every grid and, of the latter, `outside` all communities.
    """
    shown = layers["units"]
    left_out = shown["grid"].isna().to_numpy()
    households = np.zeros(len(shown), np.int64)
    if "households" in shown:
        households = shown["households"].fillna(0).to_numpy(dtype=np.int64)
    # Where no communities are known, nothing lies outside them.
    outside = np.zeros(len(shown), np.bool_)
    if len(layers["communities"]) and units is not None and "community_id" in units:
        outside = units["community_id"].isna().to_numpy()
    return {
        "in_grids": int(layers["grids"]["households"].fillna(0).sum()),
        "left_out": int(households[left_out].sum()),
        "outside": int(households[left_out & outside].sum()),
    }


def _given(incidents: str | None, stations: str | None) -> list[tuple[LayerKind, str]]:
    asked: list[tuple[LayerKind, str | None]] = [("incidents", incidents), ("stations", stations)]
    return [(kind, source) for kind, source in asked if source is not None]


def _read(
    source: str, kind: LayerKind, fields: Mapping[tuple[LayerKind, str], str], crs: str | None
) -> Layer:
    own = {column: name for (owner, column), name in fields.items() if owner == kind}
    return read_layer(source, kind, fields=own, crs=crs)


def _frame(layer: Layer | None) -> gpd.GeoDataFrame | None:
    return None if layer is None else layer.frame


def _not_a_plan(path: Path, layer: str | None = None) -> InputError:
    return InputError(
        "not_a_plan",
        "no plan: micro_grids with grid_id, households and status in a declared CRS is missing",
        mend="give a file written by `weige plan`",
        file=path.name,
        layer=layer,
    )


def page_words(language: Language) -> dict[str, str]:
    """Return the words of the page: the section `page` of the locale, without its name."""
    prefix = "page."
    return {key.removeprefix(prefix): text for key, text in words(language).items() if key.startswith(prefix)}


def _title(communities: gpd.GeoDataFrame, language: Language) -> str:
    title = words(language)["page.page.title"]
    names = [] if "name" not in communities else communities["name"].dropna().tolist()
    return f"{names[0]} \u00b7 {title}" if len(communities) == 1 and names else title


def _middle(grids: gpd.GeoDataFrame) -> tuple[float, float]:
    bounds = grids.total_bounds
    if not np.isfinite(bounds).all():
        return _NOWHERE
    return (float(bounds[0] + bounds[2]) / 2, float(bounds[1] + bounds[3]) / 2)
