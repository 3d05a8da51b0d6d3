"""Work orders of other systems, many at once, filed as one set.

An order that was brought before, known by its channel and number, is left as it is: a file can be sent again.
"""

from __future__ import annotations

import math
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import shapely
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from api.cases.calendar import Calendar
from api.cases.categories import Condition, Edition
from api.cases.filing import condition_of, first_deadlines
from api.cases.orders import ODDITIES, Odd, Orders
from api.cases.placing import Places, Surroundings, find_addresses, place_orders, without_far_points
from api.copying import GEOMETRY, copy_rows
from geo.collector import collector_paused
from geo.errors import InputError

# Orders that are placed and filed at a time. The first are few, for the database waits until they are placed;
# each part is placed while the one before it is filed, which takes some four times as long.
PART, FIRST_PART, GROWTH = 20_000, 2_000, 4
Report = Callable[[str, int, int], None]
_TYPES = {
    "batch": "uuid", "position": "int4", "external_number": "text", "category": "text", "condition": "int2",
    "text": "text", "address": "text", "area_id": "int8", "version_id": "uuid", "grid": "text",
    "choices": "text[]", "place": "text", "geom": GEOMETRY, "accuracy_m": "float4",
    "reported_at": "timestamptz", "response_due_at": "timestamptz", "due_at": "timestamptz", "day": "date",
}  # fmt: skip


@dataclass(frozen=True)
class Imported:
    """What an import did; counts of orders.

    Attributes
    ----------
    added, known : int
        Filed now, and there already.
    located, asked, default_points, unplaced : int
        Of the file: in one grid; near a border of several; at a point where nothing is; in none.
    addressed : int
        Of the file: without a point, found by the address.
    masked : int
    ended : int
        Of the file: over where they come from. Here they begin anew, for nobody has seen their steps.
    odd : mapping of str to Odd
        Of the file: what could not be kept, by the names in `ODDITIES`; those that there are.
    """

    added: int
    known: int
    located: int
    asked: int
    default_points: int
    unplaced: int
    addressed: int
    masked: int
    ended: int = 0
    odd: Mapping[str, Odd] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """Return the counts by name, and the first row of the file of what was odd."""
        counts = {name: value for name, value in vars(self).items() if name != "odd"}
        odd = {name: self.odd[name].n if name in self.odd else 0 for name in ODDITIES}
        return {**counts, **odd, "rows": {name: one.row for name, one in self.odd.items()}}


def import_orders(
    session: Session,
    orders: Orders,
    edition: Edition,
    calendar: Calendar,
    *,
    channel: str,
    area: str,
    report: Report,
) -> Imported:
    """File work orders in the transaction of the session; whoever acts must dispatch in all their areas.

    Parameters
    ----------
    channel : str
        Where they come from, such as `12345`.
    area : str
        Code of the division at which orders without a place stand.

    Raises
    ------
    InputError
        There is no such division.
    """
    n = len(orders.numbers)
    area_id = session.execute(
        text("SELECT id FROM divisions WHERE code = :c"), {"c": area}
    ).scalar_one_or_none()
    if area_id is None:
        raise InputError(
            "division_unknown", f"there is no division {area}", mend="name its code", division=area
        )
    report("placing", 0, n)
    orders, along = find_addresses(session, without_far_points(session, orders))
    around = Surroundings.of(session, orders, area_id, calendar)
    connection = session.connection()
    there = _there(session, orders)
    tally, early = Counter(known=len(there)), list[int]()
    # The database files a part while the next one is placed: two cores, one transaction.
    with ThreadPoolExecutor(1) as beside, collector_paused():
        filing: Future[Counter[str]] | None = None
        for span in _spans(n):
            part = _part(orders, around, along, edition, calendar, span, there)
            early += part.early
            tally += part.tally
            if filing is not None:
                tally += filing.result()
                report("filing", span.start, n)
            copy_rows(connection.connection.driver_connection, "case_arrivals", _TYPES, part.rows)  # type: ignore[arg-type]
            filing = beside.submit(_file, connection, part.batch, edition, channel)
        if filing is not None:
            tally += filing.result()
    report("filing", n, n)
    odd = {**orders.odd, "early": Odd(len(early), orders.file_rows[early[0]])} if early else orders.odd
    located, asked, flagged = tally["located"], tally["asked"], tally["default_points"]
    return Imported(
        tally["added"], tally["known"], located, asked, flagged, n - located - asked - flagged,
        orders.n_addressed, orders.n_masked, orders.n_ended, odd,
    )  # fmt: skip


