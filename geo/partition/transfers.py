"""Mend a few neighbouring parts by handing over as few households as possible.

Best first: a state is one assignment of the units of a window, its cost the households that lie outside
their own part, which does not depend on the way the state was reached. States are followed in order of
that cost plus what the parts still out of band must hand over at least, so that the first state without
one is, where the bound holds, the least change. From a state only moves are tried that touch one part out
of band: units over its border, whole parts, pieces, splits.

References
----------
Hart, P., Nilsson, N., Raphael, B. (1968). A formal basis for the heuristic determination of minimum cost
paths. IEEE Transactions on Systems Science and Cybernetics 4(2).
Cockings, S., Harfoot, A., Martin, D., Hornby, D. (2011). Maintaining existing zoning systems using automated
zone-design techniques. Environment and Planning A 43(10).
"""

from __future__ import annotations

import heapq

from geo.partition.moves import Moves
from geo.partition.partition import Band
from geo.partition.unit_sets import UnitSets
from geo.partition.window import Change, Found, State, Window, units_of

# The first dive follows what is left to do three times as eagerly as what is done.
EAGER = 3


class Transfers:
    """Search of one window."""

    def __init__(self, window: Window, band: Band) -> None:
        self.window = window
        self.band = band
        self.sets = UnitSets(window, band)
        self._moves = Moves(self.sets)
        self._states: dict[tuple[int, ...], State] = {}
        self._best_for: dict[int, State] = {}
        self.kinds: dict[int, int] = {}
        for unit, kind in enumerate(window.compound):
            if kind >= 0 and window.households[unit] > 0:
                self.kinds[kind] = self.kinds.get(kind, 0) | 1 << unit
        self.new_households = sum(
            households
            for households, slot in zip(window.households, window.origin, strict=True)
            if slot == -1
        )
        self.start = self._start()

    def _start(self) -> State:
        masks, ignored = self.window.masks, self.window.ignored
        avoidable = tuple(
            0 if slot in ignored else self.sets.avoidable(mask) for slot, mask in enumerate(masks)
        )
        return State(
            masks,
            tuple(self.sets.total(mask) for mask in masks),
            avoidable,
            self.judged(masks)._replace(avoidable=sum(avoidable)),
        )

    def judged(self, masks: tuple[int, ...]) -> Change:
        """Return what an assignment is judged by, each slot counted, borders against the one given."""
        window = self.window
        home = window.home + [0] * (len(masks) - len(window.home))
        had = sum(h for h, slot in zip(window.households, window.origin, strict=True) if slot != -1)
        kept = sum(self.sets.total(mask & own) for mask, own in zip(masks, home, strict=True))
        slot_of = {unit: slot for slot, mask in enumerate(masks) for unit in units_of(mask)}
        before = {unit: slot for slot, mask in enumerate(window.masks) for unit in units_of(mask)}
        border = 0
        for unit, gains in enumerate(window.borders):
            for other, gain in gains.items():
                if unit < other:
                    border += gain * (slot_of[unit] != slot_of[other])
                    border -= gain * (before[unit] != before[other])
        return Change(
            sum(self.sets.avoidable(mask) for mask in masks),
            sum(self._beyond(kind, masks) for kind in self.kinds),
            had - kept,
            border,
        )

    def _beyond(self, kind: int, masks: tuple[int, ...]) -> int:
        units = self.kinds[kind]
        outside, allowed = self.window.elsewhere[kind]
        return max(0, outside + sum(1 for mask in masks if mask & units) - allowed)

    def _moved(self, state: State, masks: tuple[int, ...], units: int, source: int, goal: int) -> State:
        """Return the state with some units handed from one slot to another, which makes these masks."""
        window = self.window
        totals, avoidable = list(state.totals), list(state.avoidable)
        households = self.sets.total(units)
        kept, joined = masks[source], state.masks[goal]
        totals[source] -= households
        totals[goal] += households
        for slot in (source, goal):  # so that no total is summed again
            self.sets.note_total(masks[slot], totals[slot])
        self.sets.note_joined(units, joined)
        for slot in (source, goal):
            if slot in window.ignored and masks[slot] == window.masks[slot]:
                avoidable[slot] = 0
            else:
                avoidable[slot] = self.sets.avoidable(masks[slot])
        moved = state.change.moved
        moved += self.sets.total(units & window.home[source]) - self.sets.total(units & window.home[goal])
        border = state.change.border_cm + self.sets.cut(units, kept) - self.sets.cut(units, joined)
        compounds = state.change.compounds
        for kind, mine in self.kinds.items():
            if units & mine and (not joined & mine) != (not kept & mine):
                compounds += self._beyond(kind, masks) - self._beyond(kind, state.masks)
        change = Change(sum(avoidable), compounds, moved, border)
        return State(masks, tuple(totals), tuple(avoidable), change)

    def bound(self, state: State) -> int:
        """Households that must at least be handed over from here on (nearly: see the module)."""
        band, home = self.band, self.window.home
        surplus = 0
        small: list[tuple[int, int]] = []
        large = 0
        for slot, fault in enumerate(state.avoidable):
            if not fault:
                continue
            mask, total = state.masks[slot], state.totals[slot]
            own = self.sets.total(mask & home[slot])
            if mask & self.sets.large:
                surplus += max(0, fault - (total - own))
            elif total > band.upper:
                surplus += max(0, own - band.upper)
                large |= mask
            elif total < band.lower:
                fresh = self.new_households
                small.append((mask, max(0, min(band.lower - total - fresh, own))))
        alone = 0
        shared = 0
        for at, (mask, missing) in enumerate(small):
            near = self.sets.near(mask)
            if near & large:
                shared += missing
            elif any(near & other for other, _ in small[:at]):
                alone = max(alone, missing)
            else:
                alone += missing
        return surplus + alone + max(0, shared - surplus)

    def search(self, nodes: int) -> Found:
        """Return the best assignment met, following at most so many states, a third in a first dive."""
        best, used, exhausted = self._follow(self.start, nodes // 3, EAGER)
        if not exhausted:
            best, more, exhausted = self._follow(best, nodes - used, 1)
            used += more
        return Found(best.masks, best.change, used, exhausted)

    def lesser(self, found: Found) -> list[State]:
        """Return the assignments met that mend something for fewer households, the best for each number.

        Ascending in moved households, each better than those before it.
        """
        states: list[State] = []
        avoidable = self.start.change.avoidable
        for moved in sorted(moved for moved in self._best_for if moved < found.change.moved):
            state = self._best_for[moved]
            if state.change.avoidable < avoidable:
                avoidable = state.change.avoidable
                states.append(state)
        return states

    def _follow(self, best: State, nodes: int, eager: int) -> tuple[State, int, bool]:
        start = self.start
        best_price = self._price(best, 1)
        waiting: list[tuple[int, int, int, int, State]] = []
        heapq.heappush(waiting, (0, 0, 0, 0, start))
        seen = {start.masks}
        number = 0
        used = 0
        while waiting:
            least, _, _, _, state = heapq.heappop(waiting)
            if eager == 1 and not best.change.avoidable and least >= best_price:
                return best, used, True
            if used == nodes:
                return best, used, False
            used += 1
            if not state.change.avoidable:
                if eager > 1:
                    return best, used, False
                continue
            for units, source, goal in self._moves.listed(state):
                mine = list(state.masks)
                mine[source] ^= units
                mine[goal] |= units
                masks = tuple(mine)
                if masks in seen:
                    continue
                # What a state is judged by does not depend on the way to it.
                after = self._states.get(masks)
                if after is None:
                    after = self._states[masks] = self._moved(state, masks, units, source, goal)
                    least_yet = self._best_for.get(after.change.moved)
                    if least_yet is None or after.change < least_yet.change:
                        self._best_for[after.change.moved] = after
                seen.add(masks)
                price = self._price(after, eager)
                if after.change < best.change:
                    best, best_price = after, self._price(after, 1)
                if eager == 1 and not best.change.avoidable and price > best_price:
                    continue
                number += 1
                heapq.heappush(
                    waiting,
                    (price, after.change.avoidable, after.change.border_cm, number, after),
                )
        return best, used, True

    def _price(self, state: State, eager: int) -> int:
        change = state.change
        bound = self.bound(state) if change.avoidable else 0
        # A compound newly split weighs as much as a whole part of households.
        return change.moved + eager * bound + self.band.upper * change.compounds
