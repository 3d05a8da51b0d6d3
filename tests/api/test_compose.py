from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _runs(docker: str) -> bool:
    asked = subprocess.run([docker, "compose", "version"], capture_output=True, check=False)
    return asked.returncode == 0


def has_compose() -> bool:
    docker = shutil.which("docker")
    return docker is not None and _runs(docker)


@pytest.mark.skipif(not has_compose(), reason="docker compose is not installed")
def test_docker_accepts_the_compose_file():
    done = subprocess.run(
        ["docker", "compose", "config", "--quiet"], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "POSTGRES_PASSWORD": "secret", "WEIGE_HOST": "weige.example"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
