"""State is the replay of events: the same code brings a case to today and the wall to any past moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from api.cases.clock import Pause
from api.cases.holding import Handover, Party
from api.cases.steps import BEFORE, SAME, StepTable, loop

# A report takes some time to be written down; what takes longer was elsewhere before.
ON_THE_WAY = timedelta(minutes=1)
# Named in the log as the reason of a pause; words under `clock.pause`.
_PAUSED = {Party.PARKED: "parked", Party.REPORTER: "waiting_for_reporter"}


class ReplayError(ValueError):
    """Events that cannot have happened: a step that the table does not allow there, or another state."""


@dataclass(frozen=True)
class Event:
    """One entry of a case's log.

    Attributes
    ----------
    seq : int
        From 1 on, without gap.
    at : datetime
        When it happened; of what was imported that is before it was written down.
    step : str
    body : mapping
        `from` and `state` (before and after), and what the step carried.
    actor : int or None
        Account that acted.
    written_at : datetime or None
        When it was written down, where that was later than it happened.
    """

    seq: int
    at: datetime
    step: str
    body: Mapping[str, Any]
    actor: int | None = None
    written_at: datetime | None = None


@dataclass(frozen=True)
class CaseState:
    """A case as its events leave it.

    Attributes
    ----------
    state, before : str or None
        Now, and what it goes back to after it was parked or waited.
    edition, category, condition : what it is filed as
    grid, choices : str or None, tuple of str
        Micro-grid at the time; the grids in question while it is not known which.
    receivers : tuple of str
        Every department that received it, in order; the first stays whatever happens.
    holder : str or None
        Department that has it now.
    handlers : tuple of int
        Accounts that handled it, in order of their first act.
    verifier : int or None
    reported_at, filed_at, handled_at, closed_at, ended_at : datetime or None
    response_due_at, due_at : datetime or None
        `due_at` is None while the clock stands still.
    parked_until : datetime or None
    reworks, reopenings, extensions : int
    visit : str or None
        What the return visit found.
    duplicate_of, rework_of : str or None
        Numbers of other cases.
    exceptions : tuple of str
        Steps that passed over others.
    revision : int
        Number of its events.
    """

    state: str
    edition: str
    category: str
    condition: int | None
    reported_at: datetime
    before: str | None = None
    grid: str | None = None
    choices: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    holder: str | None = None
    handlers: tuple[int, ...] = ()
    verifier: int | None = None
    filed_at: datetime | None = None
    responded_at: datetime | None = None
    handled_at: datetime | None = None
    closed_at: datetime | None = None
    response_due_at: datetime | None = None
    due_at: datetime | None = None
    parked_until: datetime | None = None
    reworks: int = 0
    reopenings: int = 0
    extensions: int = 0
    visit: str | None = None
    duplicate_of: str | None = None
    rework_of: str | None = None
    exceptions: tuple[str, ...] = ()
    revision: int = 0


def instant_of(said: str | None) -> datetime | None:
    """Return an instant as the body of an event has it; None for none."""
    return None if said is None else datetime.fromisoformat(said)


def replay(
    events: Iterable[Event], *, until: datetime | None = None, table: StepTable | None = None
) -> CaseState | None:
    """Return the state after some events, those up to a moment where one is given; None before the first.

    Raises
    ------
    ReplayError
    """
    steps = table or loop()
    case: CaseState | None = None
    for event in events:
        if until is not None and event.at > until:
            break
        case = after(case, event, table=steps)
    return case


def after(case: CaseState | None, event: Event, *, table: StepTable | None = None) -> CaseState:
    """Return the state after one more event.

    Raises
    ------
    ReplayError
    """
    steps = table or loop()
    step = steps.steps.get(event.step)
    source = None if case is None else case.state
    if step is None or (source is None) != (not step.sources) or (source and source not in step.sources):
        raise ReplayError(f"event {event.seq}: {event.step} is no step from {source}")
    if case is not None and ("held" if case.holder is None else "unheld") in step.needs:
        raise ReplayError(f"event {event.seq}: {event.step} is no step of a case that {case.holder} holds")
    if event.seq != (1 if case is None else case.revision + 1):
        raise ReplayError(f"event {event.seq} does not follow {0 if case is None else case.revision}")
    if event.body.get("from") != source:
        raise ReplayError(f"event {event.seq} says it was taken in {event.body.get('from')}, not in {source}")
    target = {SAME: source, BEFORE: None if case is None else case.before}.get(step.target, step.target)
    if target is None or event.body.get("state") != target:
        raise ReplayError(f"event {event.seq} leads to {target} and says {event.body.get('state')}")
    stands = _opened(event) if case is None else case
    changed = _effects(stands, event, step.effects)
    changed = replace(changed, state=target, revision=event.seq)
    if step.is_exception:
        changed = replace(changed, exceptions=(*changed.exceptions, step.name))
    if step.target == BEFORE:
        changed = replace(changed, before=None, parked_until=None)
    return _stamped(changed, source, target, event.at)


def _opened(event: Event) -> CaseState:
    body = event.body
    return CaseState(
        body["state"], body["edition"], body["category"], body.get("condition"), event.at,
        grid=body.get("grid"), choices=tuple(body.get("choices", ())), rework_of=body.get("rework_of"),
        response_due_at=instant_of(body.get("response_due_at")), due_at=instant_of(body.get("due_at")),
    )  # fmt: skip


def _stamped(case: CaseState, source: str | None, target: str, at: datetime) -> CaseState:
    """Note when a case first came to where something is counted from."""
    if target == source:
        return case
    if target in ("accepted", "dispatched", "cancelled") and case.responded_at is None:
        case = replace(case, responded_at=at)
    if target in ("accepted", "dispatched") and case.filed_at is None:
        return replace(case, filed_at=at)
    return replace(case, handled_at=at) if target == "handled" else case


def _effects(case: CaseState, event: Event, effects: Iterable[str]) -> CaseState:
    body, actor = event.body, event.actor
    for effect in effects:
        if effect == "receive":
            case = replace(case, holder=body["to"], receivers=(*case.receivers, body["to"]))
        elif effect in ("handle", "approve"):
            if actor is not None and actor not in case.handlers:
                case = replace(case, handlers=(*case.handlers, actor))
        elif effect == "verify":
            case = replace(case, verifier=actor)
        elif effect == "rework":
            case = replace(case, reworks=case.reworks + 1, handled_at=None, verifier=None, visit=None)
        elif effect == "visit":
            case = replace(case, visit=body["outcome"])
        elif effect in ("close", "end"):
            case = replace(case, closed_at=event.at)
        elif effect == "reopen":
            case = replace(
                case,
                reopenings=case.reopenings + 1,
                closed_at=None,
                handled_at=None,
                verifier=None,
                visit=None,
                duplicate_of=None,
            )
        elif effect == "duplicate":
            case = replace(case, duplicate_of=body["of"])
        elif effect == "due":
            case = replace(case, due_at=instant_of(body.get("due_at")))
        elif effect == "stop":
            case = replace(case, before=case.state, due_at=None)
        elif effect == "park":
            case = replace(case, parked_until=instant_of(body["until"]))
        elif effect == "extend":
            case = replace(case, extensions=case.extensions + 1)
        elif effect == "classify":
            case = replace(case, category=body["category"], condition=body.get("condition"))
        elif effect == "place":
            case = replace(case, grid=body["grid"], choices=())
    return case


def handovers(events: Iterable[Event], *, table: StepTable | None = None) -> tuple[Handover, ...]:
    """Return from when on which party held the case, with the department where one had it.

    Nobody here answers for the time before it came here.
    """
    steps = table or loop()
    found: list[Handover] = []
    case: CaseState | None = None
    for event in events:
        case = after(case, event, table=steps)
        party = steps.states[case.state].party
        holder = (case.holder or "") if party in (Party.HANDLER, Party.APPROVER) else ""
        begins = event.at
        if not found and event.written_at is not None and event.written_at - event.at > ON_THE_WAY:
            found.append(Handover(event.at, Party.SOURCE))
            begins = event.written_at
        found.append(Handover(begins, party, holder))
    return tuple(found)


def pauses(events: Iterable[Event], *, table: StepTable | None = None) -> tuple[Pause, ...]:
    """Return when the case stood still: parked, or waiting for its reporter; the last may have no end."""
    steps = table or loop()
    found: list[Pause] = []
    case: CaseState | None = None
    for event in events:
        case = after(case, event, table=steps)
        reason = _PAUSED.get(steps.states[case.state].party)
        if found and found[-1].end is None and reason is None:
            found[-1] = replace(found[-1], end=event.at)
        elif reason is not None and not (found and found[-1].end is None):
            found.append(Pause(event.at, None, reason))
    return tuple(found)
