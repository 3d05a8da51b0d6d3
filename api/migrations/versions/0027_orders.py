"""Work orders are filed with less work of the database."""

from __future__ import annotations

from api.migrations import run_sql

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Make each entry of an import once, and find cases by their points in an index for points."""
    run_sql("0027_orders.sql")
