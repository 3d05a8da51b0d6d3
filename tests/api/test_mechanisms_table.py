"""docs/mechanisms.md names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def test_every_test_that_the_table_of_mechanisms_names_exists():
    named = NAMED.findall((ROOT / "docs" / "mechanisms.md").read_text(encoding="utf-8"))
    assert len(named) > 40
    missing = [
        (file, test)
        for file, test in named
        if not (ROOT / file).is_file()
        or (test and f"def {test}(" not in (ROOT / file).read_text(encoding="utf-8"))
    ]
    assert missing == []
