"""Plan files of the sample town, and readers of the store, for tests of loading and publishing."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import text

from api.database import Store
from geo.partition import Band
from geo.plan_layers import PlanLayers, read_plan_layers
from geo.planning import plan
from geo.synthetic import write_sample
from maps.plan_file import plan_frames, write_frames

TOWN = ("320706001001", "320706001007", "320706011004")


def town_layers(folder: Path) -> PlanLayers:
    written = write_sample(folder)
    return read_plan_layers(
        {kind: str(path) for kind, path in written.items() if kind not in ("stations", "incidents")}
    )


def write_town_plan(layers: PlanLayers, path: Path, *, upper: int = 100) -> Path:
    write_frames(plan_frames(plan(layers, band=Band(50, upper)), {}), path)
    return path


def altered(plan_file: Path, path: Path, *statements: str) -> Path:
    """Return a copy of a plan file after some SQL."""
    shutil.copyfile(plan_file, path)
    database = sqlite3.connect(path)
    with database:
        # The spatial index of a layer is kept by functions that only GDAL has.
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        for statement in statements:
            assert database.execute(statement).rowcount > 0, statement
    database.close()
    return path


def rows(store: Store, query: str, **values: Any) -> list[Any]:
    with store.owner.connect() as owner:
        return [tuple(row) for row in owner.execute(text(query), values)]


def one(store: Store, query: str, **values: Any) -> Any:
    ((value,),) = rows(store, query, **values)
    return value


def silent(stage: str, done: int, total: int) -> None:
    """Report to nobody."""


TABLES = (
    "divisions", "grounds", "units", "roads", "water", "barriers", "gates", "compounds", "plans", "versions",
    "grids", "assignments", "findings", "stations", "log", "events",
)  # fmt: skip


def contents(store: Store) -> dict[str, tuple[int, str]]:
    """Return the number of rows and a checksum of each table."""
    return {
        table: rows(
            store,
            "SELECT count(*), coalesce(md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))), '')"
            f" FROM {table} t",
        )[0]
        for table in TABLES
    }
