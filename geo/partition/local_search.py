"""Improve a plan: move single atoms, cut two neighbouring parts anew, cut windows round parts out of band.

All costs are whole centimetres, so a plan does not depend on the machine. A move is accepted by the
Metropolis rule with a whole-number table of waiting times; every part stays contiguous at every step.

References
----------
Openshaw, S. (1977). A geographical solution to scale and aggregation problems in region-building.
Transactions of the Institute of British Geographers 2(4).
DeFord, D., Duchin, M., Solomon, J. (2021). Recombination: a family of Markov chains for redistricting.
Harvard Data Science Review 3(1).
"""

from __future__ import annotations

from typing import Any

from geo.kernels import inlined, kernel
from geo.partition.chance import draw
from geo.partition.tree_cut import cut_tree, grow_tree, weigh_cuts

# Pairs of parts with more atoms than this are cut anew less often, so that a move takes bounded time.
WIDE_PAIR = 200


@inlined
def part_cost(households: int, price: Any) -> Any:
    """Cost of a part by its households alone; price: lower, upper, target, household, part, square, split.

    The target is doubled and the square quartered, so that the middle of any band is a whole number.
    """
    if households < price[0]:
        return price[4] + price[3] * (price[0] - households)
    if households > price[1]:
        return price[4] + price[3] * (households - price[1])
    off = 2 * households - price[2]
    return price[5] * off * off // 4


@inlined
def stays_whole(
    atom: int,
    part: int,
    label: Any,
    indptr: Any,
    neighbour: Any,
    joins: Any,
    seen: Any,
    stack: Any,
    mark: int,
) -> Any:
    """Whether the part stays contiguous without the atom. Uses the marks mark and mark + 1 in seen."""
    targets = 0
    first = -1
    for edge in range(indptr[atom], indptr[atom + 1]):
        other = neighbour[edge]
        if joins[edge] and label[other] == part:
            targets += 1
            first = other
            seen[other] = mark
    if targets <= 1:
        return True
    seen[atom] = mark + 1
    seen[first] = mark + 1
    stack[0] = first
    height = 1
    targets -= 1
    while height > 0:
        height -= 1
        here = stack[height]
        for edge in range(indptr[here], indptr[here + 1]):
            other = neighbour[edge]
            if joins[edge] and label[other] == part and seen[other] != mark + 1:
                if seen[other] == mark:
                    targets -= 1
                    if targets == 0:
                        return True
                seen[other] = mark + 1
                stack[height] = other
                height += 1
    return False


@inlined
def cut_pair(
    grown: int,
    order: Any,
    parent: Any,
    place: Any,
    weight: Any,
    compound: Any,
    cut_cost: Any,
    below: Any,
    split: Any,
    held: Any,
    kinds: Any,
    n_kinds: int,
    price: Any,
) -> Any:
    """Return the place of the subtree whose cutting off costs least, 0 for no cut; its cost in held[0]."""
    total = 0
    for i in range(grown):
        total += weight[order[i]]
        below[i] = weight[order[i]]
        split[i] = 0
    for i in range(grown - 1, 0, -1):
        below[place[parent[order[i]]]] += below[i]
    for k in range(n_kinds):
        for i in range(grown):
            held[i] = 1 if compound[order[i]] == kinds[k] else 0
        for i in range(grown - 1, 0, -1):
            held[place[parent[order[i]]]] += held[i]
        for i in range(1, grown):
            if 0 < held[i] < held[0]:
                split[i] += 1
    at = 0
    least = part_cost(total, price)
    for i in range(1, grown):
        cost = (
            part_cost(below[i], price)
            + part_cost(total - below[i], price)
            + cut_cost[i]
            + price[6] * split[i]
        )
        if cost < least:
            least = cost
            at = i
    held[0] = least
    return at


