"""weige serve: the database, the API workers and the job worker of one machine."""

from __future__ import annotations

import errno
import http.client
import ipaddress
import json
import logging
import os
import secrets
import signal
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

import uvicorn

from api.console import Terminal
from api.database import store_of
from api.logs import configure_logs
from api.security import first_admin_link
from api.settings import Settings
from api.worker import workers
from geo.errors import InputError
from maps.text import text

logger = logging.getLogger(__name__)

# Streams and requests may finish this long after a stop is asked for, in seconds.
GRACE_S = 10
STORE_URL_VARIABLE = "WEIGE_STORE_URL"
READY_WITHIN_S = 60
# A worker that is silent so long is replaced; a loaded machine may take a while to start one.
WORKER_SILENCE_S = 30


@dataclass(frozen=True)
class Listening:
    """Where the service listens, and how people reach it.

    Attributes
    ----------
    host, port : str, int
    workers : int
        API processes.
    tls_cert, tls_key : Path or None
    public_url : str or None
        Where a proxy stands before the service.
    insecure_http : bool
        Serve a network without TLS all the same.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 2
    tls_cert: Path | None = None
    tls_key: Path | None = None
    public_url: str | None = None
    insecure_http: bool = False

    @property
    def has_tls(self) -> bool:
        """Whether browsers reach the service over TLS."""
        return self.tls_cert is not None or (self.public_url or "").startswith("https://")

    @property
    def address(self) -> str:
        """Address to open."""
        scheme = "https" if self.tls_cert else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"{scheme}://{host}:{self.port}").rstrip("/")


class ListeningError(InputError):
    """The service may not listen so."""


def require_safe(listening: Listening) -> None:
    """Refuse a network without TLS, and half of a certificate.

    Raises
    ------
    ListeningError
    """
    if (listening.tls_cert is None) != (listening.tls_key is None):
        raise ListeningError("tls_half", "one of --tls-cert and --tls-key is missing", mend="give both")
    for path in (listening.tls_cert, listening.tls_key):
        if path is not None and not os.access(path, os.R_OK):
            raise ListeningError("tls_unreadable", "cannot be read", mend="name another", file=str(path))
    if listening.tls_cert is not None:
        _require_certificate(listening)
    if listening.has_tls or listening.insecure_http or is_loopback(listening.host):
        return
    raise ListeningError(
        "needs_tls",
        f"{listening.host} is reached over the network, without TLS",
        mend="give --tls-cert and --tls-key, --public-url https://… of its proxy, or --insecure-http",
        host=listening.host,
    )


def _require_certificate(listening: Listening) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            str(listening.tls_cert), listening.tls_key, password=lambda: ""
        )
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ListeningError(
                "tls_mismatch",
                "the key does not belong to the certificate",
                mend="give the key it was issued for",
                file=str(listening.tls_key),
            ) from error
        told = error.reason or "not PEM"
        raise ListeningError(
            "tls_not_usable",
            f"the certificate or its key cannot be used ({told})",
            mend="give both as PEM, the key without a passphrase",
            file=str(listening.tls_cert),
            told=told,
        ) from error


def require_port(listening: Listening) -> None:
    """Refuse an address that cannot be listened on, before anything is started for it.

    Raises
    ------
    ListeningError
    """
    host, port = listening.host, listening.port
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            # Two may be bound with that option; only one may listen.
            probe.listen(1)
        except OSError as error:
            told = error.strerror or str(error)
            if error.errno == errno.EADDRINUSE:
                raise ListeningError(
                    "port_in_use", f"port {port} of {host} is in use",
                    mend="stop what listens there, or give another --port", host=host, port=port,
                ) from error  # fmt: skip
            if error.errno == errno.EACCES:
                raise ListeningError(
                    "port_not_allowed", f"this user may not listen on port {port}",
                    mend="give a --port from 1024", port=port,
                ) from error  # fmt: skip
            raise ListeningError(
                "host_not_here", f"{host} is no address of this machine ({told})",
                mend="give --host one of its own", host=host, told=told,
            ) from error  # fmt: skip


def is_loopback(host: str) -> bool:
    """Whether a host is this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def serve(
    settings: Settings,
    listening: Listening,
    *,
    on_ready: Callable[[str, str | None], None],
    job_workers: int = 1,
) -> None:
    """Serve until stopped; the database runs as long.

    Parameters
    ----------
    settings : Settings
    listening : Listening
    on_ready : callable (address, path of the first administrator's link or None)
        Called once the service answers.
    job_workers : int, default 1
        Processes that do jobs; 0 where `weige worker` runs elsewhere.
    """
    require_safe(listening)
    require_port(listening)
    configure_logs()
    settings = replace(settings, instance=secrets.token_hex(8))
    # Also where the server lets the signal through after its own end, the database is stopped.
    signal.signal(signal.SIGTERM, _end)
    with ExitStack() as running:
        store = running.enter_context(store_of(settings, make=True))
        store.migrate()
        link = first_admin_link(store)
        os.environ.update({**settings.for_workers(), STORE_URL_VARIABLE: store.url})
        answers = threading.Event()
        running.enter_context(workers(settings, job_workers, after=answers))
        asking = (listening, settings.instance, link, on_ready, answers)
        threading.Thread(target=_tell_when_ready, args=asking, daemon=True).start()
        uvicorn.run(
            "api.worker_app:app_of_worker",
            factory=True,
            host=listening.host,
            port=listening.port,
            workers=listening.workers,
            ssl_certfile=listening.tls_cert,
            ssl_keyfile=listening.tls_key,
            proxy_headers=listening.public_url is not None,
            forwarded_allow_ips="*" if listening.public_url and is_loopback(listening.host) else None,
            timeout_graceful_shutdown=GRACE_S,
            timeout_worker_healthcheck=WORKER_SILENCE_S,
            access_log=False,
            log_config=None,
            server_header=False,
        )


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def _tell_when_ready(
    listening: Listening,
    instance: str,
    link: str | None,
    on_ready: Callable[[str, str | None], None],
    answers: threading.Event,
) -> None:
    """Ask for readiness until it is there; certificates of one's own are no obstacle.

    What another service on the same port says counts for nothing.
    """
    host = "127.0.0.1" if listening.host in ("0.0.0.0", "::") else listening.host
    local = Listening(host=host, port=listening.port, tls_cert=listening.tls_cert)
    context = ssl._create_unverified_context() if listening.tls_cert else None
    ended = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < ended:
        try:
            with urllib.request.urlopen(f"{local.address}/readyz", timeout=2, context=context) as answer:
                if json.loads(answer.read(10_000)).get("instance") == instance:
                    answers.set()
                    on_ready(listening.address, link)
                    return
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            pass  # not there yet, or not ours
        time.sleep(0.1)
    logger.error("the service does not answer on %s", local.address)
    answers.set()


def serve_until_stopped(
    terminal: Terminal, said: Settings, *, listening: Listening, job_workers: int = 1
) -> None:
    """Serve with the settings of the environment, and say on the terminal where and how to begin.

    Raises
    ------
    ListeningError, ClusterError
        It may not listen so, or its database cannot run.
    """
    settings = replace(
        said,
        public_url=listening.public_url or said.public_url,
        secure_cookies=listening.has_tls,
    )
    require_safe(listening)
    if listening.insecure_http and not listening.has_tls:
        terminal.warn(text("service.insecure", terminal.language))

    def ready(address: str, link: str | None) -> None:
        lines = [text("service.ready", terminal.language, address=address)]
        if link:
            lines.append(text("service.first_admin", terminal.language, link=f"{address}{link}"))
        terminal.result(lines, {})

    serve(settings, listening, on_ready=ready, job_workers=job_workers)
