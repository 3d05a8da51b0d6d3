"""Anneal a plan: move atoms and shares of compounds over borders, cut a few neighbouring parts anew.

All costs are whole centimetres, so a plan does not depend on the machine. A move is accepted by the
Metropolis rule with a whole-number table of waiting times; every part stays contiguous at every step.

References
----------
Openshaw, S. (1977). A geographical solution to scale and aggregation problems in region-building.
Transactions of the Institute of British Geographers 2(4).
Kirkpatrick, S., Gelatt, C., Vecchi, M. (1983). Optimization by simulated annealing. Science 220(4598).
DeFord, D., Duchin, M., Solomon, J. (2021). Recombination: a family of Markov chains for redistricting.
Harvard Data Science Review 3(1).
"""

from __future__ import annotations

from typing import Any

from geo.kernels import inlined, kernel
from geo.partition.chance import draw
from geo.partition.partition import Band
from geo.partition.region import CM_PER_M, INSIDE_RANKS
from geo.partition.tree_cut import NOWHERE, grow_tree, weigh_cuts
from geo.partition.weights import Weights

# Windows with more atoms than this are cut anew less often, so that a move takes bounded time.
WIDE_WINDOW = 200
# Most parts of a window that is cut anew while annealing.
WINDOW_PARTS = 6


def prices(band: Band, weights: Weights, *, strict: int = 1) -> list[int]:
    """Return what `part_cost` reckons with, in whole centimetres; what is out of band counts strict times."""
    return [
        band.lower,
        band.upper,
        band.lower + band.upper if weights.target is None else 2 * weights.target,
        round(weights.household_out * CM_PER_M) * strict,
        round(weights.part_out * CM_PER_M) * strict,
        round(weights.evenness * CM_PER_M),
        round(weights.compound_split * CM_PER_M),
    ]


@inlined
def part_cost(households: int, parts: int, price: Any) -> Any:
    """Cost of households that shall make so many parts, by themselves.

    The price is lower, upper, target, household, part, square, split. The target is doubled and the square
    quartered, so that the middle of any band is a whole number.
    """
    if households < parts * price[0]:
        return price[4] + price[3] * (parts * price[0] - households)
    if households > parts * price[1]:
        return price[4] + price[3] * (households - parts * price[1])
    off = 2 * households - parts * price[2]
    return price[5] * off * off // (4 * parts)


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
def atom_change(
    atom: int,
    goal: int,
    label: Any,
    total: Any,
    size: Any,
    presence: Any,
    n_compounds: int,
    indptr: Any,
    neighbour: Any,
    gain: Any,
    weight: Any,
    compound: Any,
    price: Any,
) -> Any:
    """Return what it costs to move an atom to the part goal."""
    source = label[atom]
    own = weight[atom]
    change = part_cost(total[goal] + own, 1, price) - part_cost(total[goal], 1, price)
    change -= part_cost(total[source], 1, price)
    if size[source] > 1:
        change += part_cost(total[source] - own, 1, price)
    for follow in range(indptr[atom], indptr[atom + 1]):
        side = label[neighbour[follow]]
        if side == source:
            change += gain[follow]
        elif side == goal:
            change -= gain[follow]
    kind = compound[atom]
    if kind >= 0:
        if presence[goal * n_compounds + kind] == 0:
            change += price[6]
        if presence[source * n_compounds + kind] == 1:
            change -= price[6]
    return change


@inlined
def share_of(
    atom: int,
    label: Any,
    indptr: Any,
    neighbour: Any,
    joins: Any,
    rank: Any,
    compound: Any,
    zone: Any,
    stamp: int,
    order: Any,
) -> Any:
    """Put into order what a part holds of the compound round an atom, up to the next barrier; how many."""
    own, kind = label[atom], compound[atom]
    zone[atom] = stamp
    order[0] = atom
    size = 1
    at = 0
    while at < size:
        here = order[at]
        at += 1
        for edge in range(indptr[here], indptr[here + 1]):
            other = neighbour[edge]
            if label[other] != own or zone[other] == stamp or rank[edge] >= INSIDE_RANKS or not joins[edge]:
                continue
            if compound[other] == kind or compound[other] < 0:
                zone[other] = stamp
                order[size] = other
                size += 1
    return size


