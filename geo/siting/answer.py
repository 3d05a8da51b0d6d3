"""An answer to a question of siting, and how good it is proved to be."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Served:
    """Who walks where: households of units (t,) that go to a place each, and how many minutes they walk."""

    unit: IntArray
    place: IntArray
    households: IntArray
    minutes: FloatArray


@dataclass(frozen=True)
class Answer:
    """Chosen places.

    Attributes
    ----------
    places : (k,) int64
        Candidates chosen, ascending.
    value : float
        What is asked for: households newly reached, number of places, or household-minutes walked.
    bound : float
        No choice is better than this.
    proved : bool
        Whether no better choice exists.
    served : Served or None
        Who walks where, in questions of walking time.
    """

    places: IntArray
    value: float
    bound: float
    proved: bool
    served: Served | None = field(default=None, repr=False)

    @property
    def gap(self) -> float:
        """Share by which the value may miss the best at most, 0 where it is proved."""
        if self.proved or self.bound == self.value:
            return 0.0
        return abs(self.bound - self.value) / max(abs(self.value), abs(self.bound))
