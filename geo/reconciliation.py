"""Standing grids put onto the units of today, unit by unit, so that nothing is dropped in silence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo.checking import are_polygons, empty_grids, special_grids
from geo.drawn_grids import DrawnGrids, grids_from_polygons
from geo.findings import Finding, Severity, Value
from geo.grid_table import listed_once, listed_with_several, units_and_grids
from geo.overlay import intersection
from geo.partition import Band, Partition
from geo.plan_layers import PlanLayers
from geo.planning import Ground, inner_points, standing_shapes
from geo.plausibility import require_standing_grids

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
ObjectArray = NDArray[np.object_]
Matter: TypeAlias = Literal[
    "came",
    "went",
    "households_changed",
    "in_no_grid",
    "outside_communities",
    "cut_off",
    "gap_closed",
    "in_two_grids",
    "on_border",
    "listed_twice",
    "elsewhere",
    "other_ground",
]

# A unit that lies farther than this from where it lay is another building under an old id: a grid is
# about a hundred metres across, and two surveys of one building agree much better.
SAME_PLACE_M = 200.0
# A record of which units of today have fewer ids than this is one of other ids.
SAME_IDS_SHARE = 0.05
# Units without ids are those of a year ago where they lie this near: between two exports of one survey
# coordinates differ by rounding.
SAME_SPOT_M = 1.0
# Two hands that trace one street leave gaps about this wide; a unit in one belongs to the grid beside it.
NARROW_GAP_M = 1.0

_MATTER_OF = {"unit_in_two_grids": "in_two_grids", "unit_on_grid_border": "on_border"}


@dataclass(frozen=True)
class Reconciliation:
    """Standing grids on the units of today.

    Attributes
    ----------
    partition : Partition
        Units of today in their standing grids; -1 for units that came, that lay in no grid, that lie
        outside all communities, or that were cut off and are too few for a grid.
    grid_ids : (k,) object
        Grid of each part; None for what was cut off a grid at the edge of its community.
    special : (k,) bool
        Parts of special grids, which are exempt from the band and stay whole.
    before : (n,) object
        Grid in which each unit stood, None for none; a unit that was cut off still names its grid.
    cut_off : (n,) bool
        Units whose grid keeps its code in another community.
    empty : mapping of grid id to position of its community
        Standing grids without units today; -1 where they lie in no community.
    names : mapping of grid id to str
        Of the grids that have one.
    listed : DataFrame
        One row for each unit and matter that did not simply match: matter, unit_id, community_id,
        grid_id, households_before, households_now.
    balance : DataFrame
        item, units, households: from the households on record to those of today, and those of today by
        where they stood. The sums are checked.
    findings : tuple of Finding
        Each doubt, and how it was settled.
    """

    partition: Partition
    grid_ids: ObjectArray
    special: BoolArray
    before: ObjectArray
    cut_off: BoolArray
    empty: Mapping[str, int]
    names: Mapping[str, str]
    listed: pd.DataFrame
    balance: pd.DataFrame
    findings: tuple[Finding, ...]

    @property
    def standing_ids(self) -> tuple[str, ...]:
        """Every standing grid, with or without units today, in ascending order."""
        return tuple(sorted({*(name for name in self.grid_ids if name is not None), *self.empty}))


@dataclass(frozen=True)
class _Record:
    """Units as they stood: ids, grids, households where they are known, places where they are known.

    By their places they are looked up where those of today have no ids, or others; their grids then only say
    where units stood that went.
    """

    unit_ids: ObjectArray
    grid_ids: ObjectArray
    households: NDArray[np.float64]
    points: NDArray[np.float64]
    names_grids: bool
    by_place: bool = False

    @property
    def counts_households(self) -> bool:
        return bool(len(self.households)) and not bool(np.isnan(self.households).any())


def reconcile(
    layers: PlanLayers,
    ground: Ground,
    *,
    band: Band | None = None,
    standing_units: gpd.GeoDataFrame | None = None,
) -> Reconciliation:
    """Put standing grids onto the units of today.

    A unit stands in the grid that the record of units names, where there is one (a table of units and
    grids, or the units of a plan file); else in the grid whose polygon holds it. A grid in several
    communities is divided at their edges: its largest part, by households, keeps the code.

    Parameters
    ----------
    layers : PlanLayers
        Of today, with `grids`: polygons with `grid_id`, or a table of `unit_id` and `grid_id`.
    ground : Ground
        Of the same layers.
    band : Band, default 50 to 100
    standing_units : GeoDataFrame, optional
        Units as they stood, in the working CRS: `unit_id`, `households`, and `grid_id` where they say
        which grid they stood in. Without it units that came or went cannot be told.

    Raises
    ------
    InputError
        The grids hold hardly a unit, or are the units or the communities (`require_standing_grids`).
    """
    told = _Told(layers, ground)
    drawn = _drawn(layers, ground)
    record = _record(layers, standing_units, told)
    before: ObjectArray = np.full(len(ground.unit_ids), None, object)
    came: BoolArray = np.zeros(len(before), bool)
    place = drawn.grid_ids if drawn is not None else before
    if drawn is not None:
        told.drawing(drawn)
    if record is None:
        before = place.copy()
    else:
        at = _matched(record, ground, told)
        came = at < 0
        before = (record.grid_ids[at] if record.names_grids else place).copy()
        if not record.by_place:
            before[came] = None
        told.came(came)
        told.went(record, at)
        told.emptied(record, at, layers.communities.geometry.to_numpy())
        told.changed(record, at, before)
        if record.names_grids and drawn is not None:
            told.other_ground(before, place)
    if drawn is not None and (record is None or not record.names_grids):
        before = _without_narrow_gaps(layers, ground, before, ~came, told)
    inside = ground.community >= 0
    band = band or Band()
    by_id = record is not None and record.names_grids
    file = next((source.name for source in layers.sources if source.kind == "grids"), "grids")
    require_standing_grids(before, ground.households, ground.community, band, by_id=by_id, file=file)
    told.nowhere(before, inside & ~came)
    told.outside(before, ~inside)
    labels, grid_ids, cut_off = _divided(ground, before, inside, told)
    exempt = special_grids(layers.grids)
    # What was cut off and makes no grid by itself gets another grid anyway: which one is free.
    size = np.bincount(labels[labels >= 0], ground.households[labels >= 0], len(grid_ids))
    cut = np.isin(np.arange(len(grid_ids)), labels[cut_off & ~np.isin(before, list(exempt))])
    scrap = cut & (size < band.lower)
    labels = np.where(np.append(scrap, False)[labels], -1, labels)
    grid_ids = grid_ids[~scrap]
    partition = Partition(ground.adjacency, ground.households, ground.community, labels, band)
    told.in_pieces(partition, grid_ids)
    empty = empty_grids(layers, grid_ids)
    told.empty(empty)
    special = np.array([grid in exempt for grid in before[_first_units(partition)]], dtype=bool)
    balance = _balance(ground, before, came, inside, record, told.rows)
    return Reconciliation(
        partition,
        grid_ids,
        special,
        before,
        cut_off,
        empty,
        _names(layers.grids),
        told.listed(),
        balance,
        tuple(told.findings),
    )


def _drawn(layers: PlanLayers, ground: Ground) -> DrawnGrids | None:
    if not are_polygons(layers.grids):
        return None
    return grids_from_polygons(
        standing_shapes(layers, ground),
        ground.unit_ids,
        layers.grids.geometry.to_numpy(),
        layers.grids["grid_id"].to_numpy(dtype=object),
        communities=layers.communities.geometry.to_numpy(),
        community_ids=layers.communities["community_id"].to_numpy(dtype=object),
    )


def _record(layers: PlanLayers, standing_units: gpd.GeoDataFrame | None, told: _Told) -> _Record | None:
    """Return what is known of the units as they stood, None where nothing is."""
    grids = layers.grids
    if not are_polygons(grids):
        table = _listed_once(units_and_grids(grids), told)
        if standing_units is not None:
            table = _with_known(table, standing_units, told)
        n = len(table)
        households = np.full(n, np.nan)
        if standing_units is not None:
            known = standing_units.set_index("unit_id")["households"]
            households = known.reindex(table["unit_id"]).to_numpy(dtype=np.float64)
        grid_ids = table["grid_id"].to_numpy(dtype=object, copy=True)
        return _Record(
            table["unit_id"].to_numpy(dtype=object), grid_ids, households, np.full((n, 2), np.nan), True
        )
    if standing_units is None:
        return None
    # Row numbers say nothing of which unit it was a year ago.
    by_place = any(
        finding.code == "ids_are_row_numbers" and finding.values.get("layer") == "units"
        for finding in layers.findings
    )
    by_place |= bool(layers.units["unit_id"].isin(standing_units["unit_id"]).mean() < SAME_IDS_SHARE)
    names_grids = "grid_id" in standing_units
    grid_ids = np.full(len(standing_units), None, object)
    if names_grids:
        grid_ids = standing_units["grid_id"].to_numpy(dtype=object, copy=True)
        grid_ids[pd.isna(grid_ids)] = None
    return _Record(
        standing_units["unit_id"].to_numpy(dtype=object),
        grid_ids,
        standing_units["households"].to_numpy(dtype=np.float64),
        inner_points(standing_units.geometry.to_numpy()),
        names_grids and not by_place,
        by_place,
    )


def _listed_once(table: pd.DataFrame, told: _Told) -> pd.DataFrame:
    """Keep the first grid of a unit that is listed with several, and tell."""
    once = listed_once(table)
    grid_of = once.set_index("unit_id")["grid_id"]
    for unit, grids in listed_with_several(table).items():
        told.listed_twice(unit, grid_of[unit], grids)
    return once


def _with_known(table: pd.DataFrame, standing_units: gpd.GeoDataFrame, told: _Told) -> pd.DataFrame:
    """Add the units of the record that the table leaves out: they are not new, they stood in no grid."""
    open_ = standing_units.loc[~standing_units["unit_id"].isin(table["unit_id"]), ["unit_id", "households"]]
    if open_.empty or len(open_) == len(standing_units):
        return table
    told.not_in_table(open_)
    known = pd.DataFrame({"unit_id": open_["unit_id"].to_numpy(dtype=object), "grid_id": None})
    return pd.concat([table, known.astype(object)], ignore_index=True)


def _matched(record: _Record, ground: Ground, told: _Told) -> IntArray:
    """Return the row of the record of each unit of today, -1 for a unit that came."""
    if record.by_place:
        at = _same_spot(record.points, told.points)
        told.by_place(len(record.unit_ids), int((at >= 0).sum()))
        return at
    row_of = pd.Series(np.arange(len(record.unit_ids)), index=record.unit_ids)
    at = row_of.reindex(ground.unit_ids).fillna(-1).to_numpy(dtype=np.int64)
    apart_m = np.hypot(*(told.points - record.points[at]).T)
    far = (at >= 0) & (apart_m > SAME_PLACE_M)
    told.elsewhere(record.grid_ids[at], far, apart_m)
    return np.where(far, -1, at)


def _same_spot(then: NDArray[np.float64], now: NDArray[np.float64]) -> IntArray:
    """Return which point of before each point of now is, the nearest within SAME_SPOT_M, -1 for none."""
    at: IntArray = np.full(len(now), -1, np.int64)
    usable = np.flatnonzero(np.isfinite(then).all(axis=1))
    tree = shapely.STRtree(shapely.points(then[usable]))
    here = np.flatnonzero(np.isfinite(now).all(axis=1))
    new, old = tree.query(shapely.points(now[here]), predicate="dwithin", distance=SAME_SPOT_M)
    new, old = here[new], usable[old]
    apart_m = np.hypot(*(now[new] - then[old]).T)
    taken = set()
    # Stairwells that share a footprint are taken in their order.
    for pair in np.lexsort((new, old, apart_m.round(3))).tolist():
        if at[new[pair]] < 0 and int(old[pair]) not in taken:
            at[new[pair]] = old[pair]
            taken.add(int(old[pair]))
    return at


def _without_narrow_gaps(
    layers: PlanLayers, ground: Ground, before: ObjectArray, wanted: BoolArray, told: _Told
) -> ObjectArray:
    """Give units in gaps no wider than digitising to the grid beside them."""
    shapes = standing_shapes(layers, ground)
    open_ = np.array([grid is None for grid in before]) & wanted & (ground.community >= 0)
    lost = np.flatnonzero(open_ & ~shapely.is_missing(shapes))
    if not len(lost):
        return before
    polygons = layers.grids.geometry.to_numpy()
    unit, grid = shapely.STRtree(polygons).query(shapes[lost], predicate="dwithin", distance=NARROW_GAP_M)
    unit = lost[unit]
    names = layers.grids["grid_id"].to_numpy(dtype=object)[grid]
    at_home = {
        (name, home)
        for name, home in zip(before.tolist(), ground.community.tolist(), strict=True)
        if name is not None
    }
    homely = np.array(
        [
            (name, home) in at_home
            for name, home in zip(names.tolist(), ground.community[unit].tolist(), strict=True)
        ],
        dtype=bool,
    )
    unit, grid, names = unit[homely], grid[homely], names[homely]
    shared_m2 = shapely.area(intersection(shapes[unit], polygons[grid]))
    apart_m = shapely.distance(shapes[unit], polygons[grid])
    order = np.lexsort((names.astype(str), apart_m, -shared_m2, unit))
    unit, first = np.unique(unit[order], return_index=True)
    placed = before.copy()
    placed[unit] = names[order][first]
    told.gap_closed(placed, unit)
    return placed


def _divided(
    ground: Ground, before: ObjectArray, inside: BoolArray, told: _Told
) -> tuple[IntArray, ObjectArray, BoolArray]:
    """Divide grids at community edges; return labels, the grid of each part, and what was cut off."""
    labels: IntArray = np.full(len(before), -1, np.int64)
    cut_off: BoolArray = np.zeros(len(before), bool)
    stood = np.flatnonzero(inside & np.array([grid is not None for grid in before], dtype=bool))
    pieces = pd.DataFrame(
        {
            "grid": before[stood],
            "community": ground.community[stood],
            "households": ground.households[stood],
            "unit": stood,
        }
    )
    sizes = pieces.groupby(["grid", "community"], sort=True).agg(
        households=("households", "sum"), units=("unit", "size")
    )
    sizes = sizes.reset_index().sort_values(
        ["grid", "households", "units", "community"], ascending=[True, False, False, True], kind="stable"
    )
    main = sizes.drop_duplicates("grid").set_index("grid")["community"]
    at_home = pieces["community"].to_numpy() == main.reindex(pieces["grid"]).to_numpy()
    cut_off[stood] = ~at_home
    spanning = sizes.loc[sizes["grid"].duplicated(keep=False), "grid"].drop_duplicates()
    for grid in spanning:
        members = stood[(pieces["grid"] == grid).to_numpy()]
        told.divided(str(grid), int(main[grid]), members, cut_off)
    codes = pd.factorize(pd.MultiIndex.from_frame(pieces[["grid", "community"]]))[0]
    labels[stood] = codes
    grid_ids: ObjectArray = np.full(int(codes.max(initial=-1)) + 1, None, object)
    grid_ids[codes[at_home]] = before[stood[at_home]]
    return labels, grid_ids, cut_off


def _names(grids: gpd.GeoDataFrame) -> dict[str, str]:
    """Return the name of each standing grid that has one."""
    if "name" not in grids:
        return {}
    named = grids.loc[grids["name"].notna() & grids["grid_id"].notna(), ["grid_id", "name"]]
    return {str(grid): str(name) for grid, name in named.itertuples(index=False)}


def _first_units(partition: Partition) -> IntArray:
    placed = np.flatnonzero(partition.labels >= 0)
    first = np.unique(partition.labels[placed], return_index=True)[1]
    return np.asarray(placed[first], np.int64)


def _balance(
    ground: Ground,
    before: ObjectArray,
    came: BoolArray,
    inside: BoolArray,
    record: _Record | None,
    rows: Iterable[tuple[Matter, str, str | None, str | None, int | None, int | None]],
) -> pd.DataFrame:
    """Sum up units and households, and check that every one of them is accounted for."""
    households = ground.households
    stood = np.array([grid is not None for grid in before], dtype=bool)

    def item(name: str, units: BoolArray) -> tuple[str, int, int]:
        return name, int(units.sum()), int(households[units].sum())

    now = [
        item("standing", inside & stood),
        item("came", inside & came & ~stood),
        item("in_no_grid", inside & ~stood & ~came),
        item("outside_communities", ~inside),
    ]
    today = item("today", np.ones(len(before), bool))
    assert sum(units for _, units, _ in now) == today[1]
    assert sum(count for _, _, count in now) == today[2]
    lines: list[tuple[str, int, int]] = []
    if record is not None and record.counts_households:
        on_record = int(record.households.sum())
        went = [(old or 0) for matter, _, _, _, old, _ in rows if matter == "went"]
        changed = [
            (new or 0) - (old or 0) for matter, _, _, _, old, new in rows if matter == "households_changed"
        ]
        more, fewer = [step for step in changed if step > 0], [step for step in changed if step < 0]
        lines = [
            ("on_record", len(record.unit_ids), on_record),
            ("went", -len(went), -sum(went)),
            ("more_households", 0, sum(more)),
            ("fewer_households", 0, sum(fewer)),
            ("came_in_all", int(came.sum()), int(households[came].sum())),
        ]
        assert sum(units for _, units, _ in lines) == today[1]
        assert sum(count for _, _, count in lines) == today[2]
    return pd.DataFrame([*lines, today, *now], columns=["item", "units", "households"])


class _Told:
    """What did not simply match: rows for the sheet and findings, as they are met."""

    def __init__(self, layers: PlanLayers, ground: Ground) -> None:
        self.ground = ground
        self.points = inner_points(layers.units.geometry.to_numpy()[ground.order])
        names = layers.communities["community_id"].to_numpy(dtype=object)
        self.community_names: ObjectArray = np.array([*names, None], object)  # -1, outside, is the last
        self.rows: list[tuple[Matter, str, str | None, str | None, int | None, int | None]] = []
        self.findings: list[Finding] = []

    def listed(self) -> pd.DataFrame:
        columns = ["matter", "unit_id", "community_id", "grid_id", "households_before", "households_now"]
        frame = pd.DataFrame(self.rows, columns=columns)
        counts = {"households_before": "Int64", "households_now": "Int64"}
        return frame.astype(counts).sort_values(["matter", "grid_id", "unit_id"], ignore_index=True)

    def drawing(self, drawn: DrawnGrids) -> None:
        """Take over what the drawing leaves in doubt; it is settled here, so nothing is left to redraw."""
        position = {unit: at for at, unit in enumerate(self.ground.unit_ids)}
        for finding in drawn.findings:
            values = {key: value for key, value in finding.values.items() if not key.startswith("remedy")}
            self.findings.append(replace(finding, severity="warning", values=values))
            matter = _MATTER_OF.get(finding.code)
            if matter is not None:
                self._rows(matter, [position[unit] for unit in finding.unit_ids], drawn.grid_ids)  # type: ignore[arg-type]

    def not_in_table(self, units: pd.DataFrame) -> None:
        """Tell of units of an earlier plan that a table of units and grids leaves out."""
        values: dict[str, Value] = {"units": len(units), "households": int(units["households"].sum())}
        unit_ids = tuple(sorted(units["unit_id"]))
        self.findings.append(Finding("units_not_in_table", "warning", unit_ids=unit_ids, values=values))

    def emptied(self, record: _Record, at: IntArray, communities: NDArray[np.object_]) -> None:
        """Tell of communities in which units stood and none is left."""
        gone = np.setdiff1d(np.arange(len(record.unit_ids)), at)
        gone = gone[np.isfinite(record.points[gone]).all(axis=1) & (record.households[gone] > 0)]
        row, home = shapely.STRtree(communities).query(
            shapely.points(record.points[gone]), predicate="intersects"
        )
        empty = ~np.isin(home, self.ground.community)
        row, home = row[empty], home[empty]
        if not len(row):
            return
        rows = gone[np.unique(row)]
        names: list[str] = [str(self.community_names[each]) for each in np.unique(home)]
        values: dict[str, Value] = {
            "communities": names,
            "units": len(rows),
            "households": int(record.households[rows].sum()),
        }
        self.findings.append(Finding("communities_without_units_now", "warning", values=values))

    def by_place(self, units: int, matched: int) -> None:
        """Tell that units without ids were looked up by their places."""
        values: dict[str, Value] = {"units": units, "matched": matched}
        self.findings.append(Finding("units_matched_by_place", "warning", values=values))

    def came(self, came: BoolArray) -> None:
        none: ObjectArray = np.full(len(came), None, object)
        self._rows("came", np.flatnonzero(came), none)
        for community, units in self._by(self.ground.community, came & (self.ground.community >= 0)):
            self._find("units_came", "info", units, community=community)

    def went(self, record: _Record, at: IntArray) -> None:
        gone = np.setdiff1d(np.arange(len(record.unit_ids)), at)
        counts = [None if np.isnan(count) else int(count) for count in record.households[gone]]
        for row, count in zip(gone.tolist(), counts, strict=True):
            self.rows.append(("went", record.unit_ids[row], None, record.grid_ids[row], count, None))
        by_grid = pd.Series(gone).groupby(pd.Series(record.grid_ids[gone]).fillna(""), sort=True)
        for grid, rows in by_grid:
            known = record.households[rows]
            unit_ids = tuple(sorted(record.unit_ids[rows]))
            spot = record.points[rows.iloc[0]]
            code = "units_not_found" if np.isnan(known).any() else "units_went"
            values: dict[str, Value] = {"units": len(rows)}
            if code == "units_went":
                values["households"] = int(known.sum())
            self.findings.append(
                Finding(
                    code,
                    "warning" if code == "units_not_found" else "info",
                    grid_id=str(grid) or None,
                    unit_ids=unit_ids,
                    values=values,
                    point=(float(spot[0]), float(spot[1])) if np.isfinite(spot).all() else None,
                )
            )

    def changed(self, record: _Record, at: IntArray, grids: ObjectArray) -> None:
        old = np.where(at >= 0, record.households[at], np.nan)
        other = ~np.isnan(old) & (old != self.ground.households)
        for unit in np.flatnonzero(other).tolist():
            self._row("households_changed", unit, grids[unit], int(old[unit]))
        for grid, units in self._by(pd.Series(grids).fillna("").to_numpy(), other):
            was = int(old[units].sum())
            self._find("households_changed", "info", units, grid=str(grid) or None, was=was)

    def elsewhere(self, grids: ObjectArray, far: BoolArray, apart_m: NDArray[np.float64]) -> None:
        self._rows("elsewhere", np.flatnonzero(far), grids)
        for grid, units in self._by(pd.Series(grids).fillna("").to_numpy(), far):
            self._find(
                "unit_elsewhere", "warning", units, grid=str(grid) or None,
                distance_m=round(float(apart_m[units].max())),
            )  # fmt: skip

    def other_ground(self, before: ObjectArray, place: ObjectArray) -> None:
        """Units that the record puts in one grid and their place in another: the record counts."""
        both = np.array(
            [
                one is not None and other is not None and one != other
                for one, other in zip(before.tolist(), place.tolist(), strict=True)
            ],
            dtype=bool,
        )
        self._rows("other_ground", np.flatnonzero(both), before)
        pairs = np.array([f"{one}\0{other}" for one, other in zip(before, place, strict=True)], object)
        for pair, units in self._by(pairs, both):
            grid, other = str(pair).split("\0")
            self._find("unit_in_other_ground", "warning", units, grid=grid, other_grid_id=other)

    def gap_closed(self, placed: ObjectArray, units: IntArray) -> None:
        self._rows("gap_closed", units, placed)
        chosen = np.zeros(len(placed), bool)
        chosen[units] = True
        for grid, found in self._by(pd.Series(placed).fillna("").to_numpy(), chosen):
            self._find("unit_in_narrow_gap", "warning", found, grid=str(grid))

    def nowhere(self, before: ObjectArray, wanted: BoolArray) -> None:
        lost = wanted & np.array([grid is None for grid in before], dtype=bool)
        self._rows("in_no_grid", np.flatnonzero(lost), before)
        for community, units in self._by(self.ground.community, lost):
            self._find("units_in_no_grid", "warning", units, community=community)

    def outside(self, before: ObjectArray, outside: BoolArray) -> None:
        """List units outside all communities; reading them has left a finding already."""
        self._rows("outside_communities", np.flatnonzero(outside), before)

    def divided(self, grid: str, main: int, members: IntArray, cut_off: BoolArray) -> None:
        grids: ObjectArray = np.full(len(cut_off), grid, object)
        stray = members[cut_off[members]]
        self._rows("cut_off", stray, grids)
        homes = sorted(set(self.ground.community[stray].tolist()))
        others: list[str] = [str(self.community_names[home]) for home in homes]
        self._find("grid_divided", "warning", stray, community=main, grid=grid, communities=others)

    def listed_twice(self, unit: str, grid: str | None, grids: list[str]) -> None:
        self.rows.append(("listed_twice", unit, None, grid, None, None))
        self.findings.append(
            Finding("unit_listed_twice", "warning", grid_id=grid, unit_ids=(unit,), values={"grids": grids})
        )

    def in_pieces(self, partition: Partition, grid_ids: ObjectArray) -> None:
        """Tell of standing grids that one cannot walk through."""
        broken = np.flatnonzero(~partition.contiguous)
        pairs = partition.adjacency
        for part in broken.tolist():
            units = partition.members(part)
            within = (
                pairs.joins & (partition.labels[pairs.left] == part) & (partition.labels[pairs.right] == part)
            )
            rank = np.searchsorted(units, np.stack([pairs.left[within], pairs.right[within]]))
            graph = coo_array((np.ones(rank.shape[1], np.int8), (rank[0], rank[1])), shape=(len(units),) * 2)
            pieces = int(connected_components(graph, directed=False)[0])
            grid = grid_ids[part]
            if grid is not None:
                home = int(partition.community[units[0]])
                self._find("grid_stood_in_pieces", "warning", units, home, grid, pieces=pieces)

    def empty(self, empty: Mapping[str, int]) -> None:
        """Tell of grids that end because nobody is in them; one of a community without units goes on."""
        lived_in = set(self.ground.community.tolist())
        bare = {home: grid for grid, home in sorted(empty.items(), reverse=True) if home not in lived_in}
        for grid, home in sorted(empty.items()):
            if bare.get(home) == grid and home >= 0:
                continue
            self.findings.append(
                Finding("grid_ended_without_units", "warning", self.community_names[home], grid)
            )

    # -- one row, one finding ----------------------------------------------------------------------

    def _rows(self, matter: Matter, units: Iterable[int], grids: ObjectArray) -> None:
        for unit in units:
            self._row(matter, int(unit), grids[unit])

    def _row(self, matter: Matter, unit: int, grid: str | None, old: int | None = None) -> None:
        ground = self.ground
        home = self.community_names[ground.community[unit]]
        self.rows.append((matter, ground.unit_ids[unit], home, grid, old, int(ground.households[unit])))

    def _by(self, keys: NDArray[Any], chosen: BoolArray) -> list[tuple[Any, IntArray]]:
        """Return the chosen units for each key, keys ascending."""
        units = np.flatnonzero(chosen)
        return [
            (key, group.to_numpy(dtype=np.int64))
            for key, group in pd.Series(units).groupby(keys[units], sort=True)
        ]

    def _find(
        self,
        code: str,
        severity: Severity,
        units: IntArray,
        community: int = -1,
        grid: str | None = None,
        **values: Value,
    ) -> None:
        ground = self.ground
        spots = self.points[units]
        spots = spots[np.isfinite(spots).all(axis=1)]
        self.findings.append(
            Finding(
                code,
                severity,
                self.community_names[community],
                grid,
                tuple(ground.unit_ids[units]),
                {"units": len(units), "households": int(ground.households[units].sum()), **values},
                (float(spots[0, 0]), float(spots[0, 1])) if len(spots) else None,
            )
        )
