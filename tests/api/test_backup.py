"""Backups of a real PostGIS, taken while others write, and restored into another server."""

from __future__ import annotations

import json
import shutil
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from api.backup import restore_backup, write_backup
from api.cluster import Cluster
from api.database import Store
from api.errors import ClusterError
from api.loading import load_plan_as_owner
from api.settings import Settings
from geo.errors import InputError
from tests.api.plans import contents, one, silent, town_layers, write_town_plan


@pytest.fixture(scope="module")
def plan_file(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("town")
    return write_town_plan(town_layers(folder / "layers"), folder / "town.gpkg")


@pytest.fixture
def filled(store, plan_file, tmp_path) -> tuple[Store, Settings]:
    """A store with a published plan, and a data folder with files."""
    load_plan_as_owner(store, plan_file, report=silent, valid_from=date(2026, 9, 1))
    folder = tmp_path / "data"
    (folder / "uploads").mkdir(parents=True)
    (folder / "uploads" / "a.gpkg").write_bytes(b"a" * 100_000)
    (folder / "results").mkdir()
    (folder / "results" / "地图.html").write_text("map")
    (folder / "postgres").mkdir()
    (folder / "postgres" / "PG_VERSION").write_text("17")
    return store, Settings(data_dir=folder)


@pytest.fixture
def empty() -> Iterator[Store]:
    """A database without tables on another server, where not even the roles are known."""
    with tempfile.TemporaryDirectory(prefix="weige-") as folder:
        Path(folder).chmod(0o755)
        with Cluster(Path(folder)).held() as cluster:
            store = Store(cluster.url)
            yield store
            store.close()


def write_all_the_while(store: Store, ended: threading.Event) -> None:
    """Rows come and go in several tables, always as many grounds more as divisions more."""
    number = 0
    while not ended.is_set():
        number += 1
        with store.owner.begin() as owner:
            division = owner.execute(
                text(
                    "INSERT INTO divisions (parent_id, level, code)"
                    " SELECT id, 'community', :code FROM divisions WHERE level = 'all' RETURNING id"
                ),
                {"code": f"w{number}"},
            ).scalar_one()
            owner.execute(
                text(
                    "INSERT INTO grounds (community_id, n_units, households, sha256, pair_left, pair_right,"
                    " border_m, crosses, joins) VALUES (:id, 0, 0, sha256('x'), '{}', '{}', '{}', '{}', '{}')"
                ),
                {"id": division},
            )
            owner.execute(text("SELECT log_append('audit', '0', 'wrote', '{}')"))
            owner.execute(
                text("UPDATE findings SET details = details || jsonb_build_object('n', cast(:n AS int))"),
                {"n": number},
            )


def test_a_backup_taken_under_load_comes_back_equal_row_by_row(filled, empty, tmp_path):
    store, settings = filled
    ended = threading.Event()
    writer = threading.Thread(target=write_all_the_while, args=(store, ended))
    writer.start()
    try:
        made = write_backup(store, settings, tmp_path / "b.weige", silent)
    finally:
        ended.set()
        writer.join()
    there = Settings(data_dir=tmp_path / "elsewhere")

    back = restore_backup(empty, there, tmp_path / "b.weige", silent)

    assert back == made
    # Hashes of passwords are in it, and what people sent: nothing for the other users of the machine.
    assert (tmp_path / "b.weige").stat().st_mode & 0o777 == 0o600
    for folder in ("uploads", "results"):
        assert (there.data_dir / folder).stat().st_mode & 0o777 == 0o700
    # What was written after the snapshot is not in it: the load did go on.
    assert one(store, "SELECT count(*) FROM divisions") > one(empty, "SELECT count(*) FROM divisions")
    written = one(empty, "SELECT count(*) FROM divisions WHERE code LIKE 'w%'")
    assert one(empty, "SELECT count(*) FROM grounds WHERE n_units = 0") == written
    assert one(empty, "SELECT count(*) FROM log WHERE action = 'wrote'") == written
    for table in ("units", "grids", "assignments", "roads", "plans", "versions"):
        assert contents(empty)[table] == contents(store)[table]
    assert (there.data_dir / "uploads" / "a.gpkg").read_bytes() == b"a" * 100_000
    assert (there.data_dir / "results" / "地图.html").read_text() == "map"
    assert not (there.data_dir / "postgres").exists()


def test_a_restored_store_guards_rows_and_goes_on(filled, empty, tmp_path, plan_file):
    store, settings = filled
    write_backup(store, settings, tmp_path / "b.weige", silent)
    restore_backup(empty, Settings(data_dir=tmp_path / "elsewhere"), tmp_path / "b.weige", silent)

    with empty.acting(None, {}) as session:
        assert session.execute(text("SELECT count(*) FROM units")).scalar_one() == 0
    empty.migrate()
    before = contents(empty)
    again = load_plan_as_owner(empty, plan_file, report=silent, valid_from=date(2026, 9, 1))
    assert (again.grounds, contents(empty)) == (0, before)
    load_plan_as_owner(empty, plan_file, name="another", report=silent)
    assert one(empty, "SELECT count(*) FROM versions") == 6


def test_a_backup_is_restored_into_an_empty_store_only(filled, tmp_path):
    store, settings = filled
    write_backup(store, settings, tmp_path / "b.weige", silent)
    before = contents(store)
    with pytest.raises(InputError) as refused:
        restore_backup(store, Settings(data_dir=tmp_path / "elsewhere"), tmp_path / "b.weige", silent)
    assert refused.value.code == "store_not_empty"
    assert contents(store) == before


def damaged(source: Path, target: Path, change) -> Path:
    """Return a backup whose members went through `change(name, content)`."""
    import io

    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for member in old:
            content = change(member.name, old.extractfile(member).read())
            if content is None:
                continue
            info = tarfile.TarInfo(member.name)
            info.size = len(content)
            new.addfile(info, io.BytesIO(content))
    return target


def manifest_change(**values):
    def change(name: str, content: bytes) -> bytes:
        if name != "manifest.json":
            return content
        told = json.loads(content)
        for key, value in values.items():
            told[key] = value(told[key])
        return json.dumps(told).encode()

    return change


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda name, content: content[:-1] + b"?" if name == "database.dump" else content,
         "another checksum"),
        (lambda name, content: None if name == "manifest.json" else content, "manifest.json"),
        (lambda name, content: None if name.startswith("files/uploads") else content, "is missing"),
        (manifest_change(files=lambda files: {"../../etc/x": "0", **files}), "outside the data folder"),
        (manifest_change(format=lambda _: 99), "unknown format"),
        (manifest_change(tables=lambda tables: {**tables, "weige.units": [1, "0"]}),
         "weige.units is not as it was"),
    ],
)  # fmt: skip
def test_a_damaged_backup_is_refused_and_leaves_nothing(filled, cluster, tmp_path, change, what):
    store, settings = filled
    write_backup(store, settings, tmp_path / "b.weige", silent)
    bad = damaged(tmp_path / "b.weige", tmp_path / "bad.weige", change)
    admin = create_engine(
        make_url(cluster.url).set(drivername="postgresql+psycopg", database="postgres"),
        isolation_level="AUTOCOMMIT",
    )
    with admin.connect() as connection:
        connection.execute(text("CREATE DATABASE bare TEMPLATE template0"))
    bare = Store(make_url(cluster.url).set(database="bare").render_as_string(hide_password=False))
    there = Settings(data_dir=tmp_path / "elsewhere")
    try:
        with pytest.raises(InputError, match=what):
            restore_backup(bare, there, bad, silent)
        assert one(bare, "SELECT count(*) FROM pg_namespace WHERE nspname IN ('weige', 'published')") == 0
        assert list(there.data_dir.iterdir()) == []
    finally:
        bare.close()
        with admin.connect() as connection:
            connection.execute(text("DROP DATABASE bare WITH (FORCE)"))
        admin.dispose()


def test_a_failed_backup_leaves_the_file_that_was_there(filled, tmp_path, monkeypatch):
    store, settings = filled
    target = tmp_path / "b.weige"
    target.write_bytes(b"the one before")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClusterError, match="pg_dump"):
        write_backup(store, replace(settings, database_url=store.url), target, silent)
    assert target.read_bytes() == b"the one before"
    assert {path.name for path in tmp_path.iterdir()} == {"b.weige", "data"}


@pytest.mark.skipif(shutil.which("pg_dump") is None, reason="no pg_dump on the path")
def test_a_database_that_was_named_is_dumped_by_the_client_on_the_path(filled, tmp_path):
    store, settings = filled
    made = write_backup(store, replace(settings, database_url=store.url), tmp_path / "b.weige", silent)
    assert made.counts()["rows"] > 0
