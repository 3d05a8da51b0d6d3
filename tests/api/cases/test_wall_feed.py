"""The table of now: what is read anew in the background."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from api.cases import wall_feed
from api.cases.wall_feed import WallFeed
from api.cases.wall_table import WallTable


def feed_of_readings(monkeypatch: pytest.MonkeyPatch, *readings: Any) -> WallFeed:
    """Return a feed for which reading all comes to each of some things in turn."""
    left = list(readings)

    def read(store: Any) -> Any:
        one = left.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    monkeypatch.setattr(wall_feed, "read_now", read)
    monkeypatch.setattr(wall_feed, "ANEW_AT_MOST_EVERY_S", 0.0)
    return WallFeed(SimpleNamespace(), SimpleNamespace(last=7))  # type: ignore[arg-type]


def test_a_database_that_is_away_leaves_the_table_as_it_was(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    first = WallTable()
    feed = feed_of_readings(monkeypatch, (first, 7), OperationalError("SELECT", {}, Exception("gone")))

    async def story() -> None:
        assert await feed.now() == (first, 7)
        monkeypatch.setattr(wall_feed, "READ_ANEW_S", -1.0)
        await feed.now()
        assert feed._reading is not None
        await feed._reading  # raises nothing
        monkeypatch.setattr(wall_feed, "READ_ANEW_S", 3600.0)
        assert await feed.now() == (first, 7)

    with caplog.at_level(logging.WARNING):
        asyncio.run(story())
    assert "could not be read anew (OperationalError)" in caplog.text


def test_a_new_table_does_not_take_the_place_of_one_that_is_being_followed(monkeypatch: pytest.MonkeyPatch):
    first, anew = WallTable(), WallTable()
    feed = feed_of_readings(monkeypatch, (first, 7), (anew, 7))

    async def story() -> None:
        await feed.now()
        async with feed._turn:  # as whoever follows the events holds it
            feed._read_anew()
            assert feed._reading is not None
            _, late = await asyncio.wait([feed._reading], timeout=0.2)
            assert late
            assert feed._table is first
        await feed._reading
        assert await feed.now() == (anew, 7)

    asyncio.run(story())


def feed_of_an_import(monkeypatch: pytest.MonkeyPatch, read: Any) -> WallFeed:
    """Return a feed whose table is of event 7, of the import that event 8 tells."""
    feed = feed_of_readings(monkeypatch, (WallTable(), 7))
    asyncio.run(feed.now())
    monkeypatch.setattr(wall_feed, "read_now", read)

    class _Told:
        async def execute(self, *asked: Any) -> Any:
            return self

        async def fetchall(self) -> list[tuple[None]]:
            return [(None,)]

    async def opened() -> Any:
        return _Told()

    monkeypatch.setattr(feed, "_open", opened)
    monkeypatch.setattr(feed, "_turn", asyncio.Lock())
    feed._live.last = 8
    return feed


def test_whoever_asks_after_an_import_waits_for_it(monkeypatch: pytest.MonkeyPatch):
    anew = WallTable()
    feed = feed_of_an_import(monkeypatch, lambda store: (anew, 8))

    assert asyncio.run(feed.now()) == (anew, 8)


def test_nobody_waits_long_for_an_import(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(wall_feed, "WAIT_FOR_ANEW_S", 0.2)
    may_go = threading.Event()

    def read(store: Any) -> Any:
        may_go.wait(30)
        return WallTable(), 8

    feed = feed_of_an_import(monkeypatch, read)

    async def story() -> None:
        assert (await feed.now())[1] == 7
        begun = time.monotonic()
        assert (await feed.now())[1] == 7  # the second waits no more
        assert time.monotonic() - begun < 0.15
        may_go.set()
        assert feed._reading is not None
        await feed._reading
        assert (await feed.now())[1] == 8

    asyncio.run(story())
