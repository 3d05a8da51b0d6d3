"""From checked layers to a plan: cells, adjacency, partition, codes, findings, in this order."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib import resources
from typing import Any, Literal, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from geo.adjacency import Adjacency, Crossing, adjacency, contact
from geo.arcs import Arcs
from geo.balancer import review
from geo.boundaries import region_polygons
from geo.codes import grid_codes
from geo.division import divided_cells
from geo.errors import InputError
from geo.findings import Finding
from geo.floors import ground_weights, towers
from geo.metrics import shapes
from geo.names import listed, shortened
from geo.partition import Band, EffortName, Partition, Proof, partition, usual_effort
from geo.plan_layers import PlanLayers
from geo.review import Review
from geo.tessellation import Lines, tessellate

IntArray = NDArray[np.int64]
Stage: TypeAlias = Literal["cells", "adjacency", "partition", "borders"]
Progress: TypeAlias = Callable[[Stage, int, int], None]

_ROAD_RANK = {
    "major": int(Crossing.MAJOR_ROAD),
    "secondary": int(Crossing.SECONDARY_ROAD),
    "minor": int(Crossing.MINOR_ROAD),
    "path": 0,
}


@dataclass(frozen=True)
class Ground:
    """Units on the ground: their cells and who can be reached from whom.

    Attributes
    ----------
    order : (n,) int64
        Row of `layers.units` of each unit, ids ascending; everything below follows this order.
    unit_ids : (n,) object
    community : (n,) int64
        Row of `layers.communities`, -1 outside.
    households : (n,) int64
    arcs : Arcs
    adjacency : Adjacency
    """

    order: IntArray
    unit_ids: NDArray[np.object_]
    community: IntArray
    households: IntArray
    arcs: Arcs
    adjacency: Adjacency

    @cached_property
    def contact(self) -> NDArray[np.float64]:
        """Border of each pair against the way between the middles of its cells (`adjacency.contact`)."""
        return contact(self.arcs, self.adjacency)


@dataclass(frozen=True)
class Plan:
    """A plan of micro-grids for the communities of some layers.

    Attributes
    ----------
    layers : PlanLayers
        What it was made from.
    ground : Ground
    partition : Partition
    grid_ids : (k,) object
        Code of each part, then of the grid of each community without units.
    bare_communities : (b,) int64
        Communities without units: one grid of 0 households each.
    review : Review
        Findings on grids, and the legal numbers of grids.
    findings : tuple of Finding
        Those of reading and those of the review.
    seed : int
    special : frozenset of str
        Grids that are exempt from the band.
    names : mapping of grid id to str
        Of the grids that have one.
    work : (n,) float64, optional
        The second weight of each unit of `ground`, where the plan was made to even it out.
    """

    layers: PlanLayers
    ground: Ground
    partition: Partition
    grid_ids: NDArray[np.object_]
    bare_communities: IntArray
    review: Review
    findings: tuple[Finding, ...]
    seed: int
    special: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)
    work: NDArray[np.float64] | None = None

    def region_of_cell(self) -> IntArray:
        """Return the grid (position in `grid_ids`) of each cell of `ground.arcs`, -1 for none."""
        n = self.ground.arcs.n_units
        region = np.full(len(self.ground.arcs.cell_community), -1)
        region[:n] = self.partition.labels
        region[n + self.bare_communities] = self.partition.n_parts + np.arange(len(self.bare_communities))
        return region

    def unit_grid_ids(self) -> NDArray[np.object_]:
        """Return the grid of each row of `layers.units`, None outside all communities."""
        grid = np.full(len(self.ground.order), None, object)
        placed = self.partition.labels >= 0
        grid[self.ground.order[placed]] = self.grid_ids[self.partition.labels[placed]]
        return grid

    def micro_grids(self) -> gpd.GeoDataFrame:
        """Return the grids as polygons in the layers' CRS, measured in the working CRS."""
        region = self.region_of_cell()
        polygons = region_polygons(self.ground.arcs, region, len(self.grid_ids))
        measured = shapes(polygons)
        community = np.concatenate([self.partition.part_community, self.bare_communities])
        bare = len(self.bare_communities)
        codes = [str(code) for code in self.grid_ids]
        frame = pd.DataFrame(
            {
                "grid_id": codes,
                "community_id": self.layers.communities["community_id"].to_numpy()[community],
                "name": [self.names.get(code) for code in codes],
                "kind": ["special" if code in self.special else "basic" for code in codes],
                "households": np.concatenate([self.partition.part_households, np.zeros(bare, np.int64)]),
                "units": np.concatenate([self.partition.part_units, np.zeros(bare, np.int64)]),
                "status": [self.review.statuses[code].status for code in codes],
                "reason": [self.review.statuses[code].reason or None for code in codes],
                "area_m2": measured.area_m2,
                "perimeter_m": measured.perimeter_m,
                "compactness": measured.compactness,
            }
        )
        if self.work is not None:
            frame["work"] = self.grid_work()
        shown = region_polygons(self.ground.arcs, region, len(self.grid_ids), xy=self._layer_xy())
        frame = gpd.GeoDataFrame(frame, geometry=shown, crs=self.layers.layer_crs)
        return frame.sort_values("grid_id", ignore_index=True)

    def grid_work(self) -> NDArray[np.float64]:
        """Return the work of each grid, by `grid_ids`; zeros where there is no second weight."""
        load = np.zeros(len(self.grid_ids))
        if self.work is not None:
            placed = self.partition.labels >= 0
            np.add.at(load, self.partition.labels[placed], self.work[placed])
        return load

    def cells(self) -> gpd.GeoDataFrame:
        """Return the cell of every unit that has one, in the layers' CRS."""
        n = self.ground.arcs.n_units
        own = np.full(len(self.ground.arcs.cell_community), -1)
        own[:n] = np.arange(n)
        polygons = region_polygons(self.ground.arcs, own, n, xy=self._layer_xy())
        has = ~shapely.is_missing(polygons)
        return gpd.GeoDataFrame(
            {"unit_id": self.ground.unit_ids[has]}, geometry=polygons[has], crs=self.layers.layer_crs
        )

    def _layer_xy(self) -> NDArray[np.float64]:
        if self.layers.layer_crs == self.layers.working_crs:
            return self.ground.arcs.xy
        shift = Transformer.from_crs(self.layers.working_crs, self.layers.layer_crs, always_xy=True)
        return np.stack(shift.transform(*self.ground.arcs.xy.T), axis=1)


