"""The yearly task: keep what fits of a standing assignment, mend the rest by the least change.

Parts out of band, and parts broken in pieces, are mended one by one or with faulty neighbours, each in a
window of the parts around it (`transfers`), cheapest first; what resists gets a wider window. Parts outside
those windows are never looked at.

References
----------
Cockings, S., Harfoot, A., Martin, D., Hornby, D. (2011). Maintaining existing zoning systems using automated
zone-design techniques: methods for creating the 2011 Census output geographies for England and Wales.
Environment and Planning A 43(10).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.errors import InputError
from geo.partition.least_change import MOST_UNITS, least_change
from geo.partition.locks import Locks, require_part
from geo.partition.matching import matching, moved_units
from geo.partition.outcomes import Choice, Outcome, undominated
from geo.partition.partition import Partition, components, frozen, numbered
from geo.partition.proving import with_proofs
from geo.partition.region import CM_PER_M
from geo.partition.standing import Standing
from geo.partition.transfers import Transfers
from geo.partition.weights import Weights
from geo.partition.window import Found, State, units_of

Fate: TypeAlias = Literal["kept", "changed", "ended", "new"]
Left: TypeAlias = Literal["locked", "special", "limit", "stopped"]


class Effort(NamedTuple):
    """How far round a fault and how long an answer is sought."""

    together: bool
    radius: int
    units: int
    states: int


# First with faulty neighbours, then alone, then wider and longer.
EFFORTS = (Effort(True, 2, 120, 120), Effort(False, 2, 120, 120), Effort(False, 4, 250, 600))
MOST_TOGETHER = 3


@dataclass(frozen=True)
class TradeOff:
    """One point of the curve: what so many moved households buy.

    Attributes
    ----------
    moved_households : int
        Households whose part changes; `rebalance(…, max_moved=moved_households)` gives this plan.
    parts_out, households_out : int
        Parts out of band or in pieces that are not special, and their households.
    border_m : float
        Cost of the borders between parts, in weighed metres (`Weights`), against the standing plan.
    recommended : bool
        Whether this is the recommended point.
    """

    moved_households: int
    parts_out: int
    households_out: int
    border_m: float
    recommended: bool = False


@dataclass(frozen=True)
class Rebalanced:
    """A standing partition mended.

    Attributes
    ----------
    before, partition : Partition
        As it stood and as it is now, with a `Proof` for each part out of band that is not special.
    follows : (parts now,) int64
        Part before that each part continues, -1 for a new one.
    continued_by : (parts before,) int64
        Part now that continues each, -1 for an ended one.
    moved : (n,) bool
        Units that had a part and now lie in one that continues another, or none.
    moved_households : int
        Households of those units.
    left : mapping of int to str
        Why parts now that are out of band or in pieces were not touched: `locked`, `special` (exempt),
        `limit` (mending would move more than `max_moved`), `stopped`. Others could not be mended:
        their proofs say why.
    special : frozenset of int
        The special parts, by their numbers now.
    curve : tuple of TradeOff
        What more moved households buy, as `trade_off` says; empty where `max_moved` was given.
    """

    before: Partition
    partition: Partition
    follows: NDArray[np.int64]
    moved: NDArray[np.bool_]
    left: Mapping[int, Left] = field(default_factory=dict)
    special: frozenset[int] = frozenset()
    curve: tuple[TradeOff, ...] = ()

    @property
    def continued_by(self) -> NDArray[np.int64]:
        """Part now that continues each part before, -1 for one that ended."""
        after = np.full(self.before.n_parts, -1, np.int64)
        going_on = self.follows >= 0
        after[self.follows[going_on]] = np.flatnonzero(going_on)
        return after

    @property
    def moved_households(self) -> int:
        """Households whose part changed."""
        return int(self.partition.households[self.moved].sum())

    @property
    def still_faulty(self) -> NDArray[np.int64]:
        """Parts now that are out of band or in pieces, without special ones, ascending."""
        return faulty_parts(self.partition, self.special)

    def fates_before(self) -> list[Fate]:
        """Return what became of each part before: kept unit by unit, changed, or ended."""
        fates: list[Fate] = []
        for part, after in enumerate(self.continued_by.tolist()):
            if after < 0:
                fates.append("ended")
            else:
                fates.append("kept" if self._same(part, after) else "changed")
        return fates

    def fates(self) -> list[Fate]:
        """Return where each part now comes from: kept unit by unit, changed, or new."""
        fates: list[Fate] = []
        for part, old in enumerate(self.follows.tolist()):
            if old < 0:
                fates.append("new")
            else:
                fates.append("kept" if self._same(old, part) else "changed")
        return fates

    def _same(self, old: int, now: int) -> bool:
        return self._kept.get(old) == now

    @cached_property
    def _kept(self) -> dict[int, int]:
        """Parts whose units are the same before and now."""
        one, two = self.before.labels, self.partition.labels
        both = (one >= 0) & (two >= 0)
        pair, count = np.unique(one[both] * max(self.partition.n_parts, 1) + two[both], return_counts=True)
        old, now = pair // max(self.partition.n_parts, 1), pair % max(self.partition.n_parts, 1)
        same = (count == self.before.part_units[old]) & (count == self.partition.part_units[now])
        return dict(zip(old[same].tolist(), now[same].tolist(), strict=True))


def rebalance(
    partition: Partition,
    *,
    special: Collection[int] = (),
    locks: Locks | None = None,
    compound: ArrayLike | None = None,
    weights: Weights | None = None,
    max_moved: int | None = None,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Rebalanced:
    """Mend a standing partition so that as few households as possible change parts.

    What is minimised round each fault, in this order: households in parts out of band or in pieces;
    compounds split beyond need and beyond how they were; households whose part changes; borders.

    Parameters
    ----------
    partition : Partition
        The standing assignment on the units of today: parts may be out of band, in pieces or reach into
        another community, and units labelled -1 are new. Placing a new unit moves nobody.
    special : collection of int
        Parts the band does not hold for; they stay whole and unchanged.
    locks : Locks, optional
        Parts and units that stay as they are.
    compound : (n,) whole numbers, optional
        Compound of each unit, -1 none.
    weights : Weights, optional
        What borders cost.
    max_moved : int, optional
        Most households whose part may change. With 0 only new units are placed.
    seed : int, default 0
        Steers how new estates are divided.
    on_progress : callable (done, total), optional
    should_stop : callable, optional
        Asked before each search; once it says so nothing more is sought, and the best that was found by then
        is returned.

    Raises
    ------
    InputError
        Parts or units named do not exist, arrays of another length, or max_moved below 0.
    """
    work = _Work(partition, special, locks, compound, weights, seed)
    return work.run(max_moved, on_progress, should_stop)


def mend(
    partition: Partition,
    around: int | Collection[int],
    *,
    special: Collection[int] = (),
    locks: Locks | None = None,
    compound: ArrayLike | None = None,
    weights: Weights | None = None,
    max_moved: int | None = None,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Rebalanced:
    """Mend some parts with the help of their neighbours alone; nothing outside changes.

    Parameters
    ----------
    partition : Partition
        As for `rebalance`. New units are placed where they touch the parts named.
    around : int or collection of int
        Parts to mend. They and the parts one can walk to from them may change.

    Raises
    ------
    InputError
        As for `rebalance`.
    """
    parts = [around] if isinstance(around, int | np.integer) else list(around)
    for part in parts:
        require_part(partition, part)
    centre = np.unique(np.asarray(parts, np.int64))
    work = _Work(partition, special, locks, compound, weights, seed, around=centre)
    return work.run(max_moved, on_progress, should_stop)


def trade_off(
    partition: Partition,
    *,
    special: Collection[int] = (),
    locks: Locks | None = None,
    compound: ArrayLike | None = None,
    weights: Weights | None = None,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> tuple[TradeOff, ...]:
    """Return what more moved households buy, from none to all that mends something.

    Each point is the best plan known for its bound. Recommended is the last point up to which every
    further part brought into the band costs at most as many moved households as the lower bound: a dearer
    one changes hands for more households than a whole small part has.

    Returns
    -------
    tuple of TradeOff
        Ascending in moved households, one point for each number; exactly one is recommended.
    """
    return rebalance(
        partition,
        special=special,
        locks=locks,
        compound=compound,
        weights=weights,
        seed=seed,
        on_progress=on_progress,
        should_stop=should_stop,
    ).curve


def faulty_parts(partition: Partition, special: Iterable[int]) -> NDArray[np.int64]:
    """Parts out of band, in pieces or in several communities, without special ones, ascending."""
    total = partition.part_households
    bad = (total < partition.band.lower) | (total > partition.band.upper) | ~partition.contiguous
    placed = partition.labels >= 0
    away = partition.community[placed] != partition.part_community[partition.labels[placed]]
    bad[partition.labels[placed][away]] = True
    bad[[part for part in special if part < len(bad)]] = False
    return np.flatnonzero(bad)


def _put(slots: NDArray[np.int64], outcomes: Sequence[Outcome]) -> None:
    """Change the slots of units as outcomes say."""
    for outcome in outcomes:
        for unit, slot in outcome.slots.items():
            slots[unit] = slot


def _bought(search: Transfers, found: Found | State) -> Outcome:
    """Return what an assignment of a window changes, without the slots."""
    start = search.start
    parts, households, avoidable = 0, 0, 0
    for mask, sign in [*((m, -1) for m in start.masks), *((m, 1) for m in found.masks)]:
        avoidable += sign * search.sets.avoidable(mask)
        if search.sets.is_faulty(mask):
            parts += sign
            households += sign * search.sets.total(mask)
    return Outcome(
        found.change.moved - start.change.moved,
        parts,
        households,
        avoidable,
        found.change.compounds - start.change.compounds,
        found.change.border_cm,
    )


class _Step(NamedTuple):
    """A step taken: the slots it changed, and what it did, last, after lesser changes of these slots."""

    changed: frozenset[int]
    options: list[Outcome]


class _Plan(NamedTuple):
    """A proposed step, last of `steps` after lesser changes of its window, and what it rests on."""

    order: tuple[float, int, int]
    number: int
    cluster: list[int]
    effort: int
    slots: list[int]
    positions: list[int]
    masks: tuple[int, ...]
    found: Found
    steps: list[tuple[tuple[int, ...], Outcome]]
    rests_on: dict[int, int]


class _Work:
    """One run over a standing partition."""

    def __init__(
        self,
        partition: Partition,
        special: Collection[int],
        locks: Locks | None,
        compound: ArrayLike | None,
        weights: Weights | None,
        seed: int,
        around: NDArray[np.int64] | None = None,
    ) -> None:
        self.before = partition
        self.locks = locks or Locks()
        self.locks.require(partition)
        self.special = frozenset(int(part) for part in special)
        for part in sorted(self.special):
            require_part(partition, part)
        n = len(partition.labels)
        kinds = np.full(n, -1, np.int64) if compound is None else numbered(frozen(compound, "compound", n))
        self.standing = Standing(
            partition,
            special=self.special,
            locks=self.locks,
            compound=kinds,
            weights=weights or Weights(),
            seed=seed,
            within=None if around is None else self._touching(partition, around),
        )
        self.faults = self.standing.faulty()
        self.allowed: frozenset[int] | None = None
        if around is not None:
            centre = [part for part in around.tolist() if part not in self.standing.frozen]
            fresh = range(partition.n_parts, self.standing.next_slot)
            centre += fresh
            self.allowed = frozenset(centre) | frozenset(self.standing.beside(centre))
            self.faults = [slot for slot in self.faults if slot in set(centre)]
        self.placed = partition.with_labels(self.standing.slot)
        self._held = self.locks.holds_units(partition)
        self._start = list(self.standing.slot)
        self.steps: list[_Step] = []
        self._numbers = 0
        self._waiting: list[_Plan] = []
        self._should_stop: Callable[[], bool] = lambda: False
        self._stopped = False

    @staticmethod
    def _touching(partition: Partition, around: NDArray[np.int64]) -> NDArray[np.bool_]:
        """New units that hang together with a unit beside the parts named, (n,) bool."""
        pairs, labels = partition.adjacency, partition.labels
        place = partition.community
        walk = pairs.joins & (place[pairs.left] == place[pairs.right]) & (place[pairs.left] >= 0)
        left, right = pairs.left[walk], pairs.right[walk]
        new = (labels < 0) & (place >= 0)
        both = new[left] & new[right]
        piece = components(len(labels), left[both], right[both])
        named = np.isin(labels, around)
        touched = np.concatenate([left[new[left] & named[right]], right[new[right] & named[left]]])
        return np.asarray(new & np.isin(piece, piece[touched]), np.bool_)

    def special_now(self, after: Partition) -> frozenset[int]:
        """Special parts by their numbers in a partition in which they are unchanged."""
        first = {self.before.labels[unit]: unit for unit in range(len(self.before.labels) - 1, -1, -1)}
        return frozenset(int(after.labels[first[part]]) for part in self.special if part in first)

    def run(
        self,
        max_moved: int | None,
        on_progress: Callable[[int, int], None] | None,
        should_stop: Callable[[], bool] | None,
    ) -> Rebalanced:
        """Mend what can be mended, cheapest first."""
        if max_moved is not None and (
            not isinstance(max_moved, int | np.integer) or isinstance(max_moved, bool) or max_moved < 0
        ):
            raise InputError(
                "max_moved_invalid",
                f"at most {max_moved} moved households is no limit",
                mend="give a whole number from 0",
                value=str(max_moved),
            )
        self._should_stop = should_stop or self._should_stop
        clusters = self._clusters()
        total = len(clusters) + len(self.faults)
        tell = on_progress or (lambda done, total: None)
        for done, cluster in enumerate(clusters, start=1):
            self._propose(cluster, 0)
            if not self._stopped:
                tell(done, total)
        done = total - len(self._waiting)
        # Stopped, nothing more is sought, but what was found and still fits is taken.
        while self._waiting:
            plan = heapq.heappop(self._waiting)
            if any(self.standing.version.get(slot, 0) != seen for slot, seen in plan.rests_on.items()):
                self._propose([s for s in plan.cluster if s in self.standing.members], plan.effort)
                continue
            self._apply(plan)
            done += 1
            tell(min(done, total), total)
        if not self._stopped:
            tell(total, total)
        met = self._outcomes()
        choice = Choice([undominated(outcomes) for outcomes in met], max_moved)
        left_by_bound = self._take(choice.within(max_moved), met, max_moved)
        return self._result(
            left_by_bound, self._stopped, () if max_moved is not None else self._curve(choice)
        )

    def _outcomes(self) -> list[list[Outcome]]:
        """What stood after each step, for each group of steps that change the same slots.

        Steps of different groups can be taken or left as one likes. All of them were sought without a bound,
        so that whatever one bound allows, a higher one allows too.
        """
        ends = [(at, slot) for at, step in enumerate(self.steps) for slot in sorted(step.changed)]
        rows, slots = np.array(ends, np.int64).reshape(-1, 2).T
        n = len(self.steps)
        group = components(n + self.standing.next_slot, rows, n + slots)[:n]
        met: dict[int, list[Outcome]] = {}
        for at, step in enumerate(self.steps):
            outcomes = met.setdefault(int(group[at]), [Outcome()])
            last = outcomes[-1]
            outcomes += [self._after(last, option) for option in step.options]
        return list(met.values())

    def _after(self, last: Outcome, step: Outcome) -> Outcome:
        slots = {**last.slots, **step.slots}
        return Outcome(
            self._moved(slots),
            last.parts + step.parts,
            last.households + step.households,
            last.avoidable + step.avoidable,
            last.compounds + step.compounds,
            last.border_cm + step.border_cm,
            slots,
        )

    def _take(
        self, chosen: Sequence[Outcome], met: Sequence[Sequence[Outcome]], bound: int | None
    ) -> set[int]:
        """Put the chosen outcomes into the slots; return slots that are faulty only because of the bound."""
        standing = self.standing
        best = [undominated(outcomes)[-1] for outcomes in met]
        slots: NDArray[np.int64] = np.asarray(self._start, np.int64).copy()
        faulty_at_best: set[tuple[int, ...]] = set()
        if bound is not None:
            _put(slots, best)
            whole = self.before.with_labels(slots)
            faulty_at_best = {
                tuple(whole.members(part).tolist())
                for part in faulty_parts(whole, self.special_now(whole)).tolist()
            }
            slots = np.asarray(self._start, np.int64).copy()
        _put(slots, chosen)
        standing.slot = slots.tolist()
        if bound is None:
            return set()
        now = self.before.with_labels(slots)
        faulty = [now.members(part) for part in faulty_parts(now, self.special_now(now)).tolist()]
        return {int(slots[each[0]]) for each in faulty if tuple(each.tolist()) not in faulty_at_best}

    def _curve(self, choice: Choice) -> tuple[TradeOff, ...]:
        """What more moved households buy, one point for each number at which the plan gets better."""
        out = faulty_parts(self.placed, self.special_now(self.placed))
        households = int(self.placed.part_households[out].sum())
        points: list[TradeOff] = []
        for bound in choice.steps():
            chosen = choice.within(bound)
            points.append(
                TradeOff(
                    sum(outcome.moved for outcome in chosen),
                    len(out) + sum(outcome.parts for outcome in chosen),
                    households + sum(outcome.households for outcome in chosen),
                    sum(outcome.border_cm for outcome in chosen) / CM_PER_M,
                )
            )
        recommended = 0
        for at, point in enumerate(points):
            last = points[recommended]
            mended = last.parts_out - point.parts_out
            if mended > 0:
                if point.moved_households - last.moved_households > self.before.band.lower * mended:
                    break
                recommended = at
        return tuple(replace(point, recommended=at == recommended) for at, point in enumerate(points))

    def _clusters(self) -> list[list[int]]:
        """Faults that lie beside each other or share a neighbour, a few at a time."""
        faults = set(self.faults)
        clusters: list[list[int]] = []
        taken: set[int] = set()
        for slot in self.faults:
            if slot in taken:
                continue
            cluster = [slot]
            taken.add(slot)
            for member in cluster:
                for near in self.standing.beside([member]):
                    if near in faults and near not in taken and len(cluster) < MOST_TOGETHER:
                        cluster.append(near)
                        taken.add(near)
            clusters.append(cluster)
        return clusters

    def _propose(self, cluster: list[int], effort: int) -> None:
        """Seek a step for some faults and queue it; seek harder where there is none, until told to stop."""
        for at in range(effort, len(EFFORTS)):
            self._stopped = self._stopped or self._should_stop()
            if self._stopped:
                return
            how = EFFORTS[at]
            if how.together or len(cluster) == 1:
                unsolved = [] if self._sought(cluster, at) else [cluster]
            else:
                unsolved = [[slot] for slot in cluster if not self._sought([slot], at)]
            if not unsolved:
                break
            cluster = [slot for rest in unsolved for slot in rest]

    def _sought(self, cluster: list[int], effort: int) -> bool:
        """Search one window; return whether there is a step, or nothing to mend."""
        cluster = [slot for slot in cluster if slot in self.standing.members]
        if not cluster:
            return True
        how = EFFORTS[effort]
        slots = self.standing.window_slots(cluster, MOST_UNITS, MOST_UNITS, self.allowed)
        closed = sum(len(self.standing.members[slot]) for slot in slots) <= MOST_UNITS
        closed &= self.allowed is None and not self.standing.beside(slots)
        if not closed:
            slots = self.standing.window_slots(cluster, how.radius, how.units, self.allowed)
        window, positions = self.standing.window(slots, slots if closed else cluster)
        search = Transfers(window, self.standing.band)
        if not search.start.change.avoidable:
            return True
        found = search.search(how.states)
        found = (least_change(search) if closed else None) or found
        if found.change.avoidable >= search.start.change.avoidable:
            return False
        step = _bought(search, found)
        steps = [(state.masks, _bought(search, state)) for state in search.lesser(found)]
        rests_on = {
            slot: self.standing.version.get(slot, 0)
            for slot, old, new in zip(slots, window.masks, found.masks, strict=False)
            if old != new
        }
        self._numbers += 1
        order = (step.moved / max(-step.parts, 1), step.moved, min(positions))
        steps.append((found.masks, step))
        plan = _Plan(
            order, self._numbers, cluster, effort, slots, positions, window.masks, found, steps, rests_on
        )
        heapq.heappush(self._waiting, plan)
        return True

    def _apply(self, plan: _Plan) -> None:
        """Take a step; what it leaves faulty is sought again, harder."""
        standing = self.standing
        changed = standing.put(plan.slots, plan.positions, plan.masks, plan.found.masks)
        taken = {unit: slot for slot in changed for unit in standing.members.get(slot, ())}
        options = []
        for masks, step in plan.steps[:-1]:
            slots = self._slots(plan, masks, set(changed))
            if slots is not None:
                mine = {unit: slot for unit, slot in slots.items() if unit in taken}
                options.append(replace(step, slots=mine))
        self.steps.append(_Step(frozenset(changed), [*options, replace(plan.steps[-1][1], slots=taken)]))
        if plan.found.change.avoidable and plan.effort + 1 < len(EFFORTS):
            rest = sorted({*plan.cluster, *changed} & standing.members.keys())
            for slot in rest:
                self._propose([slot], plan.effort + 1)

    def _slots(self, plan: _Plan, masks: tuple[int, ...], changed: set[int]) -> dict[int, int] | None:
        """Return the slot of each unit of a window; None where slots change besides the ones named."""
        slots: dict[int, int] = {}
        for i, mask in enumerate(masks):
            if i < len(plan.slots):
                slot = plan.slots[i]
                if mask != plan.masks[i] and slot not in changed:
                    return None
            else:
                slot = self.standing.next_slot
                self.standing.next_slot += 1
            slots.update(dict.fromkeys((plan.positions[bit] for bit in units_of(mask)), slot))
        return slots

    def _moved(self, slots: Mapping[int, int]) -> int:
        """Return the households whose part changes where units are in these slots, whole slots together."""
        units = np.fromiter(slots, np.int64, len(slots))
        now = np.unique(np.fromiter(slots.values(), np.int64, len(slots)), return_inverse=True)[1]
        households = self.before.households[units]
        moved = moved_units(self.before.labels[units], now, households, held=self._held[units])
        return int(households[moved].sum())

    def _result(self, left_by_bound: set[int], stopped: bool, curve: tuple[TradeOff, ...]) -> Rebalanced:
        before, standing = self.before, self.standing
        bare = before.with_labels(standing.slot)
        held = self._held
        follows = matching(before.labels, bare.labels, before.households, held=held)
        moved = moved_units(before.labels, bare.labels, before.households, held=held)
        special = self.special_now(bare)
        now_of = np.full(standing.next_slot, -1, np.int64)
        slots = np.asarray(standing.slot, np.int64)
        now_of[slots[slots >= 0]] = bare.labels[slots >= 0]
        locked = {int(now_of[part]) for part in self.locks.parts}
        among = None
        if self.allowed is not None:
            touched = [*self.allowed, *range(before.n_parts, standing.next_slot)]
            among = set(now_of[touched].tolist())
        after = with_proofs(
            bare, before, standing.open_atoms, standing.regions, locked | special, among=among
        )
        left: dict[int, Left] = {}
        for part in sorted({*after.out_of_band.tolist(), *np.flatnonzero(~after.contiguous).tolist()}):
            if part in special:
                left[part] = "special"
            elif part in locked:
                left[part] = "locked"
            elif stopped and (among is None or part in among):
                left[part] = "stopped"
            elif any(now_of[slot] == part for slot in left_by_bound):
                left[part] = "limit"
        return Rebalanced(before, after, follows, moved, left, special, curve)
