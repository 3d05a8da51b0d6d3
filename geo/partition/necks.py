"""Necks: units that touch along a border far shorter than the way between their middles.

One can walk from the one to the other, but a grid that hangs on such a border is two places with a corner
in common. A region is divided as if its necks could not be walked, where that leaves every part in the band.

References
----------
Kruskal, J. (1956). On the shortest spanning subtree of a graph and the traveling salesman problem.
Proceedings of the American Mathematical Society 7(1) (the tree over the widest borders holds a region
together).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import minimum_spanning_tree

from geo.adjacency import Adjacency
from geo.partition.pieces import Atoms
from geo.partition.region import Region

# A border below this share of the way between the two middles is a neck; sides of like squares are 1.
NECK = 0.2


class Necks:
    """The necks among the atoms of a city.

    Parameters
    ----------
    atoms : Atoms
    adjacency : Adjacency
        Of the units of these atoms.
    contact : (m,) float64
        Border of each pair of units against the way between their middles (`adjacency.contact`).
    """

    def __init__(self, atoms: Atoms, adjacency: Adjacency, contact: NDArray[np.float64]) -> None:
        self._k = len(atoms)
        one, two = atoms.of_unit[adjacency.left], atoms.of_unit[adjacency.right]
        pair = np.minimum(one, two) * self._k + np.maximum(one, two)
        order = np.lexsort((-contact, pair))
        self._pair, first = np.unique(pair[order], return_index=True)
        self._contact = contact[order][first]

    def spared(self, region: Region) -> Region | None:
        """Return a region whose necks do not join, but for those that hold it together; None without any."""
        pair = region.atoms[region.left] * self._k + region.atoms[region.right]
        contact = self._contact[np.searchsorted(self._pair, pair)]
        necks = region.joins & (contact < NECK)
        if not necks.any():
            return None
        n = len(region)
        walked = np.flatnonzero(region.joins)
        # Of all trees that hold the region together the one over the widest borders.
        ends = region.left[walked], region.right[walked]
        narrow = 1 / np.maximum(contact[walked], 1e-9)
        tree = minimum_spanning_tree(coo_matrix((narrow, ends), shape=(n, n)).tocsr()).tocoo()
        kept = np.minimum(tree.row, tree.col).astype(np.int64) * n + np.maximum(tree.row, tree.col)
        needed = np.isin(region.left * n + region.right, kept)
        if not (necks & ~needed).any():
            return None
        return replace(region, joins=region.joins & ~(necks & ~needed))
