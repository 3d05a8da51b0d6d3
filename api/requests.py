"""What holds for requests of every resource: entity tags, idempotency keys, pages, addresses."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Query, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from api.errors import ChangedError, ServiceError
from api.queries import Rows

IDEMPOTENCY_HEADER = "Idempotency-Key"
MOST_ROWS = 5000
# Headers of a first answer that a repeated one must carry too.
_KEPT_HEADERS = ("location", "etag", "content-type")


class IfMatchMissingError(ServiceError):
    """A change came without the entity tag of what it changes."""

    status = 428


class ReplayedError(Exception):
    """The request was answered before: its answer, to be sent again."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body


def entity_tag(revision: int) -> str:
    """Return the entity tag of a revision."""
    return f'"{revision}"'


def require_match(if_match: str | None, revision: int, present: Callable[[], Any]) -> None:
    """Refuse a change of something that somebody changed since it was read.

    Raises
    ------
    IfMatchMissingError
        No If-Match was sent.
    ChangedError
        It names another revision; the problem holds the present state.
    """
    if not if_match:
        raise IfMatchMissingError("if_match_missing", "send If-Match with the ETag of what you change")
    if if_match.strip() not in ("*", entity_tag(revision)):
        raise ChangedError(
            "changed",
            "somebody changed it meanwhile; look at both states and send the change again",
            yours=if_match, etag=entity_tag(revision), present=present(),
        )  # fmt: skip


IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=64)]


class PageQuery:
    """How many rows, and after which."""

    def __init__(
        self,
        after: Annotated[
            str | None, Query(max_length=200, description="Cursor: from `next` of a page")
        ] = None,
        limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 500,
    ) -> None:
        self.after, self.limit = (after or "").replace("\x00", ""), limit

    def next_address(self, request: Request, cursors: Sequence[str]) -> str | None:
        """Return the address of the page after one whose rows have these cursors."""
        if len(cursors) < self.limit:
            return None
        further = request.url.include_query_params(after=cursors[-1], limit=self.limit)
        return f"{further.path}?{further.query}"


def feature_page(request: Request, page: PageQuery, rows: Rows) -> Response:
    """Return a page of features that the database wrote, in the form of `schemas.Collection`."""
    further = json.dumps(page.next_address(request, [row.key for row in rows]))
    features = ",".join([row.feature for row in rows])
    return Response(
        f'{{"type":"FeatureCollection","features":[{features}],"next":{further}}}',
        media_type="application/json",
    )


PageDep = Annotated[PageQuery, Depends()]


LONGEST_KEY = 255
_KEY_PARAMETER = {
    "name": IDEMPOTENCY_HEADER,
    "in": "header",
    "required": False,
    "description": "Chosen by the sender for this one request: sent again, it is answered as the first time.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]+$"},
    "example": "4f3c9a52-6b0e-4d8e-9a51-0d6a2f7b1c64",
}


class KeptRoute(APIRoute):
    """A route whose POSTs may carry an Idempotency-Key: answers are kept in the transaction of the change."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        if "POST" in (self.methods or ()):
            self.openapi_extra = {**(self.openapi_extra or {}), "parameters": [_KEY_PARAMETER]}

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler that keeps answers."""
        plain = super().get_route_handler()

        async def keeping(request: Request) -> Response:
            key = request.headers.get(IDEMPOTENCY_HEADER)
            if request.method != "POST" or not key:
                return await plain(request)
            told = f"{request.method} {request.url.path}?{request.url.query}".encode()
            request.state.request_sha256 = hashlib.sha256(told + b"\n" + await request.body()).digest()
            response = await plain(request)
            session: Session | None = getattr(request.state, "session", None)
            if session is not None and response.status_code < 300:
                await run_in_threadpool(_keep, session, key, response)
            return response

        return keeping


def require_key(key: str) -> None:
    """Refuse an Idempotency-Key that is none.

    Raises
    ------
    ServiceError
    """
    if len(key) > LONGEST_KEY or not key.isprintable():
        raise ServiceError(
            "idempotency_key", f"{IDEMPOTENCY_HEADER} is at most {LONGEST_KEY} printable characters"
        )


def claim_key(request: Request, session: Session, user_id: int) -> None:
    """Claim the Idempotency-Key of a request for its transaction; a second request with it waits.

    Raises
    ------
    ReplayedError
        The request was answered before.
    ServiceError
        The key came with another request, or is not one.
    """
    key, digest = request.headers.get(IDEMPOTENCY_HEADER), getattr(request.state, "request_sha256", None)
    if not key or digest is None:
        return
    require_key(key)
    mine = session.execute(
        text("INSERT INTO idempotency_keys (user_id, key, request_sha256) VALUES (:user, :key, :digest)"
             " ON CONFLICT DO NOTHING RETURNING 1"),
        {"user": user_id, "key": key, "digest": digest},
    ).one_or_none()  # fmt: skip
    request.state.session = session
    if mine is not None:
        return
    kept = session.execute(
        text("SELECT request_sha256, status, headers, body FROM idempotency_keys"
             " WHERE user_id = :user AND key = :key"),
        {"user": user_id, "key": key},
    ).one()  # fmt: skip
    if kept.request_sha256 != digest:
        raise ServiceError("idempotency_key_reused", "this Idempotency-Key came before with another request")
    raise ReplayedError(kept.status, kept.headers, kept.body)


def _keep(session: Session, key: str, response: Response) -> None:
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    session.execute(
        text("UPDATE idempotency_keys SET status = :status, headers = cast(:headers AS jsonb), body = :body"
             " WHERE user_id = actor() AND key = :key"),
        {"status": response.status_code, "headers": json.dumps(headers), "body": bytes(response.body),
         "key": key},
    )  # fmt: skip


def add_replay(app: FastAPI) -> None:
    """Answer a repeated request as the first was answered."""

    @app.exception_handler(ReplayedError)
    def replayed(request: Request, kept: ReplayedError) -> Response:
        headers = {**kept.headers, "Idempotency-Replayed": "true"}
        return Response(kept.body, kept.status, headers=headers)
