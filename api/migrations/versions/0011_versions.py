"""Numbers of versions, and names of those who redraw a community for each other."""

from __future__ import annotations

from api.migrations import run_sql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Number the versions that there are, and those to come."""
    run_sql("0011_versions.sql")
