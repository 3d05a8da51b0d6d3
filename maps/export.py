"""One self-contained HTML file that opens with no network."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from geo.collector import collector_paused
from geo.errors import InputError
from geo.files import replacing
from geo.findings import Finding, Value
from geo.formats.geopackage import read_stored, stored_layers
from geo.layers import Layer, LayerKind, read_layer, require_known_kinds
from geo.moments import CITY_ZONE
from maps.changes import changes_note, has_before
from maps.layers import WGS84, have_footprints, page_layers
from maps.meeting import Stamped, cases_of, digest_of, meeting_note, with_before
from maps.pack import Packing, origin_of
from maps.page import compose
from maps.period import Period, period_of
from maps.result_map import ResultMap
from maps.styles import page_styles
from maps.text import LANGUAGES, Language, printable, words
from maps.walk_map import WalkMap

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
# Words of pages of the service, of which the file holds nothing.
_SERVED_WORDS = ("edit.", "compare.", "tomorrow.", "import.", "asking.")
_GRID_COLUMNS = frozenset({"grid_id", "households", "status"})
_LEDGER_COLUMNS = frozenset({"households", "from_grid", "to_grid", "cause"})

# Borders keep every bend a person could see from the ground: 4e-6 degrees is less than half a metre.
_SMOOTH_DEGREES = 4e-6
_SMOOTHED = ("grids", "grids_before", "cells", "communities", "walk", "conflicts", "department_grids")

# Rows brought to another CRS at a time.
_ROWS_AT_A_TIME = 8192

# Where a map of nothing stands: the middle of Jiangsu.
_NOWHERE = (119.6, 32.0)


@collector_paused()
def write_map(
    plan: Path,
    output: Path,
    *,
    incidents: str | None = None,
    stations: str | None = None,
    context: Sequence[str] = (),
    fields: Mapping[tuple[LayerKind, str], str] = MappingProxyType({}),
    crs: str | None = None,
    compare: Path | None = None,
    period: str | None = None,
    watermark: str | None = None,
    with_texts: bool = False,
    walk: WalkMap | None = None,
    result: ResultMap | None = None,
    made_at: datetime | None = None,
    language: Language = "zh_CN",
) -> list[Finding]:
    """Write the map of a plan file, for a meeting.

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
    compare : Path, optional
        A plan file whose grids are shown as those before.
    period : str, optional
        `2026-11-01/2026-11-30`: only cases reported on these days are shown.
    watermark : str, optional
        Words over the whole map.
    with_texts : bool
        Show also what people wrote in cases; without it the file holds none of it.
    walk : WalkMap, optional
        Ground by walking time, with its own stations.
    result : ResultMap, optional
        What linking households or laying grids over each other found.
    made_at : datetime, optional
        When it is made, by the clock of the city, which is also that of the cases; else now, by that of
        Shanghai.
    language : Language, default zh_CN
        The language the page opens in; it holds both.

    Returns
    -------
    list of Finding
        What was noticed and mended in incidents, stations and context, and which cases were left out.

    Raises
    ------
    InputError
        The plan or a layer cannot be used, or the output cannot be written.
    """
    # Texts are Arrow's, whose own pool gives nothing back of what it once held: 25 MB of a large city.
    pa.set_memory_pool(pa.system_memory_pool())
    given = _given(incidents, stations)
    around: list[LayerKind] = ["context"] if context else []
    require_known_kinds(fields, [*(kind for kind, _ in given), *around])
    days = None if period is None else _period_of_cases(period, incidents)
    zone = (None if made_at is None else made_at.tzinfo) or CITY_ZONE
    frames = read_plan_file(plan, crs=WGS84)
    sources = [_stamped_plan(plan, frames)]
    if compare is not None:
        old = read_plan_file(compare, crs=WGS84)
        sources.append(_stamped_plan(compare, old))
        frames = with_before(frames, old)
        del old
    read = {kind: _read(source, kind, fields, crs) for kind, source in given}
    further = [_read(source, "context", fields, crs) for source in context]
    cases: gpd.GeoDataFrame | None = None
    left_out: list[Finding] = []
    if "incidents" in read:
        cases, left_out = cases_of(read["incidents"], days, with_texts=with_texts, zone=zone)
        sources.append(_stamped(read["incidents"], len(cases)))
    sources += [_stamped(layer) for layer in (*([read["stations"]] if "stations" in read else []), *further)]
    findings = [finding for layer in [*read.values(), *further] for finding in layer.findings]
    if result is not None and result.findings is not None:
        frames["findings"] = result.findings.to_crs(WGS84)
    layers = page_layers(
        frames,
        incidents=cases,
        stations=_frame(read.get("stations")) if walk is None else walk.stations,
        context=[layer.frame for layer in further],
        walk=None if walk is None else walk.ground,
        further=None if result is None else result.layers,
        zone=zone,
    )
    undated = sum(cast("int", each.values["n"]) for each in left_out if each.code == "case_day_unreadable")
    if "incidents" in read:
        left_out += _elsewhere(layers, read["incidents"].name)
        left_out += _closed_early(layers["incidents"], read["incidents"].name)
    about = _about(frames, layers, walk=walk, language=language)
    if result is not None:
        about.settings[result.kind] = result.note
    # A city is large: what was read is let go of before it is packed, and each layer once it is.
    del frames, read, further, cases
    packed = _packed(layers)
    about.settings["meeting"] = meeting_note(
        plan=packed,
        sources=sources,
        made_at=made_at,
        period=days,
        watermark=watermark,
        redacted=not with_texts,
        undated=undated,
    )
    page = compose(pack=packed, settings=about.settings, title=about.title, middle=about.middle)
    with replacing(output) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return [*findings, *left_out]


def _elsewhere(layers: Mapping[str, pd.DataFrame], file: str) -> list[Finding]:
    """Return a finding where cases have places, and none of these is in a grid of the plan."""
    cases = layers["incidents"]
    placed = cases.geometry.notna()
    if not placed.any() or cases.loc[placed, "grid"].notna().any():
        return []
    return [Finding("cases_elsewhere", "warning", values={"file": file, "n": int(placed.sum())})]


def _closed_early(cases: pd.DataFrame, file: str) -> list[Finding]:
    """Return a finding where cases were closed before they were reported."""
    if not {"reported_min", "closed_min"} <= {*cases}:
        return []
    is_early = cases["closed_min"].lt(cases["reported_min"]).fillna(False).to_numpy(bool)
    if not is_early.any():
        return []
    first = int(is_early.argmax())
    told = str(cases["case_id"].iloc[first]) if "case_id" in cases else f"#{first + 1}"
    values: dict[str, Value] = {"file": file, "n": int(is_early.sum()), "first": told}
    return [Finding("cases_closed_early", "warning", values=values)]


def _period_of_cases(said: str, incidents: str | None) -> Period:
    period = period_of(said)
    if incidents is None:
        raise InputError(
            "period_without_cases", "--period is about cases, and none are given",
            mend="give them by --incidents, or leave --period out", option="--period",
        )  # fmt: skip
    return period


def _stamped_plan(path: Path, frames: Mapping[str, pd.DataFrame]) -> Stamped:
    rows = len(frames["micro_grids"])
    return Stamped(path.name, digest_of(path), rows, rows)


def _stamped(layer: Layer, shown: int | None = None) -> Stamped:
    shown = len(layer.frame) if shown is None else shown
    sha256 = "" if layer.source is None else layer.source.sha256
    return Stamped(layer.name, sha256, len(layer.frame) + layer.n_placeless, shown)


class About(NamedTuple):
    """What a page of a plan says besides its layers.

    Attributes
    ----------
    settings : dict
        Language, words, styles and the plan's note, as `maps/web/src/schema.ts` declares them.
    title : str
        Title of the window; plain text.
    middle : (lon, lat)
        Where the map stands before it is fitted to the plan.
    """

    settings: dict[str, Any]
    title: str
    middle: tuple[float, float]


def page_pack(plan: Mapping[str, pd.DataFrame]) -> bytes:
    """Return the layers of a plan's page as a pack (`maps.layers`, `maps.pack`)."""
    return _packed(page_layers(plan))


