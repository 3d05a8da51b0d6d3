"""What each further place adds: the order in which to build, and where it stops being worth it.

References
----------
Shapley, L. (1962). Complements and substitutes in the optimal assignment problem. Naval Research Logistics
Quarterly 9 (a place adds no more to many places than to few, also where each has a capacity).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from geo.siting.answer import IntArray
from geo.siting.median import serving
from geo.siting.nearby import Nearby

Gain: TypeAlias = Literal["households", "minutes"]


def best_next(
    nearby: Nearby,
    n: int,
    *,
    among: IntArray | None = None,
    after: IntArray | None = None,
    by: Gain = "households",
) -> IntArray:
    """Return up to n candidates, each adding most to those before it, as long as it adds anything.

    Parameters
    ----------
    nearby : Nearby
    n : int
    among : int64 array, optional
        Candidates to choose from; all by default.
    after : int64 array, optional
        Candidates that are chosen already.
    by : {"households", "minutes"}
        Households newly reached, or household-minutes saved, where a longer walk counts as the limit.
    """
    candidates = nearby.candidates if among is None else np.sort(among)
    column = np.full(nearby.n_places, -1)
    column[candidates] = np.arange(len(candidates))
    rows = np.flatnonzero(column[nearby.place] >= 0)
    rows = rows[np.argsort(column[nearby.place[rows]], kind="stable")]
    unit, place, minutes = nearby.unit[rows], column[nearby.place[rows]], nearby.minutes[rows]
    first = np.searchsorted(place, np.arange(len(candidates) + 1))
    weight = nearby.households[unit].astype(np.float64)
    now = nearby.standing_minutes.copy()
    if after is not None:
        now = np.minimum(now, nearby.minutes_to(after))
    order: list[int] = []
    while len(order) < n and len(candidates):
        if by == "households":
            saved = weight * np.isinf(now[unit])
        else:
            saved = weight * np.maximum(np.minimum(now, nearby.limit_minutes)[unit] - minutes, 0.0)
        gain = np.bincount(place, saved, len(candidates))
        best = int(np.argmax(gain))
        if gain[best] <= 1e-9:
            break
        order.append(int(candidates[best]))
        here = slice(first[best], first[best + 1])
        now[unit[here]] = np.minimum(now[unit[here]], minutes[here])
    return np.array(order, np.int64)


def in_order_of_gain(
    nearby: Nearby, places: IntArray, *, by: Gain = "households", capacity: int | None = None
) -> IntArray:
    """Return chosen places in the order of what each adds; those that add nothing last.

    Under a `capacity` it is by household-minutes, and who is not served walks the limit.
    """
    if capacity is not None:
        return _in_order_with_room(nearby, np.sort(places), capacity)
    order = best_next(nearby, len(places), among=places, by=by)
    return np.concatenate([order, np.setdiff1d(places, order)])


def gains_table(nearby: Nearby, order: IntArray, *, capacity: int | None = None) -> pd.DataFrame:
    """Return what each place adds to those before it.

    Returns
    -------
    DataFrame
        n, place, gained and reached (households within the limit, under a `capacity` those that are
        served), share of all households, saved (household-minutes) and mean_minutes of all households, where
        whoever walks longer or is not served counts as the limit. Row 0 is as it stands.
    """
    stages = _by_nearest(nearby, order) if capacity is None else _with_room(nearby, order, capacity)
    total = max(int(nearby.households.sum()), 1)
    rows = []
    before, walked_before = 0, 0.0
    for n, (place, (now, walked)) in enumerate(zip([-1, *order.tolist()], stages, strict=True)):
        gained, saved = (now - before, walked_before - walked) if n else (0, 0.0)
        rows.append(
            (n, place, gained, now, round(now / total, 4), round(saved, 1), round(walked / total, 3))
        )  # fmt: skip
        before, walked_before = now, walked
    columns = ["n", "place", "gained", "reached", "share", "saved", "mean_minutes"]
    return pd.DataFrame(rows, columns=columns)


def _by_nearest(nearby: Nearby, order: IntArray) -> Iterator[tuple[int, float]]:
    """Yield households reached and household-minutes as it stands, then with each further place."""
    minutes = np.minimum(nearby.standing_minutes, nearby.limit_minutes)
    reached = np.isfinite(nearby.standing_minutes)
    by_place = np.argsort(nearby.place, kind="stable")
    first = np.searchsorted(nearby.place[by_place], np.arange(nearby.n_places + 1))
    yield int(nearby.households[reached].sum()), float(minutes @ nearby.households)
    for place in order.tolist():
        here = by_place[first[place] : first[place + 1]]
        minutes[nearby.unit[here]] = np.minimum(minutes[nearby.unit[here]], nearby.minutes[here])
        reached[nearby.unit[here]] = True
        yield int(nearby.households[reached].sum()), float(minutes @ nearby.households)


def _with_room(nearby: Nearby, order: IntArray, capacity: int) -> Iterator[tuple[int, float]]:
    """Yield households served and household-minutes as it stands, then with each further place."""
    for n in range(len(order) + 1):
        yield _served(nearby, order[:n], capacity)


def _served(nearby: Nearby, places: IntArray, capacity: int) -> tuple[int, float]:
    served = serving(nearby, places, capacity=capacity)
    count = int(served.households.sum())
    left = int(nearby.households.sum()) - count
    return count, float(served.households @ served.minutes) + left * nearby.limit_minutes


def _in_order_with_room(nearby: Nearby, places: IntArray, capacity: int) -> IntArray:
    order: list[int] = []
    walked = _served(nearby, places[:0], capacity)[1]
    # What a place added to fewer places is the most that it adds now, so few are looked at again.
    most = dict.fromkeys(places.tolist(), np.inf)
    while most:
        now: dict[int, float] = {}
        while (best := max(most, key=most.__getitem__)) not in now:
            now[best] = _served(nearby, np.array([*order, best], np.int64), capacity)[1]
            most[best] = walked - now[best]
        order.append(best)
        walked = now[best]
        del most[best]
    return np.array(order, np.int64)
