"""Layers -> a pack (`maps.pack_format`), and back."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray

from maps.arcs import Arcs, Ints, Rings, arcs_of
from maps.pack_format import MAGIC, VERSION

# Layers of which a page draws none before it shows few: their arcs lie apart.
_DRAWN_NEAR = ("units", "cells")

# 1e-6 degrees is 0.11 m north-south: below what a surveyed corner is worth, and no pixel at any zoom.
STEP_DEGREES = 1e-6

# Digits kept of a column of fractions, where the caller names no other number.
DECIMALS = 3

# The best level of gzip takes four times as long and saves two per cent.
LEVEL = 7

# Polygons quantised at a time: enough to be quick, few enough to need little memory.
_SHAPES_AT_A_TIME = 8192


class PackError(ValueError):
    """Bytes that are no pack, or a pack of a version this program does not know."""


def pack(
    layers: Mapping[str, pd.DataFrame],
    *,
    step: float = STEP_DEGREES,
    smooth: Mapping[str, float] | None = None,
) -> bytes:
    """Return layers as one pack.

    Parameters
    ----------
    layers : mapping of name to DataFrame or GeoDataFrame
        A GeoDataFrame is in WGS 84. Its geometries may be missing, of several kinds and of several
        parts. Other columns are whole numbers, fractions, booleans or text.
    step : float, default 1e-6
        Size of one stored step, in degrees.
    smooth : mapping of layer name to degrees, optional
        Arcs that belong to these layers only lose the points that lie within this distance of the
        line without them. Neighbours stay matched, because an arc is one line for both.

    Returns
    -------
    bytes
        The same layers give the same bytes.
    """
    packing = Packing(origin_of(layers), step=step)
    for name, layer in layers.items():
        packing.add(name, layer)
    return packing.packed(smooth)


class Packing:
    """Makes a pack layer by layer; a layer that was added may be let go of before the next comes.

    Parameters
    ----------
    origin : (lon, lat)
        See `origin_of`.
    step : float, default 1e-6
        Size of one stored step, in degrees.
    """

    def __init__(self, origin: tuple[float, float], *, step: float = STEP_DEGREES) -> None:
        self._writer = _Writer(origin=origin, step=step)
        self._layers: dict[str, _Layer] = {}

    def add(self, name: str, layer: pd.DataFrame) -> None:
        """Take a layer in (see `pack`)."""
        columns = _columns(layer, self._writer)
        shapes = _shapes(layer, self._writer) if isinstance(layer, gpd.GeoDataFrame) else None
        self._layers[name] = _Layer(len(layer), columns, shapes)

    def packed(self, smooth: Mapping[str, float] | None = None) -> bytes:
        """Return the pack of the layers that were added, in their order; nothing can be added to it."""
        writer = self._writer
        in_order = sorted(self._layers, key=lambda name: name in _DRAWN_NEAR)
        rings = {name: shapes.rings for name in in_order if (shapes := self._layers[name].shapes)}
        tolerances = {name: degrees / writer.step for name, degrees in (smooth or {}).items()}
        arcs = arcs_of(rings, tolerances, near=_DRAWN_NEAR)
        described = {
            name: {
                "count": layer.count,
                "geometry": _geometry(layer.count, layer.shapes, arcs, name, writer) if layer.shapes else {},
                "columns": layer.columns,
            }
            for name, layer in self._layers.items()
        }
        header = {
            "version": VERSION,
            "origin": list(writer.origin),
            "step": writer.step,
            "arcs": _banks(arcs, writer),
            "layers": described,
            "blocks": writer.blocks,
        }
        head = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
        whole = b"".join([MAGIC, struct.pack("<I", len(head)), head, *writer.body])
        return gzip.compress(whole, compresslevel=LEVEL, mtime=0)


def unpack(data: bytes) -> dict[str, pd.DataFrame]:
    """Return the layers of a pack; geometries in WGS 84, rounded to its step.

    Raises
    ------
    PackError
        The bytes are no pack, or one of another version.
    """
    try:
        raw = gzip.decompress(data)
    except (OSError, EOFError) as error:
        raise PackError(f"not a pack: {error}") from error
    if raw[:4] != MAGIC:
        raise PackError("not a pack: the first four bytes are not 'wgpk'")
    (length,) = struct.unpack("<I", raw[4:8])
    header = json.loads(raw[8 : 8 + length])
    if header["version"] != VERSION:
        raise PackError(f"pack of version {header['version']}; this program reads version {VERSION}")
    reader = _Reader(header, raw[8 + length :])
    return {name: reader.layer(name) for name in header["layers"]}


def encode_varints(values: ArrayLike) -> bytes:
    """Return whole numbers as zigzag varints."""
    numbers = np.asarray(values, dtype=np.int64)
    zigzag = ((numbers << 1) ^ (numbers >> 63)).astype(np.uint64)
    n_bytes = np.ones(len(zigzag), dtype=np.int64)
    for shift in range(7, 64, 7):
        n_bytes += zigzag >= (np.uint64(1) << np.uint64(shift))
    ends = np.cumsum(n_bytes)
    total = int(ends[-1]) if len(ends) else 0
    out = np.zeros(total, dtype=np.uint8)
    starts = ends - n_bytes
    for place in range(int(n_bytes.max(initial=0))):
        there = n_bytes > place
        low = (zigzag[there] >> np.uint64(7 * place)) & np.uint64(127)
        more = (n_bytes[there] > place + 1).astype(np.uint8) << 7
        out[starts[there] + place] = low.astype(np.uint8) | more
    return out.tobytes()


def decode_varints(data: bytes) -> Ints:
    """Return the whole numbers of zigzag varints."""
    octets = np.frombuffer(data, dtype=np.uint8)
    if not len(octets):
        return np.zeros(0, dtype=np.int64)
    ends = np.flatnonzero(octets < 128)
    starts = np.concatenate([[0], ends[:-1] + 1])
    place = np.arange(len(octets)) - np.repeat(starts, ends - starts + 1)
    bits = (octets & 127).astype(np.uint64) << (7 * place).astype(np.uint64)
    zigzag = np.add.reduceat(bits, starts)
    return (zigzag >> np.uint64(1)).astype(np.int64) ^ -(zigzag & np.uint64(1)).astype(np.int64)


@dataclass
class _Writer:
    origin: tuple[float, float]
    step: float
    blocks: list[tuple[str, int, int, int]] = field(default_factory=list)
    body: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, values: ArrayLike) -> int:
        """Store whole numbers in the shorter of the two encodings; return the block's position."""
        numbers = np.asarray(values, dtype=np.int64)
        plain = encode_varints(numbers)
        delta = encode_varints(np.diff(numbers, prepend=0))
        encoding, data = ("delta", delta) if len(delta) < len(plain) else ("plain", plain)
        self.blocks.append((encoding, self.size, len(data), len(numbers)))
        self.body.append(data)
        self.size += len(data)
        return len(self.blocks) - 1

    def add_texts(self, texts: list[str | None]) -> int:
        """Store texts; return the block's position."""
        data = json.dumps(texts, ensure_ascii=False, separators=(",", ":")).encode()
        self.blocks.append(("text", self.size, len(data), len(texts)))
        self.body.append(data)
        self.size += len(data)
        return len(self.blocks) - 1

    def quantised(self, coordinates: NDArray[np.float64]) -> Ints:
        steps = np.rint((coordinates[:, :2] - self.origin) / self.step)
        # Half the memory, where the step is not much finer than the usual one.
        is_short = len(steps) == 0 or max(-steps.min(), steps.max()) < 1 << 31
        return steps.astype(np.int32 if is_short else np.int64)


