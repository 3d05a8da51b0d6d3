"""Towers of a draft divided by floors: a ground of the draft's own, made from the one that was loaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from api import queries
from api.drafts import Draft, read_draft
from api.editing import Applied, EditRefusedError, judge, write_edit
from api.errors import NotFoundError
from geo.adjacency import Adjacency, Crossing
from geo.cell_arcs import Around, Redivided, redivided
from geo.crs import STORED_CRS, transformer, working_crs
from geo.errors import CoverageError, InputError
from geo.floors import FAULTS, FloorBand, bands_fault
from geo.planning import road_crossings
from geo.review import Review
from geo.tessellation import Lines

# Lines round a cell that may run along its border, in degrees: some ten metres.
_REACH_DEG = 0.0001

Divisions = Mapping[str, Sequence[FloorBand]]


@dataclass(frozen=True)
class Divided:
    """What a division did to a draft: as it is now, the review of it, and the grids that were touched."""

    draft: Draft
    applied: Applied
    review: Review
    before: list[FloorBand]


@dataclass(frozen=True)
class _Unit:
    """A unit of a ground; its other columns are those of the unit `like` (a number) of the root."""

    unit_id: str
    households: int
    like: int
    tower: str | None
    floors: tuple[int, int] | None
    is_kept: bool
    cell: shapely.Geometry | None = field(default=None, compare=False)


def divide(
    session: Session, version: Row[Any], tower: str, bands: Sequence[FloorBand], *, into: str | None = None
) -> Divided:
    """Divide a unit of a draft by floors, or make its bands one unit again.

    The published versions keep their ground: the draft is put onto one of its own, which is the same
    whenever the same towers are divided alike. Bands stay in the grid that the unit is in; a unit made
    whole again goes to the grid that had most of its households, or to the one named.

    Parameters
    ----------
    session : Session
        Acts for somebody: row-level security holds.
    version : Row
        A draft, locked (`queries.version`).
    tower : str
        Id of the unit.
    bands : sequence of FloorBand
        None makes the unit whole.
    into : str, optional
        Code of a grid.

    Raises
    ------
    EditRefusedError
        The draft has no such unit, or it is whole already.
    InputError
        The bands are none, or the ids they would have are taken.
    NotFoundError
        The draft has no grid of that code.
    """
    before = read_draft(session, version)
    standing = _bands_of(session, before.ground_id, tower)
    households = _households(before, tower, standing)
    if bands and (wrong := bands_fault(bands, households)):
        code, values = wrong
        sentence, mend = FAULTS[code]
        told: dict[str, Any] = {**values, "feature": tower}
        raise InputError(code, sentence.format(**values), mend=mend, **told)
    if not bands and not standing:
        raise EditRefusedError("unit_is_whole", f"unit {tower} is not divided", unit=tower)
    root, divisions = _divisions(session, before.ground_id)
    ground = ground_with(session, root, {**divisions, tower: sorted(bands)})
    target = _target(before, tower, {band.unit_id(tower) for band in standing}, into)
    _stand_on(session, before, ground, {band.unit_id(tower) for band in bands} or {tower}, target)
    onto = queries.version(session, version.id)
    assert onto is not None
    draft = read_draft(session, onto)
    applied = Applied(touched=_touched(session, before, draft))
    held = set(draft.labels.tolist())
    applied.ended = [draft.grids[number].code for number in sorted(applied.touched) if number not in held]
    found = judge(draft)
    write_edit(session, draft, applied, found)
    return Divided(draft, applied, found, standing)


def ground_with(session: Session, root: int, divisions: Divisions) -> int:
    """Return the ground that is made from a loaded one by dividing towers; it is made where it is not there.

    Raises
    ------
    EditRefusedError
        The root has no such tower.
    InputError
        An id that a band would have is taken.
    CoverageError
        A cell is too small to be divided so often.
    """
    origin, units = _origin(session, root), _units_of(session, root)
    divisions = {tower: bands for tower, bands in divisions.items() if not _is_as_loaded(units, tower, bands)}
    if not divisions:
        return root
    told = {
        tower: [[band.lowest, band.highest, band.households] for band in divisions[tower]]
        for tower in sorted(divisions)
    }
    written = json.dumps(told, ensure_ascii=False)
    digest = hashlib.sha256(bytes(origin.sha256) + written.encode()).digest()
    known: int | None = session.execute(
        text("SELECT id FROM grounds WHERE community_id = :community AND sha256 = :digest"),
        {"community": origin.community_id, "digest": digest},
    ).scalar_one_or_none()
    if known is not None:
        return known
    work = GroundAtWork.of(session, root, origin, units)
    for tower in told:
        work.divide(tower, divisions[tower])
    return work.written(origin.community_id, digest, written)


def _origin(session: Session, ground: int) -> Row[Any]:
    return session.execute(
        text("SELECT community_id, sha256, pair_left, pair_right, border_m, crosses, joins"
             " FROM grounds WHERE id = :id"),
        {"id": ground},
    ).one()  # fmt: skip


def _units_of(session: Session, ground: int) -> Sequence[Row[Any]]:
    return session.execute(
        text("SELECT number, unit_id, households, divided_from, floor_from, floor_to FROM units"
             " WHERE ground_id = :id ORDER BY number"),
        {"id": ground},
    ).all()  # fmt: skip


def _is_as_loaded(units: Sequence[Row[Any]], tower: str, bands: Sequence[FloorBand]) -> bool:
    loaded = [
        FloorBand(unit.floor_from, unit.floor_to, unit.households)
        for unit in units
        if unit.divided_from == tower
    ]
    return sorted(loaded) == list(bands)


@dataclass
class GroundAtWork:
    """A ground while towers of it are divided, or houses built on it."""

    session: Session
    root: int
    units: dict[str, _Unit]
    pairs: dict[tuple[str, str], tuple[float, int, bool]]

    @staticmethod
    def of(session: Session, root: int, origin: Row[Any], units: Sequence[Row[Any]]) -> GroundAtWork:
        """Return a ground from its rows."""
        ids = [unit.unit_id for unit in units]
        made = {
            unit.unit_id: _Unit(
                unit.unit_id, unit.households, unit.number, unit.divided_from,
                (unit.floor_from, unit.floor_to) if unit.divided_from else None, is_kept=True,
            )
            for unit in units
        }  # fmt: skip
        columns = (origin.pair_left, origin.pair_right, origin.border_m, origin.crosses, origin.joins)
        pairs = {
            (ids[left], ids[right]): (border_m, crosses, joins)
            for left, right, border_m, crosses, joins in zip(*columns, strict=True)
        }
        return GroundAtWork(session, root, made, pairs)

    @staticmethod
    def standing(session: Session, ground: int) -> GroundAtWork:
        """Return a ground as it stands in the store."""
        return GroundAtWork.of(session, ground, _origin(session, ground), _units_of(session, ground))

    def adjacency(self) -> Adjacency:
        """Return who borders on whom, units by id."""
        units = sorted(self.units)
        number = {unit: at for at, unit in enumerate(units)}
        ends = sorted((*sorted((number[a], number[b])), *told) for (a, b), told in self.pairs.items())
        left, right, border_m, crosses, joins = ([row[at] for row in ends] for at in range(5))
        return Adjacency(
            np.array(units, object), np.array(left, np.int64), np.array(right, np.int64),
            np.array(border_m, np.float64), np.array(crosses, np.uint8), np.array(joins, np.bool_),
        )  # fmt: skip

    def build(self, name: str, host: str, place: tuple[float, float]) -> None:
        """Let a new unit stand on its half of the ground of another.

        The ground is parted half way between the two; where there is no room for that, the new unit has the
        other as its only neighbour.
        """
        unit = self.units[host]
        beside = sorted({other for pair in self.pairs if host in pair for other in pair if other != host})
        cells = self._cells([host, *beside])
        old = {pair: told for pair, told in self.pairs.items() if host in pair}
        middle = self.session.execute(
            text("SELECT ST_X(p), ST_Y(p) FROM (SELECT ST_PointOnSurface(coalesce(geom, cell)) AS p"
                 " FROM units WHERE ground_id = :ground AND number = :number) s"),
            {"ground": self.root, "number": unit.like},
        ).one()  # fmt: skip
        self.units[name] = replace(unit, unit_id=name, households=0, is_kept=False)
        try:
            made = cut(
                self.session, cells[host], [cells[other] for other in beside],
                across=((middle[0], middle[1]), place),
            )  # fmt: skip
        except CoverageError:
            self.pairs[_pair(host, name)] = (1.0, 0, True)
            return
        self.units[host] = replace(unit, cell=made.parts[0], is_kept=False)
        self.units[name] = replace(self.units[name], cell=made.parts[1])
        for other, changed in zip(beside, made.neighbours, strict=True):
            if changed is not None:
                self.units[other] = replace(self.units[other], cell=changed, is_kept=False)
        for pair in old:
            del self.pairs[pair]
        self._relate(made.pairs, [host, name, *beside], 2, {host}, old)

    def divide(self, tower: str, bands: Sequence[FloorBand]) -> None:
        """Put bands, or one whole unit, in the place of a tower's units."""
        members = [unit for unit in self.units.values() if tower in (unit.unit_id, unit.tower)]
        if not members:
            raise EditRefusedError("unit_unknown", f"the community has no unit {tower}", unit=tower)
        gone = {unit.unit_id for unit in members}
        like = members[0].like
        whole = _Unit(tower, sum(unit.households for unit in members), like, None, None, is_kept=False)
        new = [
            replace(
                whole, unit_id=band.unit_id(tower), households=band.households, tower=tower,
                floors=(band.lowest, band.highest),
            )
            for band in bands
        ] or [whole]  # fmt: skip
        taken = {unit.unit_id for unit in new} & (self.units.keys() - gone)
        if taken:
            raise InputError(
                "floors_id_taken", "another unit has this id already", mend="rename it", feature=min(taken)
            )
        beside = sorted(
            {other for pair in self.pairs if gone & set(pair) for other in pair if other not in gone}
        )
        cells = self._cells([*gone, *beside])
        old = {pair: told for pair, told in self.pairs.items() if gone & set(pair)}
        for unit_id in gone:
            del self.units[unit_id]
        for pair in old:
            del self.pairs[pair]
        own = [cells[unit_id] for unit_id in sorted(gone) if cells[unit_id] is not None]
        made = None
        if own:
            cell = own[0] if len(own) == 1 else shapely.coverage_union_all(own)
            counts = np.array([unit.households for unit in new])
            made = cut(self.session, cell, [cells[unit_id] for unit_id in beside], households=counts)
            new = [replace(unit, cell=part) for unit, part in zip(new, made.parts, strict=True)]
            for unit_id, changed in zip(beside, made.neighbours, strict=True):
                if changed is not None:
                    self.units[unit_id] = replace(self.units[unit_id], cell=changed, is_kept=False)
        self.units.update({unit.unit_id: unit for unit in new})
        if made is not None:
            names = [*(unit.unit_id for unit in new), *beside]
            self._relate(made.pairs, names, len(new), gone, old)

    def _relate(
        self,
        found: Adjacency,
        names: Sequence[str],
        n_parts: int,
        gone: set[str],
        old: Mapping[tuple[str, str], tuple[float, int, bool]],
    ) -> None:
        """Note what the parts border on; nobody walks where nobody walked before, and who could still can."""
        could = {
            (pair[0] if pair[1] in gone else pair[1])
            for pair, (_, _, joins) in old.items()
            if joins and not gone.issuperset(pair)
        }
        reached: dict[str, tuple[float, tuple[str, str]]] = {}
        for left, right, border_m, crosses, joins in zip(
            found.left.tolist(), found.right.tolist(), found.border_m.tolist(), found.crosses.tolist(),
            found.joins.tolist(), strict=True,
        ):  # fmt: skip
            key = _pair(names[left], names[right])
            inner = right < n_parts
            self.pairs[key] = (border_m, crosses, inner or (joins and names[right] in could))
            if not inner and names[right] in could:
                weight = float("inf") if joins else border_m
                reached[names[right]] = max(reached.get(names[right], (-1.0, key)), (weight, key))
        for _, key in reached.values():
            border_m, crosses, _ = self.pairs[key]
            self.pairs[key] = (border_m, crosses, True)

    def _cells(self, unit_ids: Sequence[str]) -> dict[str, shapely.Geometry | None]:
        """Return cells as they are now."""
        stored = [self.units[unit_id].like for unit_id in unit_ids if self.units[unit_id].cell is None]
        rows = self.session.execute(
            text("SELECT number, ST_AsBinary(cell) FROM units WHERE ground_id = :ground"
                 " AND number = ANY (:numbers) AND cell IS NOT NULL"),
            {"ground": self.root, "numbers": stored},
        )  # fmt: skip
        by_number = {number: shapely.from_wkb(bytes(wkb)) for number, wkb in rows}
        return {
            unit_id: self.units[unit_id].cell or by_number.get(self.units[unit_id].like)
            for unit_id in unit_ids
        }

    def written(self, community: int, digest: bytes, divisions: str) -> int:
        """Store the ground: what stays is copied, what is new has the other columns of its tower."""
        units = [self.units[unit_id] for unit_id in sorted(self.units)]
        pairs = self.adjacency()
        ground: int = self.session.execute(
            text("INSERT INTO grounds (community_id, loaded_by, n_units, households, sha256, root_id,"
                 " divisions, pair_left, pair_right, border_m, crosses, joins)"
                 " VALUES (:community, actor(), :n, :households, :digest, :root, cast(:divisions AS jsonb),"
                 " :left, :right, cast(:border AS real[]), :crosses, :joins) RETURNING id"),
            {
                "community": community, "n": len(units),
                "households": sum(unit.households for unit in units), "digest": digest, "root": self.root,
                "divisions": divisions, "left": pairs.left.tolist(), "right": pairs.right.tolist(),
                "border": pairs.border_m.tolist(), "crosses": pairs.crosses.tolist(),
                "joins": pairs.joins.tolist(),
            },
        ).scalar_one()  # fmt: skip
        self.session.execute(
            text("INSERT INTO units (ground_id, number, community_id, unit_id, households, building_id,"
                 " compound_id, address, divided_from, floor_from, floor_to, geom, cell)"
                 " SELECT :ground, t.number, u.community_id, t.unit_id, t.households, u.building_id,"
                 " u.compound_id, u.address, t.tower, t.low, t.high, u.geom,"
                 " CASE WHEN t.kept THEN u.cell ELSE ST_GeomFromWKB(t.cell, 4490) END"
                 " FROM unnest(cast(:numbers AS integer[]), cast(:ids AS text[]), cast(:counts AS integer[]),"
                 " cast(:like AS integer[]), cast(:towers AS text[]), cast(:lows AS smallint[]),"
                 " cast(:highs AS smallint[]), cast(:kept AS boolean[]), cast(:cells AS bytea[]))"
                 " AS t (number, unit_id, households, root, tower, low, high, kept, cell)"
                 " JOIN units u ON u.ground_id = :origin AND u.number = t.root"),
            {
                "ground": ground, "origin": self.root, "numbers": list(range(len(units))),
                "ids": [unit.unit_id for unit in units], "counts": [unit.households for unit in units],
                "like": [unit.like for unit in units], "towers": [unit.tower for unit in units],
                "lows": [unit.floors and unit.floors[0] for unit in units],
                "highs": [unit.floors and unit.floors[1] for unit in units],
                "kept": [unit.is_kept for unit in units],
                "cells": [None if unit.cell is None else shapely.to_wkb(unit.cell) for unit in units],
            },
        )  # fmt: skip
        return ground


