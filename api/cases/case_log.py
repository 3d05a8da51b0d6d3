"""The log of cases: events read back, chains and digests verified, each replay compared with its row.

`cases` holds what the log says. What is verified here is that it does: that no entry was altered, turned
round or taken out, that no case is missing with its whole chain, and that the replay of each is its row.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.orm import Session

from api.cases.replay import CaseState, Event, ReplayError, after, instant_of
from api.cases.steps import loop
from api.database import Store
from api.log import ChainFault, verify

logger = logging.getLogger(__name__)

STREAM, DIGESTS = "case", "case_digest"
_BATCH = 5000
_EVENTS = "SELECT seq, at, actor, action, body FROM log WHERE stream = 'case'"
# Columns of `cases` that have the name of what the replay gives.
_COMPARED = tuple(field.name for field in fields(CaseState))


@dataclass(frozen=True)
class CaseFault:
    """What does not fit.

    Attributes
    ----------
    number : str
        Of the case; of a digest its number in the chain of digests.
    code : str
        `missing`, `unlinked`, `altered` (as `ChainFault`), `digest` (the entries under a digest are not those
        it was taken over), `no_log`,
        `no_case`, `impossible` (no step of the loop), `differs` (the row is not the
        replay).
    seq : int or None
    said : str
        Columns that differ, ids that are missing, or what is impossible.
    """

    number: str
    code: str
    seq: int | None = None
    said: str = ""


@dataclass(frozen=True)
class CaseVerification:
    """What a verification of the log of cases found.

    Attributes
    ----------
    cases, entries, digests : int
    undigested : int
        Entries that no digest covers yet: newer than the last one.
    faults : tuple of CaseFault
    head : str
        One hash over the newest entry of every chain; noted elsewhere, it also shows what was cut off at the
        end after the last digest.
    """

    cases: int
    entries: int
    digests: int
    undigested: int
    faults: tuple[CaseFault, ...]
    head: str


def event_of(row: Any) -> Event:
    """Return the event of a row with seq, at, action, body and actor."""
    return Event(row.seq, instant_of(row.body.get("at")) or row.at, row.action, row.body, row.actor, row.at)


def events_of(connection: Connection | Session, number: str) -> list[Event]:
    """Return the events of a case in order; none where the actor may not see it."""
    rows = connection.execute(text(f"{_EVENTS} AND chain = :number ORDER BY seq"), {"number": number})
    return [event_of(row) for row in rows]


def digest_cases(store: Store) -> int:
    """Put digests over what came since the last into their chain; return how many there were to put."""
    put = 0
    while True:
        with store.owner.begin() as owner:
            if owner.execute(text("SELECT weige.digest_cases()")).scalar_one() is None:
                break
        put += 1
    logger.info("took %s digests of the log of cases", put)
    return put


def verify_cases(store: Store) -> CaseVerification:
    """Verify the chain of every case and of the digests, and compare the replay of each case with its row."""
    chains, digests = verify(store, STREAM), verify(store, DIGESTS)
    faults = [_of_chain(fault) for fault in (*chains.faults, *digests.faults)]
    steady = store.owner.execution_options(isolation_level="REPEATABLE READ")
    with steady.connect() as owner:
        covered, of_digests = _digest_faults(owner)
        faults += of_digests
        broken = {fault.number for fault in faults}
        cases, of_rows = _row_faults(owner, broken)
        faults += of_rows
        undigested: int = owner.execute(
            text("SELECT count(*) FROM weige.log WHERE stream = 'case' AND id > :id"), {"id": covered}
        ).scalar_one()
    return CaseVerification(
        cases, chains.entries, digests.entries, undigested, tuple(faults), chains.head + digests.head
    )


def _of_chain(fault: ChainFault) -> CaseFault:
    return CaseFault(fault.chain, fault.code, fault.seq)


def _digest_faults(owner: Connection) -> tuple[int, list[CaseFault]]:
    faults, covered = [], 0
    digests = owner.execute(
        text("SELECT seq, body FROM weige.log WHERE stream = 'case_digest' AND chain = 'all' ORDER BY seq")
    ).all()
    for digest in digests:
        body = digest.body
        if body["from"] != covered + 1:
            faults.append(CaseFault(str(digest.seq), "digest", digest.seq, "range"))
        covered = body["to"]
        found = hashlib.sha256()
        n = 0
        present: set[int] = set()
        entries = owner.execute(
            text("SELECT id, stream, hash FROM weige.log"
                 " WHERE id BETWEEN :a AND :b OR id = ANY (:late) ORDER BY id"),
            {"a": body["from"], "b": body["to"], "late": body["late"]},
        )  # fmt: skip
        holes = {hole for low, high in body["holes"] for hole in range(low, high + 1)} - set(body["late"])
        for entry in entries:
            present.add(entry.id)
            # What came after the digest into one of its holes belongs to a later one.
            if entry.stream != STREAM or entry.id in holes:
                continue
            found.update(f"{'' if n == 0 else chr(10)}{entry.id} {bytes(entry.hash).hex()}".encode())
            n += 1
        if found.hexdigest() != body["sha256"]:
            gone = sorted(set(range(body["from"], body["to"] + 1)) - holes - present)
            said = ", ".join(str(one) for one in gone[:5]) + (", …" if len(gone) > 5 else "")
            faults.append(CaseFault(str(digest.seq), "digest", digest.seq, said))
    return covered, faults


def _row_faults(owner: Connection, broken: set[str]) -> tuple[int, list[CaseFault]]:
    """Walk through logs and rows side by side, both in the order of their numbers."""
    faults: list[CaseFault] = []
    streamed = owner.execution_options(stream_results=True, yield_per=_BATCH)
    # Numbers are digits, so that any collation sorts them alike.
    rows = streamed.execute(
        text("""
            SELECT coalesce(c.number, l.chain) AS number, l.seq, l.at, l.actor, l.action, l.body,
                   CASE WHEN lead(c.number) OVER w IS DISTINCT FROM c.number
                        THEN to_jsonb(c) - 'geom' - 'text' END AS stored,
                   c.id IS NULL AS orphan
            FROM (SELECT * FROM weige.log WHERE stream = 'case') l
            FULL JOIN weige.cases c ON c.number = l.chain
            WINDOW w AS (ORDER BY coalesce(c.number, l.chain), l.seq)
            ORDER BY 1, l.seq""")
    )
    n = 0
    for number, chain in _grouped(rows):
        n += 1
        if chain[0].seq is None or chain[0].orphan:
            faults.append(CaseFault(number, "no_log" if chain[0].seq is None else "no_case"))
        elif number not in broken:
            faults += _replayed(number, chain)
    return n, faults


def _grouped(rows: Iterable[Row[Any]]) -> Iterator[tuple[str, list[Row[Any]]]]:
    chain: list[Row[Any]] = []
    for row in rows:
        if chain and row.number != chain[0].number:
            yield chain[0].number, chain
            chain = []
        chain.append(row)
    if chain:
        yield chain[0].number, chain


def _replayed(number: str, chain: list[Row[Any]]) -> list[CaseFault]:
    case: CaseState | None = None
    for row in chain:
        try:
            case = after(case, event_of(row), table=loop())
        except ReplayError as error:
            return [CaseFault(number, "impossible", row.seq, str(error))]
        except (KeyError, TypeError, ValueError) as error:
            return [CaseFault(number, "impossible", row.seq, repr(error))]
    assert case is not None
    differing = differences(case, chain[-1].stored)
    return [CaseFault(number, "differs", None, ", ".join(differing))] if differing else []


def differences(case: CaseState, stored: Mapping[str, Any]) -> list[str]:
    """Return the columns of a stored case (as JSON) that are not what the replay gives."""
    return [name for name in _COMPARED if _plain(getattr(case, name)) != _plain(_stored(stored[name]))]


def _stored(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    if isinstance(value, str) and len(value) > 18 and value[4] == "-" and "T" in value:
        return datetime.fromisoformat(value)
    return value
