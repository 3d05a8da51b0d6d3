"""What is wrong with a command line, in the reader's language: one sentence for each usual mistake."""

from __future__ import annotations

import re
from collections.abc import Mapping

from typer import TyperException

from maps.text import Language, text

_INVALID = "Invalid value for (?P<option>.*?): "

# What typer says in English, and the key under `cli.usage` that says the same; the rest is told as it is.
_SENTENCES: tuple[tuple[str, str], ...] = (
    ("no_command", r"Missing command\."),
    ("no_such_command", r"No such command '(?P<given>.*?)'\.(?: Did you mean (?P<near>.*)\?)?"),
    ("no_such_option", r"No such option: (?P<given>\S+)(?: \(Possible options: (?P<near>.*)\))?"),
    ("no_such_option", r"No such option: (?P<given>\S+) Did you mean (?P<near>.*)\?"),
    ("unexpected_argument", r"Got unexpected extra arguments?(?:\(s\))? \((?P<given>.*)\)"),
    ("option_without_value", r"Option '(?P<option>.*?)' does not take a value\."),
    ("option_needs_value", r"Option '(?P<option>.*?)' requires an argument\."),
    ("missing_option", r"Missing option '(?P<option>.*?)'\..*"),
    ("missing_argument", r"Missing argument '(?P<option>.*?)'\..*"),
    ("not_whole", rf"{_INVALID}Input should be a valid integer.*"),
    ("not_a_number", rf"{_INVALID}Input should be a valid number.*"),
    ("too_low", rf"{_INVALID}Input should be greater than or equal to (?P<least>.*)"),
    (
        "not_one_of",
        rf"{_INVALID}Value error, (?P<given>.*) is not one of (?P<choices>.*)\.",
    ),
    ("invalid_value", rf"{_INVALID}(?P<given>.*)"),
)


def is_bare(error: TyperException) -> bool:
    """Whether nothing was asked for: what the error then holds is the help page."""
    return type(error).__name__ == "NoArgsIsHelpError"


def usage_line(error: TyperException, language: Language) -> str:
    """Return a usage error as one line in the reader's language, in English where it is an unusual one."""
    said = " ".join(error.format_message().split())
    for key, pattern in _SENTENCES:
        found = re.fullmatch(pattern, said, flags=re.DOTALL)
        if found:
            command = getattr(getattr(error, "ctx", None), "info_name", "")
            # The one command whose option takes several values, which are easily written apart.
            apart = key == "unexpected_argument" and command == "reach"
            return _filled("unexpected_at_reach" if apart else key, found.groupdict(), language)
    return said


def _filled(key: str, groups: Mapping[str, str | None], language: Language) -> str:
    """Return the sentence of a mistake, and what may have been meant where that is known."""
    values = {name: _plain(value) for name, value in groups.items() if value}
    sentence = text(f"cli.usage.{key}", language, **values)
    return sentence + text("cli.usage.near", language, near=values["near"]) if "near" in values else sentence


def _plain(value: str) -> str:
    """Return the names of an option or a choice without the quotes that typer puts round them."""
    return value.replace("'", "")
