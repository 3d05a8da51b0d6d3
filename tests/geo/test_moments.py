from datetime import timedelta, timezone

import pytest

from geo.moments import CITY_ZONE, instant_of, moment_of


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("2026年11月14日 00时39分", "2026-11-14T00:39:00"),
        ("2026年11月2日 9时30分", "2026-11-02T09:30:00"),
        ("2026-11-02 9时30分", "2026-11-02T09:30:00"),
        ("2026年11月2日 下午3:20", "2026-11-02T15:20:00"),
        ("2026/11/2下午12:05:09", "2026-11-02T12:05:09"),
        ("2026/11/2 上午12:05", "2026-11-02T00:05:00"),
        ("2026/11/2 下午15:20", "2026-11-02T15:20:00"),
        ("20261102093000", "2026-11-02T09:30:00"),
        ("2026.11.2 9", "2026-11-02T09:00:00"),
        # With a zone, by the clock of the city.
        ("2026-11-30T17:00:00Z", "2026-12-01T01:00:00"),
        ("2025-06-01 09:02:00+08", "2025-06-01T09:02:00"),
        ("2026/11/30 17:00:00.25 +0000", "2026-12-01T01:00:00"),
    ],
)
def test_times_are_read_as_offices_and_systems_write_them(said: str, told: str) -> None:
    moment = moment_of(said, CITY_ZONE)

    assert moment is not None
    assert (moment.at.replace(tzinfo=None).isoformat(), moment.is_day) == (told, False)
    assert instant_of(said, CITY_ZONE) == moment.at


@pytest.mark.parametrize("said", ["2026-11-02", "20261102", "2026/11/2", "2026年11月2日"])
def test_a_day_alone_is_told_as_one(said: str) -> None:
    moment = moment_of(said, CITY_ZONE)

    assert moment is not None
    assert (moment.at.isoformat(), moment.is_day) == ("2026-11-02T00:00:00+08:00", True)


@pytest.mark.parametrize(
    "said",
    ["", "昨天", "2026-13-01", "2026年11月31日", "2026/11/29:30", "2026/11/2 9:30-10:00",
     "0001-01-01 00:00:00", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-08:00", "下午3:20"],
)  # fmt: skip
def test_what_is_no_time_is_none(said: str) -> None:
    assert moment_of(said, CITY_ZONE) is None


def test_another_city_reckons_by_its_own_clock() -> None:
    moment = moment_of("2026-11-30 17:00", timezone(timedelta(hours=6)))

    assert moment is not None
    assert moment.at.isoformat() == "2026-11-30T17:00:00+06:00"
