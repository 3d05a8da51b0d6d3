from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.database import Store


def test_who_holds_no_grant_sees_nothing(store: Store):
    with store.acting(None, {}) as session:
        assert session.execute(text("SELECT count(*) FROM divisions")).scalar_one() == 0


def test_a_grant_opens_its_area_and_the_way_up_to_it(store: Store):
    with store.owner.begin() as owner:
        root = owner.execute(text("SELECT id FROM divisions")).scalar_one()
        add = text(
            "INSERT INTO divisions (parent_id, level, code) VALUES (:p, :l, :c) RETURNING id, path::text"
        )
        street = owner.execute(add, {"p": root, "l": "street", "c": "s"}).one()
        for code in ("c1", "c2"):
            owner.execute(add, {"p": street.id, "l": "community", "c": code})
        path = owner.execute(text("SELECT path::text FROM divisions WHERE code = 'c1'")).scalar_one()

    with store.acting(None, {"viewer": [path]}) as session:
        assert set(session.execute(text("SELECT code FROM divisions")).scalars()) == {"all", "s", "c1"}


def test_the_log_is_a_chain_that_nobody_changes(store: Store):
    with store.acting(None, {}) as session:
        for action in ("made", "moved", "ended"):
            session.execute(text("SELECT log_append('edits', 'v1', :a, '{\"n\": 1}')"), {"a": action})
    with store.owner.connect() as owner:
        rows = owner.execute(
            text(
                "SELECT seq, previous, hash, log_hash(stream, chain, seq, at, actor, community_id, action,"
                " body, previous) AS again FROM log ORDER BY seq"
            )
        ).all()
    assert [row.seq for row in rows] == [1, 2, 3]
    assert [row.hash for row in rows] == [row.again for row in rows]
    assert [row.previous for row in rows[1:]] == [row.hash for row in rows[:-1]]
    with pytest.raises(DBAPIError, match="append-only"), store.owner.begin() as owner:
        owner.execute(text("DELETE FROM log WHERE seq = 2"))
