"""What live events cost: streams, latency and processor time, with clients and server on one machine.

    python -m tests.bench.live_table [--clients 500] [--rate 10] [--seconds 20]

One API worker on a private database; each event is written in its own transaction and goes to every client.
Latency is from just before the transaction to the client's socket; processor time is that of the API worker,
user and system, from /proc.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
import time
from pathlib import Path

import numpy as np
import uvloop

from api.database import Store
from api.live import tell
from tests.api.people import add_division, add_person
from tests.api.processes import api_worker
from tests.bench.fresh_store import fresh_store

_SENT = re.compile(rb'"sent" ?: ?([0-9.]+)')
_ID = re.compile(rb"^id: (\d+)\nevent", re.MULTILINE)
LIMIT_P99_MS, LIMIT_CPU_US = 200, 50


class Client(asyncio.Protocol):
    """A stream that notes when each event came."""

    def __init__(self, token: str, port: int, came: list[float], ids: list[list[bytes]]) -> None:
        self._request = (
            f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n\r\n"
        ).encode()
        self._came = came
        self._ids: list[bytes] = []
        ids.append(self._ids)
        self._rest = b""
        self.is_open = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(self._request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        now = time.time()
        text = self._rest + data
        whole = text.rfind(b"\n\n")
        if whole < 0:
            self._rest = text
            return
        self._rest, text = text[whole:], text[:whole]
        if not self.is_open.done():
            self.is_open.set_result(b" 200 " in text[:20])
        self._came.extend(now - float(sent) for sent in _SENT.findall(text))
        self._ids.extend(_ID.findall(text))


async def listen(tokens: list[str], port: int, n_clients: int, told: Path) -> None:
    """Hold the streams until the parent says on stdin that it is over; then write what came."""
    came: list[float] = []
    ids: list[list[bytes]] = []
    loop = asyncio.get_running_loop()
    opened = []
    for number in range(n_clients):
        _, client = await loop.create_connection(
            lambda number=number: Client(tokens[number % len(tokens)], port, came, ids), "127.0.0.1", port
        )
        opened.append(client.is_open)
        if number % 20 == 19:
            await asyncio.gather(*opened)
    assert all(await asyncio.gather(*opened))
    sys.stdout.write("open\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.readline)
    same = len({tuple(each) for each in ids}) == 1
    np.savez(told, came=np.array(came), same=same, each=np.array([len(each) for each in ids]))


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def say(store: Store, division: int, rate: float, seconds: float) -> int:
    """Tell events at a steady rate; return how many."""
    n = round(rate * seconds)
    begun = time.monotonic()
    for at in range(n):
        time.sleep(max(0.0, begun + at / rate - time.monotonic()))
        with store.acting(None, {}) as session:
            tell(session, "said", {"sent": time.time(), "at": at, "note": "x" * 100}, division_id=division)
    return n


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--rate", type=float, default=10, help="events a second")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--listen", nargs=3, metavar=("TOKENS", "PORT", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.listen:
        tokens, port, told = options.listen
        uvloop.run(listen(tokens.split(","), int(port), options.clients, Path(told)))
        return
    with fresh_store() as fresh:
        measure(fresh.store, fresh.folder, options.clients, options.rate, options.seconds)


def measure(store: Store, folder: Path, n_clients: int, rate: float, seconds: float) -> None:
    import subprocess

    street = add_division(store, "s1", "street")
    tokens = [add_person(store, f"wall-{at}", viewer="s1").token for at in range(10)]
    told = folder / "told.npz"
    with api_worker(store.url, folder) as (address, server):
        port = address.rsplit(":", 1)[1]
        command = [sys.executable, "-m", "tests.bench.live_table", "--clients", str(n_clients),
                   "--listen", ",".join(tokens), port, str(told)]  # fmt: skip
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as clients:
            assert clients.stdin is not None
            assert clients.stdout is not None
            assert clients.stdout.readline() == "open\n"
            say(store, street, rate, 2)
            time.sleep(1)
            before, client_before = cpu_s(server.pid), cpu_s(clients.pid)
            counted = say(store, street, rate, seconds)
            time.sleep(1)
            server_s, client_s = cpu_s(server.pid) - before, cpu_s(clients.pid) - client_before
            time.sleep(1)
            clients.stdin.write("\n")
            clients.stdin.flush()
            clients.wait(60)
    store.close()
    found = np.load(told)
    warm = round(rate * 2)
    latency_ms = 1000 * found["came"][warm * n_clients :]
    delivered = counted * n_clients
    p50, p99, worst = np.percentile(latency_ms, [50, 99, 100])
    rows = [
        ("clients", n_clients, ""),
        ("events told", counted, f"{rate:g} a second"),
        ("messages delivered", len(latency_ms), f"of {delivered}"),
        ("all clients got the same, in order", bool(found["same"]), ""),
        ("latency p50", f"{p50:.1f} ms", ""),
        ("latency p99", f"{p99:.1f} ms", f"limit {LIMIT_P99_MS}"),
        ("latency worst", f"{worst:.1f} ms", ""),
        ("server CPU a message", f"{1e6 * server_s / delivered:.1f} us", f"limit {LIMIT_CPU_US}"),
        ("client CPU a message", f"{1e6 * client_s / delivered:.1f} us", ""),
        ("load of the machine", f"{os.getloadavg()[0]:.1f}", f"{os.cpu_count()} cores"),
    ]
    print("| what | measured | |\n|---|---:|---|")
    for name, value, note in rows:
        print(f"| {name} | {value} | {note} |")


if __name__ == "__main__":
    main()
