"""The atlas of a plan: an overview, a page for each community, a card for each micro-grid.

Maps are shapes of an SVG; their words are set by Typst over them, in a font that is embedded, so that they
can be searched. What people typed reaches the document as data, never as markup.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import geopandas as gpd
import pandas as pd
import shapely
import typst

from geo.crs import working_crs
from geo.errors import InputError
from geo.files import replacing
from maps.cards import HEIGHT_MM, WIDTH_MM, Card, Paper, Shape, bar_of, grid_cards
from maps.export import plan_note, read_plan_file
from maps.glyphs import unprintable
from maps.meeting import digest_of
from maps.styles import INK, STATUS
from maps.text import Language, one_line, text

# Fonts with Chinese, sans serif first, as systems call them.
FONTS = (
    "Noto Sans CJK SC", "Source Han Sans SC", "Noto Sans SC", "Microsoft YaHei", "PingFang SC", "DengXian",
    "SimHei",
    "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Noto Serif CJK SC", "Source Han Serif SC", "SimSun",
)  # fmt: skip
# Maps of the overview and of a community, in millimetres: a page of A3 or A4, landscape, without its margins.
OVERVIEW_MM = (396.0, 226.0)
COMMUNITY_MM = (273.0, 138.0)
# Pixels to the inch of a PNG: 2480 wide for A3.
PPI = 150.0
# The page takes what it has room for; no page has room for so many.
_BUILDINGS = 400
# Roads, gates or neighbours named on a card.
_NAMES = 12
_GRIDS_OF_A_PAGE = 54
# What is stored is geographic (STYLE.md).
_STORED = "EPSG:4490"


@dataclass(frozen=True)
class Atlas:
    """What was written: pages of communities and cards, and the font it is set in.

    `missing` are the characters that no installed font has; they are printed as their code points.
    """

    communities: int
    cards: int
    font: str
    missing: tuple[str, ...] = ()


def write_atlas(plan: Path, output: Path, *, font: str | None = None, language: Language = "zh_CN") -> Atlas:
    """Write the atlas of a plan file.

    Parameters
    ----------
    plan : Path
        A plan file (`maps.plan_file`).
    output : Path
        `.pdf` for all pages, `.png` for the overview.
    font : str, optional
        Family to set it in, else the first of `FONTS` that is installed.

    Raises
    ------
    InputError
        The plan cannot be read, no font with Chinese is installed, or the output cannot be written.
    """
    family = chinese_font(font)
    frames = {
        name: frame.to_crs(_STORED) if isinstance(frame, gpd.GeoDataFrame) and frame.crs else frame
        for name, frame in read_plan_file(plan).items()
    }
    whole = output.suffix.lower() == ".pdf"
    cards = grid_cards(frames) if whole else []
    communities = _communities(frames, language) if whole else []
    files: dict[str, bytes] = {}
    document = {
        "lang": "zh" if language == "zh_CN" else "en",
        "font": family,
        "words": _words(language),
        "stamp": _stamp(plan, frames, language),
        "overview": _page(files, "overview", _overview(frames, language)),
        "communities": [_page(files, f"community-{n}", each) for n, each in enumerate(communities)],
        "cards": [_page(files, f"card-{n}", _card(each, language)) for n, each in enumerate(cards)],
    }
    files["main"] = (resources.files("maps") / "pages" / "atlas.typ").read_bytes()
    said = json.dumps(document, ensure_ascii=False)
    missing = unprintable(set(said), typst.Fonts(include_embedded_fonts=False).fonts(), family)
    files["data.json"] = said.translate({ord(each): f"[U+{ord(each):04X}]" for each in missing}).encode()
    compiled: Any = typst.compile  # its stubs do not know files given by name
    with replacing(output) as beside:
        beside.write_bytes(compiled(files, format="pdf") if whole else compiled(files, format="png", ppi=PPI))
    return Atlas(len(communities), len(cards), family, missing)


def chinese_font(asked: str | None = None, installed: Sequence[str] | None = None) -> str:
    """Return the family to set Chinese in.

    Raises
    ------
    InputError
        The one asked for, or every known one, is missing.
    """
    names = installed if installed is not None else typst.Fonts(include_embedded_fonts=False).families()
    known = {name.casefold(): name for name in names}
    for wanted in (asked,) if asked else FONTS:
        if wanted.casefold() in known:
            return known[wanted.casefold()]
    missing = asked or FONTS[0]
    raise InputError(
        "font_missing",
        f"the font {missing} is not installed",
        mend="install a Chinese font, such as the package fonts-noto-cjk, or name one with --font",
        font=missing,
    )


# -- pages ------------------------------------------------------------------------------------------------


def _page(files: dict[str, bytes], name: str, page: dict[str, Any]) -> dict[str, Any]:
    """Move the drawing of a page into a file of its own."""
    files[f"{name}.svg"] = page.pop("svg").encode()
    return {**page, "map": f"{name}.svg"}


def _overview(frames: Mapping[str, pd.DataFrame], language: Language) -> dict[str, Any]:
    grids, communities = frames["micro_grids"], frames.get("communities")
    title = text("atlas.overview", language)
    paper = _drawn(frames, _whole(grids), OVERVIEW_MM)
    if isinstance(communities, gpd.GeoDataFrame) and len(communities):
        for name, place in zip(_names(communities), communities.geometry.to_crs(paper.metric), strict=True):
            if place is not None and not place.is_empty:
                paper.write("community-name", name, shapely.point_on_surface(place))
    counts = grids["status"].value_counts()
    figures = [
        [text("atlas.communities", language), 0 if communities is None else len(communities)],
        [text("atlas.grids", language), len(grids)],
        [text("atlas.households", language), int(grids["households"].fillna(0).sum())],
        *([text(f"page.status.{status}", language), int(counts.get(status, 0))] for status in STATUS),
    ]
    return {"title": title, "figures": [[str(a), f"{b:,}"] for a, b in figures], **_map(paper)}


def _communities(frames: Mapping[str, pd.DataFrame], language: Language) -> list[dict[str, Any]]:
    grids, communities = frames["micro_grids"], frames.get("communities")
    if not isinstance(communities, gpd.GeoDataFrame) or "community_id" not in grids:
        return []
    pages = []
    for code, name, place in zip(
        communities["community_id"], _names(communities), communities.geometry, strict=True
    ):
        own = grids[grids["community_id"] == code].sort_values("grid_id")
        if place is None or place.is_empty:
            continue
        paper = _drawn(frames, place, COMMUNITY_MM, own=frozenset(own["grid_id"]))
        rows = [
            [one_line(grid), f"{int(households):,}", text(f"page.status.{status}", language)]
            for grid, households, status in zip(
                own["grid_id"], own["households"].fillna(0), own["status"], strict=True
            )
        ]
        figures = [
            [text("atlas.grids", language), f"{len(own):,}"],
            [text("atlas.households", language), f"{int(own['households'].fillna(0).sum()):,}"],
        ]
        more = max(0, len(rows) - _GRIDS_OF_A_PAGE)
        pages.append(
            {
                "title": f"{name} {one_line(code)}" if name != code else name,
                "figures": figures,
                "rows": rows[:_GRIDS_OF_A_PAGE],
                "more": text("atlas.more", language, more=more) if more else "",
                **_map(paper),
            }
        )
    return pages


def _listed(names: Sequence[str], language: Language) -> str:
    said = text("finding.separator", language).join(one_line(name) for name in names[:_NAMES])
    rest = len(names) - _NAMES
    return said + text("atlas.more_names", language, more=rest) if rest > 0 else said or "\u2013"


def _card(card: Card, language: Language) -> dict[str, Any]:
    buildings = [
        [
            one_line(each.name),
            one_line(each.address),
            text("people.cards.holds", language, units=each.units, households=each.households),
        ]
        for each in card.buildings[:_BUILDINGS]
    ]
    round_ = [
        [
            text(f"people.cards.{key}", language),
            _listed(names, language),
        ]
        for key, names in (("roads", card.roads), ("gates", card.gates), ("neighbours", card.neighbours))
    ]
    return {
        "title": " ".join(filter(None, (one_line(card.code), one_line(card.name)))),
        "figures": [
            [text("people.cards.households", language), f"{card.households:,}"],
            [text("people.cards.units", language), f"{card.units:,}"],
            [text("people.cards.buildings", language), f"{len(card.buildings):,}"],
            [text("people.cards.size", language), text(f"page.status.{card.status}", language)],
        ],
        "round": round_,
        "buildings": buildings,
        "held": len(card.buildings),
        "bar": card.bar_mm, "metres": f"{card.metres:,} m", "width": WIDTH_MM, "height": HEIGHT_MM,
        "svg": _svg(card.shapes, WIDTH_MM, HEIGHT_MM),
        "labels": [[word.kind, one_line(word.text), word.x, word.y] for word in card.words],
    }  # fmt: skip


class _Map(Paper):
    """A map of a page, which knows its CRS in metres."""

    def __init__(self, shape: shapely.Geometry, metric: Any, size: tuple[float, float]) -> None:
        super().__init__(shape, size)
        self.metric = metric
        self.size = size


def _drawn(
    frames: Mapping[str, pd.DataFrame],
    place: shapely.Geometry,
    size: tuple[float, float],
    *,
    own: frozenset[str] | None = None,
) -> _Map:
    """Draw the grids of a place by their status; only its `own` have numbers, the rest is pale."""
    grids = frames["micro_grids"]
    assert isinstance(grids, gpd.GeoDataFrame)
    metric = working_crs(grids.crs, tuple(grids.total_bounds))
    shape_m = gpd.GeoSeries([place], crs=grids.crs).to_crs(metric).iloc[0]
    paper = _Map(shape_m, metric, size)
    ground = gpd.GeoSeries([paper.ground], crs=metric).to_crs(grids.crs).iloc[0]
    seen = {
        name: _seen(frames.get(name), ground, metric)
        for name in ("micro_grids", "water", "roads", "barriers", "communities")
    }
    for status, code, households, shape in zip(
        seen["micro_grids"]["status"], seen["micro_grids"]["grid_id"],
        seen["micro_grids"]["households"].fillna(0),
        seen["micro_grids"].geometry, strict=True,
    ):  # fmt: skip
        paper.draw(f"status-{status}", shape)
        if own is not None and code in own:
            paper.write(
                "grid-name", f"{str(code)[-3:]}\u00b7{int(households)}", shapely.point_on_surface(shape)
            )
    for kind in ("water", "roads", "barriers"):
        for shape in seen[kind].geometry:
            paper.draw(kind.rstrip("s") if kind == "barriers" else kind, shape)
    for shape in seen["micro_grids"].geometry:
        paper.draw("edge", shape)
    if own is not None:
        paper.draw("veil", shapely.difference(paper.ground, shape_m))
    for shape in seen["communities"].geometry:
        paper.draw("community", shape)
    if own is not None and "name" in seen["roads"]:
        for name, lines in seen["roads"].dropna(subset="name").groupby("name").geometry:
            part = shapely.intersection(max(lines, key=lambda line: line.length), paper.ground)
            if not part.is_empty:
                paper.write(
                    "roads-name",
                    one_line(name),
                    shapely.line_interpolate_point(part, 0.5, normalized=True)
                    if part.geom_type == "LineString"
                    else shapely.point_on_surface(part),
                )
    return paper


def _seen(layer: pd.DataFrame | None, ground: shapely.Geometry, metric: Any) -> gpd.GeoDataFrame:
    if not isinstance(layer, gpd.GeoDataFrame) or layer.empty:
        return gpd.GeoDataFrame({"name": []}, geometry=[], crs=metric)
    return layer.iloc[sorted(layer.sindex.query(ground, predicate="intersects"))].to_crs(metric)


def _map(paper: _Map) -> dict[str, Any]:
    metres, bar_mm = bar_of(paper.scale)
    width, height = paper.size
    return {
        "svg": _svg(paper.shapes, width, height),
        "labels": [[word.kind, one_line(word.text), word.x, word.y] for word in paper.words],
        "bar": bar_mm, "metres": f"{metres:,} m", "width": width, "height": height,
    }  # fmt: skip


# -- drawing ----------------------------------------------------------------------------------------------

_LINES = {
    "water": f'fill="{INK["water"]}" stroke="{INK["water_line"]}" stroke-width="0.2"',
    "roads": 'fill="none" stroke="#9a9a9a" stroke-width="0.7"',
    "barrier": f'fill="none" stroke="{INK["barrier"]}" stroke-width="0.5" stroke-dasharray="1.4 0.7"',
    "edge": f'fill="none" stroke="{INK["border"]}" stroke-width="0.3"',
    "community": (
        f'fill="none" stroke="{INK["community"]}" stroke-width="0.7" stroke-dasharray="2.4 0.8 0.6 0.8"'
    ),
    "veil": 'fill="#ffffff" fill-opacity="0.6" stroke="none"',
    "own": 'fill="#fff6d8" stroke="none"',
    "border": f'fill="none" stroke="{INK["select"]}" stroke-width="0.9"',
    "house": 'fill="#8d99a8" stroke="#3a4552" stroke-width="0.15"',
    "other": 'fill="#e3e6ea" stroke="#9aa4b0" stroke-width="0.12"',
    "gate": f'fill="none" stroke="{INK["gate"]}" stroke-width="2" stroke-linecap="round"',
}
_HATCHES = {
    "rising": "M0 2L2 0M-.5 .5L.5 -.5M1.5 2.5L2.5 1.5",
    "falling": "M0 0L2 2M-.5 1.5L.5 2.5M1.5 -.5L2.5 .5",
    "crossed": "M0 0L2 2M0 2L2 0",
    "dots": "M1 1h.01",
}


def _svg(shapes: Sequence[Shape], width: float, height: float) -> str:
    """Return shapes as a drawing in millimetres; states differ by hatching as well as by colour."""
    hatches = "".join(
        f'<pattern id="h-{status}" width="2" height="2" patternUnits="userSpaceOnUse">'
        f'<rect width="2" height="2" fill="{style["fill"]}"/>'
        f'<path d="{_HATCHES[style["hatch"]]}" fill="none" stroke="{_opaque(style["hatch_ink"])}"'
        ' stroke-width="0.2" stroke-linecap="round"/></pattern>'
        for status, style in STATUS.items()
        if style["hatch"] != "none"
    )
    drawn = "".join(f"<path {_style(shape.kind)} d={quoteattr(shape.path)}/>" for shape in shapes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        f' width="{width}mm" height="{height}mm">'
        f'<defs>{hatches}<clipPath id="edge"><rect width="{width}" height="{height}"/></clipPath></defs>'
        f'<rect width="{width}" height="{height}" fill="{INK["land"]}"/>'
        f'<g clip-path="url(#edge)">{drawn}</g></svg>'
    )


def _style(kind: str) -> str:
    status = kind.removeprefix("status-")
    if status != kind:
        style = STATUS.get(status, STATUS["exempt"])  # type: ignore[call-overload]
        fill = style["fill"] if style["hatch"] == "none" else f"url(#h-{status})"
        return f'fill="{fill}" stroke="none"'
    return _LINES.get(kind, _LINES["edge"])


def _opaque(ink: str) -> str:
    """Return the colour of a `rgba()` without its transparency, which printers treat differently."""
    red, green, blue, alpha = (float(part) for part in ink.removeprefix("rgba(").removesuffix(")").split(","))
    return "#" + "".join(f"{round(part * alpha + 255 * (1 - alpha)):02x}" for part in (red, green, blue))


# -- words ------------------------------------------------------------------------------------------------


def _words(language: Language) -> dict[str, str]:
    keys = ("legend", "grid", "households", "size", "building", "address", "units", "page")
    return (
        {key: text(f"atlas.{key}", language) for key in keys}
        # How many are left out is known once the page is laid out.
        | {"more_buildings": text("atlas.more_buildings", language, more="{more}")}
        | {f"status_{status}": text(f"page.status.{status}", language) for status in STATUS}
        | {f"fill_{status}": style["fill"] for status, style in STATUS.items()}
    )


def _stamp(plan: Path, frames: Mapping[str, pd.DataFrame], language: Language) -> str:
    note = plan_note(frames.get("run"))
    return text(
        "atlas.stamp", language, file=one_line(plan.name), digest=digest_of(plan)[:12],
        rows=len(frames["micro_grids"]), made_at=note["finished_at"][:16].replace("T", " ") or "\u2013",
    )  # fmt: skip


def _names(communities: gpd.GeoDataFrame) -> list[str]:
    ids = (
        communities["community_id"]
        if "community_id" in communities
        else pd.Series("", index=communities.index)
    )
    names = communities.get("name", ids)
    return [one_line(name if pd.notna(name) else own) for name, own in zip(names, ids, strict=True)]


def _whole(grids: pd.DataFrame) -> shapely.Geometry:
    assert isinstance(grids, gpd.GeoDataFrame)
    return shapely.box(*grids.total_bounds)