def origin_of(layers: Mapping[str, pd.DataFrame]) -> tuple[float, float]:
    """Return the south-western corner of what the layers hold, (lon, lat), where packed points begin."""
    boxes = [layer.total_bounds for layer in layers.values() if isinstance(layer, gpd.GeoDataFrame)]
    finite = [box for box in boxes if np.isfinite(box).all()]
    if not finite:
        return (0.0, 0.0)
    low = np.min(finite, axis=0)
    return (round(float(low[0]), 6), round(float(low[1]), 6))


@dataclass(frozen=True)
class _Shapes:
    """What one layer draws, in steps: rings, lines and dots, the latter two with the feature of each."""

    rings: Rings
    lines: list[Ints]
    line_feature: Ints
    dots: Ints
    dot_feature: Ints


@dataclass(frozen=True)
class _Layer:
    count: int
    columns: dict[str, dict[str, Any]]
    shapes: _Shapes | None


def _shapes(layer: gpd.GeoDataFrame, writer: _Writer) -> _Shapes:
    shapes = layer.geometry.to_numpy()
    lines, line_feature = _parts(shapes, (1, 2))
    dots, dot_feature = _parts(shapes, (0,))
    return _Shapes(
        _rings(shapes, writer),
        _lines(lines, writer),
        line_feature,
        writer.quantised(shapely.get_coordinates(dots)),
        dot_feature,
    )


