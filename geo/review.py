"""What a review of grids found: each grid's status, each community's numbers of grids, findings, remedies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

import pandas as pd

from geo.findings import Finding, Value
from geo.grid_counts import GridCount
from geo.partition.partition import Band
from geo.remedies import Remedy

GridStatus: TypeAlias = Literal["ok", "too_small", "too_large", "exempt"]


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
