"""Rosters: where and when nobody is on duty in first or in second place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Literal, TypeAlias

Place: TypeAlias = Literal["A", "B"]


@dataclass(frozen=True)
class Duty:
    """A stretch of duty in a grid; an empty grid is the whole area."""

    grid: str
    place: Place
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Gap:
    """A stretch in which places of a grid are empty: A, B or both."""

    grid: str
    missing: tuple[Place, ...]
    starts_at: datetime
    ends_at: datetime


def gaps(duties: Iterable[Duty], grids: Sequence[str], start: datetime, end: datetime) -> list[Gap]:
    """Return the gaps of every grid between two moments, in the order of grids and of time.

    Who has duty in the whole area has it in each of its grids.
    """
    known = list(duties)
    found: list[Gap] = []
    for grid in grids:
        own = [one for one in known if one.grid in ("", grid) and one.starts_at < end and one.ends_at > start]
        moments = sorted(
            {
                start,
                end,
                *(moment for one in own for moment in (one.starts_at, one.ends_at) if start < moment < end),
            }
        )
        for begin, until in pairwise(moments):
            there = {one.place for one in own if one.starts_at <= begin and one.ends_at >= until}
            missing: tuple[Place, ...] = tuple(place for place in ("A", "B") if place not in there)
            if not missing:
                continue
            last = found[-1] if found else None
            if last and (last.grid, last.missing, last.ends_at) == (grid, missing, begin):
                found[-1] = Gap(grid, missing, last.starts_at, until)
            else:
                found.append(Gap(grid, missing, begin, until))
    return found
