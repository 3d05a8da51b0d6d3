"""Names that people typed, as a message shows them."""

from __future__ import annotations

from collections.abc import Iterable

# Long enough for any id or column name, short enough for one line.
_MAX_SHOWN = 80
_MAX_LISTED = 20


def shortened(text: str, limit: int = _MAX_SHOWN) -> str:
    """Return a text cut to `limit` characters, with an ellipsis where it was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def listed(names: Iterable[str], limit: int = _MAX_LISTED) -> str:
    """Return names in one line, the first few where there are many; a hyphen for none."""
    every = [shortened(name, 40) or "-" for name in names]
    return ", ".join(every[:limit]) + (", …" if len(every) > limit else "") or "-"