def cut(
    session: Session,
    cell: shapely.Geometry,
    beside: Sequence[shapely.Geometry],
    *,
    households: NDArray[np.int64] | None = None,
    across: tuple[tuple[float, float], tuple[float, float]] | None = None,
) -> Redivided:
    """Cut a cell of the store among parts (`geo.cell_arcs.redivided`), in metres of its place.

    Parameters
    ----------
    across : pair of (lon, lat), optional
        Instead of `households`: the cell is cut half way between the two.
    """
    target = working_crs(STORED_CRS, tuple(shapely.bounds(cell).tolist()))
    there = transformer(STORED_CRS, target)
    points = None if across is None else tuple(np.array(there.transform(*place)) for place in across)
    return redivided(
        cell, np.array(beside, object), to_metres=there.transform,
        around=_around(session, cell, there), households=households, across=points,  # type: ignore[arg-type]
    )  # fmt: skip


def _around(session: Session, cell: shapely.Geometry, there: Any) -> Around:
    """Return what lies round a cell, in metres."""
    found: dict[str, list[tuple[Any, shapely.Geometry]]] = {}
    for layer, column in (
        ("roads", "CASE WHEN bridge THEN 'bridge ' ELSE '' END || coalesce(road_class, '')"), ("water", "''"),
        ("barriers", "''"), ("gates", "''"), ("compounds", "walled::text"),
    ):  # fmt: skip
        rows = session.execute(
            text(f"SELECT {column}, ST_AsBinary(geom) FROM {layer}"
                 " WHERE geom && ST_Expand(ST_GeomFromWKB(:cell, 4490), :reach)"),
            {"cell": shapely.to_wkb(shapely.envelope(cell)), "reach": _REACH_DEG},
        )  # fmt: skip
        found[layer] = [
            (
                told,
                shapely.transform(
                    shapely.from_wkb(bytes(wkb)), lambda at: np.stack(there.transform(*at.T), axis=1)
                ),
            )
            for told, wkb in rows
        ]
    shapes: list[shapely.Geometry] = []
    kinds: list[int] = []
    classes = road_crossings(told.removeprefix("bridge ") or None for told, _ in found["roads"])
    for (_, shape), kind in zip(found["roads"], classes.tolist(), strict=True):
        if kind:
            shapes.append(shape)
            kinds.append(kind)
    for layer, crossing in (
        ("compounds", Crossing.WALL), ("water", Crossing.WATER), ("barriers", Crossing.BARRIER),
    ):  # fmt: skip
        for told, shape in found[layer]:
            if layer != "compounds" or told == "true":
                shapes.append(shape)
                kinds.append(int(crossing))
    surfaces = [shape for _, shape in found["water"] if shape.geom_type in ("Polygon", "MultiPolygon")]
    bridges = [shape for told, shape in found["roads"] if told.startswith("bridge ")]
    gates = [shape for _, shape in found["gates"]]
    lines = Lines(_shapes(shapes), np.array(kinds, np.int64))
    return Around(lines, _shapes(surfaces), _shapes(bridges), _shapes(gates))


