"""The names of accounts that somebody is told."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from api.dependencies import Actor


def names_of_posts(session: Session, actor: Actor) -> dict[int, str]:
    """Return the names of accounts that the actor is told: of posts where he keeps the roster, and his."""
    names = {row.id: row.name for row in session.execute(text("SELECT id, name FROM posts()"))}
    return {**names, actor.user_id: actor.name}
