"""Checklists of stations: editions of what each kind of station should have, and how long a check holds.

What was seen working is taken to work until the edition's days are over; then it is doubted ("grey") by
itself, as is what the register names and nobody has looked at.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from importlib import resources

from sqlalchemy import Connection, text

from api.facilities import facility_words

UNVERIFIED = "unverified"


class ItemState(StrEnum):
    """What is known of a facility."""

    WORKING = "working"
    # Not checked, or too long ago.
    GREY = "grey"
    BROKEN = "broken"
    MISSING = "missing"


@dataclass(frozen=True)
class Item:
    """Something that a station should have: `words` are those of which the register's facility has one."""

    item: str
    name: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Checklist:
    """An edition of a checklist.

    Attributes
    ----------
    edition, name, source : str
        `source` is `unverified` where nobody published it.
    begins : date
        From which day on stations are judged by it.
    types : tuple of str
        Kinds of stations it is for.
    checked_within_days : int
        For so long what was seen working is taken to work.
    in_each_grid : bool
        Whether each micro-grid should have a station of these types.
    items : tuple of Item
    """

    edition: str
    name: str
    source: str
    begins: date
    types: tuple[str, ...]
    checked_within_days: int
    in_each_grid: bool
    items: tuple[Item, ...]


def shipped_checklists() -> Iterator[Checklist]:
    """Yield the editions that are shipped (`api/data/checklists`)."""
    folder = resources.files("api") / "data" / "checklists"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            table = tomllib.loads(file.read_text(encoding="utf-8"))
            items = tuple(Item(code, name, facility_words()[code]) for code, name in table.pop("items"))
            yield Checklist(**{**table, "types": tuple(table["types"]), "items": items})


def store_checklist(connection: Connection, checklist: Checklist) -> None:
    """Keep an edition; one that is kept already is refused by the database."""
    connection.execute(
        text("""
            INSERT INTO weige.checklists
              (edition, name, source, begins, types, checked_within_days, in_each_grid)
            VALUES (:edition, :name, :source, :begins, :types, :checked_within_days, :in_each_grid)"""),
        {**vars(checklist), "types": list(checklist.types)},
    )
    for position, item in enumerate(checklist.items):
        connection.execute(
            text("INSERT INTO weige.checklist_items (edition, position, item, name, words)"
                 " VALUES (:edition, :position, :item, :name, :words)"),
            {"edition": checklist.edition, "position": position, **vars(item), "words": list(item.words)},
        )  # fmt: skip


def item_state(
    *, checked: str | None, on: date | None, is_listed: bool, holds_days: int, today: date
) -> ItemState:
    """Return what is known of a facility on a day.

    Parameters
    ----------
    checked : str or None
        What was seen last: working, broken or missing; None where nobody looked.
    on : date or None
        When.
    is_listed : bool
        Whether the register says that it is there.
    holds_days : int
        For so long what was seen working is taken to work.
    """
    if checked is None or on is None:
        return ItemState.GREY if is_listed else ItemState.MISSING
    if checked == ItemState.WORKING and today - on > timedelta(days=holds_days):
        return ItemState.GREY
    return ItemState(checked)
