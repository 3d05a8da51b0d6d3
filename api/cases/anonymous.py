"""Who reports without an account: what he may do, how often, and the key that knows his report again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Header, Request
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.database import Store
from api.dependencies import SESSION_COOKIE, StoreDep, acting_session
from api.errors import NotSignedInError, TooManyError
from api.limiting import SharedCounters, client_address, seconds_left
from api.requests import IDEMPOTENCY_HEADER

# A neighbourhood behind one address, and everybody together: a flood ends before the desk drowns in it.
FROM_ADDRESS = RateLimitItemPerMinute(30, 60, namespace="reports of an address")
OF_ALL = RateLimitItemPerMinute(1200, 60, namespace="reports of all")

ReportKey = Annotated[
    str,
    Header(
        alias=IDEMPOTENCY_HEADER, min_length=20, max_length=64, pattern=r"^[0-9A-Za-z-]+$",
        description="Random, made by the browser: it knows the report again, and opens it to its photos.",
    ),
]  # fmt: skip


def key_digest(key: str) -> bytes:
    """Return what is stored of a report's key."""
    return hashlib.sha256(b"report " + key.encode()).digest()


def reporting_session(request: Request, store: StoreDep) -> Iterator[Session]:
    """Open a transaction with the rights of whoever asks, or else of somebody without an account.

    Raises
    ------
    NotSignedInError
        Nobody is signed in, and no street takes reports without an account.
    """
    if request.headers.get("Authorization") or request.cookies.get(SESSION_COOKIE):
        yield from acting_session(request, store)
        return
    with Session(store.engine) as session, session.begin():
        if not session.execute(text("SELECT enter_anonymously()")).scalar_one():
            raise NotSignedInError("not_signed_in", "sign in: nobody reports here without an account")
        yield session


ReportingSessionDep = Annotated[Session, Depends(reporting_session, scope="function")]


def count_report(store: Store, request: Request) -> None:
    """Count what somebody without an account sends.

    Raises
    ------
    TooManyError
        There was too much; `values` says after how many seconds there may be more.
    """
    limiter = FixedWindowRateLimiter(SharedCounters(store.owner))
    counted: tuple[tuple[RateLimitItem, str], ...] = (
        (FROM_ADDRESS, client_address(request.scope)), (OF_ALL, ""),
    )  # fmt: skip
    for item, identity in counted:
        if not limiter.hit(item, identity):
            raise TooManyError(
                "too_many_reports", "too many reports from here; wait, or sign in",
                retry_after_s=seconds_left(limiter, item, identity),
            )  # fmt: skip