def _lines(lines: NDArray[np.object_], writer: _Writer) -> list[Ints]:
    coordinates, line_of = shapely.get_coordinates(lines, return_index=True)
    points = writer.quantised(coordinates)
    out = []
    for line in np.split(points, np.flatnonzero(np.diff(line_of)) + 1) if len(lines) else []:
        moved = np.append(True, (line[1:] != line[:-1]).any(axis=1))
        out.append(line[moved] if moved.sum() > 1 else line[[0, -1]])
    return out


def _rings(shapes: NDArray[np.object_], writer: _Writer) -> Rings:
    flat, owner = _parts(shapes, (3,))
    pieces = [
        _rings_of(flat[start : start + _SHAPES_AT_A_TIME], owner[start : start + _SHAPES_AT_A_TIME], writer)
        for start in range(0, max(1, len(flat)), _SHAPES_AT_A_TIME)
    ]
    return Rings(
        np.concatenate([piece.feature for piece in pieces]),
        np.concatenate([piece.lengths for piece in pieces]),
        np.concatenate([piece.points for piece in pieces]),
    )


def _rings_of(flat: NDArray[np.object_], owner: Ints, writer: _Writer) -> Rings:
    if shapely.get_num_interior_rings(flat).any():
        rings, part = shapely.get_rings(flat, return_index=True)
        lengths = shapely.get_num_coordinates(rings).astype(np.int64)
    else:  # nearly always, and then no ring need be made
        part, lengths = np.arange(len(flat)), shapely.get_num_coordinates(flat).astype(np.int64)
    is_hole = np.append(False, part[1:] == part[:-1])[: len(part)]
    points = writer.quantised(shapely.get_coordinates(flat))
    ring = np.repeat(np.arange(len(lengths)), lengths)
    # The last point of a ring repeats its first; others that come twice in a row fell on one step.
    is_new = np.append(True, (points[1:] != points[:-1]).any(axis=1) | (ring[1:] != ring[:-1]))[: len(points)]
    points, ring = points[is_new], ring[is_new]
    is_last = np.append(ring[1:] != ring[:-1], True)[: len(ring)]
    points, ring = points[~is_last], ring[~is_last]
    lengths = np.bincount(ring, minlength=len(lengths))
    kept = lengths >= 3  # a ring thinner than one step is no ring any more
    stays = kept[ring]
    points, lengths = points[stays], lengths[kept].astype(np.int64)
    return Rings(owner[part[kept]], lengths, _turned(points, lengths, clockwise=is_hole[kept]))


def _turned(points: Ints, lengths: Ints, *, clockwise: NDArray[np.bool_]) -> Ints:
    """Return the points of rings in the direction asked for, each from the point it begins with."""
    if not len(lengths):
        return points
    first = np.cumsum(lengths) - lengths
    place = np.arange(len(points)) - np.repeat(first, lengths)
    following = np.repeat(first, lengths) + (place + 1) % np.repeat(lengths, lengths)
    from_first = (points - np.repeat(points[first], lengths, axis=0)).astype(np.float64)
    ahead = from_first[following]
    twice_area = np.add.reduceat(from_first[:, 0] * ahead[:, 1] - ahead[:, 0] * from_first[:, 1], first)
    is_wrong = np.repeat((twice_area < 0) != clockwise, lengths)
    backwards = np.repeat(first, lengths) + (-place) % np.repeat(lengths, lengths)
    turned: Ints = points[np.where(is_wrong, backwards, np.arange(len(points)))]
    return turned


