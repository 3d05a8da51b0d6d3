"""What a planner has settled: parts and units that no operation may change."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.errors import InputError
from geo.partition.partition import Partition


@dataclass(frozen=True)
class Locks:
    """Parts and units that every operation leaves as they are.

    Attributes
    ----------
    parts : collection of int
        Parts of the standing partition in which no unit may be added or taken away.
    units : collection of int
        Positions of units that must keep their part: it goes on to exist, and they stay in it.
    """

    parts: Collection[int] = frozenset()
    units: Collection[int] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", frozenset(int(part) for part in self.parts))
        object.__setattr__(self, "units", frozenset(int(unit) for unit in self.units))

    def require(self, partition: Partition) -> None:
        """Refuse locks that do not belong to the partition.

        Raises
        ------
        InputError
            A part or unit does not exist, or a unit that should keep its part has none.
        """
        for part in sorted(self.parts):
            require_part(partition, part)
        n = len(partition.labels)
        for unit in sorted(self.units):
            if not 0 <= unit < n:
                raise InputError(
                    "unit_not_found",
                    f"there is no unit at position {unit}",
                    mend="name one of the units",
                    unit=unit,
                )
            if partition.labels[unit] < 0:
                name = str(partition.adjacency.unit_ids[unit])
                raise InputError(
                    "locked_unit_without_part",
                    f"unit {name} is locked, but it is in no part",
                    mend="lock only units that have a part",
                    feature=name,
                    unit=name,
                )

    def holds_units(self, partition: Partition) -> NDArray[np.bool_]:
        """Return which units must keep their part, (n,) bool: by themselves or with their part."""
        held = np.isin(partition.labels, list(self.parts))
        held[list(self.units)] = True
        return held

    def refuse(self, partition: Partition, part: int) -> None:
        """Refuse to change a part that is locked.

        Raises
        ------
        InputError
            The part is locked.
        """
        if part in self.parts:
            raise InputError(
                "part_locked",
                f"part {part} is locked",
                mend="release the lock first",
                part=part,
            )


def require_part(partition: Partition, part: int) -> None:
    """Refuse a part that does not exist.

    Raises
    ------
    InputError
        There is no such part.
    """
    if not 0 <= part < partition.n_parts:
        raise InputError(
            "part_not_found",
            f"there is no part {part}; there are {partition.n_parts}",
            mend="name one of the parts",
            part=part,
            parts=partition.n_parts,
        )
