"""Work orders of other systems as a file has them: read, cleaned and masked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from api.cases.calendar import Calendar
from api.cases.categories import Edition, cell_text, columns_of, read_table
from api.cases.masking import is_somebodys, masked
from geo.errors import InputError
from geo.formats.delimited import head_of
from geo.formats.raw import RawTable, read_bytes
from geo.names import shortened
from maps.text import LANGUAGES
from maps.text import text as words_of

# What numbers the rows of one file (id, 序号) identifies nothing in the next one, and is not among them.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "external_number": (
        "external_number", "number", "工单编号", "工单号", "案件编号", "事件编号", "受理编号", "case_id",
        "case_enquiry_id", "incident_id", "ticket_id", "service_request_id",
    ),
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
# What other systems, and the export of this one, say of a case that is over.
ENDED = frozenset(
    (
        "closed",
        "appraised",
        "cancelled",
        "结案",
        "已结案",
        "已考核",
        "办结",
        "已办结",
        "完结",
        "已完结",
        "归档",
        "已归档",
        "作废",
        "已作废",
    )
)
# The sheet of cases of the workbooks that this product writes, which have others beside it.
_SHEETS = tuple(words_of("workbook.sheet.cases", language) for language in LANGUAGES)
# Unknown classes that an error names.
NAMED_CLASSES = 5
LONGEST_TEXT, LONGEST_ADDRESS = 2000, 200
# A spreadsheet keeps so many digits of a number; what follows it writes as zeros.
_KEPT_DIGITS = 15
# 3.20707E+17: what a spreadsheet shows of a long number, and writes into a CSV.
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[Ee]\+\d\d?")
# As offices write it: 2026/11/2 9:30, 2026年11月2日 9时30分, or the digits alone.
_PLAIN_TIME = str.maketrans(
    {"年": "-", "月": "-", "日": " ", "时": ":", "点": ":", "分": ":", "秒": None, "：": ":"}
)
_LOOSE_TIMES = (
    re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[ T]+(\d{1,2})(?::(\d{1,2})(?::(\d{1,2}))?)?)?"),
    re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)"),
)
_ORIGIN = datetime(1970, 1, 1, tzinfo=UTC)


# With the number of an order before it in the file; with a point that is none, or that lies far from every
# community; of a day before any plan of their community was in force; with a text or address that is longer
# than what is kept.
ODDITIES = ("repeated", "unusable", "far", "early", "cut")


class Odd(NamedTuple):
    """How many orders of a file have something odd, and the first row of the file that has it."""

    n: int
    row: int


@dataclass(frozen=True)
class Orders:
    """Work orders as a file has them, cleaned; arrays of one length.

    Attributes
    ----------
    numbers, categories, texts, addresses : sequence of str
        Without what is personal; "" for nothing.
    conditions : sequence of int or None
    lon, lat, accuracy_m : float arrays
        Degrees and metres; NaN for nothing.
    reported_at : sequence of datetime
    n_masked : int
        Texts and addresses in which something was masked.
    n_ended : int
        Of which the file says that they are over.
    n_addressed : int
        Whose address says where they are.
    odd : mapping of str to Odd
        What could not be kept, by the names in `ODDITIES`; those that there are.
    file_rows : sequence of int
        Row of the file of each order.
    repeats : set of int
        Positions of orders with the number of an order before them, which are not filed.
    """

    numbers: Sequence[str]
    categories: Sequence[str]
    conditions: Sequence[int | None]
    texts: Sequence[str]
    addresses: Sequence[str]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    accuracy_m: NDArray[np.float64]
    reported_at: Sequence[datetime]
    n_masked: int
    n_ended: int = 0
    n_addressed: int = 0
    odd: Mapping[str, Odd] = field(default_factory=dict)
    file_rows: Sequence[int] = ()
    repeats: frozenset[int] = frozenset()


def read_orders(
    path: Path,
    edition: Edition,
    calendar: Calendar,
    *,
    category: str | None = None,
    classes: Mapping[str, str] = MappingProxyType({}),
    number_column: str | None = None,
    open_only: bool = False,
) -> Orders:
    """Read work orders from CSV or XLSX.

    Parameters
    ----------
    category : str, optional
        Of orders whose class the edition does not have.
    classes : mapping of str to str
        Codes of classes by what the file calls them, before the names of the edition.
    number_column : str, optional
        The column that identifies the orders, where it has none of the names in `COLUMNS`.
    open_only : bool, default False
        Leave out what the file says is over.

    Raises
    ------
    InputError
        The file cannot be read, a column is missing, or a row has no number, class or time that can be read.
    """
    known = COLUMNS if number_column is None else {**COLUMNS, "external_number": (number_column,)}
    try:
        raw = read_table(path, usual=_SHEETS)
    except InputError as error:
        if error.code == "row_length":
            _require_heading_on_top(head_of(read_bytes(path)), known, path.name)
        raise
    found = columns_of(raw.names, known)
    for column in _NEEDED:
        if column not in found:
            _require_heading_on_top(raw.head or head_of(read_bytes(path)), known, path.name)
            raise InputError(
                "order_column_missing", f"it has none of the columns {', '.join(known[column])}",
                mend="rename the one that is meant, or name the number's with --number-column",
                file=path.name, field=column, columns=", ".join(known[column]),
            )  # fmt: skip
    rows: Sequence[int] = range(len(raw))
    if not len(raw):
        raise InputError(
            "table_without_rows", "it has no rows below its column names", mend="check the export",
            file=path.name,
        )  # fmt: skip
    ended = [_is_ended(raw.values[found["state"]][at]) for at in rows] if "state" in found else []
    if open_only:
        rows = [at for at in rows if not (ended and ended[at])]
    sheet = _Sheet(path, raw, found, rows)

    _require_whole_numbers(sheet)
    numbers = sheet.cells("external_number")
    sheet.require(
        [not is_somebodys(number) for number in numbers], "external_number", "order_number_personal",
        "the number of an order is a telephone or identity number",
        "name the column of the order's own number with --number-column",
    )  # fmt: skip
    sheet.require(
        [bool(number) and len(number) <= 64 and number.isprintable() for number in numbers],
        "external_number", "order_number",
        "an order has no number, or one of more than 64 characters or with control characters",
    )  # fmt: skip
    categories = _categories(sheet, edition, category, classes)
    conditions = _conditions(sheet, categories, edition)
    # Cut before it is masked: a number that a cut leaves over may be somebody's.
    said, where = sheet.cells("text"), sheet.cells("address")
    cut = [len(a) > LONGEST_TEXT or len(b) > LONGEST_ADDRESS for a, b in zip(said, where, strict=True)]
    texts = [_plain(one)[:LONGEST_TEXT] for one in said]
    addresses = [_plain(one)[:LONGEST_ADDRESS] for one in where]
    clean, clean_addresses = [masked(said) for said in texts], [masked(said) for said in addresses]
    n_masked = sum(a != b for a, b in zip(texts + addresses, clean + clean_addresses, strict=True))
    point = [sheet.cells(name) for name in ("lon", "lat", "accuracy_m")]
    lon, lat, accuracy_m = (
        pd.to_numeric(pd.Series(cells, dtype=object), errors="coerce").to_numpy(np.float64) for cells in point
    )
    on_earth = (np.abs(lon) <= 180) & (np.abs(lat) <= 90) & ~((lon == 0) & (lat == 0))
    pointed = [bool(x or y) for x, y in zip(point[0], point[1], strict=True)]
    odd = {
        "repeated": pd.Series(numbers, dtype=object).duplicated().to_numpy(),
        "unusable": np.array(pointed, bool) & ~on_earth,
        "cut": np.array(cut, bool),
    }
    return Orders(
        numbers, categories, conditions, [said[:LONGEST_TEXT] for said in clean],
        [said[:LONGEST_ADDRESS] for said in clean_addresses], np.where(on_earth, lon, np.nan),
        np.where(on_earth, lat, np.nan), np.where(accuracy_m >= 0, accuracy_m, np.nan),
        _times(sheet, calendar), n_masked, sum(ended),
        odd={name: Odd(int(flags.sum()), sheet.row(int(flags.argmax())))
             for name, flags in odd.items() if flags.any()},
        file_rows=[sheet.row(at) for at in range(len(rows))],
        repeats=frozenset(np.flatnonzero(odd["repeated"]).tolist()),
    )  # fmt: skip


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


def _is_ended(cell: Any) -> bool:
    return cell_text(cell).casefold() in ENDED


@dataclass(frozen=True)
class _Sheet:
    """A table of orders being read: the rows that are taken, by position from 0."""

    path: Path
    raw: RawTable
    found: Mapping[str, int]
    rows: Sequence[int]

    def cells(self, name: str) -> list[str]:
        if name not in self.found:
            return [""] * len(self.rows)
        column = self.raw.values[self.found[name]]
        return [cell_text(column[at]) for at in self.rows]

    def require(
        self, good: Sequence[bool], column: str, code: str, message: str, mend: str = "", **values: str
    ) -> None:
        bad = [at for at, one in enumerate(good) if not one]
        if bad:
            raise InputError(
                code, f"{message} ({len(bad)} rows)", mend=mend or "mend the rows, or leave them out",
                file=self.path.name, field=column, feature=f"#{self.row(bad[0])}", n=len(bad), **values,
            )  # fmt: skip

    def row(self, at: int) -> int:
        """Return the row of the file, from 1, of an order that is taken."""
        return self.rows[at] + 2


def _require_whole_numbers(sheet: _Sheet) -> None:
    """Refuse numbers of orders of which a spreadsheet has kept the first digits: many orders become one."""
    cells = [sheet.raw.values[sheet.found["external_number"]][at] for at in sheet.rows]
    sheet.require(
        [not (isinstance(one, str) and _SCIENTIFIC.fullmatch(one.strip())) for one in cells],
        "external_number", "order_number_rounded",
        "the numbers of orders are numbers of a spreadsheet, which keeps 15 digits of them",
        "store the column as text in the system they come from, and export it again",
    )  # fmt: skip
    long = [isinstance(one, int | float) and abs(one) >= 10**_KEPT_DIGITS for one in cells]
    rounded = [
        isinstance(one, float) or int(one) % 10 ** (len(str(int(one))) - _KEPT_DIGITS) == 0
        for one, is_long in zip(cells, long, strict=True) if is_long
    ]  # fmt: skip
    if rounded and all(rounded):
        sheet.require(
            [not one for one in long], "external_number", "order_number_rounded",
            "the numbers of orders are numbers of a spreadsheet, which keeps 15 digits of them",
            "store the column as text in the system they come from, and export it again",
        )  # fmt: skip


def _plain(said: str) -> str:
    return said.replace("\x00", "")


def _categories(
    sheet: _Sheet, edition: Edition, default: str | None, classes: Mapping[str, str]
) -> list[str]:
    """Return codes of classes that are given by code or by name."""
    for code in (*classes.values(), default):
        if code is not None and code not in edition.categories:
            raise InputError(
                "category_unknown", f"the edition {edition.name} has no class {code}",
                mend="name one of its codes", category=code, edition=edition.name,
            )  # fmt: skip
    named_so: dict[str, list[str]] = {}
    for code, category in edition.categories.items():
        named_so.setdefault(category.small_name, []).append(code)
    known = {name: codes[0] for name, codes in named_so.items() if len(codes) == 1}
    known |= {code: code for code in edition.categories} | dict(classes)
    within = {(one.large_name, one.small_name): code for code, one in edition.categories.items()}
    said, large = sheet.cells("category"), sheet.cells("large")
    found = [
        known.get(one) or within.get((above, one), default) for above, one in zip(large, said, strict=True)
    ]
    _require_unambiguous(sheet, said, found, named_so, edition)
    if not any(one for one, code in zip(said, found, strict=True) if code is None):
        # Items that people typed at a meeting are of no class.
        sheet.require([one is not None for one in found], "category", "order_without_category",
                      "orders have no class", "say theirs by --category CODE")  # fmt: skip
    missing = Counter(one for one, code in zip(said, found, strict=True) if code is None)
    named = ", ".join(f"{name or '-'} ({n})" for name, n in missing.most_common(NAMED_CLASSES))
    if len(missing) > NAMED_CLASSES:
        named += " …"
    sheet.require(
        [one is not None for one in found], "category", "order_category",
        f"the edition {edition.name} has no class {named}",
        "say for each --class NAME=CODE, or for all --category CODE", classes=named, edition=edition.name,
    )  # fmt: skip
    return [one for one in found if one is not None]


def _require_unambiguous(
    sheet: _Sheet, said: Sequence[str], found: Sequence[str | None], named_so: Mapping[str, Sequence[str]],
    edition: Edition,
) -> None:  # fmt: skip
    """Refuse the name of several classes, such as 其他, where nothing says which of them is meant."""
    good = [code is not None or len(named_so.get(one, ())) < 2 for one, code in zip(said, found, strict=True)]
    if all(good):
        return
    name = said[good.index(False)]
    codes = named_so[name]
    told = ", ".join(f"{code} {edition.categories[code].large_name}" for code in codes[:NAMED_CLASSES])
    if len(codes) > NAMED_CLASSES:
        told += " …"
    sheet.require(
        good, "category", "order_category_of_several", f"{name} is the name of {len(codes)} classes ({told})",
        f"say which one by --class {name}=CODE, or give the large class in a column 大类",
        name=name, classes=told,
    )  # fmt: skip


def _conditions(sheet: _Sheet, categories: list[str], edition: Edition) -> list[int | None]:
    """Return the numbers of filing conditions; None where none is given."""
    said = sheet.cells("condition")
    read = [int(one) if one.isdecimal() else None for one in said]
    known = [
        not one or (number is not None and edition.categories[code].condition(number) is not None)
        for one, number, code in zip(said, read, categories, strict=True)
    ]
    sheet.require(known, "condition", "order_condition",
                  "the class of an order has no filing condition of that number")  # fmt: skip
    return read


def _times(sheet: _Sheet, calendar: Calendar) -> list[datetime]:
    """Return instants; times without a zone are of the calendar's."""
    said = sheet.cells("reported_at")
    read = [_instant(one, calendar) for one in said]
    latest = datetime.now(UTC) + timedelta(minutes=5)
    good = [one is not None and _ORIGIN <= one <= latest for one in read]
    first = shortened(next((one for one, is_good in zip(said, good, strict=True) if not is_good), ""))
    sheet.require(
        good, "reported_at", "order_time",
        f"the time of an order ({first or '-'}) cannot be read, or lies in the future", value=first or "-",
    )  # fmt: skip
    return [one for one in read if one is not None]


def _instant(said: str, calendar: Calendar) -> datetime | None:
    try:
        read = datetime.fromisoformat(said)
    except ValueError:
        plain = said.translate(_PLAIN_TIME).strip(" :")
        found = next((found for one in _LOOSE_TIMES if (found := one.fullmatch(plain))), None)
        if found is None:
            return None
        try:
            read = datetime(*(int(part or 0) for part in found.groups()))  # type: ignore[arg-type]
        except ValueError:
            return None
    try:
        return (read if read.tzinfo else read.replace(tzinfo=calendar.zone)).astimezone(UTC)
    except OverflowError:  # 0001-01-01, as some systems write that they know no time
        return None
