"""The seeded sample town: an invented place that looks like a county town in Jiangsu.

Streets, river, railway, blocks and every Chinese word stand in `sample_town.toml`; this module builds the
town from them. Walk-up slabs stand in rows and face south, towers and midrises are cut into stairwells,
the old village grows along its lanes, shops line the main streets, compounds have walls and gates. Nobody
lives here: households are numbers, communities bear real codes and names, everything else is invented.
"""

from __future__ import annotations

import json
import random
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from importlib import resources
from itertools import pairwise
from math import cos, hypot, pi, radians, sin
from pathlib import Path
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely import LineString, Point, Polygon, affinity
from shapely.geometry.base import BaseGeometry

from geo.layers import LayerKind

XY: TypeAlias = tuple[float, float]

# Day written into layer.toml and into the header of .dbf files, so that the same seed gives the same bytes.
SAMPLE_DATE = date(2025, 7, 1)
SAMPLE_LICENCE = "Apache-2.0"
# Coordinates are rounded to centimetres: below what a survey resolves, and equal on every machine.
DECIMALS = 2
# Distance between vertices of streets and river banks.
STEP_M = 12.0
# How far an inner point of a street moves with the seed.
JITTER_M = 3.0

# Walk-up slabs of the 1980s to 2000s: 11 to 12 m deep, 13 to 16 m a stairwell with two flats a floor;
# rows stand about as far apart as they are high, for the winter sun.
SLAB_DEPTH_M = 11.0
SLAB_WIDTHS_M = (13.2, 14.4, 15.6)
SLAB_GAP_M = (5.0, 9.0)
STAIR_M = (3.0, 1.4)
STOREY_M = 2.9
SUN_RATIO = 1.05
TOWER_M = 25.0
TOWER_GAP_M = 15.0
SHOP_DEPTH_M = 8.0
SHOP_GAP_M = 1.5
PAVEMENT_M = 4.0
WALL_SETBACK_M = 4.0


@dataclass(frozen=True)
class SampleCity:
    """The sample town as layers in one CRS (metres), rows in the order of their ids.

    Attributes
    ----------
    units : unit_id, households, building_id, compound_id, community_id, address, kind, floors; polygons
    communities : community_id, name, town; an edge-matched coverage
    roads : name, road_class, bridge; noded lines
    water, barriers : name, kind; polygons, and lines
    gates : name, compound_id, kind; points
    compounds : compound_id, name, walled; polygons
    stations : station_id, name, type, facilities, opening_hours; points
    incidents : case_id, kind, category, state, reported_at, text; points
    """

    units: gpd.GeoDataFrame
    communities: gpd.GeoDataFrame
    roads: gpd.GeoDataFrame
    water: gpd.GeoDataFrame
    barriers: gpd.GeoDataFrame
    gates: gpd.GeoDataFrame
    compounds: gpd.GeoDataFrame
    stations: gpd.GeoDataFrame
    incidents: gpd.GeoDataFrame


def sample_city(seed: int = 0) -> SampleCity:
    """Build the sample town; the same seed gives the same town on every machine."""
    town = _Town(_plan_of_the_town(), random.Random(seed))
    return SampleCity(
        units=town.units(),
        communities=town.communities(),
        roads=town.roads(),
        water=town.water(),
        barriers=town.barriers(),
        gates=town.gates(),
        compounds=town.compounds(),
        stations=town.stations(),
        incidents=town.incidents(),
    )


def write_sample(folder: Path, *, seed: int = 0) -> dict[LayerKind, Path]:
    """Write the sample town, one folder with a layer.toml for each layer.

    Geometry goes to shapefiles in UTF-8, stations and incidents to CSV with lon and lat. The same seed
    gives the same bytes.

    Parameters
    ----------
    folder : Path
        Made when missing; layers already in it are written anew.
    seed : int, default 0
        Seed of the town.

    Returns
    -------
    dict of LayerKind to Path
        The file of each layer.
    """
    plan = _plan_of_the_town()
    city = sample_city(seed)
    written: dict[LayerKind, Path] = {}
    for kind in _KINDS:
        told = plan["layers"][kind]
        path = folder / kind / told["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        layer: gpd.GeoDataFrame = getattr(city, kind)
        layer = layer.rename(columns={name: alias for name, alias in _SHORT_NAMES.items() if name in layer})
        if path.suffix == ".csv":
            _write_points(layer, path)
        else:
            _write_shapes(layer, path)
        missing = set(told["columns"]) ^ (set(layer.columns) - {"geometry"} | _written_coordinates(path))
        assert not missing, f"columns of {kind} not described: {missing}"
        (path.parent / "layer.toml").write_text(_layer_toml(plan, kind, seed, layer), encoding="utf-8")
        written[kind] = path
    return written


_KINDS: tuple[LayerKind, ...] = (
    "units",
    "communities",
    "roads",
    "water",
    "barriers",
    "gates",
    "compounds",
    "stations",
    "incidents",
)

# Names of columns in files, where the name in tables has more than the ten characters of DBF.
_SHORT_NAMES: Mapping[str, str] = {
    "building_id": "building",
    "compound_id": "compound_i",
    "community_id": "comm_id",
    "road_class": "class",
}


def _plan_of_the_town() -> dict[str, Any]:
    return tomllib.loads(resources.files("geo").joinpath("sample_town.toml").read_text(encoding="utf-8"))


# ---------------------------------------------------------------------------- lines


@dataclass
class _Street:
    """A street, river or railway while the town is laid out."""

    name: str
    road_class: str
    line: LineString
    width_m: float = 0.0
    edge: bool = False
    shops: bool = False
    divides: bool = True
    trim: tuple[bool, bool] = (False, False)
    pieces: list[LineString] = field(default_factory=list)


def _smooth(points: Sequence[Sequence[float]], step_m: float = STEP_M) -> NDArray[np.float64]:
    """Lead a Catmull-Rom curve through the points, with a vertex about every `step_m`."""
    p = np.asarray(points, dtype=float)
    p = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    curve = []
    for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True):
        n = max(1, round(hypot(*(c - b)) / step_m))
        t = (np.arange(n) / n)[:, None]
        curve.append(
            0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        )
    return np.round(np.vstack([*curve, p[-2][None]]), DECIMALS)


