"""Texts of a layer that may not stay as they are: changed, and told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from geo.findings import Finding, Value
from geo.formats.raw import RawTable, text_array


def clean_texts(
    table: dict[str, Any],
    raw: RawTable,
    kind: str,
    findings: list[Finding],
    *,
    change: Callable[[str], str],
    code: str,
) -> None:
    """Give each text of a table the form that `change` gives it, with a finding for each column changed.

    A text that comes again and again is looked at once.
    """
    for column, values in table.items():
        if values.dtype != object:
            continue
        told = {value for value in values if isinstance(value, str)}
        changed = {text: new for text in told if (new := change(text)) != text}
        if not changed:
            continue
        table[column] = text_array(
            [changed.get(value, value) if isinstance(value, str) else value for value in values]
        )
        n = sum(isinstance(value, str) and value in changed for value in values)
        named: dict[str, Value] = {"layer": kind, "file": raw.file, "column": column, "n": n}
        findings.append(Finding(code, "warning", values=named))
