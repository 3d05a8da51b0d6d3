"""Linked households of a whole plan: micro-grid by micro-grid, with what does not fit the bounds and why."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from geo.errors import InputError
from geo.findings import Finding, Value
from geo.linking import FloatArray, Hosts, IntArray, Links, linked
from geo.names import listed
from geo.paths import Paths
from geo.plan_layers import PlanLayers
from geo.planning import inner_points
from geo.reach import walks
from geo.reached import paths_of

# Places lie in the micro-grid of the households they link; whoever walks further than this goes round.
_FAR_M = 1_500.0
_GRID_COLUMNS = [
    "grid_id",
    "households",
    "members",
    "links",
    "linked",
    "unlinked",
    "metres",
    "bound",
    "proved",
]


@dataclass(frozen=True)
class PlanLinks:
    """Links of a plan.

    Attributes
    ----------
    layers : PlanLayers
    members : GeoDataFrame
        member_id, grid_id, households (member households at the place), links (those that link others),
        linked (households), status (ok, too_small, too_large, idle, outside), contiguous; working CRS.
    links : GeoDataFrame
        Lines from a place to a unit: member_id, unit_id, grid_id, households, metres, straight (whether the
        metres are those of a straight line, since no way leads there, or none within 1,500 m).
    micro_grids : DataFrame
        grid_id, households, members, links, linked, unlinked, metres (household-metres, walked or straight),
        bound (at least), proved (1 where no shorter walks are possible).
    findings : tuple of Finding
    """

    layers: PlanLayers
    members: gpd.GeoDataFrame
    links: gpd.GeoDataFrame
    micro_grids: pd.DataFrame
    findings: tuple[Finding, ...]


def plan_links(
    layers: PlanLayers,
    grid_ids: NDArray[np.object_],
    cells: NDArray[np.object_],
    pairs: tuple[IntArray, IntArray],
    members: gpd.GeoDataFrame,
    *,
    lower: int,
    upper: int,
) -> PlanLinks:
    """Link the households of every micro-grid to the member households in it.

    Parameters
    ----------
    layers : PlanLayers
        n units, and roads, water, barriers and gates.
    grid_ids : (n,) object
        Micro-grid of each unit, None for none.
    cells : (n,) object
        Ground of each unit in the working CRS, None where it is not known.
    pairs : (m,) int64, twice
        Units that one can walk between.
    members : GeoDataFrame
        member_id, households (1 where it is missing) and points, in any CRS.
    lower, upper : int
        Households that one member household links.
    """
    if not 1 <= lower <= upper:
        raise InputError(
            "band_invalid", f"a band from {lower} to {upper} households is not possible",
            mend="give whole numbers with 1 <= lower <= upper <= 1,000,000",
            lower=str(lower), upper=str(upper),
        )  # fmt: skip
    scene = _Scene.of(layers, grid_ids, cells, members)
    names = sorted({name for name in grid_ids if name is not None})
    code = pd.Categorical(grid_ids, categories=names).codes.astype(np.int64)
    host_grid = np.where(scene.home >= 0, code[scene.home], -1)
    left, right = pairs
    units_of, places_of = _by_code(code, len(names)), _by_code(host_grid, len(names))
    pairs_of = _by_code(np.where(code[left] == code[right], code[left], -1), len(names))
    made = [
        _linked_grid(
            scene, name, units, places[scene.count[places] > 0], (left[near], right[near]),
            lower=lower, upper=upper,
        )
        for name, units, places, near in zip(names, units_of, places_of, pairs_of, strict=True)
    ]  # fmt: skip
    lines = _lines([grid.links for grid in made if grid.links is not None], scene)
    findings = [
        *(finding for grid in made for finding in grid.findings),
        *_told_outside(scene),
        *_told_straight(lines, has_ways=scene.has_ways),
    ]
    of_place = np.array([*names, None], object)[host_grid]
    told = _members(scene, of_place, made, lower=lower, upper=upper)
    micro_grids = pd.DataFrame([grid.row for grid in made], columns=_GRID_COLUMNS)
    return PlanLinks(layers, told, lines, micro_grids, tuple(findings))


@dataclass(frozen=True)
class _Scene:
    """What is linked: n units with their doors, p places of member households, and the walks between.

    `home` is the unit on whose ground a place lies, -1 for none; `walked` as `_walked` returns it.
    """

    layers: PlanLayers
    placed: gpd.GeoDataFrame
    households: IntArray
    count: IntArray
    doors: FloatArray
    spots: FloatArray
    home: IntArray
    walked: csr_matrix
    has_ways: bool

    @classmethod
    def of(
        cls,
        layers: PlanLayers,
        grid_ids: NDArray[np.object_],
        cells: NDArray[np.object_],
        members: gpd.GeoDataFrame,
    ) -> _Scene:
        """Place the member households and walk to them; arguments as `plan_links`."""
        placed = members.to_crs(layers.working_crs).reset_index(drop=True)
        spots = shapely.get_coordinates(placed.geometry.to_numpy())
        count = np.ones(len(placed), np.int64)
        if "households" in placed:
            count = placed["households"].fillna(1).to_numpy(dtype=np.int64)
        doors = inner_points(layers.units.geometry.to_numpy())
        paths = paths_of(layers)
        return cls(
            layers, placed, layers.units["households"].to_numpy(dtype=np.int64), count, doors, spots,
            _homes(spots, cells, doors, grid_ids), _walked(doors, spots, paths), paths is not None,
        )  # fmt: skip


@dataclass(frozen=True)
class _GridLinks:
    """Links of one micro-grid: its row of `micro_grids`, its links for `_lines`, and what is told."""

    row: tuple[str | int | float, ...]
    findings: list[Finding]
    places: IntArray
    found: Links | None = None
    links: pd.DataFrame | None = None


def _linked_grid(
    scene: _Scene,
    name: str,
    units: IntArray,
    places: IntArray,
    pairs: tuple[IntArray, IntArray],
    *,
    lower: int,
    upper: int,
) -> _GridLinks:
    """Link the units of one micro-grid to the places in it."""
    total, able = int(scene.households[units].sum()), int(scene.count[places].sum())
    spot = _middle(scene.doors, units)
    if not len(places):
        values: dict[str, Value] = {"households": total, "needed": -(-total // upper)}
        alone = Finding("grid_without_members", "error", grid_id=name, values=values, point=spot)
        return _GridLinks((name, total, 0, 0, 0, total, 0.0, 0.0, 1), [alone] if total else [], places)
    position = np.full(len(scene.households), -1)
    position[units] = np.arange(len(units))
    metres, straight = _block(scene, units, places)
    found = linked(
        scene.households[units], Hosts(position[scene.home[places]], scene.count[places]),
        metres if straight.all() else np.where(straight, metres + _FAR_M, metres),
        position[pairs[0]], position[pairs[1]], lower=lower, upper=upper,
    )  # fmt: skip
    findings = _told(found, name, scene, places, total, able, (lower, upper))
    links = pd.DataFrame(
        {
            "place": places[found.place],
            "unit": units[found.unit],
            "grid_id": name,
            "households": found.households,
            "metres": np.round(metres[found.unit, found.place], 1),
            "straight": straight[found.unit, found.place],
        }
    )
    # What could be saved is counted with the long way round, what is told as walked is not.
    walked_m = float((found.households * metres[found.unit, found.place]).sum())
    saved_m = min(found.metres - found.bound, walked_m)
    if not found.proved:
        percent = math.ceil(100 * saved_m / walked_m) if walked_m else 0
        values = {"metres": round(walked_m / total), "percent": percent}
        findings.append(Finding("links_not_proved", "info", grid_id=name, values=values, point=spot))
    counts = (total, able, int(found.links.sum()), int(found.households.sum()), 0)
    walks_m = (round(walked_m, 1), round(walked_m - saved_m, 1), int(found.proved))
    return _GridLinks((name, *counts, *walks_m), findings, places, found, links)


def _members(
    scene: _Scene, of_place: NDArray[np.object_], made: list[_GridLinks], *, lower: int, upper: int
) -> gpd.GeoDataFrame:
    """Return the places with what each links, and whether that fits the bounds."""
    n = len(scene.placed)
    links, reached, contiguous = np.zeros(n, np.int64), np.zeros(n, np.int64), np.ones(n, bool)
    for grid in made:
        if grid.found is not None:
            links[grid.places], reached[grid.places] = grid.found.links, grid.found.of_place()
            contiguous[grid.places] = grid.found.is_contiguous
    status = np.select(
        [scene.home < 0, links == 0, reached < lower * links, reached > upper * links],
        ["outside", "idle", "too_small", "too_large"],
        "ok",
    )
    return gpd.GeoDataFrame(
        {
            "member_id": scene.placed["member_id"].to_numpy(), "grid_id": of_place,
            "households": scene.count, "links": links, "linked": reached,
            "status": status.astype(object), "contiguous": contiguous,
        },
        geometry=scene.placed.geometry.to_numpy(), crs=scene.layers.working_crs,
    )  # fmt: skip


def _by_code(code: IntArray, k: int) -> list[IntArray]:
    """Return the positions of each code from 0 to k - 1, ascending; those below 0 are of none."""
    order = np.argsort(code, kind="stable")
    bounds = np.searchsorted(code[order], np.arange(k + 1))
    return [order[start:end] for start, end in pairwise(bounds)]


def _homes(
    spots: FloatArray, cells: NDArray[np.object_], doors: FloatArray, grid_ids: NDArray[np.object_]
) -> IntArray:
    """Return the unit on whose ground each place lies, -1 where that is in no micro-grid."""
    home = np.full(len(spots), -1)
    place, unit = shapely.STRtree(cells).query(shapely.points(spots), predicate="intersects")
    first = np.unique(place, return_index=True)[1]
    home[place[first]] = unit[first]
    # A unit without ground of its own is the one whose door is nearest.
    bare = np.flatnonzero(shapely.is_missing(cells) & ~np.isnan(doors).any(axis=1))
    if len(bare) == (~np.isnan(doors).any(axis=1)).sum():
        near = shapely.STRtree(shapely.points(doors[bare])).nearest(shapely.points(spots))
        home = bare[near]
    in_grid = np.array([name is not None for name in grid_ids], bool)
    return np.where((home >= 0) & in_grid[home], home, -1)


def _walked(doors: FloatArray, spots: FloatArray, paths: Paths | None) -> csr_matrix:
    """Return the metres from units to places, (n, p), plus one so that no walk is 0; missing ones are far."""
    if paths is None:
        return csr_matrix((len(doors), len(spots)))
    found = walks(doors, spots, paths, limit_m=_FAR_M)
    place = np.repeat(np.arange(len(spots)), [len(each) for each in found.doors])
    unit = np.concatenate([*found.doors, np.empty(0, np.int64)])
    metres = np.concatenate([*found.metres, np.empty(0)])
    return csr_matrix((metres + 1.0, (unit, place)), shape=(len(doors), len(spots)))


def _block(scene: _Scene, units: IntArray, places: IntArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return the metres of some units to some places, and where they are straight for want of a way."""
    metres: FloatArray = scene.walked[units][:, places].toarray() - 1.0
    gap = scene.doors[units][:, None, :] - scene.spots[places][None, :, :]
    straight = np.nan_to_num(np.hypot(gap[..., 0], gap[..., 1]))
    return np.where(metres < 0, straight, metres), metres < 0


