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
from geo.personal_numbers import is_personal, masked
from geo.units import texts

# A column is personal by its content when at least this share of its values is.
_PERSONAL_SHARE = 0.3


def personal_columns(raw: RawTable, kind: str, columns: Mapping[str, int]) -> tuple[set[int], list[Finding]]:
    """Return the positions of the columns that hold personal data, and a finding for each.

    The counts, places and, in layers about ground and buildings, our own columns are never taken for it.
    """
    own = set(columns.values()) if kind not in ("incidents", "stations", "members") else set()
    own |= {at for column, at in columns.items() if column in ("lon", "lat")}
    dropped: set[int] = set()
    findings = []
    for at, name in enumerate(raw.names):
        # At the place of a member household a name is that of who lives there.
        is_name = kind == "members" and plain_name(name) in personal_names()["of_members"]
        if at in own or not (is_name or has_personal_name(name) or is_personal_content(raw.values[at])):
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


def without_numbers(text: str) -> str:
    """Return a text with telephone and identity numbers masked; shorter than eight signs it has none."""
    return masked(text) if len(text) >= 8 else text


def has_personal_name(name: str) -> bool:
    """Whether a column is named as a person's name, telephone or identity number."""
    table = personal_names()
    plain = plain_name(name)
    key = re.sub(r"[\s_\-.]", "", plain)
    if key in table["names"] or plain in table["names"] or any(part in key for part in table["parts"]):
        return True
    parts = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())
    return bool({*parts, "_".join(parts)} & set(table["words"]))
