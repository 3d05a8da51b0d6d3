"""An answer by complete enumeration, sharing no code with the engine: for maps of at most 9 units."""

from __future__ import annotations

from tests.strategies import DrawnMap


def _neighbours(drawn: DrawnMap) -> list[int]:
    masks = [0] * len(drawn)
    for a, b, joins in zip(drawn.adjacency.left, drawn.adjacency.right, drawn.adjacency.joins, strict=True):
        if joins and drawn.community[a] == drawn.community[b]:
            masks[a] |= 1 << int(b)
            masks[b] |= 1 << int(a)
    return masks


def _connected(mask: int, neighbours: list[int]) -> bool:
    reached = mask & -mask
    while True:
        wider = reached
        for i, near in enumerate(neighbours):
            if reached >> i & 1:
                wider |= near & mask
        if wider == reached:
            return reached == mask
        reached = wider


def fewest_faults(drawn: DrawnMap, lower: int, upper: int) -> tuple[int, int]:
    """Households in parts out of band, then such parts, in the best of all plans.

    A part counts once for each unit above upper it holds, and at least once.
    """
    n = len(drawn)
    neighbours = _neighbours(drawn)
    households = [int(h) for h in drawn.households]
    price: dict[int, tuple[int, int]] = {}
    for mask in range(1, 1 << n):
        if _connected(mask, neighbours):
            own = [households[i] for i in range(n) if mask >> i & 1]
            total = sum(own)
            within = lower <= total <= upper
            price[mask] = (0, 0) if within else (total, max(1, sum(h > upper for h in own)))
    best: dict[int, tuple[int, int]] = {0: (0, 0)}
    for mask in range(1, 1 << n):
        lowest = mask & -mask
        rest = mask ^ lowest
        options = []
        sub = rest
        while True:
            part = sub | lowest
            if part in price:
                one, two = price[part], best[mask ^ part]
                options.append((one[0] + two[0], one[1] + two[1]))
            if sub == 0:
                break
            sub = (sub - 1) & rest
        best[mask] = min(options)
    return best[(1 << n) - 1]


def least_out(drawn: DrawnMap, core: int, lower: int, upper: int) -> int:
    """Fewest households of the units of core (bits) in parts out of band, over all plans."""
    n = len(drawn)
    neighbours = _neighbours(drawn)
    households = [int(h) for h in drawn.households]
    total = [sum(households[i] for i in range(n) if mask >> i & 1) for mask in range(1 << n)]
    legal = [m for m in range(1, 1 << n) if lower <= total[m] <= upper and _connected(m, neighbours)]
    held = {0: 0}
    for mask in legal:
        for used, covered in list(held.items()):
            if not used & mask:
                both = used | mask
                held[both] = max(held.get(both, 0), covered + total[mask & core])
    return total[core] - max(held.values())
