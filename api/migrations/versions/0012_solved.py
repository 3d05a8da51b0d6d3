"""What was solved, for everybody."""

from __future__ import annotations

from api.migrations import run_sql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add what the public page of solved cases reads."""
    run_sql("0012_solved.sql")
