"""All cases as a table that other systems read, and `weige cases import` as well."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from geo.errors import InputError
from geo.files import replacing
from maps.workbook import FORMULA

_SIGNS = ", ".join(f"chr({ord(sign)})" for sign in FORMULA)


def _harmless(text: str, name: str) -> str:
    """Return an expression of a text as `maps.workbook.harmless` writes it."""
    return f"CASE WHEN left({text}, 1) IN ({_SIGNS}) THEN chr(39) || {text} ELSE {text} END AS {name}"


EXPORTED = (
    _harmless("coalesce(c.external_number, c.number)", "external_number"), "c.number AS case_number",
    "c.channel", "c.category", _harmless("k.large_name", "large_name"),
    _harmless("k.small_name", "small_name"), "c.condition", "c.state", "a.code AS area", "c.grid",
    _harmless("c.text", "text"), _harmless("c.address", "address"), "round(ST_X(c.geom)::numeric, 7) AS lon",
    "round(ST_Y(c.geom)::numeric, 7) AS lat", "c.accuracy_m", "c.reported_at", "c.filed_at",
    "c.handled_at", "c.closed_at", "c.due_at", _harmless("c.holder", "holder"),
)  # fmt: skip


def export_cases(session: Session, path: Path) -> int:
    """Write every case that the actor sees as CSV, row by row, and return how many; it can be imported.

    Times are those of the city. A text that a spreadsheet would take for a formula begins with an apostrophe,
    which the import takes away. The mark of UTF-8 stands first: Excel reads Chinese by it alone.

    Raises
    ------
    InputError
        The name of the file says that it is a workbook.
    """
    if path.suffix.lower() in (".xlsx", ".xls"):
        raise InputError(
            "export_is_csv", "cases are exported as CSV",
            mend="name the file .csv; weige workbook makes a book", file=path.name,
        )  # fmt: skip

    query = (
        f"COPY (SELECT {', '.join(EXPORTED)} FROM cases c JOIN divisions a ON a.id = c.area_id"
        " JOIN case_categories k ON (k.edition, k.category) = (c.edition, c.category) ORDER BY c.id)"
        " TO STDOUT (FORMAT csv, HEADER)"
    )
    driver: Any = session.connection().connection.driver_connection
    driver.execute("SET LOCAL timezone = 'Asia/Shanghai'")
    with replacing(path) as temporary, temporary.open("wb") as file, driver.cursor() as cursor:
        file.write(codecs.BOM_UTF8)
        with cursor.copy(query) as copy:
            for block in copy:
                file.write(block)
        return int(cursor.rowcount)
