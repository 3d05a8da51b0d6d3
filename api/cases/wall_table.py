"""The cases that a wall shows as flat columns: masks, sums and clusters over all in milliseconds.

One table holds what is open now, another the spells of a past day; both are asked in the same way. A
cluster is a cell of a fixed lattice over the world, so that its number changes by one when a case comes, and
the numbers of all cells of a box add up to the cases in it.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from api.cases.steps import loop

# Side of a cell on the screen, in pixels; of the heat map.
CELL_PX, HEAT_PX = 64, 32
TILE_PX = 256
# What is due within so long is shown as due soon, in seconds.
SOON_S = 2 * 3600.0
# The finest lattice has 2^26 cells side by side: 16 pixels wide at zoom 22. Coarser ones are read from it.
_FINEST = 26
# Masks that are kept while nothing changes: the questions of a page, and of walls alike, come together.
_MOST_MASKS = 16
# Of so many cells each is counted; more, and those with cases are sorted out.
_FEW_CELLS = 100_000
# The web's Mercator square ends here, in degrees.
HIGHEST_LAT = 85.0511287798

STATES = tuple(loop().states)
OPEN_STATES = tuple(name for name, state in loop().states.items() if state.is_open)
# Open and said to be done: the handler's clock is not running any more.
DONE_STATES = ("handled", "verified")

_IS_OPEN = np.array([loop().states[name].is_open for name in STATES])
_IS_UNHANDLED = _IS_OPEN & ~np.isin(np.array(STATES), DONE_STATES)
_STATE = {name: i for i, name in enumerate(STATES)}

Mask = NDArray[np.bool_]
# (min_lon, min_lat, max_lon, max_lat)
Corners: TypeAlias = tuple[float, float, float, float]
Name = TypeVar("Name")


class CaseRow(NamedTuple):
    """One case, or one spell of it: instants in seconds since 1970, infinite where there is none.

    `area` is the path of its division; `since` and `until` bound the spell, the end not in it.
    """

    number: str
    state: str
    kind: str
    category: str
    mode: str
    area: str
    community_id: int | None
    lon: float | None
    lat: float | None
    reported_by: int | None
    receivers: tuple[str, ...]
    reported: float
    due: float
    response_due: float
    responded: float
    closed: float
    since: float = -math.inf
    until: float = math.inf


@dataclass(frozen=True)
class Reader:
    """Whose rights a table is read with.

    Attributes
    ----------
    user_id : int
    areas : collection of str
        Paths of divisions all cases of which he sees.
    departments : collection of (department, path)
        Departments for which he handles cases, and where.
    own : bool
        Whether what he reported himself is his to see besides.
    """

    user_id: int
    areas: Collection[str]
    departments: Collection[tuple[str, str]] = ()
    own: bool = True


@dataclass(frozen=True)
class Wanted:
    """Which cases are shown; None: whichever.

    Attributes
    ----------
    states : collection of str or None
        Open states.
    category, kind, community : str or int
    area : str or None
        Path of a division: what lies in it.
    overdue : bool
        Only what is late.
    """

    states: Collection[str] | None = None
    category: str | None = None
    kind: str | None = None
    community: int | None = None
    area: str | None = None
    overdue: bool = False


@dataclass(frozen=True)
class Cells:
    """Clusters in a box of cells.

    Attributes
    ----------
    box : (int, int, int, int)
        First and last column and row of cells, (min_x, min_y, max_x, max_y), all whole.
    x, y : int arrays
        Column and row of each cell with cases.
    lon, lat : float arrays
        Middle of the cases of each, in degrees.
    n, overdue, soon : int arrays
        Cases; of them late; of them due soon.
    row : int array
        Row of the table where a cell holds one case, else -1.
    """

    box: tuple[int, int, int, int]
    x: NDArray[np.int64]
    y: NDArray[np.int64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    n: NDArray[np.int64]
    overdue: NDArray[np.int64]
    soon: NDArray[np.int64]
    row: NDArray[np.int64]


class _Names(Generic[Name]):
    """Numbers for names, in the order in which they came."""

    def __init__(self) -> None:
        self.names: list[Name] = []
        self._numbers: dict[Name, int] = {}

    def number(self, name: Name) -> int:
        found = self._numbers.get(name)
        if found is None:
            found = self._numbers[name] = len(self.names)
            self.names.append(name)
        return found

    def known(self, name: Name) -> int:
        """Return the number of a name; -1, which no row has, where it never came."""
        return self._numbers.get(name, -1)


def is_within(area: str, above: str) -> bool:
    """Whether a division is another or lies in it, by their paths."""
    return area == above or area.startswith(f"{above}.")


def world_of(lon: float, lat: float) -> tuple[float, float]:
    """Return the place of a point in the web's Mercator square: (0, 0) north-west, (1, 1) south-east."""
    bounded = math.radians(max(-HIGHEST_LAT, min(HIGHEST_LAT, lat)))
    return lon / 360 + 0.5, 0.5 - math.log(math.tan(math.pi / 4 + bounded / 2)) / (2 * math.pi)


