"""Cases as a workbook, row by row from a table of any length, in memory that does not grow with it."""

from __future__ import annotations

import csv
import io
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter

from geo.encoding import encoding_of_file
from geo.errors import InputError
from geo.formats.raw import open_regular
from geo.personal import has_personal_name, is_personal_content, without_numbers
from maps.text import Language, text, words
from maps.workbook import FORMULA, MAX_CELL, MAX_ROWS, MAX_WIDTH, MIN_WIDTH, NOT_XML, as_written, book_at

# Rows by which widths are chosen and personal columns told.
_SAMPLE = 2_000
# What Excel would not take for text.
_MARKED = ("#", *FORMULA)
# Columns of numbers; everything else, codes of digits too, stays text.
_NUMBERS = frozenset({"lon", "lat", "accuracy_m"})
# In the workbook of a plan a text is a finding.
_HEADINGS = {"text": "case_text"}


def write_case_book(source: Path, output: Path, *, language: Language) -> tuple[int, list[str]]:
    """Write a table of cases (CSV) as a workbook; a sheet that is full is followed by another.

    Telephone and identity numbers in texts are masked, columns of them left out. Whatever people typed stays
    text.

    Returns
    -------
    (int, list of str)
        Rows written, and the columns that were left out.

    Raises
    ------
    InputError
        The table cannot be read, has no heading, or the workbook cannot be written.
    """
    with open_regular(source) as handle, closing(_rows(handle, source.name)) as rows:
        return write_rows(rows, output, language=language, file=source.name)


def write_rows(
    rows: Iterable[Sequence[str]], output: Path, *, language: Language, file: str
) -> tuple[int, list[str]]:
    """Write rows, the first of them the heading, as `write_case_book` does; `file` is what messages name."""
    stream = iter(rows)
    columns = [name.strip() for name in next(stream, [])]
    if not any(columns):
        raise InputError(
            "table_without_heading",
            "has no line of column names",
            mend="export it with its heading",
            file=file,
        )
    sample = list(islice(stream, _SAMPLE))
    left_out = {
        at
        for at, name in enumerate(columns)
        if has_personal_name(name) or is_personal_content(np.array([_at(row, at) for row in sample], object))
    }
    kept = [at for at in range(len(columns)) if at not in left_out]
    count = 0
    sheet: Any = None
    states = words(language)
    with book_at(output) as book:
        for row in chain(sample, stream):
            if count % (MAX_ROWS - 1) == 0:
                sheet = _sheet(
                    book, [columns[at] for at in kept], sample, kept, language, count // (MAX_ROWS - 1)
                )
            sheet.append(
                [_cell(sheet, columns[at], _shown(columns[at], _at(row, at), states)) for at in kept]
            )
            count += 1
        if sheet is None:
            _sheet(book, [columns[at] for at in kept], sample, kept, language, 0)
    return count, [columns[at] for at in sorted(left_out)]


def _sheet(
    book: Workbook,
    columns: Sequence[str],
    sample: Sequence[Sequence[str]],
    kept: Sequence[int],
    language: Language,
    number: int,
) -> Any:
    name = text("workbook.sheet.cases", language)
    sheet = book.create_sheet(f"{name} {number + 1}" if number else name)
    sheet.freeze_panes = "A2"
    known = words(language)
    headings = [known.get(f"workbook.column.{_HEADINGS.get(column, column)}", column) for column in columns]
    for place, (heading, at) in enumerate(zip(headings, kept, strict=True), 1):
        longest = max(_width(shown) for shown in (heading, *(_at(row, at) for row in sample[:200])))
        sheet.column_dimensions[get_column_letter(place)].width = min(MAX_WIDTH, max(MIN_WIDTH, longest + 2))
    cells = []
    for heading in headings:
        cell = WriteOnlyCell(sheet, None)
        cell.value, cell.data_type = NOT_XML.sub("", heading), "s"
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="DDEBF7")
        cells.append(cell)
    sheet.append(cells)
    return sheet


def _shown(column: str, value: str, known: Mapping[str, str]) -> str:
    return known.get(f"case.state.{value}", value) if column == "state" else value


def _cell(sheet: Any, column: str, value: str) -> Any:
    """Return a cell in which text stays text, whatever it begins with; most need no cell of their own."""
    if not value:
        return None
    if column in _NUMBERS:
        try:
            number = float(value)
        except ValueError:
            number = np.nan
        if np.isfinite(number):
            return number
    value = without_numbers(as_written(value))
    if not value.isprintable():
        value = NOT_XML.sub("", value)
    if len(value) > MAX_CELL:
        value = value[: MAX_CELL - 1] + "\u2026"
    if not value.startswith(_MARKED):
        return value
    cell = WriteOnlyCell(sheet, value)
    cell.data_type = "s"  # openpyxl would take "=..." for a formula and "#N/A" for an error
    cell.number_format = "@"
    cell.quotePrefix = True
    return cell


def _rows(handle: BinaryIO, file: str) -> Generator[list[str], None, None]:
    encoding = encoding_of_file(handle)
    if encoding is None:
        raise InputError(
            "encoding_unreadable",
            "the text is in no encoding that is known",
            mend="export it as UTF-8",
            file=file,
        )
    handle.seek(0)
    lines = io.TextIOWrapper(handle, encoding=encoding, newline="")
    try:
        yield from csv.reader(lines)
    except csv.Error as error:
        raise InputError(
            "table_broken", f"is no table ({error})", mend="export it again", file=file, reason=str(error)
        ) from error
    finally:
        lines.detach()


def _at(row: Sequence[str], at: int) -> str:
    return row[at] if at < len(row) else ""


def _width(shown: str) -> int:
    return sum(2 if ord(character) > 0x2E7F else 1 for character in shown[:MAX_WIDTH])
