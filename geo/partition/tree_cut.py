"""Cut random spanning trees into parts within the band, exactly, by residual weights.

Deciding whether a graph can be cut into connected parts of l to u households is NP-hard; on a tree it is
a knapsack from the leaves up: for each subtree, which households may be left for the part that goes on
upwards. With subtrees bounded by u that takes about `households x u` steps for one tree. Where no legal
cut exists on a tree, the one with the fewest households (then parts) below the lower bound is found.

References
----------
Ito, T., Zhou, X., Nishizeki, T. (2006). Partitioning a graph of bounded tree-width to connected subgraphs
of almost uniform size. Journal of Discrete Algorithms 4(1).
Ito, T., Nishizeki, T., Schroder, M., Uno, T., Zhou, X. (2012). Partitioning a weighted tree into subtrees
with weights in a given range. Algorithmica 62.
DeFord, D., Duchin, M., Solomon, J. (2021). Recombination: a family of Markov chains for redistricting.
Harvard Data Science Review 3(1).
"""

from __future__ import annotations

from typing import Any

from geo.kernels import inlined, kernel
from geo.partition.chance import draw

# One key for a plan: households out of band, then parts out of band, then centimetres.
HOUSEHOLD_KEY = 1 << 40
PART_KEY = 1 << 30
NOWHERE = 1 << 62


@inlined
def grow_tree(
    start: int,
    zone: Any,
    stamp: int,
    indptr: Any,
    neighbour: Any,
    origin: Any,
    joins: Any,
    rank: Any,
    place: Any,
    order: Any,
    parent: Any,
    frontier: Any,
    chance: Any,
) -> Any:
    """Grow a random spanning tree from start over the atoms with zone == stamp; return their number.

    Of three borders drawn from the frontier the one with the lowest rank is crossed, so that compounds
    fill up before a barrier is passed. Reached atoms get zone -stamp, their place in `order` (parents
    first) in `place`, and their `parent`.
    """
    order[0] = start
    place[start] = 0
    parent[start] = -1
    zone[start] = -stamp
    grown = 1
    waiting = 0
    for edge in range(indptr[start], indptr[start + 1]):
        if joins[edge] and zone[neighbour[edge]] == stamp:
            frontier[waiting] = edge
            waiting += 1
    while waiting > 0:
        at = draw(chance, waiting)
        for _ in range(2):
            other = draw(chance, waiting)
            if rank[frontier[other]] < rank[frontier[at]]:
                at = other
        edge = frontier[at]
        waiting -= 1
        frontier[at] = frontier[waiting]
        atom = neighbour[edge]
        if zone[atom] != stamp:
            continue
        zone[atom] = -stamp
        order[grown] = atom
        place[atom] = grown
        parent[atom] = origin[edge]
        grown += 1
        for follow in range(indptr[atom], indptr[atom + 1]):
            if joins[follow] and zone[neighbour[follow]] == stamp:
                frontier[waiting] = follow
                waiting += 1
    return grown


@inlined
def weigh_cuts(
    grown: int,
    zone: Any,
    stamp: int,
    indptr: Any,
    neighbour: Any,
    gain: Any,
    place: Any,
    order: Any,
    parent: Any,
    above: Any,
    cut_cost: Any,
) -> None:
    """Put into cut_cost[i] what it costs to cut the subtree below order[i] off the rest of the tree.

    Also put the place of the parent of order[i] into above[i]. Each border counts at its two ends and twice
    negatively where their ways to the root meet, so that the sum over a subtree is the sum of the borders
    that leave it.
    """
    cut_cost[0] = 0
    for i in range(1, grown):
        cut_cost[i] = 0
        above[i] = place[parent[order[i]]]
    for i in range(1, grown):
        atom = order[i]
        for edge in range(indptr[atom], indptr[atom + 1]):
            other = neighbour[edge]
            if zone[other] == -stamp and place[other] < i:
                one, two = i, place[other]
                cut_cost[one] += gain[edge]
                cut_cost[two] += gain[edge]
                while one != two:
                    if one > two:
                        one = above[one]
                    else:
                        two = above[two]
                cut_cost[one] -= 2 * gain[edge]
    for i in range(grown - 1, 0, -1):
        cut_cost[above[i]] += cut_cost[i]


@inlined
def carve_tree(
    grown: int,
    place: Any,
    order: Any,
    parent: Any,
    weight: Any,
    lower: int,
    upper: int,
    reach: Any,
    part: Any,
) -> Any:
    """Cut the tree from the leaves up, each subtree as soon as it is in band; return the number of parts."""
    for i in range(grown):
        reach[i] = weight[order[i]]
        part[i] = 0
    parts = 1
    for i in range(grown - 1, 0, -1):
        j = place[parent[order[i]]]
        if reach[i] >= lower or reach[i] + reach[j] > upper:
            part[i] = parts
            parts += 1
        else:
            reach[j] += reach[i]
    for i in range(1, grown):
        if part[i] == 0:
            part[i] = part[place[parent[order[i]]]]
    return parts


