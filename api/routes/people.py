"""People: who acts, the accounts of an area, what they may do where, the tokens of their machines.

Who may do what is decided by the database (row-level security); these routes only say "not there" for what
the actor may not see, and pass its refusal on.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field, StringConstraints, model_validator
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from api import security
from api.dependencies import ActorDep, SessionDep
from api.errors import NotAllowedError, NotFoundError
from api.schemas import Body, Page, problems

# Not a KeptRoute: keys are shown once, and never kept for a repeated request.
router = APIRouter(prefix="/api/v1", tags=["people"])

Role = Literal[
    "viewer", "reporter", "grid_worker", "dispatcher", "handler", "verifier", "inspector", "planner", "admin",
    "auditor",
]  # fmt: skip
RowId = Annotated[int, Path(ge=1, le=2**63 - 1)]
AccountName = Annotated[
    str, StringConstraints(pattern=r"^[^\x00-\x20\x7f-\xa0\u2000-\u200f\u2028-\u202f\u3000]{1,64}$")
]
Words = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
]
LONGEST_TOKEN_DAYS = 365


class Area(BaseModel):
    """A division of the tree."""

    id: int
    level: str
    code: str
    name: str | None


class Grant(BaseModel):
    """A role of an account in an area; of a handler also its department or company."""

    role: Role
    area: Area
    department: str


class GrantIn(Body):
    """A role to be given in an area."""

    role: Role
    division_id: Annotated[int, Field(ge=1, le=2**63 - 1, examples=[1])]
    department: Words = ""

    @model_validator(mode="after")
    def _has_department_as_handler(self) -> GrantIn:
        if (self.role == "handler") != bool(self.department):
            raise ValueError("a handler, and only a handler, acts for a department")
        return self


class Me(BaseModel):
    """Who acts. Pages send `csrf_token` in X-CSRF-Token with every change; machines have none."""

    id: int
    name: str
    grants: list[Grant]
    csrf_token: str | None


class User(BaseModel):
    """An account of a post; never a resident."""

    id: int
    name: str
    disabled: bool
    created_at: datetime


class UserIn(Body):
    """A new account."""

    name: AccountName


class UserChange(Body):
    """What may change of an account."""

    disabled: bool


class Token(BaseModel):
    """A token of a machine, without itself."""

    id: int
    label: str
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class TokenIn(Body):
    """A new token."""

    label: Words = ""
    days: Annotated[int, Field(ge=1, le=LONGEST_TOKEN_DAYS)] = 90


class NewToken(BaseModel):
    """A token just made: the only time that it is shown."""

    id: int
    token: str
    expires_at: datetime


class NewLink(BaseModel):
    """A one-time link that sets a password; the only time that it is shown."""

    path: str
    expires_at: datetime


class AuditEntry(BaseModel):
    """An entry of the audit log: ids and codes only."""

    id: int
    at: datetime
    actor: int | None
    area: int | None
    action: str
    body: dict[str, Any]
    hash: str


Limit = Annotated[int, Query(ge=1, le=1000)]

_USER = "SELECT id, name, disabled_at IS NOT NULL AS disabled, created_at FROM users"
_GRANTS = """
    SELECT g.role, g.department, d.id, d.level, d.code, d.name
    FROM grants g JOIN divisions d ON d.id = g.division_id
    WHERE g.user_id = :user ORDER BY d.path, g.role, g.department"""


@router.get("/me", responses=problems(429))
def get_me(actor: ActorDep, session: SessionDep) -> Me:
    """Tell who acts, and what may be done where."""
    return Me(
        id=actor.user_id,
        name=actor.name,
        grants=_grants(session, actor.user_id),
        csrf_token=actor.csrf_token,
    )


@router.get("/users", responses=problems(429))
def list_users(
    session: SessionDep,
    after: Annotated[str, Query(max_length=64, description="Cursor: from `next` of a page")] = "",
    limit: Limit = 200,
) -> Page[User]:
    """List oneself, the accounts of one's areas, and those one has made."""
    rows = session.execute(
        text(f"{_USER} WHERE name > :after ORDER BY name LIMIT :limit"),
        {"after": after.replace("\x00", ""), "limit": limit},
    ).all()
    further = (
        f"/api/v1/users?after={quote(rows[-1].name, safe='')}&limit={limit}" if len(rows) == limit else None
    )
    return Page(items=[_user(row) for row in rows], next=further)


