"""API workers as processes of their own, and clients that keep what they were told."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from fastapi import FastAPI

ROOT = Path(__file__).parents[2]
_SERVE = """
import sys, uvicorn
from pathlib import Path
from api.main import create_app
from api.settings import Settings
url, folder, port = sys.argv[1:]
uvicorn.run(create_app(Settings(data_dir=Path(folder)), url), port=int(port), log_level="warning",
            timeout_graceful_shutdown=10)
"""


def wait_until(is_true: Callable[[], Any], *, seconds: float = 30, what: str = "it") -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := is_true():
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come within {seconds} s")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def process(script: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a script in a process of its own; it is killed at the end where it still runs."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    started = subprocess.Popen([sys.executable, "-c", script, *arguments], env=environment, cwd=ROOT)
    try:
        yield started
    finally:
        started.kill()
        started.wait()


@contextmanager
def api_thread(app: FastAPI) -> Iterator[str]:
    """Run the service in a thread of this process, which starts much sooner; yield its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", timeout_graceful_shutdown=10))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            thread.join(0.02)
            assert thread.is_alive()
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def api_worker(
    url: str, folder: Path, port: int | None = None
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run one API worker; yield its address and its process once it answers."""
    port = port or free_port()
    address = f"http://127.0.0.1:{port}"
    with process(_SERVE, url, str(folder), str(port)) as started:
        wait_until(lambda: _answers(address), seconds=120, what=address)
        yield address, started


def _answers(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/readyz", trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False


class Listener:
    """A client of the event stream that resumes by id, as browsers do, at the next of its addresses.

    A stream that says nothing for `silent_s` seconds is dead to it.
    """

    def __init__(
        self, headers: dict[str, str], *addresses: str, after: int | None = None, silent_s: float = 60
    ) -> None:
        self.events: list[dict[str, Any]] = []
        self.retries: list[int] = []
        self.statuses: list[int] = []
        self.connected = threading.Event()
        self._addresses = addresses
        self._headers = headers
        self._silent_s = silent_s
        self._last = None if after is None else str(after)
        self._ended = False
        self._response: httpx2.Response | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> Listener:
        assert self.connected.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self.cut()
        self._thread.join(10)

    def cut(self) -> None:
        """Break the connection."""
        if self._response is not None:
            stream = self._response.extensions["network_stream"]
            with suppress(OSError):  # it is broken already
                stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    def bodies(self) -> list[Any]:
        return [event["body"] for event in list(self.events)]

    def _run(self) -> None:
        turn = 0
        with httpx2.Client(timeout=httpx2.Timeout(5, read=self._silent_s), trust_env=False) as client:
            while not self._ended:
                address = self._addresses[turn % len(self._addresses)]
                turn += 1
                with suppress(httpx2.TransportError):
                    self._listen(client, address)
                self.connected.clear()
                time.sleep(0.2)

    def _listen(self, client: httpx2.Client, address: str) -> None:
        headers = {**self._headers, **({} if self._last is None else {"Last-Event-ID": self._last})}
        with client.stream("GET", f"{address}/api/v1/events", headers=headers) as response:
            self.statuses.append(response.status_code)
            if response.status_code != 200:
                return
            self._response = response
            for line in response.iter_lines():
                name, _, value = line.partition(": ")
                if name == "id":
                    self._last = value
                    self.connected.set()
                elif name == "retry":
                    self.retries.append(int(value))
                elif name == "data":
                    self.events.append(json.loads(value))
