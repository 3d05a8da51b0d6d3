"""What is personal and must not come in: columns about people, and their numbers within texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.columns import personal_names, plain_name
from geo.findings import Finding
from geo.formats.raw import RawTable
from geo.units import texts

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
        if at in own or not (has_personal_name(name) or is_personal_content(raw.values[at])):
            continue
        dropped.add(at)
        findings.append(
            Finding(
                "personal_column_dropped", "warning", values={"layer": kind, "file": raw.file, "column": name}
            )
        )
    return dropped, findings


def is_personal_content(values: NDArray[Any]) -> bool:
    """Whether so many of some values are telephone or identity numbers that their column is of these."""
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    filled = [text for text in pd.unique(pd.Series(texts(values[:20_000]))) if isinstance(text, str)]
    hits = sum(is_personal(text) for text in filled if 8 <= len(text) <= 24)
    return hits > 0 and hits >= _PERSONAL_SHARE * len(filled)


def mask_texts(table: dict[str, Any], kind: str, raw: RawTable, findings: list[Finding]) -> None:
    """Replace telephone and identity numbers within texts."""
    for column, values in table.items():
        if values.dtype != object:
            continue
        clean = [masked(value) if isinstance(value, str) and len(value) >= 8 else value for value in values]
        changed = sum(one is not other and one != other for one, other in zip(clean, values, strict=True))
        if changed:
            table[column] = np.array([*clean, None], dtype=object)[:-1]
            findings.append(
                Finding(
                    "personal_text_masked",
                    "warning",
                    values={"layer": kind, "file": raw.file, "column": column, "n": changed},
                )
            )


def has_personal_name(name: str) -> bool:
    """Whether a column is named as a person's name, telephone or identity number."""
    table = personal_names()
    plain = plain_name(name)
    key = re.sub(r"[\s_\-.]", "", plain)
    if key in table["names"] or plain in table["names"] or any(part in key for part in table["parts"]):
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
