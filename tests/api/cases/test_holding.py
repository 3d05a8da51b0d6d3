"""Every hour of a case is charged to one party."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cases.calendar import working_calendar
from api.cases.clock import Clock, elapsed
from api.cases.holding import Charge, Handover, Party, charges, stretches

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 9, day, hour, minute, tzinfo=SHANGHAI)


def hours(n: float) -> timedelta:
    return timedelta(hours=n)


def test_the_checker_answers_for_the_checkers_delay():
    handed = [
        Handover(at(10, 8), Party.DESK, "desk"),
        Handover(at(10, 9), Party.HANDLER, "water"),
        Handover(at(10, 17), Party.APPROVER, "water"),
        Handover(at(11, 9), Party.CHECKER, "street"),
    ]

    found = charges(stretches(handed, at(14, 9)), working_calendar(), Clock.WORKING_HOURS)

    assert found == {
        (Party.DESK, "desk"): Charge(hours(1), hours(1)),
        (Party.HANDLER, "water"): Charge(hours(8), hours(6)),
        (Party.APPROVER, "water"): Charge(hours(16), hours(2)),
        (Party.CHECKER, "street"): Charge(hours(72), hours(8)),
    }


def test_what_comes_back_is_charged_again_to_the_same_party():
    handed = [
        Handover(at(10, 8), Party.HANDLER, "water"),
        Handover(at(10, 9), Party.CHECKER),
        Handover(at(10, 10), Party.HANDLER, "water"),
    ]

    found = charges(stretches(handed, at(10, 12)), working_calendar(), Clock.WORKING_HOURS)

    assert found[Party.HANDLER, "water"] == Charge(hours(3), hours(3))


def test_nothing_is_charged_after_the_end():
    handed = [Handover(at(10, 8), Party.DESK), Handover(at(10, 12), Party.HANDLER, "water")]

    assert [stretch.end for stretch in stretches(handed, at(10, 9))] == [at(10, 9)]


def test_a_case_that_nobody_held_has_no_charge():
    assert stretches([], at(10, 9)) == ()


def test_hand_overs_out_of_order_are_refused():
    with pytest.raises(ValueError, match="order of the log"):
        stretches([Handover(at(10, 9), Party.DESK), Handover(at(10, 8), Party.HANDLER)], at(11, 8))


@given(
    st.lists(
        st.tuples(st.integers(0, 9000), st.sampled_from(list(Party)), st.sampled_from("ab")), min_size=1
    ),
    st.integers(9001, 20_000),
)
def test_charges_add_up_to_the_life_of_the_case(drawn, end_min):
    start = at(1, 0)
    handed = [
        Handover(start + timedelta(minutes=minute), party, holder) for minute, party, holder in sorted(drawn)
    ]
    end = start + timedelta(minutes=end_min)

    held = stretches(handed, end)
    found = charges(held, working_calendar(), Clock.WORKING_HOURS)

    first = handed[0].at
    assert [held[0].start, held[-1].end] == [first, end]
    assert [one.end for one in held[:-1]] == [other.start for other in held[1:]]
    assert sum((charge.held for charge in found.values()), timedelta()) == end - first
    assert sum((charge.counted for charge in found.values()), timedelta()) == elapsed(
        working_calendar(), first, end, Clock.WORKING_HOURS)  # fmt: skip
