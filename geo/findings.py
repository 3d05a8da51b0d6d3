"""A finding: something a planner should know about one grid, unit or community, as code and values.

Its sentences are made from `maps/locale` (`finding.<code>`) when a file or page is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning", "info"]
Value: TypeAlias = (
    "str | int | float | bool | list[str] | list[int] | list[dict[str, str | int | float]] | None"
)


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes
    ----------
    code : str
        Name of the finding, the key of its sentences.
    severity : {"error", "warning", "info"}
        `error`: the plan breaks a rule (out of band, in two pieces). `warning`: something was mended
        or left out. `info`: worth knowing.
    community_id, grid_id : str or None
        What it speaks of.
    unit_ids : tuple of str
        The units concerned, in order.
    values : mapping
        What its sentence is filled with; JSON values only.
    point : (x, y) or None
        Where to fly to, in the CRS of the layers it was found in.
    """

    code: str
    severity: Severity
    community_id: str | None = None
    grid_id: str | None = None
    unit_ids: tuple[str, ...] = ()
    values: Mapping[str, Value] = field(default_factory=dict)
    point: tuple[float, float] | None = None
