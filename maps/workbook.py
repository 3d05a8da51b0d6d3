"""Findings, grids and communities as a workbook (.xlsx), a table (.csv) or for scripts (.json)."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from geo.errors import InputError
from geo.files import replacing
from maps.text import Language, text, words

FORMATS = (".xlsx", ".csv", ".json")

# XML 1.0 has no characters but these; the rest would make a file that Excel calls damaged.
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# What a spreadsheet takes for the beginning of a formula when it opens a .csv.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# A cell of Excel holds no more characters.
MAX_CELL = 32_767
# A sheet of Excel holds no more rows.
MAX_ROWS = 1_048_576
# Widths in characters of the digit 0.
_WIDTHS = {"text": 90, "note_text": 60, "unit_ids": 48, "reason": 26}
MIN_WIDTH, MAX_WIDTH = 9, 40
_FILLS = {
    ("severity", "error"): "F8CBAD",
    ("severity", "warning"): "FFF2CC",
    ("status", "too_large"): "F8CBAD",
    ("status", "too_small"): "FFF2CC",
    ("status", "exempt"): "E7E6E6",
    ("change", "ended"): "F8CBAD",
    ("change", "changed"): "FFF2CC",
    ("change", "new"): "E2EFDA",
    ("recommended", "True"): "E2EFDA",
}
_WRAPPED = ("text", "note_text", "unit_ids")
# Columns of codes that have words in the locale, and where: `workbook.<column>.<code>`, but for what the map
# and the engine say too.
_WORDS = {
    column: f"workbook.{column}"
    for column in ("code", "remedy", "effect", "severity", "kind", "change", "cause", "matter", "item")
} | {"status": "page.status", "reason": "finding.reason"}


def write_findings(
    path: str | os.PathLike[str],
    findings: pd.DataFrame,
    grids: pd.DataFrame | None = None,
    communities: pd.DataFrame | None = None,
    *,
    remedies: pd.DataFrame | None = None,
    summary: pd.DataFrame | None = None,
    language: Language,
) -> None:
    """Write findings to a file, the format by the end of its name; an existing file is replaced at once.

    .xlsx has a sheet for each table, .json a list of objects for each; .csv holds the findings only.
    Headings, sentences and the words of codes are in the reader's language except in .json, which keeps
    names and codes and has the sentences in both. Whatever people typed stays text: nothing becomes a
    formula.

    Parameters
    ----------
    path : path
        Ends in .xlsx, .csv or .json.
    findings : DataFrame
        `maps.findings.findings_frame`: code, severity, grid_id, community_id, unit_ids, text; its column
        `values` goes into .json only.
    grids : DataFrame, optional
        `Review.grids_frame()` or the layer `micro_grids` without geometry.
    communities : DataFrame, optional
        `Review.communities_frame()`.
    remedies : DataFrame, optional
        `maps.findings.remedies_frame`.
    summary : DataFrame, optional
        `Review.summary_frame()`.
    language : {"zh_CN", "en"}
        Of headings and words.

    Raises
    ------
    InputError
        The name ends otherwise, or the file cannot be written.
    """
    target = Path(path)
    tables = {
        "findings": findings,
        "remedies": remedies,
        "grids": grids,
        "communities": communities,
        "summary": summary,
    }
    given = {name: table for name, table in tables.items() if table is not None}
    if target.suffix.lower() != ".json":
        numbered = remedies is not None and target.suffix.lower() == ".xlsx"
        given["findings"] = _for_readers(findings, language, numbered=numbered)
    writers = {".xlsx": _xlsx, ".csv": _csv, ".json": _json}
    suffix = target.suffix.lower()
    if suffix not in writers:
        raise InputError(
            "output_format_unknown",
            f"the name ends in none of {', '.join(FORMATS)}",
            mend="choose one of them",
            file=target.name,
        )
    content = writers[suffix](given, language)
    with replacing(target) as beside:
        beside.write_bytes(content)


def _for_readers(findings: pd.DataFrame, language: Language, *, numbered: bool) -> pd.DataFrame:
    """Leave out what is for scripts, values, and sentences in another language.

    The number of a finding's remedy stays only beside the sheet of remedies.
    """
    own, other = ("text_zh", "text_en") if language == "zh_CN" else ("text_en", "text_zh")
    left_out = ["values", other, *([] if numbered else ["step"])]
    return findings.drop(columns=left_out, errors="ignore").rename(columns={own: "text"})


# -- cells ---------------------------------------------------------------------------------------------


def _value(cell: object) -> Any:
    """Return a cell as plain str, int, float, bool, list, dict or None."""
    if isinstance(cell, list | tuple | np.ndarray):
        return [_value(item) for item in cell]
    if isinstance(cell, Mapping):
        return {str(_value(name)): _value(item) for name, item in cell.items()}
    if isinstance(cell, np.generic):
        cell = cell.item()
    if cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, float) and not np.isfinite(cell)):
        return None
    if isinstance(cell, bool | int | float):
        return cell
    return NOT_XML.sub("", str(cell))


def _word(column: str, cell: Any, language: Language) -> Any:
    """Return what a reader sees of a cell: words for codes, lists joined."""
    if isinstance(cell, list):
        return text("finding.separator", language).join(str(item) for item in cell)
    if column in _WORDS and isinstance(cell, str):
        return words(language).get(f"{_WORDS[column]}.{cell}", cell)
    return cell


def _heading(column: str, language: Language) -> str:
    known = words(language)
    key = "n_units" if column == "units" else column
    return known.get(f"workbook.column.{key}", str(_value(column)))


def _rows(table: pd.DataFrame) -> Iterable[list[Any]]:
    columns = [[_value(cell) for cell in table[name].array] for name in table.columns]
    return map(list, zip(*columns, strict=True))


# -- formats -------------------------------------------------------------------------------------------


def _xlsx(tables: Mapping[str, pd.DataFrame], language: Language) -> bytes:
    book = Workbook(write_only=True)
    for name, table in tables.items():
        add_table(book, name, table, language)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


@contextmanager
def book_at(path: Path) -> Iterator[Workbook]:
    """Yield a write-only workbook, which is saved as `path` when the block ends well.

    Until then its sheets are in a folder beside `path` that nobody else can read, and that goes however the
    block ends. While it lasts this is where the process has its temporary files: openpyxl keeps unfinished
    sheets with these, and they would stay when a command is ended.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    with (
        replacing(path) as beside,
        TemporaryDirectory(dir=beside.parent, prefix=f".{path.stem[:20]}-") as folder,
        _temporary_files_in(folder),
    ):
        book = Workbook(write_only=True)
        try:
            yield book
            book.save(beside)
        except BaseException:
            # Sheets that were begun are ended here: left to be collected, they complain in the terminal.
            for sheet in book.worksheets:
                with suppress(Exception):
                    sheet.close()
            raise


