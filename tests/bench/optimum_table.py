"""Plans of small regions against the proved optimum: one line for each effort, as a Markdown table.

    python tests/bench/optimum_table.py --yardstick DIR [--sizes 20000 100000] [--seeds 1-5]

Of the yardstick's cities (see `partition_table.py`) every region of at most 60 units is taken of which all
sets in band can be listed; the cheapest choice among all of them is proved by a search of its own. Costs are
of the engine (`plan_key`): borders, compounds, evenness.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from geo.partition import EFFORTS, Band, Weights
from geo.partition.covering import cheapest_cover
from geo.partition.exact import list_connected_sets, set_costs
from geo.partition.key import plan_key
from geo.partition.pieces import atoms_of, cut_out, regions_of
from geo.partition.region import Region
from geo.partition.search import EXACT_ATOMS, plan_region
from tests.bench.partition_table import adjacency_of

BAND, WEIGHTS = Band(), Weights()
MOST_SETS, MOST_LAID, FAR_M = 200_000, 200_000_000, 1e9


def regions_to_divide(folder: Path, size: int, seed: int) -> list[Region]:
    """Return the regions of a city that are small and have more than one way to be divided."""
    from citygen import build_graph, make_city

    graph = build_graph(make_city(size, seed))
    adjacency, order = adjacency_of(graph)
    nowhere = np.full(len(order), -1)
    codes = np.unique(graph.compound[order], return_inverse=True)[1].ravel()
    compound = np.where(graph.compound[order] < 0, -1, codes)
    community = np.unique(graph.community[order], return_inverse=True)[1].ravel()
    atoms = atoms_of(adjacency, graph.households[order], community, compound, nowhere, WEIGHTS)
    return [
        region
        for region in cut_out(atoms, regions_of(atoms, BAND))
        if len(region) <= EXACT_ATOMS and region.households >= 2 * BAND.lower
    ]


def optimum_m(region: Region) -> float | None:
    """Return the least cost of a plan within the band, in metres; None where none is found and proved."""
    sets = list_connected_sets(region, BAND.lower, BAND.upper, limit=MOST_SETS, large=True)
    if sets is None:
        return None
    cost = set_costs(region, sets, BAND, WEIGHTS)
    best = cheapest_cover(sets.member, cost, FAR_M, laid=MOST_LAID, large=True)
    if best is None or not best.proved or not len(best.chosen):
        return None
    labels = np.argmax(sets.member[best.chosen], axis=0).astype(np.int64)
    return plan_key(region, labels, BAND, WEIGHTS).cost_m


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--yardstick", required=True, type=Path, help="folder with citygen.py")
    parser.add_argument("--sizes", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--seeds", default="1-5", help="first-last, or one")
    options = parser.parse_args()
    sys.path.insert(0, str(options.yardstick))
    first, _, last = options.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    small = [
        region
        for size in options.sizes
        for seed in seeds
        for region in regions_to_divide(options.yardstick, size, seed)
    ]
    least = [optimum_m(region) for region in small]
    solved = [(region, best) for region, best in zip(small, least, strict=True) if best is not None]
    print(f"{len(small)} regions of at most {EXACT_ATOMS} units, {len(solved)} solved to the optimum\n")
    print("| effort | at the optimum | mean above % | worst above % |\n|---|---|---|---|")
    for name, effort in EFFORTS.items():
        above = []
        for region, best in solved:
            plan = plan_region(region, BAND, WEIGHTS, 1, large=True, should_stop=lambda: False, effort=effort)
            key = plan_key(region, plan.labels, BAND, WEIGHTS)
            above.append(100 * (key.cost_m - best) / abs(best) if key[:2] == (0, 0) else np.inf)
        met = sum(share < 0.01 for share in above)
        print(f"| {name} | {met} of {len(above)} | {np.mean(above):.2f} | {max(above):.2f} |")


if __name__ == "__main__":
    main()