def _beside(line: NDArray[np.float64], offset_m: float) -> NDArray[np.float64]:
    """Move a line sideways, to the left where the offset is positive."""
    along = np.gradient(line, axis=0)
    left = np.column_stack([-along[:, 1], along[:, 0]]) / np.hypot(*along.T)[:, None]
    moved: NDArray[np.float64] = np.round(line + offset_m * left, DECIMALS)
    return moved


def _with_vertices(line: LineString, points: Iterable[Point]) -> LineString:
    """Add points that lie on a line, or within rounding of it, to its vertices."""
    coords = shapely.get_coordinates(line)
    at = [line.project(Point(xy)) for xy in coords]
    rows = list(zip(at, map(tuple, coords), strict=True))
    for point in points:
        if not any(hypot(point.x - x, point.y - y) < 0.005 for _, (x, y) in rows):
            rows.append((line.project(point), (point.x, point.y)))
    return LineString([xy for _, xy in sorted(rows)])


def _cut_at(line: LineString, points: Sequence[Point]) -> list[LineString]:
    """Cut a line at those of its vertices that are among the points."""
    cuts = {(point.x, point.y) for point in points}
    coords = [tuple(xy) for xy in shapely.get_coordinates(line)]
    pieces, start = [], 0
    for i in range(1, len(coords)):
        if coords[i] in cuts or i == len(coords) - 1:
            pieces.append(LineString(coords[start : i + 1]))
            start = i
    return pieces


def _rounded(point: BaseGeometry) -> Point:
    return Point(round(point.x, DECIMALS), round(point.y, DECIMALS))


def _crossings(a: LineString, b: LineString) -> list[Point]:
    met = a.intersection(b)
    return [_rounded(point) for point in shapely.get_parts(met) if point.geom_type == "Point"]


def _box(x: float, y: float, width: float, depth: float) -> Polygon:
    return shapely.box(x, y, x + width, y + depth)


def _turned(shape: Polygon, angle: float, about: XY) -> Polygon:
    c, s = cos(angle), sin(angle)
    return shapely.transform(
        shape,
        lambda xy: np.column_stack(
            [
                about[0] + (xy[:, 0] - about[0]) * c - (xy[:, 1] - about[1]) * s,
                about[1] + (xy[:, 0] - about[0]) * s + (xy[:, 1] - about[1]) * c,
            ]
        ),
    )


# ---------------------------------------------------------------------------- buildings


@dataclass
class _Stairwell:
    shape: Polygon
    households: int


@dataclass
class _Building:
    kind: str
    floors: int
    stairwells: list[_Stairwell]
    compound_id: str | None = None
    place: str = ""
    number: int = 0
    part: str = ""

    @property
    def outline(self) -> BaseGeometry:
        return shapely.union_all([stairwell.shape for stairwell in self.stairwells])


def _slab(x: float, y: float, n: int, width: float) -> list[Polygon]:
    """Return n stairwells side by side, each with its stair stepping out to the north."""
    stair, out = STAIR_M
    shapes = []
    for i in range(n):
        left, right, middle = x + i * width, x + (i + 1) * width, x + (i + 0.5) * width
        top = y + SLAB_DEPTH_M
        shapes.append(
            Polygon(
                [
                    (left, y),
                    (right, y),
                    (right, top),
                    (middle + stair / 2, top),
                    (middle + stair / 2, top + out),
                    (middle - stair / 2, top + out),
                    (middle - stair / 2, top),
                    (left, top),
                ]
            )
        )
    return shapes


