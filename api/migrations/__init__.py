"""The history of the schema."""

from __future__ import annotations

from importlib import resources

from alembic import op


def run_sql(name: str) -> None:
    """Run a file of `sql/` as it stands: without parameters the driver leaves its percent signs alone."""
    script = (resources.files("api.migrations") / "sql" / name).read_text(encoding="utf-8")
    op.get_bind().connection.driver_connection.execute(script)  # type: ignore[union-attr]
