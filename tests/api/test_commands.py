"""The commands that touch the store, as people type them."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.database import Store
from tests.api.plans import rows, town_layers, write_town_plan

ROOT = Path(__file__).parents[2]


def weige(
    *arguments: str, cwd: Path = ROOT, user: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    cleared = {
        name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "WEIGE_DATA_DIR")
    }
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *arguments, "--lang", "en"],
        capture_output=True, text=True, cwd=cwd, timeout=120, check=False, user=user,
        env={**cleared, "PYTHONPATH": str(ROOT), **environment},
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
