"""Open311: what anybody may see of cases, where an area lets it."""

from __future__ import annotations

from api.migrations import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the view of cases for everybody."""
    run_sql("0008_open311.sql")
