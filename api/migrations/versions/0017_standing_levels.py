"""Areas in another mode tell their level."""

from __future__ import annotations

from api.migrations import run_sql

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Let pages name areas without a name."""
    run_sql("0017_standing_levels.sql")
