"""What operators need: health, readiness, metrics, request ids, access log, secure headers."""

from __future__ import annotations

import logging
import re
import secrets
import time

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.logs import request_id
from api.problems import problem

access = logging.getLogger("api.access")

REQUESTS = Counter("weige_requests_total", "Answered requests", ["method", "route", "status"])
SECONDS = Histogram(
    "weige_request_seconds", "Time from request to the first byte of its answer", ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 1, 3, 10),
)  # fmt: skip

# Key of the scope under which a stream of many small messages finds how to send its body past the middleware,
# which looks at the start of an answer only.
SEND_PAST_MIDDLEWARE = "weige.send"

REQUEST_ID_HEADER = "X-Request-Id"
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

# No inline script, nothing from elsewhere; map images may be data or blobs that the page itself made.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)
SECURE_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(self), microphone=()",
}


class Watch:
    """Give each request an id, count and time it, and put secure headers on its answer (plain ASGI)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one connection on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
        identity = asked if _ACCEPTABLE_ID.fullmatch(asked) else secrets.token_hex(8)
        request_id.set(identity)
        scope[SEND_PAST_MIDDLEWARE] = send
        started = time.perf_counter()

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID_HEADER] = identity
                for name, value in SECURE_HEADERS.items():
                    headers.setdefault(name, value)
                if scope["scheme"] == "https":
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
                route = getattr(scope.get("route"), "path", "none")
                took = time.perf_counter() - started
                REQUESTS.labels(scope["method"], route, message["status"]).inc()
                SECONDS.labels(route).observe(took)
                access.info(
                    "request",
                    extra={"method": scope["method"], "route": route, "status": message["status"],
                           "ms": round(1000 * took, 1)},
                )  # fmt: skip
            await send(message)

        await self.app(scope, receive, answer)


def add_operation(app: FastAPI) -> None:
    """Add health, readiness and metrics, and watch every request."""
    app.add_middleware(Watch)

    @app.get("/healthz", include_in_schema=False)
    def healthz() -> dict[str, str]:
        """Answer while the process lives."""
        return {"status": "ok"}

    @app.get("/readyz", include_in_schema=False)
    def readyz(request: Request) -> Response:
        """Answer 200 once the database is there and migrated."""
        try:
            with request.app.state.store.owner.connect() as connection:
                connection.execute(text("SELECT version_num FROM public.weige_schema")).one()
        except SQLAlchemyError:
            return problem(
                503, "not_ready", "the database is away or not migrated", headers={"Retry-After": "2"}
            )
        told = {"status": "ready", "instance": request.app.state.settings.instance}
        return JSONResponse(told)

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        """Answer with counters for Prometheus."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
