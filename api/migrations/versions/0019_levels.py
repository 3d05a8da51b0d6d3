"""The level at which a case was settled, and its rating, among the facts of the figures."""

from __future__ import annotations

from api.migrations import run_sql

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Fold whistles and ratings of the log into the facts of cases."""
    run_sql("0019_levels.sql")
