"""What routes ask for by type: the store, who acts, a session with their rights."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from api.database import Store
from api.errors import NotAllowedError, NotSignedInError
from api.requests import claim_key
from api.settings import Settings

SESSION_COOKIE = "weige_session"
CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Actor:
    """Who acts.

    Attributes
    ----------
    user_id : int
    name : str
        Name of the account.
    grants : mapping of role to paths of divisions
    csrf_token : str or None
        Of a browser session; machines have none.
    """

    user_id: int
    name: str
    grants: Mapping[str, list[str]]
    csrf_token: str | None


@dataclass(frozen=True)
class PresentedKey:
    """What a request shows at the door: the hash of its key, and the kind that it must be of."""

    sha256: bytes
    kind: str


def store_of_request(request: Request) -> Store:
    """Return the store of the application."""
    store: Store = request.app.state.store
    return store


def settings_of_request(request: Request) -> Settings:
    """Return the settings of the application."""
    settings: Settings = request.app.state.settings
    return settings


def presented_key(request: Request) -> PresentedKey:
    """Return the token of a machine (`Authorization: Bearer …`) or else the session of a browser.

    Raises
    ------
    NotSignedInError
        There is neither.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return PresentedKey(key_hash(token.strip()), "token")
    cookie = request.cookies.get(SESSION_COOKIE)
    if cookie:
        return PresentedKey(key_hash(cookie), "session")
    raise NotSignedInError("not_signed_in", "sign in, or send a token in the Authorization header")


def key_hash(key: str) -> bytes:
    """Return what is stored of a key: keys are random, so a plain hash cannot be guessed back."""
    return hashlib.sha256(key.encode()).digest()


def entered(row: Row[Any] | Mapping[str, Any] | None, key: PresentedKey, request: Request) -> Actor:
    """Return the actor of a row of `enter()`, having checked that a browser's request is its own.

    Raises
    ------
    NotSignedInError
        The key is unknown, expired or revoked, or its user disabled.
    NotAllowedError
        A change came with a session but without its CSRF token.
    """
    if row is None:
        raise NotSignedInError(
            "not_signed_in", "the session or token is not valid or has ended; sign in again"
        )
    said = row if isinstance(row, Mapping) else row._mapping
    actor = Actor(said["user_id"], said["name"], said["grants"], said["csrf_token"])
    if key.kind == "session" and request.method not in SAFE_METHODS:
        sent = request.headers.get(CSRF_HEADER, "")
        if not actor.csrf_token or not secrets.compare_digest(sent.encode(), actor.csrf_token.encode()):
            raise NotAllowedError("csrf", f"a change from a page needs the header {CSRF_HEADER}")
    request.state.actor = actor
    return actor


def acting_session(request: Request, store: Annotated[Store, Depends(store_of_request)]) -> Iterator[Session]:
    """Open the one transaction of a request, with the rights of whoever sent it."""
    key = presented_key(request)
    with Session(store.engine) as session, session.begin():
        row = session.execute(
            text("SELECT * FROM enter(:token, :kinds)"), {"token": key.sha256, "kinds": [key.kind]}
        ).one_or_none()
        actor = entered(row, key, request)
        claim_key(request, session, actor.user_id)
        yield session


# The transaction ends before the answer is sent, so that what was acknowledged is there.
SessionDep = Annotated[Session, Depends(acting_session, scope="function")]
StoreDep = Annotated[Store, Depends(store_of_request)]
SettingsDep = Annotated[Settings, Depends(settings_of_request)]


def actor_of_session(request: Request, session: SessionDep) -> Actor:
    """Return who acts in the session."""
    actor: Actor = request.state.actor
    return actor


ActorDep = Annotated[Actor, Depends(actor_of_session, scope="function")]
