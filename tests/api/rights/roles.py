"""Who may do what, in words of the field: the groups of roles that the rules of tables and routes name."""

from __future__ import annotations

from typing import get_args

from api.routes.people import Role

ROLES: tuple[str, ...] = get_args(Role)
# A reporter hands in cases and reads nothing.
READERS = frozenset(ROLES) - {"reporter"}
PLANNERS = frozenset({"planner", "admin"})
ADMINS = frozenset({"admin"})
DISPATCHERS = frozenset({"dispatcher", "admin"})
OVERSEERS = frozenset({"admin", "auditor"})
EVERYBODY = frozenset(ROLES)
NOBODY: frozenset[str] = frozenset()