def _told_outside(scene: _Scene) -> list[Finding]:
    """Return a finding for each place that lies in no micro-grid."""
    return [
        Finding(
            "member_outside", "warning", values={"member": str(scene.placed["member_id"].iloc[place])},
            point=(float(scene.spots[place, 0]), float(scene.spots[place, 1])),
        )
        for place in np.flatnonzero(scene.home < 0).tolist()
    ]  # fmt: skip


def _told_straight(lines: gpd.GeoDataFrame, *, has_ways: bool) -> list[Finding]:
    """Return the one finding that says how many links are straight lines, and why."""
    straight = lines[lines["straight"] == 1]
    if straight.empty:
        return []
    values: dict[str, Value] = {
        "links": len(straight), "households": int(straight["households"].sum()),
        "units": int(straight["unit_id"].nunique()), "limit_m": int(_FAR_M),
        "reason": "links_no_way" if has_ways else "links_no_streets",
    }  # fmt: skip
    return [Finding("links_straight", "warning", values=values)]


def _middle(doors: FloatArray, units: IntArray) -> tuple[float, float] | None:
    known = units[~np.isnan(doors[units]).any(axis=1)]
    if not len(known):
        return None
    x, y = doors[known].mean(axis=0)
    return float(x), float(y)


def _told(
    found: Links,
    name: str,
    scene: _Scene,
    places: IntArray,
    total: int,
    able: int,
    bounds: tuple[int, int],
) -> list[Finding]:
    """Return what does not fit the bounds in one micro-grid, and why: all places of one fault together."""
    lower, upper = bounds
    fits = -(-total // upper) <= min(able, total // lower)
    spots, ids = scene.spots, scene.placed["member_id"].to_numpy(dtype=object)[places]
    reached = found.of_place()
    above, below = reached > upper * found.links, (reached < lower * found.links) & (found.links > 0)
    told = []

    def one(code: str, rows: NDArray[np.bool_], reason: str, **values: Value) -> Finding:
        """Return one finding of several places: what they lack, they lack together."""
        first = spots[places[np.flatnonzero(rows)[0]]]
        shown: dict[str, Value] = {
            "member": listed(map(str, ids[rows])), "places": int(rows.sum()),
            "households": int(reached[rows].sum()), "links": int(found.links[rows].sum()),
            "lower": lower, "upper": upper, "reason": reason, **values,
        }  # fmt: skip
        return Finding(code, "error", grid_id=name, values=shown, point=(float(first[0]), float(first[1])))

    otherwise = "links_contiguity" if fits else "links_no_legal_count"
    above &= found.links > 0
    if above.any():
        reason = "members_too_few" if total > upper * able else otherwise
        told.append(one("link_too_large", above, reason, needed=max(-(-total // upper) - able, 0)))
    if below.any():
        told.append(one("link_too_small", below, "grid_has_few" if total < lower else otherwise))
    for at in np.flatnonzero(~np.asarray(found.is_contiguous)).tolist():
        values: dict[str, Value] = {
            "member": str(ids[at]), "households": int(reached[at]), "links": int(found.links[at]),
            "lower": lower, "upper": upper,
        }  # fmt: skip
        point = (float(spots[places[at], 0]), float(spots[places[at], 1]))
        told.append(Finding("link_in_pieces", "warning", grid_id=name, values=values, point=point))
    return told


def _lines(rows: list[pd.DataFrame], scene: _Scene) -> gpd.GeoDataFrame:
    """Return the links as lines from the place to the unit; a unit without a place has none."""
    columns = ("place", "unit", "grid_id", "households", "metres", "straight")
    empty = pd.DataFrame({column: [] for column in columns})
    table = pd.concat([empty.astype({"place": np.int64, "unit": np.int64}), *rows], ignore_index=True)
    place, unit = table["place"].to_numpy(dtype=np.int64), table["unit"].to_numpy(dtype=np.int64)
    doors, ids = scene.doors, scene.placed["member_id"].to_numpy(dtype=object)
    lines = shapely.linestrings(np.stack([scene.spots[place], np.nan_to_num(doors[unit])], axis=1))
    lines = np.where(np.isnan(doors[unit]).any(axis=1), None, lines)
    return gpd.GeoDataFrame(
        {
            "member_id": ids[place],
            "unit_id": scene.layers.units["unit_id"].to_numpy(dtype=object)[unit],
            "grid_id": table["grid_id"].to_numpy(dtype=object),
            "households": table["households"].to_numpy(dtype=np.int64),
            "metres": table["metres"].to_numpy(dtype=np.float64),
            "straight": table["straight"].to_numpy(dtype=np.int64),
        },
        geometry=lines, crs=scene.layers.working_crs,
    )  # fmt: skip
