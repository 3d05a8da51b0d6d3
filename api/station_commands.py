"""What `weige stations` does, between the store and the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from sqlalchemy.orm import Session

from api import queries
from api.console import Terminal
from api.settings import Settings
from api.station_register import remove_station
from api.stations import FileFormat, load_stations, register_file
from api.store_commands import migrated
from api.telling import warn
from geo.errors import InputError
from geo.files import replacing
from geo.names import shortened
from maps.text import text

# So many rows of what an import changes are listed on a terminal.
SHOWN_CHANGES = 20


def import_register(
    terminal: Terminal, settings: Settings, file: str, *, look: bool, fields: Sequence[str], crs: str | None
) -> None:
    """Take a register over, or say what it would change."""
    named = register_fields(fields)
    with migrated(settings) as store, Session(store.owner) as session, session.begin():
        tried = session.begin_nested()
        came = load_stations(session, file, fields=named, crs=crs)
        if look:
            tried.rollback()
        else:
            tried.commit()
    warn(terminal, came.findings)
    lines = [
        text(f"cli.stations.{'new' if change.is_new else 'changed'}", terminal.language,
             station=change.station_id, name=change.name, fields=", ".join(change.fields))
        for change in came.changes
        if change.is_new or change.fields
    ]  # fmt: skip
    shown = lines[:SHOWN_CHANGES]
    if len(lines) > SHOWN_CHANGES:
        shown.append(text("cli.stations.more", terminal.language, n=len(lines) - SHOWN_CHANGES))
    key = "cli.stations.would" if look else "cli.stations_loaded"
    told: dict[str, object] = {**came.counts(), "kept": not look}
    terminal.result([*shown, text(key, terminal.language, **came.counts())] if look else
                    [text(key, terminal.language, **came.counts())], told)  # fmt: skip


def remove_from_register(terminal: Terminal, settings: Settings, station: str, *, is_sure: bool) -> None:
    """Take a station out of the register, or say which it would be."""
    with migrated(settings) as store, Session(store.owner) as session, session.begin():
        row = queries.station_named(session, station)
        if row is None:
            raise InputError(
                "station_unknown", f"the register has no station {shortened(station)}", mend="check its id",
                station=shortened(station),
            )  # fmt: skip
        if is_sure:
            remove_station(session, row)
        told = {"station": row.station_id, "name": row.name}
    key = "removed" if is_sure else "would_remove"
    terminal.result([text(f"cli.stations.{key}", terminal.language, **told)], {**told, "removed": is_sure})


def export_register(terminal: Terminal, settings: Settings, file: Path) -> None:
    """Write the register to a file."""
    formats: dict[str, FileFormat] = {f".{name}": name for name in get_args(FileFormat)}
    kind = formats.get(file.suffix.lower())
    if kind is None:
        raise InputError(
            "register_format", f"files of type {file.suffix or '-'} are not written",
            mend="name it .csv, .xlsx or .geojson", file=file.name,
        )  # fmt: skip
    with migrated(settings) as store, Session(store.owner) as session:
        content = register_file(session, kind)
    with replacing(file) as temporary:
        temporary.write_bytes(content)
    terminal.result([text("cli.stations.written", terminal.language, file=file)], {"stations": str(file)})


def register_fields(options: Sequence[str]) -> dict[str, str]:
    """Read `station_id=NAME` or `stations.station_id=NAME` options: our column -> theirs.

    Raises
    ------
    InputError
    """
    return dict(_field(said) for said in options)


def _field(said: str) -> tuple[str, str]:
    column, sign, name = said.partition("=")
    # As the commands that take several layers have it.
    column = column.removeprefix("stations.")
    if not sign or not column or not name:
        raise InputError(
            "register_field", f"--field {said} is not of the form COLUMN=NAME",
            mend="for example --field station_id=编号", said=said,
        )  # fmt: skip
    return column, name
