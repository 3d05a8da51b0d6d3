"""What `weige site` does, between reading layers and telling the result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd

from api.console import Terminal
from api.outputs import draw_map, ready
from api.plan_sources import (
    cells_of,
    plan_sources,
    points_beside,
    required_count,
    required_range,
    walked_layers,
)
from api.sources import Sources
from api.telling import warn
from geo.errors import InputError
from geo.layers import LayerKind
from geo.names import listed, shortened
from geo.plan_layers import without_own_grids
from geo.sited import Aim, Question, Sited, sited
from maps.plan_file import write_frames
from maps.text import Language, text

# Chosen places that the terminal lists; all stand in the file.
_SHOWN = 12
_BESIDE: tuple[LayerKind, ...] = ("stations", "candidates")


@dataclass(frozen=True)
class Asked:
    """Options that say what is asked."""

    new: int | None
    cover: float | None
    is_nearest: bool
    capacity: int | None
    minutes: float | None


def question_of(asked: Asked) -> Question:
    """Return the question; refuse options that do not go together, and numbers out of range.

    Raises
    ------
    InputError
    """
    if (asked.new is None) == (asked.cover is None):
        raise InputError(
            "site_question", "the question is not clear", mend="give either --new K or --cover MINUTES"
        )
    nearest = asked.is_nearest or asked.capacity is not None
    if nearest and asked.cover is not None:
        raise InputError(
            "site_nearest_of_cover", "--nearest and --capacity do not go with --cover",
            mend="leave them out, or give --new K instead of --cover",
        )  # fmt: skip
    if asked.minutes is not None and asked.cover is not None:
        raise InputError(
            "site_minutes_of_cover", "--minutes does not go with --cover, which says the minutes itself",
            mend="leave --minutes out",
        )  # fmt: skip
    required_count(asked.new, "--new")
    required_count(asked.capacity, "--capacity")
    minutes = next(given for given in (asked.cover, asked.minutes, 15.0) if given is not None)
    required_range(minutes, "--minutes" if asked.cover is None else "--cover", example="15")
    aim: Aim = "cover" if asked.cover is not None else "nearest" if nearest else "reach"
    return Question(aim, asked.new or 0, minutes, asked.capacity)


def find_sites(
    terminal: Terminal,
    plan_file: Path,
    given: Sources,
    *,
    asked: Asked,
    kmh: float,
    output: Path,
    map_file: Path | None = None,
) -> None:
    """Choose places for further stations, write them with whom they serve, and tell them.

    Beside the plan: `stations` that stand, and `candidates`.
    """
    ready({output: (".gpkg",), map_file: (".html", ".htm")}, [str(plan_file), *given.layers.values()])
    question = question_of(asked)
    required_range(kmh, "--speed", example="4")
    with terminal.progress() as report:
        report("reading", 0, 1)
        earlier, sources = plan_sources(plan_file)
        layers = without_own_grids(walked_layers(sources, given))
        beside = {kind: points_beside(given, kind, layers.units) for kind in _BESIDE if kind in given.layers}
        warn(terminal, [*layers.findings, *(each for layer in beside.values() for each in layer.findings)])
        report("reading", 1, 1)
        report("siting", 0, 1)
        frames = {kind: layer.frame for kind, layer in beside.items()}
        if {"stations", "candidates"} <= frames.keys():
            frames["candidates"] = _told_apart(
                frames["candidates"], frames["stations"], beside["candidates"].name
            )
        found = sited(
            layers, question, stations=frames.get("stations"), candidates=frames.get("candidates"),
            metres_per_minute=kmh * 1000 / 60,
        )  # fmt: skip
        report("siting", 1, 1)
        write_frames(site_frames(found), output)
        if map_file is not None:
            from maps.walk_map import site_map

            walk = site_map(found, cells_of(earlier, layers))
            draw_map(terminal, plan_file, map_file, report, walk=walk)
    _tell(terminal, found, output, map_file)


def _told_apart(candidates: gpd.GeoDataFrame, stations: gpd.GeoDataFrame, file: str) -> gpd.GeoDataFrame:
    """Return candidates none of which is called as a station is: those that were only numbered as C1, C2, ...

    Raises
    ------
    InputError
        An id that an office gave is that of a station too.
    """
    ids = candidates["candidate_id"].astype(str)
    twice = ids[ids.isin(set(stations["station_id"].astype(str)))]
    if twice.empty:
        return candidates
    numbers = [f"{row + 1}" for row in range(len(ids))]
    if ids.str.removeprefix("#").tolist() == numbers:
        return candidates.assign(candidate_id=[f"C{number}" for number in numbers])
    raise InputError(
        "candidate_is_station",
        f"{shortened(twice.iloc[0])} is the id of a station too ({len(twice):,} such)",
        mend="give candidates ids of their own", file=file, layer="candidates", field="candidate_id",
        feature=twice.iloc[0], id=shortened(twice.iloc[0]), n=len(twice),
    )  # fmt: skip


def site_frames(found: Sited) -> dict[str, pd.DataFrame]:
    """Return the layers and tables of the answer by name, in the communities' CRS."""
    crs = found.layers.layer_crs
    answer, question = found.answer, found.question
    run = pd.DataFrame(
        {
            "aim": [question.aim],
            "k": [question.k],
            "minutes": [question.minutes],
            "capacity": pd.array([question.capacity], dtype="Int64"),
            "value": [answer.value],
            "bound": [answer.bound],
            "gap": [round(answer.gap, 6)],
            "proved": [int(answer.proved)],
            "straight": [int(found.is_straight)],
        }
    )
    return {
        "sites": found.sites().to_crs(crs),
        "units": found.units().to_crs(crs),
        "households": found.served(),
        "unreached": found.unreached().to_crs(crs),
        "gains": found.gains,
        "run": run,
    }


