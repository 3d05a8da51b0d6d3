"""A street with one community of two grids, its people, and cases reported and stepped as they would."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text

from api.cases.case_log import events_of
from api.cases.replay import Event
from api.database import Store
from tests.api.accounts import add_area, add_person
from tests.api.place import SIDE_DEG, Place, draw_community

LON, LAT = 120.0, 33.0
# In the middle of the first and of the second grid of `draw_community`, whose borders run north to south.
IN_FIRST, IN_SECOND = (LON + SIDE_DEG, LAT + SIDE_DEG), (LON + 3 * SIDE_DEG, LAT + SIDE_DEG)
ON_BORDER = (LON + 2 * SIDE_DEG, LAT + SIDE_DEG)
ROLES = ("reporter", "grid_worker", "dispatcher", "handler", "verifier", "inspector", "viewer")


def publish(store: Store, place: Place, day: date = date(2020, 1, 1)) -> None:
    """Put the drawn version in force."""
    with store.owner.begin() as owner:
        for state in ("submitted", "published"):
            owner.execute(
                text("UPDATE versions SET state = :s, valid_from = CASE WHEN :s = 'published' THEN :d END"
                     " WHERE id = :v"),
                {"s": state, "d": day, "v": place.version_id},
            )  # fmt: skip


@dataclass
class Desk:
    """People of a street by role, with their accounts and tokens, who report and step cases."""

    store: Store
    street: int
    place: Place
    ids: dict[str, int]
    tokens: dict[str, str]

    def report(self, role: str = "grid_worker", **facts: Any) -> dict[str, Any]:
        """Report a case; what is None is not said."""
        said = {
            "edition": "unverified-A", "category": "E0102", "channel": "desk", "text": "垃圾",
            "border_m": 5.0, "lon": IN_FIRST[0], "lat": IN_FIRST[1], **facts,
        }  # fmt: skip
        told = {name: value for name, value in said.items() if value is not None}
        return self.call("SELECT report_case(cast(:facts AS jsonb))", role, facts=json.dumps(told))

    def step(self, role: str, number: str, step: str, **carried: Any) -> dict[str, Any] | None:
        return self.call(
            "SELECT step_case(:n, :s, cast(:c AS jsonb))", role, n=number, s=step, c=json.dumps(carried)
        )

    def take(self, number: str, *steps: tuple[str, str] | tuple[str, str, dict[str, Any]]) -> dict[str, Any]:
        told = None
        for role, step, *carried in steps:
            told = self.step(role, number, step, **(carried[0] if carried else {}))
            assert told is not None, (role, step)
        assert told is not None
        return told

    def call(self, statement: str, who: str, **values: Any) -> Any:
        user = self.ids[who]
        with self.store.owner.connect() as owner:
            grants = owner.execute(text("SELECT grants_of(:u)"), {"u": user}).scalar_one()
        with self.store.acting(user, grants) as session:
            return session.execute(text(statement), values).scalar_one()

    def row(self, number: str) -> dict[str, Any]:
        with self.store.owner.connect() as owner:
            found = (
                owner.execute(text("SELECT * FROM cases WHERE number = :n"), {"n": number}).mappings().one()
            )
        return dict(found)

    def events(self, number: str) -> list[Event]:
        with self.store.owner.connect() as owner:
            return events_of(owner, number)


def open_desk(store: Store) -> Desk:
    street = add_area(store, "320924001", "street")
    place = draw_community(store, "320924001001", [[30, 30, 30, 30], [20, 20, 20, 20]], lon=LON, lat=LAT,
                           above=street)  # fmt: skip
    publish(store, place)
    people = {role: add_person(store, role, (role, street)) for role in ROLES}
    for other in ("verifier", "handler", "dispatcher"):
        people[f"other {other}"] = add_person(store, f"other_{other}", (other, street))
    # Somebody with every role: rules about two people must hold for him too.
    people["both"] = add_person(store, "both", *((role, street) for role in ROLES))
    return Desk(
        store, street, place, {name: one[0] for name, one in people.items()},
        {name: one[1] for name, one in people.items()},
    )  # fmt: skip
