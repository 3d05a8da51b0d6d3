"""Passwords and keys: who may come in, with what, and for how long. Only hashes are stored."""

from __future__ import annotations

import secrets
import threading
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from api.database import Store
from api.dependencies import key_hash
from api.errors import NotFoundError, NotSignedInError, NotValidError
from api.limiting import SignInLimit

# OWASP Password Storage Cheat Sheet, Argon2id: 19 MiB, 2 passes, 1 lane.
HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Hashing at the same time, so that a rush of attempts cannot take all memory: 4 x 19 MiB.
_HASHING = threading.BoundedSemaphore(4)
# What an attempt on an unknown account is compared with, so that it takes as long as one on a known account.
_NOBODY = HASHER.hash(secrets.token_urlsafe(32))

# A working day; a page that nobody touches for two hours must be opened again.
SESSION_LIFE = timedelta(hours=12)
SESSION_IDLE = timedelta(hours=2)
LINK_LIFE = timedelta(days=7)
# `weige serve` makes a new one at each start for as long as nobody has used it.
FIRST_LINK_LIFE = timedelta(days=1)

# NIST SP 800-63B, section 5.1.1.2: length counts, composition rules do not; long phrases are welcome.
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 256
FEWEST_CHARACTERS = 5

FIRST_ADMIN = "admin"
_FIRST_ADMIN_LOCK = 7_714_202

KeyKind = Literal["token", "link"]


@dataclass(frozen=True)
class NewKey:
    """A key just made; the only time that it can be read.

    Attributes
    ----------
    key_id : int
    key : str
        What its holder shows.
    """

    key_id: int
    key: str


# --- passwords -----------------------------------------------------------------------------------------


def require_good_password(password: str, name: str) -> None:
    """Refuse a password that is short, monotonous, or made of the account's own name.

    Raises
    ------
    NotValidError
    """
    if len(password) < SHORTEST_PASSWORD:
        raise NotValidError("password_too_short", f"a password has at least {SHORTEST_PASSWORD} characters")
    if len(password) > LONGEST_PASSWORD:
        raise NotValidError("password_too_long", f"a password has at most {LONGEST_PASSWORD} characters")
    if len(set(password)) < FEWEST_CHARACTERS or _is_run(password):
        raise NotValidError("password_too_simple", "the password repeats or counts; take a phrase instead")
    if len(name) >= 4 and name.casefold() in password.casefold():
        raise NotValidError("password_is_name", "the password holds the account's name")


def _is_run(password: str) -> bool:
    """Whether characters only count up or down (0123456789, abcdefghij)."""
    steps = {ord(after) - ord(before) for before, after in pairwise(password)}
    return len(steps - {-9, 9}) <= 1 and steps <= {1, -1, 9, -9}


def hash_password(password: str) -> str:
    """Return the Argon2id hash of a password, in NFKC: keyboards write the same letters differently."""
    with _HASHING:
        return HASHER.hash(unicodedata.normalize("NFKC", password))


def is_password(password: str, hashed: str | None) -> bool:
    """Whether a password has this hash; takes as long where there is none."""
    with _HASHING:
        try:
            HASHER.verify(hashed or _NOBODY, unicodedata.normalize("NFKC", password))
        except (VerificationError, InvalidHashError):
            return False
    return hashed is not None


# --- sessions --------------------------------------------------------------------------------------------


def sign_in(store: Store, name: str, password: str, address: str) -> str:
    """Return the key of a new browser session.

    Parameters
    ----------
    address : str
        Network address that the attempt came from; only its hash is kept, for minutes.

    Raises
    ------
    TooManyError
        There were too many failed attempts on this account or from this address.
    NotSignedInError
        Account and password do not go together; which of them is wrong is not told.
    """
    limit = SignInLimit(store.owner, name, address)
    limit.require()
    with store.owner.begin() as owner:
        user = owner.execute(
            text("SELECT id, password_hash, disabled_at FROM users WHERE name = :name"), {"name": name}
        ).one_or_none()
    right = is_password(password, user.password_hash if user else None)
    if user is None or not right or user.disabled_at is not None:
        reason = "unknown" if user is None else "disabled" if right else "password"
        with store.owner.begin() as owner:
            owner.execute(
                text("SELECT audit('sign_in_failed', jsonb_build_object('reason', cast(:reason AS text),"
                     " 'user', cast(:user AS bigint)), NULL, :user)"),
                {"reason": reason, "user": user.id if user else None},
            )  # fmt: skip
        raise NotSignedInError("sign_in_refused", "account and password do not go together")
    limit.forgive()
    key = secrets.token_urlsafe(32)
    with store.owner.begin() as owner:
        owner.execute(text("SELECT act_as(:user, '{}')"), {"user": user.id})
        owner.execute(
            text("""
                INSERT INTO keys (token_sha256, user_id, kind, csrf_token, created_by, idle_s, expires_at)
                VALUES (:hash, :user, 'session', :csrf, :user, :idle_s, now() + :life)"""),
            {"hash": key_hash(key), "user": user.id, "csrf": secrets.token_urlsafe(32),
             "idle_s": int(SESSION_IDLE.total_seconds()), "life": SESSION_LIFE},
        )  # fmt: skip
    return key


