"""Cases: what was reported where, the log of their steps, and the rules of the loop as data."""

from __future__ import annotations

from alembic import op

from api.cases.categories import shipped_edition
from api.cases.stored_rules import store_edition, store_steps
from api.migrations import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables of cases, with the loop and the edition of classes that are shipped."""
    run_sql("0002_cases.sql")
    store_steps(op.get_bind())
    store_edition(op.get_bind(), shipped_edition(), in_force=True)
