"""What `weige reach` does, between reading layers and telling the result."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import geopandas as gpd
import pandas as pd

from api.cases.calendar import Calendar
from api.console import Terminal
from api.opening import Standing, asked_moment, day_roles, standings, unread_hours
from api.outputs import draw_map, ready
from api.plan_sources import cells_of, plan_sources, points_beside, required_range, walked_layers
from api.sources import Sources
from api.telling import warn
from geo.errors import InputError
from geo.layers import Layer, read_layer
from geo.names import listed, shortened
from geo.plan_layers import own_grid_ids, without_own_grids
from geo.reached import Reached, reached
from geo.standing_files import EarlierPlan
from maps.plan_file import write_frames
from maps.text import text


@dataclass(frozen=True)
class OpenStations:
    """The stations that are open at a moment, and those that are not, or do not say when they are.

    Attributes
    ----------
    frame : GeoDataFrame
    at : datetime
    left_out : GeoDataFrame
        All others; `standing` is "shut" or "unknown".
    """

    frame: gpd.GeoDataFrame
    at: datetime
    left_out: gpd.GeoDataFrame

    def count(self, standing: Standing) -> int:
        """Return how many of those left out are so."""
        return int((self.left_out["standing"] == standing.value).sum())


def limits(said: Sequence[str]) -> list[float]:
    """Return the minutes of `--minutes 5,15`, or of the option given several times.

    Raises
    ------
    InputError
        One is no number.
    """
    try:
        return [float(each) for one in said for each in re.split(r"[,，、;\s]+", one.strip(" ,，、;"))]
    except ValueError:
        given = shortened(" ".join(said))
        raise InputError(
            "minutes_not_read", f"--minutes {given} is not made of numbers",
            mend="write --minutes 5,15, or --minutes 5 --minutes 15", said=given,
        ) from None  # fmt: skip


def find_reach(
    terminal: Terminal,
    plan_file: Path,
    given: Sources,
    *,
    minutes: Sequence[float],
    kmh: float,
    output: Path,
    at: str | None = None,
    calendar: Calendar | None = None,
    map_file: Path | None = None,
) -> None:
    """Time the walks of a plan's units to the nearest of the `stations`, write who is reached, and tell it.

    Only stations that are open count where a moment `at` is given, with the `calendar` it is judged by.
    """
    ready({output: (".gpkg",), map_file: (".html", ".htm")}, [str(plan_file), *given.layers.values()])
    for limit in minutes:
        required_range(limit, "--minutes", example="15")
    required_range(kmh, "--speed", example="4")
    with terminal.progress() as report:
        report("reading", 0, 1)
        earlier, sources = plan_sources(plan_file)
        layers = walked_layers(sources, given)
        hours = () if at is None else ("opening_hours",)
        standing = points_beside(given, "stations", layers.units, required=hours)
        warn(terminal, [*without_own_grids(layers).findings, *standing.findings])
        opened, counted = None, standing.frame
        if at is not None and calendar is not None:
            opened = _open_at(terminal, counted, standing.name, at, calendar)
            counted = opened.frame
        else:
            _tell_unread_hours(terminal, standing)
        report("reading", 1, 1)
        report("reach", 0, 1)
        found = reached(
            layers, counted, own_grid_ids(layers), minutes=minutes, metres_per_minute=kmh * 1000 / 60
        )
        placeless = _placeless(standing)
        run = _run_table(found, opened, kmh=kmh, placeless=placeless)
        write_frames({**_frames(found, earlier), "run": run}, output)
        report("reach", 1, 1)
        if map_file is not None:
            from maps.walk_map import reach_map

            walk = reach_map(
                found, cells_of(earlier, layers), at=None if opened is None else opened.at,
                left_out=None if opened is None else opened.left_out,
            )  # fmt: skip
            draw_map(terminal, plan_file, map_file, report, walk=walk)
    _tell(terminal, found, output, map_file, opened, placeless=placeless)


def _placeless(stations: Layer) -> int:
    """Return how many stations were left out for want of a place."""
    return sum(
        int(str(finding.values["n"]))
        for finding in stations.findings
        if finding.code == "features_without_geometry"
    )


def _run_table(found: Reached, opened: OpenStations | None, *, kmh: float, placeless: int) -> pd.DataFrame:
    """Return the one row that says how the walks were timed, and which stations counted."""
    shut, untold = (
        None if opened is None else opened.count(each) for each in (Standing.SHUT, Standing.UNKNOWN)
    )
    return pd.DataFrame(
        {
            "straight": [int(found.reach.is_straight)],
            "at": pd.array(
                [None if opened is None else opened.at.isoformat(timespec="minutes")], dtype="string"
            ),
            "kmh": [kmh],
            "minutes": [",".join(f"{limit:g}" for limit in found.minutes)],
            "stations": [len(found.stations)],
            "shut": pd.array([shut], dtype="Int64"),
            "untold": pd.array([untold], dtype="Int64"),
            "without_place": [placeless],
        }
    )


def _open_at(
    terminal: Terminal, stations: gpd.GeoDataFrame, file: str, said: str, calendar: Calendar
) -> OpenStations:
    at = asked_moment(said, datetime.now(calendar.zone))
    if at.year not in calendar.years:
        terminal.warn(text("cli.reach.no_calendar", terminal.language, year=at.year))
    how = pd.Series(
        standings(
            stations["opening_hours"].tolist(), at, day_roles(calendar),
            file=file, ids=stations["station_id"].tolist(),
        ),
        index=stations.index, dtype=object,
    )  # fmt: skip
    is_open = how == Standing.OPEN
    left_out = stations.assign(standing=how.astype(str))[~is_open]
    return OpenStations(stations[is_open].reset_index(drop=True), at, left_out.reset_index(drop=True))


def _tell_unread_hours(terminal: Terminal, stations: Layer) -> None:
    """Say which hours are in nobody's way today, but cannot be read when a moment is asked for."""
    ids = stations.frame["station_id"].tolist()
    unread = unread_hours(stations.frame["opening_hours"].tolist(), ids)
    if unread:
        terminal.warn(
            text(
                "cli.reach.hours_unread", terminal.language, file=stations.name, n=len(unread),
                stations=listed(unread),
            )
        )  # fmt: skip


