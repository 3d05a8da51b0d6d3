"""What can be measured of a plan: size and shape of each grid, and how good the whole is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.adjacency import Adjacency
from geo.partition.partition import Band

Integers = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Shapes:
    """Size and shape of n polygons.

    Attributes
    ----------
    area_m2, perimeter_m : (n,) float64
        Holes are not part of the area; their edges are part of the perimeter.
    compactness : (n,) float64
        Polsby-Popper: 4 pi area / perimeter^2, 1 for a disc, 0.785 for a square; 0 without area.
    """

    area_m2: NDArray[np.float64]
    perimeter_m: NDArray[np.float64]
    compactness: NDArray[np.float64]


@dataclass(frozen=True)
class PlanMeasures:
    """How good a whole plan is.

    Attributes
    ----------
    n_grids : int
        Grids that hold at least one unit.
    share_in_band : float
        Share of grids whose households are in the band (0 to 1; 1 when there are none).
    households_out_of_band : int
        Households that live in grids out of band.
    deviation : float
        Root of the mean squared distance of grid totals from the middle of the band, in households.
    cut_edges : int
        Pairs of adjacent units that lie in two different grids.
    cut_border_m : float
        Length of their common borders in metres.
    split_compounds : int
        Compounds cut into more grids than they need: than ceil(households / upper), at least one.
    """

    n_grids: int
    share_in_band: float
    households_out_of_band: int
    deviation: float
    cut_edges: int
    cut_border_m: float
    split_compounds: int


def shapes(polygons: NDArray[np.object_]) -> Shapes:
    """Measure polygons whose coordinates are in metres.

    References
    ----------
    Polsby, D. D., and Popper, R. D. (1991). The third criterion: compactness as a procedural safeguard
    against partisan gerrymandering. Yale Law & Policy Review 9, 301-353.
    """
    area_m2 = np.asarray(shapely.area(polygons), dtype=np.float64)
    perimeter_m = np.asarray(shapely.length(polygons), dtype=np.float64)
    square = perimeter_m**2
    compactness = np.divide(4 * np.pi * area_m2, square, out=np.zeros_like(square), where=square > 0)
    return Shapes(area_m2, perimeter_m, compactness)


def totals(labels: Integers, households: Integers, n_grids: int) -> NDArray[np.int64]:
    """Return the households of each grid; `labels` are 0 to n_grids - 1, -1 for a unit in none."""
    inside = labels >= 0
    # Sums of whole numbers are exact in float64 below 2^53.
    sums = np.bincount(labels[inside], weights=households[inside], minlength=n_grids)
    return sums.astype(np.int64)


def unit_counts(labels: Integers, n_grids: int) -> NDArray[np.int64]:
    """Return the number of units of each grid; `labels` as in `totals`."""
    return np.bincount(labels[labels >= 0], minlength=n_grids).astype(np.int64)


def id_codes(ids: NDArray[Any] | Sequence[object]) -> tuple[NDArray[np.int64], list[str]]:
    """Number ids in ascending order; a missing id is -1."""
    codes, names = pd.factorize(np.asarray(ids, dtype=object), sort=True)
    return codes.astype(np.int64), list(names)


def plan_measures(
    adjacency: Adjacency,
    households: Integers,
    labels: Integers,
    *,
    band: Band,
    compounds: NDArray[np.object_] | None = None,
) -> PlanMeasures:
    """Measure an assignment of units to grids.

    Parameters
    ----------
    adjacency : Adjacency
        n units and m pairs.
    households : (n,) int64
        Households of each unit.
    labels : (n,) int64
        Grid of each unit, any numbers from 0; -1 for a unit in none.
    band : Band
        Fewest and most households of a grid.
    compounds : (n,) object, optional
        Compound of each unit; None where it is in none.
    """
    numbers, grids = np.unique(labels[labels >= 0], return_inverse=True)
    dense = np.full(len(labels), -1, dtype=np.int64)
    dense[labels >= 0] = grids
    sums = totals(dense, households, len(numbers))
    fits = (sums >= band.lower) & (sums <= band.upper)
    middle = (band.lower + band.upper) / 2
    a, b = dense[adjacency.left], dense[adjacency.right]
    cut = (a != b) & (a >= 0) & (b >= 0)
    return PlanMeasures(
        n_grids=len(numbers),
        share_in_band=float(fits.mean()) if len(numbers) else 1.0,
        households_out_of_band=int(sums[~fits].sum()),
        deviation=float(np.sqrt(np.mean((sums - middle) ** 2))) if len(numbers) else 0.0,
        cut_edges=int(cut.sum()),
        cut_border_m=float(adjacency.border_m[cut].sum()),
        split_compounds=0 if compounds is None else len(split_compounds(dense, households, compounds, band)),
    )


def split_compounds(
    labels: Integers, households: Integers, compounds: NDArray[np.object_], band: Band
) -> list[str]:
    """Return the compounds that lie in more grids than their households need, in ascending order."""
    codes, names = id_codes(compounds)
    known = (codes >= 0) & (labels >= 0)
    pairs = np.unique(np.column_stack([codes[known], labels[known]]), axis=0)
    grids = np.bincount(pairs[:, 0], minlength=len(names))
    size = totals(np.where(known, codes, -1), households, len(names))
    needed = np.maximum(1, -(-size // band.upper))
    return [names[compound] for compound in np.flatnonzero(grids > needed)]
