"""What a plan is judged by, beside the band: one table of weights in metres."""

from __future__ import annotations

import math
from dataclasses import dataclass

from geo.errors import InputError


@dataclass(frozen=True)
class Weights:
    """How much each fault of a plan weighs, as metres of border.

    Households and parts out of band come before everything else: a plan with fewer of them is better
    whatever its shape. `household_out` and `part_out` only steer the search towards such plans. The
    rest is one sum, in which each line outweighs the next in ordinary plans.

    Attributes
    ----------
    household_out : float
        One household above the upper or missing to the lower bound, while searching.
    part_out : float
        One part out of band, while searching.
    compound_split : float
        One part more than a compound needs (`ceil(households / upper)`).
    barrier : float
        One metre inside a part of a border that runs along a road, wall, water or barrier.
    cut : float
        One metre of plain border between two parts.
    evenness : float
        One household squared between a part and the target.
    work : float
        A part that has twice as much to do as the mean, or nothing, where a second weight is given; by the
        square between.
    target : int or None
        Households a part should have; None: the middle of the band.
    """

    household_out: float = 100.0
    part_out: float = 1000.0
    compound_split: float = 300.0
    barrier: float = 3.0
    cut: float = 1.0
    evenness: float = 0.01
    work: float = 500.0
    target: int | None = None

    def __post_init__(self) -> None:
        for name in ("household_out", "part_out", "compound_split", "barrier", "cut", "evenness", "work"):
            value = getattr(self, name)
            if not (math.isfinite(value) and 0 <= value <= 1e6):
                raise InputError(
                    "weight_invalid",
                    f"the weight {name} is {value}",
                    mend="give a number from 0 to 1,000,000",
                    field=name,
                    value=str(value),
                )