def plan(
    layers: PlanLayers,
    *,
    band: Band | None = None,
    seed: int = 0,
    effort: EffortName | None = None,
    time_s: float | None = None,
    work: str | None = None,
    on_progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Plan:
    """Divide the communities of some layers into micro-grids.

    Parameters
    ----------
    layers : PlanLayers
        Checked layers (`geo.plan_layers.read_plan_layers` or `plan_layers`).
    band : Band, default 50 to 100
        Households of a grid.
    seed : int, default 0
        The same layers and seed give the same plan on every machine, whatever the order of the rows.
    effort, time_s
        How much the division into grids is searched (`geo.partition.partition`); without either,
        `geo.partition.usual_effort` of the number of units.
    work : str, optional
        Column of the units with a second weight, such as people who live alone or cases of the hotline: made
        even among the grids once these are in band. Empty cells count as 0.
    on_progress : callable (stage, done, total), optional
    should_stop : callable, optional
        Asked often; once it is true, the best plan so far is returned.

    Raises
    ------
    CoverageError
        The linework cannot be separated.
    InputError
        The units have no such column, or it holds something else than numbers from 0.
    """
    band = band or Band()
    report = on_progress or _silent
    loads = None if work is None else unit_work(layers, work)
    ground = stand(layers, on_progress=report)
    if loads is not None:
        loads = loads[ground.order]
    parts = partition(
        ground.adjacency,
        ground.households,
        ground.community,
        band=band,
        compound=pd.factorize(compound_names(layers, ground.order), sort=True)[0].astype(np.int64),
        work=loads,
        contact=ground.contact,
        seed=seed,
        effort=effort or usual_effort(len(ground.unit_ids)),
        time_s=time_s,
        on_progress=lambda done, total: report("partition", done, total),
        should_stop=should_stop,
    )
    report("borders", 0, 1)
    bare = bare_communities(layers, ground)
    made = judged(layers, ground, parts, region_codes(layers, ground, parts, bare), bare, seed=seed)
    report("borders", 1, 1)
    return replace(made, work=loads)


def unit_work(layers: PlanLayers, column: str) -> NDArray[np.float64]:
    """Return a second weight of the units, by row of `layers.units`; empty cells are 0.

    Raises
    ------
    InputError
        There is no such column, or it holds something else than numbers from 0.
    """
    units = layers.units
    file = next((source.name for source in layers.sources if source.kind == "units"), None)
    others = [str(name) for name in units.columns if name not in ("unit_id", units.geometry.name)]
    if column not in others:
        raise InputError(
            "work_column_missing", f"it has no column {shortened(column)}",
            mend=f"name one of {listed(others)}", file=file, layer="units", field=column,
            columns=listed(others),
        )  # fmt: skip
    values = units[column]
    numbers = pd.to_numeric(values.astype(object).where(values.notna(), 0), errors="coerce")
    load: NDArray[np.float64] = numbers.to_numpy(np.float64)
    wrong = np.flatnonzero(~np.isfinite(load) | (load < 0))
    if len(wrong):
        found = shortened(str(values.iloc[wrong[0]]))
        raise InputError(
            "work_invalid", f"{found} is not a number from 0", mend="give a number, or leave it empty",
            file=file, layer="units", field=column, feature=str(units["unit_id"].iloc[wrong[0]]),
            value=found,
        )  # fmt: skip
    return load


def judged(
    layers: PlanLayers,
    ground: Ground,
    parts: Partition,
    grid_ids: NDArray[np.object_],
    bare: IntArray,
    *,
    seed: int,
    special: frozenset[str] = frozenset(),
    names: Mapping[str, str] | None = None,
    findings: tuple[Finding, ...] = (),
) -> Plan:
    """Review a partition whose grids have their codes, and return it as a plan; `findings` go before."""
    found = _reviewed(layers, ground, parts, grid_ids, bare, special)
    told = told_once((*layers.findings, *findings, *found.findings))
    return Plan(layers, ground, parts, grid_ids, bare, found, told, seed, special, names or {})


def told_once(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Leave out that a unit lies outside all communities where another finding says it of the same unit."""
    codes = ("households_outside_communities", "grid_partly_outside")
    told = {unit for finding in findings if finding.code in codes for unit in finding.unit_ids}
    return tuple(
        finding
        for finding in findings
        if finding.code != "unit_outside_communities" or not told.issuperset(finding.unit_ids)
    )


def bare_communities(layers: PlanLayers, ground: Ground) -> IntArray:
    """Return the communities (rows of `layers.communities`) without units."""
    return np.setdiff1d(np.arange(len(layers.communities)), ground.community).astype(np.int64)


def stand(layers: PlanLayers, *, on_progress: Progress | None = None) -> Ground:
    """Give every unit its cell and relate the units that share a border."""
    report = on_progress or _silent
    report("cells", 0, 1)
    ids = layers.units["unit_id"].to_numpy(dtype=object)
    order = np.argsort(ids.astype(str), kind="stable")
    number = {code: row for row, code in enumerate(layers.communities["community_id"])}
    community = np.array(
        [number.get(code, -1) for code in layers.units["community_id"].to_numpy()[order]], np.int64
    )
    shapes = layers.units.geometry.to_numpy()[order]
    households = layers.units["households"].to_numpy(dtype=np.int64)[order]
    # Floor bands of one tower share its footprint: it gets one cell, which is then divided among them.
    site_of_unit, first, floor = towers(layers.units.iloc[order])
    arcs = tessellate(
        shapes[first],
        community[first],
        layers.communities.geometry.to_numpy(),
        lines=_lines(layers),
        water=_surfaces(layers.water.geometry.to_numpy()),
    )
    if len(first) < len(order):
        arcs = divided_cells(arcs, site_of_unit, ground_weights(households), floor)
    report("cells", 1, 1)
    report("adjacency", 0, 1)
    bridges = layers.roads.geometry.to_numpy()[layers.roads["bridge"].to_numpy(dtype=bool)]
    pairs = adjacency(arcs, ids[order], bridges=bridges, gates=layers.gates.geometry.to_numpy())
    report("adjacency", 1, 1)
    return Ground(order, ids[order], community, households, arcs, pairs)


def compound_names(layers: PlanLayers, order: IntArray) -> NDArray[np.object_]:
    """Return the compound of each unit, by its column or, where that is empty, by place; None for none."""
    units = layers.units.iloc[order]
    column = (
        units["compound_id"] if "compound_id" in units else pd.Series(None, index=units.index, dtype=object)
    )
    named = column.astype(object).where(column.notna(), None).to_numpy(dtype=object, copy=True)
    unnamed = np.flatnonzero(np.array([name is None for name in named]))
    if len(layers.compounds) and len(unnamed):
        spots = shapely.points(inner_points(units.geometry.to_numpy()[unnamed]))
        unit, home = shapely.STRtree(layers.compounds.geometry.to_numpy()).query(
            spots, predicate="intersects"
        )
        unit, first = np.unique(unit, return_index=True)
        named[unnamed[unit]] = [f"compound {row}" for row in home[first]]
    return named


def standing_shapes(layers: PlanLayers, ground: Ground) -> NDArray[np.object_]:
    """Return where each unit stands, by the ground's order: its shape, or a point in a floor band's ground.

    Bands of one tower have the same footprint: which of them lies in which grid only their cells tell.
    """
    units = layers.units.iloc[ground.order]
    shapes: NDArray[np.object_] = units.geometry.to_numpy().copy()
    site, first, _ = towers(units)
    band = np.flatnonzero(np.bincount(site, minlength=len(first))[site] > 1)
    if len(band):
        own = np.full(len(ground.arcs.cell_community), -1)
        own[band] = np.arange(len(band))
        cells = region_polygons(ground.arcs, own, len(band))
        there = ~shapely.is_missing(cells)
        shapes[band[there]] = shapely.point_on_surface(cells[there])
    return shapes


def _lines(layers: PlanLayers) -> Lines:
    """Collect what bounds enclosures: roads by class, walls, water edges and water lines, barriers."""
    shapes: list[NDArray[np.object_]] = []
    kinds: list[IntArray] = []
    road = road_crossings(layers.roads["road_class"])
    walled = layers.compounds["walled"].to_numpy(dtype=bool)
    for geometry, kind in (
        (layers.roads.geometry.to_numpy()[road > 0], road[road > 0]),
        (layers.compounds.geometry.to_numpy()[walled], int(Crossing.WALL)),
        (layers.water.geometry.to_numpy(), int(Crossing.WATER)),
        (layers.barriers.geometry.to_numpy(), int(Crossing.BARRIER)),
    ):
        shapes.append(geometry)
        kinds.append(np.broadcast_to(np.asarray(kind, np.int64), len(geometry)))
    return Lines(np.concatenate(shapes), np.concatenate(kinds))


def road_crossings(classes: Iterable[Any]) -> IntArray:
    """Return the `Crossing` bit of roads by their class, 0 for paths; unknown classes are minor roads."""
    rank, usual = _road_ranks(), _ROAD_RANK["minor"]
    return np.array([rank.get("" if pd.isna(name) else str(name), usual) for name in classes], np.int64)


@cache
def _road_ranks() -> Mapping[str, int]:
    table = tomllib.loads((resources.files("geo") / "road_classes.toml").read_text(encoding="utf-8"))
    return {name: _ROAD_RANK[rank] for rank, names in table.items() for name in names}


def _surfaces(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    polygonal: NDArray[np.object_] = shapes[np.isin(shapely.get_type_id(shapes), (3, 6))]
    return polygonal


def inner_points(shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return a point inside each shape, (n, 2); not a number where there is none."""
    inner: NDArray[np.float64] = np.full((len(shapes), 2), np.nan)
    there = ~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)
    inner[there] = shapely.get_coordinates(shapely.point_on_surface(shapes[there]))
    return inner


def _reviewed(
    layers: PlanLayers,
    ground: Ground,
    parts: Partition,
    grid_ids: NDArray[np.object_],
    bare: IntArray,
    special: Collection[str],
) -> Review:
    names = layers.communities["community_id"].to_numpy(dtype=object)
    of_unit = np.full(len(ground.order), None, object)
    placed = parts.labels >= 0
    of_unit[placed] = grid_ids[parts.labels[placed]]
    home = np.full(len(ground.order), None, object)
    home[ground.community >= 0] = names[ground.community[ground.community >= 0]]
    proofs: dict[str, Proof] = {str(grid_ids[part]): proof for part, proof in parts.proofs.items()}
    empty = {str(grid_ids[parts.n_parts + k]): str(names[row]) for k, row in enumerate(bare)}
    return review(
        ground.adjacency,
        ground.households,
        home,
        of_unit,
        band=parts.band,
        special=special,
        compounds=compound_names(layers, ground.order),
        points=inner_points(layers.units.geometry.to_numpy()[ground.order]),
        proofs=proofs,
        empty=empty,
        communities=names.tolist(),
    )


def region_codes(
    layers: PlanLayers,
    ground: Ground,
    parts: Partition,
    bare: IntArray,
    *,
    carried: NDArray[np.object_] | None = None,
    used: Collection[str] = (),
) -> NDArray[np.object_]:
    """Return the code of each part, then of the grid of each bare community.

    Those that are `carried` on stay (None where a region is new); new ones are numbered in reading order
    after the codes `used` so far.
    """
    n = ground.arcs.n_units
    region = np.full(len(ground.arcs.cell_community), -1)
    region[:n] = parts.labels
    region[n + bare] = parts.n_parts + np.arange(len(bare))
    polygons = region_polygons(ground.arcs, region, parts.n_parts + len(bare))
    # The middle, not a point inside: in a ragged grid that one can lie in a far corner of it.
    middle = shapely.get_coordinates(shapely.centroid(polygons))
    community = np.concatenate([parts.part_community, bare])
    names = layers.communities["community_id"].to_numpy(dtype=object)[community]
    codes = np.full(len(names), None, object) if carried is None else carried.copy()
    new = np.array([code is None for code in codes], dtype=bool)
    codes[new] = grid_codes(
        names[new], middle[new, 0], middle[new, 1], shapely.area(polygons[new]), used=used
    )
    return codes


def _silent(stage: Stage, done: int, total: int) -> None:
    """Report nothing."""
