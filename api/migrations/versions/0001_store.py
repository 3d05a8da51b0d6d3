"""The store: divisions, units, plans and versions, stations, people, jobs, logs, events."""

from __future__ import annotations

from api.migrations import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the store."""
    run_sql("0001_store.sql")
