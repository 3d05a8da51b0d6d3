"""Figures: what indicators ask of each case, folded from its log."""

from __future__ import annotations

from api.migrations import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table of facts and the trigger that fills it."""
    run_sql("0003_figures.sql")
