"""The append-only logs: audit, edits, cases. Entries hang on each other by hashes, so that change shows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from api.database import Store

# Cybersecurity Law of the PRC, article 21: logs are kept for at least six months.
SHORTEST_KEPT = timedelta(days=180)
_BATCH = 5000

_ENTRIES = """
    SELECT stream, chain, seq, extract(epoch FROM at)::text AS at, actor, community_id, action,
           body::text AS body, previous, hash
    FROM weige.log WHERE cast(:stream AS text) IS NULL OR stream = :stream
    ORDER BY stream, chain, seq"""


@dataclass(frozen=True)
class ChainFault:
    """Where a chain does not hold.

    Attributes
    ----------
    stream, chain : str
    seq : int
        Number of the entry that is wrong, or that should stand there.
    code : str
        `missing` (entries before it are gone), `unlinked` (it hangs on another entry) or `altered`.
    """

    stream: str
    chain: str
    seq: int
    code: str


@dataclass(frozen=True)
class Verification:
    """What a verification found.

    Attributes
    ----------
    entries, chains : int
    faults : tuple of ChainFault
        Empty where every chain holds.
    head : str
        One hash over the newest entry of every chain: noted elsewhere, it also shows entries that were cut
        off at the end.
    """

    entries: int
    chains: int
    faults: tuple[ChainFault, ...]
    head: str


def audit(
    connection: Connection | Session, action: str, *, area: int | None = None, **ids: int | str
) -> None:
    """Append to the audit log what the acting user did: ids and codes, never words that people typed.

    Parameters
    ----------
    area : int, optional
        Division that it concerns: its auditors may read the entry.
    """
    connection.execute(
        text("SELECT weige.audit(:action, cast(:body AS jsonb), :area)"),
        {"action": action, "body": json.dumps(ids), "area": area},
    )


def entry_hash(entry: Any) -> bytes:
    """Return the hash that an entry should have.

    Computed here and not by the database, which whoever alters entries may have altered too. Of `entry`, `at`
    is in seconds since 1970 as text and `body` as the database writes it.
    """
    fields = (
        json.dumps(entry.stream, ensure_ascii=False), json.dumps(entry.chain, ensure_ascii=False),
        str(entry.seq), json.dumps(entry.at), _number(entry.actor), _number(entry.community_id),
        json.dumps(entry.action, ensure_ascii=False), entry.body,
    )  # fmt: skip
    return hashlib.sha256(entry.previous + f"[{', '.join(fields)}]".encode()).digest()


def _number(value: int | None) -> str:
    return "null" if value is None else str(value)


def verify(store: Store, stream: str | None = None) -> Verification:
    """Verify every chain of a stream, or of all streams, from its first entry or its anchor on."""
    faults: list[ChainFault] = []
    entries = chains = 0
    head = hashlib.sha256()
    steady = store.owner.execution_options(isolation_level="REPEATABLE READ")
    with steady.connect() as owner:
        anchors = {
            (row.stream, row.chain): (row.seq, bytes(row.hash))
            for row in owner.execute(text("SELECT stream, chain, seq, hash FROM weige.log_anchors"))
        }
        place: tuple[str, str] | None = None
        seq, previous = 0, b""
        for entry in _entries(owner, stream):
            if (entry.stream, entry.chain) != place:
                head.update(previous)
                place = (entry.stream, entry.chain)
                seq, previous = anchors.get(place, (0, _origin(*place)))
                chains += 1
            entries += 1
            code = (
                "missing" if entry.seq != seq + 1
                else "unlinked" if bytes(entry.previous) != previous
                else "altered" if bytes(entry.hash) != entry_hash(entry)
                else None
            )  # fmt: skip
            if code:
                faults.append(ChainFault(*place, seq + 1 if code == "missing" else entry.seq, code))
            # Go on from what stands there, so that one fault is told once.
            seq, previous = entry.seq, bytes(entry.hash)
        head.update(previous)
    return Verification(entries, chains, tuple(faults), head.hexdigest())


def _entries(connection: Connection, stream: str | None) -> Iterator[Any]:
    found = connection.execution_options(stream_results=True, yield_per=_BATCH)
    yield from found.execute(text(_ENTRIES), {"stream": stream})


def _origin(stream: str, chain: str) -> bytes:
    return hashlib.sha256(f"{stream} {chain}".encode()).digest()


def purge_audit(store: Store, older_than: timedelta = SHORTEST_KEPT) -> int:
    """Delete audit entries older than a time and return how many; what is left can still be verified.

    The newest entry of each chain stays. The database refuses to delete what is younger than 180 days.

    Raises
    ------
    ValueError
        The time is shorter than 180 days.
    """
    if older_than < SHORTEST_KEPT:
        raise ValueError("the audit log is kept for at least 180 days")
    with store.owner.begin() as owner:
        purged: int = owner.execute(
            text("SELECT weige.purge_audit(now() - :older_than)"), {"older_than": older_than}
        ).scalar_one()
    return purged
