"""Classes of one name are told apart."""

from __future__ import annotations

from api.migrations import run_sql

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Name each class by both its names where an edition has several of its name."""
    run_sql("0024_class_names.sql")
