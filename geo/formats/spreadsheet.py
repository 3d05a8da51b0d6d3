"""Excel workbooks: one sheet of values, no formula, link or macro."""

from __future__ import annotations

import io
import warnings
from collections.abc import Collection
from datetime import date, datetime, time
from typing import Any

from geo.errors import InputError
from geo.formats.archive import member_bytes, open_archive
from geo.formats.raw import HEAD_ROWS, RawTable, broken, chosen_layer, reading, text_array

# More than any ledger has; a sheet may claim 16,384 columns by one stray cell.
_MAX_COLUMNS = 256
_PROLOG_BYTES = 4096


def read_spreadsheet(
    content: bytes, file: str, layer: str | None, *, usual: Collection[str] = ()
) -> RawTable:
    """Read the only sheet with content, or the one named `layer`; its first row names the columns.

    Of several sheets with content the only one that has a name of `usual` is meant, unless it goes on in
    further ones (`cases 2`).
    """
    # Imported where it is needed: most layers are no workbooks, and it takes a quarter of a second.
    import openpyxl

    with open_archive(content, file) as archive:
        names = archive.namelist()
        if "xl/workbook.xml" not in names:
            raise broken(file, "not an Excel workbook")
        for name in names:
            if name.endswith((".xml", ".rels")):
                prolog = member_bytes(archive, name, file)[:_PROLOG_BYTES].replace(b"\0", b"").upper()
                if b"<!DOCTYPE" in prolog or b"<!ENTITY" in prolog:
                    raise broken(file, "a part declares a document type")
    with reading(file), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # styles and validations that openpyxl leaves out
        workbook = openpyxl.load_workbook(
            io.BytesIO(content), read_only=True, data_only=True, keep_links=False
        )
        try:
            sheets = {sheet.title: sheet for sheet in workbook.worksheets}
            if layer is None:
                rows_of = {name: _rows(sheet) for name, sheet in sheets.items()}
                filled = [name for name, rows in rows_of.items() if rows]
                meant = [name for name in filled if name in usual]
                goes_on = len(meant) == 1 and any(name.startswith(f"{meant[0]} ") for name in filled)
                chosen = chosen_layer(file, None, meant if len(meant) == 1 and not goes_on else filled)
                rows = rows_of[chosen]
            else:
                chosen = chosen_layer(file, layer, list(sheets))
                rows = _rows(sheets[chosen])
        finally:
            workbook.close()
    if not rows:
        raise InputError("file_empty", "the sheet is empty", mend="export it again", file=file, layer=chosen)
    header = ["" if cell is None else str(_cell(cell)).strip() for cell in rows[0][1]]
    width = max(at + 1 for at, name in enumerate(header) if name) if any(header) else 0
    body = rows[1:]
    values = tuple(
        text_array([_cell(row[at]) if at < len(row) else None for _, row in body]) for at in range(width)
    )
    head = tuple(
        (number, tuple("" if cell is None else str(_cell(cell)).strip() for cell in row))
        for number, row in rows[:HEAD_ROWS]
    )
    return RawTable(
        file,
        chosen,
        tuple(header[:width]),
        values,
        None,
        None,
        numbering=body[0][0] if body else 2,
        head=head,
    )


def _rows(sheet: Any) -> list[tuple[int, tuple[Any, ...]]]:
    """Rows that are not blank, with their numbers."""
    sheet.reset_dimensions()
    return [
        (number, row)
        for number, row in enumerate(sheet.iter_rows(max_col=_MAX_COLUMNS, values_only=True), start=1)
        if row.count(None) < len(row)  # a stray cell far down makes a million blank rows before it
    ]


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, datetime | date | time):
        return value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
    return value
