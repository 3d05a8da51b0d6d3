"""The register of fields: of each column that is kept of cases what for, on what basis, and how long."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources

# A place is one thing that is asked, and two numbers in the log.
_IN_LOG = {"geom": "lon"}


@dataclass(frozen=True)
class RegisteredField:
    """One column.

    Attributes
    ----------
    table, column : str
    purpose, basis, kept : str
    review_by : date
        Until then somebody looks again whether it is needed; later the tests fail.
    asked : bool
        Whoever reports is asked for it.
    """

    table: str
    column: str
    purpose: str
    basis: str
    kept: str
    review_by: date
    asked: bool


@dataclass(frozen=True)
class Register:
    """Every registered field."""

    fields: tuple[RegisteredField, ...]

    @property
    def asked(self) -> tuple[str, ...]:
        """Names of what whoever reports is asked for, as the log of a case has them."""
        return tuple(_IN_LOG.get(one.column, one.column) for one in self.fields if one.asked)


@cache
def field_register() -> Register:
    """Return the register that the product ships."""
    source = resources.files("api.cases") / "data" / "fields.toml"
    said = tomllib.loads(source.read_text(encoding="utf-8"))
    return Register(
        tuple(
            RegisteredField(
                group["table"], column, group["purpose"], group.get("basis", said["basis"]),
                group.get("kept", said["kept"]), group.get("review_by", said["review_by"]),
                group.get("asked", False),
            )
            for group in said["fields"]
            for column in group["columns"]
        )
    )  # fmt: skip
