"""Records of meetings: counts of heads, and what came of each case."""

from __future__ import annotations

from api.migrations import run_sql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the records of meetings."""
    run_sql("0013_meetings.sql")
