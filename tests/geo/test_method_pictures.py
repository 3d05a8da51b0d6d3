"""The pictures of docs/method.md are what the program draws today."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_pictures_of_the_method_are_those_that_the_program_draws(tmp_path: Path):
    subprocess.run([sys.executable, DOCS / "draw_method.py", tmp_path], check=True, cwd=DOCS.parent)

    drawn = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    kept = {path.name: path.read_bytes() for path in (DOCS / "pictures").glob("method-*.svg")}
    shown = re.findall(r"\]\(pictures/([^)]+)\)", (DOCS / "method.md").read_text(encoding="utf-8"))

    assert drawn == kept
    assert sorted(shown) == sorted(drawn)