def _spans(n: int) -> Iterator[slice]:
    start, size = 0, min(FIRST_PART, PART)
    while start < n:
        yield slice(start, min(start + size, n))
        start, size = start + size, min(size * GROWTH, PART)


def _there(session: Session, orders: Orders) -> frozenset[int]:
    """Return the positions of orders that are cases of this service, which wrote the file."""
    own = {number: at for at, number in enumerate(orders.own) if number}
    if not own:
        return frozenset()
    known = session.execute(text("SELECT number FROM cases WHERE number = ANY (:own)"), {"own": [*own]})
    return frozenset(own[number] for number in known.scalars())


@dataclass(frozen=True)
class _Part:
    """Orders next to each other in the file, placed: rows of `case_arrivals`, and positions of early ones."""

    batch: uuid.UUID
    rows: list[tuple[Any, ...]]
    tally: Counter[str]
    early: list[int]


def _file(connection: Connection, batch: uuid.UUID, edition: Edition, channel: str) -> Counter[str]:
    """File a batch of arrivals in the transaction of the connection; return how many were added and known."""
    filed = connection.execute(
        text("SELECT * FROM import_cases(:batch, :edition, :channel)"),
        {"batch": batch, "edition": edition.name, "channel": channel},
    ).one()
    return Counter(added=filed.added, known=filed.known)


def _part(
    orders: Orders,
    around: Surroundings,
    along: Mapping[int, int],
    edition: Edition,
    calendar: Calendar,
    span: slice,
    there: Collection[int],
) -> _Part:
    days = [calendar.local_day(reported) for reported in orders.reported_at[span]]
    places = place_orders(around, orders, days, span)
    for at in range(span.start, span.stop):
        if at in along:
            places.areas[at - span.start] = along[at]
    tally = Counter(
        asked=sum(bool(choices) for choices in places.choices),
        located=sum(grid is not None for grid in places.grids),
        default_points=places.kinds.count("default_point"),
    )
    early = [
        span.start + at for at, kind in enumerate(places.kinds)
        if kind == "point" and places.versions[at] is None and around.is_early(places.areas[at], days[at])
    ]  # fmt: skip
    batch = uuid.uuid4()
    return _Part(
        batch, list(_rows(batch, orders, places, edition, calendar, days, span, there)), tally, early
    )


def _rows(
    batch: uuid.UUID, orders: Orders, places: Places, edition: Edition, calendar: Calendar,
    days: Sequence[date], span: slice, there: Collection[int],
) -> Iterator[tuple[Any, ...]]:  # fmt: skip
    points = shapely.points(np.nan_to_num(orders.lon[span]), np.nan_to_num(orders.lat[span]))
    wkb = shapely.to_wkb(shapely.set_srid(points, 4490), include_srid=True)
    conditions: dict[tuple[str, int | None], Condition | None] = {}
    for at, day in enumerate(days):
        of = span.start + at
        if of in there:
            continue
        key = orders.categories[of], orders.conditions[of]
        if key not in conditions:
            conditions[key] = condition_of(edition, *key)
        reported, accuracy = orders.reported_at[of], orders.accuracy_m[of]
        response, due = first_deadlines(calendar, conditions[key], reported)
        yield (
            batch, of, orders.numbers[of], *key, orders.texts[of], orders.addresses[of] or None,
            places.areas[at], places.versions[at], places.grids[at], places.choices[at], places.kinds[at],
            wkb[at] if places.kinds[at] == "point" else None,
            None if math.isnan(accuracy) else float(accuracy), reported, response, due, day,
        )  # fmt: skip
