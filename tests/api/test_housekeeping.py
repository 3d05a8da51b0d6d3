from __future__ import annotations

from sqlalchemy import text

from api.database import Store
from api.housekeeping import keep_house


def test_only_what_is_old_and_told_goes(store: Store):
    with store.owner.begin() as owner:
        owner.execute(text("INSERT INTO weige.users (name) VALUES ('someone')"))
        for days in (1, 40):
            owner.execute(
                text(
                    "INSERT INTO weige.events (number, at, area, kind, body)"
                    " SELECT n, now() - make_interval(days => :d), path, 'told', '{}'"
                    " FROM weige.divisions, (VALUES (:d), (NULL)) AS t (n)"
                ),
                {"d": days},
            )
            owner.execute(
                text(
                    "INSERT INTO weige.idempotency_keys (user_id, key, request_sha256, created_at)"
                    " SELECT id, cast(:d AS text), '', now() - make_interval(days => :d) FROM weige.users"
                ),
                {"d": days},
            )
    removed = keep_house(store)
    assert (removed["events"], removed["idempotency_keys"]) == (1, 1)
    with store.owner.connect() as owner:
        left = (
            owner.execute(text("SELECT number FROM weige.events ORDER BY number NULLS LAST")).scalars().all()
        )
        assert left[0] == 1, "a recent event stays"
        assert left[1:] == [None, None], "what was not told yet stays, however old"
