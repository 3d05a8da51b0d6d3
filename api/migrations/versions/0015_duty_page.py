"""What the page of rosters and modes reads."""

from __future__ import annotations

from api.migrations import run_sql

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add the names of posts and the modes that stand."""
    run_sql("0015_duty_page.sql")
