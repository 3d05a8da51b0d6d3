"""Characters that neither a page, a workbook nor a terminal can show as text."""

from __future__ import annotations

import re
from typing import Any

# C0 and C1 controls, lone surrogates and non-characters; direction marks are text and stay.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def without_control_characters(value: Any) -> Any:
    """Return a text without characters that neither a page, a workbook nor a terminal can show as text."""
    if not isinstance(value, str) or (value.isprintable() and value.isascii()):
        return value
    return _CONTROL.sub(lambda found: " " if found[0] in "\t\r\n" else "", value)
