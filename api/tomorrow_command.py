"""`weige check --tomorrow`: which grids leave the band by when, for people and for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import geopandas as gpd
import numpy as np
import shapely

from geo.boundaries import region_polygons
from geo.checking import Checked, special_grids
from geo.containers import source_of
from geo.errors import InputError
from geo.tomorrow import Expected, Step, leaving, placed_units, read_expected, timeline
from maps.text import Language, text


def steps_of_table(checked: Checked, source: str) -> tuple[list[Expected], list[Step]]:
    """Read what is expected and return it with the grids that each day changes.

    Raises
    ------
    InputError
        The table cannot be used, or a change cannot happen: with the row.
    """
    changes = read_expected(source)
    ground = checked.ground
    points = np.full(len(changes), None, object)
    cells = np.full(len(ground.unit_ids), None, object)
    new = [at for at, change in enumerate(changes) if change.place is not None]
    if new:
        places = gpd.GeoSeries([shapely.Point(changes[at].place) for at in new], crs="EPSG:4326")
        points[new] = places.to_crs(checked.layers.working_crs).to_numpy()
        own = np.full(len(ground.arcs.cell_community), -1)
        own[: ground.arcs.n_units] = np.arange(ground.arcs.n_units)
        cells = region_polygons(ground.arcs, own, ground.arcs.n_units)
    try:
        units = placed_units(changes, ground.unit_ids, cells, points)
        return changes, timeline(
            changes, units, ground.households, checked.grid_ids, band=checked.band,
            special=special_grids(checked.layers.grids),
        )  # fmt: skip
    except InputError as error:
        error.file = source_of(source).name
        raise


def tomorrow_lines(steps: Sequence[Step], language: Language) -> list[str]:
    """Return the grids that leave the band, by date."""
    out = leaving(steps)
    if not out:
        return [text("cli.tomorrow.none", language)]
    lines = [text("cli.tomorrow.head", language)]
    for day, of_day in groupby(out, key=lambda step: step.day):
        lines.append(f"  {day.isoformat()}")
        for step in of_day:
            told = {"grid": step.grid_id, "before": step.before, "after": step.after}
            lines.append("    " + text(f"cli.tomorrow.{step.status}", language, **told))
    return lines


def tomorrow_values(changes: Sequence[Expected], steps: Sequence[Step]) -> dict[str, object]:
    """Return what is expected and every grid it changes, as values for JSON."""
    return {
        "expected": len(changes),
        "steps": [
            {
                "date": step.day.isoformat(), "grid_id": step.grid_id, "before": step.before,
                "after": step.after, "status_before": step.status_before, "status": step.status,
            }
            for step in steps
        ],
    }  # fmt: skip
