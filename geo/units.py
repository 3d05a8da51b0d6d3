"""The tables of layers: their columns and types, and what makes a row valid."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.columns import words
from geo.errors import InputError
from geo.names import shortened
from geo.repair import Place

# The column that names a row, for each kind of layer that has one.
ID_COLUMNS = {
    "units": "unit_id",
    "communities": "community_id",
    "grids": "grid_id",
    "incidents": "case_id",
    "stations": "station_id",
    "candidates": "candidate_id",
    "members": "member_id",
}

# Columns that a kind of layer cannot do without.
REQUIRED = {
    "units": ("households",),
    "incidents": ("kind", "state"),
    "stations": ("name",),
}

# The largest residential towers hold some thousand households; much more is a slip of the key.
_TOO_LONG = 10**15
MAX_HOUSEHOLDS = 100_000

# Chinese input methods write digits as wide as characters.
_WIDE_DIGITS = str.maketrans("\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19", "0123456789")

_COUNT = re.compile(r"\+?(\d+)(?:\.0*)?")


def texts(values: NDArray[Any]) -> NDArray[np.object_]:
    """Return values as stripped text, None for nothing; whole numbers never as `1.0` or `3.2e11`.

    Codes of twelve digits survive also where the file holds them as numbers.
    """
    if values.dtype != object:
        if np.issubdtype(values.dtype, np.bool_):
            return _objects(["true" if value else "false" for value in values.tolist()])
        return _objects([_number_text(value) for value in values.tolist()])
    # Nearly all are text already; a call for each would be most of the time of a large layer.
    return _objects(
        [value.strip() or None if type(value) is str else _text(value) for value in values.tolist()]
    )


def _objects(values: Sequence[Any]) -> NDArray[np.object_]:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value.strip() or None
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, int | float | np.integer | np.floating):
        return _number_text(value)
    return str(value).strip() or None


def _number_text(value: Any) -> str | None:
    if isinstance(value, float | np.floating):
        if np.isnan(value):
            return None
        return str(int(value)) if value.is_integer() else str(value)
    return str(value)


def row_labels(ids: Sequence[str | None] | None, n_rows: int, numbering: int) -> list[str]:
    """Return how messages name each row: by its id, else by its number."""
    if ids is None:
        return [f"#{row}" for row in range(numbering, numbering + n_rows)]
    return [
        shortened(text) if text is not None else f"#{row}" for row, text in enumerate(ids, start=numbering)
    ]


def require_ids(ids: NDArray[np.object_], place: Place, field: str) -> None:
    """Refuse ids that are missing, repeated, or hold characters that cannot be written."""
    empty = np.flatnonzero(ids == None)  # noqa: E711
    if len(empty):
        raise _fault(
            place, "id_missing", "it has no id", int(empty[0]), field, mend="fill it in", n=len(empty)
        )
    series = pd.Series(ids)
    repeated = series.duplicated(keep="first").to_numpy()
    if repeated.any():
        row = int(np.flatnonzero(repeated)[0])
        n = int(series.duplicated(keep=False).sum())
        raise _fault(
            place,
            "id_repeated",
            f"{n} rows share their id with another",
            row,
            field,
            mend="make the ids unique",
            n=n,
        )


def households(values: NDArray[Any], place: Place, field: str) -> NDArray[np.int64]:
    """Return counts of households as whole numbers.

    Raises
    ------
    InputError
        A count is missing, negative, fractional, not a number, or larger than any building.
    """
    if values.dtype.kind in "iuf":
        counts = values.astype(np.float64)
    else:
        counts = _objects([_count(value) for value in values]).astype(np.float64)
    missing = pd.isna(pd.Series(texts(values))).to_numpy()
    for code, message, wrong in (
        ("count_missing", "the number of households is missing", missing),
        ("count_unreadable", "the number of households is not in plain digits", ~np.isfinite(counts)),
        ("count_negative", "the number of households is negative", counts < 0),
        ("count_fractional", "the number of households is not whole", counts != np.floor(counts)),
        ("count_absurd", "the number of households is larger than any building", counts > MAX_HOUSEHOLDS),
    ):
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise _fault(
                place,
                code,
                f"{message} ({_shown(values[row])})",
                row,
                field,
                mend="enter a whole number, 0 or more",
                value=_shown(values[row]),
                n=int(wrong.sum()),
            )
    return counts.astype(np.int64)


def _count(value: Any) -> float:
    if isinstance(value, str):
        text = value.strip().translate(_WIDE_DIGITS)
        if re.fullmatch(r"[+-]?\d+(?:\.\d*)?", text, flags=re.ASCII):
            return _within_float(float(text))
        return np.nan
    if isinstance(value, bool | np.bool_) or value is None:
        return np.nan
    if isinstance(value, int):
        return _within_float(value)
    return float(value) if isinstance(value, float | np.integer | np.floating) else np.nan


def whole_number(text: str | None) -> int | None:
    """Return a whole number, 0 or more, written in digits (wide ones too), or None."""
    if text is None or not (found := _COUNT.fullmatch(text.translate(_WIDE_DIGITS))):
        return None
    return min(int(found.group(1)), _TOO_LONG)


def _within_float(count: float) -> float:
    """Return a number written in digits, which can be of any length, as a float that is not infinite."""
    return float(max(min(count, _TOO_LONG), -_TOO_LONG))


def _shown(value: Any) -> str:
    return shortened("".join(sign if sign.isprintable() else " " for sign in str(value)), 40)


def _fault(
    place: Place, code: str, message: str, row: int, field: str, *, mend: str, **values: str | int | float
) -> InputError:
    error = place.error(code, message, row, mend=mend, **values)
    error.field = field
    return error


def truths(values: NDArray[Any], *, default: bool) -> tuple[NDArray[np.bool_], list[str]]:
    """Return yes and no as booleans, `default` where nothing is said, and the words not understood."""
    as_text = [None if text is None else text.casefold() for text in texts(values)]
    known = dict.fromkeys(words("true"), True) | dict.fromkeys(words("false"), False)
    strange = sorted({text for text in as_text if text is not None and text not in known})
    return np.array([known.get(text, default) if text else default for text in as_text], dtype=bool), strange
