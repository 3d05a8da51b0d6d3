"""Even out a second weight of the units among parts within the band: work, where heads are not all of it.

Who serves a micro-grid has as much to do as there are people who live alone, cases of the hotline, or
minutes to walk, which no band of households sees. The plan within the band comes first; then units
at borders change parts, by the Metropolis rule, as long as every part stays within the band and contiguous.
What a part has to do more or less than the mean costs by its square, beside borders, compounds and evenness.

References
----------
Kalcsics, J., Nickel, S., Schroeder, M. (2005). Towards a unified territorial design approach: applications,
algorithms and GIS integration. TOP 13(1) (districts balanced by several activities).
Kirkpatrick, S., Gelatt, C., Vecchi, M. (1983). Optimization by simulated annealing. Science 220(4598).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.kernels import inlined, kernel
from geo.partition.annealing import atom_change, prices, stays_whole
from geo.partition.chance import WAITING, draw, seed_of
from geo.partition.partition import Band
from geo.partition.region import CM_PER_M, Region
from geo.partition.weights import Weights

# Heats in centimetres, and moves of each atom at each.
HEAT_CM = tuple(round(10_000 * 0.01 ** (stage / 11)) for stage in range(12))
MOVES = 200
# Work is told in thousandths of the mean of a part.
SHARE = 1_000
# Whole numbers of work below this add up exactly.
MOST_WORK = 1 << 30


@inlined
def off_cost(load: int, parts: int, whole: int, price: int) -> Any:
    """Cost of a part with this load: price for twice the mean, or for none, by the square between."""
    off = SHARE * parts * load // whole - SHARE
    return price * off * off // (SHARE * SHARE)


@kernel
def even_out(
    n: int,
    n_compounds: int,
    indptr: Any,
    neighbour: Any,
    gain: Any,
    joins: Any,
    weight: Any,
    work: Any,
    compound: Any,
    price: Any,
    work_price: int,
    parts: int,
    whole: int,
    waiting: Any,
    heat: int,
    moves: int,
    label: Any,
    fits: Any,
    total: Any,
    load: Any,
    size: Any,
    presence: Any,
    zone: Any,
    stack: Any,
    counts: Any,
    chance: Any,
) -> Any:
    """Move atoms between parts that fit and go on fitting; return what it costs more than before.

    `parts` parts have `whole` work together. counts[0] is the last stamp used in zone.
    """
    now = 0
    stamp = counts[0]
    for _ in range(moves):
        atom = draw(chance, n)
        first = indptr[atom]
        last = indptr[atom + 1]
        if first == last:
            continue
        edge = first + draw(chance, last - first)
        source = label[atom]
        goal = label[neighbour[edge]]
        if source == goal or not joins[edge] or not fits[source] or not fits[goal] or size[source] == 1:
            continue
        own = weight[atom]
        if total[source] - own < price[0] or total[goal] + own > price[1]:
            continue
        change = atom_change(
            atom, goal, label, total, size, presence, n_compounds, indptr, neighbour, gain, weight, compound,
            price,
        )  # fmt: skip
        effort = work[atom]
        change += off_cost(load[source] - effort, parts, whole, work_price)
        change += off_cost(load[goal] + effort, parts, whole, work_price)
        change -= off_cost(load[source], parts, whole, work_price)
        change -= off_cost(load[goal], parts, whole, work_price)
        if change > heat * waiting[draw(chance, 1024)] >> 10:
            continue
        stamp += 2
        if not stays_whole(atom, source, label, indptr, neighbour, joins, zone, stack, stamp):
            continue
        label[atom] = goal
        total[source] -= own
        total[goal] += own
        load[source] -= effort
        load[goal] += effort
        size[source] -= 1
        size[goal] += 1
        kind = compound[atom]
        if kind >= 0 and n_compounds > 0:
            presence[source * n_compounds + kind] -= 1
            presence[goal * n_compounds + kind] += 1
        now += change
    counts[0] = stamp
    return now


def evened_work(
    region: Region,
    labels: NDArray[np.int64],
    work: NDArray[np.int64],
    band: Band,
    weights: Weights,
    seed: int,
    *,
    large: bool,
) -> NDArray[np.int64]:
    """Return a plan of a region with work more even among the parts in band; the others stay as they are.

    Parameters
    ----------
    region : Region
    labels : (n,) int64
        Part of each atom, contiguous.
    work : (n,) int64
        Of each atom, 0 to 2**30 in all.
    band, weights, seed
        As the plan was made; `weights.work` says what uneven work costs.
    large : bool
        Whether to run compiled; the plan is the same.
    """
    n = len(region)
    total = np.bincount(labels, weights=region.weight).astype(np.int64)
    fits = (total >= band.lower) & (total <= band.upper)
    load = np.zeros(len(total), np.int64)
    np.add.at(load, labels, work)
    parts, whole = int(fits.sum()), int(load[fits].sum())
    if parts < 2 or whole == 0:
        return labels

    def flat(values: NDArray[Any]) -> Any:
        return values.astype(np.int64) if large else values.tolist()

    kinds, code = np.unique(region.compound, return_inverse=True)
    named = region.compound >= 0
    compound = np.where(named, code.ravel(), -1)
    presence = np.zeros(len(total) * len(kinds), np.int64)
    np.add.at(presence, labels[named] * len(kinds) + compound[named], 1)
    price = flat(np.array(prices(band, weights)))
    graph = [flat(region.indptr), flat(region.neighbour), flat(region.half_gain), flat(region.half_joins)]
    state = [flat(values) for values in (labels, fits, total, load, np.bincount(labels), presence)]
    spare = [flat(np.zeros(n + 1, np.int64)) for _ in range(2)]
    counts, chance = flat(np.zeros(1, np.int64)), flat(np.array([seed_of(seed, "work")]))
    waiting = flat(np.array(WAITING))
    unevenness = _unevenness(load[fits])
    best, now, least = labels, 0, 0
    for heat in HEAT_CM:
        now += even_out(
            n, len(kinds), *graph, flat(region.weight), flat(work), flat(compound), price,
            round(weights.work * CM_PER_M), parts, whole, waiting, heat, MOVES * n, *state, *spare, counts,
            chance,
            large=large,
        )  # fmt: skip
        # Shorter borders alone are no reason: work was asked for.
        if now < least and _unevenness(np.array(state[3])[fits]) <= unevenness:
            best, least = np.array(state[0], np.int64), now
    return best


def _unevenness(load: NDArray[np.int64]) -> float:
    """Sum of squares of what parts of equal number have to do: the least where all have the same."""
    return float((load.astype(np.float64) ** 2).sum())


def whole_work(work: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return work as whole numbers that add up to at most 2**30 and keep four digits of the largest.

    Whole numbers stay as they are where they can.
    """
    total = float(work.sum())
    if total <= MOST_WORK and (work == np.rint(work)).all():
        return work.astype(np.int64)
    return np.rint(work * (MOST_WORK / 2 / total)).astype(np.int64)
