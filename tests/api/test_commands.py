"""The commands that touch the store, as people type them."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import make_url

from api.cluster import Cluster
from api.database import Store, store_of
from api.errors import ClusterError
from api.main import create_app
from api.settings import Settings
from tests.api.plans import rows, town_layers, write_town_plan
from tests.api.processes import free_port

ROOT = Path(__file__).parents[2]


def weige(
    *arguments: str, cwd: Path = ROOT, user: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    cleared = {
        name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "WEIGE_DATA_DIR")
    }
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *arguments],
        capture_output=True, text=True, cwd=cwd, timeout=120, check=False, user=user,
        env={**cleared, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", **environment},
    )  # fmt: skip


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line of a command that was refused."""
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr[-2000:])
    assert done.stderr.count("\n") == 1, done.stderr[-2000:]
    return done.stderr


@pytest.fixture(scope="module")
def plan_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("town")
    return write_town_plan(town_layers(folder / "layers"), folder / "town.gpkg")


def test_a_plan_published_without_a_day_is_in_force_from_today(store: Store, plan_file: Path):
    done = weige("load", str(plan_file), "--publish", DATABASE_URL=store.url)
    assert done.returncode == 0, done.stderr
    ((day,),) = rows(store, "SELECT DISTINCT valid_from FROM versions WHERE state = 'published'")
    assert abs(day - datetime.now(UTC).date()) <= timedelta(days=1)
    assert rows(store, "SELECT count(*) > 0 FROM published.micro_grids") == [(True,)]


def test_a_day_is_for_what_is_published(store: Store, plan_file: Path):
    done = weige("load", str(plan_file), "--valid-from", "2026-12-01", DATABASE_URL=store.url)
    assert "--publish" in refused(done)


@pytest.mark.parametrize(
    "command",
    [("serve", "--port", str(free_port())), ("worker",), ("user", "add", "li"), ("db", "backup", "b.weige"),
     ("db", "upgrade")],
)  # fmt: skip
def test_a_data_folder_that_is_a_file_is_refused_in_one_line(tmp_path: Path, command: tuple[str, ...]):
    (tmp_path / "file").write_text("")
    assert "file" in refused(weige(*command, "--data-dir", str(tmp_path / "file"), cwd=tmp_path))


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_a_data_folder_of_another_user_is_named(cluster: Cluster):
    os.seteuid(65534)
    try:
        with pytest.raises(ClusterError) as fault, store_of(Settings(data_dir=cluster.folder)):
            pass
    finally:
        os.seteuid(0)
    assert (fault.value.code, fault.value.file) == ("folder_not_writable", str(cluster.folder))


@pytest.mark.parametrize(
    ("url", "said"),
    [("nonsense", "DATABASE_URL"), ("mysql://root@localhost/x", "DATABASE_URL"),
     # Nothing listens on the first port of all.
     ("postgresql://weige@127.0.0.1:1/weige", "does not answer")],
    ids=["nonsense", "mysql", "away"],
)  # fmt: skip
@pytest.mark.parametrize(
    "command", [("serve", "--port", str(free_port())), ("user", "add", "li")], ids=lambda command: command[0]
)
def test_a_database_that_is_not_there_is_told_in_one_line(
    tmp_path: Path, command: tuple[str, ...], url: str, said: str
):
    assert said in refused(weige(*command, "--data-dir", str(tmp_path / "d"), DATABASE_URL=url))
    assert not (tmp_path / "d").exists()


def with_role(cluster: Cluster, role: str, *also: str) -> str:
    """Return the address of a database of its own that belongs to a role with no right but those given."""
    root = make_url(cluster.url).set(drivername="postgresql")
    with psycopg.connect(
        root.set(database="postgres").render_as_string(hide_password=False), autocommit=True
    ) as admin:
        admin.execute(f"CREATE ROLE {role} LOGIN")  # type: ignore[arg-type]
        admin.execute(f"CREATE DATABASE {role} OWNER {role} TEMPLATE template0")  # type: ignore[arg-type]
    with psycopg.connect(root.set(database=role).render_as_string(hide_password=False)) as database:
        for statement in also:
            database.execute(statement)  # type: ignore[arg-type]
    return root.set(database=role, username=role).render_as_string(hide_password=False)


def test_a_role_without_the_rights_is_told_what_they_are(cluster: Cluster):
    told = refused(weige("db", "upgrade", DATABASE_URL=with_role(cluster, "meek")))
    assert "CREATE EXTENSION IF NOT EXISTS postgis" in told
    assert "CREATEROLE" in told


def test_a_role_with_the_documented_rights_makes_and_serves_a_store(cluster: Cluster):
    # The store's roles belong to the server: of those that another owner made this one must be told.
    url = with_role(
        cluster, "able", "CREATE EXTENSION postgis", "CREATE EXTENSION ltree", "CREATE EXTENSION btree_gist",
        "ALTER ROLE able CREATEROLE", "GRANT weige_app, weige_public, weige_vault TO able WITH ADMIN OPTION",
    )  # fmt: skip
    assert weige("db", "upgrade", DATABASE_URL=url).returncode == 0
    with TestClient(create_app(Settings(), url)) as client:
        assert client.get("/readyz").status_code == 200
        assert client.get("/ogc/collections").status_code == 200


@pytest.mark.parametrize(
    "command",
    [("load", "--stations", "s.csv"), ("user", "add", "li"), ("db", "backup", "b.weige"), ("worker",)],
)
def test_a_command_in_another_folder_makes_no_second_store(tmp_path: Path, command: tuple[str, ...]):
    assert "--data-dir" in refused(weige(*command, cwd=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_made_for_a_backup_that_is_none(tmp_path: Path):
    refused(weige("db", "restore", "nope", cwd=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_data_folder_without_a_name_is_refused(tmp_path: Path):
    assert "--data-dir" in refused(weige("db", "upgrade", "--data-dir", "", cwd=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_loaded_plan_in_force_from_another_day_is_named_with_the_remedy(store: Store, plan_file: Path):
    assert weige("load", str(plan_file), "--publish", DATABASE_URL=store.url).returncode == 0
    again = ("load", str(plan_file), "--publish", "--valid-from", "2031-01-01")
    told = refused(weige(*again, DATABASE_URL=store.url))
    assert "320706001001" in told
    assert "--name" in told
    assert weige(*again, "--name", "next", DATABASE_URL=store.url).returncode == 0
