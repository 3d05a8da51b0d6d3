"""The yearly task on the yardstick's cities: one line for each year's changes, as a Markdown table.

    python tests/bench/rebalance_table.py --yardstick DIR [--households 100000] [--city 1] [--seeds 1-5]

A city is planned, then 3 % of its units change: more or fewer households, demolished, a tower added on the
spot, or replaced by a new tower that stands in no grid yet; a quarter of the communities see no change. The
task is about years in which 5 to 8 % of the grids leave the band: a year with fewer or more is drawn again
from the same chance, so that every seed gives one, and `draws` says how many it took.
`optimum` compares the search with the least number of moved households in windows small enough for it: a
fault and its neighbours, at most 26 units, all of which can be in band (households moved by the search over
least possible; windows; compounds left aside). Times are CPU seconds of one process after a first small run,
so that compiling does not count.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from geo.partition import Locks, Partition, Rebalanced, Weights, rebalance
from geo.partition.exact import choose_sets, list_connected_sets
from geo.partition.region import region_of
from geo.partition.standing import Standing
from geo.partition.transfers import Transfers
from geo.partition.window import units_of

CHANGED_SHARE = 0.03
LEAVING_SHARE = (0.05, 0.08)
MOST_DRAWS = 20
WINDOW_UNITS = 26
WINDOWS = 10
SETS = 30_000
NODES = 100

COLUMNS = (
    "seed | draws | grids | out before | left band % | out after | not proved | moved % | grids kept %"
    " | untouched communities identical % | optimum | CPU s"
)


class Year(NamedTuple):
    """A plan a year later, communities that saw a change, share of grids that left the band, draws."""

    plan: Partition
    touched: NDArray[np.bool_]
    leaving_share: float
    draws: int


def changed(plan: Partition, seed: int, *, leaving: tuple[float, float] = LEAVING_SHARE) -> Year:
    """Draw the changes of a year in which that share of the grids leaves the band.

    Raises
    ------
    RuntimeError
        No draw of many gives such a year: the plan is too small, or its grids lie unlike those of a city.
    """
    chance = np.random.default_rng(seed)
    for draws in range(1, MOST_DRAWS + 1):
        after, touched = _drawn(plan, chance, seed)
        share = leaving_share(plan, after)
        if leaving[0] <= share <= leaving[1]:
            return Year(after, touched, share, draws)
    raise RuntimeError(f"no year of {MOST_DRAWS} drawn has {leaving} of the grids leaving the band")


def leaving_share(plan: Partition, after: Partition) -> float:
    """Share of the grids that were in band and, as they stand, no longer are."""
    stays = (plan.labels >= 0) & (after.labels >= 0)
    total = np.bincount(plan.labels[stays], weights=after.households[stays], minlength=plan.n_parts)
    units = np.bincount(plan.labels[stays], minlength=plan.n_parts)
    out = (units > 0) & ((total < plan.band.lower) | (total > plan.band.upper))
    out[plan.out_of_band] = False  # out of band the year before: no trouble of this year
    return float(out.mean())


def _drawn(plan: Partition, chance: np.random.Generator, seed: int) -> tuple[Partition, NDArray[np.bool_]]:
    households, labels = plan.households.copy(), plan.labels.copy()
    n = len(households)
    open_ = np.flatnonzero((plan.community >= 0) & (plan.community % 4 != seed % 4))
    units = chance.choice(open_, round(CHANGED_SHARE * n), replace=False)
    for unit, kind in zip(units.tolist(), chance.random(len(units)).tolist(), strict=True):
        if kind < 0.45:
            households[unit] = round(households[unit] * chance.uniform(0.5, 1.6))
        elif kind < 0.6:
            households[unit] = 0
        elif kind < 0.9:
            households[unit] += int(chance.integers(10, 45))
        else:
            households[unit] = int(chance.integers(30, 100))
            labels[unit] = -1
    touched = np.zeros(int(plan.community.max()) + 1, np.bool_)
    touched[plan.community[units]] = True
    return Partition(plan.adjacency, households, plan.community, labels, plan.band), touched


def identical(done: Rebalanced, touched: NDArray[np.bool_]) -> float:
    """Share of the communities without a change in which every grid is as it was, in per cent."""
    fates = np.array([fate == "kept" for fate in done.fates_before()])
    same = np.ones(len(touched), np.bool_)
    np.logical_and.at(same, done.before.part_community, fates)
    here = np.unique(done.before.part_community)
    quiet = here[~touched[here]]
    return float(100 * same[quiet].mean()) if len(quiet) else 100.0


def least_moved(search: Transfers, most: int) -> int | None:
    """Least households moved with every part of a window in band; None where it is not found."""
    window, band = search.window, search.band
    n = len(window.households)
    ends = [(a, b) for a in range(n) for b in units_of(window.reach[a]) if a < b]
    left, right = (np.array([pair[i] for pair in ends], np.int64) for i in (0, 1))
    region = region_of(
        np.arange(n), np.array(window.households, np.int64), np.full(n, -1, np.int64), left, right,
        np.zeros(len(ends), np.int64), np.ones(len(ends), np.bool_), np.zeros(n, np.bool_),
    )  # fmt: skip
    sets = list_connected_sets(region, band.lower, band.upper, limit=SETS, large=True)
    if sets is None:
        return None
    slots = [slot for slot, home in enumerate(window.home) if home]
    mine = np.array([[slot == own for slot in slots] for own in window.origin])
    overlap = (sets.member * np.array(window.households)) @ mine
    moved = sets.households[:, None] - overlap
    one, at = np.nonzero((moved <= most) & (overlap > 0))
    alone = np.flatnonzero(sets.households <= most)
    cover = np.zeros((len(one) + len(alone), n + len(slots)), np.bool_)
    cover[: len(one), :n] = sets.member[one]
    cover[np.arange(len(one)), n + at] = True
    cover[len(one) :, :n] = sets.member[alone]
    cost = np.concatenate([moved[one, at], sets.households[alone]]).astype(np.float64)
    exactly = np.arange(n + len(slots)) < n
    choice = choose_sets(cover, cost, exactly=exactly, nodes=NODES)
    if choice is None or not choice.proved:
        return None
    return round(float(cost[choice.chosen].sum()))


def against_optimum(plan: Partition) -> tuple[int, int, int]:
    """Households moved by the search and at least, over the windows small enough, and their number."""
    n = len(plan.labels)
    standing = Standing(
        plan,
        special=(),
        locks=Locks(),
        compound=np.full(n, -1, np.int64),
        weights=Weights(),
        seed=0,
    )
    ours = least = windows = 0
    for slot in standing.faulty():
        slots = standing.window_slots([slot], 1, WINDOW_UNITS, None)
        window, _ = standing.window(slots, [slot])
        search = Transfers(window, plan.band)
        others = sum(search.sets.avoidable(mask) > 0 for mask in window.masks)
        if search.sets.large or not search.start.change.avoidable or others > 1 or len(slots) < 2:
            continue
        found = search.search(120)
        if found.change.avoidable:
            continue
        exact = least_moved(search, found.change.moved)
        if exact is None:
            continue
        ours, least, windows = ours + found.change.moved, least + exact, windows + 1
        if windows == WINDOWS:
            break
    return ours, least, windows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--yardstick", required=True, help="folder with citygen.py")
    parser.add_argument("--households", type=int, default=100_000)
    parser.add_argument("--city", type=int, default=1, help="seed of the city")
    parser.add_argument("--seeds", default="1-5", help="first-last, or one")
    options = parser.parse_args()
    sys.path.insert(0, options.yardstick)
    import citygen

    from geo.planning import compound_names, plan
    from tests.geo.test_cities import layers_of

    def city(households: int, seed: int) -> tuple[Partition, NDArray[np.int64]]:
        made = plan(layers_of(citygen.make_city(households, seed)))
        names = compound_names(made.layers, made.ground.order)
        return made.partition, pd.factorize(names, sort=True)[0].astype(np.int64)

    small, kinds = city(5_000, 0)
    rebalance(changed(small, 0, leaving=(0, 1)).plan, compound=kinds)
    standing, kinds = city(options.households, options.city)
    print(f"| {COLUMNS} |")
    print("|" + "---|" * (COLUMNS.count("|") + 1))
    first, _, last = options.seeds.partition("-")
    for seed in range(int(first), int(last or first) + 1):
        before, touched, leaving, draws = changed(standing, seed)
        start = time.process_time()
        done = rebalance(before, compound=kinds)
        cpu_s = time.process_time() - start
        codes = Counter(proof.code for proof in done.partition.proofs.values())
        kept = sum(fate == "kept" for fate in done.fates_before())
        ours, least, windows = against_optimum(before)
        cells = (
            str(seed),
            str(draws),
            f"{before.n_parts:,}",
            str(len(before.out_of_band)),
            f"{100 * leaving:.1f}",
            str(len(done.still_faulty)),
            str(codes["not_proved"]),
            f"{100 * done.moved_households / int(before.households.sum()):.2f}",
            f"{100 * kept / before.n_parts:.1f}",
            f"{identical(done, touched):.0f}",
            f"{ours:,} / {least:,} ({windows})",
            f"{cpu_s:.2f}",
        )
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
