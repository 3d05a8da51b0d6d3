"""What linking and laying grids over each other find, as the map of the plan shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.base_grids import Overlaid
from geo.member_links import PlanLinks
from maps.plan_file import findings_layer
from maps.text import one_line

# Columns of the layers of the page that a result adds.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "links": ("member", "households"),
    "members": ("member_id", "grid_id", "households", "links", "linked", "status"),
    "department_grids": ("department", "grid_id"),
    "conflicts": ("department_a", "grid_a", "department_b", "grid_b", "households", "moved"),
}


@dataclass(frozen=True)
class ResultMap:
    """What a command found, beside the plan it started from.

    Attributes
    ----------
    kind : {"link", "merge"}
        Names the note in the settings of the page.
    layers : mapping of name to GeoDataFrame
        With the columns of `COLUMNS`, in any declared CRS.
    note : dict
        What the page tells of it, as `maps/web/src/schema.ts` declares it.
    findings : GeoDataFrame, optional
        Findings instead of those of the plan (`maps.plan_file.findings_layer`).
    """

    kind: Literal["link", "merge"]
    layers: Mapping[str, gpd.GeoDataFrame]
    note: dict[str, Any] = field(default_factory=dict)
    findings: gpd.GeoDataFrame | None = None


def link_map(found: PlanLinks) -> ResultMap:
    """Return the map of linked households: a line from each place to each unit that it links.

    A line names its place by its row (`member`). The findings are those of the links alone, as the command
    counts them.
    """
    members = found.members
    row_of = pd.Series(np.arange(len(members)), index=members["member_id"].to_numpy(dtype=object))
    member = row_of[~row_of.index.duplicated()].reindex(found.links["member_id"]).to_numpy(dtype=np.int64)
    status = members["status"].value_counts()
    note = {
        "households": int(found.micro_grids["households"].sum()),
        "linked": int(found.micro_grids["linked"].sum()),
        "unlinked": int(found.micro_grids["unlinked"].sum()),
        "places": {str(name): int(count) for name, count in status.items()},
    }
    layers = {
        "links": found.links.assign(member=member),
        "members": members,
    }
    crs = found.layers.working_crs
    return ResultMap("link", layers, note, findings_layer(found.findings, crs, crs))


def overlay_map(made: Overlaid) -> ResultMap:
    """Return the map of grids of several departments: their outlines, and where they cross."""
    names = made.departments["department"].tolist()
    row_of = {name: row for row, name in enumerate(names)}
    outlines = made.outlines.assign(department=made.outlines["department"].map(row_of))
    note = {
        "crossed_share": round(_crossed_share(made), 4),
        "departments": [
            {
                "name": one_line(str(row["department"])),
                "grids": int(row["grids"]),
                "none": int(row["households_in_none"]),
                "followed": float(row["followed"]),
                "base_grids": int(row["base_grids"]),
            }
            for row in made.departments.to_dict("records")
        ],
    }
    return ResultMap("merge", {"department_grids": outlines, "conflicts": made.conflicts}, note)


def _crossed_share(made: Overlaid) -> float:
    """Return on which share of the ground the two departments that differ most have grids that cross."""
    grids = made.outlines.geometry.area.groupby(made.outlines["department"]).sum()
    if made.conflicts.empty or not grids.max():
        return 0.0
    ground = made.conflicts.to_crs(made.outlines.crs)
    pairs = [made.conflicts[f"department_{side}"] for side in "ab"]
    return float(min(ground.geometry.area.groupby(pairs).sum().max() / grids.max(), 1.0))
