"""Opening hours minute by minute against tables written by hand: holidays, make-up days, midnight."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.hours_syntax import HoursError, read_hours
from geo.opening_hours import DAY_MIN, HORIZON_DAYS, DayRole

# 2026 in China, as far as the tables below go: National Day, and the Sunday and Saturday worked for it.
ROLES = {
    **{date(2026, 10, day): DayRole.HOLIDAY for day in range(1, 8)},
    **{date(2026, 1, day): DayRole.HOLIDAY for day in (1, 2, 3)},
    date(2026, 1, 4): DayRole.MAKE_UP,
    date(2026, 9, 20): DayRole.MAKE_UP,
    date(2026, 10, 10): DayRole.MAKE_UP,
}


def role_of(day: date) -> DayRole:
    return ROLES.get(day, DayRole.ORDINARY)


def minute(said: str) -> int:
    hours, minutes = said.split(":")
    return 60 * int(hours) + int(minutes)


def table(first: date, days: Mapping[str, str], length: int) -> list[bool]:
    """Open or not, for each minute of some days: `days` has by month and day the spans that begin then."""
    is_open = [False] * (length * DAY_MIN)
    for said, spans in days.items():
        year, month, day = (int(part) for part in said.split("-"))
        begins = (date(year, month, day) - first).days * DAY_MIN
        for span in spans.split():
            start, end = (begins + minute(part) for part in span.split("-"))
            for each in range(max(start, 0), min(end, len(is_open))):
                is_open[each] = True
    return is_open


# Expression, first day, number of days, and by day what is open then; a day that is not named is shut.
WRITTEN = {
    "a week": (
        "Mo-Fr 08:30-18:00; Sa 09:00-12:00", "2026-11-23", 7,
        {**{f"2026-11-{day}": "08:30-18:00" for day in range(23, 28)}, "2026-11-28": "09:00-12:00"},
    ),
    "around the clock": ("24/7", "2026-09-30", 3, {f"2026-{day}": "00:00-24:00" for day in
                                                  ("09-30", "10-01", "10-02")}),
    "around the clock but for holidays": (
        "24/7; PH off", "2026-09-29", 11,
        {**{f"2026-09-{day}": "00:00-24:00" for day in (29, 30)},
         **{f"2026-10-{day:02}": "00:00-24:00" for day in (8, 9)}},
    ),
    "holidays without a rule are Sundays": (
        "Mo-Fr 08:00-17:00; Su 10:00-12:00", "2026-09-30", 4,
        {"2026-09-30": "08:00-17:00", "2026-10-01": "10:00-12:00", "2026-10-02": "10:00-12:00",
         "2026-10-03": "10:00-12:00"},
    ),
    "holidays without a rule, and nothing on Sundays": (
        "Mo-Sa 09:00-17:00", "2026-09-30", 9,
        {"2026-09-30": "09:00-17:00", "2026-10-08": "09:00-17:00"},
    ),
    "holidays with hours of their own": (
        "Mo-Fr 08:00-17:00; PH 10:00-12:00", "2026-09-30", 10,
        {"2026-09-30": "08:00-17:00", **{f"2026-10-0{day}": "10:00-12:00" for day in range(1, 8)},
         "2026-10-08": "08:00-17:00", "2026-10-09": "08:00-17:00"},
    ),
    "holidays like Saturdays": (
        "Mo-Fr 08:00-17:00; Sa,PH 10:00-12:00", "2026-10-07", 4,
        {"2026-10-07": "10:00-12:00", "2026-10-08": "08:00-17:00", "2026-10-09": "08:00-17:00",
         # The tenth is a Saturday that is worked.
         "2026-10-10": "08:00-17:00"},
    ),
    "holidays that are weekdays": (
        "Mo-Su 08:00-17:00; PH Mo-Fr off", "2026-10-01", 4,
        # The third and the fourth are a Saturday and a Sunday.
        {"2026-10-03": "08:00-17:00", "2026-10-04": "08:00-17:00"},
    ),
    "a Sunday that is worked is a Monday": (
        "Mo 07:00-08:00; Tu-Fr 09:00-10:00; Sa-Su 11:00-12:00", "2026-09-19", 3,
        {"2026-09-19": "11:00-12:00", "2026-09-20": "07:00-08:00", "2026-09-21": "07:00-08:00"},
    ),
    "a Saturday that is worked is a Friday": (
        "Mo-Th 09:00-10:00; Fr 07:00-08:00; Sa-Su 11:00-12:00; PH off", "2026-10-08", 4,
        {"2026-10-08": "09:00-10:00", "2026-10-09": "07:00-08:00", "2026-10-10": "07:00-08:00",
         "2026-10-11": "11:00-12:00"},
    ),
    "over midnight": (
        "Mo-Th 18:00-22:00; Fr-Sa 22:00-02:00", "2026-11-26", 4,
        {"2026-11-26": "18:00-22:00", "2026-11-27": "22:00-26:00", "2026-11-28": "22:00-26:00"},
    ),
    "the night before a holiday ends in it": (
        "Mo-Fr 20:00-03:00; PH off", "2026-09-29", 4,
        {"2026-09-28": "20:00-27:00", "2026-09-29": "20:00-27:00", "2026-09-30": "20:00-27:00"},
    ),
    "written past midnight": (
        "Sa 20:00-26:00", "2026-11-28", 2, {"2026-11-28": "20:00-26:00"}),
    "over the end of the year": (
        "22:00-04:00; PH off", "2025-12-30", 6,
        # From the first to the third is New Year.
        {"2025-12-29": "22:00-28:00", "2025-12-30": "22:00-28:00", "2025-12-31": "22:00-28:00",
         "2026-01-04": "22:00-28:00"},
    ),
    "a lunch break": (
        "Mo-Fr 08:30-12:00,14:00-17:30", "2026-11-27", 2, {"2026-11-27": "08:30-12:00 14:00-17:30"}),
    "two rules without days are both meant": (
        "08:30-12:00; 14:00-17:30", "2026-11-27", 1, {"2026-11-27": "08:30-12:00 14:00-17:30"}),
    "an added rule": (
        "Mo-Fr 08:00-12:00, We 14:00-16:00", "2026-11-24", 2,
        {"2026-11-24": "08:00-12:00", "2026-11-25": "08:00-12:00 14:00-16:00"},
    ),
    "a later rule takes the place of the day": (
        "Mo-Fr 08:00-12:00; We 14:00-16:00", "2026-11-24", 2,
        {"2026-11-24": "08:00-12:00", "2026-11-25": "14:00-16:00"},
    ),
    "a span that is cut out": (
        "Mo-Fr 08:00-18:00; We 12:00-13:30 off", "2026-11-24", 2,
        {"2026-11-24": "08:00-18:00", "2026-11-25": "08:00-12:00 13:30-18:00"},
    ),
    "a fallback": (
        "Mo-Fr 08:00-12:00 || We 10:00-14:00", "2026-11-24", 2,
        {"2026-11-24": "08:00-12:00", "2026-11-25": "08:00-14:00"},
    ),
    "dates": (
        "Mo-Su 08:00-20:00; Dec 24-Jan 01 10:00-12:00", "2026-12-23", 11,
        {"2026-12-23": "08:00-20:00", **{f"2026-12-{day}": "10:00-12:00" for day in range(24, 32)},
         "2027-01-01": "10:00-12:00", "2027-01-02": "08:00-20:00"},
    ),
    "dates of one year": (
        "24/7; 2026 Dec 31-2027 Jan 01 off", "2026-12-30", 4,
        {"2026-12-30": "00:00-24:00", "2027-01-02": "00:00-24:00"},
    ),
    "single days": (
        "Dec 24,26 10:00-12:00", "2026-12-24", 3, {"2026-12-24": "10:00-12:00", "2026-12-26": "10:00-12:00"}),
    "months": (
        "Apr-Oct Mo-Su 06:00-22:00; Nov-Mar Mo-Su 07:00-20:00", "2026-10-31", 2,
        {"2026-10-31": "06:00-22:00", "2026-11-01": "07:00-20:00"},
    ),
    "weeks": ("week 48 Fr 10:00-11:00", "2026-11-20", 15, {"2026-11-27": "10:00-11:00"}),
    "every other week": ("week 02-52/2 Fr 10:00-11:00", "2026-11-20", 8, {"2026-11-27": "10:00-11:00"}),
    "years": ("2027+ 08:00-09:00", "2026-12-31", 2, {"2027-01-01": "08:00-09:00"}),
    "the second Wednesday": ("We[2] 09:00-10:00", "2026-11-01", 30, {"2026-11-11": "09:00-10:00"}),
    "the last Friday": ("Fr[-1] 09:00-10:00", "2026-11-01", 30, {"2026-11-27": "09:00-10:00"}),
    "days over the end of the week": (
        "Sa-Mo 09:00-10:00", "2026-11-27", 5,
        {"2026-11-28": "09:00-10:00", "2026-11-29": "09:00-10:00", "2026-11-30": "09:00-10:00"},
    ),
    "only who asks first": ('Mo-Fr 09:00-12:00 "by appointment"', "2026-11-23", 7, {}),
    "nobody knows": ("Mo-Fr 09:00-12:00; We unknown", "2026-11-24", 2, {"2026-11-24": "09:00-12:00"}),
    "shut for good": ("off", "2026-11-24", 2, {}),
    "full-width signs": (
        "Ｍｏ－Ｆｒ ８：３０—１８：００； Sa 9:00～12:00；", "2026-11-27", 2,
        {"2026-11-27": "08:30-18:00", "2026-11-28": "09:00-12:00"},
    ),
    "letters of any case": ("mo-FR 08:30-18:00; ph OFF", "2026-11-27", 2, {"2026-11-27": "08:30-18:00"}),
}  # fmt: skip


@pytest.mark.parametrize("case", WRITTEN, ids=[name.replace(" ", "_") for name in WRITTEN])
def test_every_minute_is_as_the_table_written_by_hand_says(case: str):
    said, begins, length, days = WRITTEN[case]
    first = date.fromisoformat(begins)
    expected = table(first, days, length)
    hours = read_hours(said)

    found = [False] * (length * DAY_MIN)
    for number in range(-2, length):
        day = first + timedelta(days=number)
        for start, end in hours.spans(day, role_of(day)):
            for each in range(max(number * DAY_MIN + start, 0), min(number * DAY_MIN + end, len(found))):
                found[each] = True
    assert found == expected


@pytest.mark.parametrize("case", WRITTEN, ids=[name.replace(" ", "_") for name in WRITTEN])
def test_a_moment_is_open_until_the_table_changes(case: str):
    said, begins, length, days = WRITTEN[case]
    first = date.fromisoformat(begins)
    expected = table(first, days, length)
    hours = read_hours(said)

    for at in range(0, len(expected), 37):
        moment = datetime.combine(first, datetime.min.time()) + timedelta(minutes=at)
        told = hours.opening(moment, role_of)
        assert told.is_open == expected[at], moment
        change = next((each for each in range(at, len(expected)) if expected[each] != expected[at]), None)
        if change is not None and change - at <= HORIZON_DAYS * DAY_MIN:
            assert told.until == moment + timedelta(minutes=change - at), moment


def test_who_never_shuts_is_open_without_an_end():
    told = read_hours("24/7").opening(datetime(2026, 11, 27, 23, 0), role_of)

    assert (told.is_open, told.until) == (True, None)


def test_who_opens_next_month_tells_no_time_of_opening():
    assert read_hours("Dec 30 10:00-12:00").opening(datetime(2026, 11, 27), role_of).until is None


SPANS = st.lists(
    st.tuples(st.integers(0, 47), st.integers(1, 40)).map(
        lambda span: (span[0] * 30, (span[0] + span[1]) * 30)
    ),
    max_size=3,
)


@settings(deadline=None, max_examples=60)
@given(week=st.lists(SPANS, min_size=7, max_size=7), first=st.dates(date(2026, 9, 1), date(2026, 12, 20)))
def test_any_week_is_read_back_minute_by_minute(week, first):
    names = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")

    def clock(minutes: int) -> str:
        return f"{minutes // 60:02}:{minutes % 60:02}"

    rules = [
        f"{name} " + ",".join(f"{clock(start)}-{clock(end)}" for start, end in spans)
        for name, spans in zip(names, week, strict=True)
        if spans
    ]
    hours = read_hours("; ".join(rules) or "off")
    for number in range(10):
        day = first + timedelta(days=number)
        role = role_of(day)
        if role is DayRole.HOLIDAY:
            spans = week[6]
        elif role is DayRole.MAKE_UP:
            spans = week[4] if day.weekday() == 5 else week[0]
        else:
            spans = week[day.weekday()]
        minutes = {each for start, end in spans for each in range(start, end)}
        assert {each for start, end in hours.spans(day, role) for each in range(start, end)} == minutes


@pytest.mark.parametrize(
    ("said", "rest"),
    [
        ("", ""),
        ("   ", ""),
        ("周一至周五 8:30-18:00", "周一至周五"),
        ("Mo-Fr", None),
        ("Mo-Fr 0830-1800", "0830"),
        ("Mo-Fr 08:30", "08:30"),
        ("Mo-Fr 08:30+", "08:30"),
        ("Mo-Fr 08:60-18:00", "08:60"),
        ("Mo-Fr 25:00-26:00", "25:00"),
        ("Mo-Fr 08:00-49:00", "49:00"),
        ("Mo-Xx 08:00-18:00", "Xx"),
        ("Mo-Fr sunrise-sunset", "sunrise"),
        ("SH 08:00-12:00", "SH"),
        ("PH -1 day off", "PH"),
        ("Mo-Fr 08:00-18:00;; Sa off", "; Sa"),
        ("Mo-Fr 08:00-18:00 Sa 09:00-12:00", "Sa"),
        ("Mo[6] 08:00-09:00", "6"),
        ("Mo[1 08:00-09:00", "08:00"),
        ("Feb 30 08:00-09:00", "30"),
        ("week 54 08:00-09:00", "54"),
        ("2027-2026 08:00-09:00", "2026"),
        ("2027 Jan 01-2026 Jan 05 08:00-09:00", "2026"),
        ("week 50-02 08:00-09:00", "02 08"),
        ("Mo[4-2] 08:00-09:00", "2] 08"),
        ("week 02-10/0 08:00-09:00", "0 08"),
        ("Mo Tu 08:00-09:00", "Tu"),
        ("<script>alert(1)</script>", "<script>"),
        ("Mo-Fr 08:00-18:00, ", ""),
        ("x" * 600, "x"),
        ("24/7 24/7", "24/7"),
        ("easter 10:00-12:00", "easter"),
    ],
)
def test_what_cannot_be_read_is_refused_with_where_it_stops(said: str, rest: str | None):
    if rest is None:
        # Days alone are open the whole day.
        assert read_hours(said).spans(date(2026, 11, 27)) == [(0, DAY_MIN)]
        return
    with pytest.raises(HoursError) as refused:
        read_hours(said)
    assert refused.value.code == "hours_not_read"
    assert str(refused.value.values["rest"]).startswith(rest or "…")
    assert "\n" not in str(refused.value)
