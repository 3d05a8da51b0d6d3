"""Days are those of the city."""

from __future__ import annotations

from api.migrations import run_sql

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Let plans be in force, and cases be placed, by the day of the city."""
    run_sql("0018_city_day.sql")
