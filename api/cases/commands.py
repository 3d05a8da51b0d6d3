"""What the commands of `weige cases` do, and tell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text as query
from sqlalchemy.orm import Session

from api.cases.calendar import working_calendar
from api.cases.case_log import verify_cases
from api.cases.filing import Editions
from api.cases.importing import export_cases, import_orders, read_orders
from api.console import Terminal
from api.database import Store
from api.settings import Settings
from api.store_commands import migrated
from geo.errors import InputError
from maps.text import text

# Faults that a terminal shows; a script gets all of them.
SHOWN_FAULTS = 20


def verify_log(terminal: Terminal, settings: Settings) -> bool:
    """Verify the log of cases and tell what came of it; return whether everything holds."""
    with migrated(settings) as store:
        found = verify_cases(store)
    language = terminal.language
    counts = {
        "cases": found.cases, "entries": found.entries, "digests": found.digests,
        "undigested": found.undigested,
    }  # fmt: skip
    lines = [
        text("cli.cases_verified", language, **counts),
        text("cli.cases_head", language, head=found.head),
        text("cli.cases_hold" if not found.faults else "cli.cases_faults", language, n=len(found.faults)),
    ]
    lines += [
        "  "
        + text(f"cli.case_fault.{fault.code}", language, number=fault.number, seq=fault.seq, said=fault.said)
        for fault in found.faults[:SHOWN_FAULTS]
    ]
    faults = [vars(fault) for fault in found.faults]
    terminal.result(lines, {**counts, "head": found.head, "faults": faults})
    return not found.faults


def import_file(
    terminal: Terminal, settings: Settings, file: Path, *, channel: str, area: str, category: str | None
) -> None:
    """File the work orders of a file and tell what came of it.

    Raises
    ------
    InputError
    """
    if not re.fullmatch("[a-z0-9_]{1,32}", channel):
        raise InputError(
            "channel_not_a_name", "a channel is named by small letters, digits and _",
            mend="name it like 12345", channel=channel,
        )  # fmt: skip
    with (
        terminal.progress() as report,
        migrated(settings) as store,
        everywhere(store, "dispatcher") as session,
    ):
        edition, calendar = Editions(store).read(None), working_calendar(settings.data_dir)
        orders = read_orders(file, edition, calendar, category=category)
        came = import_orders(session, orders, edition, calendar, channel=channel, area=area, report=report)
    values = {"file": str(file), "channel": channel, **came.told()}
    lines = [text("cli.cases_imported", terminal.language, **values)]
    terminal.result(lines, values)


def export_file(terminal: Terminal, settings: Settings, file: Path) -> None:
    """Write all cases as CSV."""
    with migrated(settings) as store, everywhere(store, "admin") as session:
        written = export_cases(session, file)
    values = {"file": str(file), "cases": written}
    terminal.result([text("cli.cases_exported", terminal.language, **values)], values)


@contextmanager
def everywhere(store: Store, role: str) -> Iterator[Session]:
    """Open a transaction in which whoever holds the machine acts in a role everywhere, without an account."""
    with store.owner.connect() as owner:
        root = owner.execute(query("SELECT path::text FROM divisions WHERE parent_id IS NULL")).scalar_one()
    with store.acting(None, {role: [root]}, long=True) as session:
        yield session