@inlined
def rest_is_whole(
    atom: int,
    rest: int,
    label: Any,
    indptr: Any,
    neighbour: Any,
    joins: Any,
    zone: Any,
    stamp: int,
    stack: Any,
) -> Any:
    """Whether `rest` atoms of the part of an atom are reached from it past those marked stamp."""
    zone[atom] = stamp + 1
    stack[0] = atom
    height = 1
    reached = 1
    while height > 0:
        height -= 1
        here = stack[height]
        for edge in range(indptr[here], indptr[here + 1]):
            other = neighbour[edge]
            if joins[edge] and label[other] == label[atom] and zone[other] < stamp:
                zone[other] = stamp + 1
                stack[height] = other
                height += 1
                reached += 1
    return reached == rest


@inlined
def share_change(
    taken: int,
    goal: int,
    label: Any,
    total: Any,
    size: Any,
    presence: Any,
    n_compounds: int,
    indptr: Any,
    neighbour: Any,
    gain: Any,
    joins: Any,
    weight: Any,
    compound: Any,
    price: Any,
    zone: Any,
    stamp: int,
    order: Any,
) -> Any:
    """Return what it costs to hand order[:taken], marked stamp, to the part goal.

    Also return their households, how many of them are of the compound of the first, and an atom of their
    part beside them, -1 for none.
    """
    atom = order[0]
    source = label[atom]
    own = 0
    of_kind = 0
    border = 0
    beside = -1
    for i in range(taken):
        here = order[i]
        own += weight[here]
        if compound[here] >= 0:
            of_kind += 1
        for follow in range(indptr[here], indptr[here + 1]):
            other = neighbour[follow]
            if label[other] == goal:
                border -= gain[follow]
            elif label[other] == source and zone[other] != stamp:
                border += gain[follow]
                if joins[follow]:
                    beside = other
    change = border + part_cost(total[goal] + own, 1, price) - part_cost(total[goal], 1, price)
    change -= part_cost(total[source], 1, price)
    if size[source] > taken:
        change += part_cost(total[source] - own, 1, price)
    kind = compound[atom]
    if kind < 0:
        of_kind = 0
    if of_kind > 0:
        if presence[goal * n_compounds + kind] == 0:
            change += price[6]
        if presence[source * n_compounds + kind] == of_kind:
            change -= price[6]
    return change, own, of_kind, beside


@inlined
def named_by_walk(
    start: int,
    most: int,
    label: Any,
    indptr: Any,
    neighbour: Any,
    joins: Any,
    named: Any,
    chance: Any,
) -> Any:
    """Walk at random from an atom of named[1] and name the parts met beside named[:2]; how many there are."""
    count = 2
    walk = start
    for _step in range(6 * (most - 2)):
        if count == most:
            break
        follow = indptr[walk] + draw(chance, indptr[walk + 1] - indptr[walk])
        if not joins[follow]:
            continue
        walk = neighbour[follow]
        known = False
        for k in range(count):
            if named[k] == label[walk]:
                known = True
        if not known:
            named[count] = label[walk]
            count += 1
    return count


@inlined
def window_of(
    atom: int,
    named: Any,
    count: int,
    label: Any,
    presence: Any,
    n_compounds: int,
    indptr: Any,
    neighbour: Any,
    gain: Any,
    joins: Any,
    compound: Any,
    price: Any,
    zone: Any,
    stamp: int,
    members: Any,
    kinds: Any,
    kind_seen: Any,
) -> Any:
    """Put the atoms of the parts named[:count] into members and mark them in zone, their compounds in kinds.

    Return how many atoms and compounds they are, and what the borders between the parts and the compounds
    split among them cost now.
    """
    members[0] = atom
    zone[atom] = stamp
    size = 1
    at = 0
    n_kinds = 0
    cost = 0
    while at < size:
        here = members[at]
        at += 1
        kind = compound[here]
        if kind >= 0 and kind_seen[kind] != stamp:
            kind_seen[kind] = stamp
            kinds[n_kinds] = kind
            n_kinds += 1
        own = label[here]
        for edge in range(indptr[here], indptr[here + 1]):
            other = neighbour[edge]
            side = label[other]
            inside = False
            for k in range(count):
                if named[k] == side:
                    inside = True
            if not inside:
                continue
            if own < side:
                cost += gain[edge]
            if joins[edge] and zone[other] != stamp:
                zone[other] = stamp
                members[size] = other
                size += 1
    for q in range(n_kinds):
        cost -= price[6]
        for k in range(count):
            if presence[named[k] * n_compounds + kinds[q]] > 0:
                cost += price[6]
    return size, n_kinds, cost