@kernel
def anneal(
    n: int,
    n_compounds: int,
    indptr: Any,
    neighbour: Any,
    origin: Any,
    gain: Any,
    joins: Any,
    rank: Any,
    weight: Any,
    compound: Any,
    price: Any,
    waiting: Any,
    heat: Any,
    moves: int,
    recut_every: int,
    label: Any,
    total: Any,
    size: Any,
    presence: Any,
    best_label: Any,
    zone: Any,
    place: Any,
    order: Any,
    parent: Any,
    frontier: Any,
    cut_cost: Any,
    below: Any,
    split: Any,
    held: Any,
    kinds: Any,
    kind_seen: Any,
    stack: Any,
    chance: Any,
) -> Any:
    """Anneal the labels through the stages of heat; put the best labels into best_label, return the gain.

    Of `moves` moves a stage each `recut_every`-th cuts two neighbouring parts anew on a random tree, the
    others move one atom over a border.
    """
    stamp = 1
    now = 0
    best = 0
    for i in range(n):
        zone[i] = 0
        best_label[i] = label[i]
    for stage in range(len(heat)):
        for move in range(moves):
            atom = draw(chance, n)
            first = indptr[atom]
            degree = indptr[atom + 1] - first
            if degree == 0:
                continue
            edge = first + draw(chance, degree)
            source = label[atom]
            goal = label[neighbour[edge]]
            if source == goal or not joins[edge]:
                continue
            if move % recut_every != 0:
                own = weight[atom]
                change = part_cost(total[goal] + own, price) - part_cost(total[goal], price)
                change -= part_cost(total[source], price)
                if size[source] > 1:
                    change += part_cost(total[source] - own, price)
                for follow in range(first, first + degree):
                    other = label[neighbour[follow]]
                    if other == source:
                        change += gain[follow]
                    elif other == goal:
                        change -= gain[follow]
                kind = compound[atom]
                if kind >= 0:
                    if presence[goal * n_compounds + kind] == 0:
                        change += price[6]
                    if presence[source * n_compounds + kind] == 1:
                        change -= price[6]
                if change > 0 and change * 1024 > heat[stage] * waiting[draw(chance, 1024)]:
                    continue
                stamp += 2
                if not stays_whole(atom, source, label, indptr, neighbour, joins, zone, stack, stamp):
                    continue
                label[atom] = goal
                total[source] -= own
                total[goal] += own
                size[source] -= 1
                size[goal] += 1
                if kind >= 0:
                    presence[source * n_compounds + kind] -= 1
                    presence[goal * n_compounds + kind] += 1
                now += change
                continue
            if draw(chance, size[source] + size[goal]) >= WIDE_PAIR:
                continue
            stamp += 2
            height = 1
            stack[0] = atom
            zone[atom] = stamp
            grown = 0
            cut_now = 0
            n_kinds = 0
            while height > 0:
                height -= 1
                here = stack[height]
                grown += 1
                kind = compound[here]
                if kind >= 0 and kind_seen[kind] != stamp:
                    kind_seen[kind] = stamp
                    kinds[n_kinds] = kind
                    n_kinds += 1
                for follow in range(indptr[here], indptr[here + 1]):
                    other = neighbour[follow]
                    side = label[other]
                    if side not in (source, goal):
                        continue
                    if label[here] == source and side == goal:
                        cut_now += gain[follow]
                    if joins[follow] and zone[other] != stamp:
                        zone[other] = stamp
                        stack[height] = other
                        height += 1
            for k in range(n_kinds):
                kind = kinds[k]
                if presence[source * n_compounds + kind] > 0 and presence[goal * n_compounds + kind] > 0:
                    cut_now += price[6]
            cost_now = cut_now + part_cost(total[source], price) + part_cost(total[goal], price)
            grown = grow_tree(
                atom,
                zone,
                stamp,
                indptr,
                neighbour,
                origin,
                joins,
                rank,
                place,
                order,
                parent,
                frontier,
                chance,
            )
            weigh_cuts(grown, zone, stamp, indptr, neighbour, gain, place, order, parent, cut_cost)
            at = cut_pair(
                grown,
                order,
                parent,
                place,
                weight,
                compound,
                cut_cost,
                below,
                split,
                held,
                kinds,
                n_kinds,
                price,
            )
            change = held[0] - cost_now
            if change > 0 and change * 1024 > heat[stage] * waiting[draw(chance, 1024)]:
                continue
            # Part of the root keeps the label source; held marks the subtree that becomes goal.
            households = 0
            members = 0
            for k in range(n_kinds):
                presence[source * n_compounds + kinds[k]] = 0
                presence[goal * n_compounds + kinds[k]] = 0
            whole = total[source] + total[goal]
            for i in range(grown):
                here = order[i]
                inside = 0
                if i > 0 and (i == at or held[place[parent[here]]] == 1):
                    inside = 1
                held[i] = inside
                if inside == 1:
                    label[here] = goal
                    households += weight[here]
                    members += 1
                else:
                    label[here] = source
                kind = compound[here]
                if kind >= 0:
                    presence[label[here] * n_compounds + kind] += 1
            total[goal] = households
            size[goal] = members
            total[source] = whole - households
            size[source] = grown - members
            now += change
        if now < best:
            best = now
            for i in range(n):
                best_label[i] = label[i]
    return -best


