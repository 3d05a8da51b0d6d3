"""Every bad input ends in one line on stderr and exit code 2, and leaves nothing behind."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import stat
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

import tests.bad_input.attributes
import tests.bad_input.containers
import tests.bad_input.crs
import tests.bad_input.encoding
import tests.bad_input.geometry
import tests.bad_input.hostile_text
import tests.bad_input.rebalance  # noqa: F401
from maps.text import words
from tests.bad_input.cases import CASES, Case, good_communities, good_units

ROOT = Path(__file__).parents[2]
TURNING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
FAMILIES = {"encoding", "CRS", "geometry", "attributes", "containers", "hostile text", "rebalance"}


@dataclass
class Answer:
    code: int
    seconds: float
    stdout: str
    stderr: str


class CommandLine:
    """The forking command line, its network watched by a proxy that must never be asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.proxy = socket.create_server(("127.0.0.1", 0))
        self.proxy.setblocking(False)
        address = f"http://127.0.0.1:{self.proxy.getsockname()[1]}"
        self.environment = {
            **dict.fromkeys(
                ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"), address
            ),
            "PROJ_NETWORK": "ON",
            "TMPDIR": "",
            "HOME": "",
            "LANG": "en_US.UTF-8",
        }
        environment = {
            **os.environ,
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.server = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).with_name("server.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=ROOT,
            text=True,
        )

    def run(self, arguments: list[str], folder: Path) -> Answer:
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        outside = self.folder / "streams"
        outside.mkdir(exist_ok=True)
        environment = {**self.environment, "TMPDIR": str(folder), "HOME": str(folder)}
        request = {
            "arguments": arguments,
            "folder": str(folder),
            "stdout": str(outside / "out"),
            "stderr": str(outside / "err"),
            "environment": environment,
        }
        self.server.stdin.write(json.dumps(request) + "\n")
        self.server.stdin.flush()
        answer = json.loads(self.server.stdout.readline())
        return Answer(
            answer["code"],
            answer["seconds"],
            (outside / "out").read_text(encoding="utf-8"),
            (outside / "err").read_text(encoding="utf-8"),
        )

    def was_asked(self) -> bool:
        try:
            connection, _ = self.proxy.accept()
        except BlockingIOError:
            return False
        connection.close()
        return True

    def close(self) -> None:
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        self.server.stdin.close()
        self.server.wait(timeout=30)
        self.server.stdout.close()
        self.proxy.close()


@pytest.fixture(scope="session")
def command_line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    line = CommandLine(tmp_path_factory.mktemp("command_line"))
    yield line
    line.close()


@pytest.fixture(scope="session")
def plan_file(command_line: CommandLine) -> str:
    """A plan made from good layers by the command line itself."""
    folder = command_line.folder / "plan"
    folder.mkdir()
    good_units().to_file(folder / "units.gpkg")
    good_communities().to_file(folder / "communities.gpkg")
    arguments = ["plan", "--units", "units.gpkg", "--communities", "communities.gpkg", "-o", "plan.gpkg"]
    answer = command_line.run(arguments, folder)
    assert answer.code == 0, answer.stderr
    return str(folder / "plan.gpkg")


def contents(folder: Path) -> dict[str, Any]:
    """What lies in a folder: names, kinds, sizes and content."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        small = stat.S_ISREG(status.st_mode) and status.st_size < 1 << 26
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if small else ""
        found[str(path.relative_to(folder))] = (status.st_mode, status.st_size, status.st_mtime_ns, digest)
    return found


def sentence_pattern(code: str) -> re.Pattern[str]:
    """The English sentence of an error, or of wrong usage, with anything in the place of its values."""
    key = f"cli.{code}" if code.startswith("usage.") else f"error.{code}"
    pieces = [
        re.escape(literal) + (".*" if name is not None else "")
        for literal, name, _, _ in Formatter().parse(words("en")[key])
    ]
    return re.compile("".join(pieces), re.DOTALL)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.family}-{case.name}".replace(" ", "_"))
def test_a_bad_input_is_refused_in_one_line_and_leaves_nothing(
    case: Case, command_line: CommandLine, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    arguments = case.build(tmp_path)
    if "PLAN" in arguments:
        plan = request.getfixturevalue("plan_file")
        arguments = [plan if argument == "PLAN" else argument for argument in arguments]
    before = contents(tmp_path)

    answer = command_line.run([*arguments, "--lang", "en"], tmp_path)

    assert answer.code == 2, answer
    assert answer.stdout == ""
    line, newline, rest = answer.stderr.partition("\n")
    assert (newline, rest) == ("\n", ""), answer.stderr
    assert not line.startswith("Traceback")
    assert not [sign for sign in line if unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp")], ascii(line)
    assert not [sign for sign in line if sign in TURNING], ascii(line)
    assert len(line) < 1000
    assert sentence_pattern(case.code).search(line), f"{case.code}: {line}"
    for name in case.says:
        assert name in line, f"{name}: {line}"
    assert contents(tmp_path) == before
    assert not command_line.was_asked()


def test_there_are_cases_enough_in_all_families() -> None:
    families = Counter(case.family for case in CASES)

    assert families.keys() == FAMILIES
    assert min(families.values()) >= 15
    assert len(CASES) >= 150
