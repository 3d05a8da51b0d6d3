"""Reports that cost the database less."""

from __future__ import annotations

from api.migrations import run_sql

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Ask rights, places and rules of a report without queries of their own."""
    run_sql("0020_reports.sql")
