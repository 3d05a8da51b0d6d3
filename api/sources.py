"""The layers that a command was given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geo.layers import LayerKind


@dataclass(frozen=True)
class Sources:
    """Layers, columns named for them, the CRS of those that name none, and the column of the units' ids."""

    layers: Mapping[LayerKind, str]
    fields: Mapping[tuple[LayerKind, str], str] = field(default_factory=dict)
    crs: str | None = None
    id_column: str | None = None
