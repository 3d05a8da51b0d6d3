"""Which column of a layer is which: the names offices use, and what is personal and must not be kept."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from geo.errors import InputError
from geo.names import listed, shortened

# A DBF file cuts column names to ten bytes.
_SHORT_BYTES = 10

# Telephone and identity numbers in mainland China; full-width digits count as digits.
_DIGIT = "[0-9\uff10-\uff19]"
_MOBILE = rf"(?<!{_DIGIT})[1\uff11][3-9\uff13-\uff19]{_DIGIT}[ -]?{_DIGIT}{{4}}[ -]?{_DIGIT}{{4}}(?!{_DIGIT})"
_LANDLINE = rf"(?<!{_DIGIT})[(\uff08]?[0\uff10]{_DIGIT}{{2,3}}[)\uff09]?[ -]?{_DIGIT}{{7,8}}(?!{_DIGIT})"
_IDENTITY = rf"(?<!{_DIGIT}){_DIGIT}{{17}}[0-9\uff10-\uff19Xx](?!{_DIGIT})"
PERSONAL = re.compile(f"(?:{_IDENTITY})|(?:{_MOBILE})|(?:{_LANDLINE})")
MASK = "***"

# GB 11643-1999: weights of the 17 digits and the check characters by the remainder of 11.
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"


@cache
def _tables() -> Mapping[str, Mapping[str, Sequence[str]]]:
    text = (resources.files("geo") / "columns.toml").read_text(encoding="utf-8")
    tables: dict[str, dict[str, list[str]]] = tomllib.loads(text)
    return tables


def canonical_columns(kind: str) -> tuple[str, ...]:
    """Return the columns a kind of layer has by their own names."""
    return tuple(_tables()[kind])


def words(meaning: str) -> frozenset[str]:
    """Return the words for `true`, `false` or `special`, in lower case."""
    return frozenset(_tables()["words"][meaning])


@cache
def road_classes() -> frozenset[str]:
    """Return every known class of road, in lower case."""
    text = (resources.files("geo") / "road_classes.toml").read_text(encoding="utf-8")
    return frozenset(name for names in tomllib.loads(text).values() for name in names)


def columns_held(kind: str, names: Sequence[str]) -> dict[str, int]:
    """Return the columns of `kind` that a layer has whatever it is used as, the first where two could be."""
    keys = [_key(name) for name in names]
    return {
        column: next(at for at, key in enumerate(keys) if key in accepted)
        for column, accepted in _tables()[kind].items()
        if not set(accepted).isdisjoint(keys)
    }


def recognised(
    kind: str,
    names: Sequence[str],
    *,
    fields: Mapping[str, str],
    id_column: str | None = None,
    short_names: bool = False,
    with_place: bool = False,
) -> dict[str, int]:
    """Return the position of each column of `kind` that the layer has.

    Parameters
    ----------
    kind : str
        Kind of layer, a table of `columns.toml`.
    names : sequence of str
        Columns as the file names them.
    fields : mapping
        What the user said: our column -> theirs.
    id_column : str, optional
        The one of `fields` that was named with `--id`.
    short_names : bool
        Names are cut to ten bytes (DBF).
    with_place : bool
        The place stands in columns too.

    Raises
    ------
    InputError
        Two columns could be meant, or a column the user named is not there.
    """
    aliases = dict(_tables()[kind]) | (dict(_tables()["place"]) if with_place else {})
    unknown = [name for name in fields if name not in aliases]
    if unknown:
        raise InputError(
            "field_unknown",
            f"{kind} have no column {shortened(unknown[0])}; they have {listed(aliases)}",
            mend="name one of these",
            field=shortened(unknown[0]),
            kind=kind,
            names=listed(aliases),
        )
    found: dict[str, int] = {}
    for column, accepted in aliases.items():
        if column in fields:
            option = "--id COLUMN" if column == id_column else f"--field {kind}.{column}=COLUMN"
            found[column] = _named(fields[column], names, short_names=short_names, option=option)
            continue
        keys = {key for alias in accepted for key in _keys(alias, short_names=short_names)}
        matches = [at for at, name in enumerate(names) if _key(name) in keys]
        if len(matches) > 1:
            one, other = shortened(names[matches[0]]), shortened(names[matches[1]])
            raise InputError(
                "column_ambiguous",
                f"both {one} and {other} could be {column}",
                mend=f"add --field {kind}.{column}={one}",
                field=column,
                column=column,
                one=one,
                other=other,
                option=f"--field {kind}.{column}={one}",
            )
        if matches:
            found[column] = matches[0]
    return found


def _named(wanted: str, names: Sequence[str], *, short_names: bool, option: str) -> int:
    for fits in (
        lambda name: name == wanted,
        lambda name: _key(name) == _key(wanted),
        lambda name: short_names and _key(name) in _keys(wanted, short_names=True),
    ):
        matches = [at for at, name in enumerate(names) if fits(name)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            break
    raise InputError(
        "field_not_found",
        f"it has no column {shortened(wanted)}, or several; it has {listed(names)}",
        mend=f"name one of these with {option}",
        field=shortened(wanted),
        names=listed(names),
        option=option,
    )


def missing(kind: str, column: str, names: Sequence[str]) -> InputError:
    """Return the error for a column that a layer must have."""
    return InputError(
        "column_missing",
        f"it has no column {column} (it has {listed(names)})",
        mend=f"add --field {kind}.{column}=COLUMN",
        field=column,
        column=column,
        names=listed(names),
        option=f"--field {kind}.{column}=",
    )


def _key(name: str) -> str:
    return name.strip().casefold()


def _keys(name: str, *, short_names: bool) -> set[str]:
    key = _key(name)
    if not short_names:
        return {key}
    return {key} | {
        key.encode(code)[:_SHORT_BYTES].decode(code, errors="ignore") for code in ("utf-8", "gb18030")
    }


def has_personal_name(name: str) -> bool:
    """Whether a column is named as a person's name, telephone or identity number."""
    table = _tables()["personal"]
    key = re.sub(r"[\s_\-.]", "", _key(name))
    if key in table["names"] or _key(name) in table["names"] or any(part in key for part in table["parts"]):
        return True
    parts = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())
    return bool({*parts, "_".join(parts)} & set(table["words"]))


