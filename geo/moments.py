"""Times as offices write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

# Where nothing says another: the zone of the working calendar.
CITY_ZONE = ZoneInfo("Asia/Shanghai")

# 2026/11/2 9:30, 2026年11月2日 9时30分, 下午3:20, or the digits alone.
_PLAIN = str.maketrans(
    {"年": "-", "月": "-", "日": " ", "时": ":", "点": ":", "分": ":", "秒": None, "：": ":"}
)
_HALF_OF_DAY = re.compile(r"(上午|下午)\s*(\d{1,2})")
# A fraction and a zone only behind the seconds: 9:30-10:00 is a span of time.
_LOOSE = (
    re.compile(
        r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})"
        r"(?:[ T]+(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:[.,]\d+)?\s*(Z|[+-]\d\d(?::?\d\d)?)?)?)?)?",
        re.IGNORECASE,
    ),
    re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)()"),
)
# A day alone, 2026-11-02 or 20261102, is no longer.
_LONGEST_DAY = 10


class Moment(NamedTuple):
    """A moment by the clock of a place; midnight where only the day is told."""

    at: datetime
    is_day: bool


def moment_of(said: str, zone: tzinfo) -> Moment | None:
    """Read a time; None for what is none.

    Parameters
    ----------
    said : str
        As ISO 8601 has it or as offices write it. One without a zone is by the clock of `zone`.
    zone : tzinfo
        By whose clock the moment is returned.
    """
    read, is_day = _read(said)
    at = _instant(read, zone)
    try:
        return None if at is None else Moment(at.astimezone(zone), is_day)
    except OverflowError:
        return None


def instant_of(said: str, zone: tzinfo) -> datetime | None:
    """Read a time as `moment_of` does, and return it in UTC."""
    return _instant(_read(said)[0], zone)


def _read(said: str) -> tuple[datetime | None, bool]:
    """Return a time as it is written, and whether only the day is."""
    said = said.strip()
    try:
        return datetime.fromisoformat(said), len(said) <= _LONGEST_DAY
    except ValueError:
        return _loosely_read(said) or (None, False)


def _instant(read: datetime | None, zone: tzinfo) -> datetime | None:
    if read is None:
        return None
    try:
        # 0001-01-01, by which some systems say that they know no time, is none in Greenwich.
        return (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        return None


def _loosely_read(said: str) -> tuple[datetime, bool] | None:
    plain = _HALF_OF_DAY.sub(_hour_of_day, said.translate(_PLAIN)).strip(" :")
    found = next((found for one in _LOOSE if (found := one.fullmatch(plain))), None)
    if found is None:
        return None
    *parts, offset = found.groups()
    try:
        read = datetime(*(int(part or 0) for part in parts))  # type: ignore[arg-type]
        if offset:
            read = datetime.fromisoformat(read.isoformat() + offset.upper())
    except ValueError:
        return None
    return read, parts[3] is None


def _hour_of_day(found: re.Match[str]) -> str:
    half, hour = found[1], int(found[2])
    if hour > 12:
        return f" {hour}"
    return f" {hour % 12 + (12 if half == '下午' else 0)}"
