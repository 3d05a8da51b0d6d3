"""Grid codes: the community's code and a serial number in reading order."""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

# A code is 12 digits of community and 3 of serial, as practice has it (15 digits in all).
SERIAL_DIGITS = 3
# More digits after the community's code are not a serial but a number of another kind.
MOST_SERIAL_DIGITS = 6


def grid_codes(
    community_ids: NDArray[np.object_],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    area_m2: NDArray[np.float64],
    *,
    used: Collection[str] = (),
) -> NDArray[np.object_]:
    """Number the grids of each community as one reads a page, and put the community's code before.

    A community's grids stand in rows counted from the northernmost middle of a grid, each row as high as the
    square root of the mean area of its grids; within a row they go from west to east, at equal x
    from north to south, at one point the larger first. The serial has three digits; in a community
    of more than 999 grids, as many as its last grid needs.

    Parameters
    ----------
    community_ids : (n,) object
        Code of the community of each grid (12 digits where there is one, else its id), as text.
    x, y : (n,) float64
        The middle (centroid) of each grid, in metres, y to the north.
    area_m2 : (n,) float64
        Area of each grid.
    used : collection of str
        Codes given before, also of grids that ended: none is given again, and the serials of a community
        go on after its highest.

    Returns
    -------
    (n,) object
        The codes, aligned to the input.
    """
    codes = np.empty(len(community_ids), dtype=object)
    positions_of: dict[str, list[int]] = {}
    for position, community_id in enumerate(community_ids):
        positions_of.setdefault(community_id, []).append(position)
    highest = _highest_serials(used, positions_of.keys())
    for community_id, positions in positions_of.items():
        at = np.array(positions)
        row_height_m = math.sqrt(area_m2[at].mean())
        # A community of grids without area has no rows: each latitude is its own.
        depth_m = y[at].max() - y[at]
        row = np.floor(depth_m / row_height_m) if row_height_m > 0 else depth_m
        order = np.lexsort((-area_m2[at], -y[at], x[at], row))
        last = highest.get(community_id, 0)
        digits = max(SERIAL_DIGITS, len(str(last + len(at))))
        for serial, position in enumerate(at[order], start=last + 1):
            codes[position] = f"{community_id}{serial:0{digits}d}"
    return codes


def _highest_serials(used: Collection[str], community_ids: Collection[str]) -> dict[str, int]:
    """Return the highest serial among the codes used in each community."""
    highest: dict[str, int] = {}
    for code in used:
        for digits in range(SERIAL_DIGITS, MOST_SERIAL_DIGITS + 1):
            community_id, serial = code[:-digits], code[-digits:]
            if community_id in community_ids and serial.isascii() and serial.isdigit():
                highest[community_id] = max(highest.get(community_id, 0), int(serial))
    return highest
