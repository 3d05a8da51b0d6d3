"""Indicators: printed figures from drawn cases, periods, rounding, and what bad editions are told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cases.facts import CaseFacts
from api.cases.indicators import (
    IndicatorError,
    Partition,
    PeriodRule,
    count,
    editions,
    figures,
    membership,
    percent,
    points,
    shipped_editions,
)
from api.cases.predicates import PredicateError, read_predicates
from maps.text import LANGUAGES, words
from tests.api.cases.bulletins import BULLETINS, SHANGHAI, lives, period_of


def at(day: int, hour: int = 9) -> datetime:
    return datetime(2026, 9, day, hour, tzinfo=SHANGHAI)


# What the bulletins call it -> which predicate counts it.
COUNTED = {
    "zhengzhou-2019": {
        "accepted": "accepted", "filed": "accepted_then_filed", "dispatched": "filed_then_dispatched",
        "due_close": "due_to_close_or_left", "closed": "closed_or_left",
        "closed_on_time": "closed_on_time_or_left", "rework": "reworked_or_left",
        "extended": "extended_or_left",
    },
    "huaian-2019": {
        "due_handle": "due_to_handle", "handled_on_time": "handled_on_time", "due_close": "due_to_close",
        "closed": "closed", "closed_on_time": "closed_on_time",
    },
    "tianmen-2016": {"due_close": "due_to_close", "closed": "closed", "closed_on_time": "closed_on_time"},
}  # fmt: skip


@pytest.mark.parametrize("bulletin", BULLETINS, ids=lambda bulletin: bulletin.name)
def test_drawn_cases_reproduce_every_printed_figure(bulletin):
    edition, period = shipped_editions()[bulletin.edition], period_of(bulletin)
    cases = [case for case in lives(bulletin, seed=1) if bulletin.mode in ("", case.mode)]

    counts = count(edition, cases, period)

    names = COUNTED[bulletin.edition]
    assert {name: counts[predicate] for name, predicate in names.items()} == {
        name: bulletin.counts[name] for name in names
    }
    assert {figure.indicator.name: figure.percent for figure in figures(edition, counts)} == bulletin.printed


def test_the_bulletins_print_twenty_figures():
    assert sum(len(bulletin.printed) for bulletin in BULLETINS) == 20


def test_a_figure_names_the_cases_in_it_and_those_left_out():
    edition = shipped_editions()["huaian-2019"]
    period = edition.period.period(date(2026, 9, 5), SHANGHAI)
    on_time = next(one for one in edition.indicators if one.name == "on_time_handling")
    cases = [
        CaseFacts("1", due_at=at(5), handled_at=at(5)),
        CaseFacts("2", due_at=at(5), handled_at=at(6)),
        CaseFacts("3", due_at=at(5)),
        CaseFacts("4", handled_at=at(5)),  # never had a deadline: not on time, but not asked about
        CaseFacts("5", due_at=at(25), handled_at=at(5)),  # of the next period
        CaseFacts("6", due_at=at(5), handled_at=at(6), exempt=True),
        CaseFacts("7", due_at=at(5), cancelled_at=at(4)),
    ]

    found = membership(edition, on_time, cases, period)

    assert (found.counted, found.left_out, found.not_asked) == (("1",), ("2", "3", "6"), ("4", "5", "7"))


def test_what_was_conceded_does_not_polish_the_second_figure():
    edition = shipped_editions()["huaian-2019"]
    predicates = edition.predicates
    period = edition.period.period(date(2026, 9, 5), SHANGHAI)
    extended = CaseFacts("1", due_at=at(8), original_due_at=at(5), handled_at=at(7), extensions=1)

    def holds(name: str) -> bool:
        return predicates[name].holds(extended, period.start, period.end)

    assert holds("handled_on_time")
    assert not holds("handled_on_time_unconceded")


INSTANTS = st.none() | st.datetimes(datetime(2026, 8, 1), datetime(2026, 10, 20), timezones=st.just(SHANGHAI))


STEPS = ("reported_at", "accepted_at", "filed_at", "dispatched_at", "handled_at", "closed_at", "cancelled_at",
         "due_at", "close_due_at", "original_due_at")  # fmt: skip
ANY_CASE = st.builds(
    CaseFacts, st.just("1"), extensions=st.integers(0, 2), reworks=st.integers(0, 2), parked=st.booleans(),
    exempt=st.booleans(), urgent=st.booleans(), **dict.fromkeys(STEPS, INSTANTS),
)  # fmt: skip


@given(ANY_CASE)
def test_on_time_late_and_exempt_are_all_that_was_handled_whatever_the_case(case):
    for edition in shipped_editions().values():
        counts = count(edition, [case], edition.period.period(date(2026, 9, 5), SHANGHAI))
        for figure in figures(edition, counts):
            assert 0 <= figure.numerator <= figure.denominator


def test_counts_that_do_not_add_up_are_refused():
    edition = shipped_editions()["huaian-2019"]
    counts = dict.fromkeys(edition.counted, 0) | {"handled": 3, "handled_on_time": 1, "handled_late": 1}

    with pytest.raises(IndicatorError, match="is not handled 3"):
        figures(edition, counts)


def test_a_case_in_two_parts_at_once_is_refused():
    edition = shipped_editions()["huaian-2019"]
    twice = replace(edition, partitions=(Partition("handled", ("handled_on_time", "handled")),))
    period = edition.period.period(date(2026, 9, 5), SHANGHAI)

    with pytest.raises(IndicatorError, match="1 cases are not in exactly one"):
        count(twice, [CaseFacts("8", due_at=at(5), handled_at=at(5))], period)


# --- rounding -------------------------------------------------------------------------------------------


def test_a_rate_is_rounded_half_up_once():
    # 274 / 18,086 = 1.51498 %; by way of 1.515 it would become 1.52.
    assert percent(274, 18086, 2) == Decimal("1.51")
    assert percent(1, 800, 2) == Decimal("0.13")
    assert percent(0, 0, 2) is None


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.integers(0, 4))
def test_a_rounded_rate_is_the_nearest_and_the_upper_of_two(numerator, denominator, places):
    rounded = percent(numerator, denominator, places)
    assert rounded is not None

    off = Fraction(rounded) - Fraction(100 * numerator, denominator)
    half = Fraction(1, 2 * 10**places)
    assert -half < off <= half


# --- periods --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "day", "first", "end"),
    [
        (PeriodRule("week"), date(2019, 4, 14), date(2019, 4, 8), date(2019, 4, 15)),
        (PeriodRule("month", 21), date(2019, 12, 20), date(2019, 11, 21), date(2019, 12, 21)),
        (PeriodRule("month", 21), date(2019, 12, 21), date(2019, 12, 21), date(2020, 1, 21)),
        (PeriodRule("month", 21), date(2020, 1, 1), date(2019, 12, 21), date(2020, 1, 21)),
        (PeriodRule("month"), date(2016, 12, 31), date(2016, 12, 1), date(2017, 1, 1)),
        (PeriodRule("quarter"), date(2026, 5, 5), date(2026, 4, 1), date(2026, 7, 1)),
        (PeriodRule("quarter", 21), date(2026, 12, 25), date(2026, 12, 21), date(2027, 3, 21)),
        (PeriodRule("year"), date(2026, 5, 5), date(2026, 1, 1), date(2027, 1, 1)),
        (PeriodRule("year", 21), date(2026, 12, 21), date(2026, 12, 21), date(2027, 12, 21)),
        (PeriodRule("day"), date(2026, 12, 31), date(2026, 12, 31), date(2027, 1, 1)),
    ],
)  # fmt: skip
def test_a_day_lies_in_the_period_of_its_rule(rule, day, first, end):
    period = rule.period(day, SHANGHAI)

    assert (period.start.date(), period.end.date()) == (first, end)
    assert (period.start.hour, period.end.hour) == (0, 0)


# --- editions -------------------------------------------------------------------------------------------


def test_points_fall_below_the_threshold_and_are_not_made_up_where_the_rules_are_silent():
    jinhua = shipped_editions()["jinhua"]
    scores = {score.indicator: score for score in jinhua.scores}
    counts = dict.fromkeys(jinhua.counted, 0) | {
        "due_to_close_unless_deferred": 200,
        "closed_unless_deferred": 170,
        "closed_on_time_unless_deferred": 135,
    }
    found = {figure.indicator.name: figure for figure in figures(jinhua, counts)}

    assert points(scores["on_time_closing"], found["on_time_closing"]) == Decimal("47.5")
    assert points(scores["closing"], found["closing"]) is None


def test_deferred_cases_leave_the_denominator_in_one_edition_only():
    case = CaseFacts("1", close_due_at=at(5), parked=True)

    def due(edition: str, predicate: str) -> int:
        of = shipped_editions()[edition]
        return count(of, [case], of.period.period(date(2026, 9, 5), SHANGHAI))[predicate]

    assert due("jinhua", "due_to_close_unless_deferred") == 0
    assert due("tianmen-2016", "due_to_close") == 1


def test_every_indicator_has_a_name_in_both_languages():
    names = {one.name for edition in shipped_editions().values() for one in edition.indicators}

    for language in LANGUAGES:
        assert [name for name in names if f"indicator.name.{name}" not in words(language)] == []


OWN = """
edition = "ours"
place = "本区"
source = "our rules"
unconfirmed = []
places = 1
[period]
rule = "quarter"
[[indicators]]
name = "closing"
numerator = "quick"
denominator = "closed"
"""


def test_a_folder_adds_an_edition_with_counts_of_its_own(tmp_path):
    (tmp_path / "ours.toml").write_text(OWN, encoding="utf-8")
    (tmp_path / "predicates.toml").write_text('[predicates]\nquick = "closed and extensions == 0"\n')

    ours = editions(tmp_path)["ours"]
    cases = [CaseFacts(str(i), close_due_at=at(5), closed_at=at(4), extensions=i % 2) for i in range(3)]
    counts = count(ours, cases, ours.period.period(date(2026, 9, 5), SHANGHAI))

    assert [figure.percent for figure in figures(ours, counts)] == [Decimal("66.7")]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('numerator = "quick"', 'numerator = "swift"', r"ours\.toml, field indicators\[1\]\.numerator"),
        ('rule = "quarter"', 'rule = "moon"', r"field period\.rule"),
        ('rule = "quarter"', 'rule = "month"\nfirst_day = 31', r"field period\.first_day"),
        ("places = 1", "places = true", "field places"),
        ('edition = "ours"', "", "field edition"),
        ("places = 1", "places = = 1", "cannot be read"),
    ],
)
def test_a_bad_edition_is_told_in_one_line(old, new, said, tmp_path):
    (tmp_path / "ours.toml").write_text(OWN.replace(old, new), encoding="utf-8")
    (tmp_path / "predicates.toml").write_text('[predicates]\nquick = "closed and extensions == 0"\n')

    with pytest.raises(IndicatorError, match=said) as caught:
        editions(tmp_path)

    assert "\n" not in str(caught.value)


def test_a_shipped_count_keeps_its_meaning(tmp_path):
    (tmp_path / "predicates.toml").write_text('[predicates]\nclosed = "reported"\n')

    with pytest.raises(IndicatorError, match="a name never changes"):
        editions(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["closed_at", "closed_at <", "__import__('os')", "nobody < start", "closed_at != start", "urgent < 2",
     "1 if urgent else 2", "later", "closed_at < 'x'", "case_id.real > 1"],
)  # fmt: skip
def test_what_is_no_predicate_is_refused(text):
    with pytest.raises(PredicateError, match="field bad"):
        read_predicates({"bad": text, "later": "urgent"})


def test_a_number_whose_numerator_is_larger_than_its_denominator_is_no_share():
    edition = shipped_editions()["tianmen-2016"]
    counts = dict.fromkeys(edition.counted, 0) | {
        "due_to_close": 2, "closed": 2, "closed_on_time": 3, "closed_late": -1}  # fmt: skip

    with pytest.raises(IndicatorError, match="3 of 2 is no share"):
        figures(edition, counts)
