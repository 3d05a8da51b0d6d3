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
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from geo.partition.partition import Band

# A compound newly split weighs as much as a whole part of households, in the order of the search.
MOST_KEPT_PIECES = 3
MOST_SPLITS = 6
MOST_ROOTS = 4
# The first dive follows what is left to do three times as eagerly as what is done.
EAGER = 3


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


@dataclass(frozen=True)
class Found:
    """The best assignment of a window that was met."""

    masks: tuple[int, ...]
    change: Change
    nodes: int
    exhausted: bool


class _State(NamedTuple):
    masks: tuple[int, ...]
    totals: tuple[int, ...]
    avoidable: tuple[int, ...]
    change: Change


def units_of(mask: int) -> Iterator[int]:
    """Yield the positions of the bits of a mask, ascending."""
    while mask:
        bit = mask & -mask
        yield bit.bit_length() - 1
        mask ^= bit


class Transfers:
    """Search of one window."""

    def __init__(self, window: Window, band: Band) -> None:
        self.window = window
        self.band = band
        self._whole: dict[int, list[int]] = {}
        self._near: dict[int, int] = {}
        self._sum: dict[int, int] = {}
        self._fault: dict[int, int] = {}
        self._given: dict[tuple[int, int], list[int]] = {}
        self._cuts: dict[tuple[int, int], int] = {}
        self._states: dict[tuple[int, ...], _State] = {}
        self._moves: dict[tuple[int, ...], list[tuple[int, int, int]]] = {}
        self._parted: dict[tuple[int, int], list[int]] = {}
        self.large = 0
        for unit, households in enumerate(window.households):
            if households > band.upper:
                self.large |= 1 << unit
        self.kinds: dict[int, int] = {}
        for unit, kind in enumerate(window.compound):
            if kind >= 0 and window.households[unit] > 0:
                self.kinds[kind] = self.kinds.get(kind, 0) | 1 << unit
        self.new_households = sum(
            households
            for households, slot in zip(window.households, window.origin, strict=True)
            if slot == -1
        )
        self._beside = [sum(1 << other for other in gains) for gains in window.borders]
        self.start = self._start()

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

    def badness(self, masks: tuple[int, ...]) -> tuple[int, int]:
        """Parts in pieces and households out of band or apart without need, each slot counted."""
        return sum(len(self.pieces(mask)) > 1 for mask in masks), sum(self.avoidable(m) for m in masks)

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

    def _start(self) -> _State:
        masks, ignored = self.window.masks, self.window.ignored
        avoidable = tuple(0 if slot in ignored else self.avoidable(mask) for slot, mask in enumerate(masks))
        return _State(
            masks,
            tuple(self.total(mask) for mask in masks),
            avoidable,
            self.judged(masks)._replace(avoidable=sum(avoidable)),
        )

    def judged(self, masks: tuple[int, ...]) -> Change:
        """Return what an assignment is judged by, each slot counted, borders against the one given."""
        window = self.window
        home = window.home + [0] * (len(masks) - len(window.home))
        had = sum(h for h, slot in zip(window.households, window.origin, strict=True) if slot != -1)
        kept = sum(self.total(mask & own) for mask, own in zip(masks, home, strict=True))
        slot_of = {unit: slot for slot, mask in enumerate(masks) for unit in units_of(mask)}
        before = {unit: slot for slot, mask in enumerate(window.masks) for unit in units_of(mask)}
        border = 0
        for unit, gains in enumerate(window.borders):
            for other, gain in gains.items():
                if unit < other:
                    border += gain * (slot_of[unit] != slot_of[other])
                    border -= gain * (before[unit] != before[other])
        return Change(
            sum(self.avoidable(mask) for mask in masks),
            sum(self._beyond(kind, masks) for kind in self.kinds),
            had - kept,
            border,
        )

    def _beyond(self, kind: int, masks: tuple[int, ...]) -> int:
        units = self.kinds[kind]
        outside, allowed = self.window.elsewhere[kind]
        return max(0, outside + sum(1 for mask in masks if mask & units) - allowed)

    def moved(self, state: _State, units: int, source: int, goal: int) -> _State:
        """Return the state with some units handed from one slot to another."""
        masks = list(state.masks)
        masks[source] ^= units
        masks[goal] |= units
        return self._moved(state, tuple(masks), units, source, goal)

    def _moved(self, state: _State, masks: tuple[int, ...], units: int, source: int, goal: int) -> _State:
        window = self.window
        totals, avoidable = list(state.totals), list(state.avoidable)
        households = self.total(units)
        kept, joined = masks[source], state.masks[goal]
        totals[source] -= households
        totals[goal] += households
        for slot in (source, goal):  # so that no total is summed again
            self._sum[masks[slot]] = totals[slot]
        if masks[goal] not in self._whole and self._hangs_together(units, joined):
            self._whole[masks[goal]] = [masks[goal]]
        for slot in (source, goal):
            if slot in window.ignored and masks[slot] == window.masks[slot]:
                avoidable[slot] = 0
            else:
                avoidable[slot] = self.avoidable(masks[slot])
        moved = state.change.moved
        moved += self.total(units & window.home[source]) - self.total(units & window.home[goal])
        border = state.change.border_cm + self._cut(units, kept) - self._cut(units, joined)
        compounds = state.change.compounds
        for kind, mine in self.kinds.items():
            if units & mine and (not joined & mine) != (not kept & mine):
                compounds += self._beyond(kind, masks) - self._beyond(kind, state.masks)
        change = Change(sum(avoidable), compounds, moved, border)
        return _State(masks, tuple(totals), tuple(avoidable), change)

    def _hangs_together(self, one: int, two: int) -> bool:
        """Whether two sets of units, each contiguous, touch."""
        return bool(self.near(two) & one) and len(self.pieces(two)) == 1 == len(self.pieces(one))

    def bound(self, state: _State) -> int:
        """Households that must at least be handed over from here on (nearly: see the module)."""
        band, home = self.band, self.window.home
        surplus = 0
        small: list[tuple[int, int]] = []
        large = 0
        for slot, fault in enumerate(state.avoidable):
            if not fault:
                continue
            mask, total = state.masks[slot], state.totals[slot]
            own = self.total(mask & home[slot])
            if mask & self.large:
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
            near = self.near(mask)
            if near & large:
                shared += missing
            elif any(near & other for other, _ in small[:at]):
                alone = max(alone, missing)
            else:
                alone += missing
        return surplus + alone + max(0, shared - surplus)

    def search(self, nodes: int, budget: int | None = None) -> Found:
        """Return the best assignment met, following at most so many states.

        Parameters
        ----------
        nodes : int
            A third of them for a first dive.
        budget : int, optional
            Most households that may be outside their part in addition.
        """
        most = None if budget is None else self.start.change.moved + budget
        best, used, exhausted = self._follow(self.start, nodes // 3, EAGER, most)
        if not exhausted:
            best, more, exhausted = self._follow(best, nodes - used, 1, most)
            used += more
        return Found(best.masks, best.change, used, exhausted)

    def _follow(self, best: _State, nodes: int, eager: int, most: int | None) -> tuple[_State, int, bool]:
        start = self.start
        best_price = self._price(best, 1)
        waiting: list[tuple[int, int, int, int, _State]] = []
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
            for units, source, goal in self._listed_moves(state):
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
                if most is not None and after.change.moved > most:
                    continue
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

    def _price(self, state: _State, eager: int) -> int:
        change = state.change
        bound = self.bound(state) if change.avoidable else 0
        return change.moved + eager * bound + self.band.upper * change.compounds

    def _listed_moves(self, state: _State) -> list[tuple[int, int, int]]:
        found = self._moves.get(state.masks)
        if found is None:
            found = self._moves[state.masks] = list(self.moves(state))
        return found

    def moves(self, state: _State) -> Iterator[tuple[int, int, int]]:
        """Yield the moves (units, from slot, to slot) that touch the part furthest out of band."""
        worst = max(range(len(state.avoidable)), key=lambda slot: (state.avoidable[slot], -slot))
        mask = state.masks[worst]
        empty = next((slot for slot, other in enumerate(state.masks) if not other), None)
        pieces = self.pieces(mask)
        if len(pieces) > 1:
            yield from self._rejoined(state, worst, pieces, empty)
            return
        near = self.near(mask)
        beside = [slot for slot, other in enumerate(state.masks) if slot != worst and other & near]
        if mask & self.large:
            yield from self._ejected(state, worst, beside, empty)
            return
        small = state.totals[worst] < self.band.lower
        for slot in beside:
            other = state.masks[slot]
            yield from self._handed(worst, mask, self.near(other), slot)
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
            bit = 1 << unit
            if self._is_spare(mask, unit):
                self._whole[mask ^ bit] = [mask ^ bit]
            rest = self.pieces(mask ^ bit)
            found = [bit] if len(rest) < 2 else [mask ^ kept for kept in rest[:MOST_KEPT_PIECES]]
            for kept in rest:
                self._whole[kept] = [kept]
            self._given[mask, unit] = found
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

    def _rejoined(
        self, state: _State, worst: int, pieces: list[int], empty: int | None
    ) -> Iterator[tuple[int, int, int]]:
        """Give pieces of a part away, to a neighbour or as a part of their own, or bridge the gap."""
        held = self.window.held
        for piece in pieces:
            if not piece & held:
                near = self.near(piece)
                for slot, other in enumerate(state.masks):
                    if slot != worst and other & near:
                        yield piece, worst, slot
                if empty is not None:
                    yield piece, worst, empty
        for units, slot in self._bridges(state, worst, pieces):
            yield units, slot, worst

    def _bridges(self, state: _State, worst: int, pieces: list[int]) -> Iterator[tuple[int, int]]:
        """Units of one other part that bring two pieces together: a way of fewest households through it."""
        reach, households, held = self.window.reach, self.window.households, self.window.held
        for slot, other in enumerate(state.masks):
            if slot == worst or not other:
                continue
            open_ = other & ~held
            for at, piece in enumerate(pieces[1:], 1):
                ends = self.near(state.masks[worst] ^ piece) & open_
                first = self.near(pieces[at]) & open_
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
        rest = self.pieces(mask ^ way)
        for kept in rest[:MOST_KEPT_PIECES]:
            if not (mask ^ kept) & self.window.held:
                yield mask ^ kept, slot
        if not rest and not mask & self.window.held:
            yield mask, slot

    def _ejected(
        self, state: _State, worst: int, beside: list[int], empty: int | None
    ) -> Iterator[tuple[int, int, int]]:
        """Free what shares a part with a unit above the upper bound and could do without it."""
        mask, held = state.masks[worst], self.window.held
        for piece in self.pieces(mask & ~self.large):
            if not piece & ~self.window.excused or piece & held:
                continue
            if empty is not None and piece != mask:
                yield piece, worst, empty
            near = self.near(piece)
            for slot in beside:
                if state.masks[slot] & near:
                    yield piece, worst, slot
        for slot in beside:
            yield from self._handed(worst, mask, self.near(state.masks[slot]), slot)

    def _splits(self, slot: int, mask: int) -> list[int]:
        """Units of a part that leave it for a new one, so that both stay whole, best first."""
        found = self._parted.get((slot, mask))
        if found is None:
            found = self._parted[slot, mask] = self._parts(slot, mask)
        return found

    def _parts(self, slot: int, mask: int) -> list[int]:
        total, held = self.total(mask), self.window.held
        lower, upper = self.band.lower, self.band.upper
        if total < 2 * lower:
            return []
        members = list(units_of(mask))
        sides: dict[int, int] = {}
        for root in members[:: -(-len(members) // MOST_ROOTS)]:
            sides.update(self._branches(mask, root, lower, total - lower))
        home = self.window.home[slot]
        ranked: list[tuple[int, int, int, int]] = []
        for side, households in sides.items():
            one, two = side, mask ^ side
            moved, stayed = self.total(one & home), self.total(two & home)
            if one & held or (moved > stayed and not two & held):
                one, two, moved = two, one, stayed
            if one & held:
                continue
            excess = max(0, min(households, total - households) - upper)
            ranked.append((excess, moved, one, two))
        ranked.sort()
        del ranked[2 * MOST_SPLITS :]
        ranked.sort(key=lambda entry: (entry[0], entry[1], self._cut(entry[2], entry[3]), entry[2]))
        return [one for _, _, one, _ in ranked[:MOST_SPLITS]]

    def _cut(self, one: int, two: int) -> int:
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

    def _branches(self, mask: int, root: int, lower: int, upper: int) -> dict[int, int]:
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