def _rows(
    ground: BaseGeometry, rng: random.Random, *, pitch_m: float, n_stairwells: tuple[int, int]
) -> Iterator[list[Polygon]]:
    """Fill ground with slabs in rows from south to north, each row from west to east."""
    shapely.prepare(ground)
    min_x, min_y, max_x, max_y = ground.bounds
    y = min_y
    while y + SLAB_DEPTH_M < max_y:
        x, width, row = min_x, rng.choice(SLAB_WIDTHS_M), []
        while x < max_x:
            for n in range(rng.randint(*n_stairwells), n_stairwells[0] - 1, -1):
                if ground.contains(_box(x, y - 0.4, n * width, SLAB_DEPTH_M + STAIR_M[1] + 0.8)):
                    row.append(_slab(x, y + rng.uniform(-0.4, 0.4), n, width))
                    x += n * width + rng.uniform(*SLAB_GAP_M)
                    break
            else:
                x += 1.0
        yield from row
        y += pitch_m if row else 2.0


def _slabs(ground: BaseGeometry, rng: random.Random, floors: tuple[int, int]) -> list[_Building]:
    tall = max(floors)
    pitch_m = SLAB_DEPTH_M + STAIR_M[1] + SUN_RATIO * tall * STOREY_M
    buildings = []
    for shapes in _rows(ground, rng, pitch_m=pitch_m, n_stairwells=(2, 5)):
        storeys = rng.randint(*floors)
        flats = 3 if rng.random() < 0.2 else 2
        counts = [storeys * flats - rng.choice((0, 0, 0, 1)) for _ in shapes]
        buildings.append(
            _Building("slab", storeys, [_Stairwell(*one) for one in zip(shapes, counts, strict=True)])
        )
    return buildings


def _midrises(ground: BaseGeometry, rng: random.Random, floors: tuple[int, int]) -> list[_Building]:
    buildings = []
    for shapes in _rows(ground, rng, pitch_m=38.0, n_stairwells=(2, 3)):
        storeys = rng.randint(*floors)
        counts = [storeys * 2 - rng.choice((0, 0, 1, 2)) for _ in shapes]
        buildings.append(
            _Building("midrise", storeys, [_Stairwell(*one) for one in zip(shapes, counts, strict=True)])
        )
    return buildings


def _tower_shape(x: float, y: float, size: float) -> Polygon:
    """Draw a point tower: a square with re-entrant corners and a light well to the north."""
    a, notch, well = size / 2, size * 0.22, size * 0.09
    return Polygon(
        [
            (x - a + notch, y - a),
            (x + a - notch, y - a),
            (x + a - notch, y - a + notch / 2),
            (x + a, y - a + notch / 2),
            (x + a, y + a - notch),
            (x + a - notch / 2, y + a - notch),
            (x + a - notch / 2, y + a),
            (x + well, y + a),
            (x + well, y + a - notch),
            (x - well, y + a - notch),
            (x - well, y + a),
            (x - a + notch / 2, y + a),
            (x - a + notch / 2, y + a - notch),
            (x - a, y + a - notch),
            (x - a, y - a + notch / 2),
            (x - a + notch, y - a + notch / 2),
        ]
    )


def _towers(
    ground: BaseGeometry, rng: random.Random, floors: tuple[int, int], hard: Mapping[str, int]
) -> list[_Building]:
    """Set point towers with one stairwell wherever there is room; the first is the one too large."""
    buildings: list[_Building] = []
    shapely.prepare(ground)
    min_x, min_y, max_x, max_y = ground.bounds
    for y in np.arange(min_y + TOWER_M / 2, max_y, 3.0):
        for x in np.arange(min_x + TOWER_M / 2, max_x, 3.0):
            shape = _tower_shape(float(x), float(y), TOWER_M)
            near = any(building.outline.distance(shape) < TOWER_GAP_M for building in buildings)
            if near or not ground.contains(shape):
                continue
            storeys = rng.randint(*floors) if buildings else hard["tower_floors"]
            count = storeys * hard["flats_per_floor"] - (rng.randint(0, 3) if buildings else 0)
            buildings.append(_Building("tower", storeys, [_Stairwell(shape, count)]))
    return buildings


def _house_shape(rng: random.Random, x: float, y: float, width: float, depth: float) -> Polygon:
    """Draw a small house, some of them with a wing around a yard."""
    if rng.random() < 0.35:
        wing, inner = rng.uniform(3.2, 4.0), depth * rng.uniform(0.5, 0.6)
        return Polygon(
            [
                (x, y),
                (x + wing, y),
                (x + wing, y + depth - inner),
                (x + width, y + depth - inner),
                (x + width, y + depth),
                (x, y + depth),
            ]
        )
    return _box(x, y, width, depth)


def _houses(
    ground: BaseGeometry, lanes: Sequence[LineString], rng: random.Random, floors: tuple[int, int]
) -> list[_Building]:
    """Line both sides of the lanes with small houses that stand askew and close together."""
    buildings: list[_Building] = []
    for lane in lanes:
        for side in (1, -1):
            at = rng.uniform(1, 4)
            while at < lane.length - 6:
                width, depth = rng.uniform(7.5, 11.5), rng.uniform(7.0, 9.5)
                a, b = lane.interpolate(at), lane.interpolate(min(at + width, lane.length))
                bearing = np.arctan2(b.y - a.y, b.x - a.x) + radians(rng.uniform(-3, 3))
                back = rng.uniform(3.0, 4.2)
                shape = _house_shape(rng, a.x, a.y + (back if side > 0 else -back - depth), width, depth)
                shape = _turned(shape, float(bearing), (a.x, a.y))
                if ground.contains(shape) and not any(
                    building.stairwells[0].shape.distance(shape) < 0.6 for building in buildings
                ):
                    storeys = rng.randint(*floors)
                    buildings.append(
                        _Building("house", storeys, [_Stairwell(shape, rng.choice((1, 1, 1, 2, 2, 3)))])
                    )
                    at += width + rng.choice((0.9, 1.2, 1.6, 3.0))
                else:
                    at += 1.5
    return buildings


