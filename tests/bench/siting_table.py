"""Siting as a table: value, proved bound, gap and CPU seconds of each question, on the yardstick's cities.

    python tests/bench/siting_table.py --yardstick FOLDER [--units 5000] [--candidates 500] [--seeds 1-3]

A city of so many units is walked along its streets, whose walls have no gates, then in straight
lines; candidates are doors drawn with the seed, and a
hundredth as many more are stations that stand. `k` is a twenty-fifth of the candidates. Seconds are of the
answer alone, after the walks.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from geo.planning import inner_points
from geo.reach import METRES_PER_MINUTE, walks
from geo.reached import paths_of
from geo.siting import Answer, Nearby, fewest, most_reached, nearest

COLUMNS = (
    "seed | ways | units x candidates | walks | question | places | value | bound | gap % | proved | CPU s"
)
# Households of a unit in these cities, about.
HOUSEHOLDS_PER_UNIT = 8.2


def city(n_units: int, n_candidates: int, seed: int, minutes: float, *, is_straight: bool) -> Nearby:
    """Return the walks of a city's first units by id."""
    import citygen

    from tests.geo.test_cities import layers_of

    layers = layers_of(citygen.make_city(int(n_units * HOUSEHOLDS_PER_UNIT * 1.5), seed))
    doors = inner_points(layers.units.geometry.to_numpy())[:n_units]
    households = layers.units["households"].to_numpy(dtype=np.int64)[:n_units]
    chance = np.random.default_rng(seed)
    n_standing = n_candidates // 100
    starts = doors[chance.choice(len(doors), n_candidates + n_standing, replace=False)]
    paths = None if is_straight else paths_of(layers)
    found = walks(doors, starts, paths, limit_m=minutes * METRES_PER_MINUTE)
    return Nearby.of(
        found, households, np.arange(len(starts)) < n_standing, limit_minutes=minutes,
        metres_per_minute=METRES_PER_MINUTE,
    )  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--yardstick", required=True, help="folder with citygen.py")
    parser.add_argument("--units", type=int, default=5_000)
    parser.add_argument("--candidates", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=5.0, help="limit of the questions of covering")
    parser.add_argument("--seeds", default="1-3", help="first-last, or one")
    options = parser.parse_args()
    sys.path.insert(0, options.yardstick)
    k = max(options.candidates // 25, 1)
    print(f"| {COLUMNS} |")
    print("|" + "---|" * (COLUMNS.count("|") + 1))
    first, _, last = options.seeds.partition("-")
    for seed in range(int(first), int(last or first) + 1):
        for is_straight in (False, True):
            near, far = (
                city(options.units, options.candidates, seed, minutes, is_straight=is_straight)
                for minutes in (options.minutes, 15.0)
            )
            room = int(far.households.sum() / (k + int(far.is_standing.sum())) * 1.3)
            least = f"{options.minutes:g} min"
            asked: list[tuple[str, Nearby, Callable[[Nearby], Answer]]] = [
                (f"{k} that reach most in {least}", near, partial(most_reached, k=k)),
                (f"fewest within {least}", near, fewest),
                (f"{k} nearest", far, partial(nearest, k=k)),
                (f"{k} nearest, {room} households each", far, partial(nearest, k=k, capacity=room)),
            ]
            for question, nearby, ask in asked:
                told(seed, is_straight, question, nearby, ask)


def told(
    seed: int, is_straight: bool, question: str, nearby: Nearby, ask: Callable[[Nearby], Answer]
) -> None:
    """Ask, and print a row."""
    start = time.process_time()
    answer = ask(nearby)
    cpu_s = time.process_time() - start
    cells = (
        str(seed), "straight" if is_straight else "streets",
        f"{nearby.n_units:,} x {len(nearby.candidates):,}", f"{len(nearby.unit):,}", question,
        str(len(answer.places)), f"{answer.value:,.0f}", f"{answer.bound:,.0f}",
        f"{100 * answer.gap:.2f}", "yes" if answer.proved else "no", f"{cpu_s:.1f}",
    )  # fmt: skip
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
