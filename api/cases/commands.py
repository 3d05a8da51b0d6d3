"""What the commands of `weige cases` do, and tell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text as query
from sqlalchemy.orm import Session

from api.cases.calendar import load_calendar, working_calendar
from api.cases.calendar_adding import add_year, draft_of, holidays_of
from api.cases.case_log import verify_cases
from api.cases.categories import (
    CategoryChange,
    EditionDiff,
    diff,
    edition_of_rows,
    limit_text,
    read_sheet,
)
from api.cases.exporting import export_cases
from api.cases.filing import Editions
from api.cases.importing import import_orders
from api.cases.orders import read_orders
from api.cases.stored_rules import edition_in_force, store_edition, stored_edition
from api.console import Terminal
from api.database import Store
from api.settings import Settings
from api.store_commands import migrated
from geo.errors import InputError
from geo.files import replacing
from maps.text import Language, text

# Faults that a terminal shows; a script gets all of them.
SHOWN_FAULTS = 20
# Changes of classes that a terminal shows.
SHOWN_CHANGES = 60


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
    terminal: Terminal,
    settings: Settings,
    file: Path,
    *,
    channel: str,
    area: str,
    category: str | None,
    classes: Sequence[str],
    number_column: str | None,
    open_only: bool,
) -> None:
    """File the work orders of a file and tell what came of it.

    Parameters
    ----------
    classes : sequence of str
        As `NAME=CODE`: what the file calls a class, and its code.

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
        orders = read_orders(
            file, edition, calendar, category=category, classes=_classes(classes),
            number_column=number_column, open_only=open_only,
        )  # fmt: skip
        came = import_orders(session, orders, edition, calendar, channel=channel, area=area, report=report)
    values = {"file": str(file), "channel": channel, **came.told()}
    lines = [text("cli.cases_imported", terminal.language, **values)]
    if came.ended:
        left = "left" if open_only else "begun"
        lines.append(text(f"cli.cases_ended_{left}", terminal.language, n=came.ended))
    lines += [
        text(f"cli.cases_{name}", terminal.language, n=one.n, row=one.row) for name, one in came.odd.items()
    ]
    terminal.result(lines, values)


def _classes(said: Sequence[str]) -> dict[str, str]:
    found = {}
    for one in said:
        name, _, code = one.rpartition("=")
        if not name or not code:
            raise InputError(
                "class_not_said", f"--class {one} names no class and its code", mend="write NAME=CODE",
                said=one,
            )  # fmt: skip
        found[name.strip()] = code.strip()
    return found


def look_after_calendar(terminal: Terminal, settings: Settings, said: str | None) -> None:
    """Tell the years of the working calendar, write a draft of one, or add one from its file.

    Parameters
    ----------
    said : str, optional
        A year, of which a draft is written into the folder one is in, or the file of a year.

    Raises
    ------
    InputError
    """
    folder = settings.data_dir / "calendars"
    calendar, language = load_calendar(folder=folder), terminal.language
    if said is None:
        years = [
            {"year": one.year, "edition": one.edition, "source": one.source}
            for one in calendar.years.values()
        ]
        terminal.result([text("cli.calendar_year", language, **one) for one in years], {"years": years})
        return
    if said.isdecimal():
        year = int(said)
        draft = Path(f"{calendar.name}-{year}.toml")
        words = draft_of(calendar, year, language)
        if draft.exists():
            raise InputError(
                "calendar_draft_there", f"there is a file {draft} here already", mend="fill that one in",
                name=str(draft),
            )  # fmt: skip
        with replacing(draft) as temporary:
            temporary.write_text(words, encoding="utf-8")
        values: dict[str, object] = {"file": str(draft), "year": year}
        terminal.result([text("cli.calendar_drafted", language, **values)], values)
        return
    read = add_year(calendar, Path(said), folder)
    lines = [text("cli.calendar_off", language, **vars(off), days=off.days) for off in holidays_of(read)]
    lines += [text("cli.calendar_made_up", language, name=name, day=day)
              for day, name in sorted(read.make_up_days.items())]  # fmt: skip
    values = {
        "year": read.year, "edition": read.edition, "off": len(read.holidays),
        "made_up": len(read.make_up_days), "replaced": read.year in calendar.years,
    }  # fmt: skip
    told = "calendar_replaced" if values["replaced"] else "calendar_added"
    terminal.result([*lines, text(f"cli.{told}", language, **values)], values)


def export_file(terminal: Terminal, settings: Settings, file: Path) -> None:
    """Write all cases as CSV."""
    written = export_quietly(settings, file)
    values = {"file": str(file), "cases": written}
    terminal.result([text("cli.cases_exported", terminal.language, **values)], values)


def export_quietly(settings: Settings, file: Path) -> int:
    """Write all cases as CSV and return how many."""
    with migrated(settings) as store, everywhere(store, "admin") as session:
        return export_cases(session, file)


