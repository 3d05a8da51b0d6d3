"""Partition a whole city: one search for each region, one proof for each part out of band."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.adjacency import Adjacency
from geo.errors import InputError
from geo.partition.chance import seed_of
from geo.partition.effort import EFFORTS, Effort, EffortName
from geo.partition.key import plan_key
from geo.partition.necks import Necks
from geo.partition.partition import Band, Partition, Proof, ProofCode, Search, frozen, numbered
from geo.partition.pieces import Atoms, Regions, atoms_of, cut_out, regions_of
from geo.partition.region import Region, sub_region
from geo.partition.search import EXACT_ATOMS, RegionPlan, plan_region
from geo.partition.totals import (
    households_left_over,
    is_narrow,
    nearest_totals,
    part_totals,
    unplaceable_households,
)
from geo.partition.twigs import crossroads
from geo.partition.weights import Weights
from geo.partition.work import evened_work, whole_work

# With fewer units, a usual band and no thorough search the kernels run interpreted: compiling them would take
# longer than the whole plan. The plan is the same.
COMPILED_FROM_UNITS = 301
COMPILED_FROM_STEPS = 1_500_000
# With a limit of time the regions are searched so, the last effort again and again from other starts.
ANYTIME: tuple[EffortName, ...] = ("fast", "standard", "thorough")
ANYTIME_ROUNDS = 1_000


@dataclass(frozen=True)
class Behind:
    """Places that are reached only through one atom: the atom, how many, and their households."""

    atom: int
    places: int
    households: int


def partition(
    adjacency: Adjacency,
    households: ArrayLike,
    community: ArrayLike,
    *,
    band: Band | None = None,
    compound: ArrayLike | None = None,
    kept_whole: ArrayLike | None = None,
    work: ArrayLike | None = None,
    contact: ArrayLike | None = None,
    weights: Weights | None = None,
    seed: int = 0,
    effort: EffortName = "standard",
    time_s: float | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Partition:
    """Divide the units of every community into contiguous parts within the band.

    Communities are independent of each other, and so are the pieces of a community that no pair with
    `joins` connects: a piece gets the same parts alone as inside the city. What is minimised, in this
    order: households in parts out of band; such parts (each unit above the upper bound is one, whatever
    else must share its part); compounds split, barriers inside parts, borders cut and unevenness, weighed
    by `weights`. Where the households of the units have no total within the band, nothing can be in band,
    and the parts are made as near to it as the units allow.

    Parameters
    ----------
    adjacency : Adjacency
        n units and their pairs.
    households : (n,) whole numbers >= 0
        Households of each unit.
    community : (n,) whole numbers
        Community of each unit; below 0: outside all, in no part.
    band : Band, default 50 to 100
        Households a part may have.
    compound : (n,) whole numbers, optional
        Compound of each unit, -1 none.
    kept_whole : (n,) whole numbers, optional
        Group of each unit that must share a part, -1 none. A group in several places takes along the
        units on a shortest way between them.
    work : (n,) numbers >= 0, optional
        A second weight of each unit, such as people who live alone: made even among the parts of each piece
        once these are within the band, as far as `weights.work` pays for the borders (`partition.work`).
    contact : (m,) numbers >= 0, optional
        Border of each pair of units against the way between their middles (`adjacency.contact`): where all
        parts of a region can be in band without it, none hangs on a neck (`partition.necks`).
    weights : Weights, optional
        What plans within the band are judged by.
    seed : int, default 0
        Same units and seed, same plan: on every machine, and whatever else is in the city.
    effort : {"fast", "standard", "thorough"}
        How much work is done (`effort.EFFORTS`).
    time_s : float, optional
        Instead of one search of that effort: first a fast one, then better ones with further starts, until so
        many seconds have passed by the clock or nothing more is gained. The plan then depends on how many
        searches the machine got done.
    on_progress : callable, optional
        Called with the units done and their number.
    should_stop : callable, optional
        Asked now and then; when it says so the best plan so far is returned, complete and contiguous.

    Returns
    -------
    Partition
        With a `Proof` for every part out of band.

    Raises
    ------
    InputError
        Arrays of another length, negative households, work or contact, no time, or a group of `kept_whole`
        that spans communities or pieces.
    """
    band = band or Band()
    asked = should_stop or _never
    begun = time.monotonic()
    if time_s is not None and not 0 < time_s < math.inf:
        raise InputError(
            "time_invalid",
            f"a plan cannot take {time_s} seconds",
            mend="give a number above 0",
            field="time",
            value=str(time_s),
        )

    def is_late() -> bool:
        return time_s is not None and time.monotonic() - begun >= time_s

    def stop() -> bool:
        return is_late() or asked()

    n = len(adjacency.unit_ids)
    hh = frozen(households, "households", n)
    if (hh < 0).any():
        first = int(np.flatnonzero(hh < 0)[0])
        raise InputError(
            "households_negative",
            f"a unit has {hh[first]} households",
            mend="give whole numbers from 0",
            field="households",
            feature=str(adjacency.unit_ids[first]),
            value=int(hh[first]),
        )
    place = np.maximum(frozen(community, "community", n), -1)
    atoms = atoms_of(
        adjacency,
        hh,
        _renumbered(place, "community", n),
        _renumbered(compound, "compound", n),
        _renumbered(kept_whole, "kept_whole", n),
        weights or Weights(),
    )
    regions = regions_of(atoms, band)
    thorough = time_s is None and effort == "thorough" and n > EXACT_ATOMS
    large = thorough or n >= COMPILED_FROM_UNITS or int(hh.sum()) * band.upper >= COMPILED_FROM_STEPS
    efforts = [EFFORTS[effort]] if time_s is None else [EFFORTS[name] for name in ANYTIME]
    names: list[EffortName] = [effort] if time_s is None else list(ANYTIME)
    necks = None if contact is None else Necks(atoms, adjacency, _contact_of(contact, adjacency))
    searched = _Searched(adjacency, atoms, regions, band, weights or Weights(), seed, necks, large=large)
    searched.begin(efforts[0], on_progress, stop)
    rounds = 1
    while time_s is not None and not stop() and rounds < ANYTIME_ROUNDS:
        gained = searched.go_on(efforts[min(rounds, len(efforts) - 1)], rounds, stop)
        rounds += 1
        if rounds > len(efforts) and not gained:
            break
    if work is not None:
        searched.even(_work_of(work, atoms))
    labels = searched.labels
    ended: Literal["done", "time", "stopped"] = "stopped" if asked() else "time" if is_late() else "done"
    _join_atoms_too_large(atoms, regions, labels, band)
    plan = Partition(adjacency, hh, place, labels[atoms.of_unit], band)
    proved = set(labels[searched.unavoidable].tolist())
    reasons = _reasons(plan, atoms, regions, proved, labels, searched.behind)
    used = names[min(rounds, len(names)) - 1]
    return replace(
        plan.with_labels(plan.labels, reasons),
        search=Search(seed, used, rounds, time.monotonic() - begun, ended),
    )


def _renumbered(codes: ArrayLike | None, name: str, n: int) -> NDArray[np.int64]:
    """Number codes from 0 as they appear, so that large codes take no room; below 0 becomes -1."""
    if codes is None:
        return np.full(n, -1, np.int64)
    return numbered(frozen(codes, name, n))


def _contact_of(contact: ArrayLike, adjacency: Adjacency) -> NDArray[np.float64]:
    """Return the contact of each pair, checked."""
    of_pair = np.asarray(contact, np.float64)
    if of_pair.shape != (len(adjacency),) or not (of_pair >= 0).all():
        raise InputError(
            "contact_invalid", f"contact should be {len(adjacency)} numbers from 0, one for each pair",
            mend="give what `geo.adjacency.contact` returns", field="contact", pairs=len(adjacency),
        )  # fmt: skip
    return of_pair


def _work_of(work: ArrayLike, atoms: Atoms) -> NDArray[np.int64]:
    """Return the work of each atom as whole numbers."""
    of_unit = np.asarray(work, np.float64)
    if of_unit.shape != atoms.of_unit.shape:
        n = len(atoms.of_unit)
        raise InputError(
            "units_mismatch", f"work should be {n} numbers, one for each unit",
            mend="give one number for each unit of the adjacency", field="work", units=n,
        )  # fmt: skip
    wrong = np.flatnonzero(~np.isfinite(of_unit) | (of_unit < 0))
    if len(wrong):
        value = str(of_unit[wrong[0]])
        raise InputError(
            "work_invalid", f"{value} is not a number from 0", mend="give a number, or leave it empty",
            field="work", value=value,
        )  # fmt: skip
    whole = np.zeros(len(atoms), np.int64)
    np.add.at(whole, atoms.of_unit, whole_work(of_unit))
    return whole


def _never() -> bool:
    return False


class _Searched:
    """The regions of a city with the best plan found for each.

    Attributes
    ----------
    labels : (k,) int64
        Part of each atom.
    unavoidable : (k,) bool
        Whether the part of each atom is proved to be unavoidable where it is out of band.
    behind : dict
        Which labels are places behind one atom (`twigs`).
    """

    def __init__(
        self,
        adjacency: Adjacency,
        atoms: Atoms,
        regions: Regions,
        band: Band,
        weights: Weights,
        seed: int,
        necks: Necks | None,
        *,
        large: bool,
    ) -> None:
        self.necks = necks
        self.adjacency, self.atoms, self.regions = adjacency, atoms, regions
        self.band, self.weights, self.seed, self.large = band, weights, seed, large
        self.labels = np.where(regions.host >= 0, regions.host, -1)
        self.unavoidable = np.zeros(len(atoms), np.bool_)
        self.behind: dict[int, Behind] = {}
        self._plans: list[tuple[Region, RegionPlan]] = []
        self._next_label = len(atoms)

    def begin(
        self, effort: Effort, on_progress: Callable[[int, int], None] | None, stop: Callable[[], bool]
    ) -> None:
        """Divide every region."""
        atoms, regions, band = self.atoms, self.regions, self.band
        done, total = int((regions.region < 0).sum()), len(atoms)
        queue = cut_out(atoms, regions)[::-1]
        while queue:
            region = queue.pop()
            junction = crossroads(region, band)
            if junction is None:
                found = self._planned(region, effort, 0, stop)
                self._plans.append((region, found))
            else:
                middle = int(region.atoms[junction.atom])
                queue += [_part_of(region, place) for place in junction.rest[::-1]]
                region, found = _laid_apart(region, (junction.own_part, *junction.twigs))
                for twig in range(len(junction.twigs)):
                    self.behind[self._next_label + 1 + twig] = Behind(
                        middle, junction.n_twigs, junction.twig_households
                    )
            self._take(region, found)
            done += len(region)
            if on_progress is not None:
                on_progress(done, total)

    def go_on(self, effort: Effort, turn: int, stop: Callable[[], bool]) -> bool:
        """Search every region anew and keep what is better; say whether anything is."""
        gained = False
        for at, (region, known) in enumerate(self._plans):
            if stop():
                break
            found = self._planned(region, effort, turn, stop)
            old, new = (plan_key(region, plan.labels, self.band, self.weights) for plan in (known, found))
            if new < old:
                gained = True
                self._plans[at] = (region, found)
                self._take(region, found)
        return gained

    def even(self, work: NDArray[np.int64]) -> None:
        """Make the work (k,) of the parts of each region more even."""
        for at, (region, found) in enumerate(self._plans):
            labels = evened_work(
                region, found.labels, work[region.atoms], self.band, self.weights, self._seed(region, 0),
                large=self.large,
            )  # fmt: skip
            self._plans[at] = (region, replace(found, labels=labels))
            self._take(*self._plans[at])

    def _seed(self, region: Region, turn: int) -> int:
        name = str(self.adjacency.unit_ids[self.atoms.first_unit[region.atoms[0]]])
        return seed_of(self.seed, name) if turn == 0 else seed_of(self.seed, name, str(turn))

    def _planned(self, region: Region, effort: Effort, turn: int, stop: Callable[[], bool]) -> RegionPlan:
        """Divide a region without its necks, and with them where that leaves a part out of band."""
        spared = None if self.necks is None else self.necks.spared(region)
        for each in (region,) if spared is None else (spared, region):
            found = plan_region(
                each, self.band, self.weights, self._seed(region, turn), large=self.large, should_stop=stop,
                effort=effort,
            )  # fmt: skip
            if plan_key(each, found.labels, self.band, self.weights)[:2] == (0, 0):
                break
        return found

    def _take(self, region: Region, found: RegionPlan) -> None:
        self.labels[region.atoms] = found.labels + self._next_label
        self._next_label += int(found.labels.max()) + 1
        self.unavoidable[region.atoms] = np.isin(found.labels, list(found.unavoidable))


def _part_of(region: Region, positions: NDArray[np.int64]) -> Region:
    part = sub_region(region, positions)
    return replace(part, atoms=region.atoms[positions])


def _laid_apart(region: Region, parts: tuple[NDArray[np.int64], ...]) -> tuple[Region, RegionPlan]:
    """Return the atoms of some parts as a region, and the plan that makes them parts."""
    positions = np.sort(np.concatenate(parts))
    labels = np.empty(len(positions), np.int64)
    for label, part in enumerate(parts):
        labels[np.searchsorted(positions, part)] = label
    return _part_of(region, positions), RegionPlan(labels)


def _join_atoms_too_large(atoms: Atoms, regions: Regions, labels: NDArray[np.int64], band: Band) -> None:
    """Let parts below the lower bound join the part of an atom too large beside them: one fault less."""
    if not regions.too_large.any():
        return
    total = np.zeros(int(labels.max()) + 1, np.int64)
    placed = labels >= 0
    np.add.at(total, labels[placed], atoms.weight[placed])
    near = atoms.joins & (regions.too_large[atoms.left] ^ regions.too_large[atoms.right])
    for a, b in zip(atoms.left[near].tolist(), atoms.right[near].tolist(), strict=True):
        large, small = (a, b) if regions.too_large[a] else (b, a)
        if regions.host[small] < 0 and total[labels[small]] < band.lower:
            joined = labels == labels[small]
            labels[joined] = labels[large]
            regions.host[joined] = large


def _behind(
    atoms: Atoms,
    own: NDArray[np.int64],
    band: Band,
    behind: Mapping[int, Behind],
    label: int,
    proved: set[int],
) -> Behind | None:
    """Return the one atom that a part below the lower bound hangs on, if that cannot take it in."""
    if label in behind or label in proved:
        return behind.get(label)
    households = int(atoms.weight[own].sum())
    inside = np.isin(atoms.left, own), np.isin(atoms.right, own)
    edge = atoms.joins & (inside[0] ^ inside[1])
    beside = np.unique(np.where(inside[0], atoms.right, atoms.left)[edge])
    if households >= band.lower or len(beside) != 1 or households + atoms.weight[beside[0]] <= band.upper:
        return None
    return Behind(int(beside[0]), 1, households)


def _by_totals(plan: Partition, atoms: Atoms, region: NDArray[np.bool_]) -> tuple[ProofCode, dict[str, int]]:
    """Return why no plan of a region leaves fewer households out: the totals of its units, if they say so."""
    band, weight = plan.band, atoms.weight[region]
    if not is_narrow(band):
        return "no_legal_division", {}
    if not part_totals(weight, band):
        below, above = nearest_totals(weight, band)
        return "no_total_in_band", {"below": below, "above": above}
    least = households_left_over(weight, band)
    parts = np.unique(plan.labels[region[atoms.of_unit]])
    total = plan.part_households[parts]
    out = int(total[(total < band.lower) | (total > band.upper)].sum())
    if unplaceable_households(int(weight.sum()), band) < out <= least:
        return "totals_leave_rest", {"left_over": least}
    return "no_legal_division", {}


def _reasons(
    plan: Partition,
    atoms: Atoms,
    regions: Regions,
    proved: set[int],
    labels: NDArray[np.int64],
    behind: Mapping[int, Behind] = MappingProxyType({}),
) -> dict[int, Proof]:
    """Give each part out of band the strongest reason that holds."""
    band = plan.band
    lower, upper = band.lower, band.upper
    by_community = np.zeros(int(atoms.community.max(initial=-1)) + 2, np.int64)
    np.add.at(by_community, atoms.community, atoms.weight)
    by_piece = np.zeros(len(atoms) + len(plan.labels) + 1, np.int64)
    np.add.at(by_piece, atoms.piece, atoms.weight)
    by_region = np.zeros(len(atoms) + 2, np.int64)
    np.add.at(by_region, regions.region, atoms.weight)
    units_of_atom = np.bincount(atoms.of_unit, minlength=len(atoms))
    in_order = np.argsort(plan.labels, kind="stable")
    starts = np.searchsorted(plan.labels[in_order], np.arange(plan.n_parts + 1))
    by_totals: dict[int, tuple[ProofCode, dict[str, int]]] = {}
    reasons: dict[int, Proof] = {}
    for part in plan.out_of_band.tolist():
        units = in_order[starts[part] : starts[part + 1]]
        own = np.unique(atoms.of_unit[units])
        households = int(plan.part_households[part])
        community = int(by_community[atoms.community[own[0]]])
        piece = int(by_piece[atoms.piece[own[0]]])
        region = int(by_region[regions.region[own[0]]])
        large = own[regions.too_large[own]]
        band_values: dict[str, str | int] = {"lower": lower, "upper": upper}
        if len(large):
            unit = int(atoms.first_unit[large[0]])
            group = int(units_of_atom[large[0]])
            reasons[part] = Proof(
                "unit_too_large" if group == 1 else "group_too_large",
                {
                    "unit": str(plan.adjacency.unit_ids[unit]),
                    "households": int(atoms.weight[large[0]]),
                    "group_units": group,
                    "units": len(units),
                    "part_households": households,
                    **band_values,
                },
            )
        elif community == 0:
            reasons[part] = Proof("community_empty", {"units": len(units), **band_values})
        elif community < lower:
            reasons[part] = Proof("community_too_small", {"households": community, **band_values})
        elif piece < lower:
            reasons[part] = Proof(
                "pocket_too_small", {"households": piece, "units": len(units), **band_values}
            )
        elif (place := _behind(atoms, own, band, behind, int(labels[own[0]]), proved)) is not None:
            reasons[part] = Proof(
                "behind_unit",
                {
                    "unit": str(plan.adjacency.unit_ids[int(atoms.first_unit[place.atom])]),
                    "households": households,
                    "units": len(units),
                    "places": place.places,
                    "places_households": place.households,
                    **band_values,
                },
            )
        else:
            values: dict[str, str | int] = {
                "households": region,
                "part_households": households,
                "units": len(units),
                **band_values,
            }
            if int(labels[own[0]]) not in proved:
                reasons[part] = Proof("not_proved", values)
            elif region < piece and not band.legal_counts(region) and band.legal_counts(piece):
                reasons[part] = Proof("split_by_units_too_large", values)
            else:
                number = int(regions.region[own[0]])
                if number not in by_totals:
                    by_totals[number] = _by_totals(plan, atoms, regions.region == number)
                code, more = by_totals[number]
                reasons[part] = Proof(code, {**values, **more})
    return reasons
