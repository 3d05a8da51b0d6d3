"""Rate limits: attempts to sign in, counted in the database for all workers; requests, counted by each."""

from __future__ import annotations

import hashlib
import math
import time

from fastapi import FastAPI
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy import Engine, text
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.dependencies import SESSION_COOKIE
from api.errors import TooManyError
from api.problems import problem

# Failed attempts in a quarter of an hour. An office shares an address, so that may fail more often.
ATTEMPTS_ON_ACCOUNT = RateLimitItemPerMinute(10, 15, namespace="account")
ATTEMPTS_FROM_ADDRESS = RateLimitItemPerMinute(50, 15, namespace="address")
# Requests with keys that open nothing, from one address: guessing is over soon.
REFUSALS_FROM_ADDRESS = RateLimitItemPerMinute(300, namespace="refusals")

# Answered from memory or needed by those who watch over the service.
_NOT_COUNTED = ("/healthz", "/readyz", "/metrics", "/assets/", "/static/")


class SharedCounters(Storage):
    """Counters of `limits` in the database, the same for every worker and after a restart."""

    STORAGE_SCHEME = None

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine

    @property
    def base_exceptions(self) -> type[Exception]:
        """Errors that belong to the storage."""
        return OSError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count and return how many there are in the window; an expired window begins anew."""
        with self._engine.begin() as connection:
            connection.execute(
                text("""
                    DELETE FROM rate_counters WHERE key IN (
                      SELECT key FROM rate_counters WHERE expires_at < clock_timestamp() AND key <> :key
                      LIMIT 100 FOR UPDATE SKIP LOCKED)"""),
                {"key": _hidden(key)},
            )
            counted: int = connection.execute(
                text("""
                    INSERT INTO rate_counters AS c (key, n, expires_at)
                    VALUES (:key, greatest(:amount, 0), clock_timestamp() + make_interval(secs => :expiry))
                    ON CONFLICT (key) DO UPDATE SET
                      n = CASE WHEN c.expires_at < clock_timestamp() THEN greatest(:amount, 0)
                               ELSE greatest(c.n + :amount, 0) END,
                      expires_at = CASE WHEN c.expires_at < clock_timestamp() THEN excluded.expires_at
                                        ELSE c.expires_at END
                    RETURNING n"""),
                {"key": _hidden(key), "amount": amount, "expiry": expiry},
            ).scalar_one()
        return counted

    def get(self, key: str) -> int:
        """Return how many there are in the window."""
        return int(self._read("n", key) or 0)

    def get_expiry(self, key: str) -> float:
        """Return when the window ends, in seconds since 1970."""
        return float(self._read("extract(epoch FROM expires_at)", key) or time.time())

    def _read(self, column: str, key: str) -> float | None:
        with self._engine.connect() as connection:
            read: float | None = connection.execute(
                text(f"SELECT {column} FROM rate_counters WHERE key = :key AND expires_at > now()"),
                {"key": _hidden(key)},
            ).scalar_one_or_none()
        return read

    def check(self) -> bool:
        """Whether the database answers."""
        with self._engine.connect() as connection:
            return connection.execute(text("SELECT true")).scalar_one() is True

    def reset(self) -> int:
        """Forget everything; return how many counters there were."""
        with self._engine.begin() as connection:
            return connection.execute(text("DELETE FROM rate_counters")).rowcount

    def clear(self, key: str) -> None:
        """Forget one counter."""
        with self._engine.begin() as connection:
            connection.execute(text("DELETE FROM rate_counters WHERE key = :key"), {"key": _hidden(key)})


class LocalCounters(Storage):
    """Counters of `limits` in one worker; `limits`' own start a thread for each rush of requests."""

    STORAGE_SCHEME = None
    SWEEP_EVERY_S = 60.0

    def __init__(self) -> None:
        super().__init__()
        self._counters: dict[str, tuple[int, float]] = {}
        self._swept = time.time()

    @property
    def base_exceptions(self) -> type[Exception]:
        """Errors that belong to the storage."""
        return OSError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count and return how many there are in the window; an expired window begins anew."""
        now = time.time()
        if now > self._swept + self.SWEEP_EVERY_S:
            self._counters = {name: held for name, held in self._counters.items() if held[1] > now}
            self._swept = now
        counted, ends = self._counters.get(key, (0, 0.0))
        if ends <= now:
            counted, ends = 0, now + expiry
        self._counters[key] = counted + amount, ends
        return counted + amount

    def get(self, key: str) -> int:
        """Return how many there are in the window."""
        counted, ends = self._counters.get(key, (0, 0.0))
        return counted if ends > time.time() else 0

    def get_expiry(self, key: str) -> float:
        """Return when the window ends, in seconds since 1970."""
        return max(self._counters.get(key, (0, 0.0))[1], time.time())

    def check(self) -> bool:
        """Memory is always there."""
        return True

    def reset(self) -> int:
        """Forget everything; return how many counters there were."""
        counters, self._counters = self._counters, {}
        return len(counters)

    def clear(self, key: str) -> None:
        """Forget one counter."""
        self._counters.pop(key, None)


def _hidden(key: str) -> str:
    """Return what is stored of an account's name or an address."""
    return hashlib.sha256(key.encode()).hexdigest()


