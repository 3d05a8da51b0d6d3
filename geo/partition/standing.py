"""A standing assignment while it is mended: which unit lies in which slot, and windows cut out of it.

A slot is a part that may change: the old parts keep their numbers, new parts come after them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np
from numpy.typing import NDArray

from geo.partition.locks import Locks
from geo.partition.partition import Partition, components
from geo.partition.pieces import Atoms, Regions, atoms_of, regions_of
from geo.partition.plan import partition as planned
from geo.partition.region import Region, region_of
from geo.partition.weights import Weights
from geo.partition.window import Window, units_of

EMPTY_SLOTS = 2


class Standing:
    """Units in slots.

    Attributes
    ----------
    slot : list of int
        Slot of each unit, -1 none.
    origin : list of int
        Slot each unit came with, -1 none.
    members : dict of int to list of int
        Units of each slot in use, ascending.
    frozen : frozenset of int
        Slots that neither give nor take: locked ones and special ones.
    """

    def __init__(
        self,
        partition: Partition,
        *,
        special: Collection[int],
        locks: Locks,
        compound: NDArray[np.int64],
        weights: Weights,
        seed: int,
        within: NDArray[np.bool_] | None = None,
    ) -> None:
        self.partition = partition
        self.band = partition.band
        self.special = frozenset(special)
        self.frozen = frozenset(locks.parts) | self.special
        n = len(partition.labels)
        self.graph, self.atoms = _graph(partition, compound, weights)
        self.households: list[int] = partition.households.tolist()
        self.compound: list[int] = compound.tolist()
        self.indptr: list[int] = self.graph.indptr.tolist()
        self.neighbour: list[int] = self.graph.neighbour.tolist()
        self.gain: list[int] = self.graph.half_gain.tolist()
        self.joins: list[int] = self.graph.half_joins.tolist()
        self.held = set(locks.units)
        inside = partition.community >= 0
        old = np.where(inside, partition.labels, -1)
        self.origin: list[int] = partition.labels.tolist()
        fresh = inside & (old < 0)
        if within is not None:
            fresh &= within
        slots = old.copy()
        self.next_slot = partition.n_parts
        if fresh.any():
            slots = self._placed(slots, fresh, compound, weights, seed)
        self.slot: list[int] = slots.tolist()
        self.members: dict[int, list[int]] = {}
        for unit, slot in enumerate(self.slot):
            if slot >= 0:
                self.members.setdefault(slot, []).append(unit)
        self.version: dict[int, int] = {}
        self._excuse(partition.community)
        named = (compound >= 0) & (partition.households > 0) & inside
        self.kind_units: dict[int, list[int]] = {}
        for unit in np.flatnonzero(named).tolist():
            self.kind_units.setdefault(self.compound[unit], []).append(unit)
        self._allowed: dict[int, int] = {}
        self.contiguous = self._contiguous(slots, n)

    def _placed(
        self,
        slots: NDArray[np.int64],
        fresh: NDArray[np.bool_],
        compound: NDArray[np.int64],
        weights: Weights,
        seed: int,
    ) -> NDArray[np.int64]:
        """Give units without a part slots of their own: new estates in band, single houses one by one."""
        partition = self.partition
        units = np.flatnonzero(fresh)
        place = np.full(len(fresh), -1)
        place[units] = np.arange(len(units))
        adjacency = partition.adjacency
        inside = fresh[adjacency.left] & fresh[adjacency.right]
        own = type(adjacency)(
            adjacency.unit_ids[units],
            place[adjacency.left[inside]],
            place[adjacency.right[inside]],
            adjacency.border_m[inside],
            adjacency.crosses[inside],
            adjacency.joins[inside],
        )
        made = planned(
            own,
            partition.households[units],
            partition.community[units],
            band=self.band,
            compound=compound[units],
            weights=weights,
            seed=seed,
        )
        slots[units] = self.next_slot + made.labels
        self.next_slot += made.n_parts
        return slots

    def _excuse(self, community: NDArray[np.int64]) -> None:
        """Note what is out of band whatever is done: units too large, pockets, small pieces."""
        frozen = np.isin(np.asarray(self.slot), list(self.frozen))
        self.open_atoms = self.atoms if not frozen.any() else _without(self.atoms, frozen)
        self.regions: Regions = regions_of(self.open_atoms, self.band)
        self.excused: list[bool] = (self.regions.host >= 0).tolist()
        atoms = self.open_atoms
        piece = atoms.piece
        if frozen.any():
            piece = components(len(frozen), atoms.left[atoms.joins], atoms.right[atoms.joins])
        self.piece_units: list[int] = np.bincount(piece)[piece].tolist()

    def _contiguous(self, slots: NDArray[np.int64], n: int) -> NDArray[np.bool_]:
        """Whether each slot is contiguous inside one community."""
        left, right = self.atoms.left, self.atoms.right
        inside = self.atoms.joins & (slots[left] == slots[right])
        pieces = components(n, left[inside], right[inside])
        placed = slots >= 0
        found = np.unique(np.stack([slots[placed], pieces[placed]]), axis=1)[0]
        whole: NDArray[np.bool_] = np.bincount(found, minlength=self.next_slot) <= 1
        return whole

    def faulty(self) -> list[int]:
        """Slots out of band or apart that may change, ascending."""
        slots = np.asarray(self.slot)
        placed = slots >= 0
        total = np.bincount(
            slots[placed],
            weights=self.partition.households[placed],
            minlength=self.next_slot,
        )
        used = np.bincount(slots[placed], minlength=self.next_slot) > 0
        out = (total < self.band.lower) | (total > self.band.upper)
        faults = used & (out | ~self.contiguous)
        return [slot for slot in np.flatnonzero(faults).tolist() if slot not in self.frozen]

    def beside(self, slots: Iterable[int]) -> list[int]:
        """Slots one can walk to from some slots, without these and without frozen ones, ascending."""
        own = set(slots)
        found: set[int] = set()
        for slot in own:
            for unit in self.members.get(slot, ()):
                for edge in range(self.indptr[unit], self.indptr[unit + 1]):
                    if self.joins[edge]:
                        found.add(self.slot[self.neighbour[edge]])
        return sorted(slot for slot in found - own if slot >= 0 and slot not in self.frozen)

    def window_slots(
        self, centre: Collection[int], radius: int, units: int, allowed: frozenset[int] | None
    ) -> list[int]:
        """Slots round some slots, nearest first, while they have few enough units together."""
        chosen = list(centre)
        size = sum(len(self.members[slot]) for slot in chosen)
        ring = chosen
        for _ in range(radius):
            near = [slot for slot in self.beside(ring) if slot not in chosen]
            if allowed is not None:
                near = [slot for slot in near if slot in allowed]
            ring = []
            for slot in sorted(near, key=lambda slot: (len(self.members[slot]), slot)):
                if size + len(self.members[slot]) <= units:
                    ring.append(slot)
                    size += len(self.members[slot])
            if not ring:
                break
            chosen = chosen + ring
        return chosen

    def allowed(self, kind: int) -> int:
        """In how many parts a compound may lie: what it needs, or as many as before."""
        found = self._allowed.get(kind)
        if found is None:
            units = self.kind_units[kind]
            need = -(-sum(self.households[unit] for unit in units) // self.band.upper)
            before = {self.origin[unit] for unit in units} - {-1}
            found = self._allowed[kind] = max(need, len(before))
        return found

    def window(self, slots: list[int], mending: Collection[int]) -> tuple[Window, list[int]]:
        """Cut the units of some slots out; return them as a window and their positions."""
        positions = [unit for slot in slots for unit in self.members[slot]]
        at = {unit: bit for bit, unit in enumerate(positions)}
        number = {slot: i for i, slot in enumerate(slots)}
        reach: list[int] = []
        borders: list[dict[int, int]] = []
        for unit in positions:
            near = 0
            gains: dict[int, int] = {}
            for edge in range(self.indptr[unit], self.indptr[unit + 1]):
                other = at.get(self.neighbour[edge])
                if other is not None:
                    gains[other] = self.gain[edge]
                    if self.joins[edge]:
                        near |= 1 << other
            reach.append(near)
            borders.append(gains)
        masks = []
        first = 0
        for slot in slots:
            size = len(self.members[slot])
            masks.append(((1 << size) - 1) << first)
            first += size
        bits = {bit for bit, unit in enumerate(positions) if unit in self.held}
        origin = [self.origin[unit] for unit in positions]
        kinds = {self.compound[unit] for unit in positions} - {-1}
        elsewhere = {}
        for kind in kinds:
            if kind in self.kind_units:
                outside = {self.slot[unit] for unit in self.kind_units[kind]} - number.keys()
                elsewhere[kind] = (len(outside), self.allowed(kind))
        window = Window(
            households=[self.households[unit] for unit in positions],
            origin=[number.get(slot, -2) if slot >= 0 else -1 for slot in origin],
            reach=reach,
            borders=borders,
            masks=(*masks, *([0] * EMPTY_SLOTS)),
            ignored=frozenset(i for i, slot in enumerate(slots) if slot not in mending),
            held=sum(1 << bit for bit in bits),
            piece_units=[self.piece_units[unit] for unit in positions],
            excused=sum(1 << bit for bit, unit in enumerate(positions) if self.excused[unit]),
            compound=[self.compound[unit] for unit in positions],
            elsewhere=elsewhere,
        )
        return window, positions

    def put(
        self, slots: list[int], positions: list[int], before: tuple[int, ...], masks: tuple[int, ...]
    ) -> list[int]:
        """Take over what changed in a window; return the slots that did."""
        changed = []
        for i, mask in enumerate(masks):
            if mask == (before[i] if i < len(before) else 0):
                continue
            units = sorted(positions[bit] for bit in units_of(mask))
            if i < len(slots):
                slot = slots[i]
            else:
                slot = self.next_slot
                self.next_slot += 1
            changed.append(slot)
            self.version[slot] = self.version.get(slot, 0) + 1
            if units:
                self.members[slot] = units
            else:
                self.members.pop(slot, None)
            for unit in units:
                self.slot[unit] = slot
        return changed


def _graph(partition: Partition, compound: NDArray[np.int64], weights: Weights) -> tuple[Region, Atoms]:
    """Relate the units inside communities, each unit an atom."""
    n = len(partition.labels)
    atoms = atoms_of(
        partition.adjacency,
        partition.households,
        np.maximum(partition.community, -1),
        compound,
        np.full(n, -1, np.int64),
        weights,
    )
    graph = region_of(
        np.arange(n),
        atoms.weight,
        atoms.compound,
        atoms.left,
        atoms.right,
        atoms.gain,
        atoms.joins,
        np.zeros(n, np.bool_),
    )
    return graph, atoms


def _without(atoms: Atoms, gone: NDArray[np.bool_]) -> Atoms:
    """Put some atoms outside all communities."""
    stays = ~gone[atoms.left] & ~gone[atoms.right]
    return Atoms(
        atoms.of_unit,
        atoms.first_unit,
        atoms.weight,
        atoms.compound,
        np.where(gone, -1, atoms.community),
        atoms.piece,
        atoms.left[stays],
        atoms.right[stays],
        atoms.gain[stays],
        atoms.joins[stays],
    )
