"""A card for each micro-grid: what it holds, and a map of it with its neighbours, as shapes of an SVG."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.bounding_roads import BESIDE_M, followed_m
from geo.crs import working_crs

# The map of a card, in millimetres; a page of A4 is 210 by 297 with margins of 14.
WIDTH_MM, HEIGHT_MM = 182.0, 128.0
# Ground shown round the grid, as a share of its size and at least in metres.
AROUND_SHARE, AROUND_M = 0.22, 25.0
# A road that a border follows for less than this only turns a corner with it.
LEAST_FOLLOWED_M = 10.0
# Text on the map: size, and width of a Latin letter as a share of it; a Chinese one is as wide as high.
TEXT_MM, LATIN_WIDTH = 2.6, 0.55


@dataclass(frozen=True)
class Shape:
    """A path of the map: what it is (its class in the style sheet), and its way in millimetres."""

    kind: str
    path: str


@dataclass(frozen=True)
class Word:
    """A text on the map, its middle in millimetres."""

    kind: str
    text: str
    x: float
    y: float


@dataclass(frozen=True)
class Building:
    """A building of a grid: its name, where it stands, its units and households."""

    name: str
    address: str
    units: int
    households: int


@dataclass(frozen=True)
class Card:
    """What a card tells of a grid.

    Attributes
    ----------
    status : str
        `too_small`, `ok`, `too_large` or `exempt`.
    metres : float
        Length of the scale bar; `bar_mm` is how long it is on the map.
    """

    code: str
    name: str
    kind: str
    status: str
    households: int
    units: int
    buildings: tuple[Building, ...]
    neighbours: tuple[str, ...]
    roads: tuple[str, ...]
    gates: tuple[str, ...]
    shapes: tuple[Shape, ...]
    words: tuple[Word, ...]
    metres: int
    bar_mm: float


def grid_cards(plan: Mapping[str, pd.DataFrame]) -> list[Card]:
    """Return a card for each micro-grid that has ground, in the order of the plan.

    Parameters
    ----------
    plan : mapping
        Layers of a plan by name (`maps.plan_file`), all in one geographic CRS.
    """
    grids = plan["micro_grids"]
    assert isinstance(grids, gpd.GeoDataFrame)
    grids = grids[~(grids.geometry.isna() | grids.geometry.is_empty)]
    if grids.empty:
        return []
    minx, miny, maxx, maxy = grids.total_bounds
    metric = working_crs(grids.crs, (minx, miny, maxx, maxy))
    layers = {
        name: _Located(plan[name], metric)
        for name in ("units", "roads", "water", "barriers", "gates", "micro_grids")
        if isinstance(plan.get(name), gpd.GeoDataFrame)
    }
    shapes = grids.geometry.to_crs(metric).to_numpy()
    return [_card(row, shape, layers) for row, shape in zip(grids.to_dict("records"), shapes, strict=True)]


class _Located:
    """A layer in metres, with its tree."""

    def __init__(self, frame: pd.DataFrame, metric: Any) -> None:
        assert isinstance(frame, gpd.GeoDataFrame)
        self.frame = frame.reset_index(drop=True)
        self.shapes = self.frame.geometry.to_crs(metric).to_numpy()
        self.tree = shapely.STRtree(self.shapes)

    def near(self, shape: shapely.Geometry, distance_m: float = 0.0) -> list[int]:
        found = self.tree.query(shape, predicate="dwithin", distance=distance_m)
        return sorted(int(row) for row in found)

    def text(self, name: str, row: int) -> str:
        value = self.frame[name].iloc[row] if name in self.frame else None
        return "" if value is None or pd.isna(value) else str(value)


class Paper:
    """Ground on a map: scale, clipping, and room for words; `size` is width and height in millimetres."""

    def __init__(self, shape: shapely.Geometry, size: tuple[float, float] = (WIDTH_MM, HEIGHT_MM)) -> None:
        self.width_mm, self.height_mm = size
        min_x, min_y, max_x, max_y = shapely.bounds(shape)
        around = max(AROUND_M, AROUND_SHARE * max(max_x - min_x, max_y - min_y))
        width, height = max_x - min_x + 2 * around, max_y - min_y + 2 * around
        self.scale = min(self.width_mm / width, self.height_mm / height)
        half_x, half_y = self.width_mm / self.scale / 2, self.height_mm / self.scale / 2
        x, y = (min_x + max_x) / 2, (min_y + max_y) / 2
        self.box = (x - half_x, y - half_y, x + half_x, y + half_y)
        self.ground = shapely.box(*self.box)
        self.shapes: list[Shape] = []
        self.words: list[Word] = []
        self._taken: list[tuple[float, float, float, float]] = []

    def draw(self, kind: str, shape: shapely.Geometry) -> None:
        """Draw what of a shape lies on the map."""
        # A little over the edge, so that no line runs along it.
        seen = shapely.clip_by_rect(shape, *shapely.bounds(shapely.buffer(self.ground, 5.0)))
        path = "".join(self._way(part) for part in shapely.get_parts(seen))
        if path:
            self.shapes.append(Shape(kind, path))

    def _way(self, part: shapely.Geometry) -> str:
        if part.geom_type == "Polygon":
            return "".join(self._line(ring.coords) + "Z" for ring in (part.exterior, *part.interiors))
        if part.geom_type == "LineString":
            return self._line(part.coords)
        if part.geom_type == "Point":
            x, y = self.at(part)
            return f"M{x:.2f} {y:.2f}h0"
        return "".join(self._way(each) for each in shapely.get_parts(part)) if hasattr(part, "geoms") else ""

    def _line(self, coordinates: Iterable[tuple[float, ...]]) -> str:
        left, _, _, top = self.box
        points = (np.array([point[:2] for point in coordinates]) - (left, top)) * (self.scale, -self.scale)
        return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points.tolist())

    def at(self, point: shapely.Geometry) -> tuple[float, float]:
        """Return where a point is on the map, in millimetres from its upper left corner."""
        left, _, _, top = self.box
        return (point.x - left) * self.scale, (top - point.y) * self.scale

    def write(self, kind: str, text: str, place: shapely.Geometry) -> None:
        """Write a text where it finds room; what lies over the edge or on another is left out."""
        x, y = self.at(place)
        half = sum(TEXT_MM if ord(letter) > 0x2E7F else TEXT_MM * LATIN_WIDTH for letter in text) / 2
        box = (x - half, y - TEXT_MM / 2, x + half, y + TEXT_MM / 2)
        inside = box[0] > 1 and box[1] > 1 and box[2] < self.width_mm - 1 and box[3] < self.height_mm - 1
        free = all(
            box[2] < other[0] or other[2] < box[0] or box[3] < other[1] or other[3] < box[1]
            for other in self._taken
        )
        if text and inside and free:
            self._taken.append(box)
            self.words.append(Word(kind, text, round(x, 2), round(y, 2)))


def _card(row: dict[str, Any], shape: shapely.Geometry, layers: Mapping[str, _Located]) -> Card:
    paper, code = Paper(shape), str(row["grid_id"])
    grids, units = layers["micro_grids"], layers["units"]
    beside = [other for other in grids.near(shape, 1.0) if grids.text("grid_id", other) != code]
    for layer in ("water", "roads"):
        if layer in layers:
            for each in layers[layer].near(paper.ground):
                paper.draw(layer, layers[layer].shapes[each])
    paper.draw("own", shape)
    for other in grids.near(paper.ground):
        if grids.text("grid_id", other) != code:
            paper.draw("edge", grids.shapes[other])
    held = [unit for unit in units.near(paper.ground) if not shapely.is_missing(units.shapes[unit])]
    own = {unit: units.text("grid_id", unit) == code for unit in held}
    mine = [unit for unit in held if own[unit]]
    for unit in held:
        paper.draw("house" if own[unit] else "other", units.shapes[unit])
    if "barriers" in layers:
        for each in layers["barriers"].near(paper.ground):
            paper.draw("barrier", layers["barriers"].shapes[each])
    paper.draw("border", shape)
    gates = [] if "gates" not in layers else layers["gates"].near(shape, BESIDE_M)
    for gate in gates:
        paper.draw("gate", layers["gates"].shapes[gate])
    _write(paper, mine, beside, layers)
    metres, bar_mm = bar_of(paper.scale)
    return Card(
        code,
        "" if row.get("name") is None or pd.isna(row["name"]) else str(row["name"]),
        str(row.get("kind") or "basic"),
        str(row["status"]),
        int(row["households"]),
        int(row["units"]),
        _buildings(units.frame[units.frame["grid_id"] == code]),
        tuple(sorted(grids.text("grid_id", other) for other in beside)),
        _bounding_roads(shape, layers.get("roads")),
        _named(layers.get("gates"), gates),
        tuple(paper.shapes),
        tuple(paper.words),
        metres,
        bar_mm,
    )


def _write(paper: Paper, mine: list[int], beside: list[int], layers: Mapping[str, _Located]) -> None:
    units, grids = layers["units"], layers["micro_grids"]
    seen: set[str] = set()
    for unit in mine:
        name = units.text("building_id", unit) or units.text("unit_id", unit)
        if name not in seen:
            seen.add(name)
            paper.write("house-name", name, shapely.point_on_surface(units.shapes[unit]))
    for other in beside:
        part = shapely.intersection(grids.shapes[other], paper.ground)
        if not part.is_empty:
            paper.write("grid-name", grids.text("grid_id", other)[-3:], shapely.point_on_surface(part))
    for layer in ("roads", "water"):
        if layer in layers:
            for name, part in sorted(_longest(layers[layer], paper.ground).items()):
                paper.write(f"{layer}-name", name, shapely.point_on_surface(part))


def _longest(layer: _Located, ground: shapely.Geometry) -> dict[str, shapely.Geometry]:
    """Return the longest piece on some ground of what has one name: a name stands on a map once."""
    found: dict[str, shapely.Geometry] = {}
    for row in layer.near(ground):
        name, part = layer.text("name", row), shapely.intersection(layer.shapes[row], ground)
        if name and not part.is_empty and (name not in found or part.length > found[name].length):
            found[name] = part
    return found


def _buildings(units: pd.DataFrame) -> tuple[Building, ...]:
    rows: dict[str, list[Any]] = {}
    for unit in units.to_dict("records"):
        name = unit.get("building_id")
        key = str(unit["unit_id"] if name is None or pd.isna(name) else name)
        held = rows.setdefault(key, ["", 0, 0])
        address = unit.get("address")
        held[0] = held[0] or ("" if address is None or pd.isna(address) else str(address))
        held[1] += 1
        held[2] += int(unit["households"])
    return tuple(Building(name, *rows[name]) for name in sorted(rows))


def _bounding_roads(shape: shapely.Geometry, roads: _Located | None) -> tuple[str, ...]:
    """Return the names of the roads that the border of a grid follows."""
    if roads is None:
        return ()
    beside = roads.near(shapely.boundary(shape), BESIDE_M)
    followed: dict[str, float] = {}
    for row, metres in zip(beside, followed_m(shape, roads.shapes[beside]), strict=True):
        name = roads.text("name", row)
        followed[name] = followed.get(name, 0.0) + float(metres)
    return tuple(sorted(name for name, metres in followed.items() if name and metres >= LEAST_FOLLOWED_M))


def _named(layer: _Located | None, rows: list[int]) -> tuple[str, ...]:
    return () if layer is None else tuple(sorted({layer.text("name", row) for row in rows} - {""}))


def bar_of(scale: float) -> tuple[int, float]:
    """Return a round length in metres that is 20 to 50 mm on the map, and how long it is there."""
    for metres in (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000):
        if metres * scale >= 20:
            return metres, round(metres * scale, 2)
    return 20_000, round(20_000 * scale, 2)
