"""How much work a plan may take: three presets, one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

EffortName: TypeAlias = Literal["fast", "standard", "thorough"]


@dataclass(frozen=True)
class Effort:
    """How a region is searched.

    Attributes
    ----------
    trees : int
        Random trees cut for a start; the best is taken.
    heat_cm : tuple of int
        Heats of annealing, in centimetres: from moves that may cost the border of a grid to such as cost a
        doorway.
    moves : int
        Moves of each atom at each heat.
    runs : int
        Starts that are annealed; the best plan of all their parts is taken.
    starts : int
        The same in a region with few units, where one can miss the best by much.
    sets : int
        A region with few units and at most so many legal grids gets the cheapest choice among them.
    laid : int
        Most grids that this choice may lay before it ends with the best found.
    """

    trees: int
    heat_cm: tuple[int, ...]
    moves: int
    runs: int
    starts: int
    sets: int
    laid: int


def _cooling(hot_m: float, cold_m: float, stages: int) -> tuple[int, ...]:
    """Return heats in centimetres from hot to cold, each the same share of the one before."""
    return tuple(round(100 * hot_m * (cold_m / hot_m) ** (stage / (stages - 1))) for stage in range(stages))


EFFORTS: Mapping[EffortName, Effort] = MappingProxyType(
    {
        "fast": Effort(2, _cooling(40, 3, 4), 3, 1, 1, 1_000, 20_000),
        "standard": Effort(4, _cooling(30, 2, 16), 4, 1, 4, 40_000, 200_000),
        "thorough": Effort(8, _cooling(30, 2, 20), 10, 4, 5, 200_000, 500_000),
    }
)

# A thorough search of so many units takes a few seconds; fewer than the first have exact answers anyway.
THOROUGH_FROM_UNITS, THOROUGH_TO_UNITS = 61, 2_000


def usual_effort(n_units: int) -> EffortName:
    """Return how much work a plan of so many units takes where nobody says: a few seconds at most."""
    return "thorough" if THOROUGH_FROM_UNITS <= n_units <= THOROUGH_TO_UNITS else "standard"
