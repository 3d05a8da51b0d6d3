"""Clocks: against the example of the field, at their edges, and against a counter of minutes."""

from __future__ import annotations

import random
from array import array
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.cases.calendar import Calendar, CalendarMissingError, load_calendar, working_calendar
from api.cases.clock import Clock, Limit, Pause, Reckoning, Why, deadline, elapsed, reckon
from api.cases.clock_words import sentences

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOURS = timedelta(hours=1)


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=SHANGHAI)


def hours(amount: float) -> Limit:
    return Limit(Clock.WORKING_HOURS, Decimal(str(amount)))


def days(amount: float, starts: str = "now") -> Limit:
    return Limit(Clock.WORKING_DAYS, Decimal(str(amount)), starts)  # type: ignore[arg-type]


def due(start: datetime, limit, pauses=()) -> datetime:
    found = deadline(working_calendar(), start, limit, pauses)
    assert found is not None
    return found


# --- the example ---------------------------------------------------------------------------------------


def test_friday_half_past_four_and_four_working_hours_end_on_the_make_up_sunday():
    reckoning = reckon(working_calendar(), at(2026, 9, 18, 16, 30), hours(4))

    counted = [
        (line.span.why, line.counted / HOURS, line.left / HOURS)
        for line in reckoning.lines
        if line.span.counts
    ]
    assert counted == [(Why.WORKING, 1.5, 2.5), (Why.MAKE_UP, 2.5, 0)]
    assert reckoning.due_at == at(2026, 9, 20, 10, 30)


def test_without_a_make_up_day_they_end_on_monday():
    assert due(at(2026, 9, 11, 16, 30), hours(4)) == at(2026, 9, 14, 10, 30)


def test_the_sum_reads_line_by_line_in_chinese_and_english():
    calendar = working_calendar()
    reckoning = reckon(calendar, at(2026, 9, 18, 16, 30), hours(4))

    assert sentences(reckoning, calendar, "zh_CN") == [
        "自2026年9月18日（周五）16:30起计时，时限为 4 个工作时。",
        "9月18日（周五）16:30至18:00，计 1 小时 30 分钟，剩余 2 小时 30 分钟。",
        "9月19日（周六）00:00至9月20日（周日）00:00，休息日，不计。",
        "9月20日（周日）08:00至10:30，调休上班（国庆节），计 2 小时 30 分钟，剩余 0 分钟。",
        "到期时间：2026年9月20日（周日）10:30。",
        "日历 CN-2026 的工作时段尚未核实，请核对。",
    ]
    assert (
        sentences(reckoning, calendar, "en")[1]
        == "Fri 18 Sep 16:30 to 18:00: 1 h 30 min counted, 2 h 30 min left."
    )


# --- four clocks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (Limit(Clock.URGENT_HOURS, Decimal(2)), at(2026, 9, 30, 19, 0)),
        (hours(4), at(2026, 10, 8, 11, 0)),
        (days(2), at(2026, 10, 9, 17, 0)),
        (Limit(Clock.CALENDAR_DAYS, Decimal(2)), at(2026, 10, 2, 17, 0)),
    ],
)
def test_one_category_has_a_deadline_for_each_condition(limit, expected):
    # Wednesday before the National Day holidays, 17:00; Thursday 8 October is worked.
    assert due(at(2026, 9, 30, 17, 0), limit) == expected


def test_a_day_from_the_next_day_on_ends_with_the_working_day():
    assert due(at(2026, 9, 10, 9, 15), days(1, "next_day")) == at(2026, 9, 11, 18, 0)
    assert due(at(2026, 9, 11, 9, 15), days(1, "next_day")) == at(2026, 9, 14, 18, 0)


def test_a_response_of_five_minutes_runs_at_night():
    assert due(at(2026, 12, 31, 23, 58), Limit.minutes(5)) == at(2027, 1, 1, 0, 3)


def test_a_limit_used_up_when_a_window_closes_ends_there_and_not_the_next_morning():
    assert due(at(2026, 9, 10, 8, 0), days(1)) == at(2026, 9, 10, 18, 0)


def test_the_year_boundary_takes_each_day_from_its_own_calendar():
    # 31 December 2025 is worked, 1 to 3 January are off, Sunday 4 January makes up.
    assert due(at(2025, 12, 31, 17, 0), hours(2)) == at(2026, 1, 4, 9, 0)
    assert reckon(working_calendar(), at(2025, 12, 31, 17, 0), hours(2)).editions == ("CN-2025", "CN-2026")


@pytest.mark.parametrize("reckoned", [deadline, reckon])
def test_a_year_without_calendar_is_refused_and_the_file_named(reckoned):
    with pytest.raises(CalendarMissingError, match=r"2099; weige cases calendar 2099 writes"):
        reckoned(working_calendar(), at(2099, 1, 4, 9, 0), hours(1))


def test_clocks_that_never_stop_need_no_calendar():
    assert due(at(2099, 1, 4, 9, 0), Limit(Clock.URGENT_HOURS, Decimal(3))) == at(2099, 1, 4, 12, 0)


