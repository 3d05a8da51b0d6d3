"""Layers that can be read but hardly be meant: one given for another, gates without walls, heaped units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from geopandas import GeoDataFrame
from numpy.typing import NDArray

from geo.adjacency import PASSAGE_M
from geo.columns import columns_held, road_classes
from geo.errors import InputError
from geo.findings import Finding, Value
from geo.repair import LINES, POLYGONS
from geo.units import texts

# A slab has seldom more stairwells; more units in one place come from addresses that were not found.
HEAPED_UNITS = 8

# So many communities with a median area below that of a large building are footprints.
_MANY_COMMUNITIES = 5
_FOOTPRINT_M2 = 2_000.0

# A column speaks of roads when at least this share of what it says is a class of road.
_ROADS_SHARE = 0.5

# A message names so many words that were not understood.
_EXAMPLES = 5


def require_own_kind(
    kind: str, names: Sequence[str], values: Sequence[NDArray[Any]], fields: Mapping[str, str]
) -> None:
    """Refuse a layer whose columns are those of another kind.

    Parameters
    ----------
    kind : str
        What it is given as.
    names, values
        Its columns as given.
    fields : mapping
        Our columns that the user named; where these say what the layer is, nothing is refused.

    Raises
    ------
    InputError
        It looks like a layer of another kind.
    """
    unit, community, grid = (columns_held(each, names) for each in ("units", "communities", "grids"))
    looks, columns = "", {"unit_id": unit.get("unit_id"), "households": unit.get("households")}
    if kind == "units":
        if unit.keys() & {"unit_id", "households"} == {"households"} and _all_differ(grid, values):
            looks, columns = "grids", {"grid_id": grid["grid_id"], "households": unit["households"]}
        elif not unit.keys() & {"unit_id", "households"} and {"community_id", "name"} <= community.keys():
            looks, columns = "communities", dict(community)
    elif kind == "communities":
        if "unit_id" in unit:
            looks = "units"
        elif "grid_id" in grid and "community_id" not in community:
            looks, columns = "grids", {"grid_id": grid["grid_id"]}
    elif kind in ("roads", "water", "barriers", "gates", "compounds"):
        road = columns_held("roads", names).get("road_class")
        if {"unit_id", "households"} <= unit.keys():
            looks = "units"
        elif kind == "water" and road is not None and _speaks_of_roads(values[road]):
            looks, columns = "roads", {"road_class": road}
    if looks and not fields.keys() & {"households", "unit_id", "community_id"}:
        listed = ", ".join(names[at] for at in columns.values() if at is not None)
        raise InputError(
            "layer_is_another",
            f"it looks like the layer for --{looks} (it has {listed})",
            mend=f"give --{kind} the layer of {kind}",
            kind=kind,
            looks=looks,
            names=listed,
        )


def _all_differ(grid: Mapping[str, int], values: Sequence[NDArray[Any]]) -> bool:
    """Whether there is a column of grids that names another one in every row, as a layer of grids does."""
    if "grid_id" not in grid:
        return False
    ids = texts(values[grid["grid_id"]]).tolist()
    return len(ids) > 1 and len(set(ids)) == len(ids) and None not in ids


def _speaks_of_roads(values: NDArray[Any]) -> bool:
    said = [text.casefold() for text in texts(values) if text is not None]
    return bool(said) and sum(text in road_classes() for text in said) >= _ROADS_SHARE * len(said)


def require_units_within(units: GeoDataFrame, communities: GeoDataFrame, *, file: str) -> None:
    """Refuse units that are larger than the communities: the two layers are swapped, or one is given twice.

    Parameters
    ----------
    units, communities : GeoDataFrame
        In one CRS in metres.
    file : str
        How messages name the units.
    """
    footprints = _polygons(units)
    if not len(footprints):
        return
    grounds = communities.geometry.to_numpy()
    same = len(footprints) == len(grounds) > 1 and bool(shapely.equals(footprints, grounds).all())
    if same or np.median(shapely.area(footprints)) > np.median(shapely.area(grounds)):
        raise InputError(
            "units_larger_than_communities",
            "its polygons are as large as the communities",
            mend="check whether --units and --communities are swapped",
            file=file,
            layer="units",
        )


def look_like_buildings(communities: GeoDataFrame, *, file: str) -> list[Finding]:
    """Return a finding where the communities are as small as buildings.

    Parameters
    ----------
    communities : GeoDataFrame
        In a CRS in metres.
    file : str
        How messages name them.
    """
    median_m2 = float(np.median(shapely.area(communities.geometry.to_numpy())))
    if len(communities) < _MANY_COMMUNITIES or median_m2 >= _FOOTPRINT_M2:
        return []
    values: dict[str, Value] = {"file": file, "n": len(communities), "median_m2": round(median_m2)}
    return [Finding("communities_look_like_buildings", "warning", values=values)]


def shared_places(units: GeoDataFrame) -> list[Finding]:
    """Return findings on units with exactly the same point or footprint.

    One warning for each place with at least HEAPED_UNITS units, the fullest first, and one note for all
    places with fewer: the stairwells of a building often share its footprint. Where only one of them has
    households, as in flats above a market hall, nothing can be counted twice and the note leaves it out.

    Parameters
    ----------
    units : GeoDataFrame
        In a CRS in metres; those without geometry do not count.
    """
    rows = np.flatnonzero(~units.geometry.isna().to_numpy())
    if not len(rows):
        return []
    shapes = units.geometry.to_numpy()[rows]
    # A point has one form; the same ring may begin at another corner.
    polygonal = np.isin(shapely.get_type_id(shapes), sorted(POLYGONS))
    shapes = np.where(polygonal, shapely.normalize(shapes), shapes)
    _, place, count = np.unique(shapely.to_wkb(shapes), return_inverse=True, return_counts=True)
    ids = units["unit_id"].to_numpy(dtype=object)[rows]
    households = units["households"].to_numpy(dtype=np.int64)[rows]
    spots = shapely.get_coordinates(shapely.point_on_surface(shapes))
    order = np.lexsort((ids.astype(str), place))
    findings = []
    for members in np.split(order, np.cumsum(count)[:-1]):
        if len(members) >= HEAPED_UNITS:
            findings.append(
                Finding(
                    "units_at_one_place",
                    "warning",
                    unit_ids=tuple(ids[members].tolist()),
                    values={"units": len(members), "households": int(households[members].sum())},
                    point=(float(spots[members[0], 0]), float(spots[members[0], 1])),
                )
            )
    findings.sort(key=lambda finding: (-len(finding.unit_ids), finding.unit_ids))
    lived_in = np.bincount(place, weights=households > 0, minlength=len(count))
    shared = (lived_in > 1) & (count < HEAPED_UNITS)
    few = order[shared[place[order]]]
    if len(few):
        values: dict[str, Value] = {"units": len(few), "places": int(shared.sum())}
        findings.append(
            Finding("units_share_places", "info", unit_ids=tuple(ids[few].tolist()), values=values)
        )
    return findings


def gates_without_wall(
    gates: GeoDataFrame, barriers: GeoDataFrame, compounds: GeoDataFrame, *, file: str
) -> list[Finding]:
    """Return a finding on the gates that open nothing: no barrier or walled compound is within PASSAGE_M.

    Parameters
    ----------
    gates, barriers, compounds : GeoDataFrame
        In one CRS in metres.
    file : str
        How messages name the gates.
    """
    spots = gates.geometry.to_numpy()
    walls = shapely.boundary(compounds.geometry.to_numpy()[compounds["walled"].to_numpy(dtype=bool)])
    edges = barriers.geometry.to_numpy()
    edges = np.where(np.isin(shapely.get_type_id(edges), sorted(POLYGONS)), shapely.boundary(edges), edges)
    near = np.zeros(len(spots), dtype=bool)
    tree = shapely.STRtree(np.concatenate([edges, walls]))
    near[tree.query(spots, predicate="dwithin", distance=PASSAGE_M)[0]] = True
    far = np.flatnonzero(~near & ~shapely.is_missing(spots))
    if not len(far):
        return []
    x, y = shapely.get_coordinates(spots[far[0]])[0]
    values: dict[str, Value] = {
        "file": file,
        "n": len(far),
        "gates": len(spots),
        "first": f"#{far[0] + 1}",
        "distance_m": PASSAGE_M,
    }
    return [Finding("gates_without_wall", "warning", values=values, point=(float(x), float(y)))]


def doubtful_roads(roads: GeoDataFrame, *, file: str) -> list[Finding]:
    """Return findings on roads that are surfaces, and on classes of which none is known.

    Parameters
    ----------
    roads : GeoDataFrame
        `road_class` in lower case, lines or polygons, in a CRS in metres.
    file : str
        How messages name them.
    """
    findings = []
    kinds = shapely.get_type_id(roads.geometry.to_numpy())
    surfaces = np.flatnonzero(np.isin(kinds, sorted(POLYGONS)))
    if len(surfaces):
        x, y = shapely.get_coordinates(shapely.point_on_surface(roads.geometry.to_numpy()[surfaces[0]]))[0]
        values: dict[str, Value] = {
            "file": file,
            "n": len(surfaces),
            "lines": int(np.isin(kinds, sorted(LINES)).sum()),
            "first": f"#{surfaces[0] + 1}",
        }
        findings.append(Finding("roads_are_polygons", "warning", values=values, point=(float(x), float(y))))
    said = sorted({str(name) for name in roads["road_class"] if name is not None})
    if said and not road_classes() & set(said):
        values = {"file": file, "examples": ", ".join(said[:_EXAMPLES])}
        findings.append(Finding("road_classes_not_known", "warning", values=values))
    return findings


def _polygons(frame: GeoDataFrame) -> NDArray[np.object_]:
    shapes: NDArray[np.object_] = frame.geometry.to_numpy()
    return shapes[np.isin(shapely.get_type_id(shapes), sorted(POLYGONS))]