def _shops(
    strip: BaseGeometry,
    street: LineString,
    rng: random.Random,
    *,
    side: int,
    distance_m: float,
    standing: Sequence[_Building],
) -> list[_Building]:
    """Line one side of a street with rows of shops, clear of those standing; some keep households above."""
    buildings: list[_Building] = []
    shapely.prepare(strip)
    at = 2.0
    while at < street.length - 12:
        bays, width = rng.randint(2, 4), rng.uniform(8.0, 11.0)
        for n in range(bays, 1, -1):
            a, b = street.interpolate(at), street.interpolate(at + n * width)
            bearing = float(np.arctan2(b.y - a.y, b.x - a.x))
            y = a.y + (distance_m if side > 0 else -distance_m - SHOP_DEPTH_M)
            row = _turned(_box(a.x, y, n * width, SHOP_DEPTH_M), bearing, (a.x, a.y))
            if strip.contains(row) and not any(
                shop.outline.distance(row) < SHOP_GAP_M for shop in [*standing, *buildings]
            ):
                bays_along = [_box(a.x + i * width, y, width, SHOP_DEPTH_M) for i in range(n)]
                shapes = [_turned(bay, bearing, (a.x, a.y)) for bay in bays_along]
                storeys = rng.choice((1, 2, 2, 3))
                wells = [_Stairwell(shape, rng.randint(0, storeys) if storeys > 1 else 0) for shape in shapes]
                buildings.append(_Building("shop", storeys, wells))
                at += n * width + rng.uniform(3.0, 14.0)
                break
        else:
            at += 3.0
    return buildings


# ---------------------------------------------------------------------------- the town

_SIDES: Mapping[str, XY] = {"n": (0.0, 1.0), "e": (1.0, 0.0), "s": (0.0, -1.0), "w": (-1.0, 0.0)}


@dataclass
class _Block:
    told: Mapping[str, Any]
    ground: Polygon
    compound: Polygon
    lanes: list[LineString]
    gates: list[tuple[str, Point]]


