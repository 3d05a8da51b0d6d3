"""Plans of `geo.partition` against the yardstick of plans: one line for each city, as a Markdown table.

    python tests/bench/partition_table.py --yardstick DIR [--sizes 20000 100000] [--seeds 1-20] [--every]
        [--efforts fast standard thorough] [--peers metis_tuned]

DIR holds the yardstick's `citygen.py` (seeded cities and their graph), `score.py` and `peers.py` (other tools
on the same graph; their packages, such as pymetis, are installed by whoever compares). Times are CPU seconds
of one process after a first small plan, so that compiling does not count. The ratio is that of the cost to
the first peer's on the same city, the median over the cities.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from geo.adjacency import Adjacency
from geo.partition import EFFORTS, EffortName, Partition, partition

COLUMNS = (
    "households | seeds | effort | valid % of feasible | bad grids | avoidable | not contiguous"
    " | cost m/1k hh | ratio | barrier m/1k hh | PP | hh std | compounds split | not proved | CPU s"
    " | CPU s/100k hh"
)


def adjacency_of(graph: Any) -> tuple[Adjacency, np.ndarray]:
    """Return the adjacency of a graph of the yardstick, and which of its units stands where in it."""
    ids = np.array([str(unit) for unit in graph.unit_id], object)
    order = np.argsort(ids, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    left, right = np.minimum(rank[graph.i], rank[graph.j]), np.maximum(rank[graph.i], rank[graph.j])
    pairs = np.lexsort((right, left))
    adjacency = Adjacency(
        ids[order],
        left[pairs],
        right[pairs],
        graph.length[pairs].astype(np.float64),
        graph.barrier[pairs].astype(np.uint8),
        ~graph.hard[pairs],
    )
    return adjacency, order


def planned(
    graph: Any, *, seed: int = 0, effort: EffortName = "standard"
) -> tuple[Partition, np.ndarray, float]:
    """Plan a graph of the yardstick; return the plan, labels in the order of the graph, CPU seconds."""
    adjacency, order = adjacency_of(graph)
    start = time.process_time()
    plan = partition(
        adjacency,
        graph.households[order],
        graph.community[order],
        compound=graph.compound[order],
        seed=seed,
        effort=effort,
    )
    spent = time.process_time() - start
    labels = np.empty(len(order), np.int64)
    labels[order] = plan.labels
    return plan, labels, spent


def of_peer(graph: Any, name: str, seed: int = 7) -> tuple[np.ndarray, float]:
    """Divide a graph of the yardstick by another tool; return labels, -1 where it fails, and CPU seconds.

    As the yardstick calls them: pieces that need no cut are not given to the tool.
    """
    import peers

    labels, pieces = peers.pieces_of(graph)
    spent = 0.0
    for piece in pieces:
        start = time.process_time()
        try:
            found = np.asarray(peers.PEERS[name](piece, seed))
        except Exception:  # whatever a tool raises on a piece that it cannot cut
            found = np.full(piece.n, -1)
        spent += time.process_time() - start
        placed = found >= 0
        labels[piece.idx[placed]] = found[placed] + labels.max() + 1
    return labels, spent


def row(size: int, seeds: list[int], effort: str, scores: list[dict[str, Any]]) -> str:
    """Return one line: sums of counts and means of the rest over several cities."""

    def mean(name: str) -> float:
        return float(np.mean([score[name] for score in scores]))

    def total(name: str) -> int:
        return int(sum(score[name] for score in scores))

    named = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]}-{seeds[-1]}"
    return " | ".join(
        [
            f"{size:,}",
            named,
            effort,
            f"{mean('pct_hh_valid_of_feasible'):.2f}",
            str(total("out_grids")),
            str(total("out_grids_avoidable")),
            str(total("noncontiguous_grids")),
            f"{mean('cost_m_per_1k_hh'):.0f}",
            f"{np.median([score['ratio'] for score in scores]):.3f}",
            f"{mean('barrier_m_per_1k_hh'):.0f}",
            f"{mean('pp_mean'):.2f}",
            f"{mean('hh_std'):.1f}",
            f"{total('compounds_split')} of {total('compounds')}",
            str(sum(score["not_proved"] or 0 for score in scores)),
            f"{mean('cpu_s'):.2f}",
            f"{100_000 * total('cpu_ms') / 1000 / total('households'):.2f}",
        ]
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--yardstick", required=True, type=Path, help="folder with citygen.py and score.py")
    parser.add_argument("--sizes", type=int, nargs="+", default=[20_000])
    parser.add_argument("--seeds", default="1-20", help="first-last, or one")
    parser.add_argument("--every", action="store_true", help="one line for each seed as well")
    parser.add_argument("--efforts", nargs="+", choices=list(EFFORTS), default=["standard"])
    parser.add_argument("--peers", nargs="+", default=[], help="tools of the yardstick's peers.py")
    options = parser.parse_args()
    sys.path.insert(0, str(options.yardstick))
    from citygen import build_graph, make_city
    from score import score_assignment

    first, _, last = options.seeds.partition("-")
    seeds = list(range(int(first), int(last or first) + 1))
    planned(build_graph(make_city(5000, 0)))
    print(f"| {COLUMNS} |")
    print("|" + "---|" * (COLUMNS.count("|") + 1))
    for size in options.sizes:
        scores: dict[str, list[dict[str, Any]]] = {name: [] for name in (*options.peers, *options.efforts)}
        for seed in seeds:
            graph = build_graph(make_city(size, seed))
            for name, found in scores.items():
                not_proved: int | str = ""
                if name in options.peers:
                    labels, cpu_s = of_peer(graph, name)
                else:
                    plan, labels, cpu_s = planned(graph, effort=name)
                    not_proved = Counter(proof.code for proof in plan.proofs.values())["not_proved"]
                score = score_assignment(graph, labels)
                first = scores[options.peers[0]][-1:] if options.peers else []
                against = first[0]["cost_m_per_1k_hh"] if first else score["cost_m_per_1k_hh"]
                ratio = score["cost_m_per_1k_hh"] / against if options.peers else np.nan
                told = {"cpu_s": cpu_s, "cpu_ms": 1000 * cpu_s, "not_proved": not_proved, "ratio": ratio}
                found.append({**score, **told})
                if options.every and len(seeds) > 1:
                    print(f"| {row(size, [seed], name, found[-1:])} |", flush=True)
        for name, found in scores.items():
            print(f"| {row(size, seeds, name, found)} |", flush=True)


if __name__ == "__main__":
    main()
