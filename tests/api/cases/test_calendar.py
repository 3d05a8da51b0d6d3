"""Working calendars: what is shipped, what a folder adds, and what a bad file is told."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from importlib import resources

import pytest

from api.cases.calendar import (
    UNCONFIRMED,
    CalendarError,
    DayKind,
    load_calendar,
    read_year,
    working_calendar,
)
from api.cases.categories import shipped_edition
from maps.text import text as words_of
from tests.api.accounts import bearer, service
from tests.api.cases.desk import IN_FIRST, open_desk

SHIPPED = (resources.files("api.cases") / "data" / "calendars" / "CN-2026.toml").read_text("utf-8")


def written(folder, text: str, name: str = "CN-2026.toml"):
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_the_working_calendars_know_holidays_make_up_days_and_weekends():
    calendar = working_calendar()
    expected = {
        date(2026, 10, 1): DayKind.HOLIDAY,
        date(2026, 9, 20): DayKind.MAKE_UP,
        date(2026, 9, 19): DayKind.WEEKEND,
        date(2026, 9, 18): DayKind.WORKING,
        date(2025, 1, 28): DayKind.HOLIDAY,
    }

    assert {day: calendar.day(day).kind for day in expected} == expected
    assert calendar.day(date(2026, 9, 20)).name == "国庆节"


def test_the_shipped_years_have_the_days_off_of_the_notices():
    # 2026: 33 days in 7 holidays, 6 make-up days; 2025: 28 days in 6, 5 make-up days.
    years = working_calendar().years

    assert {year: (len(of.holidays), len(of.make_up_days)) for year, of in years.items()} == {
        2025: (28, 5), 2026: (33, 6)}  # fmt: skip


def test_working_hours_that_nobody_confirmed_are_marked():
    assert working_calendar().year(2026).unconfirmed == ("windows_source",)
    assert working_calendar().year(2026).windows_source == UNCONFIRMED


def test_a_folder_adds_years_and_takes_the_place_of_shipped_ones(tmp_path):
    written(tmp_path, SHIPPED.replace('edition = "CN-2026"', 'edition = "CN-2026-b"'))
    plain = SHIPPED[: SHIPPED.index("[[holidays]]")].replace("2026", "2027")
    written(tmp_path, plain, "CN-2027.toml")
    written(tmp_path, "notes of ours", "CN-2027.toml.bak")

    calendar = load_calendar("CN", tmp_path)

    assert {year: of.edition for year, of in calendar.years.items()} == {
        2025: "CN-2025", 2026: "CN-2026-b", 2027: "CN-2027"}  # fmt: skip


def test_a_service_reckons_with_the_years_of_its_data_folder(store, tmp_path):
    desk = open_desk(store)
    (tmp_path / "calendars").mkdir()
    year = datetime.now(UTC).year
    plain = re.sub(
        r"(?m)^(\w+day) = \[.*$", r'\1 = ["00:00-24:00"]', SHIPPED[: SHIPPED.index("[[holidays]]")]
    )
    for one in (year, year + 1):
        written(tmp_path / "calendars", plain.replace("2026", str(one)), f"CN-{one}.toml")

    with service(store, data_dir=tmp_path) as client:
        report = {"category": "E0102", "text": "x", "lon": IN_FIRST[0], "lat": IN_FIRST[1]}
        made = client.post("/api/v1/cases", json=report, headers=bearer(desk.tokens["grid_worker"])).json()

    # Where every hour is worked a limit of working time is time by the wall.
    limit = shipped_edition().categories["E0102"].conditions[0].limit
    reported, due = (datetime.fromisoformat(made[name]) for name in ("reported_at", "due_at"))
    assert due - reported == limit.duration(working_calendar(tmp_path), reported)


def test_a_folder_that_is_not_there_adds_nothing(tmp_path):
    assert load_calendar("CN", tmp_path / "calendars").years.keys() == {2025, 2026}


def test_a_calendar_that_nobody_wrote_is_refused():
    with pytest.raises(CalendarError, match="there is no calendar XX"):
        load_calendar("XX")


def test_years_in_different_zones_are_refused(tmp_path):
    written(tmp_path, SHIPPED.replace("Asia/Shanghai", "Asia/Urumqi"))

    with pytest.raises(CalendarError, match=r"CN-2026\.toml, field time_zone: the years 2025 and 2026"):
        load_calendar("CN", tmp_path)


HOLIDAY = '[[holidays]]\nname = "x"\nfirst = {}\nlast = {}\n'
MAKE_UP = '[[make_up_days]]\nname = "x"\nday = {}\n'
FAULTS = {
    "calendar_not_toml": ("year = 2026", "year = = 2026", "cannot be read"),
    "calendar_year": ("year = 2026", 'year = "2026"', "field year"),
    "calendar_file_name": ('calendar = "CN"', 'calendar = "CNN"', "CNN-2026.toml"),
    "calendar_name": ('edition = "CN-2026"', 'edition = ""', "field edition"),
    "calendar_zone": ("Asia/Shanghai", "Asia/Atlantis", "time zone Asia/Atlantis"),
    "calendar_source_missing": (
        'windows_source = "unconfirmed"', 'windows_source = " "', "field windows_source"),
    "calendar_hours": ("hours_of_working_day = 8", "hours_of_working_day = 25", "field hours_of_working_day"),
    "calendar_field_unknown": ("[windows]", 'weekend = "no"\n[windows]', "field weekend"),
    "calendar_windows_missing": ("sunday = []\n", "", "field windows.sunday"),
    "calendar_window": ("saturday = []", 'saturday = ["8:00-12:00"]', "8:00-12:00 is not a window"),
    "calendar_windows_order": (
        "saturday = []", 'saturday = ["08:00-12:00", "11:59-18:00"]', "11:59-18:00 begins before"),
    "calendar_entries": ("[[holidays]]", "[holidays]", "field holidays"),
    "calendar_field_missing": ("last = 2026-01-03\n", "", r"field holidays\[1\].last"),
    "calendar_date": ("last = 2026-01-03", 'last = "3 January"', "3 January is not a date"),
    "calendar_other_year": ("last = 2026-01-03", "last = 2027-01-03", "2027-01-03 is not in 2026"),
    "calendar_days_order": ("first = 2026-01-01", "first = 2026-01-04", "2026-01-03 is before the first day"),
    "calendar_day_worked": ("day = 2026-01-04", "day = 2026-01-05", "2026-01-05 is a working day already"),
    "calendar_day_twice": (
        "day = 2026-01-04", "day = 2026-10-03", "2026-10-03 is both a holiday and a make-up day"),
}  # fmt: skip


@pytest.mark.parametrize("code", FAULTS)
def test_a_bad_file_is_told_in_one_line_with_its_field_and_day(code, tmp_path):
    old, new, said = FAULTS[code]
    text = SHIPPED.replace(old, new, 1)
    assert text != SHIPPED
    if code == "calendar_entries":
        text = text[: text.index("[[holidays]]")]

    with pytest.raises(CalendarError, match=said) as caught:
        read_year(written(tmp_path, text))

    assert caught.value.code == code
    assert str(caught.value).startswith("CN-2026.toml")
    assert "\n" not in str(caught.value)
    for language in ("zh_CN", "en"):
        assert words_of(f"error.{code}", language, **caught.value.values)


def test_a_day_named_in_two_holidays_is_refused(tmp_path):
    text = SHIPPED + HOLIDAY.format("2026-10-07", "2026-10-08")

    with pytest.raises(CalendarError, match="2026-10-07 is named twice"):
        read_year(written(tmp_path, text))


def test_a_year_in_which_nobody_works_is_refused(tmp_path):
    head = SHIPPED[: SHIPPED.index("[[holidays]]")]

    with pytest.raises(CalendarError, match="no day has working hours"):
        read_year(written(tmp_path, head + HOLIDAY.format("2026-01-01", "2026-12-31")))


def test_make_up_days_without_hours_are_refused(tmp_path):
    text = SHIPPED.replace('make_up_day = ["08:00-12:00", "14:00-18:00"]', "make_up_day = []")

    with pytest.raises(CalendarError, match="no windows for them"):
        read_year(written(tmp_path, text))
