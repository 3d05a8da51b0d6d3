"""Where work orders are: their community and micro-grid of the day, near a border all that they may be in."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.cases.calendar import Calendar
from api.cases.filing import BORDER_M
from api.cases.orders import Odd, Orders
from api.places import Gazetteers
from geo.geocode import decided

# A point at which so many orders of so many addresses are is where their system puts what it cannot place.
DEFAULT_POINT_SHARE, DEFAULT_POINT_ORDERS, DEFAULT_POINT_ADDRESSES = 0.01, 50, 10
# More than this inaccurate is no point between grids but a guess; as in the function report_case.
MOST_INACCURATE_M, MOST_CHOICES = 500.0, 8
# So far from every community, in degrees, a point is of another place: no city is as wide.
FAR_DEG = 1.0


@dataclass(frozen=True)
class Places:
    """Where each order is; arrays of one length."""

    areas: list[int]
    versions: list[uuid.UUID | None]
    grids: list[str | None]
    choices: list[list[str]]
    kinds: list[str]


def default_points(orders: Orders) -> NDArray[np.bool_]:
    """Return which orders are at a point where their system puts what it cannot place.

    By the rule at the top of this module: a share of all orders, of many addresses, at one point.
    """
    located = np.flatnonzero(~np.isnan(orders.lon))
    flags = np.zeros(len(orders.numbers), bool)
    if len(located) == 0:
        return flags
    frame = pd.DataFrame(
        {"lon": orders.lon[located], "lat": orders.lat[located],
         "address": [orders.addresses[at] for at in located.tolist()]}
    )  # fmt: skip
    by_point = frame.groupby(["lon", "lat"])["address"]
    sizes, addresses = by_point.transform("size"), by_point.transform("nunique")
    least = max(DEFAULT_POINT_ORDERS, math.ceil(DEFAULT_POINT_SHARE * len(orders.numbers)))
    flags[located] = ((sizes >= least) & (addresses >= DEFAULT_POINT_ADDRESSES)).to_numpy()
    return flags


def without_far_points(session: Session, orders: Orders) -> Orders:
    """Take points away that lie far from every community: another city's, or of another coordinate system."""
    box = session.execute(
        text("SELECT ST_XMin(e) AS a, ST_YMin(e) AS b, ST_XMax(e) AS c, ST_YMax(e) AS d"
             " FROM (SELECT ST_Extent(geom) AS e FROM divisions WHERE level = 'community') box")
    ).one()  # fmt: skip
    if box.a is None:
        return orders
    far = (
        (orders.lon < box.a - FAR_DEG) | (orders.lon > box.c + FAR_DEG)
        | (orders.lat < box.b - FAR_DEG) | (orders.lat > box.d + FAR_DEG)
    )  # fmt: skip
    if not far.any():
        return orders
    return replace(
        orders, lon=np.where(far, np.nan, orders.lon), lat=np.where(far, np.nan, orders.lat),
        odd={**orders.odd, "far": Odd(int(far.sum()), orders.file_rows[int(far.argmax())])},
    )  # fmt: skip


def find_addresses(session: Session, orders: Orders) -> tuple[Orders, dict[int, int]]:
    """Find orders without a point by their address, or by what they tell, where that can only mean one place.

    Returns
    -------
    orders : Orders
        With the points of buildings and crossings; how far each reaches is how accurate it is.
    along : mapping of position to community
        Orders of a street or compound in one community: they have no point, but an area.
    """
    lost = np.flatnonzero(np.isnan(orders.lon)).tolist()
    said = {at: orders.addresses[at] or orders.texts[at] for at in lost}
    if not any(said.values()):
        return orders, {}
    gazetteer = Gazetteers().of(session)
    meant = {text: decided(gazetteer.find(text)) for text in {*said.values()} if text}
    lon, lat, accuracy_m = orders.lon.copy(), orders.lat.copy(), orders.accuracy_m.copy()
    along: dict[int, int] = {}
    found = 0
    for at, text_of in said.items():
        place = meant.get(text_of)
        if place is None:
            continue
        found += 1
        if place.point is not None:
            lon[at], lat[at], accuracy_m[at] = place.point.x, place.point.y, place.radius_m
        elif len(place.communities) == 1:
            along[at] = place.communities[0]
    return replace(orders, lon=lon, lat=lat, accuracy_m=accuracy_m, n_addressed=found), along


