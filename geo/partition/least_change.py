"""The least change of a window of few units, exactly: each connected set as each part it could continue."""

from __future__ import annotations

import numpy as np

from geo.partition.subsets import cheapest_division
from geo.partition.transfers import Transfers
from geo.partition.window import Found, units_of

# Units and parts together; each doubles the time, so many take some tenths of a second at most.
MOST_UNITS = 9
MOST_ATOMS = 15

_PIECE = 1 << 20
_METRES = 1e6


def least_change(search: Transfers) -> Found | None:
    """Return the best assignment of a window there is; None where it has too many units or none is possible.

    A set of units may continue one part, which then counts as held, or be new; a part that nothing
    continues is held by itself at no price. So no two sets continue the same part.
    """
    window = search.window
    n = len(window.households)
    slots = [slot for slot, mask in enumerate(window.masks) if mask]
    if n > MOST_UNITS or n + len(slots) > MOST_ATOMS:
        return None
    plain = _best(search, slots, compounds=False)
    if plain is None or not plain.change.compounds:
        return plain
    whole = _best(search, slots, compounds=True)
    return plain if whole is None or plain.change < whole.change else whole


def _best(search: Transfers, slots: list[int], *, compounds: bool) -> Found | None:
    """Return the assignment of least faults, compounds in parts (if asked), moved, borders."""
    window = search.window
    n = len(window.households)
    rows: list[tuple[int, int]] = []
    price: list[int] = []
    cost: list[float] = []
    home_of_held = {
        unit: slot for slot, mask in enumerate(window.masks) for unit in units_of(mask & window.held)
    }
    for mask in range(1, 1 << n):
        if len(search.sets.pieces(mask)) > 1:
            continue
        fault = search.sets.avoidable(mask) * _PIECE
        if compounds:
            fault += sum(1 for units in search.kinds.values() if units & mask)
        border = sum(
            gain
            for unit in units_of(mask)
            for other, gain in window.borders[unit].items()
            if not mask >> other & 1
        )
        must = {home_of_held[unit] for unit in units_of(mask & window.held)}
        had = sum(window.households[unit] for unit in units_of(mask) if window.origin[unit] != -1)
        choices = sorted(must) if len(must) == 1 else [slot for slot in slots if window.home[slot] & mask]
        if len(must) > 1:
            continue
        for slot in choices:
            rows.append((mask | 1 << n + slots.index(slot), slot))
            price.append(fault)
            cost.append((had - search.sets.total(mask & window.home[slot])) * _METRES + border / 200)
        if not must:
            rows.append((mask, -1))
            price.append(fault)
            cost.append(had * _METRES + border / 200)
    for at, slot in enumerate(slots):
        rows.append((1 << n + at, slot))
        price.append(0)
        cost.append(0.0)
    bits = np.array([mask for mask, _ in rows], np.int64)
    member = (bits[:, None] >> np.arange(n + len(slots))) & 1 == 1
    chosen = cheapest_division(member, np.array(price, np.int64), np.array(cost))
    if chosen is None:
        return None
    everything = (1 << n) - 1
    masks = [0] * len(slots)
    extra: list[int] = []
    for row in chosen.tolist():
        mask, slot = rows[row][0] & everything, rows[row][1]
        if mask and slot >= 0:
            masks[slots.index(slot)] = mask
        elif mask:
            extra.append(mask)
    placed = [0] * len(window.masks)
    for slot, mask in zip(slots, masks, strict=True):
        placed[slot] = mask
    spare = [slot for slot in range(len(placed)) if slot not in slots]
    for mask in extra:
        if spare:
            placed[spare.pop(0)] = mask
        else:
            placed.append(mask)
    return Found(tuple(placed), search.judged(tuple(placed)), 0, True)
