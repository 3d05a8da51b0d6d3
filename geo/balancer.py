"""Judge an assignment of units to grids, ours or drawn by others, and propose what would mend it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo.adjacency import Adjacency, Crossing
from geo.findings import Finding, Severity, Value
from geo.grid_counts import GridCount, grid_counts
from geo.metrics import id_codes, totals, unit_counts
from geo.partition.partition import Band, Proof
from geo.remedies import Mender, Remedy

__all__ = ["GridStatus", "Remedy", "Review", "Status", "review"]

GridStatus: TypeAlias = Literal["ok", "too_small", "too_large", "exempt"]

# Findings about one grid stand in this order, after those about its community.
ORDER = (
    "no_legal_count",
    "grid_count_not_legal",
    "too_large",
    "too_small",
    "grid_without_units",
    "community_without_units",
    "not_contiguous",
    "spans_communities",
    "grid_outside_communities",
    "grid_partly_outside",
    "households_outside_communities",
    "households_left_out",
    "units_left_out",
)
SIDES = ("east", "northeast", "north", "northwest", "west", "southwest", "south", "southeast")
# Nearer to the middle of the community than this share of its extent, a pocket lies on no side of it.
MIDDLE_SHARE = 0.1


@dataclass(frozen=True)
class Status:
    """The place of one grid.

    Attributes
    ----------
    status : {"ok", "too_small", "too_large", "exempt"}
        Against the band; `exempt` for special grids.
    reason : str
        Why it is not in order, as a code (`finding.reason.<code>` in the locale); empty when it is.
        A grid in band may still have one: `not_contiguous`, `spans_communities`, `outside_communities`.
    community_id : str or None
        Where most of its households are.
    households, units, pieces : int
        Totals, and the contiguous pieces over pairs that join; units outside all communities have no
        ground and count for no piece.
    """

    status: GridStatus
    reason: str
    community_id: str | None
    households: int
    units: int
    pieces: int


@dataclass(frozen=True)
class Review:
    """What was found.

    Attributes
    ----------
    findings : tuple of Finding
        By community and grid, in a fixed order.
    statuses : mapping of grid id to Status
        Every grid, in ascending order of ids.
    communities : mapping of community id to GridCount
        Households, grids and how many grids are legal, of every community, ids ascending. Without
        communities, one entry "" for all units.
    remedies : mapping of grid id to tuple of Remedy
        Up to three for each flagged grid, the best first, each as if it were the only one. Those in
        `findings` go together: no two of them change the same grid, so that each has the effect it
        states whether or not the others are carried out, in any order.
    left_out_households : mapping of community id or None to int
        Households in no grid, by community, None for those outside all; only where there are any.
    """

    findings: tuple[Finding, ...]
    statuses: Mapping[str, Status]
    communities: Mapping[str, GridCount]
    remedies: Mapping[str, tuple[Remedy, ...]] = field(default_factory=dict)
    left_out_households: Mapping[str | None, int] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """Return communities, households by whether a grid serves them, and grids by status."""
        statuses = [status.status for status in self.statuses.values()]
        in_grids = sum(status.households for status in self.statuses.values())
        left_out = sum(self.left_out_households.values())
        return {
            "communities": len(self.communities),
            "households": in_grids + left_out,
            "households_in_grids": in_grids,
            "households_left_out": left_out,
            "households_outside_communities": self.left_out_households.get(None, 0),
            "micro_grids": len(statuses),
            **{status: statuses.count(status) for status in get_args(GridStatus)},
        }

    def summary_frame(self) -> pd.DataFrame:
        """Return the counts as rows: item, count."""
        return pd.DataFrame(list(self.counts().items()), columns=["item", "count"])

    def grids_frame(self) -> pd.DataFrame:
        """Return one row for each grid: grid_id, community_id, households, units, pieces, status, reason."""
        columns = ("community_id", "households", "units", "pieces", "status", "reason")
        rows = [(grid_id, *(getattr(s, name) for name in columns)) for grid_id, s in self.statuses.items()]
        return pd.DataFrame(rows, columns=["grid_id", *columns])

    def communities_frame(self) -> pd.DataFrame:
        """Return one row for each community.

        All its households, how many of them lie in special grids and in no grid, and how many live in units
        too large to be in any band; its grids besides special ones, the special ones, and the fewest and
        most legal of the former.
        """
        rows = [
            (
                community_id,
                count.households,
                count.special_households,
                self.left_out_households.get(community_id, 0),
                count.too_large_households,
                count.grids,
                count.special_grids,
                count.legal.start if count.legal else None,
                count.legal.stop - 1 if count.legal else None,
            )
            for community_id, count in self.communities.items()
        ]
        columns = [
            "community_id", "households", "special_households", "left_out", "households_too_large", "grids",
            "special_grids", "least_grids", "most_grids",
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=columns).astype({"least_grids": "Int64", "most_grids": "Int64"})

    def grid_counts_told(self, band: Band) -> tuple[Finding, ...]:
        """Return a note for each community whose number of grids is legal; the others have their findings."""
        return tuple(
            Finding("grid_count_legal", "info", community_id or None, values=count_values(count, band))
            for community_id, count in self.communities.items()
            if count.households > count.special_households and count.grids in count.legal
        )


def count_values(count: GridCount, band: Band) -> dict[str, Value]:
    """Return what sentences on the number of grids of a community are filled with."""
    values: dict[str, Value] = {
        "households": count.households,
        "grids": count.grids,
        "lower": band.lower,
        "upper": band.upper,
    }
    if count.legal:
        values |= {"least": count.legal.start, "most": count.legal.stop - 1}
    if count.special_households:
        values |= {"special_households": count.special_households, "special_grids": count.special_grids}
    if count.too_large:
        values |= {
            "too_large_unit_ids": list(count.too_large),
            "too_large_households": count.too_large_households,
        }
    if count.special_households or count.too_large:
        values["other_households"] = count.other_households
        if count.in_band:
            values |= {"least_in_band": count.in_band.start, "most_in_band": count.in_band.stop - 1}
    return values


def review(
    adjacency: Adjacency,
    households: NDArray[np.int64],
    community_ids: NDArray[np.object_] | None,
    grid_ids: NDArray[np.object_],
    *,
    band: Band,
    special: Collection[str] = frozenset(),
    compounds: NDArray[np.object_] | None = None,
    overlaps: Sequence[Finding] = (),
    points: NDArray[np.float64] | None = None,
    proofs: Mapping[str, Proof] | None = None,
    empty: Mapping[str, str | None] | None = None,
    communities: Collection[str] = (),
) -> Review:
    """Flag grids that break a rule, say why, and propose the best remedy for each.

    Parameters
    ----------
    adjacency : Adjacency
        n units and m pairs.
    households : (n,) int64
        Households of each unit.
    community_ids : (n,) object or None
        Community of each unit, None where it lies outside all. None when communities are not known; grids
        are then judged as if there were one.
    grid_ids : (n,) object
        Grid of each unit; None where it lies in none.
    band : Band
        Fewest and most households of a grid.
    special : collection of str
        Grids of kind `special`: exempt from the band, and no remedy touches them.
    compounds : (n,) object, optional
        Compound of each unit, None where it is in none; remedies keep compounds together.
    overlaps : sequence of Finding
        What `grids_from_polygons` found; goes into the result.
    points : (n, 2) float64, optional
        A point inside each unit, in metres; findings fly there.
    proofs : mapping of grid id to Proof, optional
        Why grids of our own plan are out of band. A grid with one (other than `not_proved`) is not
        searched for remedies.
    empty : mapping of grid id to community id, optional
        Grids that hold no unit, with their community (None where it is not known).
    communities : collection of str, optional
        All communities, so that those without units are counted too.
    """
    empty = empty or {}
    judged = _Judged(
        adjacency,
        households,
        community_ids,
        grid_ids,
        band=band,
        special=special,
        compounds=compounds,
        points=points,
        proofs=proofs,
        empty=empty,
        communities=communities,
    )
    findings = judged.grids()
    statuses = judged.statuses
    for grid_id, community_id in sorted(empty.items()):
        special_one = grid_id in judged.special
        only_one = list(empty.values()).count(community_id) == 1
        bare = community_id is not None and only_one and community_id not in judged.lived_in
        reason = "community_empty" if bare else "grid_without_units"
        # Where nobody can live no band applies.
        grade: GridStatus = "exempt" if special_one or bare else "too_small"
        statuses[grid_id] = Status(grade, reason, community_id, 0, 0, 0)
        if not special_one:
            code = "community_without_units" if bare else "grid_without_units"
            remedy = Remedy("none", (grid_id,), before=(0,), after=(0,), reason=reason)
            findings.append(Finding(code, "warning", community_id, grid_id, values=remedy.values()))
    findings += [*judged.communities(), *judged.left_out()]
    for finding in overlaps:
        known = statuses.get(finding.grid_id or "")
        community_id = finding.community_id or (known.community_id if known else None)
        findings.append(replace(finding, community_id=community_id))
    rank = {code: place for place, code in enumerate(ORDER)}
    findings.sort(
        key=lambda finding: (
            finding.community_id or "",
            finding.grid_id or "",
            rank.get(finding.code, len(rank)),
            finding.unit_ids,
        )
    )
    return Review(
        findings=tuple(findings),
        statuses=dict(sorted(statuses.items())),
        communities=judged.communities_counted,
        remedies=judged.remedies,
        left_out_households=judged.left_out_households(),
    )


@dataclass(frozen=True)
class _Case:
    """A grid that breaks a rule: its units, why, and what would mend it."""

    grid: int
    status: GridStatus
    members: NDArray[np.int64]
    why: Mapping[str, Value]
    remedies: tuple[Remedy, ...]

    @property
    def reason(self) -> str:
        return str(self.why.get("reason", ""))


class _Judged:
    """One assignment, with everything counted once."""

    def __init__(
        self,
        adjacency: Adjacency,
        households: NDArray[np.int64],
        community_ids: NDArray[np.object_] | None,
        grid_ids: NDArray[np.object_],
        *,
        band: Band,
        special: Collection[str],
        compounds: NDArray[np.object_] | None,
        points: NDArray[np.float64] | None,
        proofs: Mapping[str, Proof] | None,
        empty: Mapping[str, str | None],
        communities: Collection[str],
    ) -> None:
        n = len(adjacency.unit_ids)
        self.adjacency, self.band, self.points = adjacency, band, points
        self.proofs = proofs or {}
        self.households = np.asarray(households, dtype=np.int64)
        self.special = frozenset(special)
        self.unit_ids: list[str] = list(adjacency.unit_ids)
        self.known_communities = community_ids is not None
        if community_ids is None:
            self.community, self.community_names = np.zeros(n, dtype=np.int64), [""]
        else:
            codes, names = id_codes(community_ids)
            homes = {name for name in empty.values() if name is not None}
            self.community_names = sorted({*names, *homes, *communities})
            number = {name: code for code, name in enumerate(self.community_names)}
            place = np.array([*(number[name] for name in names), -1], dtype=np.int64)
            self.community = place[codes]
        self.lived_in = {self.community_names[code] for code in np.unique(self.community) if code >= 0}
        self.grid, self.grid_names = id_codes(grid_ids)
        compound = np.full(n, -1, dtype=np.int64) if compounds is None else id_codes(compounds)[0]
        self.exempt = np.array([name in self.special for name in self.grid_names], dtype=bool)
        self.total = totals(self.grid, self.households, len(self.grid_names))
        self.count = unit_counts(self.grid, len(self.grid_names))
        left, right = adjacency.left, adjacency.right
        same_grid = (self.grid[left] == self.grid[right]) & (self.grid[left] >= 0)
        self.walkable = adjacency.joins & (self.community[left] == self.community[right])
        self.piece = _components(n, left, right, adjacency.joins & same_grid)
        self.pocket = _components(n, left, right, self.walkable)
        self.pocket_total = np.bincount(self.pocket, weights=self.households).astype(np.int64)
        self.pocket_units = np.bincount(self.pocket)
        # Units outside all communities have no ground to walk on; they are told apart, not as pieces.
        self.outside = self.community < 0
        self.n_outside = unit_counts(np.where(self.outside, self.grid, -1), len(self.grid_names))
        inside = np.where(self.outside, -1, self.grid)
        self.pieces = _distinct(inside, self.piece, len(self.grid_names))
        self.spanned = _distinct(self.grid, self.community, len(self.grid_names))
        self.main_community = self._main_communities()
        # A grid of a community where nobody lives is held to no band.
        homes_total = totals(self.community, self.households, len(self.community_names))
        deserted = np.append(homes_total == 0, False)  # -1, outside all, is the one appended
        self.nobody = deserted[self.main_community] & (self.total == 0)
        self.mender = Mender(
            self.unit_ids,
            self.grid_names,
            households=self.households,
            communities=self.community,
            grids=self.grid,
            compounds=compound,
            left=left,
            right=right,
            border_m=adjacency.border_m,
            joins=adjacency.joins,
            band=band,
            exempt=frozenset(np.flatnonzero(self.exempt | (self.n_outside > 0)).tolist()),
        )
        self.number = {name: grid for grid, name in enumerate(self.grid_names)}
        self.taken: dict[int, Remedy] = {}  # the grids that a chosen remedy changes
        self.statuses: dict[str, Status] = {}
        self.remedies: dict[str, tuple[Remedy, ...]] = {}
        self.communities_counted = self._communities_counted(empty)

    def _main_communities(self) -> NDArray[np.int64]:
        """Return the community of most households of each grid, then of most units; -1 outside all."""
        main = np.full(len(self.grid_names), -1, dtype=np.int64)
        inside = (self.grid >= 0) & (self.community >= 0)
        pairs, which = np.unique(
            np.column_stack([self.grid[inside], self.community[inside]]), axis=0, return_inverse=True
        )
        size = np.bincount(which.ravel(), weights=self.households[inside], minlength=len(pairs))
        units = np.bincount(which.ravel(), minlength=len(pairs))
        order = np.lexsort((-pairs[:, 1], units, size))  # the largest last, so that it is what stays
        main[pairs[order, 0]] = pairs[order, 1]
        return main

    def _communities_counted(self, empty: Mapping[str, str | None]) -> dict[str, GridCount]:
        """Count households and grids of each community, the grids without units among them."""
        number = {name: code for code, name in enumerate(self.community_names)}
        homes = [number.get(home, -1) if home is not None else -1 for home in empty.values()]
        return grid_counts(
            self.community_names,
            unit_ids=self.unit_ids,
            households=self.households,
            community=self.community,
            in_special=np.append(self.exempt, False)[self.grid],  # -1, in no grid, is the one appended
            grid_community=np.append(self.main_community, np.array(homes, dtype=np.int64)),
            exempt=np.append(self.exempt, np.array([grid in self.special for grid in empty], dtype=bool)),
            band=self.band,
        )

    # -- findings ----------------------------------------------------------------------------------

    def communities(self) -> list[Finding]:
        """Find communities where no number of grids is legal, or another than there are."""
        findings = []
        severity: Severity
        for code, count in enumerate(self.communities_counted.values()):
            if count.households == count.special_households:
                continue
            if not count.legal:
                found, severity = "no_legal_count", "warning"
            elif count.grids and count.grids not in count.legal:
                # Some grid of it is out of band or households are left out; those are the errors.
                found, severity = "grid_count_not_legal", "info"
            else:
                continue
            point = self._point(np.flatnonzero(self.community == code))
            values = count_values(count, self.band)
            findings.append(Finding(found, severity, self._community(code), values=values, point=point))
        return findings

    def grids(self) -> list[Finding]:
        """Find grids out of band, in several pieces or in several communities; note every grid's status."""
        findings: list[Finding] = []
        small = (self.total < self.band.lower) & ~self.exempt
        large = (self.total > self.band.upper) & ~self.exempt
        flagged = small | large | (self.pieces > 1) | (self.spanned > 1)
        flagged |= self.n_outside > 0
        totals_, counts, pieces = self.total.tolist(), self.count.tolist(), self.pieces.tolist()
        communities = [self._community(code) for code in self.main_community.tolist()]
        exempt = self.exempt | self.nobody
        grades: list[GridStatus] = [
            "too_small" if small[grid] else "too_large" if large[grid] else "ok"
            for grid in range(len(self.grid_names))
        ]
        cases = [self._case(grid, grades[grid]) for grid in np.flatnonzero(flagged).tolist()]
        self.remedies = {self.grid_names[case.grid]: case.remedies for case in cases if case.remedies}
        chosen = self._chosen(cases)
        reasons = dict.fromkeys(range(len(self.grid_names)), "")
        for case in cases:
            found, reasons[case.grid] = self._flag(case, chosen.get(case.grid))
            findings += found
        for grid, name in enumerate(self.grid_names):
            self.statuses[name] = Status(
                "exempt" if exempt[grid] else grades[grid],
                reasons[grid], communities[grid], totals_[grid], counts[grid], pieces[grid],
            )  # fmt: skip
        return findings

    def _case(self, grid: int, status: GridStatus) -> _Case:
        members = np.array(sorted(self.mender.members(grid)))
        inside = members[~self.outside[members]]
        why = self._why(grid, status, inside) if status != "ok" and len(inside) else {}
        reason = str(why.get("reason", ""))
        remedies = () if self.exempt[grid] else self._remedies(grid, reason, members)
        return _Case(grid, status, members, why, remedies)

    def _chosen(self, cases: Sequence[_Case]) -> dict[int, Remedy]:
        """Return a remedy for each grid such that no two of them change the same grid.

        Those that solve everything are chosen first, then those that help, those of the fewest ways
        first. Where others have taken all grids that could help, another remedy is looked for; where
        there is none, they go first.
        """

        def last(case: _Case) -> tuple[bool, int]:
            return not any(remedy.solves for remedy in case.remedies), len(case.remedies)

        chosen: dict[int, Remedy] = {}
        for case in sorted(cases, key=last):
            if not case.remedies or case.grid in self.taken or case.remedies[0].kind == "none":
                continue
            name = self.grid_names[case.grid]
            free = [remedy for remedy in case.remedies if not self._contested(remedy)]
            if not free:
                self.mender.blocked = set(self.taken)
                free = [
                    remedy
                    for remedy in self.mender.mend(case.grid, case.reason)
                    if remedy.kind != "none" and remedy.solves >= case.remedies[0].solves
                ]
                self.mender.blocked = set()
            chosen[case.grid] = free[0] if free else self._after(case.remedies[0], name)
            if free:
                self._take(free[0])
        for case in cases:
            if case.remedies and case.grid not in chosen:
                remedy = self.taken[case.grid] if case.grid in self.taken else case.remedies[0]
                keeps_own = case.remedies[0].kind == "none" and not remedy.solves
                chosen[case.grid] = case.remedies[0] if keeps_own else remedy
        return chosen

    def _take(self, remedy: Remedy) -> None:
        self.taken |= {self.number[grid_id]: remedy for grid_id in remedy.grid_ids}

    def _contested(self, remedy: Remedy) -> list[str]:
        """Return the grids of a remedy that one chosen before changes."""
        return sorted(grid_id for grid_id in remedy.grid_ids if self.number[grid_id] in self.taken)

    def _after(self, remedy: Remedy, *names: str) -> Remedy:
        """Return that the chosen remedy of the grids it would change goes first."""
        before = remedy.before[: len(names)]
        grid_ids = (*names, *self._contested(remedy))
        return Remedy("none", grid_ids, before=before, after=before, reason="after_others")

    def _flag(self, case: _Case, remedy: Remedy | None) -> tuple[list[Finding], str]:
        """Return the findings of a grid that breaks a rule, and the reason for its status column."""
        grid, members, reason = case.grid, case.members, case.reason
        name = self.grid_names[grid]
        common: dict[str, Value] = {
            "households": int(self.total[grid]),
            "units": int(self.count[grid]),
            "lower": self.band.lower,
            "upper": self.band.upper,
        }
        community_id = self._community(int(self.main_community[grid]))
        findings = []

        def add(
            code: str,
            units: NDArray[np.int64],
            values: Mapping[str, Value],
            severity: Severity = "error",
        ) -> None:
            ids = tuple(self.unit_ids[unit] for unit in units) if len(units) < len(members) else ()
            told = {**common, **values, **(remedy.values() if remedy else {})}
            findings.append(Finding(code, severity, community_id, name, ids, told, point=self._point(units)))

        if case.status != "ok":
            # Where nobody lives no rule is broken, and there is nothing to mend.
            add(case.status, members, case.why, "warning" if reason == "community_empty" else "error")
        inside, outside = members[~self.outside[members]], members[self.outside[members]]
        if self.pieces[grid] > 1:
            pieces = self._split_by(self.piece, inside)
            stray = np.concatenate(pieces[1:])
            sizes = [int(self.households[piece].sum()) for piece in pieces]
            add("not_contiguous", np.sort(stray), {"pieces": len(pieces), "piece_households": sizes})
        if self.spanned[grid] > 1:
            codes = sorted(set(self.community[inside].tolist()))
            stray = inside[self.community[inside] != self.main_community[grid]]
            names = [self.community_names[code] for code in codes]
            add("spans_communities", stray, {"communities": names})
        if len(outside):
            apart: dict[str, Value] = {
                "outside_households": int(self.households[outside].sum()),
                "outside_units": len(outside),
            }
            if len(inside):
                add("grid_partly_outside", outside, apart, "warning")
            else:
                add("grid_outside_communities", outside, apart, "error" if self.total[grid] else "warning")
        if not reason:
            if len(outside):
                reason = "outside_communities"
            elif self.spanned[grid] > 1:
                reason = "spans_communities"
            elif self.pieces[grid] > 1:
                reason = "not_contiguous"
            else:
                solved = any(found.solves for found in (*case.remedies[:1], *([remedy] if remedy else [])))
                reason = "mendable" if solved else "needs_neighbours"
        return findings, reason

    def _remedies(self, grid: int, reason: str, members: NDArray[np.int64]) -> tuple[Remedy, ...]:
        if self.n_outside[grid]:
            reason = "outside_communities"  # where its units belong is to be settled first
        proof = self.proofs.get(self.grid_names[grid])
        whole_pocket = self.pocket_units[self.pocket[members[0]]] == len(members) and self.pieces[grid] == 1
        hopeless = (
            reason == "outside_communities"
            or (reason == "unit_too_large" and len(members) == 1)
            or (reason in ("pocket_too_small", "community_too_small", "community_empty") and whole_pocket)
        )
        if hopeless or (proof is not None and proof.code != "not_proved"):
            total = (int(self.total[grid]),)
            return (Remedy("none", (self.grid_names[grid],), before=total, after=total, reason=reason),)
        return self.mender.mend(grid, reason)

    def _why(self, grid: int, status: GridStatus, members: NDArray[np.int64]) -> dict[str, Value]:
        """Return why a grid is out of band, as far as that is known, as values beginning with `reason`."""
        largest = int(members[np.argmax(self.households[members])])
        pocket = int(self.pocket[largest])
        total = int(self.pocket_total[pocket])
        community = int(self.community[largest])
        proof = self.proofs.get(self.grid_names[grid])
        if proof is not None:
            reason: str = proof.code
        elif status == "too_large" and self.households[largest] > self.band.upper:
            reason = "unit_too_large"
        elif total < self.band.lower:
            everyone = int(self.households[self.community == community].sum())
            reason = "community_too_small" if everyone < self.band.lower else "pocket_too_small"
            if everyone == 0:
                reason = "community_empty"
        elif not self.band.legal_counts(total):
            reason = "no_legal_division"
        else:
            return {}
        why: dict[str, Value] = {"reason": reason, "reason_households": total}
        if reason == "unit_too_large":
            why |= {
                "reason_unit_id": self.unit_ids[largest],
                "reason_households": int(self.households[largest]),
            }
        elif reason in ("community_too_small", "community_empty"):
            why["reason_households"] = int(self.households[self.community == community].sum())
        elif reason == "pocket_too_small":
            why["reason_units"] = int(self.pocket_units[pocket])
            why["reason_cut_by"] = self._cut_by(pocket)
            why["reason_side"] = self._side(pocket, community)
        elif reason == "group_too_large" and proof is not None:
            why["reason_unit_id"] = str(proof.values["unit"])
            why["reason_households"] = int(proof.values["households"])
            why["reason_units"] = int(proof.values["group_units"])
        elif reason == "behind_unit" and proof is not None:
            why["reason_unit_id"] = str(proof.values["unit"])
            why["reason_households"] = int(self.total[grid])
            why["reason_places"] = int(proof.values["places"])
            why["reason_places_households"] = int(proof.values["places_households"])
        elif reason in ("no_total_in_band", "totals_leave_rest") and proof is not None:
            for name in ("households", "below", "above", "left_over"):
                if name in proof.values:
                    why[f"reason_{name}"] = int(proof.values[name])
        elif reason == "split_by_units_too_large":
            around = self._too_large_around(members)
            why["reason_unit_ids"] = [self.unit_ids[unit] for unit in around]
            why["reason_households"] = int(self.total[grid])
        return why

    def _cut_by(self, pocket: int) -> str:
        """Return what cuts a pocket off from its community: water, barriers, both or nothing known."""
        left, right = self.adjacency.left, self.adjacency.right
        edge = (self.pocket[left] == pocket) != (self.pocket[right] == pocket)
        edge &= self.community[left] == self.community[right]
        crossed = int(np.bitwise_or.reduce(self.adjacency.crosses[edge], initial=0))
        water, barrier = crossed & Crossing.WATER, crossed & (Crossing.BARRIER | Crossing.WALL)
        if water and barrier:
            return "water_and_barrier"
        return "water" if water else "barrier" if barrier else "apart"

    def _side(self, pocket: int, community: int) -> str:
        """Return on which of eight sides of its community a pocket lies, or that it lies in the middle."""
        if self.points is None or community < 0:
            return "unknown"
        known = np.isfinite(self.points).all(axis=1)
        everywhere = self.points[known & (self.community == community)]
        here = self.points[known & (self.pocket == pocket)]
        if not len(here):
            return "unknown"
        x, y = here.mean(axis=0) - everywhere.mean(axis=0)
        if math.hypot(x, y) <= MIDDLE_SHARE * float(np.ptp(everywhere, axis=0).max()):
            return "middle"
        return SIDES[round(math.atan2(y, x) / (math.pi / 4)) % 8]

    def _too_large_around(self, members: NDArray[np.int64]) -> list[int]:
        """Return the units above the upper bound one can walk to from some units."""
        beside = {other for unit in members.tolist() for other in self.mender.links(unit)}
        return sorted(unit for unit in beside if self.households[unit] > self.band.upper)

    def left_out_households(self) -> dict[str | None, int]:
        """Return the households in no grid by community, None for those outside all."""
        missed = (self.grid < 0) & (self.households > 0)
        count = np.bincount(self.community[missed] + 1, self.households[missed]).astype(np.int64)
        names = [None, *self.community_names]
        return {name: total for name, total in zip(names, count.tolist(), strict=False) if total}

    def left_out(self) -> list[Finding]:
        """Find units that lie in no grid: contiguous ones together, and those outside all communities."""
        outside = np.flatnonzero((self.grid < 0) & self.outside & (self.households > 0))
        findings = [self._outside(outside)] if len(outside) else []
        missed = (self.grid < 0) & ~self.outside
        if not missed.any():
            return findings
        left, right = self.adjacency.left, self.adjacency.right
        cluster = _components(len(missed), left, right, self.walkable & missed[left] & missed[right])
        for members in self._split_by(cluster, np.flatnonzero(missed)):
            total = int(self.households[members].sum())
            remedy = self._gathered(members)
            findings.append(
                Finding(
                    "households_left_out" if total else "units_left_out",
                    "error" if total else "info",
                    self._community(int(self.community[members[0]])),
                    unit_ids=tuple(self.unit_ids[unit] for unit in members),
                    values={"households": total, "units": len(members), **remedy.values()},
                    point=self._point(members),
                )
            )
        return findings

    def _outside(self, units: NDArray[np.int64]) -> Finding:
        """Return that households outside all communities lie in no grid."""
        remedy = Remedy("none", reason="outside_communities")
        return Finding(
            "households_outside_communities",
            "error",
            unit_ids=tuple(self.unit_ids[unit] for unit in units),
            values={
                "households": int(self.households[units].sum()),
                "units": len(units),
                **remedy.values(),
            },
            point=self._point(units),
        )

    def _gathered(self, members: NDArray[np.int64]) -> Remedy:
        """Return what to do with units in no grid that goes together with the remedies chosen before."""
        units = frozenset(members.tolist())
        remedy = self.mender.gather(units)[0]
        if self._contested(remedy):
            self.mender.blocked = set(self.taken)
            other = self.mender.gather(units)[0]
            self.mender.blocked = set()
            remedy = other if other.solves else self._after(remedy)
        if remedy.kind != "none":
            self._take(remedy)
        return remedy

    # -- small questions ---------------------------------------------------------------------------

    def _split_by(self, codes: NDArray[np.int64], units: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Part units by a code, the part of the most households first, then the one of the first unit."""
        order = units[np.argsort(codes[units], kind="stable")]
        parts = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
        return sorted(parts, key=lambda part: (-int(self.households[part].sum()), int(part[0])))

    def _community(self, code: int) -> str | None:
        return self.community_names[code] if code >= 0 and self.known_communities else None

    def _point(self, units: NDArray[np.int64]) -> tuple[float, float] | None:
        """Return the point of the unit nearest to the middle of some units."""
        if self.points is None or not len(units):
            return None
        found = self.points[units]
        found = found[np.isfinite(found).all(axis=1)]
        if not len(found):
            return None
        nearest = found[np.argmin(((found - found.mean(axis=0)) ** 2).sum(axis=1))]
        return float(nearest[0]), float(nearest[1])


def _components(
    n: int, left: NDArray[np.int64], right: NDArray[np.int64], kept: NDArray[np.bool_]
) -> NDArray[np.int64]:
    if n == 0:
        return np.empty(0, dtype=np.int64)
    graph = coo_array((np.ones(int(kept.sum()), np.int8), (left[kept], right[kept])), shape=(n, n))
    found: Any = connected_components(graph, directed=False)[1]
    return np.asarray(found, dtype=np.int64)


def _distinct(grid: NDArray[np.int64], code: NDArray[np.int64], n_grids: int) -> NDArray[np.int64]:
    """Count the different codes in each grid, -1 not among them."""
    inside = (grid >= 0) & (code >= 0)
    pairs = np.unique(np.column_stack([grid[inside], code[inside]]), axis=0)
    return np.bincount(pairs[:, 0], minlength=n_grids).astype(np.int64)
