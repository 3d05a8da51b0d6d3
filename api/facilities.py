"""What stations offer: codes of facilities, and the words by which registers name them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources


@cache
def facility_words() -> Mapping[str, tuple[str, ...]]:
    """Return the words of each code of a facility (`api/data/facilities.toml`)."""
    source = resources.files("api") / "data" / "facilities.toml"
    table = tomllib.loads(source.read_text(encoding="utf-8"))["words"]
    return {code: tuple(words) for code, words in table.items()}


def facility_codes(facilities: Iterable[str]) -> list[str]:
    """Return the codes that the facilities of a station are known by, in the order of the table."""
    named = list(facilities)
    return [code for code, words in facility_words().items() if is_named(named, words)]


def is_named(facilities: Iterable[str], words: Sequence[str]) -> bool:
    """Return whether one of the facilities has one of the words in its name."""
    return any(word in facility for facility in facilities for word in words)
