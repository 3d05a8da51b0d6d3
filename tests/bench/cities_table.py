"""Whole plans of the yardstick's cities as a table: grids out of band against the yardstick's floor.

    python tests/bench/cities_table.py --yardstick FOLDER --households 20000 --seeds 1-20

`floor` counts pieces of the yardstick's own graph that no plan can put in band; it relates units by the
line between their middles, we by the border of their cells, so the two may see different pieces.
Seconds are CPU seconds of reading checked frames, cells, adjacency, partition and borders.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--yardstick", required=True, help="folder of citygen.py and score.py")
    parser.add_argument("--households", type=int, default=20_000)
    parser.add_argument("--seeds", default="1-20", help="a number or first-last")
    asked = parser.parse_args()
    sys.path.insert(0, asked.yardstick)
    import citygen
    import score

    from geo.planning import plan
    from tests.geo.test_cities import layers_of

    first, _, last = asked.seeds.partition("-")
    heads = "seed|households|grids|out of band|floor|not contiguous|valid % on yardstick|CPU s|why"
    print(f"|{heads}|")
    print("|---" * (heads.count("|") + 1) + "|")
    for seed in range(int(first), int(last or first) + 1):
        city = citygen.make_city(asked.households, seed)
        start = time.process_time()
        made = plan(layers_of(city))
        seconds = time.process_time() - start
        graph = citygen.build_graph(city)
        position = {unit: row for row, unit in enumerate(made.ground.unit_ids)}
        labels = made.partition.labels[[position[str(unit)] for unit in graph.unit_id]]
        judged = score.score_assignment(graph, labels)
        out = made.partition.out_of_band.tolist()
        why = Counter(made.partition.proofs[part].code for part in out)
        print(
            f"| {seed} | {int(made.ground.households.sum()):,} | {made.partition.n_parts:,} | {len(out)} "
            f"| {judged['floor_out_grids']} | {int(np.sum(~made.partition.contiguous))} "
            f"| {judged['pct_hh_valid_of_feasible']:.1f} | {seconds:.1f} "
            f"| {', '.join(f'{count} {code}' for code, count in sorted(why.items()))} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
