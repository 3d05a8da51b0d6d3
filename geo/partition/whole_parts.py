"""Change the number of parts of a plan: dissolve small ones, halve large ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo.partition.region import Region


def with_count(region: Region, labels: NDArray[np.int64], n_parts: int) -> NDArray[np.int64]:
    """Return the plan with so many contiguous parts, or with as many as there are atoms.

    The smallest part joins its smallest neighbour until there are few enough; the largest that can be halved
    is cut where a tree of shortest ways divides its households most evenly until there are enough.
    """
    labels = np.unique(labels, return_inverse=True)[1].ravel().astype(np.int64)
    left, right = region.left[region.joins], region.right[region.joins]
    total = np.bincount(labels, weights=region.weight).astype(np.int64)
    alive = set(range(len(total)))
    while len(alive) > n_parts:
        part = min(alive, key=lambda p: (total[p], p))
        one, two = labels[left], labels[right]
        beside = np.union1d(two[(one == part) & (two != part)], one[(two == part) & (one != part)])
        goal = min(beside.tolist(), key=lambda p: (total[p], p))
        labels[labels == part] = goal
        total[goal] += total[part]
        alive.remove(part)
    sizes = np.bincount(labels, minlength=len(total))
    while len(alive) < min(n_parts, len(region)):
        part = max((p for p in alive if sizes[p] > 1), key=lambda p: (total[p], -p))
        half = _half(region, np.flatnonzero(labels == part))
        fresh = len(total)
        labels[half] = fresh
        households = int(region.weight[half].sum())
        total[part] -= households
        sizes[part] -= len(half)
        total, sizes = np.append(total, households), np.append(sizes, len(half))
        alive.add(fresh)
    return labels


def _half(region: Region, atoms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the branch of a tree of shortest ways through some atoms that holds most nearly half of them."""
    indptr, neighbour, joins = region.indptr, region.neighbour, region.half_joins
    inside = set(atoms.tolist())
    order, parent = [int(atoms[0])], {int(atoms[0]): -1}
    for atom in order:
        for edge in range(indptr[atom], indptr[atom + 1]):
            other = int(neighbour[edge])
            if joins[edge] and other in inside and other not in parent:
                parent[other] = atom
                order.append(other)
    weight = {atom: int(region.weight[atom]) for atom in order}
    whole = sum(weight.values())
    for atom in reversed(order[1:]):
        weight[parent[atom]] += weight[atom]
    root = min(order[1:], key=lambda atom: (abs(2 * weight[atom] - whole), atom))
    branch = {root}
    for atom in order:
        if parent[atom] in branch:
            branch.add(atom)
    return np.array(sorted(branch), np.int64)
