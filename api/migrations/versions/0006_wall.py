"""The wall: notes on cases, for everybody who watches."""

from __future__ import annotations

from api.migrations import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the function that notes."""
    run_sql("0006_wall.sql")
