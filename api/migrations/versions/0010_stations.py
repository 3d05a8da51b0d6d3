"""Checklists of stations with their checks, and the import of registers."""

from __future__ import annotations

from alembic import op

from api.checklists import shipped_checklists, store_checklist
from api.migrations import run_sql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the tables, with the editions that are shipped."""
    run_sql("0010_stations.sql")
    for checklist in shipped_checklists():
        store_checklist(op.get_bind(), checklist)
