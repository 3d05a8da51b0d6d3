"""What a file for a meeting says of itself: the period of its cases, its stamp, what was left out of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from geo.comparison import Assigned, compare
from geo.errors import InputError
from geo.findings import Finding
from geo.layers import Layer
from geo.moments import CITY_ZONE, Moment, moment_of
from maps.period import Period
from maps.text import printable

# A case counts as closed in time within so many days, as in `api/cases/figures.py`.
WITHIN_DAYS = 3

# A day alone, as `moments_of` writes it; with a time it is longer.
LENGTH_OF_DAY = len("2026-11-02")
_EPOCH = datetime(1970, 1, 1)
# Columns of cases in which people write freely.
_FREE_TEXT = ("text",)


@dataclass(frozen=True)
class Stamped:
    """A file that went into the page, with the rows that it holds and those that are shown.

    A row that says no place is held and not shown.
    """

    name: str
    sha256: str
    rows: int
    shown: int


def moments_of(said: Iterable[Any], zone: tzinfo = CITY_ZONE) -> tuple[pd.Series[Any], pd.Series[Any]]:
    """Return times written alike, `2026-11-02 09:30` or `2026-11-02`, and as minutes since 1970.

    Both are by the clock of the zone. What is no time stays as it is written, and has no minute.
    """
    written = [*said]
    read = [moment_of(one, zone) if isinstance(one, str) else None for one in written]
    alike = [one if moment is None else _written(moment) for one, moment in zip(written, read, strict=True)]
    minutes = [None if moment is None else _minute(moment) for moment in read]
    return pd.Series(alike, dtype=object), pd.Series(minutes, dtype="Int64")


def _written(moment: Moment) -> str:
    if moment.is_day:
        return moment.at.date().isoformat()
    return moment.at.replace(tzinfo=None).isoformat(sep=" ", timespec="minutes")


def _minute(moment: Moment) -> int:
    return (moment.at.replace(tzinfo=None) - _EPOCH) // timedelta(minutes=1)


def cases_of(
    layer: Layer, period: Period | None, *, with_texts: bool, zone: tzinfo = CITY_ZONE
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Return the cases of a period, without what people wrote freely unless it is asked for.

    Parameters
    ----------
    layer : Layer
        Incidents.
    period : Period, optional
        By the day of their report; a case whose day cannot be read is in no period.
    with_texts : bool
    zone : tzinfo
        In which the days of the period begin.

    Returns
    -------
    (GeoDataFrame, list of Finding)
        The cases, and how many were left out and why.
    """
    frame = layer.frame if with_texts else layer.frame.drop(columns=[*_FREE_TEXT], errors="ignore")
    if period is None:
        return frame, []
    told = frame["reported_at"] if "reported_at" in frame else [None] * len(frame)
    _, minutes = moments_of(told, zone)
    first, end = period.minutes
    inside = minutes.ge(first) & minutes.lt(end)
    chosen = frame[inside.fillna(False).to_numpy(bool)].reset_index(drop=True)
    values: dict[str, Any] = {"file": layer.name, "first": str(period.first), "last": str(period.last)}
    findings = []
    if unread := int(minutes.isna().sum()):
        findings.append(Finding("case_day_unreadable", "warning", values={**values, "n": unread}))
    if outside := len(frame) - len(chosen) - unread:
        findings.append(Finding("cases_outside_period", "info", values={**values, "n": outside}))
    return chosen, findings


def with_before(plan: Mapping[str, pd.DataFrame], old: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the layers of a plan with the grids of another as those before, and what moved between them.

    Raises
    ------
    InputError
        One of the two has no units with ids and grids to be compared.
    """
    before, after = (_assigned(each) for each in (old, plan))
    moves = compare(before, after).moves
    moves = moves.assign(cause=["mended" if pd.notna(grid) else "arrived" for grid in moves["from_grid"]])
    return {**plan, "micro_grids_before": old["micro_grids"], "ledger": moves}


def _assigned(plan: Mapping[str, pd.DataFrame]) -> Assigned:
    units = plan.get("units")
    if units is None or not {"unit_id", "households", "grid_id"} <= {*units}:
        raise InputError(
            "not_comparable",
            "its units have no unit_id, households and grid_id",
            mend="compare files written by `weige plan`",
        )
    units = units.drop_duplicates("unit_id")
    grids = units["grid_id"].astype(object).where(units["grid_id"].notna(), None)
    return Assigned(
        units["unit_id"].to_numpy(dtype=object),
        units["households"].fillna(0).to_numpy("int64"),
        grids.to_numpy(dtype=object),
        tuple(plan["micro_grids"]["grid_id"].dropna()),
    )


def meeting_note(
    *,
    plan: bytes,
    sources: Sequence[Stamped],
    made_at: datetime | None = None,
    period: Period | None = None,
    watermark: str | None = None,
    redacted: bool = True,
    undated: int = 0,
) -> dict[str, Any]:
    """Return what the page says of itself, as `maps/web/src/meeting/schema.ts` declares it.

    Parameters
    ----------
    plan : bytes
        The layers of the page (`maps.pack`): notes made on it name it by its digest.
    sources : sequence of Stamped
    made_at : datetime, optional
        Else now, by the clock of the city.
    undated : int
        Cases that are not in the period since their day cannot be read.
    """
    made = made_at or datetime.now(CITY_ZONE)
    return {
        "id": hashlib.sha256(plan).hexdigest()[:16],
        "made_at": made.isoformat(timespec="seconds"),
        "period": None if period is None else [str(period.first), str(period.last)],
        "within_days": WITHIN_DAYS,
        "watermark": printable(watermark) if watermark else "",
        "redacted": redacted,
        "undated": undated,
        "sources": [
            {"name": printable(each.name), "sha256": each.sha256, "rows": each.rows, "shown": each.shown}
            for each in sources
        ],
    }


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
