"""Work orders of other systems, many at once: read, masked, placed in micro-grids, and filed as one set.

An order that was brought before, known by its channel and number, is left as it is: a file can be sent again.
"""

from __future__ import annotations

import codecs
import math
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.cases.calendar import Calendar
from api.cases.categories import Edition, cell_text, columns_of, read_table
from api.cases.filing import BORDER_M, condition_of, first_deadlines
from api.cases.masking import is_somebodys, masked
from api.copying import GEOMETRY, copy_rows
from api.places import Gazetteers
from geo.errors import InputError
from geo.formats.raw import RawTable
from geo.geocode import decided
from geo.names import shortened
from maps.text import LANGUAGES
from maps.text import text as words_of

Report = Callable[[str, int, int], None]

# What numbers the rows of one file (id, 序号) identifies nothing in the next one, and is not among them.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "external_number": (
        "external_number", "number", "工单编号", "工单号", "案件编号", "事件编号", "受理编号", "case_id",
        "case_enquiry_id", "incident_id", "ticket_id", "service_request_id",
    ),
    "category": ("category", "类别", "小类", "小类名称", "问题类别", "小类代码", "kind", "类型"),
    "condition": ("condition", "立案条件序号"),
    "text": ("text", "诉求内容", "问题描述", "描述", "内容", "case_title"),
    "address": ("address", "地址", "事发地址", "location"),
    "lon": ("lon", "lng", "longitude", "经度"),
    "lat": ("lat", "latitude", "纬度"),
    "accuracy_m": ("accuracy_m", "定位精度"),
    "reported_at": ("reported_at", "来电时间", "上报时间", "受理时间", "发生时间", "open_dt"),
    "state": ("state", "状态", "案件状态", "工单状态", "办理状态", "case_status"),
}  # fmt: skip
# What other systems, and the export of this one, say of a case that is over.
ENDED = frozenset(
    (
        "closed",
        "cancelled",
        "结案",
        "已结案",
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
# A point at which so many orders of so many addresses are is where their system puts what it cannot place.
DEFAULT_POINT_SHARE, DEFAULT_POINT_ORDERS, DEFAULT_POINT_ADDRESSES = 0.01, 50, 10
# More than this inaccurate is no point between grids but a guess; as in the function report_case.
MOST_INACCURATE_M, MOST_CHOICES = 500.0, 8
LONGEST_TEXT, LONGEST_ADDRESS = 2000, 200
# So far from every community, in degrees, a point is of another place: no city is as wide.
FAR_DEG = 1.0
# A spreadsheet keeps so many digits of a number; what follows it writes as zeros.
_KEPT_DIGITS = 15
# As offices write it: 2026/11/2 9:30, 2026年11月2日 9时30分, or the digits alone.
_PLAIN_TIME = str.maketrans(
    {"年": "-", "月": "-", "日": " ", "时": ":", "点": ":", "分": ":", "秒": None, "：": ":"}
)
_LOOSE_TIMES = (
    re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[ T]+(\d{1,2})(?::(\d{1,2})(?::(\d{1,2}))?)?)?"),
    re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)"),
)
_ORIGIN = datetime(1970, 1, 1, tzinfo=UTC)
_TYPES = {
    "batch": "uuid", "position": "int4", "external_number": "text", "category": "text", "condition": "int2",
    "text": "text", "address": "text", "area_id": "int8", "version_id": "uuid", "grid": "text",
    "choices": "text[]", "place": "text", "geom": GEOMETRY, "accuracy_m": "float4",
    "reported_at": "timestamptz", "response_due_at": "timestamptz", "due_at": "timestamptz", "day": "date",
}  # fmt: skip


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
    n_repeated, n_unusable, n_far, n_cut : int
        With the number of an order before it in the file; with a point that is none, or that lies far from
        every community; with a text or address that is longer than what is kept.
    rows : mapping of str to int
        The first row of the file of each of these, by `repeated`, `unusable`, `far` and `cut`.
    at : sequence of int
        Row of the file of each order.
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
    n_repeated: int = 0
    n_unusable: int = 0
    n_far: int = 0
    n_cut: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)
    at: Sequence[int] = ()


