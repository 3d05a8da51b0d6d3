"""Dispatch: rules, whistles, claims, and the mode of an area."""

from __future__ import annotations

from api.migrations import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables of dispatch."""
    run_sql("0007_dispatch.sql")
