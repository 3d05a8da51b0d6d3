"""A request is refused while one stands."""

from __future__ import annotations

from api.migrations import run_sql

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Let a step need a request of the handler that nobody answered yet."""
    run_sql("0023_requests.sql")
