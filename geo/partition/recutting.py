"""Mend what is out of band: cut windows of parts round it anew, on random trees, until nothing is."""

from __future__ import annotations

from typing import Any

from geo.kernels import inlined, kernel
from geo.partition.chance import draw
from geo.partition.tree_cut import cut_tree, grow_tree, weigh_cuts


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
        weigh_cuts(grown, zone, stamp, indptr, neighbour, gain, place, order, parent, closed, cut_cost)
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
