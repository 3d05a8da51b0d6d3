"""The rating of whoever reported a case stands."""

from __future__ import annotations

from api.migrations import run_sql

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Let the desk rate only cases that whoever reported them did not rate."""
    run_sql("0025_ratings.sql")
