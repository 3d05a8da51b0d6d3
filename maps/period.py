"""Days from the first to the last, as commands and addresses write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from geo.errors import InputError

_PERIOD = re.compile(r"(\d{4})-(\d{2})-(\d{2})/(\d{4})-(\d{2})-(\d{2})")


@dataclass(frozen=True)
class Period:
    """Days from the first to the last, both included."""

    first: date
    last: date

    @property
    def minutes(self) -> tuple[int, int]:
        """The first minute, and that after the last."""
        days = [(each - date(1970, 1, 1)).days for each in (self.first, self.last + timedelta(days=1))]
        return (days[0] * 1440, days[1] * 1440)


def period_of(text: str) -> Period:
    """Read `2026-11-01/2026-11-30`.

    Raises
    ------
    InputError
        Not of that form, no real days, or the last is before the first.
    """
    found = _PERIOD.fullmatch(text.strip())
    try:
        numbers = [int(part) for part in found.groups()] if found else []
        period = Period(date(*numbers[:3]), date(*numbers[3:]))
    except (TypeError, ValueError) as error:
        raise _no_period(text) from error
    if period.last < period.first:
        raise InputError(
            "period_reversed",
            f"the last day of --period {text} is before the first",
            mend="write the earlier day first",
            option=text,
            first=str(period.last),
            last=str(period.first),
        )
    return period


def _no_period(text: str) -> InputError:
    return InputError(
        "period_form",
        f"--period {text} is not of the form FIRST/LAST",
        mend="write for example --period 2026-11-01/2026-11-30",
        option=text,
    )
