"""What would mend a grid: split it, merge it, or move units, found by really doing it on the units around.

Every remedy is made as groups of units and judged as such: totals, contiguity and compounds are
counted after the change, never assumed. A search looks only at the grid and its neighbours.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from geo.findings import Value
from geo.partition.partition import Band

RemedyKind: TypeAlias = Literal["split", "merge", "move", "new", "floors", "none"]
Group: TypeAlias = frozenset[int]

# Sets of units looked at for one move or cut before the search turns to spanning trees, which give a
# larger change at once. Grids hold about ten units, so nearly every search ends long before.
MAX_SETS = 160
# Spanning trees tried for one cut: the stronger borders first, then random ones.
N_TREES = 12
# Grids up to this many units are searched in every way, larger ones only along one spanning tree.
MAX_SMALL = 120
# A grid in more pieces is not joined by one move; of so many pieces each is offered to the neighbours.
MAX_PIECES = 6
# Cuts in band among which the best is chosen.
ENOUGH = 12
# Trees are cut exactly in bands up to here; sets of totals grow with the band.
MAX_UPPER = 5_000
# A drawn grid of more units than this is no grid to be mended but a district to be planned.
MAX_UNITS = 2_000


@dataclass(frozen=True)
class Remedy:
    """One change of the plan and its effect.

    Attributes
    ----------
    kind : {"split", "merge", "move", "new", "floors", "none"}
        `split`: cut the grid in `len(after)`. `merge`: unite the two grids. `move`: give the units from
        the first grid to the second. `new`: gather units that lie in no grid into `len(after)` new
        ones. `floors`: divide the one unit by floors into `len(after)` bands. `none`: this grid cannot be
        mended alone, for `reason`; where that is `after_others`, it could be, but not together with the
        remedies of other grids.
    grid_ids : tuple of str
        split, floors: the grid. merge: the flagged grid and its neighbour. move: from, to (only the second
        where the units lie in no grid). new: none. none: the grid, then those whose remedies go first.
    unit_ids : tuple of str
        The units that move; all units of the grid for `split` and `new`, the one for `floors`.
    parts : tuple of int
        For `split` and `new` the resulting grid (0 to k - 1) of each of `unit_ids`.
    before, after : tuple of int
        Households of `grid_ids` before; of the resulting grids (or floor
        bands) after, in the order of `grid_ids` or parts.
    moved_households : int
        Households that come under another grid.
    solves : bool
        Whether all grids it touches are then in band, in one piece and in one community.
    reason : str
        For `none`, and where it does not solve everything, why not.
    """

    kind: RemedyKind
    grid_ids: tuple[str, ...] = ()
    unit_ids: tuple[str, ...] = ()
    parts: tuple[int, ...] = ()
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    moved_households: int = 0
    solves: bool = False
    reason: str = ""

    @property
    def moves_units(self) -> bool:
        """Whether it says which units come under which grid."""
        return self.kind not in ("floors", "none")

    def values(self) -> dict[str, Value]:
        """Return the remedy as JSON values for `Finding.values`, keys beginning with `remedy`."""
        return {
            "remedy": self.kind,
            "remedy_grid_ids": list(self.grid_ids),
            "remedy_unit_ids": list(self.unit_ids),
            "remedy_parts": list(self.parts),
            "remedy_before": list(self.before),
            "remedy_after": list(self.after),
            "remedy_moved_households": self.moved_households,
            "remedy_solves": self.solves,
            "remedy_reason": self.reason,
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Remedy | None:
        """Return the remedy that `Finding.values` hold, or None."""
        kind = values.get("remedy")
        if kind not in get_args(RemedyKind):
            return None
        return cls(
            kind=cast(RemedyKind, kind),
            grid_ids=tuple(values.get("remedy_grid_ids", ())),
            unit_ids=tuple(values.get("remedy_unit_ids", ())),
            parts=tuple(values.get("remedy_parts", ())),
            before=tuple(values.get("remedy_before", ())),
            after=tuple(values.get("remedy_after", ())),
            moved_households=int(values.get("remedy_moved_households", 0)),
            solves=bool(values.get("remedy_solves", False)),
            reason=str(values.get("remedy_reason", "")),
        )


@dataclass(frozen=True)
class _Change:
    """A candidate: the groups of units as they would be, and what that changes (less is better)."""

    kind: RemedyKind
    grids: tuple[int, ...]
    units: tuple[int, ...]
    groups: tuple[Group, ...]
    solves: bool
    gain: tuple[int, int, int]
    splits: int
    moved_households: int
    cut_m: float

    @property
    def rank(self) -> tuple[Any, ...]:
        worth = (not self.solves, self.gain, self.splits, self.moved_households, round(self.cut_m, 3))
        return (*worth, len(self.groups), self.kind, self.grids, self.units)


class Mender:
    """Looks for remedies in one plan.

    Parameters
    ----------
    unit_ids, grid_ids : sequences of str
        Names of units and grids.
    households, communities, grids, compounds : (n,) int64
        Of each unit; community, grid and compound as numbers, -1 for none.
    left, right, border_m, joins : (m,)
        Pairs of adjacent units, as in `Adjacency`.
    band : Band
        Fewest and most households of a grid.
    exempt : set of int
        Grids that the band does not bind and that no remedy may touch.

    Attributes
    ----------
    blocked : set of int
        Further grids that remedies of others leave alone, because a remedy chosen before changes them.
    """

    def __init__(
        self,
        unit_ids: Sequence[str],
        grid_ids: Sequence[str],
        *,
        households: NDArray[np.int64],
        communities: NDArray[np.int64],
        grids: NDArray[np.int64],
        compounds: NDArray[np.int64],
        left: NDArray[np.int64],
        right: NDArray[np.int64],
        border_m: NDArray[np.float64],
        joins: NDArray[np.bool_],
        band: Band,
        exempt: frozenset[int] = frozenset(),
    ) -> None:
        self.unit_ids = unit_ids
        self.grid_ids = grid_ids
        self.households = households.tolist()
        self.communities = communities.tolist()
        self.grids = grids.tolist()
        self.compounds = compounds.tolist()
        self.band = band
        self.lower, self.upper = band.lower, band.upper
        self.exempt = exempt
        self.blocked: set[int] = set()
        walkable = joins & (communities[left] == communities[right])
        a, b, border = left[walkable], right[walkable], np.maximum(border_m[walkable], 1e-9)
        n = len(households)
        ends = (np.concatenate([a, b]), np.concatenate([b, a]))
        graph = csr_array((np.concatenate([border, border]), ends), shape=(n, n))
        graph.sort_indices()
        self._indptr, self._indices, self._border = graph.indptr, graph.indices, graph.data
        self._links: dict[int, dict[int, float]] = {}
        self._judged: dict[Group, tuple[int, int, int, int, float]] = {}
        by_grid = np.argsort(grids, kind="stable")
        self._by_grid = by_grid
        self._starts = np.searchsorted(grids[by_grid], np.arange(len(grid_ids) + 1))

    # -- the plan as it is -------------------------------------------------------------------------

    def members(self, grid: int) -> Group:
        """Return the units of a grid."""
        return frozenset(self._by_grid[self._starts[grid] : self._starts[grid + 1]].tolist())

    def links(self, unit: int) -> dict[int, float]:
        """Return the units of the same community one can walk to from here, with the border in metres."""
        found = self._links.get(unit)
        if found is None:
            span = slice(self._indptr[unit], self._indptr[unit + 1])
            found = dict(zip(self._indices[span].tolist(), self._border[span].tolist(), strict=True))
            self._links[unit] = found
        return found

    def total(self, units: Iterable[int]) -> int:
        """Return the households of some units."""
        return sum(self.households[unit] for unit in units)

    def pieces(self, units: Group) -> list[Group]:
        """Return the contiguous pieces of some units, the most households first."""
        pieces, rest = [], set(units)
        for start in sorted(units):
            if start not in rest:
                continue
            rest.discard(start)
            piece, stack = {start}, [start]
            while stack:
                for unit in self.links(stack.pop()):
                    if unit in rest:
                        rest.discard(unit)
                        piece.add(unit)
                        stack.append(unit)
            pieces.append(frozenset(piece))
        return sorted(pieces, key=lambda piece: (-self.total(piece), -len(piece), min(piece)))

    def neighbours(self, units: Group) -> list[int]:
        """Return the grids one can walk into from some units, the longest common border first."""
        border: dict[int, float] = {}
        for unit in sorted(units):
            for other, border_m in self.links(unit).items():
                grid = self.grids[other]
                if other not in units and grid >= 0 and grid not in self.exempt | self.blocked:
                    border[grid] = border.get(grid, 0.0) + border_m
        return sorted(border, key=lambda grid: (-border[grid], grid))

    def fits(self, households: int) -> bool:
        """Tell whether a total is in the band."""
        return self.lower <= households <= self.upper

    # -- judging a change --------------------------------------------------------------------------

    def _judge(self, group: Group) -> tuple[int, int, int, int, float]:
        """Measure one grid.

        Its households if it breaks a rule, those beyond the band, its pieces if it breaks a rule; its
        compounds; twice the length of its border.
        """
        known = self._judged.get(group)
        if known is None:
            total = self.total(group)
            pieces = len(self.pieces(group))
            beyond = max(self.lower - total, total - self.upper, 0) if group else 0
            wrong = beyond > 0 or pieces > 1
            border_m = 0.0
            for unit in sorted(group):
                border_m += sum(length for other, length in self.links(unit).items() if other not in group)
            compounds = len({self.compounds[unit] for unit in group} - {-1})
            known = (total if wrong else 0, beyond, pieces if wrong else 0, compounds, border_m)
            self._judged[group] = known
        return known

    def _change(
        self,
        kind: RemedyKind,
        grids: Sequence[int],
        units: Iterable[int],
        *,
        before: Sequence[Group],
        after: Sequence[Group],
        moved_households: int,
    ) -> _Change:
        was = [sum(column) for column in zip((0, 0, 0, 0, 0.0), *map(self._judge, before), strict=True)]
        now = [sum(column) for column in zip((0, 0, 0, 0, 0.0), *map(self._judge, after), strict=True)]
        return _Change(
            kind=kind,
            grids=tuple(grids),
            units=tuple(sorted(units)),
            groups=tuple(after),
            solves=now[:3] == [0, 0, 0],
            gain=(int(now[0] - was[0]), int(now[1] - was[1]), int(now[2] - was[2])),
            splits=int(now[3] - was[3]),
            moved_households=moved_households,
            cut_m=float(now[4] - was[4]),
        )

    # -- ways to cut and to grow -------------------------------------------------------------------

    def _trees(self, units: Group, count: int) -> Iterator[list[tuple[int, int]]]:
        """Yield spanning trees of contiguous units as (unit, parent), parents first, the root's is -1.

        The first follows the longest borders inside compounds, so that its weakest links are where one
        would cut; the others are random, the same on every machine.
        """
        ordered = sorted(units)
        for number in range(count):
            chance = random.Random(number)
            root = ordered[chance.randrange(len(ordered))] if number else ordered[0]
            tree, seen = [(root, -1)], {root}
            heap: list[tuple[float, int, int]] = []
            unit = root
            while len(seen) < len(ordered):
                for other, border_m in self.links(unit).items():
                    if other in units and other not in seen:
                        same = self.compounds[unit] == self.compounds[other] != -1
                        weight = -border_m * (10 if same else 1)
                        heapq.heappush(heap, (chance.random() if number else weight, other, unit))
                while True:
                    _, unit, parent = heapq.heappop(heap)
                    if unit not in seen:
                        break
                seen.add(unit)
                tree.append((unit, parent))
            yield tree

    def _branches(self, tree: list[tuple[int, int]]) -> Iterator[tuple[int, Group]]:
        """Yield what hangs below each unit of a tree but the root, with its households."""
        below: dict[int, set[int]] = {unit: {unit} for unit, _ in tree}
        for unit, parent in reversed(tree):
            if parent >= 0:
                below[parent] |= below[unit]
                yield self.total(below[unit]), frozenset(below[unit])

    def _cut_tree(self, tree: list[tuple[int, int]], *, eager: bool = False) -> list[Group] | None:
        """Cut a tree into parts that are all in band, or return None where this tree has no such cut.

        Eagerly wherever a branch can be in band by itself, else only where it has to be cut off.

        `open_totals[unit]` is a set of whole numbers, kept as the bits of one integer: the totals that the
        part of `unit` may have below it when all parts cut off below are in band.
        """
        if self.upper > MAX_UPPER:
            return None
        open_totals: dict[int, int] = {}
        steps: dict[int, list[tuple[int, int]]] = {}
        within = (1 << (self.upper + 1)) - 1

        def alone(unit: int) -> int:
            return 1 << self.households[unit] if self.households[unit] <= self.upper else 0

        in_band = within & ~((1 << self.lower) - 1)
        for unit, parent in reversed(tree):
            own = open_totals.get(unit, alone(unit))
            open_totals[unit] = own
            if not own:
                return None
            if parent < 0:
                break
            above = open_totals.get(parent, alone(parent))
            joined, bits = above if own & in_band else 0, own
            while bits:
                low = bits & -bits
                joined |= above << (low.bit_length() - 1)
                bits ^= low
            steps.setdefault(parent, []).append((unit, above))
            open_totals[parent] = joined & within
        root = tree[0][0]
        if not open_totals[root] & in_band:
            return None
        parts: list[set[int]] = [set()]
        stack = [(root, self._middle(open_totals[root] & in_band), 0)]
        while stack:
            unit, total, part = stack.pop()
            parts[part].add(unit)
            for child, above in reversed(steps.get(unit, [])):
                below = open_totals[child]
                closed = below & in_band if above >> total & 1 else 0
                shares = (t for t in range(total + 1) if below >> t & 1 and above >> (total - t) & 1)
                share = None if eager and closed else next(shares, None)
                if share is None:
                    parts.append(set())
                    stack.append((child, self._middle(closed), len(parts) - 1))
                else:
                    stack.append((child, share, part))
                    total -= share
        return [frozenset(part) for part in parts]

    def _middle(self, bits: int) -> int:
        """Return the total nearest to the middle of the band."""
        return min(_bits(bits), key=lambda total: (abs(2 * total - self.lower - self.upper), total))

    def _sets(
        self, source: Group, start: Iterable[int], least: int, most: int, *, connected: bool = False
    ) -> Iterator[Group]:
        """Yield sets of units that leave the source contiguous, the fewest households first.

        Sets grow from units of `start` over borders, and from one another unless they must be
        `connected`; their totals are from `least` to `most`. Gives up after `MAX_SETS`.
        """
        order = sorted(source)
        index = {unit: bit for bit, unit in enumerate(order)}
        weights = [self.households[unit] for unit in order]
        links = [0] * len(order)
        for unit, bit in index.items():
            for other in self.links(unit):
                if other in index:
                    links[bit] |= 1 << index[other]
        everything = (1 << len(order)) - 1
        first = 0
        for unit in start:
            first |= 1 << index[unit]
        heap = [(weights[bit], 1 << bit) for bit in _bits(first) if weights[bit] <= most]
        heapq.heapify(heap)
        seen = {chosen for _, chosen in heap}
        for _ in range(MAX_SETS):
            if not heap:
                return
            total, chosen = heapq.heappop(heap)
            rest = everything & ~chosen
            if total >= least and rest and _flooded(rest & -rest, rest, links) == rest:
                yield frozenset(order[bit] for bit in _bits(chosen))
            reach = 0 if connected else first
            for bit in _bits(chosen):
                reach |= links[bit]
            for bit in _bits(reach & rest):
                larger = chosen | 1 << bit
                if total + weights[bit] <= most and larger not in seen:
                    seen.add(larger)
                    heapq.heappush(heap, (total + weights[bit], larger))

    # -- candidates --------------------------------------------------------------------------------

    def _splits(self, units: Group, grids: Sequence[int]) -> list[_Change]:
        """Cut contiguous units into parts in band; where no cut is found, those that help most.

        For a grid (`grids` holds it) or for units that lie in none.
        """
        total = self.total(units)
        if len(units) < 2:
            return []

        def change(groups: Sequence[Group]) -> _Change:
            after = sorted(groups, key=lambda group: (-self.total(group), min(group)))
            return self._change(
                "split" if grids else "new",
                grids,
                units,
                before=[units] if grids else [],
                after=after,
                moved_households=total - self.total(after[0]),
            )

        small = len(units) <= MAX_SMALL
        trees = list(self._trees(units, N_TREES if small else 1))
        found: list[_Change] = []
        seen: set[Group] = set()
        helpful: list[tuple[int, Group]] = []
        for tree in trees if small else ():
            if len(found) >= ENOUGH:
                break
            for branch_total, branch in self._branches(tree):
                side = units - branch if min(units) in branch else branch
                if side in seen:
                    continue
                seen.add(side)
                outside = sum(part for part in (branch_total, total - branch_total) if not self.fits(part))
                if not outside:
                    found.append(change([branch, units - branch]))
                else:
                    helpful.append((outside, side))
        if not found and small and 2 in self.band.legal_counts(total):
            for side in self._sets(units, [min(units)], self.lower, self.upper, connected=True):
                if self.fits(total - self.total(side)):
                    found.append(change([side, units - side]))
                    break
        if not found and self.band.legal_counts(total):
            cuts = [self._cut_tree(tree, eager=eager) for tree in trees for eager in (False, True)]
            found += [change(cut) for cut in cuts if cut is not None]
        if found:
            # Among cuts in band the best keeps compounds whole, cuts short and evenly.
            return [min(found, key=lambda cut: (cut.splits, round(cut.cut_m), self._spread(cut), cut.rank))]
        found += [change(groups) for groups in self._around_too_large(units)]
        helpful.sort(key=lambda pair: (pair[0], sorted(pair[1])))
        return found + [change([side, units - side]) for _, side in helpful[:4]]

    def _spread(self, change: _Change) -> int:
        sizes = [self.total(group) for group in change.groups]
        return max(sizes) - min(sizes)

    def _around_too_large(self, units: Group) -> Iterator[list[Group]]:
        """Yield the units that are too large alone, and the rest cut into parts in band where that works."""
        large = [unit for unit in sorted(units) if self.households[unit] > self.upper]
        if not large or len(large) == len(units):
            return
        groups = [frozenset([unit]) for unit in large]
        for piece in self.pieces(units - set(large)):
            cut = None
            if not self.fits(self.total(piece)) and self.band.legal_counts(self.total(piece)):
                trees = self._trees(piece, N_TREES if len(piece) <= MAX_SMALL else 1)
                cut = next((found for tree in trees if (found := self._cut_tree(tree)) is not None), None)
            groups += cut or [piece]
        yield groups

    def _apart(self, grid: int, units: Group, pieces: list[Group]) -> _Change:
        """Make each piece of a grid one of its own, or several where it is too large."""
        groups: list[Group] = []
        for piece in pieces:
            cuts = self._splits(piece, ()) if self.total(piece) > self.upper else []
            groups += min(cuts, key=lambda cut: cut.rank).groups if cuts else [piece]
        groups.sort(key=lambda group: (-self.total(group), min(group)))
        moved = self.total(units) - self.total(groups[0])
        return self._change("split", (grid,), units, before=[units], after=groups, moved_households=moved)

    def _merges(self, grid: int, units: Group, neighbours: Iterable[int]) -> list[_Change]:
        return [
            self._change(
                "merge",
                (grid, other),
                units,
                before=[units, self.members(other)],
                after=[units | self.members(other)],
                moved_households=self.total(units),
            )
            for other in neighbours
        ]

    def _moves(self, source: int, target: int, most_moved: int) -> list[_Change]:
        """Move units between two grids so that both are in order, few households first."""
        give, take = self.members(source), self.members(target)
        giving, taking = self.total(give), self.total(take)
        least = max(self.lower - taking, giving - self.upper, 0)
        most = min(self.upper - taking, giving - self.lower, most_moved)
        if most < least or not 1 < len(give) <= MAX_SMALL:
            return []

        def change(units: Group) -> _Change:
            return self._change(
                "move",
                (source, target),
                units,
                before=[give, take],
                after=[give - units, take | units],
                moved_households=self.total(units),
            )

        touching = [unit for unit in sorted(give) if any(other in take for other in self.links(unit))]
        changes: list[_Change] = []
        for units in self._sets(give, touching, least, most):
            proposed = change(units)
            if proposed.solves:
                changes.append(proposed)
                if proposed.splits <= 0 or len(changes) == 3:
                    return changes
        if changes or len(self.pieces(give | take)) > 1:
            return changes
        for tree in self._trees(give | take, N_TREES):
            for _, branch in self._branches(tree):
                for kept in (branch, (give | take) - branch):
                    # What stays is one side of a cut and all of it from the source: both sides hang together.
                    if kept < give and least <= giving - self.total(kept) <= most:
                        proposed = change(give - kept)
                        if proposed.solves:
                            changes.append(proposed)
            if changes:
                break
        return changes

    def _gifts(self, source: Sequence[int], units: Group, rest: Group) -> list[_Change]:
        """Give a whole piece to each neighbouring grid; `rest` is what stays behind in the source."""
        changes = []
        for target in self.neighbours(units):
            if target in source:
                continue
            theirs = self.members(target)
            changes.append(
                self._change(
                    "move",
                    (*source, target),
                    units,
                    before=[rest | units, theirs] if source else [theirs],
                    after=[rest, theirs | units] if source else [theirs | units],
                    moved_households=self.total(units),
                )
            )
        return changes

    # -- the best ----------------------------------------------------------------------------------

    def mend(self, grid: int, reason: str = "") -> tuple[Remedy, ...]:
        """Return up to three remedies of a grid that breaks a rule, the best first.

        Those that solve everything; where none does, those that help. The better leaves fewer households
        in grids that break a rule, then splits fewer compounds, then puts fewer households under another
        grid, then makes shorter borders. A single one of kind `none` where nothing helps.

        Parameters
        ----------
        grid : int
            The grid.
        reason : str
            Why it cannot be mended alone, where that is known.
        """
        self._judged.clear()
        units = self.members(grid)
        if len(units) > MAX_UNITS:
            return (self._none(grid, "plan_anew"),)
        pieces = self.pieces(units)
        neighbours = [other for other in self.neighbours(units) if len(self.members(other)) <= MAX_UNITS]
        changes = self._merges(grid, units, neighbours)
        if len(pieces) > 1:
            changes.append(self._apart(grid, units, pieces))
            for piece in pieces[:MAX_PIECES]:
                changes += self._gifts((grid,), piece, units - piece)
        elif self.total(units) > self.upper:
            changes += self._splits(units, (grid,))
        solved = [change for change in changes if change.solves and change.splits <= 0]
        most_moved = min(
            (change.moved_households for change in solved), default=self.total(units) + self.upper
        )
        for other in neighbours:
            if 1 < len(pieces) <= MAX_PIECES or self.total(units) < self.lower:
                changes += self._moves(other, grid, most_moved)
            if len(pieces) == 1 and self.total(units) > self.upper:
                changes += self._moves(grid, other, most_moved)
        return self._best(changes, reason) or (self._none(grid, reason or "needs_neighbours"),)

    def gather(self, units: Group, reason: str = "") -> tuple[Remedy, ...]:
        """Return up to three remedies of contiguous units that lie in no grid, the best first.

        They go to a neighbouring grid or form new ones, which may break a rule where nothing else is left.
        """
        self._judged.clear()
        if len(units) > MAX_UNITS:
            return (Remedy("none", reason="plan_anew"),)
        total = self.total(units)
        changes = self._gifts((), units, frozenset())
        changes.append(self._change("new", (), units, before=[], after=[units], moved_households=total))
        if total > self.upper:
            changes += self._splits(units, ())
        ordered = sorted(changes, key=lambda change: change.rank)
        solving = [change for change in ordered if change.solves]
        return tuple(self._remedy(change, reason) for change in (solving or ordered)[:3])

    def _best(self, changes: Iterable[_Change], reason: str) -> tuple[Remedy, ...]:
        useful = [change for change in changes if change.solves or change.gain < (0, 0, 0)]
        ordered = sorted(useful, key=lambda change: change.rank)
        solving = [change for change in ordered if change.solves]
        return tuple(self._remedy(change, reason) for change in (solving or ordered)[:3])

    def _none(self, grid: int, reason: str) -> Remedy:
        return Remedy("none", (self.grid_ids[grid],), before=(self.total(self.members(grid)),), reason=reason)

    def _remedy(self, change: _Change, reason: str) -> Remedy:
        part_of = {unit: part for part, group in enumerate(change.groups) for unit in group}
        parted = change.kind in ("split", "new")
        return Remedy(
            kind=change.kind,
            grid_ids=tuple(self.grid_ids[grid] for grid in change.grids),
            unit_ids=tuple(self.unit_ids[unit] for unit in change.units),
            parts=tuple(part_of[unit] for unit in change.units) if parted else (),
            before=tuple(self.total(self.members(grid)) for grid in change.grids),
            after=tuple(self.total(group) for group in change.groups),
            moved_households=change.moved_households,
            solves=change.solves,
            reason="" if change.solves else reason,
        )


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _flooded(start: int, within: int, links: Sequence[int]) -> int:
    """Return the units of `within` that can be reached from `start`."""
    reached, frontier = start, start
    while frontier:
        ahead = 0
        for bit in _bits(frontier):
            ahead |= links[bit]
        frontier = ahead & within & ~reached
        reached |= frontier
    return reached
