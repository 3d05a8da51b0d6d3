"""Whistles are told when they change, and read by their own cases."""

from __future__ import annotations

from api.migrations import run_sql

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Tell of calls, and let whistles be read without a look at all cases."""
    run_sql("0016_whistles.sql")
