"""What is expected, towers due for handover and demolitions, and which grids leave the band by when."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.columns import table_columns
from geo.containers import read_raw, source_of
from geo.errors import InputError
from geo.names import shortened
from geo.partition import Band
from geo.review import GridStatus
from geo.units import MAX_HOUSEHOLDS, row_labels, texts, whole_number

_DAY = re.compile(r"\s*(\d{4})[-/.\u5e74](\d{1,2})[-/.\u6708](\d{1,2})(?!\d)")


@dataclass(frozen=True)
class Expected:
    """A change that is expected.

    Attributes
    ----------
    day : date
    households : int or None
        That come (above 0) or go (below 0); None: all of the unit go, as with a demolition.
    unit_id : str or None
        The unit they come to or go from.
    place : (lon, lat) or None
        Instead: where a new house stands, in degrees of WGS 84 or CGCS2000.
    note : str
    label : str
        How messages name it, else by its number.
    """

    day: date
    households: int | None
    unit_id: str | None = None
    place: tuple[float, float] | None = None
    note: str = ""
    label: str = ""


@dataclass(frozen=True)
class Step:
    """A grid on a day: its households and status before and after what is expected then.

    Attributes
    ----------
    changes : tuple of int
        Positions of the changes of that day in that grid.
    """

    day: date
    grid_id: str
    before: int
    after: int
    status_before: GridStatus
    status: GridStatus
    changes: tuple[int, ...]


def timeline(
    changes: Sequence[Expected],
    unit_of_change: Sequence[int],
    households: NDArray[np.int64],
    grid_ids: NDArray[np.object_],
    *,
    band: Band,
    special: frozenset[str] = frozenset(),
) -> list[Step]:
    """Return the grids that each day changes, by day and grid; what never happens changes nothing.

    Parameters
    ----------
    changes : sequence of Expected
    unit_of_change : sequence of int
        Of each change the unit it is about, or whose ground a new house stands on.
    households : (n,) int64
    grid_ids : (n,) object
        Grid of each unit, None for none.
    band : Band
    special : frozenset of str
        Grids that no band binds.

    Raises
    ------
    InputError
        More households would go than there are: `expected_too_many_go`, with the number of the change.
    """
    left = households.astype(np.int64).copy()
    totals: dict[str, int] = {}
    for grid, count in zip(grid_ids, left.tolist(), strict=True):
        if grid is not None:
            totals[grid] = totals.get(grid, 0) + count
    steps: list[Step] = []
    order = sorted(range(len(changes)), key=lambda at: (changes[at].day, at))
    by_day: dict[date, list[int]] = {}
    for at in order:
        by_day.setdefault(changes[at].day, []).append(at)
    for day, of_day in by_day.items():
        before = dict(totals)
        touched: dict[str, list[int]] = {}
        for at in of_day:
            unit, change = unit_of_change[at], changes[at]
            come = -int(left[unit]) if change.households is None else change.households
            if left[unit] + come < 0:
                raise InputError(
                    "expected_too_many_go",
                    f"{-come} households go, but only {int(left[unit])} are there",
                    mend="correct the households", feature=change.label or f"#{at + 1}", field="households",
                    n=-come, there=int(left[unit]),
                )  # fmt: skip
            if change.place is None:
                left[unit] += come
            grid = grid_ids[unit]
            if grid is not None and come:
                totals[grid] += come
                touched.setdefault(grid, []).append(at)
        for grid in sorted(touched):
            then: GridStatus = "exempt" if grid in special else band.status(before[grid])
            now: GridStatus = "exempt" if grid in special else band.status(totals[grid])
            steps.append(Step(day, grid, before[grid], totals[grid], then, now, tuple(touched[grid])))
    return steps


def leaving(steps: Sequence[Step]) -> list[Step]:
    """Return the steps after which a grid is out of band that was in it before, or out on the other side."""
    return [
        step
        for step in steps
        if step.status in ("too_small", "too_large") and step.status != step.status_before
    ]


def placed_units(
    changes: Sequence[Expected],
    unit_ids: NDArray[np.object_],
    cells: NDArray[np.object_],
    points: NDArray[np.object_],
) -> list[int]:
    """Return the unit of each change: the one named, or whose cell a new house stands on.

    Parameters
    ----------
    changes : sequence of Expected
    unit_ids : (n,) object
    cells : (n,) of Polygon, MultiPolygon or None
    points : (len(changes),) of Point or None
        Places of new houses in the CRS of the cells.

    Raises
    ------
    InputError
        A unit is unknown, or a place lies on no unit's ground.
    """
    number: Mapping[str, int] = {str(unit): at for at, unit in enumerate(unit_ids)}
    tree = shapely.STRtree(cells)
    units = []
    for at, (change, point) in enumerate(zip(changes, points, strict=True)):
        if change.unit_id is not None:
            if change.unit_id not in number:
                raise InputError(
                    "expected_unit_unknown", "the plan has no such unit", mend="correct the id",
                    feature=change.label or f"#{at + 1}", field="unit_id", unit=shortened(change.unit_id),
                )  # fmt: skip
            units.append(number[change.unit_id])
            continue
        hosts = np.sort(tree.query(point, predicate="intersects"))
        if not len(hosts):
            raise InputError(
                "expected_nowhere", "the place lies in no grid", mend="correct lon and lat",
                feature=change.label or f"#{at + 1}",
            )  # fmt: skip
        units.append(int(hosts[0]))
    return units


def read_expected(source: str) -> list[Expected]:
    """Read a table of what is expected: `date`, `unit_id` or `lon` and `lat`, `households`, `note`.

    Households of an empty cell: the unit is demolished, all go.

    Raises
    ------
    InputError
        The table cannot be read, or a row says no day, no place, or no number.
    """
    origin = source_of(source)
    raw, _ = read_raw(origin)
    columns = table_columns("expected", raw, ("date", "households"), with_place=True)
    labels = row_labels(None, len(raw), raw.numbering)
    told = {
        name: texts(raw.values[columns[name]]) if name in columns else np.full(len(raw), None, object)
        for name in ("date", "unit_id", "households", "note", "lon", "lat")
    }
    changes = []
    for row, label in enumerate(labels):
        said = {name: values[row] for name, values in told.items()}
        if all(value is None for value in said.values()):
            continue
        where = {"file": origin.name, "feature": label}
        changes.append(_expected(said, where))
    return changes


def _expected(said: Mapping[str, str | None], where: Mapping[str, str]) -> Expected:
    file, feature = where["file"], where["feature"]
    day = _day(said["date"] or "")
    if day is None:
        value = shortened(said["date"] or "")
        raise InputError(
            "expected_day", f"{value} is no day", mend="write 2027-06-30", file=file, field="date",
            feature=feature, value=value,
        )  # fmt: skip
    count = said["households"]
    goes = count is not None and count.startswith(("-", "\u2212", "\uff0d"))
    number = None if count is None else whole_number(count[1:] if goes else count)
    if count is not None and (number is None or not 0 < number <= MAX_HOUSEHOLDS):
        raise InputError(
            "expected_households", f"{shortened(count)} is no number of households that come or go",
            mend="write 120 or -60, or nothing where the unit is demolished", file=file, field="households",
            feature=feature, value=shortened(count),
        )  # fmt: skip
    place = _place(said, file, feature)
    if (said["unit_id"] is None) == (place is None) or (place is not None and (number is None or goes)):
        raise InputError(
            "expected_where", "it names neither a unit nor a new house, or both",
            mend="give unit_id, or lon and lat and the households that come", file=file, feature=feature,
        )  # fmt: skip
    signed = None if number is None else -number if goes else number
    return Expected(day, signed, said["unit_id"], place, said["note"] or "", feature)


def _day(said: str) -> date | None:
    found = _DAY.match(said)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def _place(said: Mapping[str, str | None], file: str, feature: str) -> tuple[float, float] | None:
    if said["lon"] is None and said["lat"] is None:
        return None
    try:
        lon, lat = float(said["lon"] or ""), float(said["lat"] or "")
    except ValueError:
        lon = lat = np.nan
    if not (abs(lon) <= 180 and abs(lat) <= 90):
        raise InputError(
            "expected_place", "lon and lat are no place in degrees", mend="correct them", file=file,
            feature=feature,
        )  # fmt: skip
    return lon, lat
