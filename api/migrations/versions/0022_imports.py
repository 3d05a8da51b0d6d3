"""What an import of work orders costs the database."""

from __future__ import annotations

from api.migrations import run_sql

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """File the orders of an import in the order of their days; check and hash with less work."""
    run_sql("0022_imports.sql")
