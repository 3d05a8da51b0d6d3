"""CSV and other delimited text, as offices export it: any delimiter, UTF-8, UTF-16 or GBK."""

from __future__ import annotations

import csv
import io
from itertools import islice

from geo.encoding import decode_file, detect_encoding
from geo.errors import InputError
from geo.formats.raw import HEAD_ROWS, RawTable, reading, text_array

_DELIMITERS = ",\t;|"

# A cell of a household table is short; the limit keeps an open quote from swallowing the file.
_MAX_CELL = 1 << 20
_ROWS_AT_ONCE = 200


class _Cells(dict[str, str | None]):
    """Cells of a column without blanks around them, None for nothing.

    Most come again and again; each is held once.
    """

    def __missing__(self, cell: str) -> str | None:
        self[cell] = plain = cell.strip() or None
        return plain


def read_delimited(content: bytes, file: str) -> RawTable:
    """Read a table whose first row names the columns; every cell is text."""
    text = decode_file(content)
    if text is None:
        raise InputError(
            "encoding_unreadable",
            "its text is neither UTF-8 nor GB 18030",
            mend="export it in UTF-8",
            file=file,
            feature=_unreadable_line(content),
        )
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(
            "not_text",
            "it holds bytes that are not text",
            mend="export it again",
            file=file,
            feature=f"#{line}",
        )
    delimiter = _delimiter(text.partition("\n")[0])
    csv.field_size_limit(_MAX_CELL)
    with reading(file):
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        filled = ((number, row) for number, row in enumerate(rows, start=1) if any(map(str.strip, row)))
        header = [name.strip() for name in next(filled, (0, []))[1]]
        if not header:
            raise InputError("file_empty", "the file is empty", mend="export it again", file=file)
        columns: list[list[str | None]] = [[] for _ in header]
        same = [_Cells() for _ in header]
        while rows_read := list(islice(filled, _ROWS_AT_ONCE)):
            for number, row in rows_read:
                if len(row) != len(header):
                    raise InputError(
                        "row_length",
                        f"it has {len(row)} cells, the header {len(header)}",
                        mend="quote cells that hold the delimiter",
                        file=file,
                        feature=f"#{number}",
                        cells=len(row),
                        columns=len(header),
                    )
            cells_of = zip(*(row for _, row in rows_read), strict=True)
            for column, known, cells in zip(columns, same, cells_of, strict=True):
                column.extend(map(known.__getitem__, cells))
    values = tuple(map(text_array, columns))
    return RawTable(file, None, tuple(header), values, None, None, numbering=2)


def head_of(content: bytes) -> tuple[tuple[int, tuple[str, ...]], ...]:
    """Return the first rows that are not blank, each by its own delimiter, as `RawTable.head` has them.

    Also of a table that cannot be read since a title of one cell stands above its column names.
    """
    lines = islice((decode_file(content) or "").splitlines(), 2 * HEAD_ROWS)
    rows = ((number, _cells(line)) for number, line in enumerate(lines, start=1))
    return tuple(islice((row for row in rows if any(row[1])), HEAD_ROWS))


def _cells(line: str) -> tuple[str, ...]:
    # Within a quoted cell of several lines this is no row; none of these is taken for column names.
    return tuple(cell.strip().strip('"').strip() for cell in line.split(_delimiter(line)))


def _delimiter(line: str) -> str:
    return max(_DELIMITERS, key=line.count)


def _unreadable_line(content: bytes) -> str | None:
    lines = content.split(b"\n")
    at = next((at for at, line in enumerate(lines) if detect_encoding([line], None) is None), None)
    return None if at is None else f"#{at + 1}"
