"""What is expected of a draft: kept with it, shown by date, and what mending would cost by then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from api.dividing import GroundAtWork
from api.drafts import Draft, read_draft
from api.editing import EditRefusedError
from api.proposals import Proposal, propose_arrival
from geo.errors import InputError
from geo.tomorrow import Expected, Step, placed_units, timeline


@dataclass(frozen=True)
class PlacedHouse:
    """Where a new house would go: the code of its grid, None for a new one."""

    lon: float
    lat: float
    households: int
    to: str | None


@dataclass(frozen=True)
class Mended:
    """What mending would take, the ids that new houses have in it, and where these would go."""

    proposal: Proposal
    new: frozenset[str]
    houses: list[PlacedHouse]


def expected_of(session: Session, version_id: UUID) -> list[Expected]:
    """Return what is expected of a version, in the planner's order."""
    rows = session.execute(
        text("SELECT day, households, unit_id, ST_X(place) AS lon, ST_Y(place) AS lat, note"
             " FROM expected_changes WHERE version_id = :version ORDER BY number"),
        {"version": version_id},
    )  # fmt: skip
    return [
        Expected(
            row.day, row.households, row.unit_id, None if row.lon is None else (row.lon, row.lat), row.note
        )
        for row in rows
    ]


def keep_expected(session: Session, version: Row[Any], changes: Sequence[Expected]) -> None:
    """Put these in the place of what was expected of a draft."""
    session.execute(text("DELETE FROM expected_changes WHERE version_id = :version"), {"version": version.id})
    rows = [
        {
            "version": version.id, "community": version.community_id, "number": number, "day": change.day,
            "households": change.households, "unit": change.unit_id, "note": change.note,
            "lon": change.place and change.place[0], "lat": change.place and change.place[1],
        }
        for number, change in enumerate(changes)
    ]  # fmt: skip
    if rows:
        session.execute(
            text("INSERT INTO expected_changes (version_id, community_id, number, day, households, unit_id,"
                 " place, note) VALUES (:version, :community, :number, :day, :households, :unit,"
                 " CASE WHEN cast(:lon AS float8) IS NOT NULL"
                 " THEN ST_SetSRID(ST_MakePoint(:lon, :lat), 4490) END, :note)"),
            rows,
        )  # fmt: skip


def steps_of(session: Session, version: Row[Any], changes: Sequence[Expected]) -> list[Step]:
    """Return which grids change by when.

    Raises
    ------
    EditRefusedError
        A change cannot happen in this draft: its unit is unknown, its place is in no grid, more would go
        than are there.
    """
    draft = read_draft(session, version)
    return _steps(draft, _units(session, draft, changes), changes)


def _steps(draft: Draft, units: Sequence[int], changes: Sequence[Expected]) -> list[Step]:
    try:
        return timeline(
            changes, units, draft.households, draft.grid_ids(), band=draft.band, special=draft.special()
        )
    except InputError as error:
        raise _refused(error) from error


def _units(session: Session, draft: Draft, changes: Sequence[Expected]) -> list[int]:
    """Return the unit of each change; cells are looked up in the store, only where a new house stands."""
    places = [change.place for change in changes if change.place is not None]
    hosts: dict[int, shapely.Geometry] = {}
    for lon, lat in places:
        row = session.execute(
            text("SELECT number, ST_AsBinary(cell) FROM units WHERE ground_id = :ground"
                 " AND ST_Intersects(cell, ST_SetSRID(ST_MakePoint(:lon, :lat), 4490))"
                 " ORDER BY number LIMIT 1"),
            {"ground": draft.ground_id, "lon": lon, "lat": lat},
        ).one_or_none()  # fmt: skip
        if row is not None:
            hosts[row[0]] = shapely.from_wkb(bytes(row[1]))
    cells = np.full(len(draft.labels), None, object)
    for number, cell in hosts.items():
        cells[number] = cell
    points = np.full(len(changes), None, object)
    for at, change in enumerate(changes):
        if change.place is not None:
            points[at] = shapely.Point(change.place)
    try:
        return placed_units(changes, draft.adjacency.unit_ids, cells, points)
    except InputError as error:
        raise _refused(error) from error