@contextmanager
def _temporary_files_in(folder: str) -> Iterator[None]:
    before, tempfile.tempdir = tempfile.tempdir, folder
    try:
        yield
    finally:
        tempfile.tempdir = before


def add_table(book: Workbook, name: str, table: pd.DataFrame, language: Language) -> Any:
    """Add a table to a write-only book as the sheet `workbook.sheet.<name>`, and return the sheet."""
    heading_font = Font(bold=True)
    heading_fill = PatternFill("solid", fgColor="DDEBF7")
    fills = {colour: PatternFill("solid", fgColor=colour) for colour in set(_FILLS.values())}
    top, wrapped = Alignment(vertical="top"), Alignment(vertical="top", wrap_text=True)
    sheet = book.create_sheet(text(f"workbook.sheet.{name}", language))
    rows = list(_rows(table))[: MAX_ROWS - 1]
    columns = [str(column) for column in table.columns]
    sheet.freeze_panes = "A2"
    sheet.print_title_rows = "1:1"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    headings = [_heading(column, language) for column in columns]
    for place, column in enumerate(columns):
        sample = [_word(column, row[place], language) for row in rows[:200]]
        sheet.column_dimensions[get_column_letter(place + 1)].width = _width(
            column, [headings[place], *sample]
        )
    if columns:
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{len(rows) + 1}"
    sheet.append([_cell(sheet, heading, font=heading_font, fill=heading_fill) for heading in headings])
    for row in rows:
        cells = []
        for column, value in zip(columns, row, strict=True):
            shown = _word(column, value, language)
            if value is None and column in ("least_grids", "most_grids"):
                shown = text("workbook.none_legal", language)
            colour = _FILLS.get((column, str(value)))
            cells.append(
                _cell(
                    sheet,
                    shown,
                    fill=fills[colour] if colour else None,
                    alignment=wrapped if column in _WRAPPED else top,
                )
            )
        sheet.append(cells)
    return sheet


def _cell(sheet: Any, value: Any, **style: Any) -> Any:
    """Return a cell in which text stays text, whatever it begins with."""
    if isinstance(value, str) and len(value) > MAX_CELL:
        value = value[: MAX_CELL - 1] + "\u2026"
    cell = WriteOnlyCell(sheet, value)
    if isinstance(value, str):
        cell.data_type = "s"  # openpyxl would take "=..." for a formula and "#N/A" for an error
        cell.number_format = "@"
        cell.quotePrefix = value.startswith(FORMULA)  # so that it stays text when someone edits it
    elif isinstance(value, float):
        cell.number_format = "0.00" if abs(value) < 10 else "#,##0.0"
    for name, chosen in style.items():
        if chosen is not None:
            setattr(cell, name, chosen)
    return cell


def _width(column: str, shown: Iterable[Any]) -> int:
    """Return a column's width; a Chinese character is as wide as two digits."""
    if column in _WIDTHS:
        return _WIDTHS[column]
    longest = max(
        sum(2 if ord(character) > 0x2E7F else 1 for character in str(cell))
        for cell in shown
        if cell is not None
    )
    return min(MAX_WIDTH, max(MIN_WIDTH, longest + 2))


def _csv(tables: Mapping[str, pd.DataFrame], language: Language) -> bytes:
    table = tables["findings"]
    columns = [str(column) for column in table.columns]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow([harmless(_heading(column, language)) for column in columns])
    for row in _rows(table):
        writer.writerow(
            [harmless(_word(column, cell, language)) for column, cell in zip(columns, row, strict=True)]
        )
    # Excel takes a .csv for UTF-8 only when it begins with a byte order mark.
    return stream.getvalue().encode("utf-8-sig")


def harmless(cell: Any) -> Any:
    """Return a cell of a .csv that no spreadsheet takes for a formula."""
    if isinstance(cell, str) and cell.startswith(FORMULA):
        return "'" + cell
    return cell


def as_written(cell: str) -> str:
    """Return what a cell said before `harmless` kept it from being a formula."""
    if cell.startswith("'") and cell[1:].startswith(FORMULA):
        return cell[1:]
    return cell


def _json(tables: Mapping[str, pd.DataFrame], language: Language) -> bytes:
    content = {
        name: [
            dict(zip((str(_value(column)) for column in table.columns), row, strict=True))
            for row in _rows(table)
        ]
        for name, table in tables.items()
    }
    return (json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()
