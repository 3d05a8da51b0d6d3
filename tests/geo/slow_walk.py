"""Walking times counted slowly, by other means than `geo.paths`: a judge for it.

The streets are noded by GEOS, each junction is looked at under a magnifying glass (a disc with the walls
taken out of it), each door looks at every street in turn, and the ways are searched over plain dicts.
"""

from __future__ import annotations

import heapq
import itertools
import math

import numpy as np
import shapely
from shapely import LineString, Point
from shapely.ops import unary_union

GATE_M, SNAP_M = 5.0, 0.01
RINGS = ((40.0, 12), (120.0, 60), (300.0, None))
CONNECTORS = 3
YARD_M = 600.0


class SlowWalk:
    def __init__(self, streets, is_bridge, walls, water, gates):
        self.gates = unary_union(list(gates)).buffer(GATE_M, quad_segs=32) if len(gates) else Point()
        self.walls, self.water = unary_union(list(walls)), unary_union(list(water))
        self.obstacle = unary_union([outline(self.walls).difference(self.gates), outline(self.water)])
        shapely.prepare(self.obstacle)
        self.cuts = shapely.STRtree(
            [LineString(pair) for line in parts(self.obstacle) for pair in itertools.pairwise(line.coords)]
        )
        # What ends within a centimetre of a street meets it.
        ground = shapely.union_all(
            [s for s, over in zip(streets, is_bridge, strict=True) if not over], grid_size=0.01
        )
        bridges = [s for s, over in zip(streets, is_bridge, strict=True) if over]
        feet = [Point(c) for b in bridges for part in parts(b) for c in (part.coords[0], part.coords[-1])]
        noded = shapely.node(
            shapely.geometrycollections(
                [*parts(ground), *parts(outline(self.walls)), *parts(outline(self.water))]
            )
        )
        on_street = ground.buffer(0.005)
        shapely.prepare(on_street)
        pieces = [p for p in parts(noded) if on_street.contains(p)]
        pieces = [q for p in pieces for q in stopped(p, feet)]
        self.edges = []
        halves = [
            (tuple(np.round(p.coords[0], 3)), tuple(np.round(p.coords[-1], 3)), p, False) for p in pieces
        ]
        halves += [
            (tuple(np.round(p.coords[0], 3)), tuple(np.round(p.coords[-1], 3)), p, True)
            for b in bridges
            for p in parts(b)
        ]
        meeting = {}
        for number, (a, b, piece, _) in enumerate(halves):
            meeting.setdefault(a, []).append((number, 0, piece.interpolate(0.02)))
            meeting.setdefault(b, []).append((number, 1, piece.interpolate(piece.length - 0.02)))
        side = {}
        for spot, met in meeting.items():
            glass = Point(spot).buffer(0.05)
            near_by = self.cuts.query(glass, predicate="intersects")
            rooms = parts(glass.difference(unary_union(self.cuts.geometries[near_by]).buffer(1e-4)))
            for number, end, near in met:
                side[number, end] = (
                    spot,
                    min(range(len(rooms)), key=lambda r, near=near: rooms[r].distance(near)),
                )
        for number, (_, _, piece, over) in enumerate(halves):
            self.edges.append((side[number, 0], side[number, 1], piece, over))
        self.tree = shapely.STRtree([piece for _, _, piece, _ in self.edges])
        self.network, self.metres = {}, {}
        beside = {}
        for a, b, _, _ in self.edges:
            join(beside, a, b, 0.0)
        for node in beside:
            if node not in self.network:
                self.network.update(dict.fromkeys(distances(beside, node, 0.0), node))
        for a, _, piece, _ in self.edges:
            self.metres[self.network[a]] = self.metres.get(self.network[a], 0.0) + piece.length

    def minutes(self, doors, stations, limit_m, per_minute):
        feet, street = {}, {}
        for number, spot in itertools.chain(
            ((("door", i), Point(d)) for i, d in enumerate(doors)),
            ((("station", i), Point(s)) for i, s in enumerate(stations)),
        ):
            for edge, along, gap in self.connectors(spot):
                feet.setdefault(edge, []).append((along, number, gap))
                street[number] = min(gap, street.get(number, math.inf))
        graph = {}
        for edge, (a, b, piece, _) in enumerate(self.edges):
            on = [
                (0.0, a),
                *((along, (edge, along)) for along in sorted({x[0] for x in feet.get(edge, [])})),
                (piece.length, b),
            ]
            for (x, u), (y, v) in itertools.pairwise(on):
                if u != v:
                    join(graph, u, v, max(y - x, 0.0))
            for along, number, gap in feet.get(edge, []):
                # Out of stations and into doors only: nobody walks through a house.
                start, end = (number, (edge, along)) if number[0] == "station" else ((edge, along), number)
                ways = graph.setdefault(start, {})
                ways[end] = min(gap, ways.get(end, math.inf))
        best = [math.inf] * len(doors)
        for i in range(len(stations)):
            if ("station", i) not in graph:
                continue
            found = distances(graph, ("station", i), limit_m)
            for j in range(len(doors)):
                best[j] = min(best[j], found.get(("door", j), math.inf))
                # Whoever passes the other's door before the street does not go by the street.
                between = LineString([doors[j], stations[i]])
                before = max(street.get(("station", i), -1.0), street.get(("door", j), -1.0))
                if (
                    ("door", j) in street
                    and between.length <= before
                    and between.length <= limit_m
                    and not between.intersects(self.obstacle)
                ):
                    best[j] = min(best[j], between.length)
        return np.array(best) / per_minute

    def connectors(self, spot):
        found = []
        for radius, most in RINGS:
            near = []
            for edge in self.tree.query(spot, predicate="dwithin", distance=radius).tolist():
                _, _, piece, over = self.edges[edge]
                if over:
                    continue
                # Straight pieces one by one, as `geo.paths` has them.
                for begin, (p, q) in enumerate(itertools.pairwise(piece.coords)):
                    straight = LineString([p, q])
                    if straight.distance(spot) > radius:
                        continue
                    before = LineString(piece.coords[: begin + 1]).length if begin else 0.0
                    # Off the wall that a street ends at, on the street's own side.
                    off = min(0.05, straight.length / 2)
                    low = off if Point(p).distance(self.obstacle) < 1e-3 else 0.0
                    high = straight.length - (off if Point(q).distance(self.obstacle) < 1e-3 else 0.0)
                    on = min(max(straight.project(spot), low), high)
                    foot = straight.interpolate(on)
                    near.append((foot.distance(spot), edge, before + on, foot))
            near.sort(key=lambda n: n[0])
            taken = {}
            for gap, edge, along, foot in near[:most]:
                network = self.network[self.edges[edge][0]]
                if taken.get(network, 0) < CONNECTORS and not LineString([spot, foot]).intersects(
                    self.obstacle
                ):
                    taken[network] = taken.get(network, 0) + 1
                    found.append((edge, along, gap))
            if any(self.metres[network] > YARD_M for network in taken):
                break
        return found


def join(graph, u, v, metres):
    for a, b in ((u, v), (v, u)):
        ways = graph.setdefault(a, {})
        ways[b] = min(metres, ways.get(b, math.inf))


def distances(graph, source, limit):
    best, queue = {source: 0.0}, [(0.0, 0, source)]
    ticket = itertools.count(1)
    while queue:
        far, _, node = heapq.heappop(queue)
        if far > best[node]:
            continue
        for other, metres in graph.get(node, {}).items():
            if far + metres < best.get(other, limit + 1e-9):
                best[other] = far + metres
                heapq.heappush(queue, (far + metres, next(ticket), other))
    return best


def outline(shape):
    lines = [p.boundary if p.geom_type == "Polygon" else p for p in parts(shape)]
    return unary_union(lines)


def parts(shape):
    return [] if shape.is_empty else list(shapely.get_parts(shape))


def stopped(line, feet):
    """Split a line where a bridge begins or ends on it."""
    stops = sorted({line.project(f) for f in feet if line.distance(f) < 0.005})
    stops = [0.0, *(s for s in stops if 0.005 < s < line.length - 0.005), line.length]
    return [shapely.ops.substring(line, a, b) for a, b in itertools.pairwise(stops)]
