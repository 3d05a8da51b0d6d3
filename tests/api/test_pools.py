"""Connections to a database that goes away and comes back."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from api.database import Store
from api.main import pool_of
from tests.api.processes import free_port

# By itself a pool would try again after 1, 3, 7 and 15 seconds.
AWAY_S = 8.5


class Network:
    """A way to the database of a store that can be cut: a port of this machine."""

    def __init__(self, store: Store) -> None:
        address = conninfo_to_dict(store.conninfo(role=None))
        self._socket = f"{address['host']}/.s.PGSQL.{address.get('port', 5432)}"
        self._port = free_port()
        self._open: set[asyncio.StreamWriter] = set()
        self.url = f"postgresql://{address['user']}@127.0.0.1:{self._port}/{address['dbname']}"

    async def up(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self._port)

    def cut(self) -> None:
        self._server.close()
        for writer in self._open:
            writer.close()
        self._open.clear()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self._socket)
        self._open |= {writer, back}
        await asyncio.gather(self._one_way(reader, back), self._one_way(there, writer))

    async def _one_way(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while said := await reader.read(65536):
                writer.write(said)
                await writer.drain()
        writer.close()


def test_the_first_request_after_an_outage_is_answered_at_once(store: Store) -> None:
    network = Network(store)

    async def run() -> float:
        await network.up()
        pool = pool_of(Store(network.url), 1, 1, autocommit=True)

        async def ask(seconds: float) -> None:
            async with pool.connection(timeout=seconds) as connection:
                await connection.execute("SELECT 1")

        async with pool:
            await ask(10)
            network.cut()
            end = time.monotonic() + AWAY_S
            while time.monotonic() < end:
                with pytest.raises(psycopg.OperationalError):
                    await ask(1)
                await asyncio.sleep(0.2)
            await network.up()
            started = time.monotonic()
            await ask(10)
            took = time.monotonic() - started
        network.cut()
        return took

    assert asyncio.run(run()) < 2


def test_what_an_address_says_of_its_network_holds() -> None:
    told = conninfo_to_dict(Store("postgresql://u@elsewhere/d?keepalives_idle=7").conninfo())

    assert (told["host"], told["keepalives_idle"], told["tcp_user_timeout"]) == ("elsewhere", "7", "30000")
