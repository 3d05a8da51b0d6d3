"""Why a grid is out of band: its units, the ground around it, or a proof that no plan does better."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from geo.adjacency import Crossing
from geo.assignment import Assignment
from geo.findings import Value
from geo.partition.partition import Proof
from geo.review import GridStatus

SIDES = ("east", "northeast", "north", "northwest", "west", "southwest", "south", "southeast")
# Nearer to the middle of the community than this share of its extent, a pocket lies on no side of it.
MIDDLE_SHARE = 0.1


def why_out_of_band(
    given: Assignment,
    grid: int,
    status: GridStatus,
    members: NDArray[np.int64],
    *,
    proof: Proof | None,
    links: Callable[[int], Iterable[int]],
) -> dict[str, Value]:
    """Return why a grid is out of band, as far as that is known, as values beginning with `reason`.

    Parameters
    ----------
    given : Assignment
    grid : int
        Its code.
    status : GridStatus
    members : (k,) int64
        Positions of its units inside communities, at least one.
    proof : Proof or None
        Why our own plan left it out of band.
    links : callable
        From a unit to the units of the same community one can walk to.
    """
    largest = int(members[np.argmax(given.households[members])])
    pocket = int(given.pocket[largest])
    total = int(given.pocket_total[pocket])
    community = int(given.community[largest])
    if proof is not None:
        reason: str = proof.code
    elif status == "too_large" and given.households[largest] > given.band.upper:
        reason = "unit_too_large"
    elif total < given.band.lower:
        everyone = int(given.households[given.community == community].sum())
        reason = "community_too_small" if everyone < given.band.lower else "pocket_too_small"
        if everyone == 0:
            reason = "community_empty"
    elif not given.band.legal_counts(total):
        reason = "no_legal_division"
    else:
        return {}
    why: dict[str, Value] = {"reason": reason, "reason_households": total}
    if reason == "unit_too_large":
        why |= {
            "reason_unit_id": given.unit_ids[largest],
            "reason_households": int(given.households[largest]),
        }
    elif reason in ("community_too_small", "community_empty"):
        why["reason_households"] = int(given.households[given.community == community].sum())
    elif reason == "pocket_too_small":
        why["reason_units"] = int(given.pocket_units[pocket])
        why["reason_cut_by"] = _cut_by(given, pocket)
        why["reason_side"] = _side(given, pocket, community)
    elif reason == "group_too_large" and proof is not None:
        why["reason_unit_id"] = str(proof.values["unit"])
        why["reason_households"] = int(proof.values["households"])
        why["reason_units"] = int(proof.values["group_units"])
    elif reason == "behind_unit" and proof is not None:
        why["reason_unit_id"] = str(proof.values["unit"])
        why["reason_households"] = int(given.total[grid])
        why["reason_places"] = int(proof.values["places"])
        why["reason_places_households"] = int(proof.values["places_households"])
    elif reason in ("no_total_in_band", "totals_leave_rest") and proof is not None:
        for name in ("households", "below", "above", "left_over"):
            if name in proof.values:
                why[f"reason_{name}"] = int(proof.values[name])
    elif reason == "split_by_units_too_large":
        around = _too_large_around(given, members, links)
        why["reason_unit_ids"] = [given.unit_ids[unit] for unit in around]
        why["reason_households"] = int(given.total[grid])
    return why


def _cut_by(given: Assignment, pocket: int) -> str:
    """Return what cuts a pocket off from its community: water, barriers, both or nothing known."""
    left, right = given.adjacency.left, given.adjacency.right
    edge = (given.pocket[left] == pocket) != (given.pocket[right] == pocket)
    edge &= given.community[left] == given.community[right]
    crossed = int(np.bitwise_or.reduce(given.adjacency.crosses[edge], initial=0))
    water, barrier = crossed & Crossing.WATER, crossed & (Crossing.BARRIER | Crossing.WALL)
    if water and barrier:
        return "water_and_barrier"
    return "water" if water else "barrier" if barrier else "apart"


def _side(given: Assignment, pocket: int, community: int) -> str:
    """Return on which of eight sides of its community a pocket lies, or that it lies in the middle."""
    if given.points is None or community < 0:
        return "unknown"
    known = np.isfinite(given.points).all(axis=1)
    everywhere = given.points[known & (given.community == community)]
    here = given.points[known & (given.pocket == pocket)]
    if not len(here):
        return "unknown"
    x, y = here.mean(axis=0) - everywhere.mean(axis=0)
    if math.hypot(x, y) <= MIDDLE_SHARE * float(np.ptp(everywhere, axis=0).max()):
        return "middle"
    return SIDES[round(math.atan2(y, x) / (math.pi / 4)) % 8]


def _too_large_around(
    given: Assignment, members: NDArray[np.int64], links: Callable[[int], Iterable[int]]
) -> list[int]:
    """Return the units above the upper bound one can walk to from some units."""
    beside = {other for unit in members.tolist() for other in links(unit)}
    return sorted(unit for unit in beside if given.households[unit] > given.band.upper)