def _parts(shapes: NDArray[np.object_], kinds: tuple[int, ...]) -> tuple[NDArray[np.object_], Ints]:
    """Return the single parts of some geometry types, and the feature each belongs to."""
    if (shapely.get_type_id(shapes) < 4).all():  # missing ones have -1
        flat, owner = shapes, np.arange(len(shapes))
    else:
        flat, owner = shapely.get_parts(shapes, return_index=True)
    while (shapely.get_type_id(flat) >= 4).any():  # collections inside collections
        flat, inner = shapely.get_parts(flat, return_index=True)
        owner = owner[inner]
    wanted = np.isin(shapely.get_type_id(flat), kinds) & ~shapely.is_empty(flat)
    return flat[wanted], owner[wanted].astype(np.int64)


def _banks(arcs: Arcs, writer: _Writer) -> list[dict[str, int]]:
    """Store the arcs: those of what is seen from afar, of what is drawn near only, and of lines."""
    x = np.concatenate([np.zeros(0, np.int64), *arcs.x])
    y = np.concatenate([np.zeros(0, np.int64), *arcs.y])
    ends = np.concatenate([[0], np.cumsum(np.asarray(arcs.lengths, np.int64))])
    bounds = [0, arcs.n_far, arcs.n_rings, len(arcs.lengths)]
    return [
        {
            "points": writer.add(arcs.lengths[first:last]),
            "x": writer.add(x[ends[first] : ends[last]]),
            "y": writer.add(y[ends[first] : ends[last]]),
        }
        for first, last in pairwise(bounds)
        if last > first
    ]


def _geometry(
    count: int, shapes: _Shapes, arcs: Arcs, name: str, writer: _Writer
) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    if len(shapes.rings.feature):
        found["polygon"] = {
            "parts": writer.add(np.bincount(shapes.rings.feature, minlength=count)),
            "part_arcs": writer.add(arcs.ring_arcs[name]),
            "arcs": writer.add(arcs.refs[name]),
        }
    if shapes.lines:
        refs = []
        for line in shapes.lines:
            refs.append(len(arcs.lengths))
            arcs.append(line)
        found["line"] = {
            "parts": writer.add(np.bincount(shapes.line_feature, minlength=count)),
            "part_arcs": writer.add(np.ones(len(shapes.lines), np.int64)),
            "arcs": writer.add(refs),
        }
    if len(shapes.dots):
        found["point"] = {
            "parts": writer.add(np.bincount(shapes.dot_feature, minlength=count)),
            "x": writer.add(shapes.dots[:, 0]),
            "y": writer.add(shapes.dots[:, 1]),
        }
    return found


def _columns(layer: pd.DataFrame, writer: _Writer) -> dict[str, dict[str, Any]]:
    geometry = layer.geometry.name if isinstance(layer, gpd.GeoDataFrame) else None
    return {str(name): _column(layer[name], writer) for name in layer.columns if name != geometry}


def _column(values: pd.Series[Any], writer: _Writer) -> dict[str, Any]:
    missing = values.isna().to_numpy()
    if pd.api.types.is_bool_dtype(values):
        return _numbers("bool", values.fillna(False).astype(bool), missing, writer)
    if pd.api.types.is_integer_dtype(values):
        return _numbers("int", values.fillna(0), missing, writer)
    if pd.api.types.is_float_dtype(values):
        missing = missing | ~np.isfinite(values.to_numpy(dtype=float, na_value=np.nan))
        scaled = np.rint(values.where(~missing, 0.0).to_numpy(dtype=float) * 10**DECIMALS)
        return {**_numbers("number", scaled, missing, writer), "decimals": DECIMALS}
    told = values.to_numpy(dtype=object)
    if missing.any() or not {*map(type, told)} <= {str}:
        texts = [None if gone else str(value) for value, gone in zip(told, missing, strict=True)]
        told = np.array(texts, dtype=object)
    codes, distinct = pd.factorize(told)
    if len(distinct) * 2 > len(told):
        return {"type": "text", "values": writer.add_texts(told.tolist())}
    return {"type": "category", "values": writer.add_texts(distinct.tolist()), "codes": writer.add(codes)}


