"""Palettes and class breaks that survive greyscale printing and colour blindness.

The four states of a grid differ in lightness (L* of too small, fits, too large, exempt: 75, 92, 67, 86), in
hue along violet and orange, a pair every common colour blindness leaves apart and no water is drawn in, and
in hatching, so that none rests on colour alone. Dark text has a contrast of at least 4.5 on each of them.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

Status: TypeAlias = Literal["too_small", "ok", "too_large", "exempt"]

STATUS: dict[Status, dict[str, str]] = {
    "too_small": {"fill": "#c2b2e4", "hatch": "rising", "hatch_ink": "rgba(62,32,120,0.5)"},
    "ok": {"fill": "#e3ead6", "hatch": "none", "hatch_ink": ""},
    "too_large": {"fill": "#e88b55", "hatch": "crossed", "hatch_ink": "rgba(110,36,0,0.32)"},
    "exempt": {"fill": "#d6d6d2", "hatch": "dots", "hatch_ink": "rgba(50,50,50,0.6)"},
}

# A grid whose households fit, but that is in pieces: L* 88, and no other state is hatched this way.
PIECES = {"fill": "#f1dd8c", "hatch": "falling", "hatch_ink": "rgba(96,62,0,0.6)"}

# Ground that lies in two grids, drawn over the states: what is there shows through.
OVERLAP = {"fill": "rgba(176,0,32,0.20)", "hatch": "falling", "hatch_ink": "rgba(176,0,32,0.85)"}

# Ground by walking time, near to far: dark to light green; beyond the last limit orange and hatched, so that
# it is told apart without colour too. L* 52, 71, 87 and 76.
WALKS = (
    {"fill": "#4f8f63", "hatch": "none", "hatch_ink": ""},
    {"fill": "#8fbf9a", "hatch": "none", "hatch_ink": ""},
    {"fill": "#cfe3d0", "hatch": "none", "hatch_ink": ""},
)
BEYOND = {"fill": "#f0b48a", "hatch": "crossed", "hatch_ink": "rgba(110,36,0,0.32)"}

# Greys from white to slate: they say "how many" and leave hue to the states.
UNIT_SHADES = ("#ffffff", "#d9dde2", "#b3bac4", "#8a94a2", "#616d7e")

# Okabe, M., Ito, K. (2008). Color Universal Design; darkened where white signs stand on them.
KINDS = ("#b8470a", "#0b6fa4", "#00795a", "#a34b7f", "#7a5c00", "#4b4f9e", "#5b6470", "#8c2d2d")

# Width on the ground and rank of the road groups of geo/road_classes.toml.
ROADS: dict[str, dict[str, float]] = {
    "major": {"rank": 4, "width_m": 22.0},
    "secondary": {"rank": 3, "width_m": 14.0},
    "minor": {"rank": 2, "width_m": 8.0},
    "path": {"rank": 1, "width_m": 3.0},
}

INK = {
    "land": "#eceeef",
    "water": "#b9d9ec",
    "water_line": "#7fb0cf",
    "water_text": "#1b4f76",
    "road": "#ffffff",
    "road_edge": "#b4b9bf",
    "road_text": "#424a55",
    "border": "#4a5360",
    "community": "#4a2a6b",
    "compound": "#8a7a5e",
    "compound_text": "#5a4a2c",
    "barrier": "#3b3f46",
    "gate": "#2f6b3a",
    "unit_edge": "#4d5764",
    "text": "#141a22",
    "halo": "#ffffff",
    "station": "#b3171b",
    "station_shut": "#666d77",
    "cluster": "#2b3644",
    "select": "#0a58ca",
    "change": "#c2006b",
    "fault": "#b00020",
    # Linked households: many lines, so quiet ones; places a shade under them.
    "link": "#6c7786",
    "place": "#2c4a68",
}


def unit_classes(households: ArrayLike) -> list[dict[str, int | str | None]]:
    """Return the shades of units by households: none, then four classes of round upper ends.

    Parameters
    ----------
    households : (n,) whole numbers

    Returns
    -------
    list
        `up_to` (the last one None) and `fill`, ascending.
    """
    counts = np.asarray(households, dtype=np.int64)
    counts = counts[counts > 0]
    quartiles = np.quantile(counts, [0.25, 0.5, 0.75]) if len(counts) else np.zeros(0)
    ends = [0]
    for end in (_rounded(float(quartile)) for quartile in quartiles):
        if end > ends[-1] and end < counts.max():
            ends.append(end)
    shades = [UNIT_SHADES[0], *UNIT_SHADES[-len(ends) :]]
    return [{"up_to": end, "fill": fill} for end, fill in zip([*ends, None], shades, strict=True)]


def _rounded(number: float) -> int:
    """Return a whole number near, to fives from ten on, to tens from forty on."""
    step = 1 if number < 10 else 5 if number < 40 else 10
    return max(1, round(number / step) * step)


@cache
def road_styles() -> dict[str, dict[str, float]]:
    """Return width and rank of each road class; under "" those of a class that is not listed."""
    source = resources.files("geo") / "road_classes.toml"
    groups: dict[str, list[str]] = tomllib.loads(source.read_text(encoding="utf-8"))
    styles = {name: ROADS[group] for group, names in groups.items() for name in names}
    return {"": ROADS["minor"], **styles}


def page_styles(households: ArrayLike) -> dict[str, Any]:
    """Return everything the page draws with."""
    return {
        "status": STATUS,
        "pieces": PIECES,
        "overlap": OVERLAP,
        "units": unit_classes(households),
        "walks": list(WALKS),
        "beyond": BEYOND,
        "kinds": list(KINDS),
        "roads": road_styles(),
        "ink": INK,
    }