class _Town:
    """The town in its own metres; the public methods turn it, set it on the map and tabulate it."""

    def __init__(self, plan: Mapping[str, Any], rng: random.Random) -> None:
        self._plan = plan
        self._rng = rng
        self._river = LineString(_smooth(plan["river"]["points"]))
        self._streets = self._lay_out_streets()
        self._rails = [
            _Street(told["name"], told["kind"], LineString(_smooth(told["points"])), told["width_m"])
            for told in plan["barriers"]
        ]
        self._water_shapes = self._shape_water()
        self._junctions = self._meet()
        self._blocks = [self._block(told) for told in plan["blocks"]]
        self._pieces = self._cut_roads()
        self._community_shapes = self._bound_communities()
        self._buildings = [building for block in self._blocks for building in self._build(block)]
        self._set_vacant()

    # Streets, water, railway.

    def _lay_out_streets(self) -> list[_Street]:
        streets = []
        for told in self._plan["streets"]:
            if "beside_river_m" in told:
                coords = _beside(_smooth(self._plan["river"]["points"]), told["beside_river_m"])
            else:
                first, *inner, last = told["points"]
                moved = [[x + self._jitter(), y + self._jitter()] for x, y in inner]
                coords = _smooth([first, *moved, last])
            options = {name: told[name] for name in ("edge", "shops", "divides") if name in told}
            trim = tuple(told.get("trim", (False, False)))
            streets.append(
                _Street(
                    told["name"], told["class"], LineString(coords), told["width_m"], trim=trim, **options
                )
            )
        return streets

    def _jitter(self) -> float:
        return self._rng.uniform(-JITTER_M, JITTER_M)

    def _shape_water(self) -> list[tuple[str, str, Polygon]]:
        def banks(line: NDArray[np.float64], width_m: float) -> Polygon:
            return Polygon(np.vstack([_beside(line, width_m / 2), _beside(line, -width_m / 2)[::-1]]))

        river = self._plan["river"]
        shapes = [(river["name"], "river", banks(_smooth(river["points"]), river["width_m"]))]
        for told in self._plan["canals"]:
            shapes.append(
                (told["name"], "canal", banks(_smooth(told["points"], step_m=8.0), told["width_m"]))
            )
        for told in self._plan["ponds"]:
            (x, y), r = told["at"], told["radius_m"]
            turn = [2 * pi * i / 20 for i in range(20)]
            ring = [
                (x + r * (1.2 + 0.15 * sin(2 * t)) * cos(t), y + r * (0.8 + 0.1 * cos(3 * t)) * sin(t))
                for t in turn
            ]
            shapes.append((told["name"], "pond", Polygon(ring)))
        return shapes

    def _meet(self) -> list[Point]:
        """Give streets, river and railway common vertices where they cross; return junctions of streets."""
        junctions: list[Point] = []
        vertices: dict[int, list[Point]] = {id(street): [] for street in [*self._streets, *self._rails]}
        ends: dict[int, list[Point]] = {id(street): [] for street in self._streets}
        for i, street in enumerate(self._streets):
            for other in self._streets[:i]:
                for point in _crossings(street.line, other.line):
                    junctions.append(point)
                    for one in (street, other):
                        vertices[id(one)].append(point)
                        ends[id(one)].append(point)
            for rail in self._rails:
                for point in _crossings(street.line, rail.line):
                    vertices[id(street)].append(point)
                    vertices[id(rail)].append(point)
        on_river = []
        for street in self._streets:
            points = _crossings(street.line, self._river)
            vertices[id(street)] += points
            on_river += points
        self._river = _with_vertices(self._river, on_river)
        for street in [*self._streets, *self._rails]:
            street.line = _with_vertices(street.line, vertices[id(street)])
        for street in self._streets:
            pieces = _cut_at(street.line, ends[id(street)])
            kept = pieces[street.trim[0] : len(pieces) - street.trim[1]]
            street.line = LineString(
                np.vstack(
                    [shapely.get_coordinates(kept[0])[:1], *[shapely.get_coordinates(p)[1:] for p in kept]]
                )
            )
        return junctions

    # Blocks, compounds, gates.

    def _block(self, told: Mapping[str, Any]) -> _Block:
        at = Point(told["at"])
        lines = [street.line for street in self._streets if street.divides]
        lines += [rail.line for rail in self._rails if rail.road_class == "railway"]
        face = _part_at(shapely.polygonize([shapely.union_all(lines)]), at)
        ground = face.difference(
            shapely.union_all(
                [
                    street.line.buffer(street.width_m / 2 + PAVEMENT_M)
                    for street in self._streets
                    if street.divides
                ]
                + [shape.buffer(6.0) for _, _, shape in self._water_shapes]
                + [
                    rail.line.buffer(rail.width_m / 2 + 4)
                    for rail in self._rails
                    if rail.road_class == "railway"
                ]
            )
        )
        ground = _part_at(ground.buffer(-9, join_style="mitre").buffer(9, join_style="mitre"), at)
        shops = [street for street in self._streets if street.shops and told["kind"] != "public"]
        behind = [
            street.line.buffer(street.width_m / 2 + PAVEMENT_M + SHOP_DEPTH_M + 2.5) for street in shops
        ]
        compound = _part_at(ground.difference(shapely.union_all(behind)), at).simplify(0.25)
        lanes, gates = [], []
        for side in told.get("gates", ()):
            lane, gate = self._lane_to_gate(compound, side)
            compound = Polygon(_with_vertices(LineString(compound.exterior), [gate]).coords)
            lanes.append(lane)
            gates.append((side, gate))
        return _Block(told, ground, compound, lanes, gates)

    def _lane_to_gate(self, compound: Polygon, side: str) -> tuple[LineString, Point]:
        """Lead a lane from the middle of a compound through its gate to the street on one side."""
        middle, (dx, dy) = compound.centroid, _SIDES[side]
        ray = LineString([(middle.x, middle.y), (middle.x + 300 * dx, middle.y + 300 * dy)])
        gate = _rounded(min(_crossings(ray, compound.exterior), key=middle.distance))
        meets = [
            (middle.distance(point), i, point)
            for i, street in enumerate(self._streets)
            for point in _crossings(ray, street.line)
        ]
        _, i, junction = min(meets, key=lambda meet: meet[:2])
        self._junctions.append(junction)
        self._streets[i].line = _with_vertices(self._streets[i].line, [junction])
        start = _rounded(middle)
        return LineString([(start.x, start.y), (gate.x, gate.y), (junction.x, junction.y)]), gate

    def _cut_roads(self) -> list[tuple[str, str, bool, LineString]]:
        """Cut streets at junctions and bridge heads into (name, class, bridge, line)."""
        river = self._water_shapes[0][2].buffer(4.0)
        pieces = []
        for street in self._streets:
            heads = _crossings(street.line, river.exterior) if street.divides else []
            line = _with_vertices(street.line, heads)
            for piece in _cut_at(line, [*self._junctions, *heads]):
                middle = piece.interpolate(0.5, normalized=True)
                pieces.append((street.name, street.road_class, bool(river.contains(middle)), piece))
        for block in self._blocks:
            for lane in block.lanes:
                pieces.append((block.told.get("name", ""), "service", False, lane))
        return pieces

    def _bound_communities(self) -> list[tuple[Mapping[str, Any], Polygon]]:
        """Polygons between the streets marked as edges and, south of the main street, the river."""
        edges = {street.name for street in self._streets if street.edge}
        lines = [
            line for name, road_class, _, line in self._pieces if name in edges and road_class != "service"
        ]
        on_edges = [
            point for street in self._streets if street.edge for point in _crossings(street.line, self._river)
        ]
        lowest, second = sorted(on_edges, key=lambda point: point.y)[:2]
        for piece in _cut_at(self._river, on_edges):
            if lowest.y <= piece.interpolate(0.5, normalized=True).y <= second.y:
                lines.append(piece)
        faces = shapely.polygonize(_cut_everywhere(lines))
        return [(told, _part_at(faces, Point(told["at"]))) for told in self._plan["communities"]]

    # Buildings.

    def _build(self, block: _Block) -> list[_Building]:
        told, rng = block.told, self._rng
        lanes = [
            street.line.buffer(street.width_m / 2 + 0.5) for street in self._streets if not street.divides
        ]
        inner = [lane.buffer(3.2) for lane in block.lanes]
        barriers = [rail.line.buffer(rail.width_m / 2 + 1) for rail in self._rails]
        walled = told.get("walled", False)
        ground = block.compound.buffer(-WALL_SETBACK_M if walled else -0.5)
        ground = ground.difference(shapely.union_all([*lanes, *inner, *barriers]))
        kind, floors = told["kind"], tuple(told.get("floors", (1, 1)))
        if kind == "slab":
            built = _slabs(ground, rng, floors)
        elif kind == "midrise":
            built = _midrises(ground, rng, floors)
        elif kind == "tower":
            built = _towers(ground, rng, floors, self._plan["hard_cases"])
        elif kind in {"village", "island"}:
            built = _houses(ground, self._village_lanes(block), rng, floors)
            if "households" in told:
                _share_out(built, told["households"])
        else:
            built = self._public(block)
        for number, building in enumerate(built, start=1):
            building.place = building.place or told.get("name") or told["street"]
            building.number = told["number"] + 2 * (number - 1) if "name" not in told else number
            building.compound_id = told.get("compound")
        return built + self._shops_of(block)

    def _village_lanes(self, block: _Block) -> list[LineString]:
        if block.told["kind"] == "island":
            ring = block.compound.buffer(-13.0).exterior
            return [LineString(ring.coords), LineString(block.compound.buffer(-26.0).exterior.coords)]
        lanes = [street.line for street in self._streets if not street.divides]
        return [part for lane in lanes for part in _lines_in(lane, block.compound)]

    def _public(self, block: _Block) -> list[_Building]:
        """Set the public buildings of a block together where they first fit; nobody lives in them."""
        words, parts = self._plan["words"], self._plan["plans"][block.told["plan"]]["parts"]
        plan = [shapely.union_all([_box(*rectangle) for rectangle in part["shape"]]) for part in parts]
        min_x, min_y, max_x, max_y = block.ground.bounds
        steps = (
            [affinity.translate(shape, float(x), float(y)) for shape in plan]
            for y in np.arange(min_y, max_y, 2.0)
            for x in np.arange(min_x, max_x, 2.0)
        )
        fitting = next(shapes for shapes in steps if block.ground.contains(shapely.union_all(shapes)))
        built = []
        for part, shape in zip(parts, fitting, strict=True):
            built.append(_Building(part["kind"], 4, [_Stairwell(shape, 0)], part=part["name"]))
            if "above" in part:
                built.append(_Building("slab", 4, [_Stairwell(shape, part["above"])], part=words["above"]))
        return built

    def _shops_of(self, block: _Block) -> list[_Building]:
        if block.told["kind"] in {"public", "park", "island"}:
            return []
        built: list[_Building] = []
        behind = block.compound.buffer(1.2)
        for street in self._streets:
            if not street.shops or street.line.distance(block.ground) > street.width_m:
                continue
            strip = block.ground.buffer(-0.2).difference(
                shapely.union_all([behind, *[lane.buffer(4.0) for lane in block.lanes]])
                | shapely.union_all(
                    [one.line.buffer(one.width_m / 2 + 1.5) for one in self._streets if not one.divides]
                )
            )
            for other in self._streets:
                if other.shops and other is not street:
                    strip = strip.difference(
                        other.line.buffer(other.width_m / 2 + PAVEMENT_M + SHOP_DEPTH_M + 4)
                    )
            for side in (1, -1):
                distance_m = street.width_m / 2 + PAVEMENT_M + 0.7
                for building in _shops(
                    strip, street.line, self._rng, side=side, distance_m=distance_m, standing=built
                ):
                    middle = building.outline.centroid
                    steps = int(street.line.project(middle) / 9)
                    building.place, building.number = street.name, 2 * steps + (1 if side > 0 else 2)
                    built.append(building)
        return built

    def _set_vacant(self) -> None:
        """Empty one stairwell: a unit without households is a thing a plan must carry."""
        slabs = [
            building
            for building in self._buildings
            if building.kind == "slab" and len(building.stairwells) > 2
        ]
        self._rng.choice(slabs).stairwells[-1].households = 0

    # Tables.

    def _on_map(self, shapes: Sequence[BaseGeometry]) -> NDArray[np.object_]:
        """Turn the town, set it at its origin, round to centimetres."""
        plan = self._plan
        angle, (x0, y0) = radians(plan["rotation_deg"]), plan["origin"]
        c, s = cos(angle), sin(angle)

        def move(xy: NDArray[np.float64]) -> NDArray[np.float64]:
            x, y = np.round(xy, DECIMALS).T
            return np.round(np.column_stack([x0 + x * c - y * s, y0 + x * s + y * c]), DECIMALS)

        moved: NDArray[np.object_] = shapely.transform(np.asarray(shapes, dtype=object), move)
        return moved

    def _frame(self, rows: Sequence[Mapping[str, Any]], shapes: Sequence[BaseGeometry]) -> gpd.GeoDataFrame:
        return gpd.GeoDataFrame(pd.DataFrame(rows), geometry=self._on_map(shapes), crs=self._plan["crs"])

    def _address(self, building: _Building, unit: int | None = None) -> str:
        words = self._plan["words"]
        if building.part:
            word = words["part"]
        elif building.kind in {"house", "shop"}:
            word = words["house"]
        else:
            word = words["building"] if unit is None else words["stairwell"]
        told = {"place": building.place, "number": building.number, "part": building.part, "unit": unit}
        return str(word).format(**told)

    def units(self) -> gpd.GeoDataFrame:
        """Tabulate stairwells and small houses."""
        rows, shapes = [], []
        for i, building in enumerate(self._buildings, start=1):
            for unit, stairwell in enumerate(building.stairwells, start=1):
                rows.append(
                    {
                        "unit_id": f"B{i:03}-{unit}",
                        "households": stairwell.households,
                        "building_id": f"B{i:03}",
                        "compound_id": building.compound_id,
                        "community_id": self._community_at(stairwell.shape.representative_point()),
                        "address": self._address(building, unit),
                        "kind": building.kind,
                        "floors": building.floors,
                    }
                )
                shapes.append(stairwell.shape)
        return self._frame(rows, shapes)

    def _community_at(self, point: Point) -> str:
        return next(str(told["code"]) for told, shape in self._community_shapes if shape.contains(point))

    def communities(self) -> gpd.GeoDataFrame:
        """Tabulate the communities."""
        rows = [
            {"community_id": told["code"], "name": told["name"], "town": told["town"]}
            for told, _ in self._community_shapes
        ]
        return self._frame(rows, [shape for _, shape in self._community_shapes])

    def roads(self) -> gpd.GeoDataFrame:
        """Tabulate streets, lanes and the lanes of compounds, cut at junctions."""
        rows = [
            {"name": name, "road_class": road_class, "bridge": "yes" if bridge else "no"}
            for name, road_class, bridge, _ in self._pieces
        ]
        return self._frame(rows, [line for *_, line in self._pieces])

    def water(self) -> gpd.GeoDataFrame:
        """Tabulate river, canal and pond."""
        rows = [{"name": name, "kind": kind} for name, kind, _ in self._water_shapes]
        return self._frame(rows, [shape for *_, shape in self._water_shapes])

    def barriers(self) -> gpd.GeoDataFrame:
        """Tabulate railway and city wall."""
        rows = [{"name": rail.name, "kind": rail.road_class} for rail in self._rails]
        return self._frame(rows, [rail.line for rail in self._rails])

    def gates(self) -> gpd.GeoDataFrame:
        """Tabulate the gates of compounds and the level crossings."""
        words = self._plan["words"]
        rows, points = [], []
        for block in self._blocks:
            for side, gate in block.gates:
                name = words["gate"].format(compound=block.told["name"], side=words["sides"][side])
                rows.append({"name": name, "compound_id": block.told["compound"], "kind": "gate"})
                points.append(gate)
        for rail in self._rails:
            for street in self._streets:
                for point in _crossings(street.line, rail.line):
                    name = words["level_crossing"].format(street=street.name)
                    rows.append({"name": name, "compound_id": None, "kind": "level_crossing"})
                    points.append(point)
        return self._frame(rows, points)

    def compounds(self) -> gpd.GeoDataFrame:
        """Tabulate the compounds."""
        named = [block for block in self._blocks if "compound" in block.told]
        rows = [
            {
                "compound_id": block.told["compound"],
                "name": block.told["name"],
                "walled": "yes" if block.told["walled"] else "no",
            }
            for block in named
        ]
        return self._frame(rows, [block.compound for block in named])

    def stations(self) -> gpd.GeoDataFrame:
        """Tabulate the red stations, each in the shop or public building nearest to its place."""
        hosts = [
            building for building in self._buildings if building.kind not in {"slab", "midrise", "tower"}
        ]
        rows, points = [], []
        for number, told in enumerate(self._plan["stations"], start=1):
            at = Point(told["at"])
            host = hosts.pop(int(np.argmin([building.outline.distance(at) for building in hosts])))
            rows.append(
                {
                    "station_id": f"S{number:02}",
                    "name": told["name"],
                    "type": told["type"],
                    "facilities": ";".join(self._plan["facilities"][told["facilities"]]),
                    "opening_hours": told["opening_hours"],
                }
            )
            points.append(host.outline.representative_point())
        return self._frame(rows, points)

    def incidents(self) -> gpd.GeoDataFrame:
        """Tabulate a month of cases, the earliest first."""
        told, rng = self._plan["incidents"], self._rng
        blocks_of_flats = [
            b for b in self._buildings if b.kind in {"slab", "midrise", "tower"} and not b.part
        ]
        addressed = {self._address(building): building for building in blocks_of_flats}
        streets = {street.name: street for street in self._streets}
        drafts: list[tuple[str, dict[str, Any], str, str, Point]] = []
        for case in told["named"]:
            if "address" in case:
                point = addressed[case["address"]].outline.representative_point()
            else:
                point = streets[case["street"]].line.interpolate(0.55, normalized=True)
            drafts.append((self._moment(told["month"]), case, case["state"], case["text"], point))
        while len(drafts) < told["count"]:
            case = rng.choice(told["templates"])
            state = rng.choices(told["states"], told["state_weights"])[0]
            if case["near"] == "building":
                place = rng.choice(list(addressed))
                point = addressed[place].outline.representative_point()
            else:
                place = rng.choice(list(streets))
                point = self._inside(streets[place].line)
            drafts.append((self._moment(told["month"]), case, state, case["text"].format(place=place), point))
        drafts.sort(key=lambda draft: (draft[0], draft[3]))
        rows = [
            {
                "case_id": f"{told['month'].replace('-', '')}{number:04}",
                "kind": case["kind"],
                "category": case["category"],
                "state": state,
                "reported_at": moment,
                "text": text,
            }
            for number, (moment, case, state, text, _) in enumerate(drafts, start=1)
        ]
        return self._frame(rows, [point for *_, point in drafts])

    def _inside(self, line: LineString) -> Point:
        """Pick a point of a street where it runs through the communities or along their edge."""
        town = shapely.union_all([shape for _, shape in self._community_shapes]).buffer(0.5)
        inside = line.intersection(town)
        return inside.interpolate(self._rng.random(), normalized=True)

    def _moment(self, month: str) -> str:
        first = datetime.fromisoformat(f"{month}-01T00:00:00").replace(tzinfo=timezone(timedelta(hours=8)))
        day, minute = self._rng.randint(0, 29), self._rng.randint(6 * 60, 22 * 60)
        return (first + timedelta(days=day, minutes=minute)).isoformat()