def _refused(error: InputError) -> EditRefusedError:
    """Return an error as one of what was typed: its place is a change of the list, not the row of a file."""
    number = str(error.feature).removeprefix("#")
    return EditRefusedError(error.code, f"change {number}: {error.message}", **error.values, change=number)


def mended_by(
    session: Session, version: Row[Any], day: date, changes: Sequence[Expected], *, seed: int = 0
) -> Mended:
    """Return what mending round the grids out of band would take, once all until a day has happened.

    Nothing is kept. A new house is a unit of its own, on its part of the ground of the unit on whose ground
    it stands. Nobody who moves in knows a grid worker: it is the new houses in grids out of band that go
    elsewhere first, and only where that is not enough households of today.

    Raises
    ------
    EditRefusedError
        As `steps_of`, or no grid that changes is out of band by then.
    """
    draft = read_draft(session, version)
    happened = [change for change in changes if change.day <= day]
    units = _units(session, draft, happened)
    steps = _steps(draft, units, happened)
    last = {step.grid_id: step for step in steps}
    around = sorted(grid for grid, step in last.items() if step.status in ("too_small", "too_large"))
    if not around:
        raise EditRefusedError(
            "nothing_leaves",
            f"no grid that changes until {day.isoformat()} is out of band",
            day=day.isoformat(),
        )
    then, new = _then(session, draft, happened, units)
    grid_of = dict(zip(then.adjacency.unit_ids.tolist(), then.grid_ids().tolist(), strict=True))
    coming = [unit for unit in new.values() if grid_of[unit] in around]
    made = propose_arrival(then, coming, around, seed=seed)
    goes = {unit: move.to for move in made.moves for unit in move.unit_ids}
    houses = [
        PlacedHouse(
            *place, int(then.households[then.number_of_unit[unit]]),
            goes[unit] if unit in goes else grid_of[unit],
        )
        for place, unit in new.items()
    ]  # fmt: skip
    return Mended(made, frozenset(new.values()), houses)


def _then(
    session: Session, draft: Draft, changes: Sequence[Expected], units: Sequence[int]
) -> tuple[Draft, dict[tuple[float, float], str]]:
    """Return a draft as it would be, in memory only, and the ids of its new units by their places."""
    ids = draft.adjacency.unit_ids
    households = {str(unit): int(count) for unit, count in zip(ids, draft.households, strict=True)}
    grid_of = {str(unit): int(label) for unit, label in zip(ids, draft.labels, strict=True)}
    compound_of = dict(zip(ids.tolist(), draft.compounds.tolist(), strict=True))
    new: dict[tuple[float, float], str] = {}
    work: GroundAtWork | None = None
    for change, at in sorted(zip(changes, units, strict=True), key=lambda each: each[0].day):
        host = str(ids[at])
        if change.place is None:
            households[host] += -households[host] if change.households is None else change.households
            continue
        assert change.households is not None
        if change.place not in new:
            work = work or GroundAtWork.standing(session, draft.ground_id)
            name = f"+{len(new) + 1}"
            while name in households:
                name += "+"
            work.build(name, host, change.place)
            new[change.place] = name
            grid_of[name], compound_of[name] = grid_of[host], compound_of[host]
            households[name] = 0
        households[new[change.place]] += change.households
    adjacency = draft.adjacency if work is None else work.adjacency()
    order = [str(unit) for unit in adjacency.unit_ids]
    return Draft(
        draft.version_id, draft.community_id, draft.community_code, draft.ground_id, draft.band, adjacency,
        np.array([households[unit] for unit in order], np.int64),
        np.array([compound_of[unit] for unit in order], object),
        np.array([grid_of[unit] for unit in order], np.int64), draft.grids,
    ), new  # fmt: skip
