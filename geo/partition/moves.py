"""Moves of a search: what a part out of band could hand over or be given, from a unit to a whole part."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from geo.partition.unit_sets import UnitSets
from geo.partition.window import State, units_of

# Of a part that falls apart, pieces of which one is kept; splits tried of a part, and units they start from.
MOST_KEPT_PIECES = 3
MOST_SPLITS = 6
MOST_ROOTS = 4


class Moves:
    """The moves that each assignment of a window is tried with."""

    def __init__(self, sets: UnitSets) -> None:
        self.sets = sets
        self.window = sets.window
        self.band = sets.band
        self._given: dict[tuple[int, int], list[int]] = {}
        self._parted: dict[tuple[int, int], list[int]] = {}
        self._moves: dict[tuple[int, ...], list[tuple[int, int, int]]] = {}

    def listed(self, state: State) -> list[tuple[int, int, int]]:
        """Return the moves (units, from slot, to slot) that touch the part furthest out of band."""
        found = self._moves.get(state.masks)
        if found is None:
            found = self._moves[state.masks] = list(self._of(state))
        return found

    def _of(self, state: State) -> Iterator[tuple[int, int, int]]:
        worst = max(range(len(state.avoidable)), key=lambda slot: (state.avoidable[slot], -slot))
        mask = state.masks[worst]
        empty = next((slot for slot, other in enumerate(state.masks) if not other), None)
        pieces = self.sets.pieces(mask)
        if len(pieces) > 1:
            yield from self._rejoined(state, worst, pieces, empty)
            return
        near = self.sets.near(mask)
        beside = [slot for slot, other in enumerate(state.masks) if slot != worst and other & near]
        if mask & self.sets.large:
            yield from self._ejected(state, worst, beside, empty)
            return
        small = state.totals[worst] < self.band.lower
        for slot in beside:
            other = state.masks[slot]
            yield from self._handed(worst, mask, self.sets.near(other), slot)
            if small:
                yield from self._handed(slot, other, near, worst)
                together = state.totals[worst] + state.totals[slot]
                if together <= self.band.upper or not state.totals[worst]:
                    if not mask & self.window.held:
                        yield mask, worst, slot
                    if not other & self.window.held:
                        yield other, slot, worst
        if not small and empty is not None:
            for part in self._splits(worst, mask):
                yield part, worst, empty

    def _handed(self, source: int, mask: int, near: int, goal: int) -> Iterator[tuple[int, int, int]]:
        """Single units of a part near another, each with what it would cut off."""
        held = self.window.held
        for unit in units_of(mask & near & ~held):
            for units in self._with_stranded(mask, unit):
                if units != mask and not units & held:
                    yield units, source, goal

    def _with_stranded(self, mask: int, unit: int) -> list[int]:
        found = self._given.get((mask, unit))
        if found is None:
            rest = self.sets.without(mask, unit)
            found = [1 << unit] if len(rest) < 2 else [mask ^ kept for kept in rest[:MOST_KEPT_PIECES]]
            self._given[mask, unit] = found
        return found

    def _rejoined(
        self, state: State, worst: int, pieces: list[int], empty: int | None
    ) -> Iterator[tuple[int, int, int]]:
        """Give pieces of a part away, to a neighbour or as a part of their own, or bridge the gap."""
        held = self.window.held
        for piece in pieces:
            if not piece & held:
                near = self.sets.near(piece)
                for slot, other in enumerate(state.masks):
                    if slot != worst and other & near:
                        yield piece, worst, slot
                if empty is not None:
                    yield piece, worst, empty
        for units, slot in self._bridges(state, worst, pieces):
            yield units, slot, worst

    def _bridges(self, state: State, worst: int, pieces: list[int]) -> Iterator[tuple[int, int]]:
        """Units of one other part that bring two pieces together: a way of fewest households through it."""
        reach, households, held = self.window.reach, self.window.households, self.window.held
        for slot, other in enumerate(state.masks):
            if slot == worst or not other:
                continue
            open_ = other & ~held
            for at, piece in enumerate(pieces[1:], 1):
                ends = self.sets.near(state.masks[worst] ^ piece) & open_
                first = self.sets.near(pieces[at]) & open_
                if not ends or not first:
                    continue
                waiting = [(households[unit], 1, 1 << unit, unit) for unit in units_of(first)]
                heapq.heapify(waiting)
                done = 0
                while waiting:
                    length, steps, way, unit = heapq.heappop(waiting)
                    if done >> unit & 1:
                        continue
                    done |= 1 << unit
                    if ends >> unit & 1:
                        yield from self._taken(other, way, slot)
                        break
                    for further in units_of(reach[unit] & open_ & ~done):
                        heapq.heappush(
                            waiting, (length + households[further], steps + 1, way | 1 << further, further)
                        )

    def _taken(self, mask: int, way: int, slot: int) -> Iterator[tuple[int, int]]:
        """A way through a part, with what it would cut off from the largest piece left."""
        rest = self.sets.pieces(mask ^ way)
        for kept in rest[:MOST_KEPT_PIECES]:
            if not (mask ^ kept) & self.window.held:
                yield mask ^ kept, slot
        if not rest and not mask & self.window.held:
            yield mask, slot

    def _ejected(
        self, state: State, worst: int, beside: list[int], empty: int | None
    ) -> Iterator[tuple[int, int, int]]:
        """Free what shares a part with a unit above the upper bound and could do without it."""
        mask, held = state.masks[worst], self.window.held
        for piece in self.sets.pieces(mask & ~self.sets.large):
            if not piece & ~self.window.excused or piece & held:
                continue
            if empty is not None and piece != mask:
                yield piece, worst, empty
            near = self.sets.near(piece)
            for slot in beside:
                if state.masks[slot] & near:
                    yield piece, worst, slot
        for slot in beside:
            yield from self._handed(worst, mask, self.sets.near(state.masks[slot]), slot)

    def _splits(self, slot: int, mask: int) -> list[int]:
        """Units of a part that leave it for a new one, so that both stay whole, best first."""
        found = self._parted.get((slot, mask))
        if found is None:
            found = self._parted[slot, mask] = self._parts(slot, mask)
        return found

    def _parts(self, slot: int, mask: int) -> list[int]:
        total, held = self.sets.total(mask), self.window.held
        lower, upper = self.band.lower, self.band.upper
        if total < 2 * lower:
            return []
        members = list(units_of(mask))
        sides: dict[int, int] = {}
        for root in members[:: -(-len(members) // MOST_ROOTS)]:
            sides.update(self.sets.branches(mask, root, lower, total - lower))
        home = self.window.home[slot]
        ranked: list[tuple[int, int, int, int]] = []
        for side, households in sides.items():
            one, two = side, mask ^ side
            moved, stayed = self.sets.total(one & home), self.sets.total(two & home)
            if one & held or (moved > stayed and not two & held):
                one, two, moved = two, one, stayed
            if one & held:
                continue
            excess = max(0, min(households, total - households) - upper)
            ranked.append((excess, moved, one, two))
        ranked.sort()
        del ranked[2 * MOST_SPLITS :]
        ranked.sort(key=lambda entry: (entry[0], entry[1], self.sets.cut(entry[2], entry[3]), entry[2]))
        return [one for _, _, one, _ in ranked[:MOST_SPLITS]]
