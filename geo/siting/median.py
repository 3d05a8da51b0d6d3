"""The p-median: which k places make all walk least, where a place serves so many households and no more.

A household that no place serves counts as a walk of the limit, the least it would have to walk. The bound is
the Lagrangian's, which relaxes that every household is served once; with few candidates the program itself
is solved.

References
----------
Cornuejols, G., Fisher, M., Nemhauser, G. (1977). Location of bank accounts to optimize float. Management
Science 23(8) (the Lagrangian bound).
Teitz, M., Bart, P. (1968). Heuristic methods for estimating the generalized vertex median. Operations
Research 16(5) (interchange).
AlBdaiwi, B., Ghosh, D., Goldengorin, B. (2011). Data aggregation for p-median problems. Journal of
Combinatorial Optimization 21 (units that see the same places in the same order become one).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from geo.siting.answer import Answer, FloatArray, IntArray, Served
from geo.siting.covering import PROVED_UP_TO
from geo.siting.nearby import Nearby
from geo.siting.program import least

_STEPS = 400
# The step is halved after so many steps without a better bound.
_PATIENCE = 15
# Assignments under capacity that are solved while looking for better places, and those for each polishing:
# exchanges among so many that promise most.
_TRIED = 25
_SWAPS = 120
_PROMISING = 36
# The search ends at this gap where the optimum is not asked for.
_GAP = 0.002
# Programs with more rows than this are not given to the solver.
_ROWS = 60_000


def nearest(nearby: Nearby, k: int, *, capacity: int | None = None) -> Answer:
    """Choose k candidates so that the households' walks to the places that serve them are least in all.

    Parameters
    ----------
    nearby : Nearby
        Standing places serve too.
    k : int
    capacity : int, optional
        Most households that a place serves; units may be shared among places.

    Returns
    -------
    Answer
        `value` and `bound` are household-minutes; `served` says who walks where.
    """
    problem = _Problem(nearby, k, capacity)
    places = problem.greedy()
    if capacity is None:
        places = problem.exchanged(places)
    best, value = places, problem.cost(places)
    bound, guesses, price = problem.lagrangian(value)
    tried = {best.tobytes()}
    for guess in guesses:
        if guess.tobytes() in tried or value - bound <= _GAP * value:
            continue
        tried.add(guess.tobytes())
        better = problem.exchanged(guess) if capacity is None else guess
        cost = problem.cost(better)
        if cost < value:
            best, value = better, cost
    if capacity is not None and value - bound > _GAP * value:
        best, value = problem.polished(best, value)
    proved = False
    if len(nearby.candidates) <= PROVED_UP_TO:
        solved = problem.solved(best, value, price)
        if solved is not None:
            exact, low, proved = solved
            cost = problem.cost(exact)
            if cost < value:
                best, value = exact, cost
            bound = max(bound, low)
    bound = min(bound, value)
    proved = proved or value - bound <= 1e-6 * max(1.0, value)
    return Answer(best, value, bound, proved, problem.served(best))


def serving(nearby: Nearby, places: IntArray, *, capacity: int | None = None) -> Served:
    """Return who walks where at least household-minutes, to standing places and some candidates.

    Parameters
    ----------
    nearby : Nearby
    places : int64 array
        Candidates that are chosen.
    capacity : int, optional
        Most households that a place serves; without it everyone goes to the nearest place.
    """
    return _Problem(nearby, len(places), capacity).served(places)


class _Assigned(NamedTuple):
    """Who is served where under capacity.

    Household-minutes; rows of `unit` and `place` that are used, (u,), with their households, (u,); and the
    minutes under which one more place would serve a household of each unit, (n,).
    """

    value: float
    rows: IntArray
    households: FloatArray
    price: FloatArray


@dataclass
class _Problem:
    nearby: Nearby
    k: int
    capacity: int | None

    @cached_property
    def weight(self) -> FloatArray:
        """Households of each unit."""
        return self.nearby.households.astype(np.float64)

    @cached_property
    def base(self) -> FloatArray:
        """Minutes of each unit without new places: under capacity nobody is sure to be served."""
        if self.capacity is not None:
            return np.full(self.nearby.n_units, self.nearby.limit_minutes)
        return np.minimum(self.nearby.standing_minutes, self.nearby.limit_minutes)

    @cached_property
    def rows(self) -> IntArray:
        """Walks that matter: to candidates, and under capacity to standing places, shorter than `base`."""
        shorter = (self.nearby.minutes < self.base[self.nearby.unit]) & (self.weight[self.nearby.unit] > 0)
        return np.flatnonzero(
            shorter & (~self.nearby.is_standing[self.nearby.place] | (self.capacity is not None))
        )

    @cached_property
    def unit(self) -> IntArray:
        return self.nearby.unit[self.rows]

    @cached_property
    def place(self) -> IntArray:
        return self.nearby.place[self.rows]

    @cached_property
    def minutes(self) -> FloatArray:
        return self.nearby.minutes[self.rows]

    @cached_property
    def matrix(self) -> csr_matrix:
        """Minutes saved by a place for a unit, (n, m)."""
        return csr_matrix(
            (self.base[self.unit] - self.minutes, (self.unit, self.place)),
            shape=(self.nearby.n_units, self.nearby.n_places),
        )

    @cached_property
    def by_place(self) -> csr_matrix:
        return csr_matrix(self.matrix.T)

    def column(self, place: int) -> tuple[IntArray, FloatArray]:
        """Return the units that a place saves minutes, and how many."""
        part = slice(self.by_place.indptr[place], self.by_place.indptr[place + 1])
        return self.by_place.indices[part].astype(np.int64), self.by_place.data[part].astype(np.float64)

    def standing_and(self, places: IntArray) -> IntArray:
        return np.sort(np.concatenate([np.flatnonzero(self.nearby.is_standing), places]))

    # --- upper bounds ---

    def greedy(self) -> IntArray:
        """Return k candidates, each saving most household-minutes after those before it."""
        saved = np.zeros(self.nearby.n_units)
        candidates = self.nearby.candidates
        gain = np.full(self.nearby.n_places, -np.inf)
        gain[candidates] = self.by_place[candidates] @ self.weight
        chosen: list[int] = []
        stale = np.ones(self.nearby.n_places, bool)
        while len(chosen) < min(self.k, len(candidates)):
            # Gains only shrink: the best one that is up to date is the best of all.
            best = int(np.argmax(gain))
            if stale[best]:
                units, saves = self.column(best)
                gain[best] = float((self.weight[units] * np.maximum(saves - saved[units], 0.0)).sum())
                stale[best] = False
                continue
            chosen.append(best)
            gain[best] = -np.inf
            units, saves = self.column(best)
            saved[units] = np.maximum(saved[units], saves)
            stale[:] = True
        return np.sort(np.array(chosen, np.int64))

    def exchanged(self, places: IntArray) -> IntArray:
        """Exchange one place for another as long as that saves household-minutes, the best one first."""
        if not len(places):
            return places
        candidates = self.nearby.candidates
        places = places.copy()
        while True:
            first, second, owner = self.two_best(places)
            # What is lost where a place goes and its units fall back on their second best.
            lost = np.bincount(owner[owner >= 0], (self.weight * (first - second))[owner >= 0], len(places))
            best_change, swap = 1e-7, None
            for into in candidates.tolist():
                units, saves = self.column(into)
                if not len(units):
                    continue
                gain = self.weight[units] * np.maximum(saves - first[units], 0.0)
                own = owner[units]
                # Units of the place that goes are not lost where the one that comes is as good.
                kept = self.weight[units] * np.maximum(np.minimum(saves, first[units]) - second[units], 0.0)
                back = np.bincount(own[own >= 0], kept[own >= 0], len(places))
                change = gain.sum() - lost + back
                out = int(np.argmax(change))
                if change[out] > best_change and into not in places:
                    best_change, swap = float(change[out]), (out, into)
            if swap is None:
                return np.sort(places)
            places[swap[0]] = swap[1]

    def two_best(self, places: IntArray) -> tuple[FloatArray, FloatArray, IntArray]:
        """Return of each unit the most and second most minutes that a place saves, and which saves most."""
        n = self.nearby.n_units
        first, second, owner = np.zeros(n), np.zeros(n), np.full(n, -1)
        for number, place in enumerate(places.tolist()):
            units, saves = self.column(place)
            better = saves > first[units]
            second[units] = np.where(better, first[units], np.maximum(second[units], saves))
            owner[units[better]] = number
            first[units[better]] = saves[better]
        return first, second, owner

    def cost(self, places: IntArray) -> float:
        """Return the household-minutes of some places."""
        if self.capacity is None:
            return float(self.weight @ (self.base - self.two_best(places)[0]))
        return self.assigned(places).value

    def assigned(self, places: IntArray) -> _Assigned:
        """Serve every household at least cost under capacity."""
        opened = np.zeros(self.nearby.n_places, bool)
        opened[self.standing_and(places)] = True
        rows = np.flatnonzero(opened[self.place])
        unit, place, r = self.unit[rows], self.place[rows], len(rows)
        n, m = self.nearby.n_units, self.nearby.n_places
        total = float(self.weight @ self.base)
        if not r:
            return _Assigned(total, rows, np.empty(0), self.base)
        limits = csr_matrix(
            (np.ones(2 * r), (np.concatenate([unit, n + place]), np.tile(np.arange(r), 2))), shape=(n + m, r)
        )
        found = least(
            self.minutes[rows] - self.base[unit], limits, np.full(n + m, -np.inf),
            np.concatenate([self.weight, np.full(m, float(self.capacity or 0))]), n_integer=0,
            most=self.weight[unit],
        )  # fmt: skip
        assert found is not None  # serving nobody is a solution
        # Whole numbers on the right make every corner of a transport problem whole.
        households = np.rint(found.values)
        used = households > 0
        value = total + float((households * (self.minutes[rows] - self.base[unit])).sum())
        return _Assigned(value, rows[used], households[used], self.base + found.prices[:n])

    def polished(self, places: IntArray, value: float) -> tuple[IntArray, float]:
        """Exchange places under capacity, those first that promise most by what the assignment pays."""
        tried, seen = 0, {places.tobytes()}
        while tried < _SWAPS:
            found = None
            for guess in self.promising(places):
                if guess.tobytes() in seen or tried == _SWAPS:
                    continue
                seen.add(guess.tobytes())
                tried += 1
                cost = self.cost(guess)
                if cost < value - 1e-6:
                    found = guess, cost
                    break
            if found is None:
                break
            places, value = found
        return places, value

    def promising(self, places: IntArray) -> list[IntArray]:
        """Return exchanges of one place under capacity, the best first as far as prices tell."""
        worth = self.worth(self.assigned(places).price)[0]
        outside = np.setdiff1d(self.nearby.candidates, places)
        change = worth[outside][None, :] - worth[places][:, None]
        order = np.argsort(change, axis=None, kind="stable")[:_PROMISING]
        return [
            np.sort(np.append(np.delete(places, out), outside[into]))
            for out, into in zip(*np.unravel_index(order, change.shape), strict=True)
        ]

    # --- lower bounds ---

    def worth(self, price: FloatArray) -> tuple[FloatArray, tuple[IntArray, IntArray, FloatArray]]:
        """Return what each place adds at some prices (0 or less), and unit, place, households served."""
        reduced = self.minutes - price[self.unit]
        rows = np.flatnonzero(reduced < 0)
        unit, place, reduced = self.unit[rows], self.place[rows], reduced[rows]
        amount = self.weight[unit]
        if self.capacity is not None:
            order = np.lexsort((reduced, place))
            unit, place, reduced, amount = unit[order], place[order], reduced[order], amount[order]
            taken = np.cumsum(amount)
            begins = np.searchsorted(place, np.arange(self.nearby.n_places + 1))
            before = np.concatenate([[0.0], taken])[begins[:-1]]
            room = self.capacity - (taken - amount - before[place])
            amount = np.clip(room, 0.0, amount)
        worth: FloatArray = np.bincount(place, amount * reduced, self.nearby.n_places).astype(np.float64)
        return worth, (unit, place, amount)

    def lagrangian(self, value: float) -> tuple[float, list[IntArray], FloatArray]:
        """Return a proved lower bound, the places chosen on the way, latest first, and the best prices."""
        n, standing = self.nearby.n_units, self.nearby.is_standing
        candidates = self.nearby.candidates
        k = min(self.k, len(candidates))
        first = np.full(n, np.inf)
        np.minimum.at(first, self.unit, self.minutes)
        # A price between the nearest place and the base.
        price = np.where(np.isfinite(first), (np.minimum(first, self.base) + self.base) / 2, self.base)
        best, best_price, waited, length = -np.inf, price, 0, 1.0
        chosen_before: dict[bytes, IntArray] = {}
        for _ in range(_STEPS):
            worth, (unit, place, amount) = self.worth(price)
            chosen = np.sort(candidates[np.argsort(worth[candidates], kind="stable")[:k]])
            bound = float(self.weight @ price + worth[standing].sum() + worth[chosen].sum())
            chosen_before.pop(chosen.tobytes(), None)
            chosen_before[chosen.tobytes()] = chosen
            if bound > best:
                best, best_price, waited = bound, price, 0
            else:
                waited += 1
                if waited >= _PATIENCE:
                    # Back to the best prices, with a shorter step.
                    length, waited, price = length / 2, 0, best_price
                    if length < 1e-4:
                        break
                    continue
            if value - best <= 1e-7 * max(1.0, value):
                break
            opened = standing.copy()
            opened[chosen] = True
            there = opened[place]
            served = np.bincount(unit[there], amount[there], n)
            slack = np.where(self.weight > 0, 1.0 - served / np.maximum(self.weight, 1.0), 0.0)
            # A price at the base need not rise: whoever is not served pays it.
            slack[(price >= self.base) & (slack > 0)] = 0.0
            norm = float(self.weight @ slack**2)
            if norm <= 0:
                break
            step = length * max(value - bound, 1e-6 * max(1.0, value)) / norm
            price = np.minimum(price + step * slack, self.base)
        guesses = list(chosen_before.values())[::-1]
        return best, guesses[:_TRIED], best_price

    # --- the optimum ---

    def solved(
        self, places: IntArray, value: float, price: FloatArray
    ) -> tuple[IntArray, float, bool] | None:
        """Solve the program; return places, lower bound and whether they are the best.

        The bound is that of choices better than `value`, the cost of `places`.
        """
        if self.capacity is None:
            return self._solved_free(places)
        return self._solved_full(places, self._needless(places, value, price))

    def _needless(self, places: IntArray, value: float, price: FloatArray) -> NDArray[np.bool_]:
        """Return the candidates with which, by the Lagrangian, nothing costs less than `value`, (m,)."""
        candidates, k = self.nearby.candidates, min(self.k, len(self.nearby.candidates))
        needless = np.zeros(self.nearby.n_places, bool)
        if k == len(candidates):
            return needless
        worth, _ = self.worth(price)
        order = candidates[np.argsort(worth[candidates], kind="stable")]
        bound = float(self.weight @ price + worth[self.nearby.is_standing].sum() + worth[order[:k]].sum())
        # It would take the place of the least worthy one that the bound counts on.
        rest = order[k:]
        needless[rest] = bound - worth[order[k - 1]] + worth[rest] > value + 1e-6 * max(1.0, value)
        needless[places] = False
        return needless

    def _solved_free(self, places: IntArray) -> tuple[IntArray, float, bool] | None:
        """Without capacity: pay for each set of nearest places of which none is chosen."""
        candidates = self.nearby.candidates
        column = np.full(self.nearby.n_places, -1)
        column[candidates] = np.arange(len(candidates))
        k = min(self.k, len(candidates))
        price: dict[tuple[int, ...], float] = {}
        free = float(self.weight @ self.base)
        first = np.searchsorted(self.unit, np.arange(self.nearby.n_units + 1))
        for unit in np.unique(self.unit).tolist():
            rows = slice(first[unit], first[unit + 1])
            own = column[self.place[rows]].tolist()
            far = [*self.minutes[rows].tolist(), float(self.base[unit])]
            free -= self.weight[unit] * (far[-1] - far[0])
            for count in range(1, len(own) + 1):
                more = self.weight[unit] * (far[count] - far[count - 1])
                # So many places that at least one of them is chosen cost nothing.
                if more > 0 and count <= len(candidates) - k:
                    key = tuple(sorted(own[:count]))
                    price[key] = price.get(key, 0.0) + more
        c, s = len(candidates), len(price)
        if s > _ROWS:
            return None
        sets = list(price)
        row = np.repeat(np.arange(s), [len(each) for each in sets])
        members = np.array([each for key in sets for each in key], np.int64)
        rows_ = csr_matrix(
            (
                np.ones(len(row) + s),
                (np.concatenate([row, np.arange(s)]), np.concatenate([members, c + np.arange(s)])),
            ),
            shape=(s, c + s),
        )
        choice = csr_matrix(np.concatenate([np.ones(c), np.zeros(s)])[None, :])
        chosen = np.zeros(c)
        chosen[column[places]] = 1.0
        hit = np.array([chosen[list(key)].any() for key in sets], bool)
        found = least(
            np.concatenate([np.zeros(c), list(price.values())]), vstack([rows_, choice], format="csr"),
            np.concatenate([np.ones(s), [float(k)]]), np.concatenate([np.full(s, np.inf), [float(k)]]),
            n_integer=c, start=np.concatenate([chosen, (~hit).astype(float)]),
        )  # fmt: skip
        if found is None:
            return None
        return candidates[found.values[:c] > 0.5], free + found.bound, found.proved

    def _solved_full(
        self, places: IntArray, needless: NDArray[np.bool_]
    ) -> tuple[IntArray, float, bool] | None:
        """Under capacity: households of each unit at each place, none at a place that is not chosen."""
        assert self.capacity is not None
        candidates = self.nearby.candidates
        column = np.full(self.nearby.n_places, -1)
        column[candidates] = np.arange(len(candidates))
        c, r, n, m = len(candidates), len(self.unit), self.nearby.n_units, self.nearby.n_places
        if (~needless[self.place]).sum() > _ROWS:
            return None
        flow = c + np.arange(r)
        linked = np.flatnonzero(column[self.place] >= 0)
        # Households at a place: at most those of the unit where it is chosen, at most its capacity in all.
        served = csr_matrix((np.ones(r), (self.unit, flow)), shape=(n, c + r))
        room = csr_matrix(
            (
                np.concatenate([np.ones(r), np.full(c, -float(self.capacity))]),
                (np.concatenate([self.place, candidates]), np.concatenate([flow, np.arange(c)])),
            ),
            shape=(m, c + r),
        )
        link = csr_matrix(
            (
                np.concatenate([np.ones(len(linked)), -self.weight[self.unit[linked]]]),
                (
                    np.tile(np.arange(len(linked)), 2),
                    np.concatenate([flow[linked], column[self.place[linked]]]),
                ),
            ),
            shape=(len(linked), c + r),
        )
        choice = csr_matrix(np.concatenate([np.ones(c), np.zeros(r)])[None, :])
        room_of = np.where(self.nearby.is_standing, float(self.capacity), 0.0)
        upper = np.concatenate([self.weight, room_of, np.zeros(len(linked)), [float(self.k)]])
        chosen = np.zeros(c)
        chosen[column[places]] = 1.0
        assigned = self.assigned(places)
        start = np.zeros(c + r)
        start[:c] = chosen
        start[c + assigned.rows] = assigned.households
        found = least(
            np.concatenate([np.zeros(c), self.minutes - self.base[self.unit]]),
            vstack([served, room, link, choice], format="csr"), np.full(len(upper), -np.inf), upper,
            n_integer=c, start=start,
            most=np.concatenate([np.ones(c), self.weight[self.unit]])
            * ~np.concatenate([needless[candidates], needless[self.place]]),
        )  # fmt: skip
        if found is None:
            return None
        free = float(self.weight @ self.base)
        return self._filled(candidates[found.values[:c] > 0.5]), free + found.bound, found.proved

    def _filled(self, places: IntArray) -> IntArray:
        """Return as many places as were asked for: some that save nothing may be left out."""
        rest = np.setdiff1d(self.nearby.candidates, places)
        missing = max(min(self.k, len(self.nearby.candidates)) - len(places), 0)
        return np.sort(np.concatenate([places, rest[:missing]]))

    # --- who walks where ---

    def served(self, places: IntArray) -> Served:
        """Return who walks where, with standing and chosen places."""
        if self.capacity is not None:
            assigned = self.assigned(places)
            rows = assigned.rows
            return Served(
                self.unit[rows], self.place[rows], assigned.households.astype(np.int64), self.minutes[rows]
            )
        near = self.nearby
        opened = np.zeros(near.n_places, bool)
        opened[self.standing_and(places)] = True
        rows = np.flatnonzero(opened[near.place])
        # The nearest place comes first.
        rows = rows[np.unique(near.unit[rows], return_index=True)[1]]
        return Served(near.unit[rows], near.place[rows], near.households[near.unit[rows]], near.minutes[rows])
