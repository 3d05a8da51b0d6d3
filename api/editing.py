"""Edit a draft: units change grids, grids change names and kinds; totals, borders and findings follow."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.drafts import Draft, Grid, metric, union_of_cells
from api.errors import ServiceError
from geo.balancer import ORDER, review
from geo.codes import grid_codes
from geo.findings import Finding
from geo.metrics import shapes
from geo.review import Review


class EditRefusedError(ServiceError):
    """An edit names units or grids that the draft does not have."""

    status = 422


@dataclass(frozen=True)
class Step:
    """Units (ids) that go to a grid by its code, to a new grid, or to none."""

    unit_ids: Sequence[str]
    to: str | None = None
    new: bool = False


@dataclass(frozen=True)
class Renaming:
    """A new name or kind for a grid; None keeps what it has, `nameless` takes its name away."""

    code: str
    name: str | None = None
    kind: str | None = None
    nameless: bool = False


@dataclass
class Applied:
    """What an edit did to a draft.

    Attributes
    ----------
    moved : list of (unit ids, code before, code after)
    touched : set of int
        Numbers of the grids whose units, name or kind changed.
    new_grids, ended : list of str
        Codes of grids that began and ended.
    """

    moved: list[dict[str, Any]] = field(default_factory=list)
    touched: set[int] = field(default_factory=set)
    new_grids: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)


def apply_edit(session: Session, draft: Draft, steps: Sequence[Step], changes: Sequence[Renaming]) -> Applied:
    """Change a draft in memory, all steps in order.

    Raises
    ------
    EditRefusedError
        A unit or grid is not of this draft, or a unit is named twice in one step.
    """
    applied = Applied()
    before = draft.labels.copy()
    for step in steps:
        units = _units(draft, step.unit_ids)
        target = _target(session, draft, step, applied, units)
        applied.touched |= set(draft.labels[units].tolist()) - {-1}
        if target >= 0:
            applied.touched.add(target)
        draft.labels[units] = target
    for change in changes:
        number = _grid(draft, change.code)
        grid = draft.grids[number]
        name = None if change.nameless else change.name or grid.name
        draft.grids[number] = Grid(grid.code, name, change.kind or grid.kind)
        applied.touched.add(number)
    _record_moves(draft, before, applied)
    held = set(draft.labels.tolist())
    applied.ended = [draft.grids[number].code for number in sorted(applied.touched) if number not in held]
    return applied


def _units(draft: Draft, unit_ids: Sequence[str]) -> list[int]:
    known = draft.number_of_unit
    unknown = [unit for unit in unit_ids if unit not in known]
    if unknown:
        raise EditRefusedError(
            "unit_unknown",
            f"the community has no unit {unknown[0]} ({len(unknown)} unknown in all)",
            unit=unknown[0],
        )
    units = [known[unit] for unit in unit_ids]
    if len(set(units)) < len(units):
        raise EditRefusedError("unit_twice", "a unit is named twice in one move")
    return units


def _grid(draft: Draft, code: str) -> int:
    for number, grid in draft.grids.items():
        if grid.code == code:
            return number
    raise EditRefusedError("grid_unknown", f"the version has no grid {code}", grid=code)


def _target(session: Session, draft: Draft, step: Step, applied: Applied, units: list[int]) -> int:
    if step.to is not None:
        return _grid(draft, step.to)
    if not step.new:
        return -1
    code = _new_code(session, draft)
    number = max(draft.grids, default=-1) + 1
    draft.grids[number] = Grid(code, None, "basic")
    applied.new_grids.append(code)
    return number


def _new_code(session: Session, draft: Draft) -> str:
    """Return the next code of the community; codes once given, also in ended grids, are not given again."""
    used = set(
        session.execute(
            text("SELECT code FROM grids WHERE community_id = :community"
                 " UNION SELECT jsonb_array_elements_text(body -> 'new_grids') FROM log"
                 " WHERE stream = 'edits' AND community_id = :community"),
            {"community": draft.community_id},
        ).scalars()
    )  # fmt: skip
    used |= {grid.code for grid in draft.grids.values()}
    here = np.zeros(1)
    return str(grid_codes(np.array([draft.community_code], object), here, here, here, used=used)[0])


def _record_moves(draft: Draft, before: np.ndarray, applied: Applied) -> None:
    changed = np.flatnonzero(before != draft.labels)
    for pair in sorted(set(zip(before[changed].tolist(), draft.labels[changed].tolist(), strict=True))):
        units = changed[(before[changed] == pair[0]) & (draft.labels[changed] == pair[1])]
        source, target = (draft.grids[number].code if number >= 0 else None for number in pair)
        applied.moved.append(
            {
                "unit_ids": [str(unit) for unit in draft.adjacency.unit_ids[units]],
                "from": source,
                "to": target,
                "households": int(draft.households[units].sum()),
            }
        )


def judge(draft: Draft) -> Review:
    """Judge the whole draft as `weige check` does."""
    n = len(draft.labels)
    return review(
        draft.adjacency,
        draft.households,
        np.full(n, draft.community_code, object),
        draft.grid_ids(),
        band=draft.band,
        special=draft.special(),
        compounds=draft.compounds,
    )


def write_edit(session: Session, draft: Draft, applied: Applied, found: Review) -> None:
    """Write what an edit changed: assignments, touched grids with their borders, statuses, findings."""
    changed = [unit for move in applied.moved for unit in move["unit_ids"]]
    numbers = [draft.number_of_unit[unit] for unit in changed]
    _write_grids(session, draft, applied, found)
    session.execute(
        text("DELETE FROM assignments WHERE version_id = :version AND unit_number = ANY (:units)"),
        {"version": draft.version_id, "units": numbers},
    )
    placed = [number for number in numbers if draft.labels[number] >= 0]
    session.execute(
        text("INSERT INTO assignments (version_id, unit_number, grid_number, community_id, ground_id)"
             " SELECT :version, unit, grid, :community, :ground FROM unnest(cast(:units AS integer[]),"
             " cast(:grids AS integer[])) AS t (unit, grid)"),
        {
            "version": draft.version_id, "community": draft.community_id, "ground": draft.ground_id,
            "units": placed, "grids": draft.labels[placed].tolist(),
        },
    )  # fmt: skip
    session.execute(
        text("DELETE FROM grids WHERE version_id = :version AND code = ANY (:ended)"),
        {"version": draft.version_id, "ended": applied.ended},
    )
    write_findings(session, draft, found.findings)


def _write_grids(session: Session, draft: Draft, applied: Applied, found: Review) -> None:
    rows = []
    for number in sorted(applied.touched):
        grid = draft.grids[number]
        if grid.code in applied.ended:
            continue
        status = found.statuses[grid.code]
        shape = union_of_cells(session, draft.ground_id, np.flatnonzero(draft.labels == number).tolist())
        measured = shapes(np.array([None if shape is None else metric(shape)], object))
        rows.append(
            {
                "version": draft.version_id, "number": number, "community": draft.community_id,
                "code": grid.code, "name": grid.name, "kind": grid.kind, "households": status.households,
                "units": status.units, "status": status.status, "reason": status.reason or None,
                "area": float(measured.area_m2[0]), "perimeter": float(measured.perimeter_m[0]),
                "compactness": float(measured.compactness[0]),
                "geom": None if shape is None else shapely.to_wkb(shape),
            }
        )  # fmt: skip
    if rows:
        session.execute(
            text("""
                INSERT INTO grids (version_id, number, community_id, code, name, kind, households, units,
                                   status, reason, area_m2, perimeter_m, compactness, geom)
                VALUES (:version, :number, :community, :code, :name, :kind, :households, :units, :status,
                        :reason, :area, :perimeter, :compactness,
                        ST_GeomFromWKB(cast(:geom AS bytea), 4490))
                ON CONFLICT (version_id, number) DO UPDATE SET
                  name = excluded.name, kind = excluded.kind, households = excluded.households,
                  units = excluded.units, status = excluded.status, reason = excluded.reason,
                  area_m2 = excluded.area_m2, perimeter_m = excluded.perimeter_m,
                  compactness = excluded.compactness, geom = excluded.geom"""),
            rows,
        )


def write_findings(session: Session, draft: Draft, findings: Sequence[Finding]) -> None:
    """Replace what the balancer found; a finding that was accepted and is still there stays accepted."""
    kept = {
        (row.code, row.grid_code, tuple(row.unit_ids)): row
        for row in session.execute(
            text("SELECT code, grid_code, unit_ids, accepted_by, accepted_at, accepted_note FROM findings"
                 " WHERE version_id = :version AND code = ANY (:codes) AND accepted_at IS NOT NULL"),
            {"version": draft.version_id, "codes": list(ORDER)},
        )
    }  # fmt: skip
    session.execute(
        text("DELETE FROM findings WHERE version_id = :version AND code = ANY (:codes)"),
        {"version": draft.version_id, "codes": list(ORDER)},
    )
    rows = []
    for finding in findings:
        before = kept.get((finding.code, finding.grid_id, finding.unit_ids))
        rows.append(
            {
                "version": draft.version_id, "community": draft.community_id, "code": finding.code,
                "severity": finding.severity, "grid": finding.grid_id, "units": list(finding.unit_ids),
                "details": json.dumps(dict(finding.values), ensure_ascii=False),
                "by": before and before.accepted_by, "at": before and before.accepted_at,
                "note": before and before.accepted_note,
                "ground": draft.ground_id, "first": next(iter(finding.unit_ids), None),
            }
        )  # fmt: skip
    if rows:
        session.execute(
            text("""
                INSERT INTO findings (version_id, community_id, code, severity, grid_code, unit_ids, details,
                                      accepted_by, accepted_at, accepted_note, geom)
                VALUES (:version, :community, :code, :severity, :grid, :units, cast(:details AS jsonb),
                        :by, :at, :note, coalesce(
                          (SELECT ST_PointOnSurface(geom) FROM grids
                           WHERE version_id = :version AND code = :grid),
                          (SELECT ST_PointOnSurface(geom) FROM units
                           WHERE ground_id = :ground AND unit_id = :first)))"""),
            rows,
        )