# --- pauses and extensions ------------------------------------------------------------------------------


def test_a_pause_moves_the_deadline_by_the_working_time_in_it():
    pause = Pause(at(2026, 9, 10, 11, 0), at(2026, 9, 10, 15, 0), "waiting_for_reporter")

    assert due(at(2026, 9, 10, 10, 0), hours(3), [pause]) == at(2026, 9, 10, 17, 0)


def test_a_pause_outside_working_hours_moves_nothing():
    pause = Pause(at(2026, 9, 10, 12, 0), at(2026, 9, 10, 14, 0), "waiting_for_reporter")

    assert due(at(2026, 9, 10, 10, 0), hours(3), [pause]) == due(at(2026, 9, 10, 10, 0), hours(3))


def test_overlapping_pauses_count_once():
    pauses = [
        Pause(at(2026, 9, 10, 9, 30), at(2026, 9, 10, 11, 0), "waiting_for_reporter"),
        Pause(at(2026, 9, 10, 9, 0), at(2026, 9, 10, 10, 0), "parked"),
    ]

    reckoning = reckon(working_calendar(), at(2026, 9, 10, 8, 30), hours(1), pauses)

    assert reckoning.due_at == at(2026, 9, 10, 11, 30)
    assert [line.span.name for line in reckoning.lines if line.span.why is Why.PAUSED] == [
        "parked",
        "waiting_for_reporter",
    ]


def test_a_parked_case_without_a_date_has_no_deadline_yet():
    calendar = working_calendar()
    reckoning = reckon(
        calendar, at(2026, 12, 30, 8, 0), days(5), [Pause(at(2026, 12, 30, 9, 0), None, "parked")]
    )

    assert reckoning.due_at is None
    assert "计时已暂停" in sentences(reckoning, calendar, "zh_CN")[-2]


def test_an_extension_adds_to_the_present_deadline():
    start, limit = at(2026, 9, 10, 10, 0), days(2)
    once, twice = due(start, [limit, limit]), due(start, [limit, limit, limit])

    assert once == due(due(start, limit), limit)
    assert twice == due(start, days(6))


def test_time_counted_outside_a_pause_is_what_elapsed():
    pause = Pause(at(2026, 9, 10, 11, 0), at(2026, 9, 10, 15, 0), "parked")

    counted = elapsed(
        working_calendar(), at(2026, 9, 10, 9, 0), at(2026, 9, 11, 9, 0), Clock.WORKING_HOURS, [pause]
    )

    assert counted == 6 * HOURS


@pytest.mark.parametrize("amount", [0, -1])
def test_a_limit_is_above_zero(amount):
    with pytest.raises(ValueError, match="above 0"):
        Limit(Clock.WORKING_HOURS, Decimal(amount))


def test_an_instant_without_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        reckon(working_calendar(), datetime(2026, 9, 10), hours(1))


# --- against a counter of minutes -------------------------------------------------------------------------


@dataclass
class DrawnYears:
    """Two random years, as files say them and as a list of minutes that knows nothing of the calendar."""

    zone: ZoneInfo
    first: date
    n_days: int
    hours_of_working_day: int
    spans: dict[str, list[tuple[int, int]]]
    holidays: set[date]
    make_up_days: set[date]
    worked: bytearray = field(init=False)
    days: array[int] = field(init=False)

    def __post_init__(self) -> None:
        self.origin = (
            int(datetime(self.first.year, self.first.month, self.first.day, tzinfo=UTC).timestamp()) // 60
        )
        self.worked, self.days = bytearray(), array("l")
        for minute in range(self.origin, self.origin + self.n_days * 24 * 60):
            local = datetime.fromtimestamp(minute * 60, self.zone)
            self.worked.append(self.works(local))
            self.days.append(local.toordinal())

    def works(self, local: datetime) -> bool:
        day, of_day = local.date(), local.hour * 60 + local.minute
        if day in self.holidays:
            return False
        name = "make_up" if day in self.make_up_days else str(day.weekday())
        return any(start <= of_day < end for start, end in self.spans[name])

    def due(
        self, start: int, minutes: int, *, working: bool, next_day: bool, rests: list[tuple[int, int]]
    ) -> int:
        """Count minutes one by one; all in minutes since 1970."""
        now, origin = start, self.origin
        while next_day and self.days[now - origin] == self.days[start - origin]:
            now += 1
        rested = {minute for begin, end in rests for minute in range(begin, end)}
        while minutes:
            if now not in rested and (not working or self.worked[now - origin]):
                minutes -= 1
            now += 1
        return now

    def calendar(self, folder) -> Calendar:
        def said(spans):
            return [f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in spans]

        names = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
        for year in (self.first.year, self.first.year + 1):
            lines = [
                'calendar = "X"', f'edition = "X-{year}"', f"year = {year}", f'time_zone = "{self.zone.key}"',
                'source = "drawn"', 'windows_source = "drawn"',
                f"hours_of_working_day = {self.hours_of_working_day}",
                "[windows]", f"make_up_day = {said(self.spans['make_up'])}",
                *(f"{name} = {said(self.spans[str(i)])}" for i, name in enumerate(names)),
            ]  # fmt: skip
            for day in sorted(day for day in self.holidays if day.year == year):
                lines += ["[[holidays]]", 'name = "h"', f"first = {day}", f"last = {day}"]
            for day in sorted(day for day in self.make_up_days if day.year == year):
                lines += ["[[make_up_days]]", 'name = "m"', f"day = {day}"]
            (folder / f"X-{year}.toml").write_text("\n".join(lines))
        return load_calendar("X", folder)


