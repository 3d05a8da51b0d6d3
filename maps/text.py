"""Every word a reader sees, looked up by key in `maps/locale`."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib import resources
from string import Formatter
from typing import Any, Literal, TypeAlias, get_args

Language: TypeAlias = Literal["zh_CN", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


@cache
def words(language: Language) -> Mapping[str, str]:
    """Return all texts of a language, keys joined by dots (`finding.unit_too_large`)."""
    source = resources.files("maps") / "locale" / f"{language}.json"
    return dict(_flat("", json.loads(source.read_text(encoding="utf-8"))))


def _flat(prefix: str, section: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in section.items():
        if isinstance(value, str):
            pairs.append((prefix + key, value))
        else:
            pairs += _flat(f"{prefix}{key}.", value)
    return pairs


def text(key: str, language: Language, **values: object) -> str:
    """Return the text of `key`, filled with `values`.

    Beside what `str.format` knows, `{units:unit|units}` is the word for one or for several of a number.

    Raises
    ------
    KeyError
        The key or one of the values its text names is missing.
    """
    said = words(language)[key]
    return _COUNTING.vformat(said, (), values) if "|" in said else said.format_map(values)


def said_by_others(reason: str, language: Language) -> str:
    """Return what a library says of a fault, in the reader's language where it is known, else as it is."""
    return words(language).get(f"said_by_others.{reason}", reason)


class _Counting(Formatter):
    """Formats a number, or one that is written already, as the word it asks for: `{units:unit|units}`."""

    def format_field(self, value: Any, format_spec: str) -> Any:
        one, or_, several = format_spec.partition("|")
        return (one if value in (1, "1") else several) if or_ else super().format_field(value, format_spec)


_COUNTING = _Counting()


# Marks that turn the direction of what follows: harmless in a page that isolates them, not in a terminal.
_TURNING = frozenset(
    "\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
)

_BREAKS = re.compile(r"[\r\n\t\v\f]+")


def printable(words_typed_by_people: str, *, keeps: str = "") -> str:
    """Return a text as one line for a terminal: controls and direction marks as escapes.

    Parameters
    ----------
    keeps : str, default ""
        Characters that stay as they are.
    """
    if words_typed_by_people.isprintable():  # nearly all are
        return words_typed_by_people
    return "".join(
        character.encode("unicode_escape").decode()
        if character not in keeps
        and (character in _TURNING or unicodedata.category(character) in {"Cc", "Cs"})
        else character
        for character in words_typed_by_people
    )


def one_line(value: object) -> str:
    """Return what people typed as one line of a page: breaks and tabs as spaces, the rest `printable`."""
    return printable(_BREAKS.sub(" ", str(value)))
