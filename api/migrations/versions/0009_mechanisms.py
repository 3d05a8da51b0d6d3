"""What a street runs beside its cases: rosters, joint actions, visits as counts, points of teams."""

from __future__ import annotations

from api.migrations import run_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the tables."""
    run_sql("0009_mechanisms.sql")
