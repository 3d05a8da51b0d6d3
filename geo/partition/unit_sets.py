"""Sets of units of a window as bits of whole numbers: households, pieces, borders, each worked out once."""

from __future__ import annotations

from geo.partition.partition import Band
from geo.partition.window import Window


class UnitSets:
    """What a search asks of sets of units of one window, again and again."""

    def __init__(self, window: Window, band: Band) -> None:
        self.window = window
        self.band = band
        self._whole: dict[int, list[int]] = {}
        self._near: dict[int, int] = {}
        self._sum: dict[int, int] = {}
        self._fault: dict[int, int] = {}
        self._cuts: dict[tuple[int, int], int] = {}
        self.large = 0
        for unit, households in enumerate(window.households):
            if households > band.upper:
                self.large |= 1 << unit
        self._beside = [sum(1 << other for other in gains) for gains in window.borders]

    def total(self, mask: int) -> int:
        """Households of some units."""
        found = self._sum.get(mask)
        if found is None:
            households = self.window.households
            found = 0
            rest = mask
            while rest:
                bit = rest & -rest
                found += households[bit.bit_length() - 1]
                rest ^= bit
            self._sum[mask] = found
        return found

    def near(self, mask: int) -> int:
        """Units that can be walked to from some units."""
        found = self._near.get(mask)
        if found is None:
            found = 0
            reach = self.window.reach
            rest = mask
            while rest:
                bit = rest & -rest
                found |= reach[bit.bit_length() - 1]
                rest ^= bit
            self._near[mask] = found
        return found

    def pieces(self, mask: int) -> list[int]:
        """Connected pieces of some units, most households first."""
        found = self._whole.get(mask)
        if found is None:
            found = []
            reach = self.window.reach
            rest = mask
            while rest:
                reached = rest & -rest
                open_ = reached
                while open_:
                    bit = open_ & -open_
                    open_ ^= bit
                    more = reach[bit.bit_length() - 1] & rest & ~reached
                    reached |= more
                    open_ |= more
                found.append(reached)
                rest ^= reached
            if len(found) > 1:
                found.sort(key=lambda piece: (-self.total(piece), piece))
            self._whole[mask] = found
        return found

    def avoidable(self, mask: int) -> int:
        """Households of a part out of band or apart that need not be, and one more for the fault."""
        found = self._fault.get(mask)
        if found is None:
            found = self._fault[mask] = self._avoidable(mask)
        return found

    def is_faulty(self, mask: int) -> bool:
        """Whether some units are a part that is out of band or in pieces."""
        if not mask:
            return False
        return not self.band.lower <= self.total(mask) <= self.band.upper or len(self.pieces(mask)) > 1

    def _avoidable(self, mask: int) -> int:
        if not mask:
            return 0
        total = self.total(mask)
        if len(self.pieces(mask)) > 1:
            return total + 1
        if self.band.lower <= total <= self.band.upper:
            return 0
        if mask & self.large:
            return self.total(mask & ~self.window.excused)
        if not mask & ~self.window.excused:
            return 0
        alone = mask.bit_count() == self.window.piece_units[(mask & -mask).bit_length() - 1]
        if alone and total < self.band.lower:
            return 0
        return total + 1

    def cut(self, one: int, two: int) -> int:
        """What the border between some units and others costs."""
        found = self._cuts.get((one, two))
        if found is None:
            found = 0
            borders, beside = self.window.borders, self._beside
            rest = one
            while rest:
                bit = rest & -rest
                rest ^= bit
                unit = bit.bit_length() - 1
                others = beside[unit] & two
                if others:
                    gains = borders[unit]
                    while others:
                        other = others & -others
                        others ^= other
                        found += gains[other.bit_length() - 1]
            self._cuts[one, two] = found
        return found

    def note_total(self, mask: int, households: int) -> None:
        """Remember households that were summed another way."""
        self._sum[mask] = households

    def note_joined(self, one: int, two: int) -> None:
        """Remember that two sets of units are contiguous together, where each is and they touch."""
        together = one | two
        if together not in self._whole and self._hangs_together(one, two):
            self._whole[together] = [together]

    def _hangs_together(self, one: int, two: int) -> bool:
        """Whether two sets of units, each contiguous, touch."""
        return bool(self.near(two) & one) and len(self.pieces(two)) == 1 == len(self.pieces(one))

    def without(self, mask: int, unit: int) -> list[int]:
        """Return the connected pieces that a part is without one of its units."""
        rest = mask ^ 1 << unit
        if self._is_spare(mask, unit):
            self._whole[rest] = [rest]
        found = self.pieces(rest)
        for kept in found:
            self._whole[kept] = [kept]
        return found

    def _is_spare(self, mask: int, unit: int) -> bool:
        """Whether a contiguous part plainly stays so without a unit: its neighbours reach each other."""
        reach = self.window.reach
        mask ^= 1 << unit
        ends = reach[unit] & mask
        if not ends or len(self.pieces(mask | 1 << unit)) > 1:
            return False
        reached = open_ = ends & -ends
        while open_ and ends & ~reached:
            bit = open_ & -open_
            open_ ^= bit
            more = reach[bit.bit_length() - 1] & mask & ~reached
            reached |= more
            open_ |= more
        return not ends & ~reached

    def branches(self, mask: int, root: int, lower: int, upper: int) -> dict[int, int]:
        """Branches of the tree of shortest ways from a unit, with lower to upper households."""
        reach, households = self.window.reach, self.window.households
        order, parent = [root], [-1]
        open_ = mask & ~(1 << root)
        for at, unit in enumerate(order):
            fresh = reach[unit] & open_
            open_ ^= fresh
            while fresh:
                bit = fresh & -fresh
                fresh ^= bit
                order.append(bit.bit_length() - 1)
                parent.append(at)
        branch = [1 << unit for unit in order]
        weight = [households[unit] for unit in order]
        found = {}
        for at in range(len(order) - 1, 0, -1):
            here = weight[at]
            branch[parent[at]] |= branch[at]
            weight[parent[at]] += here
            if lower <= here <= upper:
                found[branch[at]] = here
        return found
