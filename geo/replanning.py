"""From standing grids and today's layers to the plan that mends them with the least change."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Set
from dataclasses import dataclass, replace
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.boundaries import region_polygons
from geo.checking import are_polygons
from geo.errors import InputError
from geo.findings import Finding
from geo.ledger import Ledger, carried_codes, ledger
from geo.metrics import shapes
from geo.names import shortened
from geo.partition import Band, Locks, Partition, Rebalanced, TradeOff, faulty_parts, rebalance
from geo.plan_layers import PlanLayers
from geo.planning import Plan, bare_communities, compound_names, judged, region_codes, stand
from geo.reconciliation import Reconciliation, reconcile
from geo.remedies import Remedy

IntArray = NDArray[np.int64]
Report: TypeAlias = Callable[[str, int, int], None]


@dataclass(frozen=True)
class LockList:
    """Grids and units that stay as they are, by name; of a unit the grid it is said to stand in, or None."""

    grids: frozenset[str] = frozenset()
    units: Mapping[str, str | None] | None = None
    file: str | None = None


@dataclass(frozen=True)
class Replanned:
    """A standing plan mended.

    Attributes
    ----------
    plan : Plan
    standing : Reconciliation
        The grids before, on the units of today.
    change : Rebalanced
        What the engine did.
    ledger : Ledger
    curve : tuple of TradeOff
        What more moved households would buy; empty where a bound was given.
    """

    plan: Plan
    standing: Reconciliation
    change: Rebalanced
    ledger: Ledger
    curve: tuple[TradeOff, ...]

    def summary(self) -> pd.DataFrame:
        """Return item, grids, units, households: the balance, what moved, what became of the grids."""
        balance = self.standing.balance.assign(grids=None)
        after = self.plan.partition
        placed = after.labels >= 0
        rows: list[tuple[str, int | None, int, int]] = []
        moves = self.ledger.moves
        for cause, households in self.ledger.households_by_cause().items():
            rows.append((cause, None, int((moves["cause"] == cause).sum()), households))
        grids = self.ledger.grids
        for change, count in self.ledger.grids_by_change().items():
            chosen = grids[grids["change"] == change]
            column = "before" if change == "ended" else "after"
            units, households = (int(chosen[f"{name}_{column}"].sum()) for name in ("units", "households"))
            rows.append((change, count, units, households))
        statuses = self.plan.review.statuses.values()
        out = [status for status in statuses if status.status in ("too_small", "too_large")]
        before = self.standing.partition
        faulty = [part for part in before.out_of_band.tolist() if not self.standing.special[part]]
        rows += [
            ("placed", len(self.plan.grid_ids), int(placed.sum()), int(after.households[placed].sum())),
            (
                "out_of_band_before",
                len(faulty),
                int(before.part_units[faulty].sum()),
                int(before.part_households[faulty].sum()),
            ),
            (
                "out_of_band_after",
                len(out),
                sum(status.units for status in out),
                sum(status.households for status in out),
            ),
            _counted("to_mend_before", before, faulty_parts(before, np.flatnonzero(self.standing.special))),
            _counted("to_mend_after", self.change.partition, self.change.still_faulty),
        ]
        columns = ["item", "grids", "units", "households"]
        made = pd.DataFrame(rows, columns=columns)
        return pd.concat([balance[columns].astype(object), made.astype(object)], ignore_index=True)

    def curve_frame(self) -> pd.DataFrame:
        """Return one row for each point of the curve."""
        return pd.DataFrame(
            [
                (
                    point.moved_households,
                    point.parts_out,
                    point.households_out,
                    round(point.border_m, 1),
                    point.recommended,
                )
                for point in self.curve
            ],
            columns=[
                "moved_households", "grids_to_mend", "households_to_mend", "border_m", "recommended",
            ],
        )  # fmt: skip

    def micro_grids_before(self) -> gpd.GeoDataFrame:
        """Return the standing grids as polygons in the layers' CRS: as drawn, else from their units' cells.

        Households and status are those of the units of today.
        """
        standing, layers, ground = self.standing, self.plan.layers, self.plan.ground
        ids = list(standing.standing_ids)
        number = {grid: k for k, grid in enumerate(ids)}
        of_unit = np.array([number.get(grid, -1) for grid in standing.before], np.int64)
        if are_polygons(layers.grids):
            drawn = layers.grids[["grid_id", "geometry"]].dissolve("grid_id")
            ids = sorted({*ids, *drawn.index})
            number = {grid: k for k, grid in enumerate(ids)}
            of_unit = np.array([number.get(grid, -1) for grid in standing.before], np.int64)
            polygons = drawn.reindex(ids).geometry.to_numpy()
        else:
            region = np.full(len(ground.arcs.cell_community), -1)
            region[: len(of_unit)] = of_unit
            polygons = region_polygons(ground.arcs, region, len(ids))
        inside = of_unit >= 0
        households = np.bincount(of_unit[inside], ground.households[inside], len(ids)).astype(np.int64)
        homes = dict(zip(self.ledger.grids["grid_id"], self.ledger.grids["community_id"], strict=True))
        special = {str(grid) for grid in standing.grid_ids[standing.special] if grid is not None}
        band = self.plan.partition.band
        measured = shapes(polygons)
        frame = gpd.GeoDataFrame(
            {
                "grid_id": ids,
                "community_id": [homes.get(grid) for grid in ids],
                "name": [standing.names.get(grid) for grid in ids],
                "kind": ["special" if grid in special else "basic" for grid in ids],
                "households": households,
                "units": np.bincount(of_unit[inside], minlength=len(ids)).astype(np.int64),
                "status": [
                    "exempt" if grid in special else band.status(count)
                    for grid, count in zip(ids, households.tolist(), strict=True)
                ],
                "area_m2": measured.area_m2,
                "perimeter_m": measured.perimeter_m,
                "compactness": measured.compactness,
            },
            geometry=polygons,
            crs=layers.working_crs,
        )
        return frame.to_crs(layers.layer_crs)


def _counted(item: str, partition: Partition, parts: IntArray) -> tuple[str, int, int, int]:
    units, households = partition.part_units[parts], partition.part_households[parts]
    return item, len(parts), int(units.sum()), int(households.sum())


def replan(
    layers: PlanLayers,
    *,
    ended: str,
    standing_units: gpd.GeoDataFrame | None = None,
    band: Band | None = None,
    max_moved: int | None = None,
    locked: LockList | None = None,
    retired: Mapping[str, tuple[str | None, str | None]] | None = None,
    seed: int = 0,
    on_progress: Report | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Replanned:
    """Mend standing grids so that as few households as possible come under another grid.

    Parameters
    ----------
    layers : PlanLayers
        Of today, with the standing `grids`.
    ended : str
        Date that is written beside grids that end.
    standing_units : GeoDataFrame, optional
        Units as they stood (`geo.reconciliation.reconcile`).
    band : Band, default 50 to 100
    max_moved : int, optional
        Most households that may come under another grid to mend. Without it, all that is needed, and the
        curve of what less would buy.
    locked : LockList, optional
    retired : mapping of grid id to (community id, date), optional
        Codes of grids that ended before; none is given again.
    seed : int, default 0
    on_progress : callable (stage, done, total), optional
    should_stop : callable, optional

    Raises
    ------
    InputError
        No communities or standing grids; a lock names a grid or unit that does not exist.
    """
    if not len(layers.communities):
        raise InputError(
            "communities_missing", "there are no communities", mend="give --communities or --plan"
        )
    if not len(layers.grids):
        raise InputError(
            "standing_grids_missing", "there are no standing grids", mend="give --grids or --plan"
        )
    report = on_progress or _silent
    ground = stand(layers, on_progress=report)
    report("reconciliation", 0, 1)
    standing = reconcile(layers, ground, band=band, standing_units=standing_units)
    locks = _locks(standing, locked or LockList())
    report("reconciliation", 1, 1)
    compound = pd.factorize(compound_names(layers, ground.order), sort=True)[0].astype(np.int64)
    special = np.flatnonzero(standing.special).tolist()
    change = rebalance(
        standing.partition,
        special=special,
        locks=locks,
        compound=compound,
        max_moved=max_moved,
        seed=seed,
        on_progress=lambda done, total: report("rebalance", done, total),
        should_stop=should_stop,
    )
    report("borders", 0, 1)
    after = _without_doubt(change)
    bare = bare_communities(layers, ground)
    # A locked grid keeps its code whatever its households say, and so does a special one.
    held = locks.holds_units(standing.partition) | np.isin(standing.partition.labels, special)
    carried = carried_codes(standing, after, bare, held=held)
    used = {*standing.standing_ids, *(retired or {}), *(grid for grid in standing.before if grid is not None)}
    grid_ids = region_codes(layers, ground, after, bare, carried=carried, used=used)
    told = ledger(
        standing,
        after,
        grid_ids,
        bare,
        community_ids=layers.communities["community_id"].to_numpy(dtype=object),
        ended=ended,
        retired=retired,
    )
    again = sorted(set(retired or {}) & set(standing.standing_ids))
    reused = tuple(Finding("retired_code_in_use", "warning", grid_id=grid) for grid in again)
    made = judged(
        layers,
        ground,
        after,
        grid_ids,
        bare,
        seed=seed,
        special=_special_codes(standing, after.labels, grid_ids),
        names={code: standing.names[code] for code in grid_ids if code in standing.names},
        findings=(*standing.findings, *reused),
    )
    if locked is not None and locked.grids:
        made = _without_breaking(made, locked.grids)
    report("borders", 1, 1)
    return Replanned(made, standing, change, told, change.curve)


def _without_doubt(change: Rebalanced) -> Partition:
    """Return the partition now; of parts that were not to be touched nothing is said about better ones."""
    after = change.partition
    proofs = {
        part: proof
        for part, proof in after.proofs.items()
        if part not in change.left or proof.code != "not_proved"
    }
    return after.with_labels(after.labels, proofs)


def _without_breaking(made: Plan, locked: Set[str]) -> Plan:
    """Return the plan with no remedy that would change a locked grid, but with the word that it is locked."""

    def said(finding: Finding) -> Finding:
        remedy = Remedy.from_values(finding.values)
        if remedy is None or not locked & {finding.grid_id, *remedy.grid_ids}:
            return finding
        kept = {key: value for key, value in finding.values.items() if not key.startswith("remedy")}
        if finding.grid_id in locked:
            instead = Remedy("none", reason="locked")
        else:
            instead = Remedy("none", tuple(sorted(locked & set(remedy.grid_ids))), reason="beside_locked")
        return replace(finding, values={**kept, **instead.values()})

    review = made.review
    remedies = {
        grid: tuple(each for each in several if not locked & {grid, *each.grid_ids})
        for grid, several in review.remedies.items()
    }
    review = replace(review, findings=tuple(map(said, review.findings)), remedies=remedies)
    return replace(made, review=review, findings=tuple(map(said, made.findings)))


def _special_codes(
    standing: Reconciliation, labels: IntArray, grid_ids: NDArray[np.object_]
) -> frozenset[str]:
    before = standing.partition.labels
    exempt = np.append(standing.special, False)[before] & (labels >= 0)
    return frozenset(str(grid_ids[part]) for part in np.unique(labels[exempt]))


def _locks(standing: Reconciliation, locked: LockList) -> Locks:
    """Return locks by position.

    Raises
    ------
    InputError
        A grid or unit is not there, a unit stands in no grid or in another than is said.
    """
    part_of = {grid: part for part, grid in enumerate(standing.grid_ids.tolist()) if grid is not None}
    _require(locked.grids, {*part_of, *standing.empty}, "grid", locked.file)
    units = locked.units or {}
    position = {unit: at for at, unit in enumerate(standing.partition.adjacency.unit_ids)}
    _require(units, position, "unit", locked.file)
    for unit, grid in sorted(units.items()):
        stands = standing.before[position[unit]]
        if standing.partition.labels[position[unit]] < 0:
            raise InputError(
                "locked_unit_without_grid",
                f"unit {unit} stands in no grid and cannot be locked",
                mend="take it off the list",
                file=locked.file,
                unit=unit,
            )
        if grid is not None and grid != stands:
            raise InputError(
                "locked_unit_elsewhere",
                f"unit {unit} stands in grid {stands}, not in {grid}",
                mend="correct one of them",
                file=locked.file,
                unit=unit,
                stands=str(stands),
                grid=shortened(grid),
            )
    return Locks(
        parts=[part_of[grid] for grid in sorted(locked.grids & part_of.keys())],
        units=[position[unit] for unit in sorted(units)],
    )


def _require(named: Collection[str], known: Collection[str], what: str, file: str | None) -> None:
    unknown = sorted(set(named) - set(known))
    if not unknown:
        return
    if what == "grid":
        raise InputError(
            "locked_grid_unknown",
            f"there is no grid {shortened(unknown[0])}",
            mend="check the codes",
            file=file,
            grid=shortened(unknown[0]),
            n=len(unknown),
        )
    raise InputError(
        "locked_unit_unknown",
        f"there is no unit {shortened(unknown[0])}",
        mend="check the ids",
        file=file,
        unit=unknown[0],
        n=len(unknown),
    )


def _silent(stage: str, done: int, total: int) -> None:
    """Report nothing."""
