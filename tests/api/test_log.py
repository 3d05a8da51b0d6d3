"""The append-only log: what was changed shows, what is old enough may go, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api import log
from api.database import Store


def write_entries(store: Store, chain: str, ages_days: list[int], stream: str = "audit") -> None:
    """Write a chain whose entries are some days old, as `log_append` would have then."""
    with store.owner.begin() as owner:
        previous = owner.execute(
            text("SELECT sha256(convert_to(:place, 'UTF8'))"), {"place": f"{stream} {chain}"}
        ).scalar_one()
        for seq, age in enumerate(ages_days, start=1):
            previous = owner.execute(
                text("""
                    INSERT INTO log (stream, chain, seq, at, action, body, previous, hash)
                    SELECT :stream, :chain, :seq, at, 'x', body, :previous,
                           log_hash(:stream, :chain, :seq, at, NULL, NULL, 'x', body, :previous)
                    FROM (SELECT now() - make_interval(days => :age) AS at,
                                 '{"say": "引号\\" \\u0001 é", "n": [1.50, null]}'::jsonb AS body) new
                    RETURNING hash"""),
                {"stream": stream, "chain": chain, "seq": seq, "age": age, "previous": previous},
            ).scalar_one()


def tamper(store: Store, statement: str) -> None:
    """Change the log as only somebody could who owns the database and switches its guards off."""
    with store.owner.begin() as owner:
        owner.execute(text("ALTER TABLE log DISABLE TRIGGER ALL"))
        owner.execute(text(statement))
        owner.execute(text("ALTER TABLE log ENABLE TRIGGER ALL"))


def test_hashes_computed_here_agree_with_those_of_the_database(store: Store):
    write_entries(store, "7", [3, 2, 1])
    with store.acting(None, {}) as session:
        log.audit(session, "exported", layer='quote " and 中文', rows=3)
        session.execute(text("SELECT log_append('edits', 'v', 'paint', '{\"b\": 1, \"aa\": 2.0}')"))
    found = log.verify(store)

    assert (found.entries, found.chains, found.faults) == (5, 3, ())
    assert log.verify(store, "edits").entries == 1


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE log SET body = '{}' WHERE seq = 2", "altered"),
        ("UPDATE log SET at = at + interval '1 second' WHERE seq = 2", "altered"),
        ("DELETE FROM log WHERE seq = 2", "missing"),
        ("DELETE FROM log WHERE seq = 1", "missing"),
        ("UPDATE log SET previous = sha256('x') WHERE seq = 2", "unlinked"),
    ],
)
def test_a_change_shows_where_it_was_made(store: Store, statement: str, code: str):
    write_entries(store, "7", [4, 3, 2, 1])
    tamper(store, statement)

    (fault,) = log.verify(store).faults
    assert (fault.chain, fault.seq, fault.code) == ("7", 1 if "seq = 1" in statement else 2, code)


def test_an_entry_cut_off_at_the_end_changes_the_head(store: Store):
    write_entries(store, "7", [4, 3, 2])
    before = log.verify(store)
    tamper(store, "DELETE FROM log WHERE seq = 3")
    after = log.verify(store)

    assert after.faults == ()
    assert before.head != after.head


def test_only_audit_entries_older_than_180_days_are_purged_and_the_rest_still_verifies(store: Store):
    write_entries(store, "7", [400, 200, 181, 179, 1])
    write_entries(store, "8", [400, 300])
    write_entries(store, "v", [400, 300], stream="edits")

    # Of chain 8 the newest stays, for the next to hang on.
    assert log.purge_audit(store) == 4
    assert log.purge_audit(store) == 0
    with store.acting(None, {}) as session:
        session.execute(text("SELECT log_append('audit', '8', 'x', '{}')"))
    found = log.verify(store)
    assert (found.entries, found.chains, found.faults) == (6, 3, ())
    with pytest.raises(ValueError, match="180 days"):
        log.purge_audit(store, timedelta(days=179))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT purge_audit(now() - interval '100 days')",
        "DELETE FROM log WHERE seq = 1",
        "DELETE FROM log_anchors",
        "INSERT INTO log_anchors (stream, chain, seq, hash) VALUES ('audit', '7', 2, sha256('x'))",
        "TRUNCATE log",
    ],
)
def test_even_the_owner_of_the_database_purges_nothing_younger(store: Store, statement: str):
    write_entries(store, "7", [400, 150, 120, 1])
    log.purge_audit(store)
    with pytest.raises(DBAPIError, match="append-only"), store.owner.begin() as owner:
        owner.execute(text(statement.replace("seq = 1", "seq = 2")))
    assert log.verify(store).entries == 3
