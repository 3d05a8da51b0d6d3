"""When a deadline may be moved."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from api.cases.adjustments import extension_refused, parking_refused, shipped_rules

NOW = datetime(2026, 9, 10, 9, tzinfo=timezone(timedelta(hours=8)))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("granted", "due_at", "refused"),
    [
        (0, NOW + HOUR, None),
        (1, NOW, None),
        (2, NOW + HOUR, "extended_enough"),
        (0, NOW - HOUR, "late_already"),
        (0, None, "standing_still"),
    ],
)
def test_a_case_is_extended_twice_and_only_while_it_is_not_late(granted, due_at, refused):
    assert extension_refused(shipped_rules(), granted, due_at, NOW) == refused


@pytest.mark.parametrize(
    ("granted", "until", "refused"),
    [
        (0, NOW + 366 * DAY, None),
        (0, NOW + 367 * DAY, "too_long"),
        (0, NOW, "past"),
        (1, NOW + DAY, "parked_enough"),
    ],
)
def test_a_case_is_parked_once_and_for_a_year_at_most(granted, until, refused):
    assert parking_refused(shipped_rules(), granted, until, NOW) == refused
