"""Numbers of versions are given once."""

from __future__ import annotations

from api.migrations import run_sql

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Keep the last number that each community gave."""
    run_sql("0021_numbers.sql")
