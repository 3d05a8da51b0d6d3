"""Printed bulletins of three cities, and the lives of drawn cases with just the printed counts."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from api.cases.facts import CaseFacts
from api.cases.indicators import Period, shipped_editions

SHANGHAI = ZoneInfo("Asia/Shanghai")
_HOUR, _MINUTE = timedelta(hours=1), timedelta(minutes=1)


@dataclass(frozen=True)
class Bulletin:
    """One printed line: its counts by name as printed, and the printed percentages by indicator."""

    name: str
    edition: str
    day: date
    mode: str
    counts: dict[str, int]
    printed: dict[str, Decimal]


def _line(name: str, edition: str, day: date, mode: str, counts: dict[str, int], **printed: str) -> Bulletin:
    return Bulletin(name, edition, day, mode, counts, {key: Decimal(value) for key, value in printed.items()})


# Sources: lzszcg.com/gsggs/2161.htm; cgj.huaian.gov.cn, bulletins of May and December 2019;
# hbcic.net.cn/info/wcm/74587.htm.
BULLETINS = [
    _line(
        "Zhengzhou, 8 to 14 April 2019", "zhengzhou-2019", date(2019, 4, 10), "",
        {"accepted": 51571, "filed": 51229, "dispatched": 49151, "due_close": 52434, "closed": 43523,
         "closed_on_time": 40394, "rework": 276, "extended": 104},
        filing="99.34", dispatch="95.94", closing="83.01", on_time_closing="77.04", rework="0.53",
        extension="0.20",
    ),
    _line(
        "Zhengzhou, routine cases of that week", "zhengzhou-2019", date(2019, 4, 10), "routine",
        {"accepted": 16754, "filed": 16570, "dispatched": 14673, "due_close": 18086, "closed": 10225,
         "closed_on_time": 8765, "rework": 274, "extended": 101},
        filing="98.90", dispatch="88.55", closing="56.54", on_time_closing="48.46", rework="1.51",
        extension="0.56",
    ),
    _line(
        "Huai'an, December 2019", "huaian-2019", date(2019, 12, 5), "",
        {"reported": 15480, "filed": 15402, "due_handle": 14216, "handled_on_time": 13009,
         "due_close": 13954, "closed": 13681, "closed_on_time": 12900},
        closing="98.04", on_time_handling="91.51", on_time_closing="92.45",
    ),
    _line(
        "Huai'an, May 2019", "huaian-2019", date(2019, 5, 5), "",
        {"reported": 15832, "filed": 15716, "due_handle": 14690, "handled_on_time": 13568,
         "due_close": 14173, "closed": 13599, "closed_on_time": 13117},
        closing="95.95", on_time_handling="92.36", on_time_closing="92.55",
    ),
    _line(
        "Tianmen, December 2016", "tianmen-2016", date(2016, 12, 15), "",
        {"accepted": 1054, "filed": 996, "due_close": 972, "closed": 911, "closed_on_time": 737},
        closing="93.72", on_time_closing="75.82",
    ),
]  # fmt: skip


def period_of(bulletin: Bulletin) -> Period:
    return shipped_editions()[bulletin.edition].period.period(bulletin.day, SHANGHAI)


def with_all(bulletin: Bulletin) -> list[Bulletin]:
    """Return the bulletin and, of Zhengzhou, the cases of the week that are not routine."""
    if bulletin.edition != "zhengzhou-2019":
        return [bulletin]
    every, routine = BULLETINS[0], BULLETINS[1]
    others = {name: n - routine.counts[name] for name, n in every.counts.items()}
    return [routine, replace(every, counts=others, mode="emergency")]


def lives(bulletin: Bulletin, seed: int) -> list[CaseFacts]:
    """Draw cases with the counts of a bulletin, and others round them that it does not count.

    Some of those due were accepted long before; some that were accepted are not due yet; some were cancelled,
    closed before the period, closed after it, or closed in the very second of their deadline.
    """
    drawn: list[CaseFacts] = []
    for part in with_all(bulletin):
        drawn += _Drawing(part, random.Random(f"{seed} {part.mode}"), len(drawn)).lives()
    return drawn


class _Drawing:
    def __init__(self, bulletin: Bulletin, chance: random.Random, first_id: int) -> None:
        self.counts, self.mode, self.chance = bulletin.counts, bulletin.mode, chance
        self.period = period_of(bulletin)
        self.length = self.period.end - self.period.start
        self.next_id = first_id
        self.keeps_left = bulletin.edition.startswith("zhengzhou")

    def lives(self) -> list[CaseFacts]:
        counts = self.counts
        accepted = counts.get("accepted", counts.get("reported", 0))
        filed, dispatched = counts["filed"], counts.get("dispatched", counts["filed"])
        due, closed, on_time = counts["due_close"], counts["closed"], counts["closed_on_time"]
        due_here = min(dispatched * 4 // 5, due * 7 // 10)
        # Of those due to be handled some are due to be closed later; of those due to be closed some were due
        # to be handled before.
        due_handle = counts.get("due_handle", due)
        early = 300 if "due_handle" in counts else 0
        both = due - early
        how = ["on_time"] * on_time + ["late"] * (closed - on_time) + ["open"] * (due - closed)
        self.chance.shuffle(how)
        opened = [i for i in range(early, due) if how[i] == "open"]
        handle_only = due_handle - both
        never = set(self.chance.sample(opened, len(opened) * 2 // 3))
        slow_only = handle_only // 9
        late_handled = due_handle - counts.get("handled_on_time", due_handle) - len(never) - slow_only
        done = [i for i in range(early, due) if how[i] != "open"]
        slow = set(self.chance.sample(done, late_handled)) if "due_handle" in counts else set()
        for i in range(early):  # closed all of them, so that `never` needs no more
            if how[i] == "open":
                swap = next(j for j in range(early, due) if how[j] != "open" and j not in slow)
                how[i], how[swap] = how[swap], how[i]
                never.discard(swap)
        found = [
            self.due_case(how[i], here=i >= due - due_here, slow=i in slow, never=i in never, early=i < early)
            for i in range(due)
        ]
        chosen = self.chance.sample(range(due), counts.get("rework", 0) + counts.get("extended", 0))
        for n, i in enumerate(chosen):
            reworked = n < counts.get("rework", 0)
            found[i] = replace(
                found[i], reworks=1 + n % 3 if reworked else 0, extensions=0 if reworked else 1 + n % 2
            )
        for i in range(handle_only):
            found.append(self.not_due_to_close(handled=i >= slow_only, due_in_period=True, here=False))
        for _ in range(dispatched - due_here):
            found.append(
                self.not_due_to_close(handled=self.chance.random() < 0.5, due_in_period=False, here=True)
            )
        for i in range(accepted - dispatched):
            at = self.within(0.0, 0.9)
            found.append(
                self.case(accepted_at=at, filed_at=at + 5 * _MINUTE if i < filed - dispatched else None)
            )
        return found + self.others()

    def case(self, **facts: object) -> CaseFacts:
        self.next_id += 1
        reported = facts["accepted_at"]
        return CaseFacts(str(self.next_id), mode=self.mode, reported_at=reported, **facts)  # type: ignore[arg-type]

    def within(self, least: float, most: float) -> datetime:
        return self.period.start + timedelta(
            seconds=round(self.length.total_seconds() * self.chance.uniform(least, most)))  # fmt: skip

    def between(self, first: datetime, last: datetime) -> datetime:
        return first + timedelta(seconds=self.chance.randint(0, int((last - first).total_seconds())))

    def opened(self, *, here: bool) -> dict[str, datetime]:
        start = self.period.start
        at = self.within(0.0, 0.3) if here else start - self.chance.randint(1, 20) * 24 * _HOUR
        return {"accepted_at": at, "filed_at": at + 5 * _MINUTE, "dispatched_at": at + 10 * _MINUTE}

    def due_case(self, how: str, *, here: bool, slow: bool, never: bool, early: bool) -> CaseFacts:
        begun = self.opened(here=here and not early)
        start, end = self.period.start, self.period.end
        # The checker has six hours more than the handler.
        if early:
            due_at = start - self.chance.randint(1, 5) * _HOUR
        elif how != "on_time" and self.keeps_left and not here and self.chance.random() < 0.3:
            due_at = self.between(begun["dispatched_at"] + _HOUR, start - 7 * _HOUR)
        else:
            due_at = self.within(0.4, 0.9)
        close_due = due_at + 6 * _HOUR
        if how == "on_time":
            least = due_at + 20 * _MINUTE if slow else begun["dispatched_at"] + 20 * _MINUTE
            closed_at = close_due if self.chance.random() < 0.05 else self.between(least, close_due)
        elif how == "late":
            closed_at = self.between(max(close_due, start) + timedelta(seconds=1), end - timedelta(seconds=1))
        else:
            closed_at = None if self.chance.random() < 0.5 else end + self.chance.randint(0, 99) * _HOUR
        if never:
            handled_at = None if closed_at is None else max(end, closed_at - _MINUTE)
        elif slow:
            handled_at = self.between(due_at + timedelta(seconds=1), min(close_due, closed_at or close_due))
        else:
            handled_at = min(due_at, (closed_at or due_at) - 10 * _MINUTE)
        return self.case(**begun, due_at=due_at, close_due_at=close_due, original_due_at=due_at,
                         handled_at=handled_at, closed_at=closed_at)  # fmt: skip

    def not_due_to_close(self, *, handled: bool, due_in_period: bool, here: bool) -> CaseFacts:
        begun = self.opened(here=here)
        due_at = (
            self.within(0.99, 0.999)
            if due_in_period
            else self.period.end + self.chance.randint(0, 90) * _HOUR
        )
        handled_at = begun["dispatched_at"] + _HOUR if handled else None
        # Closed early though it is not due: it does not count.
        closed_at = handled_at + _HOUR if handled_at and self.chance.random() < 0.3 else None
        close_due = max(due_at + 6 * _HOUR, self.period.end)
        return self.case(**begun, due_at=due_at, close_due_at=close_due, original_due_at=due_at,
                         handled_at=handled_at, closed_at=closed_at)  # fmt: skip

    def others(self) -> list[CaseFacts]:
        start, end = self.period.start, self.period.end
        found = []
        for _ in range(50):
            begun = self.opened(here=False)
            due = self.within(0.1, 0.9)
            cancelled = self.between(begun["dispatched_at"], end - _HOUR)
            found.append(self.case(**begun, due_at=due, close_due_at=due, cancelled_at=cancelled))
            before = self.between(begun["dispatched_at"] + _HOUR, start - _MINUTE)
            found.append(self.case(**begun, due_at=before, close_due_at=before,
                                   handled_at=before - _MINUTE, closed_at=before))  # fmt: skip
            found.append(self.case(accepted_at=end + self.chance.randint(0, 99) * _HOUR))
        return found