@dataclass(frozen=True)
class _Ground:
    """The middle of the orders, in degrees, round which shapes are put into metres."""

    lon: float
    lat: float

    def metres(self, shapes: NDArray[np.object_]) -> NDArray[np.object_]:
        wide = 111_320 * math.cos(math.radians(self.lat))
        return shapely.transform(shapes, lambda xy: (xy - [self.lon, self.lat]) * [wide, 110_574])  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Surroundings:
    """Communities, and micro-grids in force on any of the days, round the orders of a file; in metres.

    Attributes
    ----------
    area : int
        Division at which orders stand that are in none of them.
    flagged : bool array
        Which orders are at a default point.
    since : mapping of community to date
        First day on which a plan of it was in force; none where there is no such plan.
    communities, grids : sequence of rows
        In the order of their codes; `in_communities` and `in_grids` find them by place.
    """

    area: int
    flagged: NDArray[np.bool_]
    since: Mapping[int, date]
    ground: _Ground
    communities: Sequence[Any]
    in_communities: shapely.STRtree
    grids: Sequence[Any]
    in_grids: shapely.STRtree

    @classmethod
    def of(cls, session: Session, orders: Orders, area: int, calendar: Calendar) -> Surroundings:
        """Read what is round the orders."""
        flagged = default_points(orders)
        located = np.flatnonzero(~np.isnan(orders.lon) & ~flagged)
        if len(located) == 0:
            nothing = shapely.STRtree([])
            return cls(area, flagged, {}, _Ground(0.0, 0.0), (), nothing, (), nothing)
        lon, lat = orders.lon[located], orders.lat[located]
        ground = _Ground(float(np.mean(lon)), float(np.mean(lat)))
        days = calendar.local_day(min(orders.reported_at)), calendar.local_day(max(orders.reported_at))
        box = {
            "a": float(lon.min()) - 0.01, "b": float(lat.min()) - 0.01,
            "c": float(lon.max()) + 0.01, "d": float(lat.max()) + 0.01,
        }  # fmt: skip
        communities, grids = _communities_in(session, box), _grids_in(session, box, days)
        found, near = _tree(ground, communities), _tree(ground, grids)
        return cls(area, flagged, _first_days(session), ground, communities, found, grids, near)

    def is_early(self, community: int, day: date) -> bool:
        """Whether a day is before any on which a plan of a community was in force."""
        return community in self.since and day < self.since[community]


def _tree(ground: _Ground, rows: Sequence[Any]) -> shapely.STRtree:
    return shapely.STRtree(ground.metres(shapely.from_wkb([bytes(row.geom) for row in rows])))


def _first_days(session: Session) -> Mapping[int, date]:
    rows = session.execute(
        text("SELECT community_id, min(valid_from) AS day FROM versions"
             " WHERE state IN ('published', 'superseded') GROUP BY community_id")
    )  # fmt: skip
    return {row.community_id: row.day for row in rows}


def _communities_in(session: Session, box: Mapping[str, float]) -> Sequence[Any]:
    return session.execute(
        text("SELECT id, ST_AsBinary(geom) AS geom FROM divisions WHERE level = 'community'"
             " AND geom && ST_MakeEnvelope(:a, :b, :c, :d, 4490) ORDER BY code"),
        box,
    ).all()  # fmt: skip


def _grids_in(session: Session, box: Mapping[str, float], days: tuple[date, date]) -> Sequence[Any]:
    return session.execute(
        text("""
            SELECT g.community_id, g.version_id, g.code, v.valid_from, v.valid_to, ST_AsBinary(g.geom) AS geom
            FROM grids g JOIN versions v ON v.id = g.version_id
            WHERE v.state IN ('published', 'superseded')
              AND daterange(v.valid_from, v.valid_to) && daterange(:first, :last, '[]')
              AND g.geom && ST_MakeEnvelope(:a, :b, :c, :d, 4490) ORDER BY g.code"""),
        {**box, "first": days[0], "last": days[1]},
    ).all()


def place_orders(around: Surroundings, orders: Orders, days: Sequence[date], span: slice) -> Places:
    """Find the micro-grid in force on its day of each order of a span; near a border all that it may be in.

    Orders without a place, at a default point or in no community stand at the area of the import.

    Parameters
    ----------
    days : sequence of date
        Local days of the orders of the span.
    """
    lon, lat, flagged = orders.lon[span], orders.lat[span], around.flagged[span]
    n = len(lon)
    places = Places([around.area] * n, [None] * n, [None] * n, [[] for _ in range(n)],
                    ["default_point" if flag else "area" for flag in flagged])  # fmt: skip
    located = np.flatnonzero(~np.isnan(lon) & ~flagged)
    if len(located) == 0:
        return places
    for at in located.tolist():
        places.kinds[at] = "point"
    points = around.ground.metres(shapely.points(lon[located], lat[located]))
    _in_communities(around, points, located, places)
    _in_grids(around, points, located, places, orders.accuracy_m[span], days)
    return places


def _in_communities(
    around: Surroundings, points: NDArray[np.object_], located: NDArray[np.intp], places: Places
) -> None:
    inside, which = around.in_communities.query(points, predicate="intersects")
    # On a border the one of the lower code, as elsewhere: the last that is written.
    for point, row in sorted(zip(inside.tolist(), which.tolist(), strict=True), key=lambda pair: -pair[1]):
        places.areas[located[point]] = around.communities[row].id


def _in_grids(
    around: Surroundings, points: NDArray[np.object_], located: NDArray[np.intp], places: Places,
    accuracy_m: NDArray[np.float64], days: Sequence[date],
) -> None:  # fmt: skip
    reach = np.clip(np.nan_to_num(accuracy_m[located], nan=0.0), BORDER_M, MOST_INACCURATE_M)
    near, which = around.in_grids.query(points, predicate="dwithin", distance=reach)
    distances = shapely.distance(points[near], around.in_grids.geometries[which])
    order = np.lexsort((which, distances, near))
    positions = located.tolist()
    for point, grid in zip(near[order].tolist(), which[order].tolist(), strict=True):
        at, row = positions[point], around.grids[grid]
        if not _in_force(row, days[at]):
            continue
        if places.versions[at] is None:
            places.versions[at], places.areas[at] = row.version_id, row.community_id
        if len(places.choices[at]) < MOST_CHOICES:
            places.choices[at].append(row.code)
    for at in positions:
        if len(places.choices[at]) == 1:
            places.grids[at] = places.choices[at].pop()


def _in_force(row: Any, day: date) -> bool:
    return row.valid_from <= day and (row.valid_to is None or day < row.valid_to)
