"""The flat arrays a search works on, and the moves made on them: cut, anneal, make even, mend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.partition.annealing import WINDOW_PARTS, anneal, prices
from geo.partition.chance import WAITING
from geo.partition.partition import Band
from geo.partition.pool import Pool
from geo.partition.recutting import recut_windows
from geo.partition.region import Region
from geo.partition.tree_cut import cut_random_tree
from geo.partition.weights import Weights
from geo.partition.whole_parts import with_count

# Parts are worth keeping from this heat down, in centimetres: at more, most of them are rough.
POOLED_CM = 1_000
# In a narrow band parts are first made even, from borders that hardly count to borders that count a little.
EVEN_CM = [round(20_000 * 0.01 ** (stage / 11)) for stage in range(12)]
EVEN_SQUARE_CM = 4_000
MOVES_PER_ATOM = 18
# Of 1024 moves: shares of compounds handed over, windows cut into one part more, windows of three to five
# parts and pairs cut anew, each with those before it.
MOVE_ODDS = (51, 71, 180, 200)
# Parts are made even between two at a time, their number kept.
EVEN_ODDS = (0, 0, 0, 85)
# Trees that would take more steps to cut exactly (about households x upper) are carved instead.
STEPS = 2_000_000_000
WINDOW_STEPS = 10_000_000
LARGEST_TABLE = 20_000_000
# Mending starts by taking cuts that leave an eighth of the lower bound more out of band.
MEND_WARMTH = 8
# A table of compounds in parts is kept while it has at most this many cells; beyond, compounds do not
# steer single moves (they still steer the trees).
LARGEST_PRESENCE = 50_000_000


def _never() -> bool:
    return False


class Bench:
    """The flat arrays a search works on: lists when interpreted (quicker there), int64 when compiled."""

    def __init__(self, region: Region, band: Band, weights: Weights, seed: int, *, large: bool) -> None:
        self.region = region
        self.band = band
        self.weights = weights
        self.large = large
        n, m = len(region), 2 * len(region.left)
        # No part has more households than the region.
        self.upper = min(band.upper, region.households)
        width = self.upper + 1
        self.cells = min(n * width, LARGEST_TABLE)
        self.graph = [self.flat(a) for a in (region.indptr, region.neighbour, region.origin)]
        self.gain, self.joins = self.flat(region.half_gain), self.flat(region.half_joins)
        self.rank, self.weight = self.flat(region.rank), self.flat(region.weight)
        self.compound = self.flat(region.compound)
        self.chance = self.flat(np.array([seed], np.int64))
        self.zone, self.place, self.order, self.parent = (self.blank(n) for _ in range(4))
        self.frontier, self.cut_cost = self.blank(m + 1), self.blank(n)
        self.best, self.choice = self.blank(self.cells), self.blank(self.cells)
        self.best_row, self.choice_row = self.blank(n), self.blank(n)
        self.reach, self.closed, self.part = (self.blank(n) for _ in range(3))
        self.row = self.blank(width)

    def compiled(self) -> Bench:
        """Return a bench that goes on compiled from the same state of chance."""
        return self if self.large else Bench(self.region, self.band, self.weights, self.chance[0], large=True)

    def cuts_exactly(self) -> bool:
        """Whether a random cut is the best there is: the region is a tree and the band is wide."""
        region, band = self.region, self.band
        return (
            int(region.joins.sum()) == len(region) - 1
            and 2 * band.lower <= band.upper + 1
            and region.households * self.upper <= STEPS
            and len(region) * (self.upper + 1) <= LARGEST_TABLE
        )

    def flat(self, values: NDArray[np.int64]) -> Any:
        """Return a working copy."""
        return values.astype(np.int64) if self.large else values.tolist()

    def blank(self, size: int, value: int = 0) -> Any:
        """Return working space."""
        if not self.large:
            return [value] * size
        return np.full(size, value, np.int64) if value else np.zeros(size, np.int64)

    def random_cut(self) -> NDArray[np.int64]:
        """Return the best cut of one random tree."""
        label = self.blank(len(self.region))
        cut_random_tree(
            len(self.region), *self.graph, self.gain, self.joins, self.rank, self.weight, self.band.lower,
            self.upper, label, self.zone, self.place, self.order, self.parent, self.frontier,
            self.cut_cost, STEPS, self.cells, self.best, self.choice, self.best_row, self.choice_row,
            self.reach, self.closed, self.row, self.part, self.chance,
            large=self.large,
        )  # fmt: skip
        return np.asarray(label, np.int64)

    def annealed(
        self,
        labels: NDArray[np.int64],
        heat: Sequence[int],
        moves: int = MOVES_PER_ATOM,
        *,
        strict: int = 1,
        pool: Pool | None = None,
        should_stop: Callable[[], bool] = _never,
    ) -> NDArray[np.int64]:
        """Return the best plan met while annealing, by so many moves an atom at each heat (centimetres).

        What is out of band counts `strict` times. The pool gets the parts at the end of each heat up to
        POOLED_CM.
        """
        price = prices(self.band, self.weights, strict=strict)
        return self._annealed(compact(labels), heat, moves, price, should_stop, pool=pool)

    def evened(self, labels: NDArray[np.int64], n_parts: int) -> NDArray[np.int64]:
        """Return a plan of so many parts that are as even as borders allow, whatever the band.

        A household too many is handed on from part to part until one lacks it: the square of what each part
        is off the mean makes every such step pay, where households out of band alone would not change.
        """
        labels = compact(with_count(self.region, labels, n_parts))
        mean = round(2 * self.region.households / n_parts)
        price = [0, self.region.households, mean, 0, 0, EVEN_SQUARE_CM, 0]
        return self._annealed(labels, EVEN_CM, MOVES_PER_ATOM, price, _never, EVEN_ODDS)

    def _annealed(
        self,
        labels: NDArray[np.int64],
        heat: Sequence[int],
        moves: int,
        price: list[int],
        should_stop: Callable[[], bool],
        odds: tuple[int, int, int, int] = MOVE_ODDS,
        pool: Pool | None = None,
    ) -> NDArray[np.int64]:
        region, n = self.region, len(self.region)
        used = int(labels.max(initial=0)) + 1
        parts = used + used // 4 + 2
        kinds = region.n_compounds if parts * region.n_compounds <= LARGEST_PRESENCE else 0
        compound = self.compound if kinds else self.blank(n, -1)
        presence = np.zeros(parts * kinds, np.int64)
        if kinds:
            named = region.compound >= 0
            np.add.at(presence, labels[named] * kinds + region.compound[named], 1)
        label, presence = self.flat(labels), self.flat(presence)
        total = self.flat(np.bincount(labels, weights=region.weight, minlength=parts).astype(np.int64))
        size = self.flat(np.bincount(labels, minlength=parts))
        free, counts = self.blank(parts), self.flat(np.array([parts - used, 0]))
        free[: parts - used] = self.flat(np.arange(used, parts))
        work = [
            self.zone, self.place, self.order, self.parent, self.closed, self.frontier, self.cut_cost,
            self.blank(n), self.blank(n), self.blank(n), self.blank(n), self.blank(kinds),
            self.blank(kinds), self.blank(n + 1), *(self.blank(WINDOW_PARTS + 2) for _ in range(3)),
        ]  # fmt: skip
        for i in range(n):
            self.zone[i] = 0
        price, waiting = self.flat(np.array(price)), self.flat(np.array(WAITING))
        shares = self.flat(np.array(odds))
        best, now, least = labels, 0, 0
        for degree in heat:
            now += anneal(
                n, kinds, *self.graph, self.gain, self.joins, self.rank, self.weight, compound, price,
                waiting, degree, moves * n, shares, label, total, size, presence, free, counts, *work,
                self.chance,
                large=self.large,
            )  # fmt: skip
            if now < least:
                best, least = np.array(label, np.int64), now
            if pool is not None and degree <= POOLED_CM:
                pool.add(np.array(label, np.int64))
            if should_stop():
                break
        return best

    def mended(self, labels: NDArray[np.int64], trials: int, widest: int) -> NDArray[np.int64]:
        """Return the plan with windows round parts out of band cut anew."""
        n = len(self.region)
        labels = compact(labels)
        parts = int(labels.max(initial=0)) + 1
        total = np.full(n, -1, np.int64)
        total[:parts] = np.bincount(labels, weights=self.region.weight)
        label = self.blank(n)
        recut_windows(
            n, *self.graph, self.gain, self.joins, self.rank, self.weight, self.band.lower, self.upper,
            trials, widest, self.band.lower // MEND_WARMTH, self.flat(np.array(WAITING)),
            self.flat(labels), label, self.flat(total), self.flat(np.arange(n)[::-1]), n - parts,
            self.zone, self.place, self.order, self.parent, self.frontier, self.cut_cost, WINDOW_STEPS,
            self.cells, self.best, self.choice, self.best_row, self.choice_row, self.reach, self.closed,
            self.row, self.part, self.blank(widest + 2 + n), self.blank(n), self.chance,
            large=self.large,
        )  # fmt: skip
        return np.asarray(label, np.int64)


def compact(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the parts from 0 without gaps."""
    return np.unique(labels, return_inverse=True)[1].ravel().astype(np.int64)
