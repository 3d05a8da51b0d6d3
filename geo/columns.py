"""Which column of a layer is which: the names offices use."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from geo.errors import InputError
from geo.names import listed, shortened

if TYPE_CHECKING:
    from geo.formats.raw import RawTable

# A DBF file cuts column names to ten bytes.
_SHORT_BYTES = 10


@cache
def _tables() -> Mapping[str, Mapping[str, Sequence[str]]]:
    text = (resources.files("geo") / "columns.toml").read_text(encoding="utf-8")
    tables: dict[str, dict[str, list[str]]] = tomllib.loads(text)
    return tables


def canonical_columns(kind: str) -> tuple[str, ...]:
    """Return the columns a kind of layer has by their own names."""
    return tuple(_tables()[kind])


def columns_of_points(kind: str) -> tuple[str, ...]:
    """Return the columns of a kind of points, those included in which a table says where they lie."""
    return (*canonical_columns(kind), *_tables()["place"])


@cache
def _instead(kind: str) -> Mapping[str, Sequence[str]]:
    """Return what stands for columns that are not there under their own names."""
    text = (resources.files("geo") / "columns.toml").read_text(encoding="utf-8")
    found: Mapping[str, Sequence[str]] = tomllib.loads(text).get("instead", {}).get(kind, {})
    return found


@cache
def words(meaning: str) -> frozenset[str]:
    """Return the words for `true`, `false`, `special`, `basic` or `ended`, in lower case."""
    return frozenset(_tables()["words"][meaning])


def personal_names() -> Mapping[str, Sequence[str]]:
    """Return how columns of personal data are named: whole `names`, `words` and `parts` of names."""
    return _tables()["personal"]


@cache
def road_classes() -> frozenset[str]:
    """Return every known class of road, in lower case."""
    text = (resources.files("geo") / "road_classes.toml").read_text(encoding="utf-8")
    return frozenset(name for names in tomllib.loads(text).values() for name in names)


def columns_held(kind: str, names: Sequence[str]) -> dict[str, int]:
    """Return the columns of `kind` that a layer has whatever it is used as, the first where two could be."""
    keys = [plain_name(name) for name in names]
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
        # Names of its own are equal: two of them are asked about. What may stand for them has an order.
        tried = (accepted, *([name] for name in _instead(kind).get(column, ())))
        matches = next((at for one in tried if (at := _matching(one, names, short_names=short_names))), [])
        if len(matches) > 1:
            one, other = shortened(names[matches[0]]), shortened(names[matches[1]])
            if one == other:
                raise _twice(one)
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


def _matching(accepted: Sequence[str], names: Sequence[str], *, short_names: bool) -> list[int]:
    keys = {key for alias in accepted for key in _keys(alias, short_names=short_names)}
    return [at for at, name in enumerate(names) if plain_name(name) in keys]


def _named(wanted: str, names: Sequence[str], *, short_names: bool, option: str) -> int:
    for fits in (
        lambda name: name == wanted,
        lambda name: plain_name(name) == plain_name(wanted),
        lambda name: short_names and plain_name(name) in _keys(wanted, short_names=True),
    ):
        matches = [at for at, name in enumerate(names) if fits(name)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise _twice(shortened(wanted))
    raise InputError(
        "field_not_found",
        f"it has no column {shortened(wanted)}; it has {listed(names)}",
        mend=f"name one of these with {option}",
        field=shortened(wanted),
        names=listed(names),
        option=option,
    )


def _twice(name: str) -> InputError:
    return InputError(
        "column_twice", f"several columns are named {name}", mend="rename all but one of them", field=name
    )


def missing(kind: str, column: str, names: Sequence[str], *, is_table: bool = False) -> InputError:
    """Return the error for a column that a layer must have.

    A table whose first row is a title or a row of data names no column at all.
    """
    is_header = any(columns_held(each, names) for each in (kind, "place"))
    if is_table and not is_header and (len(names) == 1 or any(_is_number(name) for name in names)):
        return InputError(
            "header_missing", f"its first row does not name the columns (it holds {listed(names)})",
            mend="delete what stands above the row of names, or write one", names=listed(names),
        )  # fmt: skip
    return InputError(
        "column_missing",
        f"it has no column {column} (it has {listed(names)})",
        mend=f"add --field {kind}.{column}=COLUMN",
        field=column,
        column=column,
        names=listed(names),
        option=f"--field {kind}.{column}=",
    )


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


def table_columns(
    kind: str, raw: RawTable, needed: Sequence[str], *, with_place: bool = False
) -> dict[str, int]:
    """Return the position of each column of a table that is no layer: `--field` does not name its columns.

    Raises
    ------
    InputError
        A needed column is missing, or two could be meant.
    """
    try:
        found = recognised(kind, raw.names, fields={}, short_names=raw.short_names, with_place=with_place)
    except InputError as error:
        one, other = (str(error.values[name]) for name in ("one", "other"))
        raise InputError(
            "lock_columns_ambiguous", f"both {one} and {other} could be {error.field}",
            mend="rename one of the columns", file=raw.file, field=error.field, one=one, other=other,
        ) from error  # fmt: skip
    lacking = [column for column in needed if column not in found]
    if lacking:
        raise InputError(
            "table_column_missing", f"it has no column {lacking[0]} (it has {listed(raw.names)})",
            mend=f"name the columns {', '.join(needed)}", file=raw.file, field=lacking[0], column=lacking[0],
            names=listed(raw.names), needed=", ".join(needed),
        )  # fmt: skip
    return found


def plain_name(name: str) -> str:
    """Return a column name as names are compared: without blanks around it and without case."""
    return name.strip().casefold()


def _keys(name: str, *, short_names: bool) -> set[str]:
    key = plain_name(name)
    if not short_names:
        return {key}
    return {key} | {
        key.encode(code)[:_SHORT_BYTES].decode(code, errors="ignore") for code in ("utf-8", "gb18030")
    }