def _frames(found: Reached, earlier: EarlierPlan) -> dict[str, pd.DataFrame]:
    crs = found.layers.layer_crs
    grids = read_layer(earlier.sources()["grids"], "grids").frame.to_crs(crs)
    frames: dict[str, pd.DataFrame] = {
        "units": found.units().to_crs(crs),
        "micro_grids": grids[["grid_id", "geometry"]].merge(found.sums("grid_id"), on="grid_id", how="left"),
        "communities": found.layers.communities_original[["community_id", "name", "geometry"]].merge(
            found.sums("community_id"), on="community_id", how="left"
        ),
        "stations": found.of_stations().to_crs(crs),
    }
    if "cells" in earlier.layers:
        frames["white_patches"] = found.white_patches(cells_of(earlier, found.layers).tolist()).to_crs(crs)
    return frames


def _tell(
    terminal: Terminal,
    found: Reached,
    output: Path,
    map_file: Path | None,
    opened: OpenStations | None,
    *,
    placeless: int,
) -> None:
    households = int(found.households.sum())
    within = {name: int(values.sum()) for name, values in found.within().items()}
    key = "straight" if found.reach.is_straight else "walked"
    lines = [text(f"cli.reach.{key}", terminal.language, stations=len(found.stations), households=households)]
    told: dict[str, object] = {"stations": {"counted": len(found.stations)}, "left_out": placeless}
    if opened is not None:
        counts = {
            "open": len(opened.frame),
            "shut": opened.count(Standing.SHUT),
            "untold": opened.count(Standing.UNKNOWN),
        }
        told |= {"at": opened.at.isoformat(timespec="minutes"), "stations": counts}
        moment = f"{opened.at:%Y-%m-%d %H:%M}"
        lines.append(text("cli.reach.at", terminal.language, at=moment, **counts))
    for limit, reached_here in zip(found.minutes, within.values(), strict=True):
        share = reached_here / households if households else 0.0
        lines.append(
            text(
                "cli.reach.within",
                terminal.language,
                minutes=f"{limit:g}",
                households=reached_here,
                share=share,
            )
        )
    lost = int(found.households[found.reach.unconnected].sum())
    if lost:
        lines.append(
            text(
                "cli.reach.unconnected",
                terminal.language,
                households=lost,
                units=len(found.reach.unconnected),
            )
        )
    apart = found.stations["station_id"].to_numpy(dtype=object)[found.reach.stations_unconnected]
    if len(apart):
        lines.append(
            text(
                "cli.reach.stations_apart",
                terminal.language,
                stations=listed(map(str, apart)),
                n=len(apart),
            )
        )
    lines.append(text("cli.reach.written", terminal.language, file=output))
    if map_file is not None:
        lines.append(text("cli.map_written", terminal.language, file=map_file))
    terminal.result(
        lines,
        {
            "reach": str(output), "map": map_file and str(map_file), "straight": found.reach.is_straight,
            "households": households, **within,
            "unconnected_households": lost, "stations_unconnected": [str(station) for station in apart],
            "white_households": households - list(within.values())[-1], **told,
        },
    )  # fmt: skip