def _numbers(kind: str, values: ArrayLike, missing: NDArray[np.bool_], writer: _Writer) -> dict[str, Any]:
    column: dict[str, Any] = {"type": kind, "values": writer.add(np.asarray(values, dtype=np.int64))}
    if missing.any():
        column["nulls"] = writer.add(np.flatnonzero(missing))
    return column


class _Reader:
    def __init__(self, header: dict[str, Any], body: bytes) -> None:
        self.header = header
        self.body = body
        self.arcs: list[Ints] = []
        for bank in header["arcs"]:
            points = np.column_stack([self.block(bank["x"]), self.block(bank["y"])])
            self.arcs += np.split(points, np.cumsum(self.block(bank["points"]))[:-1])

    def block(self, position: int) -> Ints:
        encoding, start, n_bytes, _ = self.header["blocks"][position]
        values = decode_varints(self.body[start : start + n_bytes])
        return np.cumsum(values) if encoding == "delta" else values

    def texts(self, position: int) -> list[str | None]:
        _, start, n_bytes, _ = self.header["blocks"][position]
        texts: list[str | None] = json.loads(self.body[start : start + n_bytes])
        return texts

    def layer(self, name: str) -> pd.DataFrame:
        described = self.header["layers"][name]
        count = described["count"]
        columns = {key: self.column(value) for key, value in described["columns"].items()}
        frame = pd.DataFrame(columns, index=pd.RangeIndex(count))
        if not described["geometry"]:
            return frame
        parts: list[list[Any]] = [[] for _ in range(count)]
        for kind, geometry in described["geometry"].items():
            owner = np.repeat(np.arange(count), self.block(geometry["parts"]))
            for feature, part in zip(owner, self.parts(kind, geometry), strict=True):
                parts[feature].append(part)
        located: pd.DataFrame = gpd.GeoDataFrame(
            frame, geometry=[_joined(each) for each in parts], crs="EPSG:4326"
        )
        return located

    def column(self, described: Mapping[str, Any]) -> pd.Series[Any]:
        kind = described["type"]
        if kind == "text":
            return pd.Series(self.texts(described["values"]), dtype=object)
        if kind == "category":
            values = [*self.texts(described["values"]), None]
            return pd.Series([values[code] for code in self.block(described["codes"])], dtype=object)
        numbers = self.block(described["values"])
        missing = np.zeros(len(numbers), dtype=bool)
        if "nulls" in described:
            missing[self.block(described["nulls"])] = True
        if kind == "bool":
            return pd.Series(pd.arrays.BooleanArray(numbers.astype(bool), missing))
        if kind == "int":
            return pd.Series(pd.arrays.IntegerArray(numbers, missing))
        return pd.Series(pd.arrays.FloatingArray(numbers / 10 ** described["decimals"], missing))

    def parts(self, kind: str, geometry: Mapping[str, int]) -> list[Any]:
        if kind == "point":
            points = np.column_stack([self.block(geometry["x"]), self.block(geometry["y"])])
            return list(shapely.points(self.degrees(points)))
        refs = self.block(geometry["arcs"])
        out = []
        for part in np.split(refs, np.cumsum(self.block(geometry["part_arcs"]))[:-1]):
            lines = [self.arcs[ref] if ref >= 0 else self.arcs[~ref][::-1] for ref in part]
            points = np.vstack([lines[0], *(line[1:] for line in lines[1:])])
            make = shapely.linearrings if kind == "polygon" else shapely.linestrings
            out.append(make(self.degrees(points)))
        return out

    def degrees(self, points: Ints) -> NDArray[np.float64]:
        degrees: NDArray[np.float64] = points * self.header["step"] + self.header["origin"]
        return degrees


def _joined(parts: list[Any]) -> Any:
    """Return one geometry of rings, lines and points."""
    if not parts:
        return None
    rings = [part for part in parts if shapely.get_type_id(part) == 2]
    if not rings:
        return parts[0] if len(parts) == 1 else shapely.union_all(parts)
    polygons: list[Any] = []
    holes: list[list[Any]] = []
    for ring in rings:
        if shapely.is_ccw(ring) or not polygons:
            polygons.append(ring)
            holes.append([])
        else:
            holes[-1].append(ring)
    made = [shapely.Polygon(ring, own) for ring, own in zip(polygons, holes, strict=True)]
    return made[0] if len(made) == 1 else shapely.MultiPolygon(made)
