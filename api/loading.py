"""A plan file into the store, in one transaction: all of it is there afterwards, or nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import shapely
from psycopg import Connection, sql
from psycopg.types.json import Jsonb
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.console import Report
from api.copying import GEOMETRY, copy_rows
from api.database import Store
from api.divisions import place_communities
from api.errors import ConflictError
from api.plan_file import PlanFile
from api.plan_reading import read_plan
from api.publishing import publish, submit
from geo.collector import collector_paused

# Loads wait for one another, so that two of the same file do not meet half way.
LOAD_LOCK = 7_714_202

_UNIT_TYPES = {
    "ground_id": "int8", "community_id": "int8", "number": "int4", "unit_id": "text", "households": "int4",
    "building_id": "text", "compound_id": "text", "address": "text", "divided_from": "text",
    "floor_from": "int2", "floor_to": "int2", "geom": GEOMETRY, "cell": GEOMETRY,
}  # fmt: skip
_GRID_TYPES = {
    "version_id": "uuid", "community_id": "int8", "number": "int4", "code": "text", "name": "text",
    "kind": "text", "households": "int4", "units": "int4", "status": "text", "reason": "text",
    "area_m2": "float8", "perimeter_m": "float8", "compactness": "float8", "geom": GEOMETRY,
}  # fmt: skip
_ASSIGNMENT_TYPES = {
    "version_id": "uuid", "community_id": "int8", "ground_id": "int8", "unit_number": "int4",
    "grid_number": "int4",
}  # fmt: skip
_FINDING_TYPES = {
    "version_id": "uuid", "community_id": "int8", "code": "text", "severity": "text", "grid_code": "text",
    "unit_ids": "text[]", "details": "jsonb", "geom": GEOMETRY,
}  # fmt: skip
# Columns of the layers around, beside `geom`.
_AROUND: Mapping[str, Mapping[str, str]] = {
    "roads": {"name": "text", "road_class": "text", "bridge": "bool"},
    "water": {"name": "text"},
    "barriers": {"name": "text"},
    "gates": {"name": "text"},
    "compounds": {"name": "text", "compound_id": "text", "walled": "bool"},
}


@dataclass(frozen=True)
class LoadedVersion:
    """A version of a community's plan, as loaded.

    Attributes
    ----------
    community : str
        Code of the community.
    plan_id, version_id : UUID
    is_new : bool
        False where the same plan had been loaded before and stands unchanged.
    """

    community: str
    plan_id: UUID
    version_id: UUID
    is_new: bool


@dataclass(frozen=True)
class Loaded:
    """What a load brought.

    Attributes
    ----------
    versions : tuple of LoadedVersion
    units, grids, grounds, around : int
        New rows: units and grounds of communities that changed, grids, features of the layers around.
    units_outside : int
        Units of the file outside every community.
    published : bool
    seconds : mapping of stage to float
        Wall-clock time of each stage.
    """

    versions: tuple[LoadedVersion, ...]
    units: int
    grids: int
    grounds: int
    around: int
    units_outside: int
    published: bool
    seconds: Mapping[str, float] = field(default_factory=dict)

    def told(self) -> dict[str, object]:
        """Return it as values for JSON."""
        return {
            "communities": len(self.versions),
            "new_versions": sum(version.is_new for version in self.versions),
            "new_grounds": self.grounds,
            "units": self.units,
            "micro_grids": self.grids,
            "features_around": self.around,
            "units_outside": self.units_outside,
            "published": self.published,
            "versions": [
                {
                    "community_id": version.community,
                    "plan_id": str(version.plan_id),
                    "version_id": str(version.version_id),
                    "new": version.is_new,
                }
                for version in self.versions
            ],
            "seconds": {stage: round(seconds, 2) for stage, seconds in self.seconds.items()},
        }


def load_plan_job(
    store: Store,
    path: Path,
    *,
    actor: int | None,
    grants: Mapping[str, Sequence[str]],
    report: Report,
    name: str | None = None,
    under: str | None = None,
    valid_from: date | None = None,
) -> dict[str, object]:
    """Load a plan file with the rights of a user and return what it brought, as values for JSON.

    Parameters
    ----------
    store : Store
    path : Path
        The plan file.
    actor, grants
        Who loads, and the areas of each of the user's roles.
    report : callable (stage, done, total)
        Called between steps; when it raises, nothing is loaded.
    name : str, optional
        Name of the plans, else that of the file.
    under : str, optional
        Code of the division below which communities without a 12-digit code stand.
    valid_from : date, optional
        Publish from this day.

    Raises
    ------
    InputError
        The file cannot be used.
    ServiceError
        The user may not load or publish there, or the store is in a state that forbids it.
    """
    plan = read_timed(path, report)
    with store.acting(actor, grants, long=True) as session:
        return load_plan(
            session, plan, name=name or path.stem, under=under, valid_from=valid_from, report=report
        ).told()


def load_plan_as_owner(
    store: Store,
    path: Path,
    *,
    report: Report,
    name: str | None = None,
    under: str | None = None,
    valid_from: date | None = None,
) -> Loaded:
    """Load a plan file from the command line, with the rights of whoever runs the service."""
    plan = read_timed(path, report)
    with Session(store.owner) as session, session.begin():
        return load_plan(
            session, plan, name=name or path.stem, under=under, valid_from=valid_from, report=report
        )


def read_timed(path: Path, report: Report) -> PlanFile:
    """Read a plan file under the stage `checking`."""
    report("checking", 0, 1)
    with collector_paused():
        plan = read_plan(path)
    report("checking", 1, 1)
    return plan


def load_plan(
    session: Session,
    plan: PlanFile,
    *,
    name: str,
    under: str | None = None,
    valid_from: date | None = None,
    report: Report,
) -> Loaded:
    """Load a plan in the transaction of a session.

    The ground of a community is known by what it holds: a plan on the same units stands on the same ground,
    and the same plan loaded again is found, not stored twice.

    Raises
    ------
    InputError, ServiceError
        As `load_plan_job`.
    """
    return _Load(session, plan, name, report).run(under, valid_from)


class _Load:
    """One load: what the steps share."""

    def __init__(self, session: Session, plan: PlanFile, name: str, report: Report) -> None:
        self.session = session
        self.plan = plan
        self.name = name
        self.report = report
        self.seconds: dict[str, float] = {}
        connection = session.connection().connection.driver_connection
        assert isinstance(connection, Connection)
        self.connection: Connection[Any] = connection

    def run(self, under: str | None, valid_from: date | None) -> Loaded:
        plan, connection = self.plan, self.connection
        with self._stage("divisions"):
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOAD_LOCK])
            self.community_ids = place_communities(connection, plan.communities, under=under)
            digests = plan.ground_digests()
        with self._stage("units"):
            grounds, new_grounds, n_units = self._grounds(digests)
        with self._stage("around"):
            around = sum(self._replace(layer) for layer in _AROUND if layer in plan.surroundings)
        with self._stage("grids"):
            versions = self._versions(grounds, plan.version_digests(digests))
            n_grids = self._fill(versions, grounds)
        if valid_from is not None:
            with self._stage("publishing"):
                self._publish(versions, valid_from)
        return Loaded(
            tuple(versions), n_units, n_grids, new_grounds, around, plan.units_outside,
            valid_from is not None, dict(self.seconds),
        )  # fmt: skip

    @contextmanager
    def _stage(self, stage: str) -> Iterator[None]:
        self.report(stage, 0, 1)
        started = time.perf_counter()
        yield
        self.seconds[stage] = time.perf_counter() - started
        self.report(stage, 1, 1)

    def _grounds(self, digests: Sequence[bytes]) -> tuple[list[int], int, int]:
        """Return the ground of each community, how many are new, and the units that came with them."""
        plan = self.plan
        known = {
            (community, bytes(sha256)): ground
            for community, sha256, ground in self.connection.execute(
                "SELECT community_id, sha256, id FROM grounds WHERE community_id = ANY(%s)",
                [self.community_ids],
            )
        }
        unit_rows, pair_rows = plan.slices(plan.units), plan.slices(plan.pairs)
        grounds, new = [], []
        for row, (community, digest) in enumerate(zip(self.community_ids, digests, strict=True)):
            ground = known.get((community, digest))
            if ground is None:
                ground = self._add_ground(community, digest, unit_rows[row], pair_rows[row])
                new.append(row)
            grounds.append(ground)
        taken = np.isin(plan.units["community"].to_numpy(), new)
        units = plan.units[taken]
        home = units["community"].to_numpy()
        columns = [
            np.array(grounds, np.int64)[home].tolist(),
            np.array(self.community_ids, np.int64)[home].tolist(),
            *(units[column].tolist() for column in list(_UNIT_TYPES)[2:]),
        ]
        rows = zip(*columns, strict=True)
        return grounds, len(new), copy_rows(self.connection, "units", _UNIT_TYPES, rows)

    def _add_ground(self, community: int, digest: bytes, units: slice, pairs: slice) -> int:
        of_pairs = self.plan.pairs.iloc[pairs]
        arrays = [of_pairs[column].tolist() for column in ("left", "right", "border_m", "crosses", "joins")]
        households = int(self.plan.units["households"].iloc[units].sum())
        found = self.connection.execute(
            "INSERT INTO grounds (community_id, loaded_by, n_units, households, sha256, pair_left,"
            " pair_right, border_m, crosses, joins)"
            " VALUES (%s, actor(), %s, %s, %s, %s, %s, %s::float8[]::real[], %s, %s) RETURNING id",
            [community, units.stop - units.start, households, digest, *arrays],
        ).fetchone()
        assert found is not None
        return int(found[0])

    def _replace(self, layer: str) -> int:
        """Put a layer's features in the place of those that lie in these communities and in no other.

        What reaches into other communities stays, for their sake; what is there already is not added again.
        """
        frame, connection = self.plan.surroundings[layer], self.connection
        shapes = np.array(frame.geometry, dtype=object)
        tree = shapely.STRtree(self.plan.communities["geom"].to_numpy())
        touching = np.unique(tree.query(shapes, predicate="intersects")[0])
        wkb = shapely.to_wkb(shapely.set_srid(shapes[touching], 4490), include_srid=True, byte_order=1)
        columns = [frame[column].to_numpy()[touching].tolist() for column in _AROUND[layer]]
        arriving = list(zip(*columns, wkb, strict=True))
        standing = connection.execute(
            sql.SQL(
                "SELECT old.id, lies_only_in(old.geom, %(ids)s), {}, ST_AsEWKB(old.geom, 'NDR')"
                " FROM {} AS old WHERE lies_in(old.geom, %(ids)s)"
            ).format(sql.SQL(", ").join(map(sql.Identifier, _AROUND[layer])), sql.Identifier(layer)),
            {"ids": self.community_ids},
        ).fetchall()
        wanted, kept, gone = set(arriving), set(), []
        for number, is_ours, *values, shape in standing:
            row = (*values, bytes(shape))
            if row in wanted:
                kept.add(row)
            elif is_ours:
                gone.append(number)
        connection.execute(sql.SQL("DELETE FROM {} WHERE id = ANY(%s)").format(sql.Identifier(layer)), [gone])
        types = {**_AROUND[layer], "geom": GEOMETRY}
        return copy_rows(connection, layer, types, (row for row in arriving if row not in kept))

    def _versions(self, grounds: Sequence[int], digests: Sequence[bytes]) -> list[LoadedVersion]:
        plan, connection = self.plan, self.connection
        plans = dict(
            connection.execute(
                "SELECT DISTINCT ON (community_id) community_id, id FROM plans"
                " WHERE name = %s AND community_id = ANY(%s) ORDER BY community_id, created_at, id",
                [self.name, self.community_ids],
            ).fetchall()
        )
        # A version that was edited since is no longer what the file says.
        standing = {
            (community, bytes(sha256)): version
            for community, sha256, version in connection.execute(
                "SELECT v.community_id, v.loaded_sha256, v.id FROM versions v WHERE v.plan_id = ANY(%s)"
                " AND v.loaded_sha256 IS NOT NULL AND v.state <> 'superseded' AND NOT EXISTS"
                " (SELECT FROM log l WHERE l.stream = 'edits' AND l.chain = v.id::text"
                " AND l.action <> 'accept_finding')",
                [list(plans.values())],
            )
        }
        parents = dict(
            connection.execute(
                "SELECT DISTINCT ON (community_id) community_id, id FROM versions"
                " WHERE community_id = ANY(%s)"
                " ORDER BY community_id, (state = 'published') DESC, created_at DESC, id",
                [self.community_ids],
            ).fetchall()
        )
        versions, new_plans, new_versions = [], [], []
        for row, community in enumerate(self.community_ids):
            plan_id = plans.get(community) or uuid4()
            if community not in plans:
                new_plans.append((plan_id, community, self.name))
            version_id = standing.get((community, digests[row]))
            is_new = version_id is None
            if version_id is None:
                version_id = uuid4()
                new_versions.append(
                    (version_id, plan_id, community, parents.get(community), grounds[row], plan.band.lower,
                     plan.band.upper, plan.seed, digests[row])
                )  # fmt: skip
            versions.append(
                LoadedVersion(str(plan.communities["code"].iloc[row]), plan_id, version_id, is_new)
            )
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO plans (id, community_id, name, created_by) VALUES (%s, %s, %s, actor())",
                new_plans,
            )
            cursor.executemany(
                "INSERT INTO versions (id, plan_id, community_id, parent_id, ground_id, min_households,"
                " max_households, seed, loaded_sha256, created_by)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, actor())",
                new_versions,
            )
        return versions

    def _fill(self, versions: Sequence[LoadedVersion], grounds: Sequence[int]) -> int:
        """Fill the new versions with grids, assignments and findings; return the number of grids."""
        plan, connection = self.plan, self.connection
        ids = np.array([version.version_id for version in versions], dtype=object)
        community_ids = np.array(self.community_ids, np.int64)
        new = np.array([version.is_new for version in versions], dtype=bool)

        grids = plan.grids[new[plan.grids["community"].to_numpy()]]
        at = grids["community"].to_numpy()
        columns = [grids[column].tolist() for column in list(_GRID_TYPES)[2:]]
        rows = zip(ids[at].tolist(), community_ids[at].tolist(), *columns, strict=True)
        n_grids = copy_rows(connection, "grids", _GRID_TYPES, rows)

        home, grid = plan.units["community"].to_numpy(), plan.units["grid"].to_numpy()
        placed = (grid >= 0) & new[home]
        at = home[placed]
        rows = zip(
            ids[at].tolist(), community_ids[at].tolist(), np.array(grounds, np.int64)[at].tolist(),
            plan.units["number"].to_numpy()[placed].tolist(), grid[placed].tolist(), strict=True,
        )  # fmt: skip
        copy_rows(connection, "assignments", _ASSIGNMENT_TYPES, rows)

        found = plan.findings[new[plan.findings["community"].to_numpy(dtype=np.int64)]]
        at = found["community"].to_numpy(dtype=np.int64)
        columns = [found[column].tolist() for column in ("code", "severity", "grid_code", "unit_ids")]
        details = [Jsonb(values) for values in found["details"]]
        rows = zip(
            ids[at].tolist(),
            community_ids[at].tolist(),
            *columns,
            details,
            found["geom"].tolist(),
            strict=True,
        )
        copy_rows(connection, "findings", _FINDING_TYPES, rows)
        return n_grids

    def _publish(self, versions: Sequence[LoadedVersion], valid_from: date) -> None:
        """Publish what is not yet in force from that day."""
        ids = [version.version_id for version in versions]
        states = {
            version: (state, since)
            for version, state, since in self.session.execute(
                text("SELECT id, state, valid_from FROM versions WHERE id = ANY(:ids)"), {"ids": ids}
            )
        }
        for version in versions:
            state, since = states[version.version_id]
            if state == "published" and since != valid_from:
                raise ConflictError(
                    "already_in_force",
                    f"community {version.community}: this plan is in force there from {since} already;"
                    " publish it from that day, or load it under another name",
                    community=version.community,
                    since=since.isoformat(),
                )
        waiting = [version for version in ids if states[version] != ("published", valid_from)]
        submit(self.session, [version for version in waiting if states[version][0] == "draft"])
        publish(self.session, waiting, valid_from)
