"""Which version of a community a page shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, tzinfo
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from api.errors import NotFoundError
from maps.text import Language
from maps.text import text as words_of

# The versions of a community, the newest first, as pages list them.
_VERSIONS = """
    SELECT v.id, v.number, p.name AS plan, coalesce(u.name, a.name) AS author,
           v.state, v.valid_from, v.valid_to, v.revision, v.created_at,
           v.state IN ('published', 'superseded') AND daterange(v.valid_from, v.valid_to) @> city_day()
             AS in_force,
           (SELECT count(*) FROM grids g WHERE g.version_id = v.id) AS grids
    FROM versions v JOIN plans p ON p.id = v.plan_id
      LEFT JOIN users u ON u.id = v.created_by LEFT JOIN authors(:community) a ON a.id = v.created_by
    WHERE v.community_id = :community ORDER BY v.created_at DESC, v.id"""


def versions_of(session: Session, community_id: int) -> Sequence[Row[Any]]:
    """Return the versions of a community that the actor may read, the newest first."""
    return session.execute(text(_VERSIONS), {"community": community_id}).all()


def shown_version(versions: Sequence[Row[Any]], wanted: UUID | None) -> Row[Any]:
    """Return the version asked for, else the one in force, else the newest.

    Raises
    ------
    NotFoundError
        There is no such version, or none at all.
    """
    if wanted is None:
        found = next((row for row in versions if row.in_force), versions[0] if versions else None)
    else:
        found = next((row for row in versions if row.id == wanted), None)
    if found is None:
        raise NotFoundError("version_not_found", "the community has no such version")
    return found


def day_said(said: str, otherwise: date) -> date:
    """Return the day that an address asks for; another where it asks for none that there is."""
    try:
        return date.fromisoformat(said)
    except ValueError:
        return otherwise


def moments(zone: tzinfo) -> Callable[[datetime], str]:
    """Return what writes a moment by a clock."""
    return lambda at: at.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def version_names(
    versions: Sequence[Row[Any]], language: Language, zone: tzinfo
) -> Callable[[Row[Any]], str]:
    """Return what names a version: number, state, since when, by whom, and of which of several plans.

    Parameters
    ----------
    versions : rows of `versions_of`
        All of the community: the name of a plan tells nothing where there is but one.
    zone : tzinfo
        Of the clock that moments are told by.
    """
    moment, several = moments(zone), len({row.plan for row in versions}) > 1

    def name(row: Row[Any]) -> str:
        if row.valid_from is None:
            when = words_of("people.plan.made", language, day=moment(row.created_at))
        elif row.valid_to is None:
            when = words_of("people.plan.from", language, day=row.valid_from)
        else:
            when = words_of("people.plan.from_to", language, day=row.valid_from, end=row.valid_to)
        state = "in_force" if row.in_force else f"state.{row.state}"
        number = words_of("people.plan.number", language, number=row.number)
        told = [number, words_of(f"people.plan.{state}", language), when]
        told += [row.author] * (row.author is not None) + [row.plan] * several
        return " · ".join(told)

    return name
