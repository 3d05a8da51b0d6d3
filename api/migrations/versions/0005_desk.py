"""The desk of cases: what waits for whom, and the ground on which a place is shown."""

from __future__ import annotations

from api.migrations import run_sql

revision = "0005"
down_revision = "0003"


def upgrade() -> None:
    """Make the functions and tables of the pages about cases."""
    run_sql("0005_desk.sql")