def sign_out(store: Store, key: str) -> None:
    """End a browser session; one that has ended stays so."""
    with store.owner.begin() as owner:
        owner.execute(
            text("""
                WITH mine AS (SELECT user_id FROM keys WHERE token_sha256 = :hash),
                  acting AS (SELECT act_as(user_id, '{}') FROM mine)
                UPDATE keys SET revoked_at = now() FROM acting
                WHERE token_sha256 = :hash AND kind = 'session' AND revoked_at IS NULL"""),
            {"hash": key_hash(key)},
        )


def is_csrf_token(store: Store, session_sha256: bytes, sent: str) -> bool:
    """Whether a form carries the token of the session it came with."""
    with store.owner.connect() as owner:
        stored = owner.execute(
            text("SELECT csrf_token FROM keys WHERE token_sha256 = :hash AND kind = 'session'"),
            {"hash": session_sha256},
        ).scalar_one_or_none()
    return stored is not None and secrets.compare_digest(sent.encode(), stored.encode())


# --- tokens and one-time links ---------------------------------------------------------------------------


def make_key(
    connection: Connection | Session,
    user_id: int,
    kind: KeyKind,
    *,
    life: timedelta,
    created_by: int | None,
    label: str = "",
) -> NewKey:
    """Make a token for a machine, or a link that sets a password once."""
    key = secrets.token_urlsafe(32)
    key_id: int = connection.execute(
        text("""
            INSERT INTO keys (token_sha256, user_id, kind, label, created_by, expires_at)
            VALUES (:hash, :user, :kind, :label, :by, now() + :life) RETURNING id"""),
        {"hash": key_hash(key), "user": user_id, "kind": kind, "label": label, "by": created_by,
         "life": life},
    ).scalar_one()  # fmt: skip
    return NewKey(key_id, key)


def link_path(link: NewKey) -> str:
    """Return the path under which a one-time link is opened."""
    return f"/welcome/{link.key}"


def link_holder(store: Store, key: str) -> str | None:
    """Return the account whose password a one-time link sets; None where it was used or has ended."""
    with store.owner.connect() as owner:
        return owner.execute(
            text("""
                SELECT u.name FROM keys k JOIN users u ON u.id = k.user_id
                WHERE k.token_sha256 = :hash AND k.kind = 'link' AND k.revoked_at IS NULL
                  AND k.expires_at > now() AND u.disabled_at IS NULL"""),
            {"hash": key_hash(key)},
        ).scalar_one_or_none()


def set_password(store: Store, key: str, password: str) -> str:
    """Set a password with a one-time link; every session and link of the account ends. Return its name.

    Raises
    ------
    NotFoundError
        The link was used or has ended.
    NotValidError
        The password is not good enough; the link can be used again.
    """
    name = link_holder(store, key)
    if name is None:
        raise NotFoundError("link_ended", "this link was used or has ended; ask for a new one")
    require_good_password(password, name)
    hashed = hash_password(password)
    with store.owner.begin() as owner:
        user_id = owner.execute(
            text("""
                SELECT u.id FROM keys k JOIN users u ON u.id = k.user_id
                WHERE k.token_sha256 = :hash AND k.kind = 'link' AND k.revoked_at IS NULL
                  AND k.expires_at > now() AND u.disabled_at IS NULL FOR UPDATE"""),
            {"hash": key_hash(key)},
        ).scalar_one_or_none()
        if user_id is None:
            raise NotFoundError("link_ended", "this link was used or has ended; ask for a new one")
        owner.execute(text("SELECT act_as(:user, '{}')"), {"user": user_id})
        owner.execute(
            text("UPDATE users SET password_hash = :hashed WHERE id = :user"),
            {"hashed": hashed, "user": user_id},
        )
        _end_keys(owner, user_id, "session", "link")
    return name


def first_admin_link(store: Store) -> str | None:
    """Return the path of a link that makes the first administrator; None where one can sign in already.

    It belongs to the account `admin`, who administers everything. Links made before end.
    """
    with store.owner.begin() as owner:
        owner.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _FIRST_ADMIN_LOCK})
        usable = owner.execute(
            text("""
                SELECT EXISTS (
                  SELECT FROM users u
                    JOIN grants g ON g.user_id = u.id JOIN divisions d ON d.id = g.division_id
                  WHERE g.role = 'admin' AND d.parent_id IS NULL AND u.disabled_at IS NULL
                    AND u.password_hash IS NOT NULL)""")
        ).scalar_one()
        if usable:
            return None
        user_id = owner.execute(
            text("""
                INSERT INTO users (name) VALUES (:name) ON CONFLICT (name) DO UPDATE SET disabled_at = NULL
                RETURNING id"""),
            {"name": FIRST_ADMIN},
        ).scalar_one()
        owner.execute(
            text("""
                INSERT INTO grants (user_id, role, division_id)
                SELECT :user, 'admin', id FROM divisions WHERE parent_id IS NULL ON CONFLICT DO NOTHING"""),
            {"user": user_id},
        )
        _end_keys(owner, user_id, "link")
        return link_path(make_key(owner, user_id, "link", life=FIRST_LINK_LIFE, created_by=None))


def _end_keys(connection: Connection, user_id: int, *kinds: str) -> None:
    connection.execute(
        text("UPDATE keys SET revoked_at = now()"
             " WHERE user_id = :user AND kind = ANY (:kinds) AND revoked_at IS NULL"),
        {"user": user_id, "kinds": list(kinds)},
    )  # fmt: skip