class SignInLimit:
    """Failed attempts to sign in to one account, and from one address.

    An attempt counts when it begins, so that many at once cannot slip through, and is taken back when it
    succeeds.
    """

    def __init__(self, engine: Engine, account: str, address: str) -> None:
        self._limiter = FixedWindowRateLimiter(SharedCounters(engine))
        self._counted = ((ATTEMPTS_ON_ACCOUNT, account), (ATTEMPTS_FROM_ADDRESS, address))

    def require(self) -> None:
        """Count an attempt.

        Raises
        ------
        TooManyError
            There were too many; `values` says after how many seconds there may be more.
        """
        for item, identity in self._counted:
            if not self._limiter.hit(item, identity):
                raise TooManyError(
                    "too_many_attempts",
                    "too many failed attempts to sign in; wait and try again",
                    retry_after_s=seconds_left(self._limiter, item, identity),
                )

    def forgive(self) -> None:
        """Take back an attempt that succeeded: the account begins anew, the address keeps its failures."""
        (account, name), (address, place) = self._counted
        self._limiter.clear(account, name)
        self._limiter.hit(address, place, cost=-1)


def seconds_left(limiter: FixedWindowRateLimiter, item: RateLimitItem, identity: str) -> int:
    """Return after how many seconds the window of a limit ends."""
    return max(1, math.ceil(limiter.get_window_stats(item, identity).reset_time - time.time()))


class RequestLimit:
    """Refuse whoever sends too many requests a minute, by key or else by address (plain ASGI).

    Each worker counts for itself: with n workers up to n times as many pass.
    """

    def __init__(self, app: ASGIApp, *, per_minute: int) -> None:
        self.app = app
        self._limiter = FixedWindowRateLimiter(LocalCounters())
        self._requests = RateLimitItemPerMinute(per_minute, namespace="requests")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or answer 429."""
        if scope["type"] != "http" or scope["path"].startswith(_NOT_COUNTED):
            await self.app(scope, receive, send)
            return
        address = client_address(scope)
        shown = _shown_key(Request(scope))
        refused: RateLimitItem | None = None
        identity = shown or address
        if shown and not self._limiter.test(REFUSALS_FROM_ADDRESS, address):
            refused, identity = REFUSALS_FROM_ADDRESS, address
        elif not self._limiter.hit(self._requests, identity):
            refused = self._requests
        if refused is not None:
            wait_s = seconds_left(self._limiter, refused, identity)
            answer = problem(
                429, "too_many_requests", f"too many requests; wait {wait_s} seconds",
                headers={"Retry-After": str(wait_s)},
            )  # fmt: skip
            await answer(scope, receive, send)
            return

        async def watching(message: Message) -> None:
            if shown and message["type"] == "http.response.start" and message["status"] == 401:
                self._limiter.hit(REFUSALS_FROM_ADDRESS, address)
            await send(message)

        await self.app(scope, receive, watching)


def client_address(scope: Scope) -> str:
    """Return the network address of a client; a trusted proxy's word for it was applied before."""
    client = scope.get("client")
    return client[0] if client else ""


def _shown_key(request: Request) -> str | None:
    """Return the hash of the key a request shows, whether it opens anything or not."""
    shown = request.headers.get("Authorization") or request.cookies.get(SESSION_COOKIE)
    return hashlib.sha256(shown.encode()).hexdigest() if shown else None


def add_limits(app: FastAPI, *, per_minute: int) -> None:
    """Limit the requests of the application."""
    app.add_middleware(RequestLimit, per_minute=per_minute)
