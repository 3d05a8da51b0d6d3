"""What a query for service requests asks for, read as the specification says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.errors import ServiceError

WIDEST = timedelta(days=90)
MOST = 1000
MOST_IDS = 1000
STATUSES = ("open", "closed")
# Of dates: what is counted from them must be dates too.
_YEARS = (1900, 9000)


class AskedWronglyError(ServiceError):
    """An argument is missing or cannot be read."""

    status = 400


@dataclass(frozen=True)
class Asked:
    """A query for service requests; None: not asked for.

    Attributes
    ----------
    numbers : tuple of str or None
        They override all other arguments.
    services : tuple of str or None
    start, end : datetime or None
        Of `requested_datetime`, both included; never more than 90 days.
    statuses : tuple of str
    updated_after, updated_before : datetime or None
        An extension that several cities have; `updated_after` alone needs no other dates.
    page, page_size : int
        An extension too; pages count from 1.
    """

    numbers: tuple[str, ...] | None
    services: tuple[str, ...] | None
    start: datetime | None
    end: datetime | None
    statuses: tuple[str, ...]
    updated_after: datetime | None
    updated_before: datetime | None
    page: int
    page_size: int


def asked(arguments: Mapping[str, str], now: datetime) -> Asked:
    """Read the arguments of `GET requests`; an empty one is as if it were not there.

    Raises
    ------
    AskedWronglyError
    """
    given = {name: value.strip() for name, value in arguments.items() if value.strip()}
    numbers = _listed(given.get("service_request_id"))
    if numbers is not None and len(numbers) > MOST_IDS:
        raise AskedWronglyError("service_request_id", f"at most {MOST_IDS} service_request_id at once")
    if numbers is not None:
        return Asked(numbers, None, None, None, STATUSES, None, None, 1, MOST)
    statuses = _listed(given.get("status")) or STATUSES
    unknown = [status for status in statuses if status not in STATUSES]
    if unknown:
        raise AskedWronglyError("status", f"status is open or closed, not {unknown[0][:40]}")
    start, end = _moment(given, "start_date"), _moment(given, "end_date")
    updated_after, updated_before = _moment(given, "updated_after"), _moment(given, "updated_before")
    if start is not None and end is not None:
        if start > end:
            raise AskedWronglyError("start_date", "start_date lies after end_date")
        if end - start > WIDEST:
            raise AskedWronglyError("start_date", "start_date and end_date span more than 90 days")
    elif start is not None:
        end = start + WIDEST
    elif end is not None:
        start = end - WIDEST
    elif updated_after is None:
        start, end = now - WIDEST, None
    return Asked(
        None, _listed(given.get("service_code")), start, end, tuple(statuses), updated_after,
        updated_before, _count(given, "page", 1, 1_000_000), _count(given, "page_size", MOST, MOST),
    )  # fmt: skip


def _listed(said: str | None) -> tuple[str, ...] | None:
    if said is None:
        return None
    return tuple(part for one in said.split(",") if (part := one.strip().replace("\x00", "")))


def _moment(given: Mapping[str, str], name: str) -> datetime | None:
    said = given.get(name)
    if said is None:
        return None
    try:
        # A plus that was not escaped arrives as a space.
        read = datetime.fromisoformat(said.replace(" ", "+") if "T" in said else said)
        if read.tzinfo is None or not _YEARS[0] <= read.year <= _YEARS[1]:
            raise ValueError
        return read
    except ValueError as error:
        raise AskedWronglyError(
            name, f"{name} is a date and time with its zone, such as 2010-01-01T00:00:00Z"
        ) from error


def _count(given: Mapping[str, str], name: str, default: int, most: int) -> int:
    said = given.get(name)
    if said is None:
        return default
    if not (said.isascii() and said.isdecimal() and len(said) < 8 and 1 <= int(said) <= most):
        raise AskedWronglyError(name, f"{name} is a whole number from 1 to {most}")
    return int(said)