@router.post("/users", status_code=201, responses=problems(409, 429))
def add_user(body: UserIn, session: SessionDep, actor: ActorDep, response: Response) -> User:
    """Add an account. It has no rights and no password yet: give it a grant and a link.

    Names are unique in the whole store: 409 may mean an account that the actor cannot see; whose is not told.
    """
    user_id = session.execute(
        text("INSERT INTO users (name, created_by) VALUES (:name, :by) RETURNING id"),
        {"name": body.name, "by": actor.user_id},
    ).scalar_one()
    response.headers["Location"] = f"/api/v1/users/{user_id}"
    return _user(_require_user(session, user_id))


@router.get("/users/{user_id}", responses=problems(404, 429))
def get_user(user_id: RowId, session: SessionDep) -> User:
    """Return one account."""
    return _user(_require_user(session, user_id))


@router.patch("/users/{user_id}", responses=problems(404, 429))
def change_user(user_id: RowId, body: UserChange, session: SessionDep) -> User:
    """Disable an account, which ends its sessions, tokens and links, or enable it again."""
    _require_user(session, user_id)
    changed = session.execute(
        text("""
            UPDATE users SET disabled_at = CASE WHEN :disabled THEN coalesce(disabled_at, now()) END
            WHERE id = :user"""),
        {"user": user_id, "disabled": body.disabled},
    ).rowcount  # type: ignore[attr-defined]
    _require_changed(changed)
    return _user(_require_user(session, user_id))


@router.get("/users/{user_id}/grants", responses=problems(404, 429))
def list_grants(user_id: RowId, session: SessionDep) -> list[Grant]:
    """List what an account may do in the actor's areas."""
    _require_user(session, user_id)
    return _grants(session, user_id)


@router.post("/users/{user_id}/grants", status_code=201, responses=problems(404, 409, 429))
def add_grant(user_id: RowId, body: GrantIn, session: SessionDep) -> Grant:
    """Give an account a role in an area that the actor administers; nobody gives himself one.

    Tokens and links that others made for the account end: they shall not rise with it.
    """
    _require_user(session, user_id)
    _require_area(session, body.division_id)
    session.execute(
        text("INSERT INTO grants (user_id, role, division_id, department)"
             " VALUES (:user, :role, :area, :department)"),
        {"user": user_id, "role": body.role, "area": body.division_id, "department": body.department},
    )  # fmt: skip
    area = _require_area(session, body.division_id)
    return Grant(role=body.role, area=_area(area), department=body.department)


@router.delete("/users/{user_id}/grants/{role}/{division_id}", status_code=204, responses=problems(404, 429))
def remove_grant(
    user_id: RowId,
    role: Role,
    division_id: RowId,
    session: SessionDep,
    department: Annotated[str, Query(max_length=200)] = "",
) -> None:
    """Take a role away; nobody takes his own."""
    _require_user(session, user_id)
    named = {"user": user_id, "role": role, "area": division_id, "department": department.replace("\x00", "")}
    same = "user_id = :user AND role = :role AND division_id = :area AND department = :department"
    if session.execute(text(f"SELECT 1 FROM grants WHERE {same}"), named).one_or_none() is None:
        raise NotFoundError("grant_not_found", "the account holds no such role there")
    _require_changed(session.execute(text(f"DELETE FROM grants WHERE {same}"), named).rowcount)  # type: ignore[attr-defined]


@router.get("/users/{user_id}/tokens", responses=problems(404, 429))
def list_tokens(user_id: RowId, session: SessionDep) -> list[Token]:
    """List the tokens of an account that one administers, or one's own."""
    _require_user(session, user_id)
    rows = session.execute(
        text("""
            SELECT id, label, created_at, used_at, expires_at, revoked_at FROM keys
            WHERE user_id = :user AND kind = 'token' ORDER BY id"""),
        {"user": user_id},
    )
    return [Token.model_validate(row._mapping) for row in rows]


