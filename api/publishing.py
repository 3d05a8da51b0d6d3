"""From draft to published: each step for one or many versions, in the transaction of the caller.

The rules stand in the database (one published version for each community and day, no unit left out without
an accepted finding, forward steps only); what is said here is which of them was broken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from uuid import UUID

from psycopg import errors as pg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from api.errors import ConflictError, NotAllowedError, NotFoundError

_RULES = {
    "one_published_version_a_day": "another version is published for days from then on; choose a later day",
    "units_unassigned": None,
    "version_step": None,
}


def submit(session: Session, versions: Sequence[UUID]) -> None:
    """Hand drafts in for publication; they cannot be edited any more.

    Raises
    ------
    NotFoundError
        There is no such version, or the actor may not know of it.
    NotAllowedError
        The actor does not plan there.
    ConflictError
        A version is no draft.
    """
    _step(session, versions, "draft", "submitted", "submitted_at = now()")


def withdraw(session: Session, versions: Sequence[UUID]) -> None:
    """Take submitted versions back to drafts; errors as `submit`."""
    _step(session, versions, "submitted", "draft", "submitted_at = NULL")


def publish(session: Session, versions: Sequence[UUID], valid_from: date) -> None:
    """Put submitted versions in force from a day on; what was published in their communities ends there.

    All of them or none; others see either the state before or the state after.

    Raises
    ------
    NotFoundError
        As `submit`.
    NotAllowedError
        The actor does not administer the community.
    ConflictError
        A version is not submitted, another is published from the same day or a later one, or units are in no
        grid and carry no accepted finding.
    """
    ids = list(versions)
    with _rules():
        session.execute(
            text(
                "UPDATE versions SET state = 'superseded', valid_to = :day, revision = revision + 1"
                " WHERE state = 'published' AND valid_from < :day AND id <> ALL(:ids)"
                " AND community_id IN (SELECT community_id FROM versions WHERE id = ANY(:ids))"
            ),
            {"ids": ids, "day": valid_from},
        )
        _step(
            session, ids, "submitted", "published",
            "valid_from = :day, published_at = now(), published_by = actor()", day=valid_from,
        )  # fmt: skip
        # Here rather than when the transaction ends, so that the caller hears of it.
        session.execute(text("SET CONSTRAINTS require_units_assigned IMMEDIATE"))
        session.execute(text("SET CONSTRAINTS require_units_assigned DEFERRED"))


def _step(
    session: Session, versions: Sequence[UUID], start: str, end: str, also: str, **values: date
) -> None:
    """Move versions from one state to another, and tell of it."""
    ids = list(dict.fromkeys(versions))
    with _rules():
        moved = set(
            session.execute(
                text(
                    f"UPDATE versions SET state = :end, revision = revision + 1, {also}"
                    " WHERE id = ANY(:ids) AND state = :start RETURNING id"
                ),
                {"ids": ids, "start": start, "end": end, **values},
            ).scalars()
        )
    left = [version for version in ids if version not in moved]
    if left:
        state = session.execute(
            text("SELECT state FROM versions WHERE id = :id"), {"id": left[0]}
        ).scalar_one_or_none()
        if state is None:
            raise NotFoundError("version_unknown", "there is no such version", version=str(left[0]))
        if state == start:
            raise NotAllowedError("not_allowed", f"you may read this version, but not make it {end}")
        raise ConflictError(
            "version_step", f"the version is {state}, not {start}", version=str(left[0]), state=state
        )
    _record(session, ids, f"version.{end}")


def _record(session: Session, versions: Sequence[UUID], action: str) -> None:
    """Write to the audit log, and tell those who watch the area."""
    told = {"ids": list(versions), "action": action}
    session.execute(
        text(
            "SELECT audit(:action, jsonb_strip_nulls(jsonb_build_object('version', v.id,"
            " 'valid_from', v.valid_from)), v.community_id)"
            " FROM versions v WHERE v.id = ANY(:ids) ORDER BY v.community_id"
        ),
        told,
    )
    session.execute(
        text(
            "INSERT INTO events (community_id, area, kind, body)"
            " SELECT d.id, d.path, :action, jsonb_strip_nulls(jsonb_build_object("
            "'version', v.id, 'community_id', d.code, 'valid_from', v.valid_from))"
            " FROM versions v JOIN divisions d ON d.id = v.community_id"
            " WHERE v.id = ANY(:ids) ORDER BY d.path"
        ),
        told,
    )


@contextmanager
def _rules() -> Iterator[None]:
    """Turn a refusal by the database into an error that says which rule it was."""
    try:
        yield
    except DBAPIError as error:
        fault = error.orig
        if isinstance(fault, pg.InsufficientPrivilege):
            raise NotAllowedError(
                "not_allowed", "only an administrator of the area may publish there"
            ) from error
        rule = fault.diag.constraint_name if isinstance(fault, pg.Error) else None
        if rule not in _RULES:
            raise
        assert isinstance(fault, pg.Error)
        # Of these two the store's own triggers say how many units, and which state.
        said = _RULES[rule] or fault.diag.message_primary or rule
        raise ConflictError(rule, said) from error
