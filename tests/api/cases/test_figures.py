"""Figures over the store: printed bulletins through the real log, boards, themes, and who sees what."""

from __future__ import annotations

import random
from dataclasses import fields
from datetime import date, datetime, timedelta
from statistics import mean, median

import pytest
from sqlalchemy import text

from api import log
from api.cases.facts import CaseFacts, facts
from api.cases.figures import Asked, agenda, board, counts, counts_by, lane_list, members, themes
from api.cases.indicators import count, figures, membership, shipped_editions
from api.cases.replay import replay
from api.cases.steps import loop
from api.database import Store
from tests.api.cases.bulletins import BULLETINS, SHANGHAI, lives, period_of
from tests.api.cases.test_facts import walk
from tests.api.cases.written_logs import events_of, write_logs
from tests.api.people import add_division, add_person, path_of

# All but the second, whose cases are among those of the first.
WEEKS = [BULLETINS[0], *BULLETINS[2:]]


@pytest.fixture
def street(store):
    add_division(store, "320700", "county")
    add_division(store, "320700001", "street", "320700")
    return [add_division(store, f"32070000100{n}", "community", "320700001") for n in (1, 2, 3)]


@pytest.fixture
def inspector(store, street):
    return add_person(store, "li", inspector="320700001")


@pytest.mark.slow
@pytest.mark.parametrize("bulletin", WEEKS, ids=lambda bulletin: bulletin.name)
def test_printed_figures_come_out_of_the_log_of_cases(bulletin, store, street, inspector):
    drawn = lives(bulletin, seed=1)
    logs = [(life.case_id, street[n % 3], events_of(life)) for n, life in enumerate(drawn)]
    write_logs(store, logs)
    edition, period = shipped_editions()[bulletin.edition], period_of(bulletin)
    printed = [one for one in BULLETINS if one.edition == bulletin.edition and one.day == bulletin.day]

    replayed = [case for number, area, events in logs if (case := facts(number, area, events))]
    with store.acting(inspector.user_id, inspector.grants) as session:
        for one in printed:
            asked = Asked(mode=one.mode or None)
            told = counts(session, edition, period, asked)
            assert {figure.indicator.name: figure.percent for figure in figures(edition, told)} == one.printed
            # The replay of the same events, counted case by case, agrees in every count.
            cases = [case for case in replayed if one.mode in ("", case.mode)]
            assert told == count(edition, cases, period)
    # A log of the loop: every step allowed, every hash in its place.
    for number, _, events in logs[:: max(1, len(logs) // 500)]:
        assert replay(events), number
    verified = log.verify(store, "case")
    assert (verified.faults, verified.chains) == ((), len(drawn))


def at(day: int, hour: int = 9) -> datetime:
    return datetime(2026, 9, day, hour, tzinfo=SHANGHAI)


def life(number: str, reported: datetime, hours: float | None = None, **facts: object) -> CaseFacts:
    closed = None if hours is None else reported + timedelta(hours=hours)
    due = reported + timedelta(hours=48)
    return CaseFacts(
        number, accepted_at=reported, filed_at=reported, dispatched_at=reported, due_at=due, close_due_at=due,
        handled_at=closed, closed_at=closed, **{"mode": "routine", **facts},  # type: ignore[arg-type]
    )  # fmt: skip


def write(store, area: int, *drawn: CaseFacts) -> None:
    write_logs(store, [(one.case_id, area, events_of(one)) for one in drawn])


SEPTEMBER = shipped_editions()["tianmen-2016"].period.period(date(2026, 9, 5), SHANGHAI)


def test_a_figure_opens_the_cases_in_it_and_those_left_out(store, street, inspector):
    drawn = [life(f"{n:03}", at(1 + n % 20), hours=(10, 60, None)[n % 3]) for n in range(30)]
    write(store, street[0], *drawn)
    edition = shipped_editions()["tianmen-2016"]
    closing = edition.indicators[1]
    expected = membership(edition, closing, drawn, SEPTEMBER)

    with store.acting(inspector.user_id, inspector.grants) as session:

        def opened(part, **page):
            return tuple(members(session, edition, closing, SEPTEMBER, part, **page))

        assert opened("counted") == expected.counted != ()
        assert opened("left_out") == expected.left_out != ()
        assert opened("not_asked") == expected.not_asked
        first = opened("left_out", limit=4)
        assert first + opened("left_out", after=first[-1]) == expected.left_out


def test_each_area_is_counted_for_itself_and_the_parts_add_up(store, street, inspector):
    for n, area in enumerate(street):
        write(store, area, *(life(f"{n}{i}", at(3), 10 if i > n else None) for i in range(4)))
    edition = shipped_editions()["tianmen-2016"]

    with store.acting(inspector.user_id, inspector.grants) as session:
        by_area = counts_by(session, edition, SEPTEMBER, "area")
        every = counts(session, edition, SEPTEMBER)
        below = counts(session, edition, SEPTEMBER, Asked(area=path_of(store, "320700001001")))

    assert {area: of["closed"] for area, of in by_area.items()} == dict(
        zip(map(str, street), (3, 2, 1), strict=True))  # fmt: skip
    assert all(sum(of[name] for of in by_area.values()) == every[name] for name in edition.counted)
    assert below == by_area[str(street[0])]


def test_drills_are_in_no_figure(store, street, inspector):
    write(store, street[0], life("1", at(3), 10, mode="drill"))
    edition = shipped_editions()["tianmen-2016"]

    with store.acting(inspector.user_id, inspector.grants) as session:
        assert not any(counts(session, edition, SEPTEMBER).values())
        assert board(session, SEPTEMBER, "area", now=at(20)) == []


def test_whoever_sees_no_case_of_an_area_gets_no_figure_of_it(store, street):
    write(store, street[0], life("1", at(3), 10), life("2", at(3), 10, department="roads"))
    write(store, street[1], life("3", at(3), 10))
    edition = shipped_editions()["tianmen-2016"]
    people = {
        "neighbour": add_person(store, "wang", inspector="320700001002"),
        "reporter": add_person(store, "zhao", reporter="320700"),
        "handler": add_person(store, "qian", handler="320700"),
    }

    closed = {}
    for name, person in people.items():
        with store.acting(person.user_id, person.grants) as session:
            closed[name] = counts(session, edition, SEPTEMBER)["closed"]

    # The handler works for the waterworks: two cases, not the one of the roads.
    assert closed == {"neighbour": 1, "reporter": 0, "handler": 2}


def test_nobody_writes_facts_but_the_log(store, street, inspector):
    with store.acting(inspector.user_id, inspector.grants) as session:
        for privilege in ("INSERT", "UPDATE", "DELETE"):
            assert not session.execute(
                text(f"SELECT has_table_privilege('case_facts', '{privilege}')")).scalar_one()  # fmt: skip


def test_a_board_tells_share_within_three_days_mean_and_median(store, street, inspector):
    hours = [1, 71, 72, 73, 200]
    write(store, street[0], *(life(str(n), at(2), h) for n, h in enumerate(hours)), life("late", at(2)))
    # Too young to be judged, unless they are closed already.
    write(store, street[0], life("young", at(9)), life("quick", at(9), 5))
    write(store, street[1], life("cancelled", at(2), cancelled_at=at(3)))

    with store.acting(inspector.user_id, inspector.grants) as session:
        [line] = board(session, SEPTEMBER, "area", now=at(11))

    closed_s = [3600 * h for h in [*hours[:5], 5] if h < 9 * 24 + 1]
    assert (line.name, line.reported, line.closed, line.open) == (str(street[0]), 8, 6, 2)
    assert (line.due_within, line.closed_within) == (7, 4)
    assert line.mean_s == pytest.approx(mean(closed_s))
    assert line.median_s == pytest.approx(median(closed_s))


def test_companies_are_compared_by_the_complaints_they_had_to_handle(store, street, inspector):
    write(
        store, street[0], life("1", at(2), 10, kind="property", department="Aomei"),
        life("2", at(2), kind="property", department="Banhe"), life("3", at(2), 1, department="roads"),
    )  # fmt: skip

    with store.acting(inspector.user_id, inspector.grants) as session:
        lines = board(session, SEPTEMBER, "department", now=at(20), asked=Asked(kind="property"))

    assert [(line.name, line.closed_within, line.due_within) for line in lines] == [
        ("Aomei", 1, 1),
        ("Banhe", 0, 1),
    ]


def test_a_theme_is_what_several_areas_report(store, street, inspector):
    for n, area in enumerate(street):
        write(store, area, *(life(f"{n}a{i}", at(2), category="E0102") for i in range(n + 1)))
    write(store, street[0], *(life(f"b{i}", at(2), category="E0203") for i in range(9)))
    write(store, street[1], life("c", at(2), category="E0203"))

    with store.acting(inspector.user_id, inspector.grants) as session:
        [theme] = themes(session, SEPTEMBER, least_areas=3)
        wider = themes(session, SEPTEMBER, least_areas=2)

    assert (theme.category, theme.areas, theme.cases) == (
        "E0102",
        {street[2]: 3, street[1]: 2, street[0]: 1},
        6,
    )
    assert [(one.category, one.cases) for one in wider] == [("E0102", 6), ("E0203", 10)]


def stored(store: Store) -> dict[str, CaseFacts]:
    names = [field.name for field in fields(CaseFacts)]
    with store.owner.connect() as owner:
        rows = owner.execute(text(f"SELECT {', '.join(names)} FROM weige.case_facts"))
        return {row.case_id: CaseFacts(**row._mapping) for row in rows}


def test_the_database_folds_a_log_as_python_does_in_whatever_batches_it_is_written(store):
    chance = random.Random(5)
    area = add_division(store, "320700000001", "community")
    walks = {str(n): walk(chance) for n in range(300)}
    ends = {number: chance.randint(0, len(events)) for number, events in walks.items()}

    parts = [(number, area, events[: ends[number]]) for number, events in walks.items()]
    write_logs(store, [part for part in parts if part[2]])
    assert stored(store) == {number: facts(number, area, events) for number, _, events in parts if events}
    write_logs(store, [(number, area, events[ends[number] :]) for number, events in walks.items()])

    found = stored(store)
    assert found == {number: facts(number, area, events) for number, events in walks.items()}
    # The walks come everywhere.
    assert {event.body["state"] for events in walks.values() for event in events} == loop().states.keys()


def test_the_list_of_a_week_has_what_is_open_and_what_came_in_the_week(store, street, inspector):
    week = shipped_editions()["zhengzhou-2019"].period.period(date(2026, 9, 9), SHANGHAI)
    write(store, street[0], life("old", at(1)), life("closed before", at(1), 10), life("new", at(8), 2),
          life("later", at(20)), life("gone", at(8), cancelled_at=at(9)), life("drill", at(8), mode="drill"),
          life("closed after", at(2), 24 * 15))  # fmt: skip

    with store.acting(inspector.user_id, inspector.grants) as session:
        found = lane_list(session, week)

    assert [item.number for item in found] == ["old", "closed after", "new"]


def test_a_meeting_talks_about_what_does_not_get_on(store, street, inspector):
    write(store, street[0], life("again", at(1), reworks=1), life("late", at(2)), life("closed", at(2), 90),
          life("running", at(10)), life("extended", at(10), extensions=1), life("later", at(3)))  # fmt: skip

    with store.acting(inspector.user_id, inspector.grants) as session:
        found = agenda(session, at(11))

    told = {section: [item.number for item in items] for section, items in found.items()}
    assert told == {
        "reopened": [], "reworked": ["again"], "overdue": ["late", "later"], "parked": [],
        "extended": ["extended"],
    }  # fmt: skip
