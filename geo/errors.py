"""Every error `geo` raises.

An error knows its place (file, layer, field, feature) and its code, so that the command line can say
it in the reader's language from `maps/locale` while `str(error)` stays one plain English line.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any


class GeoError(Exception):
    """Base of every error of this package."""


class InputError(GeoError, ValueError):
    """A layer that cannot be used, and what would mend it.

    Parameters
    ----------
    code : str
        Name of the fault, for example `duplicate_id`; its sentence in each language stands in
        `maps/locale` under `error.<code>` and is filled from `values`.
    message : str
        The same fault in one English line, without file, layer, field or feature.
    mend : str, optional
        What would mend it, in English.
    file, layer, field, feature : str, optional
        Where it was found; the first feature where there are several.
    values : named values
        What the sentence of `code` is filled with (plain str, int or float).
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        mend: str = "",
        file: str | None = None,
        layer: str | None = None,
        field: str | None = None,
        feature: str | None = None,
        **values: str | int | float,
    ) -> None:
        self.code = code
        self.message = message
        self.mend = mend
        self.file = file
        self.layer = layer
        self.field = field
        self.feature = feature
        self.values: Mapping[str, str | int | float] = MappingProxyType(dict(values))
        super().__init__(code, message)

    def __reduce__(self) -> tuple[Any, ...]:
        """Tell another process the same: a worker raises what its caller shows."""
        where = {"mend": self.mend, "file": self.file, "layer": self.layer, "field": self.field}
        return _made_again, (
            type(self),
            self.code,
            self.message,
            {**where, "feature": self.feature, **self.values},
        )

    def __str__(self) -> str:
        named = [("", self.file), ("layer ", self.layer), ("field ", self.field), ("feature ", self.feature)]
        place = ", ".join(f"{word}{value}" for word, value in named if value)
        text = f"{place}: {self.message}" if place else self.message
        return f"{text}; {self.mend}" if self.mend else text


class CrsError(InputError):
    """A coordinate reference system is missing, wrong, or not in metres where metres are meant."""


class CoverageError(InputError):
    """Polygons that should match edge to edge overlap or leave gaps."""


def _made_again(kind: type[InputError], code: str, message: str, named: dict[str, Any]) -> InputError:
    return kind(code, message, **named)
