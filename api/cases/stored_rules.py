"""The rules of cases as the database holds them: the table of steps, and the editions of classes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.orm import Session

from api.cases.categories import Category, Condition, Edition
from api.cases.clock import Clock, Limit
from api.cases.steps import StepTable, loop


def store_steps(connection: Connection | Session, table: StepTable | None = None) -> None:
    """Write the table of steps in place of the one that is there."""
    steps = table or loop()
    connection.execute(text("DELETE FROM weige.case_steps"))
    for state in steps.states.values():
        connection.execute(
            text("INSERT INTO weige.case_states VALUES (:name, :party, :is_open)"
                 " ON CONFLICT (state) DO UPDATE SET party = excluded.party, is_open = excluded.is_open"),
            {"name": state.name, "party": state.party.value, "is_open": state.is_open},
        )  # fmt: skip
    connection.execute(
        text("""
            INSERT INTO weige.case_steps
              (step, from_state, to_state, roles, needs, reasons, others_than, effects, is_exception,
               grace_days)
            VALUES (:step, :from_state, :to_state, :roles, :needs, :reasons, :others_than, :effects,
                    :is_exception, :grace_days)"""),
        [
            {
                "step": step.name, "from_state": source, "to_state": step.target, "roles": list(step.roles),
                "needs": list(step.needs), "reasons": list(step.reasons), "effects": list(step.effects),
                "others_than": list(step.others_than), "is_exception": step.is_exception,
                "grace_days": steps.grace_days if "grace" in step.needs else None,
            }
            for step in steps.steps.values()
            for source in step.sources or ("",)
        ],
    )  # fmt: skip


def store_edition(connection: Connection | Session, edition: Edition, *, in_force: bool) -> None:
    """Write a new edition; where it is in force from now on, new cases are filed by it.

    An edition that is there already is never altered: the database refuses a second one of its name.
    """
    if in_force:
        connection.execute(text("UPDATE weige.case_editions SET in_force = false WHERE in_force"))
    connection.execute(
        text("INSERT INTO weige.case_editions (edition, source, in_force) VALUES (:e, :s, :f)"),
        {"e": edition.name, "s": edition.source, "f": in_force},
    )
    for category in edition.categories.values():
        connection.execute(
            text("INSERT INTO weige.case_categories"
                 " (edition, category, kind, large_code, large_name, small_name)"
                 " VALUES (:e, :c, :kind, :large, :large_name, :small_name)"),
            {"e": edition.name, "c": category.code, "kind": category.kind, "large": category.large_code,
             "large_name": category.large_name, "small_name": category.small_name},
        )  # fmt: skip
        for number, condition in enumerate(category.conditions, start=1):
            limit = condition.limit
            connection.execute(
                text("""
                    INSERT INTO weige.case_conditions
                      (edition, category, number, filing, closing, unit, department, clock, amount, starts)
                    VALUES (:e, :c, :n, :filing, :closing, :unit, :department, :clock, :amount, :starts)"""),
                {
                    "e": edition.name, "c": category.code, "n": number, "filing": condition.filing,
                    "closing": condition.closing, "unit": condition.unit, "department": condition.department,
                    "clock": limit and limit.clock.value, "amount": limit and limit.amount,
                    "starts": limit.starts if limit else None,
                },
            )  # fmt: skip


def edition_in_force(connection: Connection | Session) -> str:
    """Return the name of the edition by which new cases are filed."""
    name: str = connection.execute(text("SELECT edition FROM case_editions WHERE in_force")).scalar_one()
    return name


def stored_edition(connection: Connection | Session, name: str) -> Edition | None:
    """Return an edition as it is stored; None where there is none of that name."""
    source = connection.execute(
        text("SELECT source FROM case_editions WHERE edition = :e"), {"e": name}
    ).scalar_one_or_none()
    if source is None:
        return None
    rows = connection.execute(
        text("""
            SELECT c.category, c.kind, c.large_code, c.large_name, c.small_name, n.filing, n.closing, n.unit,
                   n.department, n.clock, n.amount, n.starts
            FROM case_categories c JOIN case_conditions n USING (edition, category)
            WHERE c.edition = :e ORDER BY c.category, n.number"""),
        {"e": name},
    ).all()
    conditions: dict[str, list[Condition]] = {}
    heads: dict[str, Row[Any]] = {}
    for row in rows:
        heads[row.category] = row
        conditions.setdefault(row.category, []).append(
            Condition(row.filing, row.closing, row.unit, row.department, _limit(row))
        )
    return Edition(
        name, source,
        {
            code: Category(
                code, row.large_code, row.large_name, row.small_name, row.kind, tuple(conditions[code])
            )
            for code, row in heads.items()
        },
    )  # fmt: skip


def _limit(row: Row[Any]) -> Limit | None:
    return None if row.clock is None else Limit(Clock(row.clock), Decimal(row.amount).normalize(), row.starts)
