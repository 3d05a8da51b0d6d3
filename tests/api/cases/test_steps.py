from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.cases.holding import Party, stretches
from api.cases.replay import CaseState, Event, ReplayError, after, handovers, pauses, replay
from api.cases.steps import BEFORE, SAME, Need, StepTableError, loop, read_steps
from maps.text import LANGUAGES, words

START = datetime(2026, 11, 26, 1, tzinfo=UTC)
TABLE = loop()
# What a step carries, for those that need something.
CARRIED = {
    "to": "water", "of": "1", "until": "2026-12-31T00:00:00+00:00", "outcome": "satisfied",
    "category": "E0101", "grid": "g2", "due_at": "2026-12-01T00:00:00+00:00",
}  # fmt: skip


def event(case: CaseState | None, name: str, *, actor: int = 1, **body: object) -> Event:
    step = TABLE.steps[name]
    source = None if case is None else case.state
    target = {SAME: source, BEFORE: None if case is None else case.before}.get(step.target, step.target)
    seq = 1 if case is None else case.revision + 1
    filed = {"edition": "e", "category": "E0102"} if case is None else {}
    said = {**CARRIED, **filed, "from": source, "state": target, **body}
    return Event(seq, START + timedelta(hours=seq), name, said, actor)


def told(*names: str, **bodies: dict[str, object]) -> list[Event]:
    events: list[Event] = []
    case: CaseState | None = None
    for name in names:
        events.append(event(case, name, **bodies.get(name, {})))
        case = after(case, events[-1])
    return events


@st.composite
def stories(draw: st.DrawFn, most: int = 25) -> list[Event]:
    """Events of one case, each a step that the table allows."""
    events: list[Event] = []
    case: CaseState | None = None
    for _ in range(draw(st.integers(1, most))):
        choices = TABLE.openings() if case is None else TABLE.allowed(case.state)
        if not choices:
            break
        unfit = "held" if case is None or case.holder is None else "unheld"
        name = draw(st.sampled_from([step.name for step in choices if unfit not in step.needs]))
        carried = {"to": draw(st.sampled_from(["water", "power", "roads"]))}
        events.append(event(case, name, actor=draw(st.integers(1, 5)), **carried))
        case = after(case, events[-1])
    return events


def test_no_step_passes_over_another_but_by_an_exception_with_a_reason():
    skips = {
        step.name
        for step in TABLE.steps.values()
        for source in step.sources
        if TABLE.passed_over(step, source, step.target)
    }
    assert skips == {step.name for step in TABLE.steps.values() if step.is_exception}
    assert all("reason" in TABLE.steps[name].needs and TABLE.steps[name].reasons for name in skips)


def test_every_state_can_be_reached_and_left():
    reached = {step.target for step in TABLE.steps.values()} - {SAME, BEFORE}
    assert reached == TABLE.states.keys()
    left = {source for step in TABLE.steps.values() for source in step.sources if step.target != SAME}
    assert TABLE.states.keys() == left


@pytest.mark.parametrize(
    "change",
    [
        ('name = "verify"\nfrom = ["handled"]', 'name = "verify"\nfrom = ["dispatched"]'),
        ('needs = ["to"]', 'needs = ["two"]'),
        ('from = ["closed"]\nto = "appraised"', 'from = ["closed"]\nto = "praised"'),
        ('name = "start"', 'name = "accept"'),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(change: tuple[str, str]):
    from importlib import resources

    source = (resources.files("api.cases") / "data" / "steps.toml").read_text(encoding="utf-8")
    assert change[0] in source
    with pytest.raises(StepTableError):
        read_steps(source.replace(*change))


def test_the_loop_from_report_to_appraisal():
    names = "report accept dispatch start finish verify visit close appraise"
    case = replay(told(*names.split(), verify={"actor": 2}))
    assert case is not None
    assert (case.state, case.handlers, case.verifier, case.visit) == ("appraised", (1,), 2, "satisfied")
    assert case.filed_at == START + timedelta(hours=2)
    assert case.handled_at == START + timedelta(hours=5)
    assert case.exceptions == ()


def test_the_first_receiver_stays_over_five_transfers():
    events = told("report", "accept", "dispatch")
    for number in range(5):
        case = replay(events)
        assert case is not None
        events.append(event(case, "transfer", to=f"office {number}"))
    case = replay(events)
    assert case is not None
    assert case.receivers == ("water", *(f"office {number}" for number in range(5)))
    assert case.holder == "office 4"


def test_a_case_goes_back_to_where_it_stood_still_and_the_time_is_a_pause():
    events = told("report", "accept", "dispatch", "start", "park")
    case = replay(events)
    assert case is not None
    assert (case.state, case.due_at) == ("parked", None)
    events.append(event(case, "resume"))
    case = replay(events)
    assert case is not None
    assert case.state == "handling"
    (pause,) = pauses(events)
    assert (pause.reason, pause.end) == ("parked", events[-1].at)


@settings(deadline=None)  # a shared machine stops now and then
@given(events=stories())
def test_replay_is_the_same_however_the_events_are_cut(events: list[Event]):
    whole = replay(events)
    for cut in range(len(events) + 1):
        case = replay(events[:cut])
        for further in events[cut:]:
            case = after(case, further)
        assert case == whole
        if cut:
            assert replay(events, until=events[cut - 1].at) == replay(events[:cut])


@given(events=stories(), data=st.data())
def test_events_that_are_left_out_doubled_or_turned_round_are_refused(
    events: list[Event], data: st.DataObject
):
    at = data.draw(st.integers(0, len(events) - 1))
    doubled = [*events[: at + 1], *events[at:]]
    with pytest.raises(ReplayError):
        replay(doubled)
    if at < len(events) - 1:
        with pytest.raises(ReplayError):
            replay(events[:at] + events[at + 1 :])
        swapped = [*events[:at], events[at + 1], events[at], *events[at + 2 :]]
        with pytest.raises(ReplayError):
            replay(swapped)


@given(events=stories())
def test_every_hour_is_charged_to_one_party(events: list[Event]):
    end = events[-1].at + timedelta(hours=1)
    held = stretches(handovers(events), end)
    assert sum((one.end - one.start for one in held), timedelta()) == end - events[0].at
    assert all(one.holder for one in held if one.party in (Party.HANDLER, Party.APPROVER))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_need_of_a_step_has_a_sentence_of_its_own(language):
    said = [words(language).get(f"problem.case_needs_{need}") for need in get_args(Need)]

    assert all(said)
    assert len(set(said)) == len(said)