def _shapes(listed: Sequence[shapely.Geometry]) -> NDArray[np.object_]:
    array = np.empty(len(listed), object)
    array[:] = listed
    return array


def _pair(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)


def _bands_of(session: Session, ground: int, tower: str) -> list[FloorBand]:
    """Return the bands that a tower is divided into, the lowest first."""
    rows = session.execute(
        text("SELECT floor_from, floor_to, households FROM units"
             " WHERE ground_id = :ground AND divided_from = :tower ORDER BY floor_from"),
        {"ground": ground, "tower": tower},
    )  # fmt: skip
    return [FloorBand(*row) for row in rows]


def _households(draft: Draft, tower: str, standing: Sequence[FloorBand]) -> int:
    if standing:
        return sum(band.households for band in standing)
    if tower not in draft.number_of_unit:
        raise EditRefusedError("unit_unknown", f"the community has no unit {tower}", unit=tower)
    return int(draft.households[draft.number_of_unit[tower]])


def _divisions(session: Session, ground: int) -> tuple[int, dict[str, list[FloorBand]]]:
    """Return the loaded ground that a ground is made from, and what was divided."""
    row = session.execute(
        text("SELECT coalesce(root_id, id) AS root, divisions FROM grounds WHERE id = :id"), {"id": ground}
    ).one()
    return row.root, {tower: [FloorBand(*band) for band in bands] for tower, bands in row.divisions.items()}