@dataclass(frozen=True)
class Imported:
    """What an import did; counts of orders.

    Attributes
    ----------
    added, known, repeated : int
        Filed now, there already, and in the file before.
    located, asked, default_points, unplaced : int
        Of the file: in one grid; near a border of several; at a point where nothing is; in none.
    addressed : int
        Of the file: without a point, found by the address.
    masked : int
    ended : int
        Of the file: over where they come from. Here they begin anew, for nobody has seen their steps.
    unusable, far, cut : int
        Of the file: with a point that is none, with one far from every community (both are without a point
        here), with a text or address too long to be kept whole.
    rows : mapping of str to int
        The first row of the file of what was repeated, unusable, far or cut.
    """

    added: int
    known: int
    located: int
    asked: int
    default_points: int
    unplaced: int
    addressed: int
    masked: int
    ended: int = 0
    repeated: int = 0
    unusable: int = 0
    far: int = 0
    cut: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """Return the counts by name, and rows of the file."""
        return {**vars(self), "rows": dict(self.rows)}


@dataclass(frozen=True)
class Places:
    """Where each order is; arrays of one length."""

    areas: list[int]
    versions: list[uuid.UUID | None]
    grids: list[str | None]
    choices: list[list[str]]
    kinds: list[str]


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
    raw = read_table(path, usual=_SHEETS)
    known = COLUMNS if number_column is None else {**COLUMNS, "external_number": (number_column,)}
    found = columns_of(raw.names, known)
    for column in ("external_number", "reported_at"):
        if column not in found:
            raise InputError(
                "order_column_missing", f"it has none of the columns {', '.join(known[column])}",
                mend="rename the one that is meant, or name the number's with --number-column",
                file=path.name, field=column, columns=", ".join(known[column]),
            )  # fmt: skip
    rows: Sequence[int] = range(len(raw))
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
    lon, lat, accuracy_m = (
        pd.to_numeric(pd.Series(sheet.cells(name), dtype=object), errors="coerce").to_numpy(np.float64)
        for name in ("lon", "lat", "accuracy_m")
    )
    on_earth = (np.abs(lon) <= 180) & (np.abs(lat) <= 90) & ~((lon == 0) & (lat == 0))
    pointed = np.array(
        [a != "" or b != "" for a, b in zip(sheet.cells("lon"), sheet.cells("lat"), strict=True)]
    )
    odd = {"repeated": pd.Series(numbers, dtype=object).duplicated().to_numpy(), "cut": np.array(cut, bool),
           "unusable": pointed.astype(bool) & ~on_earth}  # fmt: skip
    return Orders(
        numbers, categories, conditions, [said[:LONGEST_TEXT] for said in clean],
        [said[:LONGEST_ADDRESS] for said in clean_addresses], np.where(on_earth, lon, np.nan),
        np.where(on_earth, lat, np.nan), np.where(accuracy_m >= 0, accuracy_m, np.nan),
        _times(sheet, calendar), n_masked, sum(ended),
        **{f"n_{name}": int(flags.sum()) for name, flags in odd.items()},
        rows={name: sheet.row(int(flags.argmax())) for name, flags in odd.items() if flags.any()},
        at=[sheet.row(at) for at in range(len(rows))],
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
    known = {code: code for code in edition.categories}
    for code, category in edition.categories.items():
        known.setdefault(category.small_name, code)
    known |= classes
    said = sheet.cells("category")
    found = [known.get(one, default) for one in said]
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


def default_points(orders: Orders) -> NDArray[np.bool_]:
    """Return which orders are at a point where their system puts what it cannot place.

    By the rule at the top of this module: a share of all orders, of many addresses, at one point.
    """
    located = np.flatnonzero(~np.isnan(orders.lon))
    flags = np.zeros(len(orders.numbers), bool)
    if len(located) == 0:
        return flags
    frame = pd.DataFrame(
        {"lon": orders.lon[located], "lat": orders.lat[located],
         "address": [orders.addresses[at] for at in located.tolist()]}
    )  # fmt: skip
    by_point = frame.groupby(["lon", "lat"])["address"]
    sizes, addresses = by_point.transform("size"), by_point.transform("nunique")
    least = max(DEFAULT_POINT_ORDERS, math.ceil(DEFAULT_POINT_SHARE * len(orders.numbers)))
    flags[located] = ((sizes >= least) & (addresses >= DEFAULT_POINT_ADDRESSES)).to_numpy()
    return flags


@dataclass(frozen=True)
class _Ground:
    """The middle of the orders, in degrees, round which shapes are put into metres."""

    lon: float
    lat: float

    def metres(self, shapes: NDArray[np.object_]) -> NDArray[np.object_]:
        wide = 111_320 * math.cos(math.radians(self.lat))
        return shapely.transform(shapes, lambda xy: (xy - [self.lon, self.lat]) * [wide, 110_574])  # type: ignore[no-any-return]


def without_far_points(session: Session, orders: Orders) -> Orders:
    """Take points away that lie far from every community: another city's, or of another coordinate system."""
    box = session.execute(
        text("SELECT ST_XMin(e) AS a, ST_YMin(e) AS b, ST_XMax(e) AS c, ST_YMax(e) AS d"
             " FROM (SELECT ST_Extent(geom) AS e FROM divisions WHERE level = 'community') box")
    ).one()  # fmt: skip
    if box.a is None:
        return orders
    far = (
        (orders.lon < box.a - FAR_DEG) | (orders.lon > box.c + FAR_DEG)
        | (orders.lat < box.b - FAR_DEG) | (orders.lat > box.d + FAR_DEG)
    )  # fmt: skip
    if not far.any():
        return orders
    return replace(
        orders, lon=np.where(far, np.nan, orders.lon), lat=np.where(far, np.nan, orders.lat),
        n_far=int(far.sum()), rows={**orders.rows, "far": orders.at[int(far.argmax())]},
    )  # fmt: skip


def find_addresses(session: Session, orders: Orders) -> tuple[Orders, dict[int, int]]:
    """Find orders without a point by their address, or by what they tell, where that can only mean one place.

    Returns
    -------
    orders : Orders
        With the points of buildings and crossings; how far each reaches is how accurate it is.
    along : mapping of position to community
        Orders of a street or compound in one community: they have no point, but an area.
    """
    lost = np.flatnonzero(np.isnan(orders.lon)).tolist()
    said = {at: orders.addresses[at] or orders.texts[at] for at in lost}
    if not any(said.values()):
        return orders, {}
    gazetteer = Gazetteers().of(session)
    meant = {text: decided(gazetteer.find(text)) for text in {*said.values()} if text}
    lon, lat, accuracy_m = orders.lon.copy(), orders.lat.copy(), orders.accuracy_m.copy()
    along: dict[int, int] = {}
    found = 0
    for at, text_of in said.items():
        place = meant.get(text_of)
        if place is None:
            continue
        found += 1
        if place.point is not None:
            lon[at], lat[at], accuracy_m[at] = place.point.x, place.point.y, place.radius_m
        elif len(place.communities) == 1:
            along[at] = place.communities[0]
    return replace(orders, lon=lon, lat=lat, accuracy_m=accuracy_m, n_addressed=found), along


def place_orders(session: Session, orders: Orders, area_id: int, calendar: Calendar) -> Places:
    """Find the micro-grid in force on its day of each order; near a border all that it may be in.

    Orders without a place, at a default point or in no community stand at the area of the import.
    """
    n = len(orders.numbers)
    flagged = default_points(orders)
    places = Places([area_id] * n, [None] * n, [None] * n, [[] for _ in range(n)],
                    ["default_point" if flag else "area" for flag in flagged])  # fmt: skip
    located = np.flatnonzero(~np.isnan(orders.lon) & ~flagged)
    if len(located) == 0:
        return places
    ground = _Ground(float(np.mean(orders.lon[located])), float(np.mean(orders.lat[located])))
    box = {
        "a": float(orders.lon[located].min()) - 0.01, "b": float(orders.lat[located].min()) - 0.01,
        "c": float(orders.lon[located].max()) + 0.01, "d": float(orders.lat[located].max()) + 0.01,
    }  # fmt: skip
    points = ground.metres(shapely.points(orders.lon[located], orders.lat[located]))
    _in_communities(session, ground, points, located, places, box)
    days = [calendar.local_day(orders.reported_at[at]) for at in located.tolist()]
    _in_grids(session, ground, points, located, places, box, orders, days)
    return places


def _in_communities(
    session: Session, ground: _Ground, points: NDArray[np.object_], located: NDArray[np.intp],
    places: Places, box: Mapping[str, float],
) -> None:  # fmt: skip
    rows = session.execute(
        text("SELECT id, ST_AsBinary(geom) AS geom FROM divisions WHERE level = 'community'"
             " AND geom && ST_MakeEnvelope(:a, :b, :c, :d, 4490) ORDER BY code"),
        box,
    ).all()  # fmt: skip
    for at in located:
        places.kinds[at] = "point"
    if not rows:
        return
    shapes = ground.metres(shapely.from_wkb([bytes(row.geom) for row in rows]))
    inside, which = shapely.STRtree(shapes).query(points, predicate="intersects")
    # On a border the one of the lower code, as elsewhere: the last that is written.
    for point, row in sorted(zip(inside.tolist(), which.tolist(), strict=True), key=lambda pair: -pair[1]):
        places.areas[located[point]] = rows[row].id


def _in_grids(
    session: Session, ground: _Ground, points: NDArray[np.object_], located: NDArray[np.intp],
    places: Places, box: Mapping[str, float], orders: Orders, days: Sequence[date],
) -> None:  # fmt: skip
    rows = session.execute(
        text("""
            SELECT g.community_id, g.version_id, g.code, v.valid_from, v.valid_to, ST_AsBinary(g.geom) AS geom
            FROM grids g JOIN versions v ON v.id = g.version_id
            WHERE v.state IN ('published', 'superseded')
              AND daterange(v.valid_from, v.valid_to) && daterange(:first, :last, '[]')
              AND g.geom && ST_MakeEnvelope(:a, :b, :c, :d, 4490) ORDER BY g.code"""),
        {**box, "first": min(days), "last": max(days)},
    ).all()
    if not rows:
        return
    shapes = ground.metres(shapely.from_wkb([bytes(row.geom) for row in rows]))
    accuracy = np.nan_to_num(orders.accuracy_m[located], nan=0.0)
    reach = np.clip(accuracy, BORDER_M, MOST_INACCURATE_M)
    near, which = shapely.STRtree(shapes).query(points, predicate="dwithin", distance=reach)
    distances = shapely.distance(points[near], shapes[which])
    order = np.lexsort((which, distances, near))
    for pair in order.tolist():
        point, row = int(near[pair]), rows[which[pair]]
        if not _in_force(row, days[point]):
            continue
        at = int(located[point])
        if places.versions[at] is None:
            places.versions[at], places.areas[at] = row.version_id, row.community_id
        if len(places.choices[at]) < MOST_CHOICES:
            places.choices[at].append(row.code)
    for at in located.tolist():
        if len(places.choices[at]) == 1:
            places.grids[at] = places.choices[at].pop()


def _in_force(row: Any, day: date) -> bool:
    return row.valid_from <= day and (row.valid_to is None or day < row.valid_to)


def import_orders(
    session: Session,
    orders: Orders,
    edition: Edition,
    calendar: Calendar,
    *,
    channel: str,
    area: str,
    report: Report,
) -> Imported:
    """File work orders in the transaction of the session; whoever acts must dispatch in all their areas.

    Parameters
    ----------
    channel : str
        Where they come from, such as `12345`.
    area : str
        Code of the division at which orders without a place stand.

    Raises
    ------
    InputError
        There is no such division.
    """
    n = len(orders.numbers)
    area_id = session.execute(
        text("SELECT id FROM divisions WHERE code = :c"), {"c": area}
    ).scalar_one_or_none()
    if area_id is None:
        raise InputError(
            "division_unknown", f"there is no division {area}", mend="name its code", division=area
        )
    report("placing", 0, n)
    orders, along = find_addresses(session, without_far_points(session, orders))
    places = place_orders(session, orders, area_id, calendar)
    for at, community in along.items():
        places.areas[at] = community
    report("placing", n, n)
    connection = session.connection().connection.driver_connection
    batch = uuid.uuid4()
    copy_rows(connection, "case_arrivals", _TYPES, _rows(batch, orders, places, edition, calendar))  # type: ignore[arg-type]
    report("filing", 0, n)
    filed = session.execute(
        text("SELECT * FROM import_cases(:batch, :edition, :channel)"),
        {"batch": batch, "edition": edition.name, "channel": channel},
    ).one()
    report("filing", n, n)
    asked = sum(bool(choices) for choices in places.choices)
    located = sum(grid is not None for grid in places.grids)
    flagged = places.kinds.count("default_point")
    return Imported(
        filed.added, filed.known - orders.n_repeated, located, asked, flagged, n - located - asked - flagged,
        orders.n_addressed, orders.n_masked, orders.n_ended, orders.n_repeated, orders.n_unusable,
        orders.n_far, orders.n_cut, orders.rows,
    )  # fmt: skip


def _rows(
    batch: uuid.UUID, orders: Orders, places: Places, edition: Edition, calendar: Calendar
) -> Iterator[tuple[Any, ...]]:
    wkb = _points_as_ewkb(orders.lon, orders.lat)
    conditions = {
        key: condition_of(edition, *key)
        for key in set(zip(orders.categories, orders.conditions, strict=True))
    }
    for at, number in enumerate(orders.numbers):
        reported = orders.reported_at[at]
        condition = conditions[orders.categories[at], orders.conditions[at]]
        response, due = first_deadlines(calendar, condition, reported)
        accuracy = orders.accuracy_m[at]
        yield (
            batch, at, number, orders.categories[at], orders.conditions[at], orders.texts[at],
            orders.addresses[at] or None, places.areas[at], places.versions[at], places.grids[at],
            places.choices[at], places.kinds[at], wkb[at] if places.kinds[at] == "point" else None,
            None if math.isnan(accuracy) else float(accuracy), reported, response, due,
            calendar.local_day(reported),
        )  # fmt: skip


# A point of EWKB: little-endian, of type point with an SRID, and its coordinates.
_EWKB = np.dtype([("order", "u1"), ("kind", "<u4"), ("srid", "<u4"), ("lon", "<f8"), ("lat", "<f8")])


def _points_as_ewkb(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> list[bytes]:
    points = np.zeros(len(lon), _EWKB)
    points["order"], points["kind"], points["srid"] = 1, 0x2000_0001, 4490
    points["lon"], points["lat"] = lon, lat
    whole, size = points.tobytes(), _EWKB.itemsize
    return [whole[at : at + size] for at in range(0, len(whole), size)]


EXPORTED = (
    "coalesce(c.external_number, c.number) AS external_number", "c.number AS case_number", "c.channel",
    "c.category", "k.small_name", "c.condition", "c.state", "a.code AS area", "c.grid", "c.text", "c.address",
    "round(ST_X(c.geom)::numeric, 7) AS lon", "round(ST_Y(c.geom)::numeric, 7) AS lat", "c.accuracy_m",
    "c.reported_at", "c.filed_at", "c.handled_at", "c.closed_at", "c.due_at", "c.holder",
)  # fmt: skip


def export_cases(session: Session, path: Path) -> int:
    """Write every case that the actor sees as CSV, row by row, and return how many; it can be imported.

    Times are those of the city. The mark of UTF-8 stands first: Excel reads Chinese by it alone.

    Raises
    ------
    InputError
        The name of the file says that it is a workbook.
    """
    from geo.files import replacing

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
