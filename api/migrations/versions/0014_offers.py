"""The board of offers is told when it changes."""

from __future__ import annotations

from api.migrations import run_sql

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Tell of offers and claims."""
    run_sql("0014_offers.sql")
