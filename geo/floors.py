"""Floor bands: a tower above the maximum divided by floors, each band a unit of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from geopandas import GeoDataFrame
from numpy.typing import NDArray

from geo.columns import table_columns
from geo.containers import read_raw, source_of
from geo.errors import InputError
from geo.names import shortened
from geo.units import MAX_HOUSEHOLDS, row_labels, texts, whole_number

# The tallest houses have some hundred and sixty storeys.
MAX_FLOOR = 300

# Columns of units that tell which tower a floor band is of, and its first and last floor.
COLUMNS = ("divided_from", "floor_from", "floor_to")


@dataclass(frozen=True, order=True)
class FloorBand:
    """Floors of a tower, from the lowest to the highest of them, and the households on them."""

    lowest: int
    highest: int
    households: int

    def unit_id(self, tower: str) -> str:
        """Return the id of the unit that this band of a tower is."""
        return f"{tower}/F{self.lowest}" + ("" if self.highest == self.lowest else f"-{self.highest}")


def bands_needed(households: int, most: int) -> int:
    """Return the fewest bands of which none has more than `most` households on average."""
    return -(-households // most)


def bands_fault(bands: Sequence[FloorBand], households: int) -> tuple[str, dict[str, int]] | None:
    """Return what is wrong with the bands of a tower of so many households, lowest first, or None.

    Returns
    -------
    (code, values) or None
        `floors_reversed`, `floors_overlap`, `floors_gap` (with `floor`), `floors_single`, or `floors_sum`
        (with `told` and `households`).
    """
    ordered = sorted(bands)
    for band in ordered:
        if not 1 <= band.lowest <= band.highest <= MAX_FLOOR:
            return "floors_reversed", {"low": band.lowest, "high": band.highest, "most": MAX_FLOOR}
    for below, above in pairwise(ordered):
        if above.lowest <= below.highest:
            return "floors_overlap", {"floor": above.lowest}
        if above.lowest > below.highest + 1:
            return "floors_gap", {"floor": below.highest + 1}
    if len(ordered) < 2:
        return "floors_single", {}
    told = sum(band.households for band in ordered)
    if told != households:
        return "floors_sum", {"told": told, "households": households}
    return None


# Of each fault: its English sentence and what mends it.
FAULTS: Mapping[str, tuple[str, str]] = {
    "floors_reversed": ("floors {low} to {high} are no band of floors (1 to {most})", "write from and to"),
    "floors_overlap": ("floor {floor} is in two bands", "let each band begin above the one below"),
    "floors_gap": ("floor {floor} is in no band", "let each band begin above the one below"),
    "floors_single": ("it has one band only", "give two bands or more, or leave the unit out"),
    "floors_sum": ("its bands have {told} households, the unit {households}", "correct the households"),
}


def read_floors(source: str) -> dict[str, list[FloorBand]]:
    """Read a table of floor bands: `unit_id`, `from`, `to`, `households`; one row a band.

    Raises
    ------
    InputError
        The table cannot be read, a column is missing, or a number is not one.
    """
    origin = source_of(source)
    raw, _ = read_raw(origin)
    columns = table_columns("floors", raw, ("unit_id", "from", "to", "households"))
    ids = texts(raw.values[columns["unit_id"]])
    labels = row_labels(None, len(raw), raw.numbering)
    numbers = {}
    for column in ("from", "to", "households"):
        values = texts(raw.values[columns[column]])
        numbers[column] = [whole_number(value) for value in values]
        for row, (value, number) in enumerate(zip(values, numbers[column], strict=True)):
            if number is None or not 0 <= number <= MAX_HOUSEHOLDS:
                raise InputError(
                    "floors_number", f"{shortened(value or '')} is not a whole number", mend="correct it",
                    file=origin.name, field=raw.names[columns[column]], feature=labels[row],
                    value=shortened(value or ""),
                )  # fmt: skip
    bands: dict[str, list[FloorBand]] = {}
    for row, unit in enumerate(ids):
        if unit is None:
            raise InputError(
                "id_missing", "it has no id", mend="fill it in", file=origin.name,
                field=raw.names[columns["unit_id"]], feature=labels[row], n=1,
            )  # fmt: skip
        low, high, count = (numbers[column][row] for column in ("from", "to", "households"))
        bands.setdefault(unit, []).append(FloorBand(low or 0, high or 0, count or 0))
    return {unit: sorted(of_unit) for unit, of_unit in bands.items()}


def with_floors(units: GeoDataFrame, floors: Mapping[str, Sequence[FloorBand]], *, file: str) -> GeoDataFrame:
    """Return units with a row for each floor band in the place of a tower.

    Parameters
    ----------
    units : GeoDataFrame
        With `unit_id` and `households`.
    floors : mapping
        Bands of some units by id.
    file : str
        Name of the table.

    Returns
    -------
    GeoDataFrame
        Rows in order; a band has its own `unit_id` and `households`, the tower's shape and other columns,
        and `divided_from`, `floor_from`, `floor_to` (empty for other units).

    Raises
    ------
    InputError
        A unit is unknown or itself a band, bands overlap, leave floors out, or do not add up, or an id is
        taken.
    """
    if not floors:
        return units
    ids = units["unit_id"].to_numpy(dtype=object)
    row_of = {unit: row for row, unit in enumerate(ids)}
    counts = units["households"].to_numpy()
    own = floor_columns(units)
    repeats = np.ones(len(units), np.int64)
    for unit, bands in floors.items():
        row = row_of.get(unit)
        if row is None:
            raise _unfit("floors_unit_unknown", "the units have no such unit", unit, file, mend="correct it")
        if own["divided_from"][row] is not None:
            raise _unfit(
                "floors_of_floors", "it is a band of floors already", unit, file, mend="divide the tower"
            )
        wrong = bands_fault(bands, int(counts[row]))
        if wrong is not None:
            code, values = wrong
            sentence, mend = FAULTS[code]
            raise _unfit(code, sentence.format(**values), unit, file, mend=mend, **values)
        repeats[row] = len(bands)
    taken = np.repeat(np.arange(len(units)), repeats)
    made = units.iloc[taken].reset_index(drop=True)
    new_ids, new_counts = ids[taken], counts[taken]
    columns = {name: values[taken] for name, values in own.items()}
    first = np.cumsum(repeats) - repeats
    for unit, bands in floors.items():
        for place, band in enumerate(sorted(bands), start=int(first[row_of[unit]])):
            new_ids[place], new_counts[place] = band.unit_id(unit), band.households
            columns["divided_from"][place] = unit
            columns["floor_from"][place], columns["floor_to"][place] = band.lowest, band.highest
    twice = pd.Series(new_ids).duplicated()
    if twice.any():
        raise _unfit(
            "floors_id_taken",
            "another unit has this id already",
            str(new_ids[twice][0]),
            file,
            mend="rename it",
        )
    counted = {name: pd.Series(columns[name], index=made.index).astype("Int64") for name in COLUMNS[1:]}
    tower = {"divided_from": columns["divided_from"]}
    return made.assign(unit_id=new_ids, households=new_counts, **tower, **counted)


def floor_columns(units: pd.DataFrame) -> dict[str, NDArray[np.object_]]:
    """Return the columns of floors: the tower, and first and last floor as whole numbers; None for none.

    Rows that do not name all three sensibly are units of their own.
    """
    n = len(units)
    columns: dict[str, NDArray[np.object_]] = {name: np.full(n, None, object) for name in COLUMNS}
    if not set(COLUMNS) <= set(units.columns):
        return columns
    towers = texts(units["divided_from"].to_numpy(dtype=object))
    ends = [
        [whole_number(value) for value in texts(units[name].to_numpy(dtype=object))] for name in COLUMNS[1:]
    ]
    for row, (tower, low, high) in enumerate(zip(towers, *ends, strict=True)):
        if tower is not None and low is not None and high is not None and 1 <= low <= high <= MAX_FLOOR:
            columns["divided_from"][row] = tower
            columns["floor_from"][row], columns["floor_to"][row] = low, high
    return columns


def ground_weights(households: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what the ground of a tower is shared by: a band without households gets the share of one."""
    return np.maximum(households, 1).astype(np.float64)


