"""Dispatch over the store: what the rules say of a case, and what is due without anybody's word."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from api.cases.calendar import Calendar, CalendarMissingError
from api.cases.case_log import events_of
from api.cases.dispatch import Rule, Suggestion, suggest
from api.cases.filing import Editions, condition_of, due_after
from api.database import Store

logger = logging.getLogger(__name__)

# One worker at a time does the rounds.
ROUNDS_LOCK = 7_714_203
# How far back the first round looks for cases that a rule gives away by itself, and each round looks behind
# the last: transactions end later than their cases are stamped.
LOOK_BACK, OVERLAP = timedelta(hours=1), timedelta(minutes=1)
MOST_A_ROUND = 500

_SUBJECT = """
    SELECT c.number, c.area, c.area::text AS place, c.category, k.large_code, c.mode, c.edition, c.condition,
           c.state, c.updated_at
    FROM cases c JOIN case_categories k ON (k.edition, k.category) = (c.edition, c.category)"""


def rules_at(session: Session, place: str) -> list[Rule]:
    """Return the rules that hold at a place (a path of divisions), in the order in which they are tried."""
    rows = session.execute(text("SELECT * FROM rules_for(cast(:place AS ltree))"), {"place": place})
    return [_rule(row) for row in rows]


def suggestion_for(
    session: Session, number: str, calendar: Calendar, at: datetime
) -> tuple[Suggestion, str] | None:
    """Return what the rules say of a case at a moment, and its duty desk; None for no such case."""
    row = session.execute(text(f"{_SUBJECT} WHERE c.number = :n"), {"n": number}).one_or_none()
    if row is None:
        return None
    desk = session.execute(text("SELECT duty_desk(cast(:p AS ltree))"), {"p": row.place}).scalar_one()
    return _suggested(row, rules_at(session, row.place), calendar, at), desk


def _suggested(row: Row[Any], rules: list[Rule], calendar: Calendar, at: datetime) -> Suggestion:
    return suggest(
        rules, category=row.category, large_code=row.large_code, mode=row.mode, at=at, calendar=calendar
    )


def _rule(row: Row[Any]) -> Rule:
    return Rule(
        row.id, row.name, row.area, tuple(row.categories), tuple(row.modes), row.hours, row.time_from,
        row.time_to, row.department, row.automatic,
    )  # fmt: skip


class Rounds:
    """What is due without anybody's word: automatic rules, late whistles, claims that lapse."""

    def __init__(self, store: Store, calendar: Calendar) -> None:
        self._store = store
        self._calendar = calendar
        self._editions = Editions(store)
        self._looked: datetime | None = None

    def make(self) -> dict[str, int]:
        """Make one round; return how many cases, calls and claims it moved; none while another makes one."""
        with self._store.owner.begin() as owner:
            if not owner.execute(
                text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": ROUNDS_LOCK}
            ).scalar_one():
                return {}
            escalated = owner.execute(text("SELECT escalate_whistles()")).scalar_one()
            lapsed = owner.execute(text("SELECT lapse_claims()")).scalar_one()
        moved = {"escalated": escalated, "lapsed": lapsed, "dispatched": self._dispatch()}
        if any(moved.values()):
            logger.info("round: %s", moved)
        return moved

    def _dispatch(self) -> int:
        """Give cases just reported to the departments that automatic rules name; return how many."""
        begun = datetime.now(UTC)
        with self._store.owner.connect() as owner:
            root = owner.execute(
                text("SELECT path::text FROM divisions WHERE parent_id IS NULL")
            ).scalar_one()
            waiting = owner.execute(
                text(f"""
                    {_SUBJECT} WHERE c.state = 'reported' AND c.updated_at > :since
                      AND c.place <> 'default_point' AND c.choices = '{{}}' AND EXISTS (
                        SELECT FROM dispatch_rules r JOIN divisions d ON d.id = r.division_id
                        WHERE r.automatic AND r.retired_at IS NULL AND d.path @> c.area)
                    ORDER BY c.updated_at LIMIT :most"""),
                {"since": (self._looked or begun - LOOK_BACK) - OVERLAP, "most": MOST_A_ROUND},
            ).all()  # fmt: skip
        done = 0
        for row in waiting:
            try:
                with self._store.acting(None, {"dispatcher": [root]}) as session:
                    done += self._dispatched(session, row, begun)
            except DBAPIError as error:
                # Somebody else took a step with it meanwhile, or will: the other cases do not wait for it.
                logger.warning("case %s was not dispatched by its rule (%s)", row.number, error.orig)
        self._looked = waiting[-1].updated_at if len(waiting) == MOST_A_ROUND else begun
        return done

    def _dispatched(self, session: Session, row: Row[Any], at: datetime) -> bool:
        found = _suggested(row, rules_at(session, row.place), self._calendar, at).rule
        if found is None or not found.automatic:
            return False
        condition = condition_of(self._editions.read(row.edition), row.category, row.condition)
        for step, to in (("accept", None), ("dispatch", found.department)):
            try:
                due = due_after(self._calendar, events_of(session, row.number), condition, step, at)
            except CalendarMissingError:
                return False  # its deadline is not known: somebody at the desk decides
            carried = {"rule": found.id, "to": to, "due_at": due and due.isoformat()}
            session.execute(
                text("SELECT step_case(:n, :s, cast(:c AS jsonb))"),
                {"n": row.number, "s": step, "c": json.dumps(carried)},
            )
        return True
