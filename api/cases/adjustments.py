"""When a deadline may be moved: extension 延期 and parking 挂账, by rules that are data with an edition."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from importlib import resources


@dataclass(frozen=True)
class AdjustmentRules:
    """What one city allows.

    Attributes
    ----------
    edition, source : str
    extensions_most : int
        Extensions that may be granted to a case; a refusal uses none up. Each adds one original limit to the
        present deadline.
    extension_when_late : bool
        Whether a case that is late already may be extended.
    parkings_most : int
        Times a case may be parked.
    parking_most_days : int
        Longest time to the chosen date, in calendar days.
    """

    edition: str
    source: str
    extensions_most: int
    extension_when_late: bool
    parkings_most: int
    parking_most_days: int


def extension_refused(
    rules: AdjustmentRules, granted: int, due_at: datetime | None, at: datetime
) -> str | None:
    """Return why a case cannot be extended (`extended_enough`, `late_already`, `standing_still`), else None.

    Parameters
    ----------
    granted : int
        Extensions granted so far.
    due_at : datetime or None
        Present deadline; None while the clock stands still.
    """
    if granted >= rules.extensions_most:
        return "extended_enough"
    if due_at is None:
        return "standing_still"
    return "late_already" if at > due_at and not rules.extension_when_late else None


def parking_refused(rules: AdjustmentRules, granted: int, until: datetime, at: datetime) -> str | None:
    """Return why a case cannot be parked until then (`parked_enough`, `too_long`, `past`), else None."""
    if granted >= rules.parkings_most:
        return "parked_enough"
    if until <= at:
        return "past"
    return "too_long" if until - at > timedelta(days=rules.parking_most_days) else None


@lru_cache(maxsize=1)
def shipped_rules() -> AdjustmentRules:
    """Return the rules that are shipped."""
    source = resources.files("api.cases") / "data" / "adjustments.toml"
    return AdjustmentRules(**tomllib.loads(source.read_text(encoding="utf-8")))
