"""How Alembic runs the history of the schema: one transaction, one process at a time."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, make_url, pool, text

# Of the advisory lock that lets one process migrate at a time.
MIGRATION_LOCK = 7_714_201


def run() -> None:
    """Bring the database up to the wanted revision."""
    url = make_url(context.config.attributes["url"]).set(drivername="postgresql+psycopg")
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
        context.configure(connection=connection, version_table="weige_schema", version_table_schema="public")
        context.run_migrations()


run()
