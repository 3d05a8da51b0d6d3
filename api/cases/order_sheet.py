"""A table of work orders: its columns found by their names, its rows, and what is wrong with one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from api.cases.categories import cell_text, columns_of, read_table
from geo.case_states import is_ended
from geo.errors import InputError
from geo.formats.delimited import head_of
from geo.formats.raw import RawTable, read_bytes
from maps.text import LANGUAGES
from maps.text import text as words_of
from maps.workbook import as_written

# What numbers the rows of one file (id, 序号) identifies nothing in the next one, and is not among them.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "external_number": (
        "external_number", "number", "工单编号", "工单号", "案件编号", "事件编号", "受理编号", "case_id",
        "case_enquiry_id", "incident_id", "ticket_id", "service_request_id",
    ),
    # The number that a case has here: what this service wrote and is brought back is known by it.
    "own": ("case_number", "案件编号", "Case number"),
    "category": ("category", "类别", "小类", "小类名称", "问题类别", "小类代码", "kind", "类型"),
    "large": ("large_name", "大类", "大类名称"),
    "condition": ("condition", "立案条件序号"),
    "text": ("text", "诉求内容", "问题描述", "描述", "内容", "case_title"),
    "address": ("address", "地址", "事发地址", "location"),
    "lon": ("lon", "lng", "longitude", "经度"),
    "lat": ("lat", "latitude", "纬度"),
    "accuracy_m": ("accuracy_m", "定位精度"),
    "reported_at": ("reported_at", "来电时间", "上报时间", "受理时间", "发生时间", "open_dt"),
    "state": ("state", "状态", "案件状态", "工单状态", "办理状态", "case_status"),
}  # fmt: skip
# Without them an order cannot be filed.
_NEEDED = ("external_number", "reported_at")
# The sheet of cases of the workbooks that this product writes, which have others beside it.
_SHEETS = tuple(words_of("workbook.sheet.cases", language) for language in LANGUAGES)


@dataclass(frozen=True)
class Sheet:
    """A table of orders being read.

    Attributes
    ----------
    found : mapping of column to position
        By the names in `COLUMNS`.
    rows : sequence of int
        The rows that are taken, from 0.
    n_ended : int
        Rows of the file, taken or not, of which it says that they are over.
    """

    path: Path
    raw: RawTable
    found: Mapping[str, int]
    rows: Sequence[int]
    n_ended: int

    def cells(self, name: str) -> list[str]:
        """Return a column as texts, "" for none, as they were before an export made them harmless."""
        if name not in self.found:
            return [""] * len(self.rows)
        column = self.raw.values[self.found[name]].tolist()
        return [as_written(cell_text(column[at])) for at in self.rows]

    def require(
        self, good: Sequence[bool], column: str, code: str, message: str, mend: str = "", **values: str
    ) -> None:
        """Refuse the file where an order is bad, with the first of them."""
        bad = [at for at, one in enumerate(good) if not one]
        if bad:
            raise InputError(
                code, f"{message} ({len(bad)} rows)", mend=mend or "mend the rows, or leave them out",
                file=self.path.name, field=column, feature=f"#{self.row(bad[0])}", n=len(bad), **values,
            )  # fmt: skip

    def row(self, at: int) -> int:
        """Return the row of the file, from 1, of an order that is taken."""
        return self.rows[at] + 2


def read_sheet(path: Path, number_column: str | None = None, *, open_only: bool = False) -> Sheet:
    """Read a table of orders (see `api.cases.orders.read_orders`).

    Raises
    ------
    InputError
        It cannot be read, has no rows, or lacks a column without which no order can be filed.
    """
    known = COLUMNS if number_column is None else {**COLUMNS, "external_number": (number_column,)}
    try:
        raw = read_table(path, usual=_SHEETS)
    except InputError as error:
        if error.code == "row_length":
            _require_heading_on_top(head_of(read_bytes(path)), known, path.name)
        raise
    found = columns_of(raw.names, known)
    called = Counter(name.strip().casefold() for name in raw.names)
    for at in found.values():
        if called[raw.names[at].strip().casefold()] > 1:
            raise InputError(
                "column_twice", f"several columns are named {raw.names[at]}",
                mend="rename all but one of them", file=path.name, field=raw.names[at],
            )  # fmt: skip
    for column in _NEEDED:
        if column not in found:
            _require_heading_on_top(raw.head or head_of(read_bytes(path)), known, path.name)
            raise InputError(
                "order_column_missing", f"it has none of the columns {', '.join(known[column])}",
                mend="rename the one that is meant, or name the number's with --number-column",
                file=path.name, field=column, columns=", ".join(known[column]),
            )  # fmt: skip
    if found.get("own") == found["external_number"]:
        del found["own"]
    rows: Sequence[int] = range(len(raw))
    if not len(raw):
        raise InputError(
            "table_without_rows", "it has no rows below its column names", mend="check the export",
            file=path.name,
        )  # fmt: skip
    is_over = [is_ended(cell_text(cell)) for cell in raw.values[found["state"]]] if "state" in found else []
    if open_only and is_over:
        rows = [at for at in rows if not is_over[at]]
    return Sheet(path, raw, found, rows, sum(is_over))


def _require_heading_on_top(
    head: Sequence[tuple[int, Sequence[str]]], known: Mapping[str, Sequence[str]], file: str
) -> None:
    """Refuse a table whose column names seem to stand below its first row, under titles and notes."""
    told = [len(columns_of(cells, known)) for _, cells in head]
    if told and max(told) > max(1, told[0]):
        row = head[told.index(max(told))][0]
        raise InputError(
            "order_heading_below", f"its column names seem to be in row {row}",
            mend="delete the rows above it", file=file, row=row,
        )  # fmt: skip