def draw_years(chance: random.Random, zone: str) -> DrawnYears:
    first, n_days = date(2027, 10, 1), 240

    def spans() -> list[tuple[int, int]]:
        ends = sorted(chance.sample(range(4 * 60, 24 * 60 + 1), 2 * chance.randint(1, 3)))
        return list(zip(ends[::2], ends[1::2], strict=True))

    by_day = {str(i): spans() for i in range(5)} | {
        "5": chance.choice([[], spans()]),
        "6": [],
        "make_up": spans(),
    }
    days_of_it = [first + timedelta(days=i) for i in range(n_days)]
    off = {str(day.weekday()): not by_day[str(day.weekday())] for day in days_of_it}
    make_up = set(chance.sample([day for day in days_of_it if off[str(day.weekday())]], 6))
    holidays = set(chance.sample([day for day in days_of_it if day not in make_up], 25))
    return DrawnYears(ZoneInfo(zone), first, n_days, chance.randint(5, 9), by_day, holidays, make_up)


# The last has summer time: its clocks are turned while nobody works.
ZONES = ["Asia/Shanghai", "Asia/Urumqi", "Asia/Shanghai", "America/New_York"]


@pytest.mark.parametrize(("seed", "zone"), list(enumerate(ZONES)))
def test_ten_thousand_random_cases_equal_a_counter_of_minutes(seed, zone, tmp_path):
    chance = random.Random(seed)
    years = draw_years(chance, zone)
    calendar = years.calendar(tmp_path)
    a_day = 60 * years.hours_of_working_day
    clocks = [(Clock.URGENT_HOURS, 60), (Clock.WORKING_HOURS, 60),
              (Clock.WORKING_DAYS, a_day), (Clock.CALENDAR_DAYS, 24 * 60)]  # fmt: skip
    for _ in range(10_000 // len(ZONES)):
        clock, each_min = chance.choice(clocks)
        # Mostly hours, sometimes days: the counter takes its time.
        minutes = chance.choice([chance.randint(1, 600), chance.randint(1, 120), chance.randint(1, 3000)])
        limit = Limit(clock, round(Decimal(minutes) / each_min, 8), chance.choice(["now", "now", "next_day"]))
        start = years.origin + chance.randint(24 * 60, (years.n_days - 60) * 24 * 60)
        rests = []
        for _ in range(chance.choice([0, 0, 1, 2, 3])):
            begin = start + chance.randint(-600, 4000)
            rests.append((begin, begin + chance.randint(1, 2000)))

        expected = years.due(
            start, minutes, working=clock.value.startswith("working"), next_day=limit.starts == "next_day",
            rests=rests,
        )  # fmt: skip
        pauses = [Pause(instant(begin), instant(end), "parked") for begin, end in rests]
        reckoning = reckon(calendar, instant(start), limit, pauses)

        assert reckoning.due_at == instant(expected) == deadline(calendar, instant(start), limit, pauses)
        assert_adds_up(reckoning, timedelta(minutes=minutes))
        if limit.starts == "now":
            assert elapsed(calendar, instant(start), instant(expected), clock, pauses) == timedelta(
                minutes=minutes
            )


def instant(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)


def assert_adds_up(reckoning: Reckoning, total: timedelta) -> None:
    edges = [edge for line in reckoning.lines for edge in (line.span.start, line.span.end)]
    assert edges[0] == reckoning.start
    assert edges[-1] == reckoning.due_at
    assert edges[1:-1:2] == edges[2::2]
    assert sum((line.counted for line in reckoning.lines), timedelta()) == total
    assert reckoning.lines[-1].left == timedelta()


@settings(max_examples=300, deadline=None)
@given(
    start=st.datetimes(datetime(2025, 1, 1), datetime(2026, 9, 30), timezones=st.just(SHANGHAI)),
    first_s=st.integers(1, 200_000), second_s=st.integers(1, 200_000),
)  # fmt: skip
def test_what_is_counted_in_two_parts_is_what_is_counted_at_once(start, first_s, second_s):
    def worked(seconds: int) -> Limit:
        return Limit(Clock.WORKING_HOURS, round(Decimal(seconds) / 3600, 8))

    between = due(start, worked(first_s))

    assert due(between, worked(second_s)) == due(start, worked(first_s + second_s))
    assert elapsed(working_calendar(), start, between, Clock.WORKING_HOURS) == timedelta(seconds=first_s)
