"""Grids that others drew or listed, put onto the units of a version: told first, kept as a draft when wanted.

Apart from the routes: geopandas takes a second to import, and API workers start without it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from openpyxl import Workbook
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from api import queries
from api.drafts import Draft, Grid, read_draft
from api.editing import Applied, judge, write_edit
from api.version_frames import version_frames
from geo.checking import are_polygons, special_grids
from geo.crs import STORED_CRS, working_crs
from geo.drawn_grids import grids_from_polygons
from geo.errors import InputError
from geo.findings import Finding
from geo.grid_table import listed_once, listed_with_several, units_and_grids
from geo.layers import Layer
from geo.review import Review
from maps.findings import sentence
from maps.text import Language
from maps.workbook import add_table

# As the store and the API take them.
LONGEST_CODE = 64


@dataclass(frozen=True)
class Placed:
    """Units of a version in the grids of a file.

    Attributes
    ----------
    draft : Draft
        The version with these grids instead of its own; nothing of it is stored yet.
    review : Review
        What the balancer says of them.
    in_two : dict of unit id to grids
        Units that lie or are listed in several grids, the one taken first.
    unknown : tuple of str
        Units that a table lists and the version does not have.
    empty : tuple of str
        Grids of the file without units here; they are not kept.
    findings : tuple of Finding
        Of reading, of the drawing, and of the balancer.
    """

    draft: Draft
    review: Review
    in_two: dict[str, list[str]]
    unknown: tuple[str, ...]
    empty: tuple[str, ...]
    findings: tuple[Finding, ...]


def place_grids(session: Session, version: Row[Any], layer: Layer) -> Placed:
    """Put the grids of a layer onto the units of a version.

    Raises
    ------
    InputError
        No unit of the version is in any of the grids, or a code is too long.
    """
    draft = read_draft(session, version)
    frame = layer.frame
    ids = draft.adjacency.unit_ids
    unknown: tuple[str, ...] = ()
    drawn: tuple[Finding, ...] = ()
    if are_polygons(frame):
        grid_ids, in_two, drawn = _by_place(version_frames(session, version.id), frame, draft)
    else:
        table = units_and_grids(frame)
        once = listed_once(table)
        grid_of = dict(zip(once["unit_id"], once["grid_id"], strict=True))
        grid_ids = np.array([grid_of.get(unit) for unit in ids], object)
        several = listed_with_several(table)
        in_two = {unit: [grid_of[unit], *(each for each in grids if each != grid_of[unit])]
                  for unit, grids in several.items() if unit in draft.number_of_unit}  # fmt: skip
        unknown = tuple(sorted(grid_of.keys() - set(ids)))
    codes = sorted({str(grid) for grid in grid_ids if grid is not None})
    every = sorted({str(grid) for grid in frame["grid_id"].dropna()})
    _require_usable(layer, codes, every)
    special, names = special_grids(frame), _names(frame)
    draft.grids = {
        number: Grid(code, names.get(code), "special" if code in special else "basic")
        for number, code in enumerate(codes)
    }
    number_of = {code: number for number, code in enumerate(codes)}
    draft.labels = np.array([-1 if grid is None else number_of[str(grid)] for grid in grid_ids], np.int64)
    review = judge(draft)
    return Placed(
        draft, review, in_two, unknown, tuple(sorted(set(every) - set(codes))),
        (*layer.findings, *drawn, *review.findings),
    )  # fmt: skip


def _by_place(
    plan: Any, frame: gpd.GeoDataFrame, draft: Draft
) -> tuple[NDArray[np.object_], dict[str, list[str]], tuple[Finding, ...]]:
    units = plan["units"]
    metric = working_crs(STORED_CRS, tuple(plan["communities"].total_bounds))
    found = grids_from_polygons(
        units.geometry.to_crs(metric).to_numpy(),
        draft.adjacency.unit_ids,
        frame.geometry.to_crs(metric).to_numpy(),
        frame["grid_id"].to_numpy(dtype=object),
        communities=plan["communities"].geometry.to_crs(metric).to_numpy(),
        community_ids=np.array([draft.community_code], object),
    )
    in_two: dict[str, list[str]] = {}
    for finding in found.findings:
        if finding.code in ("unit_in_two_grids", "unit_on_grid_border"):
            others = [str(grid) for grid in json.loads(json.dumps(finding.values["grids"]))]
            named = [str(finding.grid_id), *(each for each in others if each != finding.grid_id)]
            in_two |= dict.fromkeys(finding.unit_ids, named)
    return found.grid_ids, in_two, found.findings


def _names(frame: gpd.GeoDataFrame) -> dict[str, str]:
    if "name" not in frame:
        return {}
    named = frame.loc[frame["name"].notna() & frame["grid_id"].notna(), ["grid_id", "name"]]
    return {str(grid): str(name)[:60] for grid, name in named.itertuples(index=False)}


def _require_usable(layer: Layer, codes: list[str], every: list[str]) -> None:
    if not codes:
        raise InputError(
            "grids_hold_no_unit", "none of its grids holds a unit of this community",
            mend="choose the file of this community, and check its coordinate system", file=layer.name,
            layer="grids", n=len(every),
        )  # fmt: skip
    long = [code for code in codes if len(code) > LONGEST_CODE]
    if long:
        raise InputError(
            "grid_id_too_long", f"a grid code has more than {LONGEST_CODE} characters", mend="shorten it",
            file=layer.name, layer="grids", field="grid_id", feature=long[0][:LONGEST_CODE], n=len(long),
            most=LONGEST_CODE,
        )  # fmt: skip


def told(placed: Placed, language: Language) -> dict[str, Any]:
    """Return the reconciliation as values that JSON holds: sums first, then grid by grid, then doubts."""
    draft = placed.draft
    without = draft.labels < 0
    return {
        "units": len(draft.labels),
        "households": int(draft.households.sum()),
        "units_placed": int((~without).sum()),
        "households_placed": int(draft.households[~without].sum()),
        "units_in_none": [str(unit) for unit in draft.adjacency.unit_ids[without]],
        "households_in_none": int(draft.households[without].sum()),
        "units_in_two": placed.in_two,
        "unknown_units": list(placed.unknown),
        "empty_grids": list(placed.empty),
        "grids": [
            {
                "code": grid.code, "name": grid.name, "kind": grid.kind,
                "units": placed.review.statuses[grid.code].units,
                "households": placed.review.statuses[grid.code].households,
                "status": placed.review.statuses[grid.code].status,
            }
            for grid in draft.grids.values()
        ],
        "findings": [
            {"severity": finding.severity, "text": sentence(finding, language)} for finding in placed.findings
        ],
    }  # fmt: skip


def write_sheet(path: Path, said: dict[str, Any], language: Language) -> None:
    """Write the reconciliation as a workbook; nothing that was typed becomes a formula."""
    book = Workbook(write_only=True)
    grids = pd.DataFrame(said["grids"]).rename(columns={"code": "grid_id"})
    add_table(book, "grids", grids, language)
    rows: list[tuple[str, str | None, str | None]] = [
        ("in_no_grid", unit, None) for unit in said["units_in_none"]
    ]
    rows += [("in_two_grids", unit, ", ".join(grids)) for unit, grids in said["units_in_two"].items()]
    rows += [("not_here", unit, None) for unit in said["unknown_units"]]
    rows += [("empty_grid", None, grid) for grid in said["empty_grids"]]
    add_table(book, "reconciliation", pd.DataFrame(rows, columns=["matter", "unit_id", "grid_id"]), language)
    add_table(book, "findings", pd.DataFrame(said["findings"], columns=["severity", "text"]), language)
    book.save(path)


def keep_as_draft(session: Session, version: Row[Any], placed: Placed, name: str) -> UUID:
    """Store the grids as a new draft of the version's plan, whole or not at all; return it."""
    made: UUID = session.execute(
        text("INSERT INTO versions (plan_id, community_id, parent_id, ground_id, min_households,"
             " max_households, seed, created_by)"
             " SELECT plan_id, community_id, id, ground_id, min_households, max_households, seed, actor()"
             " FROM versions WHERE id = :id RETURNING id"),
        {"id": version.id},
    ).scalar_one()  # fmt: skip
    draft = placed.draft
    draft.version_id = made
    placed_units = [str(unit) for unit in draft.adjacency.unit_ids[draft.labels >= 0]]
    everything = Applied(moved=[{"unit_ids": placed_units}], touched=set(draft.grids))
    write_edit(session, draft, everything, placed.review)
    session.execute(
        text("SELECT log_append('edits', :chain, 'import', cast(:body AS jsonb), :community)"),
        {
            "chain": str(made), "community": version.community_id,
            "body": json.dumps(
                {"parent": str(version.id), "file": name, "units": len(placed_units),
                 "grids_read": len(draft.grids)},
                ensure_ascii=False,
            ),
        },
    )  # fmt: skip
    queries.tell(session, "version_started", version.community_id, json.dumps({"version": str(made)}))
    return made
