"""A network between a client and the service that can be cut: nothing goes through, told or untold."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Literal
from urllib.parse import urlsplit

_PIECE = 65_536

# refused: connections break, and new ones are closed at once, as where the service's machine is unplugged.
# silent: nobody is told anything, as where a cable or a radio link in between fails; what was connected
# before the cut stays dead after it, since a firewall on the way has forgotten it.
Cut = Literal["refused", "silent"]


class CutNetwork:
    """Pass connections on to an address until it is cut."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        assert parts.hostname is not None
        assert parts.port is not None
        self._target = parts.hostname, parts.port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self._cut: Cut | None = None
        self._whole = threading.Event()
        self._whole.set()
        # A connection that lived at a cut belongs to an age that is over.
        self._age = 0
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def __enter__(self) -> CutNetwork:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._cut = "refused"
        self._whole.set()
        for thread in self._threads:
            self._break()
            thread.join(10)

    def cut(self, how: Cut) -> None:
        self._cut = how
        self._age += 1
        self._whole.clear()
        if how == "refused":
            self._break()

    def mend(self) -> None:
        self._cut = None
        self._whole.set()

    def _break(self) -> None:
        for one in list(self._sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:  # it is over
                return
            if self._cut == "refused":
                near.close()
                continue
            self._sockets.add(near)
            self._start(self._connect, near)

    def _start(self, target: Callable[..., None], *values: Any) -> threading.Thread:
        thread = threading.Thread(target=target, args=values, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _connect(self, near: socket.socket) -> None:
        """Reach the service for a client; while the network is silent, once it is whole again."""
        self._whole.wait()
        age = self._age
        with near, suppress(OSError), socket.create_connection(self._target) as far:
            self._sockets.add(far)
            back = self._start(self._pass, far, near, age)
            self._pass(near, far, age)
            back.join()
            self._sockets -= {near, far}

    def _pass(self, source: socket.socket, target: socket.socket, age: int) -> None:
        with suppress(OSError):
            while piece := source.recv(_PIECE):
                if self._age == age:
                    target.sendall(piece)
        if self._age == age or self._cut == "refused":
            with suppress(OSError):
                target.shutdown(socket.SHUT_WR)