@inlined
def cut_tree(
    grown: int,
    place: Any,
    order: Any,
    parent: Any,
    weight: Any,
    lower: int,
    upper: int,
    cut_cost: Any,
    steps: int,
    cells: int,
    best: Any,
    choice: Any,
    best_row: Any,
    choice_row: Any,
    reach: Any,
    closed: Any,
    row: Any,
    part: Any,
) -> Any:
    """Cut the tree at the least key; part[i] becomes the number of the part of order[i]; return how many.

    best[best_row[i] + r] is the least key below order[i] with r households left for the part that goes on
    upwards; choice[choice_row[i] + r] how many of the r that the parent has after taking in child i come
    from i, -1 where i was cut off. A tree that would take more than about `steps` steps or more than
    `cells` cells of either table is carved from the leaves up instead.
    """
    whole = 0
    for i in range(grown):
        closed[i] = weight[order[i]]
        whole += closed[i]
    for i in range(grown - 1, 0, -1):
        closed[place[parent[order[i]]]] += closed[i]
    needed = 0
    for i in range(grown):
        best_row[i] = needed
        needed += min(upper, closed[i]) + 1
    if whole * upper > steps or needed > cells:
        return carve_tree(grown, place, order, parent, weight, lower, upper, reach, part)
    for i in range(grown):
        own = weight[order[i]]
        reach[i] = own
        for r in range(own):
            best[best_row[i] + r] = NOWHERE
        best[best_row[i] + own] = 0
    needed = 0
    for i in range(grown - 1, -1, -1):
        mine = best_row[i]
        least = NOWHERE
        for r in range(reach[i] + 1):
            key = best[mine + r]
            if key < NOWHERE:
                if r < lower:
                    key += HOUSEHOLD_KEY * r + PART_KEY
                if key < least:
                    least = key
                    closed[i] = r
        if i == 0:
            break
        j = place[parent[order[i]]]
        theirs = best_row[j]
        least += cut_cost[i]
        together = min(upper, reach[i] + reach[j])
        if needed + together + 1 > cells:
            return carve_tree(grown, place, order, parent, weight, lower, upper, reach, part)
        choices = needed
        choice_row[i] = needed
        needed += together + 1
        for r in range(together + 1):
            row[r] = NOWHERE
        for r in range(reach[j] + 1):
            key = best[theirs + r]
            if key >= NOWHERE:
                continue
            if key + least < row[r]:
                row[r] = key + least
                choice[choices + r] = -1
            for more in range(min(reach[i], upper - r) + 1):
                joined = best[mine + more]
                if joined < NOWHERE and key + joined < row[r + more]:
                    row[r + more] = key + joined
                    choice[choices + r + more] = more
        for r in range(together + 1):
            best[theirs + r] = row[r]
        reach[j] = together
    parts = 1
    part[0] = 0
    reach[0] = closed[0]
    for i in range(1, grown):
        j = place[parent[order[i]]]
        taken = choice[choice_row[i] + reach[j]]
        if taken < 0:
            reach[i] = closed[i]
            part[i] = parts
            parts += 1
        else:
            reach[i] = taken
            reach[j] -= taken
            part[i] = part[j]
    return parts


@kernel
def cut_random_tree(
    n: int,
    indptr: Any,
    neighbour: Any,
    origin: Any,
    gain: Any,
    joins: Any,
    rank: Any,
    weight: Any,
    lower: int,
    upper: int,
    label: Any,
    zone: Any,
    place: Any,
    order: Any,
    parent: Any,
    frontier: Any,
    cut_cost: Any,
    steps: int,
    cells: int,
    best: Any,
    choice: Any,
    best_row: Any,
    choice_row: Any,
    reach: Any,
    closed: Any,
    row: Any,
    part: Any,
    chance: Any,
) -> Any:
    """Label n connected atoms by the best cut of one random spanning tree; return the number of parts."""
    for i in range(n):
        zone[i] = 1
    start = draw(chance, n)
    grown = grow_tree(
        start, zone, 1, indptr, neighbour, origin, joins, rank, place, order, parent, frontier, chance
    )
    weigh_cuts(grown, zone, 1, indptr, neighbour, gain, place, order, parent, closed, cut_cost)
    parts = cut_tree(
        grown,
        place,
        order,
        parent,
        weight,
        lower,
        upper,
        cut_cost,
        steps,
        cells,
        best,
        choice,
        best_row,
        choice_row,
        reach,
        closed,
        row,
        part,
    )
    for i in range(grown):
        label[order[i]] = part[i]
    return parts
