"""Work orders of other systems, many at once, filed as one set.

An order that was brought before, known by its channel and number, is left as it is: a file can be sent again.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.cases.calendar import Calendar
from api.cases.categories import Edition
from api.cases.filing import condition_of, first_deadlines
from api.cases.orders import ODDITIES, Odd, Orders
from api.cases.placing import Places, find_addresses, place_orders, without_far_points
from api.copying import GEOMETRY, copy_rows
from geo.errors import InputError

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
    places = place_orders(session, orders, area_id, calendar)
    for at, community in along.items():
        places.areas[at] = community
    report("placing", n, n)
    connection = session.connection().connection.driver_connection
    batch = uuid.uuid4()
    copy_rows(connection, "case_arrivals", _TYPES, _rows(batch, orders, places, edition, calendar))  # type: ignore[arg-type]
    report("filing", 0, n)
    filed = session.execute(
        text("SELECT * FROM import_cases(:batch, :edition, :channel)"),
        {"batch": batch, "edition": edition.name, "channel": channel},
    ).one()
    report("filing", n, n)
    asked = sum(bool(choices) for choices in places.choices)
    located = sum(grid is not None for grid in places.grids)
    flagged = places.kinds.count("default_point")
    repeated = orders.odd["repeated"].n if "repeated" in orders.odd else 0
    return Imported(
        filed.added, filed.known - repeated, located, asked, flagged, n - located - asked - flagged,
        orders.n_addressed, orders.n_masked, orders.n_ended, orders.odd,
    )  # fmt: skip


def _rows(
    batch: uuid.UUID, orders: Orders, places: Places, edition: Edition, calendar: Calendar
) -> Iterator[tuple[Any, ...]]:
    wkb = shapely.to_wkb(
        shapely.set_srid(shapely.points(np.nan_to_num(orders.lon), np.nan_to_num(orders.lat)), 4490),
        include_srid=True,
    )
    conditions = {
        key: condition_of(edition, *key)
        for key in set(zip(orders.categories, orders.conditions, strict=True))
    }
    for at, number in enumerate(orders.numbers):
        reported = orders.reported_at[at]
        condition = conditions[orders.categories[at], orders.conditions[at]]
        response, due = first_deadlines(calendar, condition, reported)
        accuracy = orders.accuracy_m[at]
        yield (
            batch, at, number, orders.categories[at], orders.conditions[at], orders.texts[at],
            orders.addresses[at] or None, places.areas[at], places.versions[at], places.grids[at],
            places.choices[at], places.kinds[at], wkb[at] if places.kinds[at] == "point" else None,
            None if math.isnan(accuracy) else float(accuracy), reported, response, due,
            calendar.local_day(reported),
        )  # fmt: skip