@router.post("/users/{user_id}/tokens", status_code=201, responses=problems(404, 429))
def add_token(user_id: RowId, body: TokenIn, session: SessionDep, actor: ActorDep) -> NewToken:
    """Make a token for a machine that acts as this account. It is shown this once."""
    _require_user(session, user_id)
    life = timedelta(days=body.days)
    made = security.make_key(session, user_id, "token", life=life, created_by=actor.user_id, label=body.label)
    return NewToken(id=made.key_id, token=made.key, expires_at=_end_of(session, made.key_id))


@router.delete("/users/{user_id}/tokens/{token_id}", status_code=204, responses=problems(404, 429))
def revoke_token(user_id: RowId, token_id: RowId, session: SessionDep) -> None:
    """End a token; one that has ended stays so."""
    _require_user(session, user_id)
    found = session.execute(
        text("""
            UPDATE keys SET revoked_at = coalesce(revoked_at, now())
            WHERE id = :token AND user_id = :user AND kind = 'token'"""),
        {"token": token_id, "user": user_id},
    ).rowcount  # type: ignore[attr-defined]
    if not found:
        raise NotFoundError("token_not_found", "the account has no such token")


@router.post("/users/{user_id}/links", status_code=201, responses=problems(404, 429))
def add_link(user_id: RowId, session: SessionDep, actor: ActorDep) -> NewLink:
    """Make a one-time link with which the account's holder sets a new password. It is shown this once."""
    _require_user(session, user_id)
    made = security.make_key(session, user_id, "link", life=security.LINK_LIFE, created_by=actor.user_id)
    return NewLink(path=security.link_path(made), expires_at=_end_of(session, made.key_id))


@router.get("/audit", responses=problems(429))
def list_audit(
    session: SessionDep,
    after: Annotated[int, Query(ge=0, le=2**63 - 1, description="Id of the entry before")] = 0,
    limit: Limit = 200,
) -> Page[AuditEntry]:
    """List what one did oneself and, as auditor or administrator, what was done in one's areas."""
    rows = session.execute(
        text("""
            SELECT id, at, actor, community_id AS area, action, body, encode(hash, 'hex') AS hash FROM log
            WHERE stream = 'audit' AND id > :after ORDER BY id LIMIT :limit"""),
        {"after": after, "limit": limit},
    ).all()
    further = f"/api/v1/audit?after={rows[-1].id}&limit={limit}" if len(rows) == limit else None
    return Page(items=[AuditEntry.model_validate(row._mapping) for row in rows], next=further)


def _user(row: Row[Any]) -> User:
    return User.model_validate(row._mapping)


def _area(row: Row[Any]) -> Area:
    return Area(id=row.id, level=row.level, code=row.code, name=row.name)


def _grants(session: Session, user_id: int) -> list[Grant]:
    rows = session.execute(text(_GRANTS), {"user": user_id})
    return [Grant(role=row.role, area=_area(row), department=row.department) for row in rows]


def _require_user(session: Session, user_id: int) -> Row[Any]:
    row = session.execute(text(f"{_USER} WHERE id = :user"), {"user": user_id}).one_or_none()
    if row is None:
        raise NotFoundError("user_not_found", "there is no such account")
    return row


def _require_area(session: Session, division_id: int) -> Row[Any]:
    row = session.execute(
        text("SELECT id, level, code, name FROM divisions WHERE id = :area"), {"area": division_id}
    ).one_or_none()
    if row is None:
        raise NotFoundError("area_not_found", "there is no such area")
    return row


def _require_changed(rows: int) -> None:
    if not rows:
        raise NotAllowedError("not_allowed", "the account is not yours to administer")


def _end_of(session: Session, key_id: int) -> datetime:
    ends: datetime = session.execute(
        text("SELECT expires_at FROM keys WHERE id = :key"), {"key": key_id}
    ).scalar_one()
    return ends
