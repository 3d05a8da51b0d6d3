"""Dispatch over the store: what the rules say of a case, and what is due without anybody's word."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from api.cases.calendar import Calendar, CalendarMissingError
from api.cases.case_log import events_of
from api.cases.dispatch import Rule, Suggestion, suggest
from api.cases.filing import Editions, condition_of, due_after
from api.database import Store
from api.errors import ServiceError

logger = logging.getLogger(__name__)

# One worker at a time does the rounds.
ROUNDS_LOCK = 7_714_203
# How far back the first round looks for cases that a rule gives away by itself, and each round looks behind
# the last: transactions end later than their cases are stamped.
LOOK_BACK, OVERLAP = timedelta(hours=1), timedelta(minutes=1)
MOST_AT_ONCE = 500

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
        self._root: str | None = None

    def make(self) -> dict[str, int]:
        """Make one round; return how many cases, calls and claims it moved; none while another makes one."""
        # A transaction of its own holds the lock to the end of the round, and no row that is moved.
        with self._store.owner.begin() as turn:
            is_ours, now = turn.execute(
                text("SELECT pg_try_advisory_xact_lock(:lock), clock_timestamp()"), {"lock": ROUNDS_LOCK}
            ).one()
            if not is_ours:
                return {}
            with self._store.owner.begin() as owner:
                escalated = owner.execute(text("SELECT escalate_whistles()")).scalar_one()
                lapsed = owner.execute(text("SELECT lapse_claims()")).scalar_one()
            moved = {"escalated": escalated, "lapsed": lapsed, "dispatched": self._dispatch(now)}
        if any(moved.values()):
            logger.info("round: %s", moved)
        return moved

    def _dispatch(self, now: datetime) -> int:
        """Give cases just reported to the departments that automatic rules name; return how many."""
        since, number = (self._looked or now - LOOK_BACK) - OVERLAP, ""
        rules: dict[str, list[Rule]] = {}
        done = 0
        while waiting := self._waiting(since, number):
            with self._acting() as session:
                for place in {row.place for row in waiting} - rules.keys():
                    rules[place] = rules_at(session, place)
            for row in waiting:
                found = _suggested(row, rules[row.place], self._calendar, now).rule
                if found is not None and found.automatic:
                    done += self._given(row, found, now)
            since, number = waiting[-1].updated_at, waiting[-1].number
        self._looked = now
        return done

    def _waiting(self, since: datetime, number: str) -> Sequence[Row[Any]]:
        """Return the next cases, after one, that were just reported where an automatic rule holds."""
        with self._store.owner.connect() as owner:
            return owner.execute(
                text(f"""
                    {_SUBJECT} WHERE c.state = 'reported' AND (c.updated_at, c.number) > (:since, :number)
                      AND c.place <> 'default_point' AND c.choices = '{{}}' AND EXISTS (
                        SELECT FROM dispatch_rules r JOIN divisions d ON d.id = r.division_id
                        WHERE r.automatic AND r.retired_at IS NULL AND d.path @> c.area)
                    ORDER BY c.updated_at, c.number LIMIT :most"""),
                {"since": since, "number": number, "most": MOST_AT_ONCE},
            ).all()  # fmt: skip

    def _acting(self) -> AbstractContextManager[Session]:
        """Open a transaction of the rules: nobody's, with the rights of a dispatcher everywhere."""
        if self._root is None:
            with self._store.owner.connect() as owner:
                self._root = owner.execute(
                    text("SELECT path::text FROM divisions WHERE parent_id IS NULL")
                ).scalar_one()
        return self._store.acting(None, {"dispatcher": [self._root]})

    def _given(self, row: Row[Any], rule: Rule, at: datetime) -> bool:
        """Give a case to the department of a rule; false where that cannot be done now."""
        try:
            condition = condition_of(self._editions.read(row.edition), row.category, row.condition)
            with self._acting() as session:
                for step, to in (("accept", None), ("dispatch", rule.department)):
                    due = due_after(self._calendar, events_of(session, row.number), condition, step, at)
                    carried = {"rule": rule.id, "to": to, "due_at": due and due.isoformat()}
                    session.execute(
                        text("SELECT step_case(:n, :s, cast(:c AS jsonb))"),
                        {"n": row.number, "s": step, "c": json.dumps(carried)},
                    )
        except CalendarMissingError:
            return False  # its deadline is not known: somebody at the desk decides
        except (DBAPIError, ServiceError) as error:
            # Somebody else took a step with it meanwhile, or will: the other cases do not wait for it.
            logger.warning("case %s was not dispatched by its rule (%s)", row.number, error)
            return False
        return True
