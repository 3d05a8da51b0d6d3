"""What mending bought for how many moved households, group by group, and the best choice under a bound.

Groups of parts between which one cannot walk have nothing to do with each other, so each contributes one of
its outcomes, and the best for every number of moved households is a multiple-choice knapsack.

References
----------
Kellerer, H., Pferschy, U., Pisinger, D. (2004). Knapsack Problems, chapter 11. Springer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

# Powers of two so far apart that what comes first outweighs all that comes after.
_HOUSEHOLD, _AVOIDABLE = 1 << 38, 1 << 14


@dataclass(frozen=True)
class Outcome:
    """One state of a group, against the state before it was mended.

    Attributes
    ----------
    moved, parts, households, avoidable, compounds, border_cm : int
        Households whose part changes; change in parts and households out of band or in pieces, those of
        the households that need not be, compounds in parts beyond need, and cost of borders.
    slots : mapping of int to int
        Slot of each unit that changed its.
    """

    moved: int = 0
    parts: int = 0
    households: int = 0
    avoidable: int = 0
    compounds: int = 0
    border_cm: int = 0
    slots: Mapping[int, int] = field(default_factory=dict)

    @property
    def fault(self) -> int:
        """What is minimised before moved households, the less the better."""
        return self.households * _HOUSEHOLD + self.avoidable * _AVOIDABLE + self.compounds


def undominated(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return the outcomes that no other betters for as few moved households, ascending in these."""
    kept: list[Outcome] = []
    for outcome in sorted(outcomes, key=lambda each: (each.moved, each.fault, each.parts, each.border_cm)):
        if not kept or outcome.fault < kept[-1].fault:
            kept.append(outcome)
    return kept


class Choice:
    """The best outcomes together for each number of moved households.

    Parameters
    ----------
    groups : sequence of sequence of Outcome
        Outcomes of each group as `undominated` returns them, the first without a moved household.
    most : int, optional
        Bounds beyond it are not asked for.
    """

    def __init__(self, groups: Sequence[Sequence[Outcome]], most: int | None = None) -> None:
        self.groups = groups
        self.moved_in_all = sum(group[-1].moved for group in groups)
        if most is not None:
            self.moved_in_all = min(self.moved_in_all, most)
        n = self.moved_in_all + 1
        self._fault: NDArray[np.int64] = np.zeros(n, np.int64)
        self._chosen: list[NDArray[np.int32]] = []
        for group in groups:
            best = self._fault + group[0].fault
            chosen = np.zeros(n, np.int32)
            for at, outcome in enumerate(group[1:], 1):
                if outcome.moved >= n:
                    break
                with_it = self._fault[: n - outcome.moved] + outcome.fault
                better = with_it < best[outcome.moved :]
                best[outcome.moved :][better] = with_it[better]
                chosen[outcome.moved :][better] = at
            self._fault = best
            self._chosen.append(chosen)

    def steps(self) -> list[int]:
        """Return the numbers of moved households, from 0, at which the best becomes better."""
        return [0, *(np.flatnonzero(np.diff(self._fault) < 0) + 1).tolist()]

    def within(self, bound: int | None) -> list[Outcome]:
        """Return the outcome of each group that together are best with at most so many moved households."""
        left = self.moved_in_all if bound is None else min(bound, self.moved_in_all)
        chosen: list[Outcome] = []
        for group, choices in zip(reversed(self.groups), reversed(self._chosen), strict=True):
            outcome = group[int(choices[left])]
            left -= outcome.moved
            chosen.append(outcome)
        return chosen[::-1]