def _part_at(shapes: BaseGeometry, at: Point) -> Polygon:
    """Return the polygon, among the parts of a geometry, that holds a point."""
    return next(part for part in shapely.get_parts(shapes) if part.contains(at))


def _lines_in(line: LineString, shape: Polygon) -> list[LineString]:
    return [part for part in shapely.get_parts(line.intersection(shape)) if part.length > 8]


def _cut_everywhere(lines: Sequence[LineString]) -> list[LineString]:
    """Cut lines into single segments, so that lines that meet at a vertex are noded there."""
    coords = [shapely.get_coordinates(line) for line in lines]
    return [LineString(pair) for xy in coords for pair in pairwise(xy)]


def _share_out(buildings: Sequence[_Building], households: int) -> None:
    """Set the households of small houses so that they add up to a number."""
    for i, building in enumerate(buildings):
        count = households * (i + 1) // len(buildings) - households * i // len(buildings)
        building.stairwells[0].households = count


# ---------------------------------------------------------------------------- files


def _written_coordinates(path: Path) -> set[str]:
    return {"lon", "lat"} if path.suffix == ".csv" else set()


def _write_shapes(layer: gpd.GeoDataFrame, path: Path) -> None:
    layer.to_file(
        path,
        driver="ESRI Shapefile",
        engine="pyogrio",
        layer_options={"ENCODING": "UTF-8", "DBF_DATE_LAST_UPDATE": SAMPLE_DATE.isoformat()},
    )


