"""Who walks how far, as the map shows it: ground by minutes, the stations, and what each new one adds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS

from geo.reached import Reached
from geo.sited import Sited
from maps.text import one_line


@dataclass(frozen=True)
class WalkMap:
    """What a map of walks is made from.

    Attributes
    ----------
    ground : GeoDataFrame
        `walk` (0 for the first limit, and so on; the last one is beyond all) and `households`; polygons.
    stations : GeoDataFrame
        station_id, name and points; `site` numbers those that are new, and `gained` says what they add.
    note : dict
        What the page tells of it, as `maps/web/src/schema.ts` declares it.
    """

    ground: gpd.GeoDataFrame
    stations: gpd.GeoDataFrame
    note: dict[str, Any] = field(default_factory=dict)


def walk_ground(
    minutes: ArrayLike, households: ArrayLike, limits: tuple[float, ...], cells: NDArray[np.object_], crs: CRS
) -> gpd.GeoDataFrame:
    """Return the ground of units by the first limit that their walk keeps to, one row each, then the rest.

    Parameters
    ----------
    minutes : (n,) float64
        Infinite or not a number where nothing is reached.
    households : (n,) int64
    limits : tuple of float
        Minutes, ascending.
    cells : (n,) object
        Ground of the units, None where it is not known.
    crs : CRS
    """
    walked = np.nan_to_num(np.asarray(minutes, np.float64), nan=np.inf)
    people = np.asarray(households, np.int64)
    classes = np.searchsorted(np.array(limits), walked, side="left")
    there = ~shapely.is_missing(cells)
    rows = range(len(limits) + 1)
    shapes = [
        shapely.coverage_union_all(cells[(classes == row) & there])
        if ((classes == row) & there).any()
        else None
        for row in rows
    ]
    columns = {"walk": list(rows), "households": [int(people[classes == row].sum()) for row in rows]}
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(shapes, crs=crs), crs=crs)


def reach_map(
    found: Reached,
    cells: NDArray[np.object_],
    *,
    at: datetime | None = None,
    left_out: gpd.GeoDataFrame | None = None,
) -> WalkMap:
    """Return the map of who reaches a station.

    Parameters
    ----------
    found : Reached
    cells : (n,) object
        Ground of the units, None where it is not known.
    at : datetime, optional
        When the stations of `found` are open.
    left_out : GeoDataFrame, optional
        Stations that do not count then, as those of `found`, and their `standing`, "shut" or "unknown".
    """
    crs = found.layers.working_crs
    ground = walk_ground(found.reach.minutes, found.households, found.minutes, cells, crs)
    note, stations = _note(ground, found.minutes, found.reach.is_straight), found.stations
    note["within"] = {
        "grids": _within(found, "grid_id"),
        "communities": _within(found, "community_id"),
        "households": found.sums("community_id")
        .set_index("community_id")["households"]
        .astype(int)
        .to_dict(),
        "all": [int(counts.sum()) for counts in found.within().values()],
    }
    if at is not None and left_out is not None:
        parts = [stations.assign(standing="open"), left_out.to_crs(stations.crs)]
        shown = pd.concat([part for part in parts if len(part)], ignore_index=True)
        stations = gpd.GeoDataFrame(shown, geometry="geometry", crs=stations.crs)
        counts = stations["standing"].value_counts()
        note["moment"] = {"at": f"{at:%Y-%m-%d %H:%M}"} | {
            standing: int(counts.get(standing, 0)) for standing in ("open", "shut", "unknown")
        }
    return WalkMap(ground, stations, note)


def site_map(found: Sited, cells: NDArray[np.object_]) -> WalkMap:
    """Return the map of who is served by a standing or a new station, and what each new one adds.

    Where stations have a capacity, ground is that of units by what becomes of most of their households;
    that of units without any is left as it is.
    """
    limits, households, served = (found.question.minutes,), found.nearby.households, found.households_served()
    minutes = found.nearby.minutes_to(found.opened)
    if found.question.capacity is not None:
        minutes = np.where(2 * served >= households, minutes, np.inf)
        cells = cells.copy()
        cells[households == 0] = None
    ground = walk_ground(minutes, households, limits, cells, found.layers.working_crs)
    ground["households"] = [int(served.sum()), found.all_households - int(served.sum())]
    sites = found.sites()
    stations = sites.rename(columns={"place_id": "station_id", "n": "site"})[
        ["station_id", "name", "site", "gained", "households", "geometry"]
    ]
    gains = found.gains.assign(called=found.gains["place_id"].astype(str).map(found.called))
    note = _note(ground, limits, found.is_straight) | {
        "aim": found.question.aim,
        "proved": found.answer.proved,
        "gap": round(found.answer.gap, 6),
        "sites": _rows(gains[gains["chosen"] == 1]),
        "further": _rows(gains[(gains["n"] > 0) & (gains["chosen"] == 0)]),
    }
    if found.question.capacity is not None:
        note["capacity"] = found.question.capacity
        note["blank"] = int((households == 0).sum())
    return WalkMap(ground, stations, note)


def _note(ground: gpd.GeoDataFrame, limits: tuple[float, ...], is_straight: bool) -> dict[str, Any]:
    return {
        "minutes": [float(limit) for limit in limits],
        "households": ground["households"].tolist(),
        "straight": is_straight,
    }


def _within(found: Reached, key: str) -> dict[str, list[int]]:
    """Return the households within each limit by grid or community."""
    sums = found.sums(key)
    return {
        str(one): counts
        for one, counts in zip(sums[key], sums[[*found.within()]].to_numpy().tolist(), strict=True)
    }


def _rows(gains: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {"name": one_line(str(name)), "gained": int(gained), "share": float(share), "saved": float(saved)}
        for name, gained, share, saved in zip(
            *(gains[column] for column in ("called", "gained", "share", "saved")), strict=True
        )
    ]
