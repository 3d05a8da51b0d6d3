"""Divide the space of communities among their units: one cell a unit, an exact coverage.

The ground is triangulated between building corners, roads, walls, water and community edges (constrained
Delaunay). Every corner of every triangle gets the unit it is nearest to along the triangulation, without
crossing a line; an edge whose two ends belong to different units is split at its middle (the chordal axis,
which between parallel walls is the line half way). The cells' borders are therefore a subset of edges,
half edges and lines between edge middles: integer topology throughout, no overlay, no clipping.

References
----------
Prasad, L. (1997). Morphological analysis of shapes. CNLS Newsletter 139 (chordal axis).
Araldi, A., Fusco, G. (2019); Fleischmann, M. et al. (2020). Morphological tessellation. Computers,
Environment and Urban Systems 80 (cells of buildings bounded by enclosures).
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from geo.adjacency import Crossing
from geo.arcs import Arcs
from geo.errors import CoverageError
from geo.kernels import inlined, kernel
from geo.linework import COMMUNITY_EDGE, FOOTPRINT_EDGE, STEPS_PER_M, noded, segments
from geo.triangulation import FOLLOWING, PRECEDING, Triangles, triangulate

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

# Lines that bound enclosures are divided this finely, so that cells meet them at right angles.
LONGEST_EDGE_M = 15.0

# Units recorded at one and the same point are spread on a spiral this wide, so that each has ground.
SPREAD_M = 0.5

# Step from triangle to triangle around one vertex: no distance, but neighbours shall meet half way.
FAN_STEP_M = 1e-6

# Empty ground narrower than this on average is the verge between a wall and a road: it is shared among
# the cells behind it. Wider ground (parks, squares) goes whole to one cell.
VERGE_M = 15.0

# Below this many triangle corners the interpreted kernel is faster than compiling it.
LARGE = 150_000

_LAND_BLOCKS = int(
    Crossing.WALL
    | Crossing.MINOR_ROAD
    | Crossing.SECONDARY_ROAD
    | Crossing.MAJOR_ROAD
    | Crossing.WATER
    | Crossing.BARRIER
    | COMMUNITY_EDGE
)
_WALLS = int(Crossing.WALL)
_ROADS = int(Crossing.MINOR_ROAD | Crossing.SECONDARY_ROAD | Crossing.MAJOR_ROAD)
_HARD = int(Crossing.WATER | Crossing.BARRIER)
_WATER_BLOCKS = int(Crossing.BARRIER | COMMUNITY_EDGE)
_CROSSING_BITS = 63


@dataclass(frozen=True)
class Lines:
    """Lines that bound enclosures: shapes (lines or polygons, metres) and their `Crossing` bits."""

    shapes: NDArray[np.object_]
    crossing: IntArray

    @staticmethod
    def none() -> Lines:
        """No lines."""
        return Lines(np.empty(0, object), np.empty(0, np.int64))


def tessellate(
    shapes: NDArray[np.object_],
    unit_community: IntArray,
    communities: NDArray[np.object_],
    *,
    lines: Lines,
    water: NDArray[np.object_] | None = None,
) -> Arcs:
    """Divide every community among its units.

    Parameters
    ----------
    shapes : (n,) of Point, Polygon, MultiPolygon or None
        Units in a metric CRS. None: the unit gets no cell.
    unit_community : (n,) int64
        Community of each unit as a position in `communities`, -1 for none (no cell).
    communities : (c,) of Polygon or MultiPolygon
        An edge-matched coverage, same CRS.
    lines : Lines
        Roads, walls, barriers, water lines and edges of water polygons.
    water : (w,) of Polygon, optional
        Water surfaces; they are divided along their middle.

    Returns
    -------
    Arcs
        Borders of the cells. Together the cells cover each community exactly.
    """
    water = np.empty(0, object) if water is None else water
    ground = _Ground.of(shapes, unit_community, communities, lines, water)
    labels, stranded = ground.labels()
    missing = ground.units_without(labels)
    if len(missing):
        # Covered by other footprints: such a unit stands for a point inside its own.
        ground = ground.with_point_sites(missing)
        labels, stranded = ground.labels()
        missing = ground.units_without(labels)
        if len(missing):
            raise CoverageError(
                "unit_without_cell", f"{len(missing)} units have no ground", feature=str(missing[0])
            )
    return ground.arcs(labels, ground.wet | stranded)


@dataclass(frozen=True)
class _Ground:
    """The triangulated ground before and after labelling."""

    shapes: NDArray[np.object_]
    unit_community: IntArray
    communities: NDArray[np.object_]
    lines: Lines
    water: NDArray[np.object_]
    point_units: IntArray
    polygon_units: IntArray
    origin: tuple[float, float]
    xy: IntArray
    sites: IntArray
    triangles: Triangles
    triangle_community: IntArray
    wet: NDArray[np.bool_]

    @staticmethod
    def of(
        shapes: NDArray[np.object_],
        unit_community: IntArray,
        communities: NDArray[np.object_],
        lines: Lines,
        water: NDArray[np.object_],
        *,
        as_points: IntArray | None = None,
    ) -> _Ground:
        placed = (unit_community >= 0) & ~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)
        polygonal = placed & np.isin(shapely.get_type_id(shapes), (3, 6))
        points = placed & ~polygonal
        if as_points is not None:
            points[as_points] = True
        shapes = _separate_twins(shapes, np.flatnonzero(polygonal))
        polygon_units = np.flatnonzero(polygonal)
        point_units = np.flatnonzero(points)
        spots = _spread(
            shapely.get_coordinates(shapely.point_on_surface(shapes[point_units])),
            communities[unit_community[point_units]],
        )
        min_x, min_y, max_x, max_y = shapely.total_bounds(communities)
        origin = (float(np.floor((min_x + max_x) / 2)), float(np.floor((min_y + max_y) / 2)))
        parts = []
        for edges, kind in (
            (segments(communities), COMMUNITY_EDGE),
            (segments(shapes[polygon_units]), FOOTPRINT_EDGE),
        ):
            parts.append((edges, np.full(len(edges), kind)))
        for crossing in np.unique(lines.crossing):
            edges = segments(lines.shapes[lines.crossing == crossing])
            parts.append((edges, np.full(len(edges), crossing)))
        linework = noded(parts, spots, origin=origin, longest_m=LONGEST_EDGE_M)
        triangles = triangulate(linework)
        ground = _Ground(
            shapes, unit_community, communities, lines, water, point_units, polygon_units,
            origin, linework.xy, linework.sites, triangles, np.empty(0, np.int64), np.empty(0, bool),
        )  # fmt: skip
        community = ground._holding(COMMUNITY_EDGE, communities, np.arange(len(communities)))
        wet = ground._holding(int(Crossing.WATER), water, np.zeros(len(water), np.int64)) >= 0
        return replace(ground, triangle_community=community, wet=wet)

    def with_point_sites(self, units: IntArray) -> _Ground:
        """Return the ground with these units standing as points."""
        as_points = np.union1d(self.point_units, units)
        return _Ground.of(
            self.shapes, self.unit_community, self.communities, self.lines, self.water, as_points=as_points
        )

    def _holding(self, kind: int, polygons: NDArray[np.object_], value: IntArray) -> IntArray:
        """Return for each triangle the value of the smallest polygon it lies in, -1 for none.

        The polygons' edges are edges of the triangulation with this kind, so whole regions are tested.
        """
        if not len(polygons):
            return np.full(self.triangles.n, -1)
        count, face = self.triangles.faces((self.triangles.edge_kinds & kind) > 0)
        inner = self.triangles.inner_points(self.xy, count, face) / STEPS_PER_M + np.asarray(self.origin)
        tree = shapely.STRtree(shapely.points(inner))
        polygon, region = tree.query(polygons, predicate="intersects")
        order = np.lexsort((polygon, shapely.area(polygons)[polygon], region))
        region, polygon = region[order], polygon[order]
        first = np.r_[True, region[1:] != region[:-1]] if len(region) else np.empty(0, bool)
        held = np.full(count, -1)
        held[region[first]] = value[polygon[first]]
        return held[face]

    def labels(self) -> tuple[IntArray, NDArray[np.bool_]]:
        """Give every triangle corner inside a community the cell it belongs to, (3 t,), -1 outside.

        Also tell which triangles belong to a cell only across water or a barrier, (t,).
        """
        triangles = self.triangles
        corner_community = np.repeat(self.triangle_community, 3)
        label = np.full(3 * triangles.n, -1)
        owner = self._holding(FOOTPRINT_EDGE, self.shapes[self.polygon_units], self.polygon_units)
        foreign = (owner >= 0) & (self.unit_community[owner] != self.triangle_community)
        owner = np.where(foreign, -1, owner)
        label[:] = np.repeat(owner, 3)
        # Ground along a wall belongs to the building behind it, up to both ends of the wall.
        half = np.flatnonzero((label < 0) & (triangles.twin >= 0))
        behind = owner[triangles.twin[half] // 3]
        wall = (behind >= 0) & (self.unit_community[behind] == corner_community[half])
        half, behind = half[wall], behind[wall]
        label[_following(half)] = behind
        label[half] = behind
        # A point unit owns all ground that touches its point.
        at = np.full(len(self.xy), -1)
        at[self.sites] = self.point_units
        own = at[triangles.corners]
        mine = (own >= 0) & (self.unit_community[own] == corner_community)
        label[mine] = own[mine]
        wet = np.repeat(self.wet, 3)
        label = self._spread_labels(label, ~wet & (corner_community >= 0), _LAND_BLOCKS)
        label = self._cross(label, wet, int(Crossing.WATER), 0)
        label = self._spread_labels(label, wet & (corner_community >= 0), _WATER_BLOCKS)
        return self._fill_empty_ground(label)

    def _spread_labels(self, label: IntArray, open_corner: NDArray[np.bool_], blocks: int) -> IntArray:
        triangles = self.triangles
        blocked = (triangles.edge_kinds[triangles.edge] & blocks) > 0
        # No label leaves its community, so one after another is done: what it needs stays near at hand.
        sources = np.flatnonzero(open_corner & (label >= 0))
        community = self.triangle_community[sources // 3]
        order = np.argsort(community, kind="stable")
        starts = np.searchsorted(community[order], np.arange(len(self.communities) + 1))
        spread: IntArray = spread_labels(
            label, open_corner, sources[order], starts, triangles.twin, blocked, self._length_m, FAN_STEP_M,
            large=len(label) > LARGE,
        )  # fmt: skip
        return spread

    @cached_property
    def _length_m(self) -> FloatArray:
        """Length of each half-edge."""
        edges = self.triangles.edge_ends
        run = self.xy[edges[:, 1]] - self.xy[edges[:, 0]]
        length: FloatArray = (np.hypot(run[:, 0], run[:, 1]) / STEPS_PER_M)[self.triangles.edge]
        return length

    def _cross(self, label: IntArray, into: NDArray[np.bool_], lines: int, except_lines: int) -> IntArray:
        """Hand labels across lines of some kinds to the corners at the same vertex inside `into`."""
        triangles = self.triangles
        kinds = triangles.edge_kinds[triangles.edge]
        half = np.flatnonzero(
            into & (triangles.twin >= 0) & ((kinds & lines) > 0) & ((kinds & except_lines) == 0)
        )
        half = half[~into[triangles.twin[half]]]
        over = triangles.twin[half]
        label = label.copy()
        for mine, theirs in ((half, _following(over)), (_following(half), over)):
            same_side = self.triangle_community[mine // 3] == self.triangle_community[theirs // 3]
            take = (label[mine] < 0) & (label[theirs] >= 0) & same_side
            label[mine[take]] = label[theirs[take]]
        return label

    def _fill_empty_ground(self, label: IntArray) -> tuple[IntArray, NDArray[np.bool_]]:
        """Share verges among the cells behind them; give other empty ground to one cell each."""
        triangles = self.triangles
        label = label.copy()
        community = self.triangle_community
        n_units = len(self.shapes)
        has_units = np.zeros(len(self.communities), bool)
        has_units[self.unit_community[self.point_units]] = True
        has_units[self.unit_community[self.polygon_units]] = True
        bare = np.flatnonzero((community >= 0) & ~has_units[community])
        for k in range(3):
            label[3 * bare + k] = n_units + community[bare]
        count, piece = _pieces(triangles, (label[::3] < 0) & (community >= 0))
        verge = np.append(_mean_width_m(triangles, self.xy, count, piece) < VERGE_M, False)[piece]
        for lines in (_WALLS, _ROADS):
            into = np.repeat(verge, 3) & (label < 0)
            label = self._cross(label, into, lines, _HARD)
            label = self._spread_labels(label, into, _LAND_BLOCKS)
        return self._join_longest_border(label, count, piece)

    def _join_longest_border(
        self, label: IntArray, count: int, piece: IntArray
    ) -> tuple[IntArray, NDArray[np.bool_]]:
        """Give each piece of empty ground to the cell it shares the longest border with.

        Borders across water or a barrier count only when no piece has another left; ground that such a
        border gave away is told, because nobody walks there from that cell.
        """
        triangles = self.triangles
        community = self.triangle_community
        hard = (triangles.edge_kinds & _HARD) > 0
        run = self.xy[triangles.edge_ends[:, 0]] - self.xy[triangles.edge_ends[:, 1]]
        length = np.hypot(run[:, 0], run[:, 1])
        stranded = np.zeros(triangles.n, bool)
        while True:
            half = np.flatnonzero((label < 0) & np.repeat(community >= 0, 3))
            half = half[triangles.twin[half] >= 0]
            half = half[community[half // 3] == community[triangles.twin[half] // 3]]
            half = half[label[triangles.twin[half]] >= 0]
            if not len(half):
                break
            dry = half[~hard[triangles.edge[half]] & ~stranded[triangles.twin[half] // 3]]
            half = dry if len(dry) else half
            over = triangles.twin[half]
            claims = np.concatenate([label[over], label[_following(over)]])
            weight = np.concatenate([length[triangles.edge[half]]] * 2)
            chosen = _heaviest(np.concatenate([piece[half // 3]] * 2), claims, weight, count)
            taken = np.flatnonzero((label[::3] < 0) & (piece >= 0))
            taken = taken[chosen[piece[taken]] >= 0]
            for k in range(3):
                label[3 * taken + k] = chosen[piece[taken]]
            stranded[taken] = not len(dry)
        return self._claim_islands(label, count, piece), stranded

    def _claim_islands(self, label: IntArray, count: int, piece: IntArray) -> IntArray:
        """Give ground of a community that touches none of its cells to the nearest unit."""
        left = np.flatnonzero((label[::3] < 0) & (self.triangle_community >= 0))
        if not len(left):
            return label
        units = np.concatenate([self.polygon_units, self.point_units])
        spots = shapely.get_coordinates(shapely.point_on_surface(self.shapes[units]))
        inner = self.triangles.inner_points(self.xy, count + 1, np.where(piece < 0, count, piece))
        inner = inner / STEPS_PER_M + np.asarray(self.origin)
        for island in np.unique(piece[left]):
            member = left[piece[left] == island]
            own = units[self.unit_community[units] == self.triangle_community[member[0]]]
            place = spots[np.isin(units, own)]
            gap = ((place - inner[island]) ** 2).sum(axis=1)
            nearest = units[np.isin(units, own)][int(gap.argmin())]
            for k in range(3):
                label[3 * member + k] = nearest
        return label

    def units_without(self, label: IntArray) -> IntArray:
        """Return the placed units that got no ground."""
        placed = np.union1d(self.polygon_units, self.point_units)
        got = np.zeros(len(self.shapes) + len(self.communities), bool)
        got[label[label >= 0]] = True
        return placed[~got[placed]]

    def arcs(self, label: IntArray, impassable: NDArray[np.bool_]) -> Arcs:
        """Return the borders between corners of different labels; impassable triangles count as water."""
        triangles = self.triangles
        n_vertices = len(self.xy)
        wet = np.repeat(impassable, 3)
        pieces = [
            _along_edges(triangles, label, wet, n_vertices),
            _across_triangles(triangles, self.xy, label, wet, n_vertices),
        ]
        start, end, left, right, crossing = (np.concatenate(column) for column in zip(*pieces, strict=True))
        # Twice the lattice coordinates: middles of edges are whole numbers too.
        middles = self.xy[triangles.edge_ends[:, 0]] + self.xy[triangles.edge_ends[:, 1]]
        doubled = np.concatenate([2 * self.xy, middles])
        used, position = np.unique(np.concatenate([start, end]), return_inverse=True)
        xy = doubled[used] / (2.0 * STEPS_PER_M) + np.asarray(self.origin)
        n_arcs = len(start)
        placed = np.union1d(self.polygon_units, self.point_units)
        cell_community = np.full(len(self.shapes) + len(self.communities), -1)
        cell_community[placed] = self.unit_community[placed]
        cell_community[len(self.shapes) :] = np.arange(len(self.communities))
        return Arcs(
            xy, position[:n_arcs], position[n_arcs:], left, right, crossing, cell_community, len(self.shapes)
        )


def _following(half: IntArray) -> IntArray:
    """Return the half-edge, or corner, that follows in the same triangle."""
    following: IntArray = half - half % 3 + FOLLOWING[half % 3]
    return following


@inlined
def _leads_on(corner, label, open_corner, twin, blocked):  # type: ignore[no-untyped-def]
    """Whether a label moves on from a corner: as in `spread_labels`, to one that has none."""
    base = corner - corner % 3
    after = base + (corner + 1 - base) % 3
    before = base + (corner + 2 - base) % 3
    if label[after] < 0 or label[before] < 0:
        return True
    other = twin[corner]
    if other >= 0 and not blocked[corner]:
        base = other - other % 3
        near = base + (other + 1 - base) % 3
        if open_corner[near] and label[near] < 0:
            return True
    other = twin[before]
    return other >= 0 and not blocked[before] and open_corner[other] and label[other] < 0


@kernel
def spread_labels(  # type: ignore[no-untyped-def]
    label, open_corner, sources, starts, twin, blocked, length_m, fan_step_m
):
    """Give each open corner the label nearest along the triangulation (Dijkstra from all labels at once).

    A label moves round a vertex from triangle to triangle, and along edges inside a triangle, never
    across a blocked edge. Ties go to the smaller label. Sources are the open corners that have a label,
    group by group, `starts` where each begins and the last ends; nothing may lead from a group to another.
    """
    label = label.copy()
    settled = np.zeros(len(label), np.bool_)
    heap = [(0.0, np.int64(0), np.int64(0))]
    heap.pop()
    for group in range(len(starts) - 1):
        for i in range(starts[group], starts[group + 1]):
            start = sources[i]
            # From most corners, inside a footprint or beside one, there is nowhere to go.
            if _leads_on(start, label, open_corner, twin, blocked):  # type: ignore[no-untyped-call]
                heap.append((0.0, np.int64(label[start]), np.int64(start)))
        heapq.heapify(heap)
        while len(heap) > 0:
            distance, owner, corner = heapq.heappop(heap)
            if settled[corner] or (label[corner] >= 0 and label[corner] != owner):
                continue
            settled[corner] = True
            label[corner] = owner
            base = corner - corner % 3
            after = base + (corner + 1 - base) % 3
            before = base + (corner + 2 - base) % 3
            if label[after] < 0:
                heapq.heappush(heap, (distance + length_m[corner], owner, np.int64(after)))
            if label[before] < 0:
                heapq.heappush(heap, (distance + length_m[before], owner, np.int64(before)))
            other = twin[corner]
            if other >= 0 and not blocked[corner]:
                base = other - other % 3
                near = base + (other + 1 - base) % 3
                if open_corner[near] and label[near] < 0:
                    heapq.heappush(heap, (distance + fan_step_m, owner, np.int64(near)))
            other = twin[before]
            if other >= 0 and not blocked[before] and open_corner[other] and label[other] < 0:
                heapq.heappush(heap, (distance + fan_step_m, owner, np.int64(other)))
    return label


def _separate_twins(shapes: NDArray[np.object_], polygonal: IntArray) -> NDArray[np.object_]:
    """Divide a footprint given to several units into as many strips along its length."""
    key = shapely.to_wkb(shapely.normalize(shapes[polygonal]))
    order = np.lexsort((polygonal, key))
    ordered = key[order]
    fresh = np.r_[True, ordered[1:] != ordered[:-1]] if len(order) else np.empty(0, bool)
    starts = np.flatnonzero(fresh)
    sizes = np.diff(np.r_[starts, len(order)])
    shapes = shapes.copy()
    for start, size in zip(starts[sizes > 1], sizes[sizes > 1], strict=True):
        twins = polygonal[order[start : start + size]]
        for unit, strip in zip(twins, _strips(shapes[twins[0]], int(size)), strict=True):
            shapes[unit] = strip
    return shapes


def _strips(shape: shapely.Geometry, count: int) -> list[shapely.Geometry]:
    a, b, c = shapely.get_coordinates(shapely.minimum_rotated_rectangle(shape))[:3]
    if np.hypot(*(b - a)) < np.hypot(*(c - b)):
        a, b, c = b, c, a + (c - b)
    along, across = (b - a) / count, c - b
    strips = []
    for k in range(count):
        # Only the inner cuts matter: the outer sides stand clear of the footprint.
        p = a + along * (k if k else -0.5)
        q = a + along * (k + 1 if k + 1 < count else count + 0.5)
        blade = shapely.Polygon([p - across, q - across, q + 2 * across, p + 2 * across])
        strip = shapely.intersection(shape, blade)
        strips.append(strip if shapely.area(strip) > 0 else shape)
    return strips


def _spread(spots: FloatArray, homes: NDArray[np.object_]) -> FloatArray:
    """Move units that share a point apart on a sunflower spiral, in their order, inside their community."""
    if not len(spots):
        return spots
    _, place, sizes = np.unique(np.round(spots, 3), axis=0, return_inverse=True, return_counts=True)
    place = place.ravel()
    order = np.argsort(place, kind="stable")
    rank = np.empty(len(spots), np.int64)
    rank[order] = np.arange(len(spots)) - (np.cumsum(sizes) - sizes)[place[order]]
    angle = rank * np.pi * (3 - np.sqrt(5))
    turn = np.sqrt(rank)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    spread: FloatArray = spots + SPREAD_M * turn
    crowded = sizes[place] > 1
    outside = np.flatnonzero(crowded)[
        ~shapely.contains_properly(homes[crowded], shapely.points(spread[crowded]))
    ]
    for crowd in np.unique(place[outside]):
        members = np.flatnonzero(place == crowd)
        width = SPREAD_M * np.sqrt(len(members))
        near = shapely.buffer(shapely.Point(spots[members[0]]), 2 * width)
        for member in members:
            middle = shapely.point_on_surface(shapely.intersection(homes[member], near))
            room = shapely.distance(middle, shapely.boundary(homes[member])) / (2 * np.sqrt(len(members)))
            spread[member] = shapely.get_coordinates(middle)[0] + min(SPREAD_M, room) * turn[member]
    return spread


def _pieces(triangles: Triangles, member: NDArray[np.bool_]) -> tuple[int, IntArray]:
    """Number the connected pieces of the marked triangles that no line divides, -1 elsewhere."""
    blocked = (triangles.edge_kinds[triangles.edge] & _LAND_BLOCKS) > 0
    half = np.flatnonzero((triangles.twin >= 0) & ~blocked & np.repeat(member, 3))
    half = half[member[triangles.twin[half] // 3]]
    links = coo_matrix(
        (np.ones(len(half), np.int8), (half // 3, triangles.twin[half] // 3)),
        shape=(triangles.n, triangles.n),
    )
    count, piece = connected_components(links, directed=False)
    return int(count), np.where(member, piece, -1).astype(np.int64)


def _mean_width_m(triangles: Triangles, xy: IntArray, count: int, piece: IntArray) -> FloatArray:
    """Return twice the area over the outline of each piece: its width where it is long, (count,)."""
    member = piece >= 0
    double_area = np.bincount(piece[member], triangles.double_area[member], count)
    half = np.flatnonzero(np.repeat(member, 3))
    over = triangles.twin[half]
    edge = half[(over < 0) | (piece[half // 3] != piece[over // 3])]
    run = xy[triangles.corners[_following(edge)]] - xy[triangles.corners[edge]]
    outline = np.bincount(piece[edge // 3], np.hypot(run[:, 0], run[:, 1]), count)
    width_m: FloatArray = double_area / np.maximum(outline, 1.0) / STEPS_PER_M
    return width_m


def _heaviest(group: IntArray, claim: IntArray, weight: FloatArray, count: int) -> IntArray:
    """Return for each group the claim of the greatest total weight, -1 where none; ties to the smaller."""
    order = np.lexsort((claim, group))
    group, claim, weight = group[order], claim[order], weight[order]
    first = np.flatnonzero(np.r_[True, (group[1:] != group[:-1]) | (claim[1:] != claim[:-1])])
    total = np.add.reduceat(weight, first)
    group, claim = group[first], claim[first]
    best = np.lexsort((claim, -total, group))
    head = best[np.r_[True, group[best][1:] != group[best][:-1]]]
    chosen = np.full(count, -1)
    chosen[group[head]] = claim[head]
    return chosen


_Columns = tuple[IntArray, IntArray, IntArray, IntArray, IntArray]


def _along_edges(triangles: Triangles, label: IntArray, wet: NDArray[np.bool_], n_vertices: int) -> _Columns:
    """Borders that run along triangulation edges, whole or half."""
    half = np.arange(len(label))
    half = half[(triangles.twin < 0) | (half < triangles.twin)]
    over = triangles.twin[half]
    outside = over < 0
    near, far = label[half], label[_following(half)]
    over_far = np.where(outside, -1, label[over])
    over_near = np.where(outside, -1, label[_following(np.maximum(over, 0))])
    a, b = triangles.corners[half], triangles.corners[_following(half)]
    middle = n_vertices + triangles.edge[half]
    crossing = triangles.edge_kinds[triangles.edge[half]] & _CROSSING_BITS
    drowned = wet[half] & (outside | wet[np.maximum(over, 0)])
    crossing = np.where(drowned, crossing | int(Crossing.WATER), crossing)
    whole = (near == far) & (over_near == over_far)
    first, second = ~whole & (near != over_near), ~whole & (far != over_far)
    whole &= near != over_near
    return (
        np.concatenate([a[whole], a[first], middle[second]]),
        np.concatenate([b[whole], middle[first], b[second]]),
        np.concatenate([near[whole], near[first], far[second]]),
        np.concatenate([over_near[whole], over_near[first], over_far[second]]),
        np.concatenate([crossing[whole], crossing[first], crossing[second]]),
    )


def _across_triangles(
    triangles: Triangles, xy: IntArray, label: IntArray, wet: NDArray[np.bool_], n_vertices: int
) -> _Columns:
    """Borders inside triangles: between edge middles, all from the junction edge where three cells meet."""
    corner = label.reshape(-1, 3)
    middle = n_vertices + triangles.edge.reshape(-1, 3)
    differs = corner != corner[:, FOLLOWING]
    columns: list[_Columns] = []

    def add(
        rows: IntArray, pivot: IntArray, toward: NDArray[np.int64], left: IntArray, right: IntArray
    ) -> None:
        water = np.where(wet[3 * rows], int(Crossing.WATER), 0)
        columns.append(
            (
                middle[rows, pivot],
                middle[rows, toward],
                corner[rows, left],
                corner[rows, right],
                water,
            )
        )

    # Two cells: the corner k that stands alone is cut off by the middles of its two edges.
    rows = np.flatnonzero(differs.sum(axis=1) == 2)
    alone = np.argmin(differs[rows], axis=1)  # the edge whose ends agree lies opposite the lone corner
    k = PRECEDING[alone]
    add(rows, k, PRECEDING[k], k, FOLLOWING[k])
    # Three cells: they meet at the middle of the longest edge, so that no new point is needed.
    rows = np.flatnonzero(differs.all(axis=1))
    run = xy[triangles.edge_ends[:, 0]] - xy[triangles.edge_ends[:, 1]]
    edge = triangles.edge.reshape(-1, 3)[rows]
    j = np.argmax((run.astype(np.float64) ** 2).sum(axis=1)[edge], axis=1)
    add(rows, j, FOLLOWING[j], PRECEDING[j], FOLLOWING[j])
    add(rows, j, PRECEDING[j], j, PRECEDING[j])
    start, end, left, right, crossing = (np.concatenate(column) for column in zip(*columns, strict=True))
    return start, end, left, right, crossing
