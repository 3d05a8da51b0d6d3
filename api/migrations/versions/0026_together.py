"""Reports that wait at the same time are filed together."""

from __future__ import annotations

from api.migrations import run_sql

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Add the statement that files several reports."""
    run_sql("0026_together.sql")
