"""What `weige user` does: accounts, kept by whoever runs the machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import get_args

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from api import security
from api.console import Terminal
from api.database import store_of
from api.routes.people import Role
from api.settings import Settings
from geo.errors import InputError
from maps.text import text as words

ROLES: tuple[str, ...] = get_args(Role)


@contextmanager
def _books(settings: Settings) -> Iterator[Connection]:
    """Open one transaction on the store, as the service itself.

    Raises
    ------
    InputError
        The database holds no store yet.
    """
    with store_of(settings) as store:
        try:
            with store.owner.begin() as owner:
                yield owner
        except ProgrammingError as error:
            if getattr(error.orig, "sqlstate", "") != "42P01":
                raise
            raise InputError(
                "store_not_migrated", "the database holds no store of weige yet",
                mend="start weige serve once, or run weige db upgrade",
            ) from error  # fmt: skip


def add_user(terminal: Terminal, settings: Settings, name: str) -> None:
    """Add an account, and print the one-time link that sets its password."""
    with _books(settings) as owner:
        try:
            user_id = owner.execute(
                text("INSERT INTO users (name) VALUES (:name) RETURNING id"), {"name": name}
            ).scalar_one()
        except IntegrityError as error:
            taken = getattr(error.orig, "sqlstate", "") == "23505"
            raise InputError(
                "user_taken" if taken else "user_name_not_valid",
                f"there is an account {name} already" if taken else f"{name} is not the name of an account",
                mend="choose another name" if taken else "take 1 to 64 characters without spaces",
                account=name,
            ) from error
        link = _link(owner, settings, user_id)
    told = words("cli.user.added", terminal.language, name=name)
    terminal.result(
        [told, _told_link(terminal, settings, link)],
        {"id": user_id, "name": name, "link": link},
    )  # fmt: skip


def make_link(terminal: Terminal, settings: Settings, name: str) -> None:
    """Print a new one-time link that sets the password of an account."""
    with _books(settings) as owner:
        link = _link(owner, settings, _user(owner, name))
    terminal.result([_told_link(terminal, settings, link)], {"name": name, "link": link})


def disable_user(
    terminal: Terminal, settings: Settings, name: str, *, enable: bool, force: bool = False
) -> None:
    """Disable an account, which ends all its keys, or enable it again.

    Raises
    ------
    InputError
        Nobody would administer everything any more, and `force` is not given.
    """
    with _books(settings) as owner, _leaving_an_admin(owner, name, force=force):
        owner.execute(
            text("UPDATE users SET disabled_at = CASE WHEN NOT :enable THEN coalesce(disabled_at, now()) END"
                 " WHERE id = :user"),
            {"user": _user(owner, name), "enable": enable},
        )  # fmt: skip
    told = words(f"cli.user.{'enabled' if enable else 'disabled'}", terminal.language, name=name)
    terminal.result([told], {"name": name, "disabled": not enable})


def grant_role(
    terminal: Terminal, settings: Settings, name: str, role: str, area: str, *, department: str, remove: bool,
    force: bool = False,
) -> None:  # fmt: skip
    """Give an account a role in an area, or take it away.

    Parameters
    ----------
    area : str
        Code of a division; `all` for everything.
    """
    if role not in ROLES:
        raise InputError(
            "role_unknown", f"there is no role {role}", mend=f"take one of {', '.join(ROLES)}",
            role=role, roles=", ".join(ROLES),
        )  # fmt: skip
    if (role == "handler") != bool(department):
        raise InputError(
            "department_of_handler", "a handler, and only a handler, acts for a department",
            mend="name it with --department, or leave that out",
        )  # fmt: skip
    with _books(settings) as owner, _leaving_an_admin(owner, name, force=force):
        user = _user(owner, name)
        division = owner.execute(
            text("SELECT id FROM divisions WHERE code = :code"), {"code": area}
        ).scalar_one_or_none()
        if division is None:
            raise InputError(
                "area_unknown", f"there is no area of the code {area}",
                mend="take the code of a division, or all for everything", area=area,
            )  # fmt: skip
        same = {"user": user, "role": role, "area": division, "department": department}
        owner.execute(
            text("DELETE FROM grants WHERE user_id = :user AND role = :role AND division_id = :area"
                 " AND department = :department" if remove else
                 "INSERT INTO grants (user_id, role, division_id, department)"
                 " VALUES (:user, :role, :area, :department) ON CONFLICT DO NOTHING"),
            same,
        )  # fmt: skip
    key = "cli.user.removed" if remove else "cli.user.granted"
    told = words(key, terminal.language, name=name, role=role, area=area)
    terminal.result([told], {"name": name, "role": role, "area": area, "held": not remove})


def make_token(terminal: Terminal, settings: Settings, name: str, *, label: str, days: int) -> None:
    """Make a token for a machine that acts as an account, and print it this once."""
    with _books(settings) as owner:
        made = security.make_key(
            owner, _user(owner, name), "token", life=timedelta(days=days), created_by=None, label=label
        )
    terminal.result([made.key], {"name": name, "token": made.key, "days": days})


@contextmanager
def _leaving_an_admin(owner: Connection, name: str, *, force: bool) -> Iterator[None]:
    """Refuse what is done in the block where it leaves nobody who administers everything."""
    before = _admins(owner)
    yield
    if before and not _admins(owner) and not force:
        raise InputError(
            "last_admin",
            f"{name} is the last administrator of everything",
            mend="make another one first, or give --force",
            account=name,
        )


def _admins(owner: Connection) -> int:
    found: int = owner.execute(
        text("SELECT count(DISTINCT u.id) FROM grants g JOIN users u ON u.id = g.user_id"
             " JOIN divisions d ON d.id = g.division_id"
             " WHERE g.role = 'admin' AND d.parent_id IS NULL AND u.disabled_at IS NULL")
    ).scalar_one()  # fmt: skip
    return found


def _told_link(terminal: Terminal, settings: Settings, link: str) -> str:
    key = "cli.user.link" if settings.public_url else "cli.user.link_path"
    return words(key, terminal.language, link=link)


def _user(owner: Connection, name: str) -> int:
    user_id: int | None = owner.execute(
        text("SELECT id FROM users WHERE name = :name"), {"name": name}
    ).scalar_one_or_none()
    if user_id is None:
        raise InputError(
            "user_unknown",
            f"there is no account {name}",
            mend="add it with weige user add",
            account=name,
        )
    return user_id


def _link(owner: Connection, settings: Settings, user_id: int) -> str:
    made = security.make_key(owner, user_id, "link", life=security.LINK_LIFE, created_by=None)
    return (settings.public_url or "").rstrip("/") + security.link_path(made)
