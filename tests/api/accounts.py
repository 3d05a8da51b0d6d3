"""People and areas for tests: accounts with grants, tokens and passwords, and a small division tree."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from fastapi.testclient import TestClient
from sqlalchemy import text

from api import security
from api.database import Store
from api.dependencies import key_hash
from api.main import create_app
from api.settings import Settings

PASSWORD = "four green ducks"


@contextmanager
def service(store: Store, **settings: object) -> Iterator[TestClient]:
    """The service over a store, with a client that keeps cookies and follows no redirect by itself."""
    app = create_app(Settings(**settings), store.url)
    with TestClient(app, follow_redirects=False, headers={"Host": "testserver"}) as client:
        yield client


def root_id(store: Store) -> int:
    with store.owner.connect() as owner:
        return owner.execute(text("SELECT id FROM divisions WHERE parent_id IS NULL")).scalar_one()


def add_area(store: Store, code: str, level: str, above: int | None = None) -> int:
    with store.owner.begin() as owner:
        return owner.execute(
            text("INSERT INTO divisions (parent_id, level, code, name) VALUES (:p, :l, :c, :c) RETURNING id"),
            {"p": root_id(store) if above is None else above, "l": level, "c": code},
        ).scalar_one()


def path_of(store: Store, area: int) -> str:
    with store.owner.connect() as owner:
        return owner.execute(text("SELECT path::text FROM divisions WHERE id = :a"), {"a": area}).scalar_one()


def add_person(store: Store, name: str, *grants: tuple[str, int], password: bool = False) -> tuple[int, str]:
    """Add an account with grants; return its id and a token for it."""
    token = secrets.token_urlsafe(16)
    hashed = security.hash_password(PASSWORD) if password else None
    with store.owner.begin() as owner:
        user = owner.execute(
            text("INSERT INTO users (name, password_hash) VALUES (:n, :h) RETURNING id"),
            {"n": name, "h": hashed},
        ).scalar_one()
        for role, area in grants:
            owner.execute(
                text("INSERT INTO grants VALUES (:u, :r, :a, :d)"),
                {"u": user, "r": role, "a": area, "d": "water works" if role == "handler" else ""},
            )
        owner.execute(
            text("INSERT INTO keys (token_sha256, user_id, kind, expires_at)"
                 " VALUES (:h, :u, 'token', now() + :life)"),
            {"h": key_hash(token), "u": user, "life": timedelta(days=1)},
        )  # fmt: skip
    return user, token


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