def is_personal(text: str) -> bool:
    """Whether a text as a whole is a telephone number or a valid identity number."""
    found = PERSONAL.fullmatch(text.strip())
    return bool(found) and _is_plausible(found[0]) if found else False


def masked(text: str) -> str:
    """Return a text with telephone and identity numbers replaced by asterisks."""
    return PERSONAL.sub(lambda found: MASK if _is_plausible(found[0]) else found[0], text)


def _is_plausible(number: str) -> bool:
    digits = re.sub(r"[^0-9Xx]", "", "".join(_ascii_digit(sign) for sign in number)).upper()
    return len(digits) != 18 or is_identity_number(digits)


def _ascii_digit(sign: str) -> str:
    return chr(ord(sign) - 0xFEE0) if "\uff10" <= sign <= "\uff19" else sign


def is_identity_number(digits: str) -> bool:
    """Whether 18 characters are a resident identity number by its check character (GB 11643-1999)."""
    if not re.fullmatch(r"[0-9]{17}[0-9X]", digits):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=False))
    return _CHECKS[total % 11] == digits[17]


def has_control_characters(values: Iterable[Any]) -> bool:
    """Whether any text among some values holds characters that `without_control_characters` takes out."""
    return _CONTROL.search("".join(value for value in values if isinstance(value, str))) is not None


def without_control_characters(value: Any) -> Any:
    """Return a text without characters that neither a page, a workbook nor a terminal can show as text."""
    if not isinstance(value, str) or (value.isprintable() and value.isascii()):
        return value
    return _CONTROL.sub(lambda found: " " if found[0] in "\t\r\n" else "", value)


# C0 and C1 controls, lone surrogates and non-characters; direction marks are text and stay.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
