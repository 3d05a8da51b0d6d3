"""What the commands of `weige privacy` do, and tell: PIPL articles 45 to 47, access, correction and deletion.

A telephone number is read from standard input, so that it stands in no history of a shell and in no list of
processes; what is done with it is in the audit log, without it.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row
from sqlalchemy import text as query

from api.cases.contacts import ContactKey, plain_phone, write_new_key
from api.city_time import city_zone
from api.console import Terminal
from api.settings import Settings
from api.store_commands import migrated
from geo.errors import InputError
from geo.names import shortened
from maps.text import text

_HELD = """
    SELECT c.id, c.number, c.state, c.area_id, k.sealed, k.key_id, k.kept_at, k.done_at
    FROM vault.contacts k JOIN weige.cases c ON c.id = k.case_id
    WHERE k.erased_at IS NULL AND (k.trace = :trace OR c.number = :number) ORDER BY c.number"""


def new_key(terminal: Terminal, settings: Settings, file: Path) -> None:
    """Write a new key, and say how the service is told of it.

    Raises
    ------
    InputError
    """
    inside = settings.data_dir.resolve() in file.resolve().parents
    made = write_new_key(file)
    lines = [text("cli.privacy.new_key", terminal.language, file=str(file))]
    if inside:
        lines.append(text("cli.privacy.key_inside", terminal.language))
    terminal.result(lines, {"file": str(file), "key_id": made.key_id, "in_data_folder": inside})


def show(terminal: Terminal, settings: Settings, case: str | None) -> None:
    """Tell for which cases a number is held; of a case also the number itself.

    Raises
    ------
    InputError
    """
    key = _key(settings)
    phones = [] if case else _read_phones(terminal, "cli.privacy.ask")
    with migrated(settings) as store, store.owner.begin() as owner:
        found = _held(owner, key, phones, case)
        _note(owner, "contact_shown", found)
    language = terminal.language
    told = [
        {
            "case": row.number, "state": row.state, "kept_at": row.kept_at.isoformat(),
            "erased_after": _end(row, settings),
            **({"phone": key.open(row.number, bytes(row.sealed))} if case else {}),
        }
        for row in found
    ]  # fmt: skip
    lines = [text("cli.privacy.held", language, n=len(told))]
    for one in told:
        until = one["erased_after"]
        lines.append(
            "  " + text(
                "cli.privacy.held_until" if until else "cli.privacy.held_open", language,
                case=one["case"], state=text(f"case.state.{one['state']}", language),
                kept=_city_day(one["kept_at"]), until=_city_day(until), days=settings.contact_days,
            ) + (f" {one['phone']}" if case else "")
        )  # fmt: skip
    terminal.result(lines, {"held": told})


def _city_day(at: str | None) -> str:
    return "" if at is None else datetime.fromisoformat(at).astimezone(city_zone()).date().isoformat()


def correct(terminal: Terminal, settings: Settings, case: str | None) -> None:
    """Put another number in place of one wherever it is held.

    Raises
    ------
    InputError, NotValidError
    """
    key = _key(settings)
    wanted = ("cli.privacy.ask_new",) if case else ("cli.privacy.ask", "cli.privacy.ask_new")
    phones = _read_phones(terminal, *wanted)
    with migrated(settings) as store, store.owner.begin() as owner:
        found = _held(owner, key, phones[:-1], case)
        for row in found:
            sealed = key.seal(row.number, phones[-1])
            owner.execute(
                query("UPDATE vault.contacts SET sealed = :sealed, trace = :trace, key_id = :key"
                      " WHERE case_id = :id"),
                {"sealed": sealed.sealed, "trace": sealed.trace, "key": sealed.key_id, "id": row.id},
            )  # fmt: skip
        _note(owner, "contact_corrected", found)
    _tell(terminal, "corrected", found)


def erase(terminal: Terminal, settings: Settings, case: str | None) -> None:
    """Erase a number wherever it is held.

    Raises
    ------
    InputError, NotValidError
    """
    # What a case holds is erased without the key as well.
    phones = [] if case else _read_phones(terminal, "cli.privacy.ask")
    key = None if case else _key(settings)
    with migrated(settings) as store, store.owner.begin() as owner:
        found = _held(owner, key, phones, case)
        owner.execute(
            query("UPDATE vault.contacts SET sealed = NULL, trace = NULL, erased_at = now()"
                  " WHERE case_id = ANY (:ids)"),
            {"ids": [row.id for row in found]},
        )  # fmt: skip
        _note(owner, "contact_erased", found)
    _tell(terminal, "erased", found)


def _tell(terminal: Terminal, what: str, found: Sequence[Row[Any]]) -> None:
    numbers = [row.number for row in found]
    lines = [text(f"cli.privacy.{what}", terminal.language, n=len(numbers))]
    terminal.result([*lines, *(f"  {number}" for number in numbers)], {what: numbers})


def _key(settings: Settings) -> ContactKey:
    if settings.contact_key_file is None:
        raise InputError(
            "contact_key_missing", "no key of contacts is named", mend="set WEIGE_CONTACT_KEY_FILE", file="-"
        )
    return ContactKey.read(settings.contact_key_file)


def _read_phones(terminal: Terminal, *questions: str) -> list[str]:
    """Read a number for each question: typed unseen at a terminal, else a line of standard input each."""
    if sys.stdin.isatty():
        said = [getpass.getpass(text(question, terminal.language)) for question in questions]
    else:
        said = [sys.stdin.readline() for _ in questions]
    return [plain_phone(each) for each in said]


def _held(
    owner: Connection, key: ContactKey | None, phones: Sequence[str], case: str | None
) -> Sequence[Row[Any]]:
    if case and not owner.execute(query("SELECT 1 FROM weige.cases WHERE number = :n"), {"n": case}).first():
        raise InputError(
            "case_unknown", f"there is no case {shortened(case)}", mend="give the 19 digits of its number",
            case=shortened(case),
        )  # fmt: skip
    trace = key.trace(phones[0]) if key is not None and phones else None
    return owner.execute(query(_HELD), {"trace": trace, "number": case}).all()


def _note(owner: Connection, action: str, found: Sequence[Row[Any]]) -> None:
    """Put what was done into the audit log, in the chain of whoever holds the machine."""
    for row in found:
        owner.execute(
            query("SELECT weige.audit(:action, jsonb_build_object('case', cast(:id AS bigint)), :area)"),
            {"action": action, "id": row.id, "area": row.area_id},
        )


def _end(row: Row[Any], settings: Settings) -> str | None:
    done: datetime | None = row.done_at
    return None if done is None else (done + timedelta(days=settings.contact_days)).isoformat()