def _tell(terminal: Terminal, found: Sited, output: Path, map_file: Path | None) -> None:
    language, question, answer = terminal.language, found.question, found.answer
    gains = found.gains.iloc[: len(found.order) + 1]
    before, after = gains.iloc[0], gains.iloc[-1]
    lines = [
        text(
            "cli.site.straight" if found.is_straight else "cli.site.walked", language,
            standing=int(found.nearby.is_standing.sum()), candidates=len(found.nearby.candidates),
            households=found.all_households,
        )
    ]  # fmt: skip
    if found.side_m:
        lines.append(text("cli.site.thinned", language, side=f"{found.side_m:g}"))
    lines += _chosen(found, language)
    has_room = question.capacity is not None
    called = found.called
    # What is sought is what is told, as the map does: shorter walks, or households.
    gain = "gain_saved" if question.aim == "nearest" else "gain"
    rows = gains.iloc[1:].head(_SHOWN)
    for row in rows.assign(saved=rows["saved"].round().astype("int64")).itertuples():
        lines.append(
            text(
                f"cli.site.{gain}_served" if has_room else f"cli.site.{gain}", language, n=row.n,
                place=shortened(called[str(row.place_id)], 60), gained=row.gained, saved=row.saved,
                share=row.share, mean=row.mean_minutes,
            )
        )  # fmt: skip
    if len(gains) - 1 > _SHOWN:
        lines.append(text("cli.site.more", language, n=len(gains) - 1 - _SHOWN))
    lines.append(
        text(
            "cli.site.served" if has_room else "cli.site.reached", language,
            minutes=f"{question.minutes:g}", capacity=question.capacity or 0, before=before["share"],
            after=after["share"], mean_before=before["mean_minutes"], mean_after=after["mean_minutes"],
        )
    )  # fmt: skip
    left = found.unreached().groupby("reason")["households"].sum()
    if len(left):
        told = text("finding.separator", language).join(
            text(f"cli.site.why.{reason}", language, households=int(count)) for reason, count in left.items()
        )
        lines.append(text("cli.site.unreached", language, households=int(left.sum()), why=told))
    lines += _apart(found, language)
    lines.append(text("cli.site.written", language, file=output))
    if map_file is not None:
        lines.append(text("cli.map_written", language, file=map_file))
    terminal.result(
        lines,
        {
            "sites": str(output), "map": map_file and str(map_file), "aim": question.aim,
            "straight": found.is_straight, "k": question.k, "candidates": len(found.nearby.candidates),
            "places": [str(each) for each in gains["place_id"][1:]],
            "value": answer.value, "bound": answer.bound, "gap": round(answer.gap, 6),
            "proved": answer.proved,
            "households": found.all_households, "reached_before": int(before["reached"]),
            "reached": int(after["reached"]), "unreached": {str(k): int(v) for k, v in left.items()},
            "gains": [int(each) for each in gains["gained"][1:]],
            "saved": [round(float(each)) for each in gains["saved"][1:]],
        },
    )  # fmt: skip


def _chosen(found: Sited, language: Language) -> list[str]:
    """Say what was chosen, how good it is, and why it is fewer places than were asked for."""
    question, answer, n = found.question, found.answer, len(found.order)
    n_candidates, minutes = len(found.nearby.candidates), f"{question.minutes:g}"
    if not n:
        lines = [text(f"cli.site.none.{question.aim}", language, minutes=minutes)]
    else:
        lines = [
            text(f"cli.site.{question.aim}", language, n=n, minutes=minutes, value=round(answer.value)),
            text("cli.site.proved", language)
            if answer.proved
            else text("cli.site.gap", language, gap=max(answer.gap, 1e-4), bound=round(answer.bound)),
        ]
    if question.k > n_candidates:
        lines.insert(0, text("cli.site.few_candidates", language, k=question.k, candidates=n_candidates))
    elif 0 < n < question.k:
        lines.insert(1, text("cli.site.no_more", language, k=question.k))
    return lines


def _apart(found: Sited, language: Language) -> list[str]:
    """Name the stations, and the candidates, that no way leads to."""
    lines, ids = [], found.places["place_id"].to_numpy(dtype=object)
    is_standing = found.nearby.is_standing[found.places_lost]
    stations, candidates = ids[found.places_lost[is_standing]], ids[found.places_lost[~is_standing]]
    if len(stations):
        named = listed(map(str, stations))
        lines.append(text("cli.reach.stations_apart", language, stations=named, n=len(stations)))
    if len(candidates):
        named = listed(map(str, candidates))
        lines.append(text("cli.site.candidates_apart", language, places=named, n=len(candidates)))
    return lines
