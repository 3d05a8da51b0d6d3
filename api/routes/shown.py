"""Which version of a community a page shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from api.errors import NotFoundError

# The versions of a community, the newest first, as pages list them.
_VERSIONS = """
    SELECT v.id, p.name AS plan, v.state, v.valid_from, v.valid_to, v.revision, v.created_at,
           v.state IN ('published', 'superseded') AND daterange(v.valid_from, v.valid_to) @> current_date
             AS in_force,
           (SELECT count(*) FROM grids g WHERE g.version_id = v.id) AS grids
    FROM versions v JOIN plans p ON p.id = v.plan_id
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