@inlined
def window_members(
    centre: int,
    label: Any,
    named: Any,
    count: int,
    indptr: Any,
    neighbour: Any,
    joins: Any,
    zone: Any,
    stamp: int,
    order: Any,
) -> Any:
    """Put the atoms of the parts named[:count] into order, mark them in zone, return how many they are."""
    order[0] = centre
    zone[centre] = stamp
    size = 1
    at = 0
    while at < size:
        here = order[at]
        at += 1
        for edge in range(indptr[here], indptr[here + 1]):
            other = neighbour[edge]
            if joins[edge] and zone[other] != stamp:
                inside = False
                for k in range(count):
                    if label[other] == named[k]:
                        inside = True
                if inside:
                    zone[other] = stamp
                    order[size] = other
                    size += 1
    return size


@kernel
def recut_windows(
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
    trials: int,
    widest: int,
    warmth: int,
    waiting: Any,
    label: Any,
    best_label: Any,
    total: Any,
    free: Any,
    n_free: int,
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
    named: Any,
    faulty: Any,
    chance: Any,
) -> Any:
    """Cut windows of parts round those out of band anew on random trees; return the trials it took.

    A window is a part out of band and one to `widest` parts beside it. A cut is taken when it leaves no
    more households (then parts) out of band: with as many the fault moves on, until it finds a place where
    it can be mended. A worse one is taken by the Metropolis rule, from `warmth` households down to none.
    Ends when no part is out of band; the best plan met is in best_label. Labels in use have total >= 0,
    the others -1 and stand in free[:n_free]; atoms hold at most upper households each.
    """
    for i in range(n):
        zone[i] = 0
        best_label[i] = label[i]
    # Households out of band and faults against the plan given; the least is the best plan met.
    out = 0
    faults = 0
    least_out = 0
    least_faults = 0
    stamp = 0
    n_faulty = -1
    for trial in range(trials):
        if n_faulty < 0:
            n_faulty = 0
            for i in range(n):
                households = total[label[i]]
                if households < lower or households > upper:
                    faulty[n_faulty] = i
                    n_faulty += 1
        if n_faulty == 0:
            return trial
        centre = faulty[draw(chance, n_faulty)]
        count = 1
        named[0] = label[centre]
        wanted = 2 + draw(chance, widest)
        stamp += 1
        size = window_members(centre, label, named, count, indptr, neighbour, joins, zone, stamp, order)
        for _ in range(8 * wanted):
            if count == wanted:
                break
            atom = order[draw(chance, size)]
            degree = indptr[atom + 1] - indptr[atom]
            if degree == 0:
                continue
            edge = indptr[atom] + draw(chance, degree)
            if joins[edge] and zone[neighbour[edge]] != stamp:
                named[count] = label[neighbour[edge]]
                count += 1
                stamp += 1
                size = window_members(
                    centre, label, named, count, indptr, neighbour, joins, zone, stamp, order
                )
        out_now = 0
        faults_now = 0
        for k in range(count):
            households = total[named[k]]
            if households < lower:
                out_now += households
                faults_now += 1
            elif households > upper:
                out_now += households
                faults_now += max(1, (households - 1) // upper)
        start = order[draw(chance, size)]
        grown = grow_tree(
            start, zone, stamp, indptr, neighbour, origin, joins, rank, place, order, parent, frontier, chance
        )
        weigh_cuts(grown, zone, stamp, indptr, neighbour, gain, place, order, parent, cut_cost)
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
        if parts > count + n_free:
            continue
        for k in range(parts):
            closed[k] = 0
        for i in range(grown):
            closed[part[i]] += weight[order[i]]
        more_out = -out_now
        more_faults = -faults_now
        for k in range(parts):
            if closed[k] < lower:
                more_out += closed[k]
                more_faults += 1
        if more_out > 0 or (more_out == 0 and more_faults > 0):
            worse = more_out + lower * max(0, more_faults)
            if worse * 1024 * trials > warmth * (trials - trial) * waiting[draw(chance, 1024)]:
                continue
        n_faulty = -1
        out += more_out
        faults += more_faults
        for k in range(count):
            total[named[k]] = -1
        while count < parts:
            n_free -= 1
            named[count] = free[n_free]
            count += 1
        for k in range(parts):
            total[named[k]] = closed[k]
        for i in range(grown):
            label[order[i]] = named[part[i]]
        while count > parts:
            count -= 1
            free[n_free] = named[count]
            n_free += 1
        if out < least_out or (out == least_out and faults < least_faults):
            least_out = out
            least_faults = faults
            for i in range(n):
                best_label[i] = label[i]
    return trials
