"""A window: the units and parts that one search may change, and its assignments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple


class Change(NamedTuple):
    """What an assignment of a window is judged by, the least first.

    Households that are out of band though they need not be, compounds split beyond need and beyond how
    they were, households outside their part, and centimetres of border.
    """

    avoidable: int
    compounds: int
    moved: int
    border_cm: int


@dataclass(frozen=True)
class Window:
    """Units and parts that may change, as bits of whole numbers.

    Attributes
    ----------
    households : list of int
        Of each unit.
    origin : list of int
        Slot (part) that each unit had, -1 none: it is free to move; -2: one outside the window.
    reach : list of int
        Units one can walk to from each unit, as bits.
    borders : list of dict
        For each unit the units beside it and what cutting that border costs, in centimetres.
    masks : tuple of int
        Units of each slot, as bits; the last may be empty and stand for new parts.
    ignored : frozenset of int
        Slots that are out of band and not to be mended here.
    held : int
        Units that stay where they are, as bits.
    piece_units : list of int
        Number of units one can walk to from each unit, with itself.
    excused : int
        Units above the upper bound and those that can be reached through them alone, as bits.
    compound : list of int
        Compound of each unit, -1 none.
    elsewhere : dict
        Of each compound how many parts outside the window hold it, and how many parts it may lie in.
    """

    households: list[int]
    origin: list[int]
    reach: list[int]
    borders: list[dict[int, int]]
    masks: tuple[int, ...]
    ignored: frozenset[int]
    held: int
    piece_units: list[int]
    excused: int
    compound: list[int]
    elsewhere: dict[int, tuple[int, int]]

    @cached_property
    def home(self) -> list[int]:
        """Units that had each slot, as bits."""
        home = [0] * len(self.masks)
        for unit, slot in enumerate(self.origin):
            if slot >= 0:
                home[slot] |= 1 << unit
        return home


class State(NamedTuple):
    """One assignment of a window, each slot counted.

    Units of each slot as bits, its households, and those of them out of band or apart that need not be.
    """

    masks: tuple[int, ...]
    totals: tuple[int, ...]
    avoidable: tuple[int, ...]
    change: Change


@dataclass(frozen=True)
class Found:
    """The best assignment of a window that was met."""

    masks: tuple[int, ...]
    change: Change
    nodes: int
    exhausted: bool


def units_of(mask: int) -> Iterator[int]:
    """Yield the positions of the bits of a mask, ascending."""
    while mask:
        bit = mask & -mask
        yield bit.bit_length() - 1
        mask ^= bit