@inlined
def cut_off(
    grown: int,
    parts: int,
    order: Any,
    above: Any,
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
    """Return where one part is best cut off a tree that shall make so many, and what that costs.

    A place i > 0: the part is the subtree below order[i]; -i: the part is all but that subtree; 0: no cut.
    What the rest will cost when it is cut further is only guessed, from its households.
    """
    total = 0
    for i in range(grown):
        total += weight[order[i]]
        below[i] = weight[order[i]]
        split[i] = 0
    for i in range(grown - 1, 0, -1):
        below[above[i]] += below[i]
    for k in range(n_kinds):
        for i in range(grown):
            held[i] = 1 if compound[order[i]] == kinds[k] else 0
        for i in range(grown - 1, 0, -1):
            held[above[i]] += held[i]
        if held[0] > 1:
            for i in range(1, grown):
                if 0 < held[i] < held[0]:
                    split[i] += 1
    at = 0
    least = NOWHERE
    for i in range(1, grown):
        cut = cut_cost[i] + price[6] * split[i]
        cost = cut + part_cost(below[i], 1, price) + part_cost(total - below[i], parts - 1, price)
        if cost < least:
            least = cost
            at = i
        if parts > 2:
            cost = cut + part_cost(below[i], parts - 1, price) + part_cost(total - below[i], 1, price)
            if cost < least:
                least = cost
                at = -i
    return at


@inlined
def cut_window(
    atom: int,
    wanted: int,
    indptr: Any,
    neighbour: Any,
    origin: Any,
    gain: Any,
    joins: Any,
    rank: Any,
    weight: Any,
    compound: Any,
    price: Any,
    zone: Any,
    mark: int,
    place: Any,
    order: Any,
    parent: Any,
    above: Any,
    frontier: Any,
    cut_cost: Any,
    below: Any,
    split: Any,
    held: Any,
    kinds: Any,
    n_kinds: int,
    cut_total: Any,
    chance: Any,
) -> Any:
    """Cut the atoms marked mark into so many parts, two or more, on random trees; return what they cost.

    One part after the other is cut off: `place` says which of its atoms, the rest has the next mark. The
    households of the parts are put into cut_total. NOWHERE where a tree cannot be cut.
    """
    cost = 0
    start = atom
    for slot in range(wanted - 1):
        grown = grow_tree(
            start, zone, mark, indptr, neighbour, origin, joins, rank, place, order, parent, frontier,
            chance,
        )  # fmt: skip
        weigh_cuts(grown, zone, mark, indptr, neighbour, gain, place, order, parent, above, cut_cost)
        at = cut_off(
            grown, wanted - slot, order, above, weight, compound, cut_cost, below, split, held, kinds,
            n_kinds, price,
        )  # fmt: skip
        if at == 0:
            return NOWHERE
        top = max(at, -at)
        cost += cut_cost[top] + price[6] * split[top]
        cut_total[slot] = below[top] if at > 0 else below[0] - below[top]
        cut_total[slot + 1] = below[0] - cut_total[slot]
        cost += part_cost(cut_total[slot], 1, price)
        mark += 1
        for i in range(grown):
            here = order[i]
            held[i] = 1 if i == top or (i > top and held[above[i]] == 1) else 0
            if (held[i] == 1) == (at > 0):
                place[here] = slot
            else:
                place[here] = slot + 1
                zone[here] = mark
                start = here
    return cost + part_cost(cut_total[wanted - 1], 1, price)


@inlined
def relabel(
    count: int,
    wanted: int,
    atoms: int,
    label: Any,
    total: Any,
    size: Any,
    presence: Any,
    n_compounds: int,
    free: Any,
    n_free: int,
    weight: Any,
    compound: Any,
    place: Any,
    members: Any,
    named: Any,
    final: Any,
) -> Any:
    """Put members[:atoms], until now the parts named[:count], into the parts that place says.

    Return how many labels are free then.
    """
    for k in range(count):
        final[k] = named[k]
    for k in range(count, wanted):
        n_free -= 1
        final[k] = free[n_free]
    for i in range(atoms):
        kind = compound[members[i]]
        if kind >= 0:
            presence[label[members[i]] * n_compounds + kind] -= 1
    for k in range(max(count, wanted)):
        total[final[k]] = 0
        size[final[k]] = 0
    for i in range(atoms):
        here = members[i]
        part = final[place[here]]
        label[here] = part
        total[part] += weight[here]
        size[part] += 1
        kind = compound[here]
        if kind >= 0:
            presence[part * n_compounds + kind] += 1
    for k in range(wanted, count):
        free[n_free] = final[k]
        n_free += 1
    return n_free


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
    heat: int,
    moves: int,
    odds: Any,
    label: Any,
    total: Any,
    size: Any,
    presence: Any,
    free: Any,
    counts: Any,
    zone: Any,
    place: Any,
    order: Any,
    parent: Any,
    above: Any,
    frontier: Any,
    cut_cost: Any,
    below: Any,
    split: Any,
    held: Any,
    members: Any,
    kinds: Any,
    kind_seen: Any,
    stack: Any,
    named: Any,
    final: Any,
    cut_total: Any,
    chance: Any,
) -> Any:
    """Anneal the labels at one heat by so many moves; return what they cost more than before.

    Of 1024 moves odds[0] hand what a part holds of a compound over a border; up to odds[1] cut a window of
    neighbouring parts into one part more, up to odds[2] into as many or one less, up to odds[3] two
    neighbours anew, all on random trees; the others move one atom over a border. Labels in use have
    size > 0, the others stand in free[:counts[0]]; counts[1] is the last stamp used in zone.
    """
    n_free = counts[0]
    stamp = counts[1]
    now = 0
    for _ in range(moves):
        atom = draw(chance, n)
        first = indptr[atom]
        last = indptr[atom + 1]
        if first == last:
            continue
        edge = first + draw(chance, last - first)
        source = label[atom]
        goal = label[neighbour[edge]]
        if source == goal or not joins[edge]:
            continue
        turn = draw(chance, 1024)
        limit = heat * waiting[draw(chance, 1024)] >> 10
        if turn >= odds[3]:
            own = weight[atom]
            kind = compound[atom]
            change = atom_change(
                atom, goal, label, total, size, presence, n_compounds, indptr, neighbour, gain, weight,
                compound, price,
            )  # fmt: skip
            if change > limit:
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
            if size[source] == 0:
                free[n_free] = source
                n_free += 1
            now += change
            continue
        if turn < odds[0]:
            stamp += 2
            taken = share_of(atom, label, indptr, neighbour, joins, rank, compound, zone, stamp, order)
            change, own, of_kind, beside = share_change(
                taken, goal, label, total, size, presence, n_compounds, indptr, neighbour, gain, joins,
                weight, compound, price, zone, stamp, order,
            )  # fmt: skip
            left = size[source] - taken
            kind = compound[atom]
            if change > limit:
                continue
            if left > 0 and (
                beside < 0
                or not rest_is_whole(beside, left, label, indptr, neighbour, joins, zone, stamp, stack)
            ):
                continue
            for i in range(taken):
                label[order[i]] = goal
            total[source] -= own
            total[goal] += own
            size[source] = left
            size[goal] += taken
            if of_kind > 0:
                presence[source * n_compounds + kind] -= of_kind
                presence[goal * n_compounds + kind] += of_kind
            if left == 0:
                free[n_free] = source
                n_free += 1
            now += change
            continue
        named[0] = source
        named[1] = goal
        households = total[source] + total[goal]
        atoms = size[source] + size[goal]
        most = 2
        if turn < odds[1]:
            most = 2 if households >= 3 * price[0] else 3
        elif turn < odds[2]:
            most = 3 + draw(chance, WINDOW_PARTS - 3)
        count = named_by_walk(neighbour[edge], most, label, indptr, neighbour, joins, named, chance)
        for k in range(2, count):
            households += total[named[k]]
            atoms += size[named[k]]
        wanted = count
        if turn < odds[1]:
            wanted = count + 1
            if n_free == 0 or households < wanted * price[0]:
                continue
        elif households <= (count - 1) * price[1] and (households < count * price[0] or draw(chance, 2) == 0):
            wanted = count - 1
        if count < most and count == 2:
            continue
        if atoms > WIDE_WINDOW and draw(chance, atoms) >= WIDE_WINDOW:
            continue
        stamp += 2
        atoms, n_kinds, cost = window_of(
            atom, named, count, label, presence, n_compounds, indptr, neighbour, gain, joins, compound, price,
            zone, stamp, members, kinds, kind_seen,
        )  # fmt: skip
        change = -cost
        for k in range(count):
            change -= part_cost(total[named[k]], 1, price)
        mark = stamp
        stamp += WINDOW_PARTS
        if wanted == 1:
            cut_total[0] = households
            for i in range(atoms):
                place[members[i]] = 0
            change += part_cost(households, 1, price)
        else:
            cost = cut_window(
                atom, wanted, indptr, neighbour, origin, gain, joins, rank, weight, compound, price, zone,
                mark, place, order, parent, above, frontier, cut_cost, below, split, held, kinds, n_kinds,
                cut_total, chance,
            )  # fmt: skip
            if cost == NOWHERE:
                continue
            change += cost
        if change > limit:
            continue
        n_free = relabel(
            count, wanted, atoms, label, total, size, presence, n_compounds, free, n_free, weight, compound,
            place, members, named, final,
        )  # fmt: skip
        now += change
    counts[0] = n_free
    counts[1] = stamp
    return now
