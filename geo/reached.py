"""Households that reach a station on foot: by micro-grid, community and station, and who does not.

A micro-grid, a community and the city are sums over units: a unit is reached whole or not at all.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.paths import IntArray, Paths, walkable
from geo.plan_layers import PlanLayers
from geo.planning import inner_points
from geo.reach import METRES_PER_MINUTE, Reach, reach


@dataclass(frozen=True)
class Reached:
    """Who reaches the stations of a plan.

    Attributes
    ----------
    layers : PlanLayers
    stations : GeoDataFrame
        Those that count, in the CRS of `layers`.
    minutes : tuple of float
        The limits, ascending.
    reach : Reach
        Of the units (rows of `layers.units`) and `stations`.
    grid_ids : (n,) object
        Micro-grid of each unit, None for none.
    """

    layers: PlanLayers
    stations: gpd.GeoDataFrame
    minutes: tuple[float, ...]
    reach: Reach
    grid_ids: NDArray[np.object_]

    @property
    def households(self) -> IntArray:
        """Households of each unit."""
        counts: IntArray = self.layers.units["households"].to_numpy(dtype=np.int64)
        return counts

    def within(self) -> dict[str, IntArray]:
        """Return the households of each unit that are reached within each limit: `within_5`, …."""
        return {
            f"within_{limit:g}": np.where(self.reach.minutes <= limit, self.households, 0)
            for limit in self.minutes
        }

    def units(self) -> gpd.GeoDataFrame:
        """Return the units with `grid_id`, `minutes` (missing beyond the last limit) and `station_id`."""
        found = np.array([*self.stations["station_id"], None], object)
        minutes = np.where(np.isfinite(self.reach.minutes), np.round(self.reach.minutes, 2), np.nan)
        kept = self.layers.units[["unit_id", "households", "community_id", "geometry"]]
        columns = {"grid_id": self.grid_ids, "minutes": minutes, "station_id": found[self.reach.station]}
        return kept.assign(**columns)

    def sums(self, key: str) -> pd.DataFrame:
        """Return households, those within each limit and the last one's share, by grid or community."""
        groups = self.grid_ids if key == "grid_id" else self.layers.units[key].to_numpy(dtype=object)
        table = pd.DataFrame({key: groups, "households": self.households, **self.within()})
        summed = table.dropna(subset=[key]).groupby(key, sort=True).sum().reset_index()
        last = summed[f"within_{self.minutes[-1]:g}"]
        return summed.assign(share=(last / summed["households"].where(summed["households"] > 0)).round(4))

    def of_stations(self) -> gpd.GeoDataFrame:
        """Return the stations with the households that reach them, nearest or not, and as their nearest."""
        nearest = np.zeros(len(self.stations), np.int64)
        there = self.reach.station >= 0
        np.add.at(nearest, self.reach.station[there], self.households[there])
        reached = [self.households[doors].sum() for doors in self.reach.within]
        columns = {f"within_{self.minutes[-1]:g}": np.array(reached, np.int64), "nearest": nearest}
        return self.stations.assign(**columns)

    def white_patches(self, cells: Sequence[shapely.Geometry | None]) -> gpd.GeoDataFrame:
        """Return the ground of units that no station is reached from, in one piece each, with its households.

        Parameters
        ----------
        cells : sequence of polygons
            Of the units, in the CRS of `layers`.
        """
        far = np.flatnonzero(~np.isfinite(self.reach.minutes) & (self.households > 0))
        ground = np.array(cells, object)[far]
        kept = ~shapely.is_missing(ground)
        far, ground = far[kept], ground[kept]
        crs = self.layers.working_crs
        patches = shapely.get_parts(shapely.union_all(ground)) if len(ground) else np.empty(0, object)
        home, patch = shapely.STRtree(shapely.point_on_surface(ground)).query(
            patches, predicate="intersects"
        )[::-1]
        households, units = np.zeros(len(patches), np.int64), np.zeros(len(patches), np.int64)
        np.add.at(households, patch, self.households[far][home])
        np.add.at(units, patch, 1)
        return gpd.GeoDataFrame({"households": households, "units": units}, geometry=patches, crs=crs)


def reached(
    layers: PlanLayers,
    stations: gpd.GeoDataFrame,
    grid_ids: NDArray[np.object_],
    *,
    minutes: Sequence[float],
    metres_per_minute: float = METRES_PER_MINUTE,
) -> Reached:
    """Time the walk from every unit to its nearest station by the plan's roads; straight where it has none.

    Parameters
    ----------
    layers : PlanLayers
        Units, roads, and the water, barriers, compounds and gates that cut or open them.
    stations : GeoDataFrame
        `station_id` and points in any CRS.
    grid_ids : (n,) object
        Micro-grid of each unit.
    minutes : sequence of float
        Limits, at least one.
    metres_per_minute : float
    """
    limits = tuple(sorted(set(minutes)))
    standing = stations.to_crs(layers.working_crs)
    found = reach(
        inner_points(layers.units.geometry.to_numpy()), shapely.get_coordinates(standing.geometry.to_numpy()),
        paths_of(layers), limit_minutes=limits[-1], metres_per_minute=metres_per_minute,
    )  # fmt: skip
    return Reached(layers, standing, limits, found, grid_ids)


def paths_of(layers: PlanLayers) -> Paths | None:
    """Return the ways on foot of a plan: all its roads but those nobody walks on; None where it has none."""
    roads = layers.roads[~layers.roads["road_class"].isin(not_walked())]
    if not np.isin(shapely.get_type_id(roads.geometry.to_numpy()), (1, 5)).any():
        return None
    walled = layers.compounds.geometry.to_numpy()[layers.compounds["walled"].to_numpy(dtype=bool)]
    return walkable(
        roads.geometry.to_numpy(),
        is_bridge=roads["bridge"].to_numpy(dtype=bool),
        walls=np.concatenate([layers.barriers.geometry.to_numpy(), walled]),
        water=layers.water.geometry.to_numpy(),
        gates=layers.gates.geometry.to_numpy(),
    )


def obstacle_named(name: str, roads: pd.DataFrame) -> str | None:
    """Return the word by which a layer given as streets tells that it holds walls, rails or water; else None.

    Parameters
    ----------
    name : str
        Of the layer, or of the file without its suffix.
    roads : DataFrame
        A column of it tells where more than half of the features have such a word in it.
    """
    words = _walking("obstacles")
    if name.strip().lower() in words:
        return name.strip()
    for column in roads.columns.drop(["name", "geometry"], errors="ignore"):
        said = roads[column].dropna().astype(str).str.strip().str.lower()
        told = said[said.isin(words)]
        if 2 * len(told) > len(roads):
            return str(told.mode().iloc[0])
    return None


def not_walked() -> frozenset[str]:
    """Return the classes of roads that nobody walks along (`geo/walking.toml`), in lower case."""
    return _walking("not_walked")


@cache
def _walking(words: str) -> frozenset[str]:
    table = tomllib.loads((resources.files("geo") / "walking.toml").read_text(encoding="utf-8"))
    return frozenset(table[words])
