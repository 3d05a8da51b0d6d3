"""Random small maps for property tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from geo.adjacency import Adjacency, Crossing
from tests.builders import lattice, related


@dataclass(frozen=True)
class DrawnMap:
    """Units of a lattice: households, communities and compounds; some borders cannot be walked across."""

    adjacency: Adjacency
    households: NDArray[np.int64]
    community: NDArray[np.int64]
    compound: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.households)


@st.composite
def drawn_maps(draw: st.DrawFn, *, max_side: int = 3, communities: int = 2) -> DrawnMap:
    """Draw a map of 1 to max_side x max_side units, with few or many households in a unit, 0 and over 100."""
    rows, columns = draw(st.integers(1, max_side)), draw(st.integers(1, max_side))
    n = rows * columns
    plain = lattice(rows, columns)
    ends = list(zip(plain.left.tolist(), plain.right.tolist(), strict=True))
    kinds = draw(st.lists(st.integers(0, 9), min_size=len(ends), max_size=len(ends)))
    apart = {pair for pair, kind in zip(ends, kinds, strict=True) if kind >= 8}
    crossings = {pair: Crossing.MINOR_ROAD for pair, kind in zip(ends, kinds, strict=True) if kind in (6, 7)}
    counts = draw(
        st.sampled_from(
            [
                st.integers(20, 70),
                st.integers(0, 40),
                st.sampled_from([0, 12, 30, 40, 45, 49, 51, 60, 100]),
                st.sampled_from([0, 10, 45, 60, 101, 150]),
            ]
        )
    )
    listed = st.lists(counts, min_size=n, max_size=n)
    codes = st.lists(st.integers(0, communities - 1), min_size=n, max_size=n)
    return DrawnMap(
        related(
            plain.unit_ids.tolist(),
            [(a, b, 10.0) for a, b in ends],
            crossings=crossings,
            apart=apart,
        ),
        np.array(draw(listed), np.int64),
        np.array(draw(codes), np.int64) if communities > 1 and draw(st.booleans()) else np.zeros(n, np.int64),
        np.array(draw(st.lists(st.integers(-1, 1), min_size=n, max_size=n)), np.int64),
    )


def seeds() -> st.SearchStrategy[int]:
    """Draw a seed."""
    return st.integers(0, 2**31)