def _target(draft: Draft, tower: str, standing: set[str], into: str | None) -> int:
    """Return the grid that a unit divided or made whole goes to: -1 for none."""
    if into is not None:
        for number, grid in draft.grids.items():
            if grid.code == into:
                return number
        raise NotFoundError("grid_not_found", f"the draft has no grid {into}", grid=into)
    members = [draft.number_of_unit[unit] for unit in (standing or {tower})]
    weight: dict[int, int] = {}
    for member in members:
        label = int(draft.labels[member])
        weight[label] = weight.get(label, 0) + int(draft.households[member])
    return max(sorted(weight), key=lambda label: (weight[label], label >= 0))


def _stand_on(session: Session, draft: Draft, ground: int, new: set[str], target: int) -> None:
    """Put a draft onto another ground: units keep their grids by id, the new ones go to one."""
    values = {"version": draft.version_id, "ground": ground, "community": draft.community_id}
    placed = np.flatnonzero(draft.labels >= 0)
    session.execute(text("DELETE FROM assignments WHERE version_id = :version"), values)
    session.execute(text("UPDATE versions SET ground_id = :ground WHERE id = :version"), values)
    ids = [str(draft.adjacency.unit_ids[unit]) for unit in placed.tolist()]
    grids = draft.labels[placed].tolist()
    kept = dict(zip(ids, grids, strict=True))
    if target >= 0:
        kept = dict.fromkeys(new, target) | kept
    session.execute(
        text("INSERT INTO assignments (version_id, unit_number, grid_number, community_id, ground_id)"
             " SELECT :version, u.number, t.grid, :community, :ground"
             " FROM unnest(cast(:ids AS text[]), cast(:grids AS integer[])) AS t (unit_id, grid)"
             " JOIN units u ON u.ground_id = :ground AND u.unit_id = t.unit_id"),
        values | {"ids": list(kept), "grids": list(kept.values())},
    )  # fmt: skip


def _touched(session: Session, before: Draft, after: Draft) -> set[int]:
    """Return the grids of units that are gone, are new, or whose ground got another outline."""
    changed = session.execute(
        text("SELECT unit_id FROM (SELECT unit_id, cell FROM units WHERE ground_id = :old) a"
             " FULL JOIN (SELECT unit_id, cell FROM units WHERE ground_id = :new) b USING (unit_id)"
             " WHERE ST_AsBinary(a.cell) IS DISTINCT FROM ST_AsBinary(b.cell)"),
        {"old": before.ground_id, "new": after.ground_id},
    ).scalars()  # fmt: skip
    touched: set[int] = set()
    for unit in changed:
        for draft in (before, after):
            if (number := draft.number_of_unit.get(unit)) is not None:
                touched.add(int(draft.labels[number]))
    return touched - {-1}
