"""An assignment of units to grids, ours or drawn by others, with everything counted once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo.adjacency import Adjacency
from geo.grid_counts import GridCount, grid_counts
from geo.metrics import id_codes, totals, unit_counts
from geo.partition.partition import Band


class Assignment:
    """Units, grids, communities, pieces and pockets as codes, and their totals.

    Units are told by their positions, grids and communities by codes, -1 for none. A piece is what one can
    walk through within a grid, a pocket within a community.
    """

    def __init__(
        self,
        adjacency: Adjacency,
        households: NDArray[np.int64],
        community_ids: NDArray[np.object_] | None,
        grid_ids: NDArray[np.object_],
        *,
        band: Band,
        special: Collection[str],
        compounds: NDArray[np.object_] | None,
        points: NDArray[np.float64] | None,
        empty: Mapping[str, str | None],
        communities: Collection[str],
    ) -> None:
        n = len(adjacency.unit_ids)
        self.adjacency, self.band, self.points = adjacency, band, points
        self.households = np.asarray(households, dtype=np.int64)
        self.special = frozenset(special)
        self.unit_ids: list[str] = list(adjacency.unit_ids)
        self.known_communities = community_ids is not None
        if community_ids is None:
            self.community, self.community_names = np.zeros(n, dtype=np.int64), [""]
        else:
            codes, names = id_codes(community_ids)
            homes = {name for name in empty.values() if name is not None}
            self.community_names = sorted({*names, *homes, *communities})
            number = {name: code for code, name in enumerate(self.community_names)}
            place = np.array([*(number[name] for name in names), -1], dtype=np.int64)
            self.community = place[codes]
        self.lived_in = {self.community_names[code] for code in np.unique(self.community) if code >= 0}
        self.grid, self.grid_names = id_codes(grid_ids)
        self.compound = np.full(n, -1, dtype=np.int64) if compounds is None else id_codes(compounds)[0]
        self.exempt = np.array([name in self.special for name in self.grid_names], dtype=bool)
        self.total = totals(self.grid, self.households, len(self.grid_names))
        self.count = unit_counts(self.grid, len(self.grid_names))
        left, right = adjacency.left, adjacency.right
        same_grid = (self.grid[left] == self.grid[right]) & (self.grid[left] >= 0)
        self.walkable = adjacency.joins & (self.community[left] == self.community[right])
        self.piece = components(n, left, right, adjacency.joins & same_grid)
        self.pocket = components(n, left, right, self.walkable)
        self.pocket_total = np.bincount(self.pocket, weights=self.households).astype(np.int64)
        self.pocket_units = np.bincount(self.pocket)
        # Units outside all communities have no ground to walk on; they are told apart, not as pieces.
        self.outside = self.community < 0
        self.n_outside = unit_counts(np.where(self.outside, self.grid, -1), len(self.grid_names))
        inside = np.where(self.outside, -1, self.grid)
        self.pieces = _distinct(inside, self.piece, len(self.grid_names))
        self.spanned = _distinct(self.grid, self.community, len(self.grid_names))
        self.main_community = self._main_communities()
        # A grid of a community where nobody lives is held to no band.
        homes_total = totals(self.community, self.households, len(self.community_names))
        deserted = np.append(homes_total == 0, False)  # -1, outside all, is the one appended
        self.nobody = deserted[self.main_community] & (self.total == 0)
        self.communities_counted = self._communities_counted(empty)

    def _main_communities(self) -> NDArray[np.int64]:
        """Return the community of most households of each grid, then of most units; -1 outside all."""
        main = np.full(len(self.grid_names), -1, dtype=np.int64)
        inside = (self.grid >= 0) & (self.community >= 0)
        pairs, which = np.unique(
            np.column_stack([self.grid[inside], self.community[inside]]), axis=0, return_inverse=True
        )
        size = np.bincount(which.ravel(), weights=self.households[inside], minlength=len(pairs))
        units = np.bincount(which.ravel(), minlength=len(pairs))
        order = np.lexsort((-pairs[:, 1], units, size))  # the largest last, so that it is what stays
        main[pairs[order, 0]] = pairs[order, 1]
        return main

    def _communities_counted(self, empty: Mapping[str, str | None]) -> dict[str, GridCount]:
        """Count households and grids of each community, the grids without units among them."""
        number = {name: code for code, name in enumerate(self.community_names)}
        homes = [number.get(home, -1) if home is not None else -1 for home in empty.values()]
        return grid_counts(
            self.community_names,
            unit_ids=self.unit_ids,
            households=self.households,
            community=self.community,
            in_special=np.append(self.exempt, False)[self.grid],  # -1, in no grid, is the one appended
            grid_community=np.append(self.main_community, np.array(homes, dtype=np.int64)),
            exempt=np.append(self.exempt, np.array([grid in self.special for grid in empty], dtype=bool)),
            band=self.band,
        )

    def left_out_households(self) -> dict[str | None, int]:
        """Return the households in no grid by community, None for those outside all."""
        missed = (self.grid < 0) & (self.households > 0)
        count = np.bincount(self.community[missed] + 1, self.households[missed]).astype(np.int64)
        names = [None, *self.community_names]
        return {name: total for name, total in zip(names, count.tolist(), strict=False) if total}

    def split_by(self, codes: NDArray[np.int64], units: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Part units by a code, the part of the most households first, then the one of the first unit."""
        order = units[np.argsort(codes[units], kind="stable")]
        parts = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
        return sorted(parts, key=lambda part: (-int(self.households[part].sum()), int(part[0])))

    def community_id(self, code: int) -> str | None:
        """Return the id of a community; None for none, or where communities are not known."""
        return self.community_names[code] if code >= 0 and self.known_communities else None

    def point(self, units: NDArray[np.int64]) -> tuple[float, float] | None:
        """Return the point of the unit nearest to the middle of some units."""
        if self.points is None or not len(units):
            return None
        found = self.points[units]
        found = found[np.isfinite(found).all(axis=1)]
        if not len(found):
            return None
        nearest = found[np.argmin(((found - found.mean(axis=0)) ** 2).sum(axis=1))]
        return float(nearest[0]), float(nearest[1])


def components(
    n: int, left: NDArray[np.int64], right: NDArray[np.int64], kept: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return the number of the component of each of n units over the pairs kept."""
    if n == 0:
        return np.empty(0, dtype=np.int64)
    graph = coo_array((np.ones(int(kept.sum()), np.int8), (left[kept], right[kept])), shape=(n, n))
    found: Any = connected_components(graph, directed=False)[1]
    return np.asarray(found, dtype=np.int64)


def _distinct(grid: NDArray[np.int64], code: NDArray[np.int64], n_grids: int) -> NDArray[np.int64]:
    """Count the different codes in each grid, -1 not among them."""
    inside = (grid >= 0) & (code >= 0)
    pairs = np.unique(np.column_stack([grid[inside], code[inside]]), axis=0)
    return np.bincount(pairs[:, 0], minlength=n_grids).astype(np.int64)
