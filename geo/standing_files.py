"""What stood before, from files: the layers of an earlier plan, its retired codes, and a list of locks."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS

from geo.columns import recognised
from geo.containers import read_raw, source_of
from geo.errors import InputError
from geo.formats.geopackage import stored_layers
from geo.formats.raw import RawTable
from geo.layers import LayerKind, read_layer
from geo.names import listed
from geo.partition import Band
from geo.replanning import LockList
from geo.units import texts

GRIDS, UNITS, RETIRED, RUN = "micro_grids", "units", "retired", "run"
# Layers of a plan that another plan can be made from.
TAKEN: tuple[LayerKind, ...] = ("communities", "roads", "water", "barriers", "compounds", "gates")


class EarlierPlan:
    """A plan file (`maps.plan_file`) that grids and layers are taken from.

    Raises
    ------
    InputError
        It cannot be read, or holds no `micro_grids`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.layers = stored_layers(path)
        if GRIDS not in self.layers:
            raise InputError(
                "not_a_plan",
                "is not a plan: the layer micro_grids is missing",
                mend="give a file written by `weige plan`",
                file=path.name,
            )

    def sources(self) -> dict[LayerKind, str]:
        """Return the layers another plan can be made from, its grids and units among them."""
        names: dict[LayerKind, str] = {"grids": GRIDS, "units": UNITS}
        names.update((kind, kind) for kind in TAKEN)
        return {kind: f"{self.path}:{name}" for kind, name in names.items() if name in self.layers}

    def units(self, crs: CRS, *, with_grids: bool) -> gpd.GeoDataFrame | None:
        """Return its units in a CRS, with the grid of each where that is wanted; None where it has none."""
        if UNITS not in self.layers:
            return None
        layer = read_layer(f"{self.path}:{UNITS}", "units")
        frame = layer.frame if layer.crs is None or layer.crs == crs else layer.frame.to_crs(crs)
        column = layer.renamed.get("grid_id")
        if column is None or not with_grids:
            return frame
        grid_ids = texts(frame[column].to_numpy())
        return frame.assign(grid_id=pd.Series(grid_ids, dtype=object, index=frame.index))

    def retired(self) -> dict[str, tuple[str | None, str | None]]:
        """Return the codes of grids that ended, with their community and date."""
        if RETIRED not in self.layers:
            return {}
        table = self._table(RETIRED)
        columns = [_column(table, name) for name in ("grid_id", "community_id", "ended")]
        return {
            grid: (community, ended)
            for grid, community, ended in zip(*columns, strict=True)
            if grid is not None
        }

    def band(self) -> Band | None:
        """Return the band it was made for, None where it does not say."""
        if RUN not in self.layers:
            return None
        table = self._table(RUN)
        bounds = [_column(table, name)[:1] for name in ("min_households", "max_households")]
        if not all(bound and bound[0] is not None and bound[0].isdecimal() for bound in bounds):
            return None
        return Band(int(str(bounds[0][0])), int(str(bounds[1][0])))

    def _table(self, name: str) -> RawTable:
        return read_raw(source_of(f"{self.path}:{name}"))[0]


def _column(table: RawTable, name: str) -> list[str | None]:
    if name not in table.names:
        return [None] * len(table)
    values: list[str | None] = texts(table.values[table.names.index(name)]).tolist()
    return values


def read_lock_list(source: str) -> LockList:
    """Read a list of grids and units that stay as they are.

    A row with a unit locks that unit, whether or not it names a grid too; a row with a grid alone locks
    the whole grid.

    Parameters
    ----------
    source : str
        A table (.csv or .xlsx, or any layer) with a column of grids, of units, or both, named as in layers.

    Raises
    ------
    InputError
        It cannot be read, has neither column, or lists a unit in several grids.
    """
    origin = source_of(source)
    table, _ = read_raw(origin)
    try:
        found = recognised("grids", table.names, fields={}, short_names=table.short_names)
    except InputError as error:
        # `--field` names columns of layers, not of this list.
        one, other = (str(error.values[name]) for name in ("one", "other"))
        raise InputError(
            "lock_columns_ambiguous",
            f"both {one} and {other} could be {error.field}",
            mend="rename one of the columns",
            file=origin.name,
            field=error.field,
            one=one,
            other=other,
        ) from error
    if not found.keys() & {"grid_id", "unit_id"}:
        raise InputError(
            "lock_columns_missing",
            f"it has neither a column of grids nor one of units; it has {listed(table.names)}",
            mend="add grid_id or unit_id",
            file=origin.name,
            names=listed(table.names),
        )
    none = np.full(len(table), None, object)
    grids, units = (
        texts(table.values[found[name]]).tolist() if name in found else none.tolist()
        for name in ("grid_id", "unit_id")
    )
    rows = list(zip(grids, units, strict=True))
    grids_of: dict[str, set[str]] = {}
    for grid, unit in rows:
        if grid is not None and unit is not None:
            grids_of.setdefault(unit, set()).add(grid)
    torn = [unit for unit, named in grids_of.items() if len(named) > 1]
    if torn:
        one, other = sorted(grids_of[torn[0]])[:2]
        raise InputError(
            "locked_unit_twice",
            f"unit {torn[0]} is listed in grid {one} and in grid {other}",
            mend="keep one of the rows",
            file=origin.name,
            feature=torn[0],
            unit=torn[0],
            one=one,
            other=other,
            n=len(torn),
        )
    return LockList(
        grids=frozenset(grid for grid, unit in rows if grid is not None and unit is None),
        units={unit: next(iter(grids_of.get(unit, ())), None) for _, unit in rows if unit is not None},
        file=origin.name,
    )