def _write_points(layer: gpd.GeoDataFrame, path: Path) -> None:
    at = layer.geometry.to_crs("EPSG:4326")
    table = layer.drop(columns="geometry").assign(lon=at.x.round(6), lat=at.y.round(6))
    # With the byte order mark, or Excel takes the text for the code page of the machine.
    table.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\r\n")


def _layer_toml(plan: Mapping[str, Any], kind: str, seed: int, layer: gpd.GeoDataFrame) -> str:
    told = plan["layers"][kind]
    geographic = told["file"].endswith(".csv")
    entries: dict[str, str | int] = {
        "title": told["title"],
        "file": told["file"],
        "origin": "invented",
        "generator": "geo.synthetic.write_sample",
        "seed": seed,
        "date": SAMPLE_DATE.isoformat(),
        "crs": "EPSG:4326" if geographic else plan["crs"],
        "encoding": "UTF-8",
        "licence": SAMPLE_LICENCE,
        "features": len(layer),
    }
    if kind == "communities":
        entries["source"] = f"codes and names: {plan['source']['codes']}; edges invented"
    if kind in {"stations", "incidents"}:
        entries["source"] = plan["source"]["texts"]
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in entries.items()]
    lines += ["", "[columns]"]
    lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in told["columns"].items()]
    return "\n".join(lines) + "\n"
