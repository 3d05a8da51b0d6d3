"""What the commands that touch the store do: load, publish, upgrade, back up, restore."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from sqlalchemy import text as query
from sqlalchemy.orm import Session

from api.console import Terminal
from api.database import Store, store_of
from api.errors import ClusterError
from api.settings import Settings
from api.telling import warn
from maps.text import text


@contextmanager
def migrated(settings: Settings) -> Iterator[Store]:
    """Open a store that has its tables; those of a private cluster are made.

    Raises
    ------
    ClusterError
        A database that was named has none.
    """
    with store_of(settings) as store:
        if settings.database_url is None:
            store.migrate()
        elif not has_tables(store):
            raise ClusterError(
                "not_migrated", "the database has no tables of weige yet", mend="run `weige db upgrade`"
            )
        yield store


def has_tables(store: Store) -> bool:
    """Whether the store was migrated."""
    with store.owner.connect() as owner:
        return owner.execute(query("SELECT to_regclass('weige.divisions') IS NOT NULL")).scalar_one() is True


def load(
    terminal: Terminal,
    settings: Settings,
    *,
    plan_file: Path | None,
    stations: str | None,
    name: str | None,
    under: str | None,
    valid_from: date | None,
    fields: Mapping[str, str],
    crs: str | None,
) -> None:
    """Load a plan and stations, publish where asked, and tell what came of it."""
    from api.loading import load_plan, read_timed
    from api.stations import load_stations

    told: dict[str, object] = {}
    lines = []
    with terminal.progress() as report:
        # Read before the database is started: a bad file is told at once.
        plan = None if plan_file is None else read_timed(plan_file, report)
        with migrated(settings) as store, Session(store.owner) as session, session.begin():
            if plan is not None and plan_file is not None:
                loaded = load_plan(
                    session,
                    plan,
                    name=name or plan_file.stem,
                    under=under,
                    valid_from=valid_from,
                    report=report,
                )
                told |= {"plan": str(plan_file), **loaded.told()}
                lines.append(text("cli.loaded", terminal.language, file=plan_file, **loaded.told()))
                if loaded.units_outside:
                    terminal.warn(text("cli.units_outside", terminal.language, n=loaded.units_outside))
                if valid_from is not None:
                    lines.append(text("cli.published", terminal.language, day=valid_from.isoformat()))
            if stations is not None:
                came = load_stations(session, stations, fields=fields, crs=crs)
                warn(terminal, came.findings)
                counts = came.counts()
                told["stations"] = counts
                lines.append(text("cli.stations_loaded", terminal.language, **counts))
    terminal.result(lines, told)


def upgrade(terminal: Terminal, settings: Settings) -> None:
    """Bring the schema up to this version."""
    with store_of(settings, make=True) as store:
        store.migrate()
        with store.owner.connect() as owner:
            revision = owner.execute(query("SELECT version_num FROM public.weige_schema")).scalar_one()
    terminal.result([text("cli.upgraded", terminal.language, revision=revision)], {"revision": revision})


def backup(terminal: Terminal, settings: Settings, file: Path) -> None:
    """Write a backup."""
    from api.backup import write_backup

    with terminal.progress() as report, migrated(settings) as store:
        written = write_backup(store, settings, file, report)
    values = {"backup": str(file), **written.counts()}
    terminal.result([text("cli.backed_up", terminal.language, file=file, **written.counts())], values)


def restore(terminal: Terminal, settings: Settings, file: Path) -> None:
    """Bring a backup back into an empty server."""
    from api.backup import require_backup, restore_backup

    # Before a store is made for it.
    require_backup(file)
    with terminal.progress() as report, store_of(settings, make=True) as store:
        written = restore_backup(store, settings, file, report)
    values = {"restored": str(file), **written.counts()}
    terminal.result([text("cli.restored", terminal.language, file=file, **written.counts())], values)
