"""Layers that can be read but hardly be meant: one given for another, gates without walls, damaged ids."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import shapely
from geopandas import GeoDataFrame
from numpy.typing import NDArray

from geo.adjacency import PASSAGE_M
from geo.columns import columns_held, road_classes, words
from geo.errors import InputError
from geo.findings import Finding, Value
from geo.floors import towers
from geo.partition.partition import Band
from geo.repair import LINES, POLYGONS
from geo.units import texts

# A slab has seldom more stairwells; more units in one place come from addresses that were not found.
HEAPED_UNITS = 8

# So many communities with a median area below that of a large building are footprints.
_MANY_COMMUNITIES = 5
_FOOTPRINT_M2 = 2_000.0

# A column speaks of roads when at least this share of what it says is a class of road.
_ROADS_SHARE = 0.5

# Standing grids that hold a smaller share of the units of the communities they reach are those of elsewhere.
_STANDING_SHARE = 0.05
# Of so many grids, this share with one small unit each is a layer of units.
_MANY_GRIDS, _SINGLE_SHARE = 5, 0.9
# No community of more than so many times the upper bound is one micro-grid that an office works with.
_UNDIVIDED = 3

# What spreadsheets make of a long code that they take for a number.
_SCIENTIFIC = re.compile(r"[+-]?\d+(\.\d+)?[eE]\+\d+")

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
    elif kind == "grids":
        if {"unit_id", "households"} <= unit.keys() and "grid_id" not in grid:
            looks = "units"
    elif kind in ("roads", "water", "barriers", "gates", "compounds"):
        road = columns_held("roads", names).get("road_class")
        if {"unit_id", "households"} <= unit.keys():
            looks = "units"
        elif kind == "water" and road is not None and _speaks_of_roads(values[road]):
            looks, columns = "roads", {"road_class": road}
    if looks and not fields.keys() & {"households", "unit_id", "community_id", "grid_id"}:
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


def require_standing_grids(
    grid_ids: NDArray[np.object_],
    households: NDArray[np.int64],
    community: NDArray[np.int64],
    band: Band,
    *,
    by_id: bool,
    file: str,
) -> None:
    """Refuse standing grids that hold hardly a unit of today, or are units or whole communities themselves.

    Parameters
    ----------
    grid_ids : (n,) object
        Standing grid of each unit of today, None for none.
    households, community : (n,) int64
        Of the units; community -1 lies outside all.
    band : Band
    by_id : bool
        Whether units were looked up by their ids, not by their places.
    file : str
        How messages name the grids.

    Raises
    ------
    InputError
    """
    units = pd.DataFrame({"grid": grid_ids, "households": households, "community": community})
    units = units[units["community"] >= 0]
    stood = units.dropna(subset="grid")
    reached = units[units["community"].isin(stood["community"])] if len(stood) else units
    if len(stood) < _STANDING_SHARE * len(reached):
        code = "standing_ids_unmatched" if by_id else "standing_grids_elsewhere"
        raise InputError(
            code,
            f"only {len(stood)} of {len(reached)} units of today {'are listed' if by_id else 'lie'} in them",
            mend="check the unit ids of both" if by_id else "check the layer and its CRS",
            file=file,
            layer="grids",
            matched=len(stood),
            units=len(reached),
        )
    held = stood.groupby("grid")["households"].agg(["size", "sum"])
    single = int(((held["size"] == 1) & (held["sum"] < band.lower)).sum())
    if len(held) >= _MANY_GRIDS and single >= _SINGLE_SHARE * len(held):
        raise InputError(
            "standing_grids_are_units",
            f"{single} of {len(held)} grids hold a single unit",
            mend="give --grids the layer of grids",
            file=file,
            layer="grids",
            single=single,
            grids=len(held),
            lower=band.lower,
        )
    whole = stood.groupby("community").agg(grids=("grid", "nunique"), households=("households", "sum"))
    median = 0 if whole.empty else int(whole["households"].median())
    if (whole["grids"] == 1).all() and median > _UNDIVIDED * band.upper:
        raise InputError(
            "standing_grids_are_communities",
            f"every community lies whole in one grid (median {median} households)",
            mend="give --grids the micro-grids, or use weige plan",
            file=file,
            layer="grids",
            median=median,
        )


def damaged_ids(frame: GeoDataFrame, columns: Sequence[str], *, file: str) -> list[Finding]:
    """Return a finding for each column with ids in scientific notation: different codes may have become one.

    Parameters
    ----------
    frame : GeoDataFrame
        Columns that it lacks are passed over.
    columns : sequence of str
        Of ids, as text or None.
    file : str
        How messages name the layer.
    """
    findings = []
    for column in (each for each in columns if each in frame):
        hurt = [each for each in frame[column] if isinstance(each, str) and _SCIENTIFIC.fullmatch(each)]
        if hurt:
            values: dict[str, Value] = {"file": file, "field": column, "n": len(hurt), "first": hurt[0]}
            findings.append(Finding("ids_look_damaged", "warning", values=values))
    return findings


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
    # Floor bands share the footprint of their tower.
    _, first, _ = towers(units)
    rows = first[~units.geometry.isna().to_numpy()[first]]
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


def doubtful_kinds(grids: GeoDataFrame, *, file: str) -> list[Finding]:
    """Return a finding on kinds of grid that are neither special nor ordinary by any known name.

    Parameters
    ----------
    grids : GeoDataFrame
        `kind`, as text or None, where they have it.
    file : str
        How messages name them.
    """
    if "kind" not in grids:
        return []
    known = words("special") | words("basic")
    said = sorted({kind.strip() for kind in grids["kind"] if isinstance(kind, str) and kind.strip()})
    unknown = [kind for kind in said if kind.casefold() not in known]
    if not unknown:
        return []
    values: dict[str, Value] = {
        "file": file,
        "examples": ", ".join(unknown[:_EXAMPLES]),
        "known": ", ".join(sorted(words("special"))),
    }
    return [Finding("grid_kinds_not_known", "warning", values=values)]


def _polygons(frame: GeoDataFrame) -> NDArray[np.object_]:
    shapes: NDArray[np.object_] = frame.geometry.to_numpy()
    return shapes[np.isin(shapely.get_type_id(shapes), sorted(POLYGONS))]
