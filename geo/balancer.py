"""Judge an assignment of units to grids, ours or drawn by others, and propose what would mend it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from geo.adjacency import Adjacency
from geo.assignment import Assignment, components
from geo.findings import Finding, Severity, Value
from geo.floors import bands_needed
from geo.partition.partition import Band, Proof
from geo.reasons import why_out_of_band
from geo.remedies import Mender, Remedy
from geo.review import GridStatus, Review, Status, count_values

# Findings about one grid stand in this order, after those about its community.
ORDER = (
    "no_legal_count",
    "grid_count_not_legal",
    "too_large",
    "too_small",
    "grid_without_units",
    "community_without_units",
    "community_without_households",
    "not_contiguous",
    "spans_communities",
    "grid_outside_communities",
    "grid_partly_outside",
    "households_outside_communities",
    "households_left_out",
    "units_left_out",
)


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
    given = Assignment(
        adjacency,
        households,
        community_ids,
        grid_ids,
        band=band,
        special=special,
        compounds=compounds,
        points=points,
        empty=empty,
        communities=communities,
    )
    judged = _Judged(given, proofs or {})
    findings = judged.grids()
    statuses = judged.statuses
    for grid_id, community_id in sorted(empty.items()):
        special_one = grid_id in given.special
        only_one = list(empty.values()).count(community_id) == 1
        bare = community_id is not None and only_one and community_id not in given.lived_in
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
        communities=given.communities_counted,
        remedies=judged.remedies,
        left_out_households=given.left_out_households(),
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
    """The grids of an assignment with their status, what would mend them, and the remedies chosen so far."""

    def __init__(self, given: Assignment, proofs: Mapping[str, Proof]) -> None:
        self.given, self.proofs = given, proofs
        self.mender = Mender(
            given.unit_ids,
            given.grid_names,
            households=given.households,
            communities=given.community,
            grids=given.grid,
            compounds=given.compound,
            left=given.adjacency.left,
            right=given.adjacency.right,
            border_m=given.adjacency.border_m,
            joins=given.adjacency.joins,
            band=given.band,
            exempt=frozenset(np.flatnonzero(given.exempt | (given.n_outside > 0)).tolist()),
        )
        self.number = {name: grid for grid, name in enumerate(given.grid_names)}
        self.taken: dict[int, Remedy] = {}  # the grids that a chosen remedy changes
        self.statuses: dict[str, Status] = {}
        self.remedies: dict[str, tuple[Remedy, ...]] = {}

    def communities(self) -> list[Finding]:
        """Find communities where no number of grids is legal, or another than there are."""
        given = self.given
        findings = []
        severity: Severity
        for code, count in enumerate(given.communities_counted.values()):
            if count.households == count.special_households:
                continue
            if not count.legal:
                found, severity = "no_legal_count", "warning"
            elif count.grids and count.grids not in count.legal:
                # Some grid of it is out of band or households are left out; those are the errors.
                found, severity = "grid_count_not_legal", "info"
            else:
                continue
            point = given.point(np.flatnonzero(given.community == code))
            values = count_values(count, given.band)
            findings.append(Finding(found, severity, given.community_id(code), values=values, point=point))
        return findings

    def grids(self) -> list[Finding]:
        """Find grids out of band, in several pieces or in several communities; note every grid's status."""
        given = self.given
        findings: list[Finding] = []
        small = (given.total < given.band.lower) & ~given.exempt
        large = (given.total > given.band.upper) & ~given.exempt
        flagged = small | large | (given.pieces > 1) | (given.spanned > 1)
        flagged |= given.n_outside > 0
        totals_, counts, pieces = given.total.tolist(), given.count.tolist(), given.pieces.tolist()
        communities = [given.community_id(code) for code in given.main_community.tolist()]
        exempt = given.exempt | given.nobody
        grades: list[GridStatus] = [
            "too_small" if small[grid] else "too_large" if large[grid] else "ok"
            for grid in range(len(given.grid_names))
        ]
        cases = [self._case(grid, grades[grid]) for grid in np.flatnonzero(flagged).tolist()]
        self.remedies = {given.grid_names[case.grid]: case.remedies for case in cases if case.remedies}
        chosen = self._chosen(cases)
        reasons = dict.fromkeys(range(len(given.grid_names)), "")
        for case in cases:
            found, reasons[case.grid] = self._flag(case, chosen.get(case.grid))
            findings += found
        for grid, name in enumerate(given.grid_names):
            self.statuses[name] = Status(
                "exempt" if exempt[grid] else grades[grid],
                reasons[grid], communities[grid], totals_[grid], counts[grid], pieces[grid],
            )  # fmt: skip
        return findings

    def _case(self, grid: int, status: GridStatus) -> _Case:
        members = np.array(sorted(self.mender.members(grid)))
        inside = members[~self.given.outside[members]]
        why: Mapping[str, Value] = {}
        if status != "ok" and len(inside):
            proof = self.proofs.get(self.given.grid_names[grid])
            why = why_out_of_band(self.given, grid, status, inside, proof=proof, links=self.mender.links)
        reason = str(why.get("reason", ""))
        remedies = () if self.given.exempt[grid] else self._remedies(grid, reason, members)
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
            if not case.remedies or case.grid in self.taken or not case.remedies[0].moves_units:
                continue
            name = self.given.grid_names[case.grid]
            free = [remedy for remedy in case.remedies if not self._contested(remedy)]
            if not free:
                self.mender.blocked = set(self.taken)
                free = [
                    remedy
                    for remedy in self.mender.mend(case.grid, case.reason)
                    if remedy.moves_units and remedy.solves >= case.remedies[0].solves
                ]
                self.mender.blocked = set()
            chosen[case.grid] = free[0] if free else self._after(case.remedies[0], name)
            if free:
                self._take(free[0])
        for case in cases:
            if case.remedies and case.grid not in chosen:
                remedy = self.taken[case.grid] if case.grid in self.taken else case.remedies[0]
                keeps_own = not case.remedies[0].moves_units and not remedy.solves
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
        given = self.given
        grid, members, reason = case.grid, case.members, case.reason
        name = given.grid_names[grid]
        common: dict[str, Value] = {
            "households": int(given.total[grid]),
            "units": int(given.count[grid]),
            "lower": given.band.lower,
            "upper": given.band.upper,
        }
        community_id = given.community_id(int(given.main_community[grid]))
        findings = []

        def add(
            code: str,
            units: NDArray[np.int64],
            values: Mapping[str, Value],
            severity: Severity = "error",
        ) -> None:
            ids = tuple(given.unit_ids[unit] for unit in units) if len(units) < len(members) else ()
            told = {**common, **values, **(remedy.values() if remedy else {})}
            findings.append(Finding(code, severity, community_id, name, ids, told, point=given.point(units)))

        if case.status != "ok":
            # Where nobody lives no rule is broken, and there is nothing to mend.
            if given.nobody[grid]:
                add("community_without_households", members, case.why, "info")
            else:
                add(case.status, members, case.why)
        inside, outside = members[~given.outside[members]], members[given.outside[members]]
        if given.pieces[grid] > 1:
            pieces = given.split_by(given.piece, inside)
            stray = np.concatenate(pieces[1:])
            sizes = [int(given.households[piece].sum()) for piece in pieces]
            add("not_contiguous", np.sort(stray), {"pieces": len(pieces), "piece_households": sizes})
        if given.spanned[grid] > 1:
            codes = sorted(set(given.community[inside].tolist()))
            stray = inside[given.community[inside] != given.main_community[grid]]
            names = [given.community_names[code] for code in codes]
            add("spans_communities", stray, {"communities": names})
        if len(outside):
            apart: dict[str, Value] = {
                "outside_households": int(given.households[outside].sum()),
                "outside_units": len(outside),
            }
            if len(inside):
                add("grid_partly_outside", outside, apart, "warning")
            else:
                add("grid_outside_communities", outside, apart, "error" if given.total[grid] else "warning")
        if not reason:
            if len(outside):
                reason = "outside_communities"
            elif given.spanned[grid] > 1:
                reason = "spans_communities"
            elif given.pieces[grid] > 1:
                reason = "not_contiguous"
            else:
                solved = any(found.solves for found in (*case.remedies[:1], *([remedy] if remedy else [])))
                reason = "mendable" if solved else "needs_neighbours"
        return findings, reason

    def _remedies(self, grid: int, reason: str, members: NDArray[np.int64]) -> tuple[Remedy, ...]:
        given = self.given
        if given.n_outside[grid]:
            reason = "outside_communities"  # where its units belong is to be settled first
        proof = self.proofs.get(given.grid_names[grid])
        whole_pocket = (
            given.pocket_units[given.pocket[members[0]]] == len(members) and given.pieces[grid] == 1
        )
        hopeless = reason == "outside_communities" or (
            reason in ("pocket_too_small", "community_too_small", "community_empty") and whole_pocket
        )
        if reason == "unit_too_large" and len(members) == 1:
            return (self._by_floors(grid, int(members[0])),)
        if hopeless or (proof is not None and proof.code != "not_proved"):
            total = (int(given.total[grid]),)
            return (Remedy("none", (given.grid_names[grid],), before=total, after=total, reason=reason),)
        return self.mender.mend(grid, reason)

    def _by_floors(self, grid: int, unit: int) -> Remedy:
        """Return that a grid of one unit above the maximum wants the unit divided into floor bands."""
        given = self.given
        total = int(given.households[unit])
        count = bands_needed(total, given.band.upper)
        tops = [total * band // count for band in range(count + 1)]
        bands = tuple(top - below for below, top in pairwise(tops))
        return Remedy(
            "floors", (given.grid_names[grid],), (given.unit_ids[unit],), before=(total,), after=bands,
            solves=all(given.band.lower <= band <= given.band.upper for band in bands),
            reason="unit_too_large",
        )  # fmt: skip

    def left_out(self) -> list[Finding]:
        """Find units that lie in no grid: contiguous ones together, and those outside all communities."""
        given = self.given
        outside = np.flatnonzero((given.grid < 0) & given.outside & (given.households > 0))
        findings = [self._outside(outside)] if len(outside) else []
        missed = (given.grid < 0) & ~given.outside
        if not missed.any():
            return findings
        left, right = given.adjacency.left, given.adjacency.right
        cluster = components(len(missed), left, right, given.walkable & missed[left] & missed[right])
        for members in given.split_by(cluster, np.flatnonzero(missed)):
            total = int(given.households[members].sum())
            remedy = self._gathered(members)
            findings.append(
                Finding(
                    "households_left_out" if total else "units_left_out",
                    "error" if total else "info",
                    given.community_id(int(given.community[members[0]])),
                    unit_ids=tuple(given.unit_ids[unit] for unit in members),
                    values={"households": total, "units": len(members), **remedy.values()},
                    point=given.point(members),
                )
            )
        return findings

    def _outside(self, units: NDArray[np.int64]) -> Finding:
        """Return that households outside all communities lie in no grid."""
        remedy = Remedy("none", reason="outside_communities")
        return Finding(
            "households_outside_communities",
            "error",
            unit_ids=tuple(self.given.unit_ids[unit] for unit in units),
            values={
                "households": int(self.given.households[units].sum()),
                "units": len(units),
                **remedy.values(),
            },
            point=self.given.point(units),
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
        if remedy.moves_units:
            self._take(remedy)
        return remedy
