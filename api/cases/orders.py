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
from api.cases.categories import Edition
from api.cases.masking import is_somebodys, masked
from api.cases.order_sheet import Sheet, read_sheet
from geo.collector import collector_paused
from geo.errors import InputError
from geo.moments import instant_of
from geo.names import shortened

# Unknown classes that an error names.
NAMED_CLASSES = 5
LONGEST_TEXT, LONGEST_ADDRESS = 2000, 200
# A spreadsheet keeps so many digits of a number; what follows it writes as zeros.
_KEPT_DIGITS = 15
# 3.20707E+17: what a spreadsheet shows of a long number, and writes into a CSV.
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[Ee]\+\d\d?")
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
    own : sequence of str
        Number that each has as a case of this service; "" for none.
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
    own: Sequence[str] = ()


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
    """Read work orders from CSV or XLSX; of those with one number the first.

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
    with collector_paused():
        sheet = read_sheet(path, number_column, open_only=open_only)
        return _cleaned(sheet, edition, calendar, category, classes)


def _cleaned(
    sheet: Sheet, edition: Edition, calendar: Calendar, category: str | None, classes: Mapping[str, str]
) -> Orders:
    numbers = _numbers(sheet)
    categories = _categories(sheet, edition, category, classes)
    conditions = _conditions(sheet, categories, edition)
    texts, addresses, n_masked, cut = _words(sheet)
    lon, lat, accuracy_m, unusable = _points(sheet)
    reported_at, own = _times(sheet, calendar), sheet.cells("own")
    repeated = pd.Series(numbers, dtype=object).duplicated().to_numpy()
    odd = {
        name: Odd(int(flags.sum()), sheet.row(int(flags.argmax())))
        for name, flags in {"repeated": repeated, "unusable": unusable, "cut": cut}.items()
        if flags.any()
    }
    # Every row of a file has to be good, also those that are left out.
    kept = np.flatnonzero(~repeated).tolist()
    return Orders(
        [numbers[at] for at in kept], [categories[at] for at in kept], [conditions[at] for at in kept],
        [texts[at] for at in kept], [addresses[at] for at in kept], lon[kept], lat[kept], accuracy_m[kept],
        [reported_at[at] for at in kept], n_masked, sheet.n_ended, odd=odd,
        file_rows=[sheet.row(at) for at in kept], own=[own[at] for at in kept],
    )  # fmt: skip


def _numbers(sheet: Sheet) -> list[str]:
    """Return the numbers of the orders, which are nobody's own and whole."""
    cells = [sheet.raw.values[sheet.found["external_number"]][at] for at in sheet.rows]
    sheet.require(
        _whole(cells), "external_number", "order_number_rounded",
        "the numbers of orders are numbers of a spreadsheet, which keeps 15 digits of them",
        "store the column as text in the system they come from, and export it again",
    )  # fmt: skip
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
    return numbers


def _whole(cells: Sequence[Any]) -> list[bool]:
    """Tell of numbers of orders where a spreadsheet has not kept the first digits only: many become one.

    Long numbers of a workbook are rounded if all of them end so; in a CSV a rounded one is seen as such.
    """
    long = [isinstance(one, (int, float)) and abs(one) >= 10**_KEPT_DIGITS for one in cells]
    rounded = [
        isinstance(one, float) or int(one) % 10 ** (len(str(int(one))) - _KEPT_DIGITS) == 0
        for one, is_long in zip(cells, long, strict=True) if is_long
    ]  # fmt: skip
    if rounded and all(rounded):
        return [not one for one in long]
    return [not (isinstance(one, str) and _SCIENTIFIC.fullmatch(one.strip())) for one in cells]


def _words(sheet: Sheet) -> tuple[list[str], list[str], int, NDArray[np.bool_]]:
    """Return texts and addresses without what is personal, in how many something was, and which were cut."""
    said, where = sheet.cells("text"), sheet.cells("address")
    cut = [len(a) > LONGEST_TEXT or len(b) > LONGEST_ADDRESS for a, b in zip(said, where, strict=True)]
    texts, n_texts = _masked(said, LONGEST_TEXT)
    addresses, n_addresses = _masked(where, LONGEST_ADDRESS)
    return texts, addresses, n_texts + n_addresses, np.array(cut, bool)


def _masked(said: Sequence[str], longest: int) -> tuple[list[str], int]:
    # Cut before it is masked: a number that a cut leaves over may be somebody's.
    plain = [one.replace("\x00", "")[:longest] for one in said]
    clean = [masked(one) for one in plain]
    return [one[:longest] for one in clean], sum(a != b for a, b in zip(plain, clean, strict=True))


def _points(
    sheet: Sheet,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return degrees and metres, NaN for nothing, and which orders have a point that is none."""
    cells = [sheet.cells(name) for name in ("lon", "lat", "accuracy_m")]
    lon, lat, accuracy_m = (
        pd.to_numeric(pd.Series(one, dtype=object), errors="coerce").to_numpy(np.float64) for one in cells
    )
    on_earth = (np.abs(lon) <= 180) & (np.abs(lat) <= 90) & ~((lon == 0) & (lat == 0))
    is_pointed = np.array([bool(x or y) for x, y in zip(cells[0], cells[1], strict=True)], bool)
    return (
        np.where(on_earth, lon, np.nan), np.where(on_earth, lat, np.nan),
        np.where(accuracy_m >= 0, accuracy_m, np.nan), is_pointed & ~on_earth,
    )  # fmt: skip


def _categories(sheet: Sheet, edition: Edition, default: str | None, classes: Mapping[str, str]) -> list[str]:
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
    known = {name: code for code, name in edition.called.items()}
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
    sheet: Sheet, said: Sequence[str], found: Sequence[str | None], named_so: Mapping[str, Sequence[str]],
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


def _conditions(sheet: Sheet, categories: list[str], edition: Edition) -> list[int | None]:
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


def _times(sheet: Sheet, calendar: Calendar) -> list[datetime]:
    """Return instants; times without a zone are of the calendar's."""
    said = sheet.cells("reported_at")
    read = [instant_of(one, calendar.zone) for one in said]
    latest = datetime.now(UTC) + timedelta(minutes=5)
    good = [one is not None and _ORIGIN <= one <= latest for one in read]
    first = shortened(next((one for one, is_good in zip(said, good, strict=True) if not is_good), ""))
    sheet.require(
        good, "reported_at", "order_time",
        f"the time of an order ({first or '-'}) cannot be read, or lies in the future", value=first or "-",
    )  # fmt: skip
    return [one for one in read if one is not None]
