"""Which words of a table of cases say that a case is over."""

from __future__ import annotations

from geo.columns import words


def is_ended(state: str | None) -> bool:
    """Tell whether a state is one of a case that is over; whole words of `columns.toml`, whatever their case.

    A part of a word tells nothing: that a case is not closed, or is about to be, is said with the same word.
    """
    return state is not None and state.strip().casefold() in words("ended")