def _lat_of(y: float) -> float:
    return math.degrees(2 * math.atan(math.exp((0.5 - y) * 2 * math.pi)) - math.pi / 2)


def lattice(zoom: int, side_px: int) -> float:
    """Return how many cells lie side by side round the world at a zoom."""
    return float(2**zoom * TILE_PX / side_px)


_COLUMNS: Mapping[str, Any] = {
    "number": np.uint64, "state": np.uint8, "kind": np.int16, "category": np.int32, "drill": np.bool_,
    "area": np.int32, "community": np.int64, "x": np.float64, "y": np.float64, "column": np.int32,
    "line": np.int32, "reported_by": np.int64,
    "receivers": np.int32, "reported": np.float64, "due": np.float64, "response_due": np.float64,
    "responded": np.float64, "closed": np.float64, "since": np.float64, "until": np.float64,
}  # fmt: skip


class WallTable:
    """Cases as columns.

    Parameters
    ----------
    rows : iterable of CaseRow
    """

    def __init__(self, rows: Iterable[CaseRow] = ()) -> None:
        self._kinds, self._categories, self._areas = _Names[str](), _Names[str](), _Names[str]()
        self._receivers = _Names[tuple[str, ...]]()
        self._slots: dict[str, int] = {}
        self._masks: OrderedDict[tuple[Reader, Wanted, float], tuple[Mask, Mask]] = OrderedDict()
        self._size = 0
        values = [self._values(row) for row in rows]
        self._size = len(values)
        columns = zip(*values, strict=True) if values else ([] for _ in _COLUMNS)
        self._columns = {
            name: np.array(column, kind)
            for (name, kind), column in zip(_COLUMNS.items(), columns, strict=True)
        }

    def __len__(self) -> int:
        """Return how many rows there are."""
        return self._size

    def put(self, rows: Iterable[CaseRow]) -> None:
        """Take in cases that are new or changed, of a table of one row a case."""
        self._masks.clear()
        if len(self._slots) != self._size:
            numbers = self._columns["number"][: self._size]
            self._slots = {f"{number:019d}": slot for slot, number in enumerate(numbers.tolist())}
        for row in rows:
            self._write(self._slots.setdefault(row.number, self._size), row)

    def _write(self, slot: int, row: CaseRow) -> None:
        if slot >= len(self._columns["number"]):
            self._columns = {
                name: np.concatenate([column, np.zeros(len(column) + 1024, column.dtype)])
                for name, column in self._columns.items()
            }
        for column, value in zip(self._columns.values(), self._values(row), strict=True):
            column[slot] = value
        self._size = max(self._size, slot + 1)

    def _values(self, row: CaseRow) -> tuple[Any, ...]:
        x, y, column, line = math.nan, math.nan, -1, -1
        if row.lon is not None and row.lat is not None:
            x, y = world_of(row.lon, row.lat)
            column, line = math.floor(x * 2**_FINEST), math.floor(y * 2**_FINEST)
        return (
            int(row.number), _STATE[row.state], self._kinds.number(row.kind),
            self._categories.number(row.category), row.mode == "drill", self._areas.number(row.area),
            row.community_id or 0, x, y, column, line, row.reported_by or 0,
            self._receivers.number(row.receivers),
            row.reported, row.due, row.response_due, row.responded, row.closed, row.since, row.until,
        )  # fmt: skip

    def _column(self, name: str) -> NDArray[Any]:
        return self._columns[name][: self._size]

    def seen(self, reader: Reader, now: float) -> Mask:
        """Return which rows stand at a moment and are the reader's to see; drills are no cases."""
        areas = np.array(
            [any(is_within(area, held) for held in reader.areas) for area in self._areas.names] or [False]
        )
        mask: Mask = areas[self._column("area")]
        if reader.own:
            mask |= self._column("reported_by") == reader.user_id
        for department, held in reader.departments:
            has = np.array([department in received for received in self._receivers.names] or [False])
            there = np.array([is_within(area, held) for area in self._areas.names] or [False])
            mask |= has[self._column("receivers")] & there[self._column("area")]
        stands = (self._column("since") <= now) & (now < self._column("until"))
        mask &= stands & ~self._column("drill")
        return mask

    def masks(self, reader: Reader, wanted: Wanted, now: float) -> tuple[Mask, Mask]:
        """Return which rows are the reader's and wanted, in any state; and those of them that are open."""
        key = (reader, wanted, now)
        found = self._masks.get(key)
        if found is None:
            mine = self.seen(reader, now) & self.about(wanted)
            found = self._masks[key] = (mine, mine & self.open(wanted, now))
            if len(self._masks) > _MOST_MASKS:
                self._masks.popitem(last=False)
        return found

    def about(self, wanted: Wanted) -> Mask:
        """Return which rows are what is wanted, whatever state they are in."""
        mask = np.ones(self._size, dtype=bool)
        if wanted.category is not None:
            mask &= self._column("category") == self._categories.known(wanted.category)
        if wanted.kind is not None:
            mask &= self._column("kind") == self._kinds.known(wanted.kind)
        if wanted.community is not None:
            mask &= self._column("community") == wanted.community
        if wanted.area is not None:
            inside = np.array([is_within(area, wanted.area) for area in self._areas.names] or [False])
            mask &= inside[self._column("area")]
        return mask

    def open(self, wanted: Wanted, now: float) -> Mask:
        """Return which rows are open in a state that is wanted, and late where only that is."""
        mask: Mask = _IS_OPEN[self._column("state")]
        if wanted.states is not None:
            asked = np.array([name in wanted.states for name in STATES])
            mask &= asked[self._column("state")]
        if wanted.overdue:
            mask &= self.overdue(now)
        return mask

    def overdue(self, now: float) -> Mask:
        """Return which rows are late: to be handled still, after they were due."""
        late: Mask = _IS_UNHANDLED[self._column("state")] & (self._column("due") < now)
        return late

    def soon(self, now: float) -> Mask:
        """Return which rows are due soon and to be handled still."""
        due = self._column("due")
        near: Mask = _IS_UNHANDLED[self._column("state")] & (due >= now) & (due < now + SOON_S)
        return near

    def unanswered(self, now: float) -> Mask:
        """Return which rows nobody answered when a first response was due."""
        responded = self._column("responded") <= now
        late: Mask = (self._column("response_due") < now) & ~responded
        return late

    def mapped(self) -> Mask:
        """Return which rows have a point."""
        on_map: Mask = ~np.isnan(self._column("x"))
        return on_map

    def by_state(self, mask: Mask) -> dict[str, int]:
        """Count the rows of a mask by their states, those that occur."""
        counts = np.bincount(self._column("state")[mask], minlength=len(STATES))
        return {name: int(n) for name, n in zip(STATES, counts, strict=True) if n}

    def between(self, column: str, start: float, end: float) -> Mask:
        """Return which rows were `reported` or `closed` in a time, its end not in it."""
        values = self._column(column)
        within: Mask = (start <= values) & (values < end)
        return within

    def extent(self, mask: Mask) -> list[float] | None:
        """Return the box round the rows of a mask, in degrees; None where none has a point."""
        if not mask.any():
            return None
        x, y = self._column("x")[mask], self._column("y")[mask]
        west, east = ((float(edge) - 0.5) * 360 for edge in (x.min(), x.max()))
        return [west, _lat_of(float(y.max())), east, _lat_of(float(y.min()))]

    def latest_due(self, mask: Mask, start: int, most: int) -> list[int]:
        """Return rows of a mask by when they were due, the longest late first, from one on."""
        rows = np.flatnonzero(mask)
        if len(rows) > start + most:
            near = np.partition(self._column("due")[rows], start + most)[start + most]
            rows = rows[self._column("due")[rows] <= near]
        order = np.lexsort((self._column("number")[rows], self._column("due")[rows]))
        return [int(row) for row in rows[order[start : start + most]]]

    def told(self, row: int) -> dict[str, Any]:
        """Return one row: number, state, category, kind, community, and when it was reported and is due."""
        due = float(self._columns["due"][row])
        return {
            "number": f"{int(self._columns['number'][row]):019d}",
            "state": STATES[self._columns["state"][row]],
            "category": self._categories.names[self._columns["category"][row]],
            "kind": self._kinds.names[self._columns["kind"][row]],
            "community_id": int(self._columns["community"][row]) or None,
            "reported": float(self._columns["reported"][row]),
            "due": None if math.isinf(due) else due,
        }

    def cells(self, mask: Mask, corners: Corners, zoom: int, side_px: int, now: float) -> Cells:
        """Gather the rows of a mask by the cells, some pixels wide at a zoom, that touch a box."""
        n = lattice(zoom, side_px)
        box = cell_box(corners, zoom, side_px)
        shift = _FINEST - round(math.log2(n))
        column, line = self._column("column") >> shift, self._column("line") >> shift
        # What has no place has column -1, and no box begins there.
        touched = (column >= max(box[0], 0)) & (column <= box[2]) & (line >= box[1]) & (line <= box[3])
        rows = np.flatnonzero(mask & touched)
        x, y = self._columns["x"][rows], self._columns["y"][rows]
        width, height = box[2] - box[0] + 1, box[3] - box[1] + 1
        place = (line[rows].astype(np.int64) - box[1]) * width + column[rows] - box[0]
        if width * height <= _FEW_CELLS:
            held = np.bincount(place, minlength=width * height) > 0
            cell = np.flatnonzero(held)
            group = (np.cumsum(held) - 1)[place]
        else:
            cell, group = np.unique(place, return_inverse=True)
        size = len(cell)
        counts = np.bincount(group, minlength=size)
        late, near = self.overdue(now)[rows], self.soon(now)[rows]
        last = np.full(size, -1)
        last[group] = rows
        middle_x = np.bincount(group, x, size) / np.maximum(counts, 1)
        middle_y = np.bincount(group, y, size) / np.maximum(counts, 1)
        return Cells(
            box, cell % width + box[0], cell // width + box[1], (middle_x - 0.5) * 360,
            np.degrees(2 * np.arctan(np.exp((0.5 - middle_y) * 2 * np.pi)) - np.pi / 2), counts,
            np.bincount(group[late], minlength=size), np.bincount(group[near], minlength=size),
            np.where(counts == 1, last, -1),
        )  # fmt: skip


def cell_box(corners: Corners, zoom: int, side_px: int) -> tuple[int, int, int, int]:
    """Return the first and last column and row of cells that touch a box, as (min_x, min_y, max_x, max_y)."""
    n = lattice(zoom, side_px)
    west, north = world_of(corners[0], corners[3])
    east, south = world_of(corners[2], corners[1])
    return math.floor(west * n), math.floor(north * n), math.floor(east * n), math.floor(south * n)
