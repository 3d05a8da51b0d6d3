"""Small maps for tests, drawn as text."""

from __future__ import annotations

import numpy as np

from geo.adjacency import Adjacency, Crossing
from geo.floors import FloorBand

SIDE_M = 10.0


def draw_adjacency(drawing: str) -> Adjacency:
    """Relate the units of a drawing: words are units, equal words beside each other one unit.

    Words stand in rows and columns; `.` and `~` (water) are no unit. Each shared side is 10 m long.

    >>> sorted(draw_adjacency("A A B / C D B").pairs())
    [('A', 'B'), ('A', 'C'), ('A', 'D'), ('B', 'D'), ('C', 'D')]
    """
    rows = [line.split() for line in drawing.replace("/", "\n").splitlines() if line.split()]
    names = sorted({word for row in rows for word in row} - {".", "~"})
    position = {name: i for i, name in enumerate(names)}
    sides: dict[tuple[int, int], int] = {}
    for r, row in enumerate(rows):
        for c, word in enumerate(row):
            beside = [row[c + 1]] if c + 1 < len(row) else []
            beside += [rows[r + 1][c]] if r + 1 < len(rows) and c < len(rows[r + 1]) else []
            for other in beside:
                if word in position and other in position and word != other:
                    a, b = sorted((position[word], position[other]))
                    sides[a, b] = sides.get((a, b), 0) + 1
    return related(names, [(a, b, SIDE_M * count) for (a, b), count in sides.items()])


def related(
    names: list[str],
    pairs: list[tuple[int, int, float]],
    *,
    crossings: dict[tuple[int, int], Crossing] | None = None,
    apart: set[tuple[int, int]] | None = None,
) -> Adjacency:
    """Build an adjacency from pairs (position, position, metres); those in `apart` do not join."""
    pairs = sorted(pairs)
    crossings, apart = crossings or {}, apart or set()
    return Adjacency(
        np.array(names, object),
        np.array([a for a, _, _ in pairs], np.int64),
        np.array([b for _, b, _ in pairs], np.int64),
        np.array([m for _, _, m in pairs], np.float64),
        np.array([crossings.get((a, b), 0) for a, b, _ in pairs], np.uint8),
        np.array([(a, b) not in apart for a, b, _ in pairs], np.bool_),
    )


def lattice(rows: int, columns: int) -> Adjacency:
    """Relate rows x columns square units, named in reading order `u000`, `u001`, ..."""
    at = [(r, c) for r in range(rows) for c in range(columns)]
    pairs = [(r * columns + c, r * columns + c + 1, SIDE_M) for r, c in at if c + 1 < columns]
    pairs += [(r * columns + c, (r + 1) * columns + c, SIDE_M) for r, c in at if r + 1 < rows]
    return related([f"u{i:03}" for i in range(rows * columns)], pairs)


def even_bands(floors: int, households: int, count: int) -> list[FloorBand]:
    """Divide floors 1 to `floors` into bands of as equal height as can be, households evenly by floor.

    Raises
    ------
    ValueError
        There are fewer floors than bands.
    """
    if not 1 <= count <= floors:
        raise ValueError("a band has at least one floor")
    tops = [round(floors * (band + 1) / count) for band in range(count)]
    counted = [round(households * top / floors) for top in tops]
    return [
        FloorBand(low + 1, top, total - before)
        for low, top, before, total in zip([0, *tops], tops, [0, *counted], counted, strict=False)
    ]
