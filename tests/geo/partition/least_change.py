"""The least change by complete enumeration, sharing no code with the engine: for maps of at most 8 units."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from tests.strategies import DrawnMap


def divisions(n: int) -> Iterator[list[int]]:
    """Yield every division of n units as part of each unit, parts numbered by first unit."""

    def extend(labels: list[int], parts: int) -> Iterator[list[int]]:
        if len(labels) == n:
            yield labels
            return
        for part in range(parts + 1):
            yield from extend([*labels, part], max(parts, part + 1))

    yield from extend([], 0)


def is_whole(units: list[int], drawn: DrawnMap) -> bool:
    """Whether one can walk through the units without leaving them or their community."""
    pairs = drawn.adjacency
    inside = [
        (int(a), int(b))
        for a, b, joins in zip(pairs.left, pairs.right, pairs.joins, strict=True)
        if joins and a in units and b in units
    ]
    reached = {units[0]}
    while True:
        wider = reached | {b for a, b in inside if a in reached} | {a for a, b in inside if b in reached}
        if wider == reached:
            return reached == set(units) and len({int(drawn.community[u]) for u in units}) == 1
        reached = wider


def least_moved(old: list[int], new: list[int], households: list[int]) -> int:
    """Households of units that had a part and change it, if parts continue in the best of all ways."""
    before = sorted({part for part in old if part >= 0})
    after = sorted(set(new))
    slots = before + [-2 - i for i in range(len(after))]
    had = sum(h for part, h in zip(old, households, strict=True) if part >= 0)
    kept = 0
    for chosen in permutations(slots, len(after)):
        follows = dict(zip(after, chosen, strict=True))
        kept = max(
            kept,
            sum(h for a, b, h in zip(old, new, households, strict=True) if a >= 0 and follows[b] == a),
        )
    return had - kept


def least_change(drawn: DrawnMap, old: list[int], lower: int, upper: int) -> tuple[int, int, int]:
    """Fewest households, then parts, out of band, and fewest moved households of all ways to get there."""
    households = [int(h) for h in drawn.households]
    best: tuple[int, int, int] | None = None
    wholes: dict[tuple[int, ...], bool] = {}
    for labels in divisions(len(drawn)):
        parts: dict[int, list[int]] = {}
        for unit, part in enumerate(labels):
            parts.setdefault(part, []).append(unit)
        out = faults = 0
        for units in parts.values():
            total = sum(households[u] for u in units)
            if not lower <= total <= upper:
                out += total
                faults += 1
        if best is not None and (out, faults) > best[:2]:
            continue
        for units in parts.values():
            key = tuple(units)
            if key not in wholes:
                wholes[key] = is_whole(units, drawn)
        if not all(wholes[tuple(units)] for units in parts.values()):
            continue
        change = (out, faults, least_moved(old, labels, households))
        best = change if best is None else min(best, change)
    assert best is not None
    return best