def bring_categories(
    terminal: Terminal, settings: Settings, file: Path, *, name: str, source: str, in_force: bool
) -> None:
    """Compare a sheet of classes with the edition in force and tell what differs; store it where asked to.

    Raises
    ------
    InputError
    """
    if not re.fullmatch("[^\x00-\x1f\x7f]{1,64}", name):
        raise InputError(
            "edition_name", "an edition has a name of at most 64 printable characters",
            mend="name it like 2027", name=name,
        )  # fmt: skip
    rows = read_sheet(file)
    with migrated(settings) as store, store.owner.begin() as owner:
        before = stored_edition(owner, edition_in_force(owner))
        assert before is not None
        if stored_edition(owner, name) is not None:
            raise InputError(
                "edition_there", f"there is an edition {name} already, and none is ever altered",
                mend="give the new one another name", name=name,
            )  # fmt: skip
        # The sheet has no column for the kind: a class that is there keeps its own.
        kinds = {code: category.kind for code, category in before.categories.items()}
        after = edition_of_rows(name, source, rows, kinds=kinds)
        live = owner.execute(
            query("SELECT c.category, count(*) FROM cases c JOIN case_states s ON s.state = c.state"
                  " WHERE s.is_open AND c.edition = :e GROUP BY c.category"),
            {"e": before.name},
        )  # fmt: skip
        found = diff(before, after, dict(tuple(row) for row in live))
        if in_force:
            store_edition(owner, after, in_force=True)
    terminal.result(*_told_of_categories(found, terminal.language, file, before.name, name, in_force))


def _told_of_categories(
    found: EditionDiff, language: Language, file: Path, before: str, after: str, in_force: bool
) -> tuple[list[str], dict[str, object]]:
    counts = {
        "added": len(found.added), "changed": len(found.changed), "removed": len(found.removed),
        "live": sum(found.live.values()),
    }  # fmt: skip
    values = {"file": str(file), "before": before, "edition": after, **counts}
    changes = [
        *(f"+ {one.code} {one.small_name}" for one in found.added),
        *(f"~ {one.after.code} {one.after.small_name}: {_difference(one)}" for one in found.changed),
        *(f"- {one.code} {one.small_name}" for one in found.removed),
    ]
    lines = [text("cli.categories_compared", language, **values)]
    lines += [f"  {change}" for change in changes[:SHOWN_CHANGES]]
    if len(changes) > SHOWN_CHANGES:
        lines.append("  " + text("cli.categories_more", language, n=len(changes) - SHOWN_CHANGES))
    key = "cli.categories_stored" if in_force else "cli.categories_not_stored"
    lines.append(text(key, language, **values))
    return lines, {**values, "in_force": in_force, "changes": changes, "live_by_class": dict(found.live)}


def _difference(change: CategoryChange) -> str:
    """Return what of a class differs: its name, and limits and units of its conditions, before and after."""
    before, after = (
        [
            one.small_name,
            *(" ".join(filter(None, (c.filing, limit_text(c.limit), c.unit))) for c in one.conditions),
        ]
        for one in (change.before, change.after)
    )
    gone = [said for said in before if said not in after]
    new = [said for said in after if said not in before]
    return f"{'; '.join(gone) or '-'} → {'; '.join(new) or '-'}"


@contextmanager
def everywhere(store: Store, role: str) -> Iterator[Session]:
    """Open a transaction in which whoever holds the machine acts in a role everywhere, without an account."""
    with store.owner.connect() as owner:
        root = owner.execute(query("SELECT path::text FROM divisions WHERE parent_id IS NULL")).scalar_one()
    with store.acting(None, {role: [root]}, long=True) as session:
        yield session


def set_intake(
    terminal: Terminal, settings: Settings, area: str, *, anonymous: bool | None, reporters: bool | None
) -> None:
    """Say who may report in an area, as far as it is said, and tell what holds there.

    Raises
    ------
    InputError
        There is no such area.
    """
    with migrated(settings) as store, store.owner.begin() as owner:
        division = owner.execute(
            query("SELECT id, path FROM weige.divisions WHERE code = :code"), {"code": area}
        ).one_or_none()
        if division is None:
            raise InputError(
                "area_unknown", f"there is no area {area}", mend="name a code, or all", area=area
            )
        held = owner.execute(
            query("""SELECT i.reporters, i.anonymous FROM weige.case_intake i
                     JOIN weige.divisions d ON d.id = i.division_id
                     WHERE d.path @> :path ORDER BY nlevel(d.path) DESC LIMIT 1"""),
            {"path": division.path},
        ).one_or_none()
        now = {
            "reporters": held.reporters if held else True, "anonymous": held.anonymous if held else False,
        }  # fmt: skip
        wanted = {"reporters": reporters, "anonymous": anonymous}
        changed = {name: value for name, value in wanted.items() if value is not None}
        now |= changed
        if changed:
            owner.execute(
                query("""INSERT INTO weige.case_intake (division_id, reporters, anonymous)
                         VALUES (:id, :reporters, :anonymous)
                         ON CONFLICT (division_id) DO UPDATE SET reporters = excluded.reporters,
                           anonymous = excluded.anonymous"""),
                {"id": division.id, **now},
            )
    language = terminal.language
    told = {name: text(f"cli.{'yes' if value else 'no'}", language) for name, value in now.items()}
    terminal.result([text("cli.intake", language, area=area, **told)], {"area": area, **now})
