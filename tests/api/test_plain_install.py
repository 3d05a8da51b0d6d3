"""Commands in an installation without the packages of the service: one line where something is wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Names under which packages of the service are imported, where these differ from the packages'.
MODULES = {
    "argon2-cffi": "argon2", "pillow": "PIL", "prometheus-client": "prometheus_client",
    "pydantic-settings": "pydantic_settings", "python-json-logger": "pythonjsonlogger",
    "python-multipart": "python_multipart",
}  # fmt: skip
_WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
from api.cli import main
sys.argv = ["weige", "--lang", "en", *sys.argv[1:]]
main()
"""


def locked(name: str) -> set[str]:
    lines = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    return {
        found.lower() for found in re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==", lines, re.MULTILINE)
    }


def server_modules() -> set[str]:
    only_there = locked("server.txt") - locked("base.txt")
    assert {"fastapi", "sqlalchemy", "uvicorn"} <= only_there
    return {MODULES.get(name, name.replace("-", "_")) for name in only_there}


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    code = _WITHOUT.format(names=sorted(server_modules()))
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], check=False, capture_output=True, text=True, cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(folder)}, timeout=120,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("plan", "--units", "no.shp", "--communities", "no.shp", "-o", "p.gpkg"), "no.shp"),
        (("check", "--units", "no.shp", "--grids", "no.shp"), "no.shp"),
        (("reach", "no.gpkg", "--stations", "no.csv", "-o", "r.gpkg"), "no.gpkg"),
        (("site", "no.gpkg", "--stations", "no.csv", "--new", "1", "-o", "r.gpkg"), "no.gpkg"),
        (("link", "no.gpkg", "--members", "no.csv", "-o", "r.gpkg"), "no.gpkg"),
        (("overlay", "no.gpkg", "no2.gpkg", "-o", "r.gpkg"), "no.gpkg"),
        (("map", "no.gpkg", "-o", "m.html"), "no.gpkg"),
        (("atlas", "no.gpkg", "-o", "m.pdf"), "no.gpkg"),
        (("workbook", "no.gpkg", "-o", "m.xlsx"), "no.gpkg"),
        (("rebalance", "no.gpkg", "-o", "m.gpkg"), "no.gpkg"),
        (("serve",), "weige[server]"),
        (("worker",), "weige[server]"),
        (("cases", "verify-log"), "weige[server]"),
        (("stations", "export", "s.csv"), "weige[server]"),
        (("db", "backup", "b.tar"), "weige[server]"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_wrong_is_one_line_without_the_packages_of_the_service(arguments, said, tmp_path):
    done = run(*arguments, folder=tmp_path)

    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert list(tmp_path.iterdir()) == []
