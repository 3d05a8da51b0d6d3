"""People of the tests: accounts with areas and tokens, put into the books of the service directly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from api.database import Store
from api.dependencies import key_hash


@dataclass(frozen=True)
class Person:
    """Somebody with a token."""

    user_id: int
    token: str
    grants: dict[str, list[str]]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def add_division(store: Store, code: str, level: str, parent: str = "all") -> int:
    return int(_one(store, """
        INSERT INTO divisions (parent_id, level, code, name)
        SELECT id, :level, :code, :code FROM divisions WHERE code = :parent RETURNING id
    """, level=level, code=code, parent=parent).id)  # fmt: skip


def path_of(store: Store, code: str) -> str:
    return str(_one(store, "SELECT path::text AS path FROM divisions WHERE code = :code", code=code).path)


def add_person(store: Store, name: str, **areas: str) -> Person:
    """Add an account with roles over divisions, named by code: `add_person(store, "li", planner="c1")`."""
    user = int(_one(store, "INSERT INTO users (name) VALUES (:name) RETURNING id", name=name).id)
    for role, code in areas.items():
        _one(store, """
            INSERT INTO grants (user_id, role, division_id, department)
            SELECT :user, :role, id, CASE WHEN :role = 'handler' THEN 'water' ELSE '' END
            FROM divisions WHERE code = :code RETURNING user_id
            """, user=user, role=role, code=code)  # fmt: skip
    token = f"token-of-{name}"
    _one(store, """
        INSERT INTO keys (token_sha256, user_id, kind, expires_at)
        VALUES (:key, :user, 'token', now() + interval '1 day') RETURNING user_id
    """, key=key_hash(token), user=user)  # fmt: skip
    grants = _one(store, "SELECT grants_of(:user) AS grants", user=user).grants
    return Person(user, token, grants)


def revoke(store: Store, person: Person) -> None:
    _one(store, "UPDATE keys SET revoked_at = now() WHERE token_sha256 = :key RETURNING user_id",
         key=key_hash(person.token))  # fmt: skip


def _one(store: Store, statement: str, **values: Any) -> Any:
    with store.owner.begin() as connection:
        return connection.execute(text(statement), values).one()
