"""Who can walk to which place: units, places that stand or could, and the minutes between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from geo.reach import Walks
from geo.siting.answer import FloatArray, IntArray


@dataclass(frozen=True)
class Nearby:
    """Walks within a limit between n units and m places.

    Attributes
    ----------
    households : (n,) int64
    is_standing : (m,) bool
        Places that are there already; the others are candidates.
    unit, place : (t,) int64
    minutes : (t,) float64
        One row for each unit and each place it reaches, units ascending, the nearest place first.
    limit_minutes : float
    """

    households: IntArray
    is_standing: NDArray[np.bool_]
    unit: IntArray
    place: IntArray
    minutes: FloatArray
    limit_minutes: float

    @classmethod
    def of(
        cls,
        walks: Walks,
        households: IntArray,
        is_standing: NDArray[np.bool_],
        *,
        limit_minutes: float,
        metres_per_minute: float,
    ) -> Nearby:
        """Take the walks from each place; those longer than the limit are left out."""
        count = [len(doors) for doors in walks.doors]
        place = np.repeat(np.arange(len(count)), count)
        unit = np.concatenate([*walks.doors, np.empty(0, np.int64)])
        minutes = np.concatenate([*walks.metres, np.empty(0)]) / metres_per_minute
        kept = minutes <= limit_minutes
        place, unit, minutes = place[kept], unit[kept], minutes[kept]
        order = np.lexsort((place, minutes, unit))
        return cls(households, is_standing, unit[order], place[order], minutes[order], limit_minutes)

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.households)

    @property
    def n_places(self) -> int:
        """Number of places."""
        return len(self.is_standing)

    @property
    def candidates(self) -> IntArray:
        """Places that could be, ascending."""
        return np.flatnonzero(~self.is_standing)

    @cached_property
    def reached_by_any(self) -> NDArray[np.bool_]:
        """Whether a unit reaches any place, standing or candidate, (n,)."""
        reached = np.zeros(self.n_units, bool)
        reached[self.unit] = True
        return reached

    @cached_property
    def standing_minutes(self) -> FloatArray:
        """Minutes from each unit to the nearest standing place, infinite where none is reached, (n,)."""
        return self.minutes_to(np.flatnonzero(self.is_standing))

    def minutes_to(self, places: IntArray) -> FloatArray:
        """Return the minutes from each unit to the nearest of some places, infinite if too far, (n,)."""
        chosen = np.zeros(self.n_places, bool)
        chosen[places] = True
        minutes = np.full(self.n_units, np.inf)
        rows = chosen[self.place]
        np.minimum.at(minutes, self.unit[rows], self.minutes[rows])
        return minutes

    @cached_property
    def cover(self) -> csr_matrix:
        """Which place each unit reaches, (n, m) of ones."""
        return csr_matrix(
            (np.ones(len(self.unit)), (self.unit, self.place)), shape=(self.n_units, self.n_places)
        )