def _about(
    plan: Mapping[str, pd.DataFrame],
    layers: Mapping[str, pd.DataFrame],
    *,
    walk: WalkMap | None = None,
    language: Language,
) -> About:
    """Return what the page of a plan says besides the layers that `page_layers` made of it."""
    households = layers["units"].get("households", pd.Series([], dtype="Int64"))
    settings = {
        "language": language,
        "words": {each: _file_words(each) for each in LANGUAGES},
        "styles": page_styles(households.fillna(0).to_numpy(dtype=np.int64)),
        "plan": plan_note(plan.get("run")),
        "households": households_note(layers, plan.get("units")),
    }
    if walk is not None:
        settings["walk"] = walk.note
    if has_before(plan):
        settings["changes"] = changes_note(layers["changes"], plan.get("ledger"))
    return About(settings, _title(layers["communities"], language), _middle(layers["grids"]))


def _packed(layers: dict[str, pd.DataFrame]) -> bytes:
    """Return layers as a pack, and take each out of the dictionary as it goes in."""
    packing = Packing(origin_of(layers))
    for name in [*layers]:
        packing.add(name, layers.pop(name))
    return packing.packed(dict.fromkeys(_SMOOTHED, _SMOOTH_DEGREES))


def map_page(
    plan: Mapping[str, pd.DataFrame],
    *,
    incidents: gpd.GeoDataFrame | None = None,
    stations: gpd.GeoDataFrame | None = None,
    context: Sequence[gpd.GeoDataFrame] = (),
    source: str | None = None,
    further: Sequence[Stamped] = (),
    period: Period | None = None,
    watermark: str | None = None,
    made_at: datetime | None = None,
    language: Language = "zh_CN",
) -> str:
    """Return the map of a plan's layers as the text of one HTML file (see `write_map`).

    With a `source`, the name of what the plan is, the file is for a meeting; its stamp names the source with
    the digest of the layers, and what else went into it. Texts of cases are not to be among the incidents;
    their moments are by the clock of `made_at`.
    """
    layers = page_layers(plan, incidents=incidents, stations=stations, context=context)
    about = _about(plan, layers, language=language)
    packed = _packed(layers)
    if source is not None:
        rows = len(plan["micro_grids"])
        stamped = Stamped(source, hashlib.sha256(packed).hexdigest(), rows, rows)
        about.settings["meeting"] = meeting_note(
            plan=packed, sources=[stamped, *further], made_at=made_at, period=period, watermark=watermark
        )
    return compose(pack=packed, settings=about.settings, title=about.title, middle=about.middle)