def towers(units: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return which ground each unit shares: bands of one tower have one site together.

    Returns
    -------
    site_of_unit : (n,) int64
        Sites are numbered from 0 in the order in which their first unit comes.
    first : (s,) int64
        Row of the first unit of each site.
    floor : (n,) int64
        Lowest floor of each band, 0 for other units.
    """
    if not set(COLUMNS) <= set(units.columns):
        every = np.arange(len(units))
        return every, every, np.zeros(len(units), np.int64)
    columns = floor_columns(units)
    home = units["community_id"].to_numpy(dtype=object) if "community_id" in units else None
    keys: list[Any] = [
        row if tower is None else (tower, None if home is None else home[row])
        for row, tower in enumerate(columns["divided_from"])
    ]
    number: dict[Any, int] = {}
    site = np.array([number.setdefault(key, len(number)) for key in keys], np.int64)
    _, first = np.unique(site, return_index=True)
    floor = np.array([low or 0 for low in columns["floor_from"]], np.int64)
    return site, first.astype(np.int64), floor


def _unfit(code: str, message: str, unit: str, file: str, *, mend: str, **values: int) -> InputError:
    name = shortened(unit)
    told: dict[str, Any] = {**values, "unit": name}
    return InputError(code, message, mend=mend, file=file, field="unit_id", feature=name, **told)
