"""What a plan file holds, ready for the store, and the digests by which the store knows it again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.floors import COLUMNS as FLOOR_COLUMNS
from geo.partition import Band


@dataclass(frozen=True)
class PlanFile:
    """What a plan file holds, ready for the store.

    Attributes
    ----------
    communities : DataFrame, c rows
        `code`, `name` (None where unknown), `geom` (shape); everything else names a community by its row.
    units : DataFrame
        `community`, `number`, `unit_id`, `households`, `building_id`, `compound_id`, `address`,
        `divided_from`, `floor_from`, `floor_to` (None but for bands of floors), `grid`
        (number of the grid in its community, -1 for none), `geom` and `cell` (EWKB or None); ordered by
        community and number, which counts the unit ids of a community in ascending order from 0.
    pairs : DataFrame
        `community`, `left`, `right` (unit numbers, left < right), `border_m`, `crosses`, `joins`; those
        across community edges are left out.
    grids : DataFrame
        `community`, `number`, `code` and the columns of the store's `grids`; `geom` as EWKB.
    findings : DataFrame
        `community`, `code`, `severity`, `grid_code`, `unit_ids`, `details`, `geom`; notes on the reading
        that belong to no community are left out.
    surroundings : mapping of layer to GeoDataFrame
        Roads, water, barriers, gates and compounds.
    band : Band
    seed : int
    units_outside : int
        Units outside every community, which no ground can hold.
    """

    communities: pd.DataFrame
    units: pd.DataFrame
    pairs: pd.DataFrame
    grids: pd.DataFrame
    findings: pd.DataFrame
    surroundings: Mapping[str, gpd.GeoDataFrame]
    band: Band
    seed: int
    units_outside: int

    def slices(self, frame: pd.DataFrame) -> list[slice]:
        """Return the rows of each community in one of the frames."""
        edges = np.searchsorted(frame["community"].to_numpy(), np.arange(len(self.communities) + 1))
        return [slice(int(start), int(end)) for start, end in pairwise(edges)]

    def ground_digests(self) -> list[bytes]:
        """Return the SHA-256 of the ground of each community: its units, their cells and pairs."""
        units, pairs = self.slices(self.units), self.slices(self.pairs)
        told = ("unit_id", "households", "building_id", "compound_id", "address", *FLOOR_COLUMNS)
        texts_of = [self.units[name].tolist() for name in told]
        shapes = [self.units[name].to_numpy() for name in ("geom", "cell")]
        relations = [
            np.ascontiguousarray(self.pairs[name].to_numpy())
            for name in ("left", "right", "border_m", "crosses", "joins")
        ]
        digests = []
        for of_units, of_pairs in zip(units, pairs, strict=True):
            digest = hashlib.sha256(_json([column[of_units] for column in texts_of]))
            for column in shapes:
                parts = [wkb or b"" for wkb in column[of_units]]
                digest.update(_json([len(part) for part in parts]))
                digest.update(b"".join(parts))
            for relation in relations:
                digest.update(relation[of_pairs].tobytes())
            digests.append(digest.digest())
        return digests

    def version_digests(self, grounds: Sequence[bytes]) -> list[bytes]:
        """Return the SHA-256 of the plan of each community: its ground, grids, assignment, findings, band."""
        every = zip(
            grounds, self.slices(self.units), self.slices(self.grids), self.slices(self.findings), strict=True
        )
        grids, findings = (
            frame.drop(columns=["geom", "community"]).to_numpy(dtype=object).tolist()
            for frame in (self.grids, self.findings)
        )
        grid_of_unit, shapes = self.units["grid"].to_numpy(), self.grids["geom"].to_numpy()
        digests = []
        for ground, of_units, of_grids, of_findings in every:
            digest = hashlib.sha256(ground + _json([self.band.lower, self.band.upper, self.seed]))
            digest.update(np.ascontiguousarray(grid_of_unit[of_units]).tobytes())
            digest.update(_json([grids[of_grids], findings[of_findings]]))
            digest.update(b"".join(shapes[of_grids]))
            digests.append(digest.digest())
        return digests


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=str).encode()
