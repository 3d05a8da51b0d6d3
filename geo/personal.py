"""What is personal and must not come in: columns about people, and their numbers within texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.columns import personal_names, plain_name
from geo.errors import InputError
from geo.findings import Finding
from geo.formats.raw import RawTable
from geo.personal_numbers import holds_number, is_personal, masked
from geo.typed_numbers import masked_as_typed
from geo.units import row_labels, texts

# Names of persons have two characters, or three; with a surname of two, four.
_HAN = re.compile("[\u4e00-\u9fff]{2,4}")
# Layers of places that have people who answer for them.
_WITH_STAFF = ("stations", "candidates")
# So many names are no chance.
_FEWEST_NAMES = 2
_GROUPS = re.compile(r"[0-9 ._/-]*")
# A column is personal by its content when at least this share of its values is.
_PERSONAL_SHARE = 0.3


def personal_columns(raw: RawTable, kind: str, columns: Mapping[str, int]) -> tuple[set[int], list[Finding]]:
    """Return the positions of the columns that hold personal data, and a finding for each.

    The counts, places and, in layers about ground and buildings, our own columns are never taken for it.
    """
    own = set(columns.values()) if kind not in ("incidents", "stations") else set()
    own |= {at for column, at in columns.items() if column in ("lon", "lat")}
    dropped: set[int] = set()
    findings = []
    for at, name in enumerate(raw.names):
        told = has_personal_name(name) or (kind in _WITH_STAFF and _is_named_by(name, "stations"))
        if at in own or not (told or is_personal_content(raw.values[at])):
            continue
        dropped.add(at)
        findings.append(
            Finding(
                "personal_column_dropped", "warning", values={"layer": kind, "file": raw.file, "column": name}
            )
        )
    return dropped, findings


def require_no_persons(raw: RawTable, columns: Mapping[str, int], layer: str) -> None:
    """Refuse places of Party members' homes that tell of persons, ids included: not even read past.

    Rows are named by their number, since an id can be what is personal.

    Raises
    ------
    InputError
        A column is named as persons' names or numbers, or a cell holds a telephone or identity number.
    """
    for name in raw.names:
        if has_personal_name(name) or _is_named_by(name, "members"):
            raise InputError(
                "members_personal", "it holds names, telephones or identity numbers of persons",
                mend="give places and counts only", file=raw.file, layer=layer, field=name,
            )  # fmt: skip
    places = {at for column, at in columns.items() if column in ("lon", "lat")}
    for at, name in enumerate(raw.names):
        rows = _rows_with_numbers(raw.values[at]) if at not in places else []
        if rows:
            raise InputError(
                "members_number", f"it holds a telephone or identity number ({len(rows):,} such)",
                mend="take them out, number the places, and give places and counts only",
                file=raw.file, layer=layer, field=name,
                feature=row_labels(None, len(raw), raw.numbering)[rows[0]], n=len(rows),
            )  # fmt: skip


def require_numbered(ids: NDArray[Any], *, file: str, layer: str, field: str = "member_id") -> None:
    """Refuse ids of member households most of which look like names of persons; none of them is told.

    Nobody can tell 王芳 from 王庄 by one of them, but a whole column is of the one or of the other: of names
    of places few are so short, begin with one of the common surnames, and end in no word for a place.

    Raises
    ------
    InputError
    """
    told = [text.strip() for text in texts(ids) if text is not None]
    named = sum(looks_like_a_name(text) for text in told)
    if named >= _FEWEST_NAMES and named > len(told) / 2:
        raise InputError(
            "members_named", f"{named:,} of {len(told):,} ids look like names of persons",
            mend="number the places, or say with --ids-are-places that they are names of places",
            file=file, layer=layer, field=field, n=named, of=len(told),
        )  # fmt: skip


def looks_like_a_name(text: str) -> bool:
    """Whether a text may be a Chinese person's name: a common surname and one or two characters more."""
    if not _HAN.fullmatch(text) or text[-1] in personal_names()["ends_of_places"]:
        return False
    surnames = personal_names()["surnames"]
    return any(1 <= len(text) - length <= 2 and text[:length] in surnames for length in (1, 2))


def _is_named_by(name: str, whose: str) -> bool:
    """Whether a column is named as who lives at a member household, or as who answers for a station."""
    table, plain = personal_names(), plain_name(name)
    key = re.sub(r"[\s\-.]", "_", plain)
    return key in table[f"of_{whose}"] or any(part in plain for part in table[f"parts_of_{whose}"])


def _rows_with_numbers(values: NDArray[Any]) -> list[int]:
    """Return the rows whose cell holds a telephone or identity number anywhere."""
    told = pd.Series(texts(values), dtype=object)
    personal = {text for text in pd.unique(told) if isinstance(text, str) and holds_number(text)}
    return np.flatnonzero(told.isin(personal)).tolist() if personal else []


def is_personal_content(values: NDArray[Any]) -> bool:
    """Whether so many of some values are telephone or identity numbers that their column is of these."""
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    filled = [text for text in pd.unique(pd.Series(texts(values[:20_000]))) if isinstance(text, str)]
    hits = sum(is_personal(text) for text in filled if 8 <= len(text) <= 24)
    return hits > 0 and hits >= _PERSONAL_SHARE * len(filled)


def without_numbers(text: str) -> str:
    """Return a text with telephone and identity numbers masked; shorter than eight signs it has none.

    Groups of digits alone are more likely a code than what somebody typed: 150 001 00001.
    """
    if len(text) < 8:
        return text
    return masked(text) if _GROUPS.fullmatch(text) else masked_as_typed(text)


def has_personal_name(name: str) -> bool:
    """Whether a column is named as a person's name, telephone or identity number."""
    table = personal_names()
    plain = plain_name(name)
    key = re.sub(r"[\s_\-.]", "", plain)
    if key in table["names"] or plain in table["names"] or any(part in key for part in table["parts"]):
        return True
    parts = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())
    return bool({*parts, "_".join(parts)} & set(table["words"]))