def read_plan_file(path: Path, *, crs: str | None = None) -> dict[str, pd.DataFrame]:
    """Return the layers of a plan file that the map shows; cells only where units have no extent.

    Parameters
    ----------
    path : Path
    crs : str, optional
        What their places are brought to, layer by layer; else they stay in the CRS of the file.

    Raises
    ------
    InputError
        No plan file, or one that cannot be read.
    """
    frames: dict[str, pd.DataFrame] = {}
    stored = stored_layers(path)
    if "micro_grids" not in stored:
        raise _not_a_plan(path)
    for name in _PLAN_LAYERS:
        if name not in stored:
            continue
        if (
            name == "cells"
            and isinstance(frames.get("units"), gpd.GeoDataFrame)
            and have_footprints(frames["units"])
        ):
            continue  # they are as many as the units, and nobody would see them
        frames[name] = _stored_frame(path, name, crs)
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


def _stored_frame(path: Path, name: str, crs: str | None) -> pd.DataFrame:
    table = read_stored(path, name)
    # Texts stay the objects they are: as a column of pandas' own they would be copied, and copied back.
    columns = {
        column: pd.Series(values, dtype=values.dtype, copy=False)
        for column, values in zip(table.names, table.values, strict=True)
    }
    if table.geometry is None:
        return pd.DataFrame(columns)
    if table.crs is None and not shapely.is_missing(table.geometry).all():
        raise _not_a_plan(path, layer=name)
    columns.pop("geometry", None)
    shapes, known = table.geometry, table.crs
    moved = crs if known is not None and crs is not None else known
    if moved is not known:
        # Some at a time, so that the layer is not held twice.
        for start in range(0, len(shapes), _ROWS_AT_A_TIME):
            some = slice(start, start + _ROWS_AT_A_TIME)
            shapes[some] = gpd.GeoSeries(shapes[some], crs=known).to_crs(moved).to_numpy()
    frame: pd.DataFrame = gpd.GeoDataFrame(columns, geometry=shapes, crs=moved)
    return frame


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


def _file_words(language: Language) -> dict[str, str]:
    return {key: text for key, text in page_words(language).items() if not key.startswith(_SERVED_WORDS)}


def _title(communities: gpd.GeoDataFrame, language: Language) -> str:
    title = words(language)["page.page.title"]
    names = [] if "name" not in communities else communities["name"].dropna().tolist()
    return f"{names[0]} \u00b7 {title}" if len(communities) == 1 and names else title


def _middle(grids: gpd.GeoDataFrame) -> tuple[float, float]:
    bounds = grids.total_bounds
    if not np.isfinite(bounds).all():
        return _NOWHERE
    return (float(bounds[0] + bounds[2]) / 2, float(bounds[1] + bounds[3]) / 2)
